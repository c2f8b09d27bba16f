/* test_fit_state.c - a fit that was interrupted goes on to the same bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"
#include "io/safetensors.h"
#include "model/fit.h"
#include "model/fit_state.h"
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

/* cosine: the epochs of its schedule; 0: a constant rate. */
static mopo_status fit_as(ensemble **m, fit_result *r, stopper *s, const char *state,
                          const mopo_dataset *d, uint64_t seed, int cosine, mopo_error *err)
{
  fit_settings set = {.batch = 64,
                      .patience = 3,
                      .max_epochs = cosine ? cosine : 9,
                      .cosine = cosine > 0,
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
  mopo_status st = ensemble_fit(*m, r, d, &set, pool, rng_seed(seed), &watch, err);
  par_free(pool);
  return st;
}

static mopo_status fit_by(ensemble **m, fit_result *r, stopper *s, const char *state,
                          const mopo_dataset *d, uint64_t seed, mopo_error *err)
{
  return fit_as(m, r, s, state, d, seed, 0, err);
}

static mopo_status fit(ensemble **m, fit_result *r, stopper *s, const char *state,
                       const mopo_dataset *d, mopo_error *err)
{
  return fit_by(m, r, s, state, d, 2, err);
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

/* With a learning rate that falls, too; but not to another number of epochs, which would be another
 * rate. */
static void test_same_bits_of_a_cosine(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = linear_dataset(700, 3);
  ensemble *whole = NULL, *m = NULL;
  fit_result r;
  stopper s = {0};
  assert_ok(fit_as(&whole, &r, &s, NULL, d, 2, 6, &err), err);
  assert_int_equal(r.epochs, 6);
  unlink(PATH);
  s = (stopper){.in = 4};
  assert_int_equal(fit_as(&m, &r, &s, PATH, d, 2, 6, &err), MOPO_ESTOPPED);
  ensemble_free(m);
  for (int other = 0; other <= 7; other += 7) { /* a constant rate; a longer fall */
    s = (stopper){0};
    assert_int_equal(fit_as(&m, &r, &s, PATH, d, 2, other, &err), MOPO_EINVAL);
    assert_non_null(strstr(err.msg, "cosine over 6 epochs"));
    ensemble_free(m);
  }
  s = (stopper){0};
  assert_ok(fit_as(&m, &r, &s, PATH, d, 2, 6, &err), err);
  assert_same(m, whole);
  ensemble_free(m);
  ensemble_free(whole);
  unlink(PATH);
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

/* A fit of other data, even of one bit, or of another seed does not go on from it. */
static void test_of_something_else(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = linear_dataset(700, 3);
  ensemble *m = NULL;
  fit_result r;
  stopper s = {.in = 3};
  unlink(PATH);
  assert_int_equal(fit(&m, &r, &s, PATH, d, &err), MOPO_ESTOPPED);
  assert_non_null(strstr(err.msg, "stopped"));
  ensemble_free(m);
  s = (stopper){0};
  assert_int_equal(fit_by(&m, &r, &s, PATH, d, 3, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, PATH));
  ensemble_free(m);
  d->rows[5] = nextafterf(d->rows[5], 9.0f);
  assert_int_equal(fit(&m, &r, &s, PATH, d, &err), MOPO_EINVAL);
  assert_int_equal(s.told, 0);
  ensemble_free(m);
  unlink(PATH);
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ the file by itself */

enum { MEMBERS = 2, SIZE = 3, OUTPUTS = 2, EPOCHS = 2 };

/* A state of two members and three parameters; every array has values of its own. */
typedef struct small {
  fit_state s;
  float floats[7][MEMBERS * SIZE];
  double doubles[3][MEMBERS + 1], history[EPOCHS * 3 * MEMBERS];
} small;

static void small_make(small *x)
{
  *x = (small){.s = {.members = MEMBERS, .size = SIZE, .outputs = OUTPUTS, .epochs = EPOCHS}};
  fit_state *s = &x->s;
  for (int i = 0; i < 7; i++)
    for (int k = 0; k < MEMBERS * SIZE; k++) x->floats[i][k] = (float)(10 * i + k);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k <= MEMBERS; k++) x->doubles[i][k] = 0.5 + 10 * i + k;
  for (int k = 0; k < EPOCHS * 3 * MEMBERS; k++) x->history[k] = k;
  for (int e = 0; e < MEMBERS; e++) {
    s->weights[e] = x->floats[0] + e * SIZE;
    s->m[e] = x->floats[1] + e * SIZE;
    s->v[e] = x->floats[2] + e * SIZE;
  }
  s->best = x->floats[3];
  s->max = x->floats[4], s->min = x->floats[4] + OUTPUTS;
  s->bound_m = x->floats[5], s->bound_v = x->floats[6];
  s->best_mse = x->doubles[0], s->power1 = x->doubles[1], s->power2 = x->doubles[2];
  s->history = x->history;
}

/* The file of a small state, one number of it another, or one array not there. */
static void write_with(const char *format, const char *name, int at, double value)
{
  small x;
  mopo_error err;
  tensor_file *f = NULL;
  double copy[32];
  small_make(&x);
  assert_ok(fit_state_save(&x.s, PATH, &err), err);
  assert_ok(tensor_file_open(&f, PATH, &err), err);
  tensor_list *l = tensor_list_create();
  if (format) assert_ok(tensor_list_meta(l, "format", format, &err), err);
  for (int i = 0; i < tensor_file_count(f); i++) {
    tensor t = *tensor_file_at(f, i);
    if (!strcmp(t.name, name)) {
      if (at < 0) continue;
      assert_true(tensor_bytes(&t) <= sizeof copy);
      t.data = memcpy(copy, t.data, tensor_bytes(&t));
      if (t.type == TENSOR_F32) ((float *)copy)[at] = (float)value;
      if (t.type == TENSOR_F64) copy[at] = value;
      if (t.type == TENSOR_I64) ((int64_t *)copy)[at] = (int64_t)value;
    }
    assert_ok(tensor_list_add(l, t.name, t.type, t.rank, t.shape, t.data, &err), err);
  }
  assert_ok(tensor_list_write(l, PATH, &err), err);
  tensor_list_free(l);
  tensor_file_free(f);
}

/* Refused, and nothing has been changed. */
static void expect_refused(const char *message)
{
  small x, before;
  mopo_error err = {0};
  small_make(&x), small_make(&before);
  x.s.history = NULL;
  mopo_status st = fit_state_load(&x.s, PATH, &err);
  if (st != MOPO_EFORMAT || !strstr(err.msg, message))
    fail_msg("%d '%s', want '%s'", st, err.msg, message);
  assert_memory_equal(x.floats, before.floats, sizeof x.floats);
  assert_memory_equal(x.doubles, before.doubles, sizeof x.doubles);
  assert_null(x.s.history);
}

static void test_a_file_comes_back(void **state)
{
  (void)state;
  small x, back;
  mopo_error err;
  small_make(&x), small_make(&back);
  x.s.stale = 1;
  memset(back.floats, 0, sizeof back.floats);
  memset(back.doubles, 0, sizeof back.doubles);
  assert_ok(fit_state_save(&x.s, PATH, &err), err);
  assert_ok(fit_state_load(&back.s, PATH, &err), err);
  assert_memory_equal(x.floats[0], back.floats[0], 3 * sizeof x.floats[0]);
  assert_memory_equal(x.s.best, back.s.best, sizeof x.floats[3]);
  assert_memory_equal(x.s.bound_v, back.s.bound_v, 2 * OUTPUTS * sizeof(float));
  assert_memory_equal(x.s.power2, back.s.power2, (MEMBERS + 1) * sizeof(double));
  assert_memory_equal(x.history, back.s.history, sizeof x.history);
  assert_true(back.s.epochs == EPOCHS && back.s.stale == 1);
  free(back.s.history);
  assert_int_equal(fit_state_load(&back.s, "no/such/fit", &err), MOPO_EIO);
}

static void test_files_that_no_fit_leaves(void **state)
{
  static const char good[] = "mopo.fit.1";
  static const struct {
    const char *format, *name;
    int at;
    double value;
    const char *message;
  } bad[] = {
      {NULL, "", 0, 0, "format '', want mopo.fit.1"},
      {"mopo.fit.2", "", 0, 0, "format 'mopo.fit.2', want mopo.fit.1"},
      {good, "weights.1", -1, 0, "no tensor 'weights.1'"},
      {good, "weights.1", 2, NAN, "'weights.1' is not finite"},
      {good, "m.0", 0, INFINITY, "'m.0' is not finite"},
      {good, "bound_v", 3, -INFINITY, "'bound_v' is not finite"},
      {good, "best_mse", 1, NAN, "'best_mse' is not finite"},
      {good, "power2", 2, INFINITY, "'power2' is not finite"},
      {good, "place", -1, 0, "no tensor 'place'"},
      {good, "history", -1, 0, "no tensor 'history'"},
      {good, "place", 0, 3, "tensor 'history' is F64 [2,3,2], want F64 [3,3,2]"},
      {good, "place", 0, -1, "tensor 'history' is F64 [2,3,2], want F64 [-1,3,2]"},
      {good, "place", 1, -1, "2 epochs, -1 of them in vain"},
      {good, "place", 1, 2, "2 epochs, 2 of them in vain"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_with(bad[i].format, bad[i].name, bad[i].at, bad[i].value);
    expect_refused(bad[i].message);
  }
  /* No epoch at all: what is written after none. */
  small x;
  mopo_error err;
  small_make(&x);
  x.s.epochs = 0;
  assert_ok(fit_state_save(&x.s, PATH, &err), err);
  expect_refused("0 epochs, 0 of them in vain");
  unlink(PATH);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),         cmocka_unit_test(test_same_bits_of_a_cosine),
      cmocka_unit_test(test_refused),           cmocka_unit_test(test_of_something_else),
      cmocka_unit_test(test_a_file_comes_back), cmocka_unit_test(test_files_that_no_fit_leaves)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
