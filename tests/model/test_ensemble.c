/* test_ensemble.c - the fit finds known dynamics and a known noise, to the same bits on any number
 * of threads; files come back as they were; the step samples what the members say. */
#include "linear.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/safetensors.h"
#include "model/fit.h"

static const fit_settings SET = {.batch = 64,
                                 .patience = 3,
                                 .max_epochs = 25,
                                 .holdout_max = 400,
                                 .lr = 1e-3,
                                 .decay = 1,
                                 .improvement = 0.01,
                                 .holdout_ratio = 0.2};
static const ensemble_settings SHAPE = {3, 2, 24, 2};

static ensemble *fitted(const mopo_dataset *d, int threads, fit_result *r)
{
  mopo_error err;
  par *pool = NULL;
  ensemble *m = NULL;
  assert_ok(par_create(&pool, threads, &err), err);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  assert_ok(ensemble_fit(m, r, d, &SET, pool, rng_seed(2), NULL, &err), err);
  par_free(pool);
  return m;
}

/* The bound max[0] after each epoch. Put far above all that is predicted it feels nothing but its
 * own weight of 0.01, so Adam takes it down by the learning rate in every step. */
typedef struct fall {
  const ensemble *m;
  double at[32];
} fall;

static bool note_bound(void *ctx, const fit_epoch *now)
{
  fall *f = ctx;
  f->at[now->epoch] = (double)f->m->max[0];
  return false;
}

static int fall_of(fall *f, const mopo_dataset *d, const fit_settings *set)
{
  mopo_error err;
  par *pool = NULL;
  ensemble *m = NULL;
  fit_result r;
  fit_watch watch = {note_bound, NULL, f};
  assert_ok(par_create(&pool, 2, &err), err);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  for (int i = 0; i < m->D; i++) m->max[i] = 12.0f;
  ensemble_bounds_changed(m);
  f->m = m, f->at[0] = 12.0;
  assert_ok(ensemble_fit(m, &r, d, set, pool, rng_seed(2), &watch, &err), err);
  ensemble_free(m);
  par_free(pool);
  return r.epochs;
}

static void the_learning_rate_falls_as_half_a_cosine(void **state)
{
  (void)state;
  enum { EPOCHS = 12 };
  mopo_dataset *d = linear_dataset(4000, 7);
  fit_settings set = SET;
  fall constant = {0}, cosine = {0};
  set.max_epochs = EPOCHS, set.improvement = 0.9, set.patience = 1;
  assert_true(fall_of(&constant, d, &set) < EPOCHS);
  set.patience = 100;
  assert_int_equal(fall_of(&constant, d, &set), EPOCHS);
  set.patience = 1, set.cosine = true; /* takes them all */
  assert_int_equal(fall_of(&cosine, d, &set), EPOCHS);
  double whole = constant.at[0] - constant.at[EPOCHS], pi = acos(-1.0);
  double steps = EPOCHS * ceil((4000 - SET.holdout_max) / (double)SET.batch);
  assert_true(fabs(whole / (steps * SET.lr) - 1.0) < 0.01);
  for (int i = 0; i <= EPOCHS; i++) {
    double done = (double)i / EPOCHS, want = done / 2.0 + sin(pi * done) / (2.0 * pi);
    assert_true(fabs((cosine.at[0] - cosine.at[i]) / whole - want) < 0.01);
  }
  mopo_dataset_free(d);
}

/* How far it falls must be known. */
static void a_cosine_wants_its_epochs(void **state)
{
  (void)state;
  mopo_error err;
  par *pool = NULL;
  ensemble *m = NULL;
  fit_result r;
  fit_settings set = SET;
  mopo_dataset *d = linear_dataset(100, 7);
  set.max_epochs = 0, set.cosine = true;
  assert_ok(par_create(&pool, 1, &err), err);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  assert_int_equal(ensemble_fit(m, &r, d, &set, pool, rng_seed(2), NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "model-max-epochs = 0"));
  ensemble_free(m);
  par_free(pool);
  mopo_dataset_free(d);
}

typedef struct stepped {
  float next[ENSEMBLE_ROWS][LINEAR_S], rew[ENSEMBLE_ROWS], u[ENSEMBLE_ROWS];
} stepped;

static void step_rows(const ensemble *m, const mopo_dataset *d, stepped *out, int from, int n,
                      const penalty_type *kind)
{
  ensemble_work w;
  arena a = {0};
  ensemble_work_layout(&w, m, &a);
  assert_true(arena_alloc(&a));
  ensemble_work_layout(&w, m, &a);
  const float *obs[ENSEMBLE_ROWS], *act[ENSEMBLE_ROWS];
  float *next[ENSEMBLE_ROWS];
  for (int i = 0; i < n; i++) {
    obs[i] = dataset_row(d, from + i);
    act[i] = obs[i] + d->at.act;
    next[i] = out->next[i];
  }
  ensemble_draw draw = {rng_seed(5), rng_seed(6), 3, (uint64_t)from};
  ensemble_step(m, &w, next, out->rew, out->u, obs, act, n, kind, &draw);
  free(a.base);
}

static void the_fit_finds_the_truth(void **state)
{
  (void)state;
  fit_result r;
  mopo_dataset *d = linear_dataset(4000, 7), *fresh = linear_dataset(ENSEMBLE_ROWS, 8);
  ensemble *m = fitted(d, 2, &r);
  double noise2 = (double)LINEAR_NOISE * (double)LINEAR_NOISE;
  for (int e = 0; e < 3; e++) { /* a perfect model's holdout error is the noise itself */
    assert_true(m->holdout_mse[e] > 0.7 * noise2);
    assert_true(m->holdout_mse[e] < 2.0 * noise2);
  }
  assert_true(m->holdout_mse[m->elite[0]] <= m->holdout_mse[m->elite[1]]);

  /* u = || sigma ||_2 over D = 4 outputs of std NOISE: 2 NOISE, the greatest of three members. */
  stepped s;
  step_rows(m, fresh, &s, 0, ENSEMBLE_ROWS, penalty_named("aleatoric"));
  double u = 0.0, error = 0.0;
  for (int i = 0; i < ENSEMBLE_ROWS; i++) {
    float delta[LINEAR_S], rew;
    const float *row = dataset_row(fresh, i);
    linear_truth(delta, &rew, row, row + fresh->at.act);
    u += (double)s.u[i] / ENSEMBLE_ROWS;
    for (int j = 0; j < LINEAR_S; j++)
      error += pow((double)(s.next[i][j] - row[j] - delta[j]), 2) / (ENSEMBLE_ROWS * LINEAR_S);
  }
  assert_true(u > 1.4 * (double)LINEAR_NOISE && u < 4.0 * (double)LINEAR_NOISE);
  assert_true(error > 0.5 * noise2 && error < 3.0 * noise2); /* sampled: noise, and little more */
  ensemble_free(m);
  mopo_dataset_free(d);
  mopo_dataset_free(fresh);
}

/* Where the noise is Gaussian and the model has found it, its deviations are the errors. */
static void known_noise_is_calibrated(void **state)
{
  (void)state;
  fit_result r;
  mopo_dataset *d = linear_dataset(4000, 12);
  ensemble *m = fitted(d, 2, &r);
  for (int e = 0; e < 3; e++) {
    int64_t values = 0;
    double within_1 = 0.0, within_2 = 0.0, squares = 0.0;
    for (int b = 0; b < CALIBRATION_BINS; b++) {
      const calibration_bin *q = &r.bin[e][b];
      values += q->values;
      within_1 += q->within_1 * (double)q->values, within_2 += q->within_2 * (double)q->values;
      squares += q->error * q->error * (double)q->values;
      assert_true(b == 0 || q->predicted_std >= r.bin[e][b - 1].predicted_std);
      /* 80 values of known noise: five standard errors, 5 / sqrt(160) */
      assert_true(fabs(q->error / (double)LINEAR_NOISE - 1.0) < 0.4);
    }
    double n = SET.holdout_max * (LINEAR_S + 1.0); /* 1600 values: 0.68 +- 0.012, and 0.95 */
    assert_true((double)values == n);
    assert_true(fabs(within_1 / n - 0.6827) < 0.08);
    assert_true(fabs(within_2 / n - 0.9545) < 0.04);
    assert_true(fabs(squares / n / m->holdout_mse[e] - 1.0) < 1e-5); /* the same rows */
  }
  ensemble_free(m);
  mopo_dataset_free(d);
}

static void threads_do_not_change_the_bits(void **state)
{
  (void)state;
  fit_result r;
  mopo_dataset *d = linear_dataset(700, 9);
  ensemble *one = fitted(d, 1, &r);
  for (int threads = 2; threads <= 8; threads += 3) {
    ensemble *many = fitted(d, threads, &r);
    assert_memory_equal(one->memory.base, many->memory.base, one->memory.used);
    assert_memory_equal(one->elite, many->elite, sizeof one->elite);
    ensemble_free(many);
  }
  ensemble_free(one);
  mopo_dataset_free(d);
}

/* Rows that do not say what they led to decide nothing, whatever stands there. */
static void blind_rows_are_left_out(void **state)
{
  (void)state;
  fit_result r;
  ensemble *m[2];
  for (int k = 0; k < 2; k++) {
    mopo_dataset *d = linear_dataset(700, 9);
    for (int64_t i = 3; i < d->N; i += 7) {
      d->rows[i * d->at.width + d->at.next] = k ? 1e6f : -3.0f;
      d->blind[i] = 1, d->n_blind++;
    }
    m[k] = fitted(d, 1, &r);
    mopo_dataset_free(d);
  }
  assert_memory_equal(m[0]->memory.base, m[1]->memory.base, m[0]->memory.used);
  ensemble_free(m[0]), ensemble_free(m[1]);
}

static void a_file_gives_the_same_steps(void **state)
{
  (void)state;
  mopo_error err;
  fit_result r;
  mopo_dataset *d = linear_dataset(700, 10);
  ensemble *m = fitted(d, 1, &r), *back = NULL;
  assert_ok(ensemble_save(m, "ensemble.safetensors", &err), err);
  assert_ok(ensemble_load(&back, "ensemble.safetensors", &err), err);
  for (int i = 0; penalty_at(i); i++) {
    stepped a, b;
    step_rows(m, d, &a, 0, 50, penalty_at(i));
    step_rows(back, d, &b, 0, 50, penalty_at(i));
    assert_memory_equal(a.next, b.next, 50 * sizeof a.next[0]);
    assert_memory_equal(a.u, b.u, 50 * sizeof a.u[0]);
    assert_memory_equal(a.rew, b.rew, 50 * sizeof a.rew[0]);
  }
  ensemble_free(m);
  ensemble_free(back);
  mopo_dataset_free(d);
  remove("ensemble.safetensors");
}

/* ------------------------------------------------------------------ bad files */

typedef struct spoilt {
  const char *name; /* of the tensor that is another */
  tensor_type type; /* of the other */
  int rank;         /* -1: it is not there */
  int64_t shape[3];
  double value; /* of every number in it */
  const char *message;
} spoilt;

/* The file of a model with one tensor left out or another in its place. */
static void write_spoilt(const tensor_file *f, const char *path, const spoilt *s, bool format)
{
  static float floats[4096];
  static double doubles[16];
  static int64_t whole[16];
  for (int i = 0; i < 4096; i++) floats[i] = (float)s->value;
  for (int i = 0; i < 16; i++) doubles[i] = s->value, whole[i] = (int64_t)s->value;
  mopo_error err;
  tensor_list *l = tensor_list_create();
  if (format) assert_ok(tensor_list_meta(l, "format", "mopo.model.1", &err), err);
  for (int i = 0; i < tensor_file_count(f); i++) {
    tensor t = *tensor_file_at(f, i);
    if (s->name && !strcmp(t.name, s->name)) {
      if (s->rank < 0) continue;
      t.type = s->type, t.rank = s->rank;
      memcpy(t.shape, s->shape, sizeof s->shape);
      t.data = t.type == TENSOR_F32   ? (const void *)floats
               : t.type == TENSOR_F64 ? (const void *)doubles
                                      : (const void *)whole;
    }
    assert_ok(tensor_list_add(l, t.name, t.type, t.rank, t.shape, t.data, &err), err);
  }
  assert_ok(tensor_list_write(l, path, &err), err);
  tensor_list_free(l);
}

/* SHAPE: 3 members, 2 elites, 2 hidden layers of 24. */
static void bad_files_are_refused(void **state)
{
  enum { H = 24, IN = LINEAR_S + LINEAR_A, D = LINEAR_S + 1 };
  static const spoilt bad[] = {
      {"layers.0.weight", TENSOR_F32, -1, {0}, 0, "'layers.0.weight' is missing"},
      {"layers.0.weight", TENSOR_F64, 1, {3}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 2, {3, H}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {0, H, IN}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {33, 1, IN}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {3, 0, IN}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {3, H, 0}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {1, 65537, 0}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_U8, 3, {1, 1, 1}, 0, "'layers.0.weight' is missing or not"},
      {"layers.0.weight", TENSOR_F32, 3, {3, H + 1, IN}, 0, "'layers.1.weight' is missing or not"},
      {"layers.1.weight", TENSOR_F32, 3, {3, H, H + 1}, 0, "'layers.1.weight' is missing or not"},
      {"layers.0.bias", TENSOR_F64, 2, {3, 2}, 0, "tensor 'layers.0.bias' is F64"},
      {"scaler.mean", TENSOR_F32, -1, {0}, 0, "no tensor 'scaler.mean'"},
      {"scaler.std", TENSOR_F32, 1, {IN}, -1, "scaler.std[0] = -1, want > 0"},
      {"layers.0.weight", TENSOR_F32, 3, {3, H, LINEAR_S}, 0, "no actions"},
      {"layers.1.weight", TENSOR_F32, -1, {0}, 0, "'layers.1.weight' is missing"},
      {"layers.1.weight", TENSOR_F32, 3, {2, 1, H}, 0, "'layers.1.weight' is missing or not"},
      {"layers.1.weight", TENSOR_F32, 3, {3, 1, H}, 0, "'layers.2.weight' is missing or not"},
      {"layers.2.weight", TENSOR_F32, 3, {3, 7, H}, 0, "'layers.2.weight' is missing or not"},
      {"layers.2.weight", TENSOR_F32, 3, {3, 2, H}, 0, "'layers.2.weight' is missing or not"},
      {"layers.2.weight", TENSOR_F32, 3, {3, 2 * D, H}, NAN, "a number of 'layers' is not finite"},
      {"layers.1.bias", TENSOR_F32, -1, {0}, 0, "no tensor 'layers.1.bias'"},
      {"layers.1.bias", TENSOR_F32, 2, {3, H}, INFINITY, "a number of 'layers' is not finite"},
      {"max_logvar", TENSOR_F32, 1, {D + 1}, 0, "tensor 'max_logvar' is F32"},
      {"max_logvar", TENSOR_F32, 1, {D}, NAN, "a number of 'max_logvar' is not finite"},
      {"min_logvar", TENSOR_F32, 1, {D}, -INFINITY, "a number of 'min_logvar' is not finite"},
      {"scaler.mean", TENSOR_F32, 1, {IN}, NAN, "a number of 'scaler.mean' is not finite"},
      {"scaler.std", TENSOR_F32, 1, {IN}, 0, "scaler.std[0] = 0, want > 0"},
      {"scaler.std", TENSOR_F32, 1, {IN}, 1e-40, "want > 0"},
      {"elites", TENSOR_I64, -1, {0}, 0, "'elites' is missing"},
      {"elites", TENSOR_I64, 2, {1, 1}, 0, "'elites' is missing or longer"},
      {"elites", TENSOR_I64, 1, {0}, 0, "'elites' is missing or longer"},
      {"elites", TENSOR_I64, 1, {4}, 0, "'elites' is missing or longer"},
      {"elites", TENSOR_I64, 1, {2}, -1, "elite -1, want 0 to 2"},
      {"elites", TENSOR_I64, 1, {2}, 3, "elite 3, want 0 to 2"},
      {"elites", TENSOR_F64, 1, {2}, 0, "tensor 'elites' is F64"},
      {"holdout_mse", TENSOR_F64, 1, {2}, 0, "tensor 'holdout_mse' is F64 [2], want F64 [3]"},
  };
  static const char path[] = "ensemble_bad.safetensors";
  (void)state;
  mopo_error err;
  ensemble *m = NULL;
  tensor_file *f = NULL;
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  assert_ok(ensemble_save(m, path, &err), err);
  ensemble_free(m);
  assert_ok(tensor_file_open(&f, path, &err), err);
  write_spoilt(f, path, &(spoilt){0}, true);
  assert_ok(ensemble_load(&m, path, &err), err); /* this one is well */
  ensemble_free(m);
  write_spoilt(f, path, &(spoilt){0}, false);
  assert_int_equal(ensemble_load(&m, path, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "format '(none)', want 'mopo.model.1'"));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_spoilt(f, path, &bad[i], true);
    mopo_status st = ensemble_load(&m, path, &err);
    if (st != MOPO_EFORMAT || !strstr(err.msg, bad[i].message) || m)
      fail_msg("case %zu: %d '%s', want '%s'", i, st, err.msg, bad[i].message);
  }
  tensor_file_free(f);
  remove(path);
}

/* Narrow at both ends, and so many claimed in between that no memory would hold them. */
static void layers_that_do_not_meet_take_no_memory(void **state)
{
  enum { WIDE = 65536 };
  static const char path[] = "ensemble_wide.safetensors";
  static float w[2 * WIDE], b[4 * WIDE];
  static const int64_t elite[1] = {0};
  (void)state;
  mopo_error err;
  ensemble *m = NULL;
  tensor_list *l = tensor_list_create();
  assert_ok(tensor_list_meta(l, "format", "mopo.model.1", &err), err);
  assert_ok(tensor_list_add(l, "elites", TENSOR_I64, 1, (int64_t[]){1}, elite, &err), err);
  const struct {
    const char *name;
    int64_t shape[3];
    const float *data;
  } layers[] = {{"layers.0.weight", {1, WIDE, 2}, w},
                {"layers.1.weight", {1, 1, 1}, w},
                {"layers.2.weight", {1, 4, WIDE}, b}};
  for (int i = 0; i < 3; i++)
    assert_ok(
        tensor_list_add(l, layers[i].name, TENSOR_F32, 3, layers[i].shape, layers[i].data, &err),
        err);
  assert_ok(tensor_list_write(l, path, &err), err);
  tensor_list_free(l);
  assert_int_equal(ensemble_load(&m, path, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "'layers.1.weight' is missing or not"));
  remove(path);
}

/* A step cut into blocks elsewhere draws the same numbers: a draw belongs to its row. */
static void blocks_do_not_change_the_draws(void **state)
{
  (void)state;
  fit_result r;
  mopo_dataset *d = linear_dataset(700, 11);
  ensemble *m = fitted(d, 1, &r);
  stepped whole, part;
  step_rows(m, d, &whole, 0, 64, penalty_named("aleatoric"));
  step_rows(m, d, &part, 48, 16, penalty_named("aleatoric"));
  assert_memory_equal(whole.next[48], part.next[0], 16 * sizeof part.next[0]);
  assert_memory_equal(&whole.u[48], part.u, 16 * sizeof part.u[0]);
  ensemble_free(m);
  mopo_dataset_free(d);
}

/* The penalty is over all members, elites or not, and counts the reward's deviation too: the
 * published coefficients mean that. */
static void the_penalty_sees_all_members_and_the_reward(void **state)
{
  (void)state;
  mopo_error err;
  ensemble *m = NULL;
  mopo_dataset *d = linear_dataset(10, 12);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  for (int e = 0; e < 3; e++) memset(m->net[e].params, 0, m->net[e].size * sizeof(float));
  m->max[0] = m->max[1] = m->max[2] = m->max[3] = 10.0f;
  ensemble_bounds_changed(m);
  /* member 2, no elite, says: log-variance of the reward log 9, of the rest log 4 ... */
  float *b = m->net[2].layer[2].b;
  b[4] = logf(9.0f), b[5] = b[6] = b[7] = logf(4.0f);
  for (int e = 0; e < 2; e++)
    for (int i = 4; i < 8; i++) m->net[e].layer[2].b[i] = logf(0.01f);
  stepped s;
  step_rows(m, d, &s, 0, 10, penalty_named("aleatoric"));
  for (int i = 0; i < 10; i++) /* soft bounds at -10 and 10 bend log-variances by less than 1e-3 */
    assert_true(fabsf(s.u[i] - sqrtf(9.0f + 3.0f * 4.0f)) < 5e-3f);
  ensemble_free(m);
  mopo_dataset_free(d);
}

static void nan_travels(void **state)
{
  (void)state;
  mopo_error err;
  ensemble *m = NULL;
  mopo_dataset *d = linear_dataset(4, 13);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  m->net[1].layer[2].b[5] = NAN;
  for (int k = 0; penalty_at(k); k++) {
    const penalty_type *p = penalty_at(k);
    stepped s;
    m->net[1].layer[2].b[2] = p->compares ? NAN : 0;
    step_rows(m, d, &s, 0, 4, p);
    for (int i = 0; i < 4; i++) assert_true(p->measure ? isnan(s.u[i]) : s.u[i] == 0);
  }
  ensemble_free(m);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_learning_rate_falls_as_half_a_cosine),
      cmocka_unit_test(a_cosine_wants_its_epochs),
      cmocka_unit_test(the_fit_finds_the_truth),
      cmocka_unit_test(known_noise_is_calibrated),
      cmocka_unit_test(threads_do_not_change_the_bits),
      cmocka_unit_test(blind_rows_are_left_out),
      cmocka_unit_test(a_file_gives_the_same_steps),
      cmocka_unit_test(bad_files_are_refused),
      cmocka_unit_test(layers_that_do_not_meet_take_no_memory),
      cmocka_unit_test(blocks_do_not_change_the_draws),
      cmocka_unit_test(the_penalty_sees_all_members_and_the_reward),
      cmocka_unit_test(nan_travels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
