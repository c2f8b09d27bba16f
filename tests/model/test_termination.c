/* test_termination.c - ends are learned from the ends that were recorded. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "data/dataset.h"
#include "model/termination.h"

/* A cart that is pushed at random: x' = x + 0.1 a + 0.05 z, beside it a column that is noise and
 * one that never moves. It ends where x + 0.1 a is beyond 1, so (s, a) tells. */
enum { S = 3, A = 1, N = 8000, LENGTH = 60 };

static bool beyond(float x, float a) { return fabsf(x + 0.1f * a) > 1.0f; }

/* ends: 0: none recorded, 1: the first only, 2: as they come, 3: every row. */
static mopo_dataset *walks(int ends)
{
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(dataset_create(&d, N, S, A, "walks", &err), err);
  rng_stream r = rng_stream_of(rng_seed(5));
  float x = 0.0f;
  for (int i = 0, t = 0, seen = 0; i < N; i++) {
    float *row = d->rows + (size_t)i * (size_t)d->at.width, a = 2.0f * rng_uniform(&r) - 1.0f;
    bool end = beyond(x, a);
    row[0] = x, row[1] = rng_normal(&r), row[2] = 101325.0f, row[d->at.act] = a;
    x += 0.1f * a + 0.05f * rng_normal(&r);
    memcpy(row + d->at.next, (float[]){x, row[1], row[2]}, sizeof(float[S]));
    seen += end;
    bool told = ends == 3 || (end && (ends == 2 || (ends == 1 && seen == 1)));
    row[d->at.done] = told;
    if (end || ++t == LENGTH || ends == 3) {
      d->timeouts[i] = !told;
      x = 0.6f * rng_normal(&r), t = 0;
    }
  }
  dataset_mark_ends(d);
  return d;
}

static termination *fitted(int ends, int threads)
{
  mopo_error err;
  par *pool = NULL;
  termination *t = NULL;
  mopo_dataset *d = walks(ends);
  assert_ok(par_create(&pool, threads, &err), err);
  assert_ok(termination_fit(&t, d, rng_seed(3), pool, NULL, &err), err);
  par_free(pool);
  mopo_dataset_free(d);
  return t;
}

enum { GRID = 201 };

/* Logits for x = -2 .. 2, the action 0. */
static void logits(float out[GRID], const termination *t)
{
  termination_work w;
  arena a = {0};
  termination_work_layout(&w, t, &a);
  assert_true(arena_alloc(&a));
  termination_work_layout(&w, t, &a);
  float state[GRID][S], still = 0.0f;
  const float *obs[GRID], *act[GRID];
  for (int i = 0; i < GRID; i++) {
    memcpy(state[i], (float[]){0.02f * (float)(i - 100), 0.0f, 101325.0f}, sizeof state[i]);
    obs[i] = state[i], act[i] = &still;
  }
  termination_logit(t, &w, out, obs, act, GRID); /* more than one block */
  free(a.base);
}

static void learns_the_rule(void **state)
{
  (void)state;
  termination *t = fitted(2, 2);
  float l[GRID];
  logits(l, t);
  for (int i = 0; i < GRID; i++) {
    float x = 0.02f * (float)(i - 100);
    if (fabsf(x) < 0.85f) assert_true(l[i] < 0.0f);
    if (fabsf(x) > 1.05f) assert_true(l[i] > 0.0f);
    if (fabsf(x) < 0.6f) assert_true(l[i] < -4.0f); /* one of 250 rows or so ends */
  }
  const termination_facts *k = &t->facts;
  assert_true(t->learned && k->terminals > 50 && k->held_rows > 400 && k->held_ends >= 7.0);
  /* As many ends are foretold as there are, within three deviations of a count; most of what can
   * be known is known. */
  assert_true(fabs(k->held_foretold - k->held_ends) < 3.0 * sqrt(k->held_ends));
  assert_true(k->held_loss < 0.5 * k->held_base);
  termination_free(t);
}

static void same_bits_for_any_threads(void **state)
{
  (void)state;
  termination *one = fitted(2, 1), *three = fitted(2, 3);
  assert_memory_equal(one->net.params, three->net.params, one->net.size * sizeof(float));
  assert_true(one->offset == three->offset);
  termination_free(one);
  termination_free(three);
}

static void few_ends(void **state)
{
  (void)state;
  float l[GRID];
  termination *none = fitted(0, 1), *all = fitted(3, 1), *single = fitted(1, 1);
  logits(l, none);
  for (int i = 0; i < GRID; i++) assert_true(l[i] == -30.0f);
  assert_false(termination_draw(l[0], 0.0f));
  logits(l, all);
  for (int i = 0; i < GRID; i++) assert_true(l[i] == 30.0f);
  assert_true(termination_draw(l[0], 0.999999f));
  /* One end: nothing can be held out; the middle of the log, where thousands of rows go on, does.
   */
  logits(l, single);
  assert_true(single->learned && single->facts.held_rows == 0 && isnan(single->facts.held_loss));
  for (int i = 80; i <= 120; i++) assert_true(l[i] < -4.0f);
  termination_free(none);
  termination_free(all);
  termination_free(single);
}

static void a_file_holds_it(void **state)
{
  (void)state;
  mopo_error err;
  static const char PATH[] = "termination.safetensors";
  termination *t = fitted(2, 1), *back = NULL;
  tensor_list *l = tensor_list_create();
  termination_staged staged = {.values = calloc(termination_values(t), sizeof(float))};
  assert_non_null(staged.values);
  assert_ok(termination_add(t, &staged, l, &err), err);
  assert_ok(tensor_list_write(l, PATH, &err), err);
  free(staged.values);
  tensor_list_free(l);
  tensor_file *f = NULL;
  assert_ok(tensor_file_open(&f, PATH, &err), err);
  assert_ok(termination_of(&back, f, PATH, S, A, &err), err);
  float before[GRID], after[GRID];
  logits(before, t), logits(after, back);
  assert_memory_equal(before, after, sizeof before);
  assert_memory_equal(&t->facts, &back->facts, sizeof t->facts);
  termination_free(back);
  assert_int_equal(termination_of(&back, f, PATH, S + 1, A, &err), MOPO_EFORMAT);
  assert_null(back);
  tensor_file_free(f);
  termination_free(t);
}

static void holds_no_head(void **state)
{
  (void)state;
  mopo_error err;
  float x = 0.0f;
  termination *t = NULL;
  tensor_file *f = NULL;
  tensor_list *l = tensor_list_create();
  assert_ok(tensor_list_add(l, "other", TENSOR_F32, 1, (int64_t[]){1}, &x, &err), err);
  assert_ok(tensor_list_write(l, "other.safetensors", &err), err);
  tensor_list_free(l);
  assert_ok(tensor_file_open(&f, "other.safetensors", &err), err);
  assert_ok(termination_of(&t, f, "other.safetensors", S, A, &err), err);
  assert_null(t);
  tensor_file_free(f);
}

static void stops(void **state)
{
  (void)state;
  mopo_error err;
  par *pool = NULL;
  termination *t = NULL;
  mopo_dataset *d = walks(2);
  volatile sig_atomic_t stop = 1;
  assert_ok(par_create(&pool, 1, &err), err);
  assert_int_equal(termination_fit(&t, d, rng_seed(3), pool, &stop, &err), MOPO_ESTOPPED);
  assert_null(t);
  par_free(pool);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(learns_the_rule), cmocka_unit_test(same_bits_for_any_threads),
      cmocka_unit_test(few_ends),        cmocka_unit_test(a_file_holds_it),
      cmocka_unit_test(holds_no_head),   cmocka_unit_test(stops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
