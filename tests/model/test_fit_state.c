/* test_fit_state.c - a fit that was interrupted goes on to the same bits. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "model/fit.h"
#include "model/linear.h"

static const ensemble_settings SHAPE = {3, 2, 24, 2};
static const char PATH[] = "fit_state.safetensors";

/* Stops in the middle of epoch `in`; 0: never. Sums what it is told. */
typedef struct stopper {
  int in, epoch, told;
  double sum;
} stopper;

static bool on_step(void *ctx, int64_t done, int64_t total)
{
  stopper *s = ctx;
  return s->in && s->epoch + 1 == s->in && done > total / 2;
}

static bool on_epoch(void *ctx, const fit_epoch *now)
{
  stopper *s = ctx;
  s->epoch = now->epoch;
  assert_int_equal(now->epoch, ++s->told);
  for (int e = 0; e < now->members; e++)
    s->sum += now->train_loss[e] + now->train_mse[e] + now->holdout_mse[e];
  return false;
}

static mopo_status fit(ensemble **m, fit_result *r, stopper *s, const char *state,
                       const mopo_dataset *d, mopo_error *err)
{
  fit_settings set = {.batch = 64,
                      .patience = 3,
                      .max_epochs = 9,
                      .holdout_max = 1000,
                      .lr = 1e-3,
                      .decay = 1,
                      .improvement = 0.01,
                      .holdout_ratio = 0.2,
                      .state = state};
  fit_watch watch = {on_epoch, on_step, s};
  par *pool = NULL;
  assert_ok(par_create(&pool, 1, err), *err);
  assert_ok(ensemble_create(m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), err), *err);
  mopo_status st = ensemble_fit(*m, r, d, &set, pool, rng_seed(2), &watch, err);
  par_free(pool);
  return st;
}

static void assert_same(const ensemble *a, const ensemble *b)
{
  for (int e = 0; e < SHAPE.members; e++) {
    size_t bytes = a->net[e].size * sizeof(float);
    assert_memory_equal(a->net[e].params, b->net[e].params, bytes);
  }
  assert_memory_equal(a->max, b->max, (size_t)a->D * sizeof(float));
  assert_memory_equal(a->min, b->min, (size_t)a->D * sizeof(float));
  assert_memory_equal(a->holdout_mse, b->holdout_mse, (size_t)SHAPE.members * sizeof(double));
  assert_memory_equal(a->elite, b->elite, (size_t)SHAPE.members * sizeof(int));
}

/* Stopped in epochs 3 and 6, and once more after the last: what came out and what was told agree.
 */
static void test_same_bits(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = linear_dataset(700, 3);
  ensemble *whole = NULL, *m = NULL;
  fit_result r, cut;
  stopper all = {0};
  assert_ok(fit(&whole, &r, &all, NULL, d, &err), err);
  assert_true(r.epochs > 6);
  unlink(PATH);
  for (int in = 3; in <= 6; in += 3) {
    stopper s = {.in = in};
    assert_int_equal(fit(&m, &cut, &s, PATH, d, &err), MOPO_ESTOPPED);
    assert_int_equal(s.told, in - 1);
    ensemble_free(m);
  }
  for (int again = 0; again < 2; again++) {
    stopper s = {0};
    assert_ok(fit(&m, &cut, &s, PATH, d, &err), err);
    assert_same(m, whole);
    assert_int_equal(cut.epochs, r.epochs);
    assert_int_equal(s.told, all.told);
    assert_true(s.sum == all.sum);
    assert_memory_equal(cut.bin, r.bin, sizeof r.bin);
    ensemble_free(m);
  }
  ensemble_free(whole);
  mopo_dataset_free(d);
}

/* Cut short anywhere, of another shape, or with a number that is none: one line, no crash. */
static void test_refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = linear_dataset(700, 3);
  ensemble *m = NULL;
  fit_result r;
  stopper s = {.in = 2};
  unlink(PATH);
  assert_int_equal(fit(&m, &r, &s, PATH, d, &err), MOPO_ESTOPPED);
  ensemble_free(m);
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, PATH, 1 << 24, &err), err);
  for (size_t cut = 0; cut < n; cut += cut < 2000 ? 131 : n / 9) {
    assert_ok(file_write(PATH, bytes, cut, &err), err);
    s = (stopper){0};
    assert_int_equal(fit(&m, &r, &s, PATH, d, &err), MOPO_EFORMAT);
    ensemble_free(m);
  }
  memset(bytes + n - 200, 0xff, 8); /* in the history or before it: floats of the last arrays */
  memset(bytes + n / 2, 0xff, 64);  /* NaN in the middle of the weights */
  assert_ok(file_write(PATH, bytes, n, &err), err);
  s = (stopper){0};
  assert_int_equal(fit(&m, &r, &s, PATH, d, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, PATH));
  ensemble_free(m);
  free(bytes);
  unlink(PATH);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
