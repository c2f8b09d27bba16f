/* test_par.c - every piece once, whoever runs it; the same sums; no job is lost or waited for in
 * vain. Threads here are more than the cores of most machines. */
#include "check.h"

#include "base/par.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static const int THREADS[] = {1, 2, 3, 8, 16};
enum { COUNTS = sizeof THREADS / sizeof *THREADS, MOST_PIECES = 1000, MOST_THREADS = 16 };

static par *pool_of(int threads)
{
  mopo_error e;
  par *p = NULL;
  assert_ok(par_create(&p, threads, &e), e);
  assert_int_equal(par_threads(p), threads);
  return p;
}

/* ------------------------------------------------------------------ pieces */

/* A piece writes what is its own, plainly: a sanitizer of threads would see two of them meet. */
typedef struct visits {
  int threads, count[MOST_PIECES];
  atomic_flag at_work[MOST_THREADS]; /* a thread's workspace */
  atomic_int wrong;
} visits;

static void visit(void *ctx, int piece, int thread)
{
  visits *v = ctx;
  if (thread < 0 || thread >= v->threads || atomic_flag_test_and_set(&v->at_work[thread])) {
    atomic_fetch_add(&v->wrong, 1);
    return;
  }
  v->count[piece]++;
  atomic_flag_clear(&v->at_work[thread]);
}

static void every_piece_runs_once(void **state)
{
  (void)state;
  static const int pieces[] = {0, 1, 2, 3, 5, 16, 17, 64, MOST_PIECES};
  for (int t = 0; t < COUNTS; t++) {
    par *p = pool_of(THREADS[t]);
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++)
      for (int again = 0; again < 5; again++) {
        visits *v = calloc(1, sizeof *v);
        assert_non_null(v);
        v->threads = THREADS[t];
        par_run(p, pieces[k], visit, v);
        assert_int_equal(atomic_load(&v->wrong), 0);
        for (int i = 0; i < MOST_PIECES; i++) assert_int_equal(v->count[i], i < pieces[k]);
        free(v);
      }
    par_free(p);
  }
}

/* ------------------------------------------------------------------ sums */

typedef struct partial {
  float part[97];
} partial;

static void add_up(void *ctx, int piece, int thread)
{
  (void)thread;
  partial *s = ctx;
  float sum = 0.0f;
  for (int i = 1; i < 200; i++) sum += 1.0f / (float)(piece * 200 + i);
  s->part[piece] = sum;
}

/* Pieces added afterwards in their order: the same bits from any number of threads. */
static void sums_do_not_depend_on_threads(void **state)
{
  (void)state;
  float want = 0.0f;
  for (int t = 0; t < COUNTS; t++) {
    par *p = pool_of(THREADS[t]);
    for (int again = 0; again < 10; again++) {
      partial s = {{0}};
      float sum = 0.0f;
      par_run(p, 97, add_up, &s);
      for (int i = 0; i < 97; i++) sum += s.part[i];
      if (t == 0) want = sum;
      assert_true(sum == want);
    }
    par_free(p);
  }
}

/* ------------------------------------------------------------------ many short jobs */

static void count_own(void *ctx, int piece, int thread)
{
  (void)thread;
  ((int *)ctx)[piece]++;
}

/* More threads than cores wait for each other's turn, so they get fewer jobs. */
static void many_short_jobs_come_back(void **state)
{
  (void)state;
  static const int jobs[COUNTS] = {20000, 20000, 20000, 4000, 2000};
  for (int t = 0; t < COUNTS; t++) {
    par *p = pool_of(THREADS[t]);
    int count[4] = {0};
    for (int j = 0; j < jobs[t]; j++) par_run(p, 4, count_own, count);
    for (int i = 0; i < 4; i++) assert_int_equal(count[i], jobs[t]);
    par_free(p);
  }
}

/* Workers that went to sleep between two jobs wake up for the second. */
static void sleepers_wake(void **state)
{
  (void)state;
  par *p = pool_of(3);
  int count[4] = {0};
  for (int j = 0; j < 20; j++) {
    par_run(p, 4, count_own, count);
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); /* ten times what they spin for */
  }
  for (int i = 0; i < 4; i++) assert_int_equal(count[i], 20);
  par_free(p);
}

/* ------------------------------------------------------------------ create and free */

static void pools_come_and_go(void **state)
{
  (void)state;
  for (int i = 0; i < 50; i++) par_free(pool_of(1 + i % 4));
  par_free(NULL);
  mopo_error e;
  par *p = NULL;
  assert_ok(par_create(&p, 0, &e), e);
  assert_int_equal(par_threads(p), par_cores());
  assert_true(par_cores() >= 1);
  par_free(p);
}

static void impossible_numbers_are_refused(void **state)
{
  (void)state;
  mopo_error e = {0};
  par *p = NULL;
  assert_int_equal(par_create(&p, -1, &e), MOPO_EINVAL);
  assert_string_equal(e.msg, "threads = -1, want 0 (all cores) to 256");
  assert_int_equal(par_create(&p, 257, &e), MOPO_EINVAL);
  assert_null(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_piece_runs_once),     cmocka_unit_test(sums_do_not_depend_on_threads),
      cmocka_unit_test(many_short_jobs_come_back), cmocka_unit_test(sleepers_wake),
      cmocka_unit_test(pools_come_and_go),         cmocka_unit_test(impossible_numbers_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
