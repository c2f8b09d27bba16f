/* test_stats.c - aggregates and intervals beside rliable's (tests/oracle/rliable_fixture.py), and
 * beside what can be counted by hand. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/stats.h"

enum { X_RUNS = 8, Y_RUNS = 5, TASKS = 3 };
static const int x_first[] = {0, 8, 16, 24}, y_first[] = {0, 5, 10, 15};

typedef struct fixture {
  double x[X_RUNS * TASKS], y[Y_RUNS * TASKS];
  double row[3][8]; /* mean, value, then low and high, each with the bracket it must lie in */
} fixture;

static void numbers(FILE *f, double *x, int n)
{
  for (int i = 0; i < n; i++) assert_int_equal(fscanf(f, "%lf", &x[i]), 1);
}

static fixture read_fixture(void)
{
  fixture q;
  FILE *f = fopen(FIXTURES "/rliable.txt", "r");
  assert_non_null(f);
  numbers(f, q.x, X_RUNS * TASKS);
  numbers(f, q.y, Y_RUNS * TASKS);
  for (int i = 0; i < 3; i++) numbers(f, q.row[i], 8);
  fclose(f);
  return q;
}

static void assert_row(const stats_interval *q, const double *row)
{
  assert_true(fabs(q->value - row[1]) < 1e-12 * fabs(row[1]));
  assert_true(q->low >= row[3] && q->low <= row[4]);
  assert_true(q->high >= row[6] && q->high <= row[7]);
}

static void aggregates_are_those_of_rliable(void **state)
{
  (void)state;
  mopo_error err;
  fixture f = read_fixture();
  stats_scores x = {f.x, x_first, TASKS}, y = {f.y, y_first, TASKS};
  stats_interval q;
  assert_true(fabs(stats_mean(f.x, X_RUNS * TASKS) - f.row[0][0]) < 1e-12);
  assert_ok(stats_iqm_interval(&q, &x, STATS_REPS, &err), err);
  assert_row(&q, f.row[0]);
  assert_ok(stats_iqm_interval(&q, &y, STATS_REPS, &err), err);
  assert_row(&q, f.row[1]);
  assert_ok(stats_improvement(&q, &x, &y, STATS_PAIR_REPS, &err), err);
  assert_row(&q, f.row[2]);
}

static void the_same_scores_give_the_same_bits(void **state)
{
  (void)state;
  mopo_error err;
  fixture f = read_fixture();
  stats_scores x = {f.x, x_first, TASKS};
  stats_interval a, b;
  assert_ok(stats_iqm_interval(&a, &x, 1000, &err), err);
  assert_ok(stats_iqm_interval(&b, &x, 1000, &err), err);
  assert_memory_equal(&a, &b, sizeof a);
}

static void what_can_be_counted(void **state)
{
  (void)state;
  mopo_error err;
  double x[] = {5, 1, 100, 2, 3, -50, 4, 2};
  assert_true(stats_iqm(x, 8) == (2 + 2 + 3 + 4) / 4.0); /* without -50, 1 and 5, 100 */
  assert_true(stats_iqm((double[]){7, 1, 1}, 3) == 3.0); /* nothing is cut from three */
  assert_true(fabs(stats_std((double[]){1, 2, 3, 4}, 4) - sqrt(5.0 / 3.0)) < 1e-15);
  assert_true(isnan(stats_std(x, 1)));

  /* two tasks: of four pairs, two above and one tie in the first; all below in the second */
  const double a[] = {2, 3, 0, 0}, b[] = {1, 3, 1, 1};
  const int first[] = {0, 2, 4};
  stats_interval q;
  stats_scores sa = {a, first, 2}, sb = {b, first, 2};
  assert_ok(stats_improvement(&q, &sa, &sb, 100, &err), err);
  assert_true(q.value == (2.5 / 4.0 + 0.0) / 2.0);
  assert_true(q.low <= q.value && q.value <= q.high);
}

/* With one run in a task there is nothing to redraw, and so no interval. */
static void one_run_has_no_interval(void **state)
{
  (void)state;
  mopo_error err;
  const double x[] = {1, 2, 3};
  const int first[] = {0, 2, 3};
  stats_interval q;
  stats_scores s = {x, first, 2};
  assert_ok(stats_iqm_interval(&q, &s, 100, &err), err);
  assert_true(q.value == 2.0 && isnan(q.low) && isnan(q.high));
  assert_ok(stats_mean_interval(&q, x, 2, 2000, &err), err);
  assert_true(q.value == 1.5 && q.low == 1.0 && q.high == 2.0); /* a quarter of the draws each */
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(aggregates_are_those_of_rliable),
                                     cmocka_unit_test(the_same_scores_give_the_same_bits),
                                     cmocka_unit_test(what_can_be_counted),
                                     cmocka_unit_test(one_run_has_no_interval)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
