/* test_model_ends.c - a model in the caller's hands that knows when episodes end: learned to the
 * bits of a run, in a file and out again, and handed to learning. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "io/file.h"
#include "train/balance.h"

enum { S = BALANCE_S, A = BALANCE_A, ROWS = 3000 };
static const char DATA[] = "model_ends.hdf5", RUN[] = "model_ends_run",
                  AGAIN[] = "model_ends_again";
static const char OBJECT[] = "model_ends.safetensors", FILED[] = "model_filed.safetensors";

static int write_data(void **state)
{
  (void)state;
  balance_write(DATA, ROWS);
  return 0;
}

static mopo_config little(const char *out)
{
  static const char *const set[][2] = {
      {"epochs", "2"}, {"updates-per-epoch", "30"}, {"model-max-epochs", "3"}};
  mopo_error err;
  mopo_config c = balance_config(DATA, out);
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

static mopo_dataset *data(void)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, DATA, mopo_task_find("none"), &err), err);
  return d;
}

/* d, with no row a terminal. */
static mopo_dataset *endless(const mopo_dataset *d)
{
  mopo_error err;
  mopo_dataset *out = NULL;
  float *rows = malloc((size_t)ROWS * (size_t)mopo_row_width(S, A) * sizeof *rows);
  float *obs = rows, *act = obs + ROWS * S, *rew = act + ROWS * A, *next = rew + ROWS;
  const float *from[] = {mopo_dataset_array(d, MOPO_OBS, NULL, NULL, NULL),
                         mopo_dataset_array(d, MOPO_ACT, NULL, NULL, NULL),
                         mopo_dataset_array(d, MOPO_REW, NULL, NULL, NULL),
                         mopo_dataset_array(d, MOPO_NEXT, NULL, NULL, NULL)};
  float *to[] = {obs, act, rew, next};
  const size_t columns[] = {S, A, 1, S}, stride = (size_t)mopo_row_width(S, A);
  static unsigned char terminal[ROWS], timeout[ROWS];
  assert_non_null(rows);
  for (int k = 0; k < 4; k++)
    for (size_t i = 0; i < ROWS; i++)
      memcpy(to[k] + i * columns[k], from[k] + i * stride, columns[k] * sizeof *rows);
  memset(timeout, 1, sizeof timeout);
  assert_ok(
      mopo_dataset_from_arrays(&out, ROWS, S, A, obs, act, rew, next, terminal, timeout, &err),
      err);
  free(rows);
  return out;
}

static void assert_same_file(const char *a, const char *dir, mopo_run_part part)
{
  char b[256], *x = NULL, *y = NULL;
  size_t n = 0, m = 0;
  mopo_error err;
  snprintf(b, sizeof b, "%s/%s", dir, mopo_run_file(part));
  assert_ok(file_read(&x, &n, a, 1 << 28, &err), err);
  assert_ok(file_read(&y, &m, b, 1 << 28, &err), err);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n);
  free(x), free(y);
}

/* Learned with m, it has the bytes of the run. */
static void assert_policy_of_run(const mopo_model *m, const mopo_dataset *d, const mopo_config *c)
{
  mopo_error err;
  mopo_policy *p = NULL;
  const mopo_task *none = mopo_task_find("none");
  assert_ok(mopo_learn(&p, NULL, d, none, m, c, NULL, NULL, NULL, NULL, &err), err);
  assert_ok(mopo_policy_save(p, "model_ends_policy.safetensors", &err), err);
  assert_same_file("model_ends_policy.safetensors", RUN, MOPO_RUN_POLICY);
  mopo_policy_free(p);
}

static void those_of_a_run(const char *scaler)
{
  mopo_error err;
  mopo_train_result r;
  mopo_fit_result fit;
  mopo_config c = little(RUN);
  mopo_dataset *d = data();
  mopo_model *m = NULL, *loaded = NULL;
  const mopo_task *none = mopo_task_find("none");
  assert_ok(mopo_config_set(&c, "scaler", scaler, &err), err);
  balance_remove(RUN), balance_remove(AGAIN);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);

  assert_ok(mopo_model_fit(&m, d, none, &c, NULL, &err), err);
  assert_ok(mopo_model_save(m, OBJECT, &err), err);
  assert_same_file(OBJECT, RUN, MOPO_RUN_MODEL);
  assert_ok(mopo_model_load(&loaded, OBJECT, &err), err);
  assert_policy_of_run(m, d, &c), assert_policy_of_run(loaded, d, &c);
  /* in a directory: its model is the one that was given */
  assert_ok(mopo_learn(NULL, NULL, d, none, loaded, &c, AGAIN, NULL, NULL, NULL, &err), err);
  assert_same_file(OBJECT, AGAIN, MOPO_RUN_MODEL);
  assert_ok(mopo_config_set(&c, "out", FILED, &err), err);
  remove(FILED);
  assert_ok(mopo_model_fit_file(&fit, &c, false, NULL, &err), err);
  assert_same_file(FILED, RUN, MOPO_RUN_MODEL);
  /* of a file that the settings name */
  balance_remove(AGAIN);
  mopo_config named = little(AGAIN);
  assert_ok(mopo_config_set(&named, "scaler", scaler, &err), err);
  assert_ok(mopo_config_set(&named, "model", FILED, &err), err);
  assert_ok(mopo_train(&r, &named, false, NULL, &err), err);
  assert_same_file(FILED, AGAIN, MOPO_RUN_MODEL);
  assert_same_file("model_ends_policy.safetensors", AGAIN, MOPO_RUN_POLICY);
  balance_remove(RUN), balance_remove(AGAIN);
  mopo_model_free(m), mopo_model_free(loaded);
  mopo_dataset_free(d);
}

static void the_bits_of_a_run(void **state)
{
  (void)state;
  those_of_a_run("none");
}

static void the_bits_of_a_run_in_scaled_units(void **state)
{
  (void)state;
  those_of_a_run("standard");
}

static unsigned char falls(float x, float v)
{
  float next[S];
  const float obs[S] = {x, v};
  return balance_step(next, obs, 0.0f);
}

/* A step is asked for the probability: of rows far from the end, and of rows that end. */
static void a_step_tells_the_probability(void **state)
{
  enum { N = 200 };
  (void)state;
  mopo_error err;
  static float obs[N * S], act[N], next[N * S], end[N], rule[N], again[N];
  mopo_config c = little(RUN);
  mopo_dataset *d = data();
  mopo_model *m = NULL, *loaded = NULL;
  for (int i = 0; i < N; i++) {
    obs[i * S] = i % 2 ? 0.97f : 0.005f * (float)(i % 40) - 0.1f;
    obs[i * S + 1] = i % 2 ? 2.0f : 0.0f;
    assert_int_equal(falls(obs[i * S], obs[i * S + 1]), i % 2);
  }
  for (int scaled = 0; scaled < 2; scaled++) {
    assert_ok(mopo_config_set(&c, "scaler", scaled ? "standard" : "none", &err), err);
    assert_ok(mopo_model_fit(&m, d, mopo_task_find("none"), &c, NULL, &err), err);
    assert_ok(mopo_model_step(m, next, NULL, end, NULL, obs, act, N, 1, &err), err);
    for (int i = 0; i < N; i++)
      assert_true(i % 2 ? end[i] > 0.8f && end[i] <= 1.0f : end[i] >= 0.0f && end[i] < 0.02f);
    assert_ok(mopo_model_save(m, OBJECT, &err), err);
    assert_ok(mopo_model_load(&loaded, OBJECT, &err), err);
    assert_ok(mopo_model_step(loaded, next, NULL, again, NULL, obs, act, N, 2, &err), err);
    assert_memory_equal(end, again, sizeof end);
    /* a task with a rule of its own is asked instead, until another is used */
    mopo_task *known = NULL;
    assert_ok(mopo_task_load(&known, "model_ends.ini", &err), err);
    assert_ok(mopo_model_use(loaded, known, NULL, &err), err);
    assert_ok(mopo_model_step(loaded, next, NULL, rule, NULL, obs, act, N, 2, &err), err);
    for (int i = 0; i < N; i++) assert_true(rule[i] == 0.0f || rule[i] == 1.0f);
    assert_ok(mopo_model_use(loaded, mopo_task_find("none"), NULL, &err), err);
    assert_ok(mopo_model_step(loaded, next, NULL, again, NULL, obs, act, N, 2, &err), err);
    assert_memory_equal(end, again, sizeof end);
    mopo_model_free(m), mopo_model_free(loaded), mopo_task_free(known);
  }
  mopo_dataset_free(d);
}

static int write_task(void **state)
{
  (void)state;
  FILE *f = fopen("model_ends.ini", "w");
  assert_non_null(f);
  fputs("[task]\nname = balance\nobservations = x, v\nactions = a\nterminal = abs(next.x) > 1\n",
        f);
  return fclose(f);
}

static float first_end(mopo_model *m)
{
  mopo_error err;
  const float obs[S] = {0.1f, 0.0f}, act[A] = {0.0f};
  float next[S], end = -1.0f;
  assert_ok(mopo_model_step(m, next, NULL, &end, NULL, obs, act, 1, 1, &err), err);
  mopo_model_free(m);
  return end;
}

static void nothing_is_known(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = little(RUN);
  mopo_dataset *d = data(), *none = endless(d);
  mopo_model *m = NULL;
  const mopo_task *task = mopo_task_find("none");
  assert_ok(mopo_model_fit(&m, none, task, &c, NULL, &err), err); /* no ends in the data */
  assert_true(isnan(first_end(m)));
  assert_ok(mopo_config_set(&c, "termination", "none", &err), err);
  balance_lines told = {{0}};
  const mopo_watch w = {.line = balance_line, .ctx = &told};
  assert_ok(mopo_model_fit(&m, d, task, &c, &w, &err), err);
  assert_true(isnan(first_end(m)));
  assert_non_null(strstr(told.text, "recorded episodes end, but with termination = none"));
  mopo_dataset_free(none), mopo_dataset_free(d);
}

/* Data without an end, and a model that has seen some. */
static void a_model_brings_its_ends(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = little(RUN);
  mopo_dataset *d = data(), *none = endless(d);
  mopo_model *m = NULL;
  balance_lines told = {{0}};
  const mopo_watch w = {.line = balance_line, .ctx = &told};
  const mopo_task *task = mopo_task_find("none");
  mopo_policy *with = NULL, *without = NULL;
  float x[A], y[A], obs[S] = {0.2f, 0.1f};
  assert_ok(mopo_model_fit(&m, d, task, &c, NULL, &err), err);
  assert_ok(mopo_learn(&with, NULL, none, task, m, &c, NULL, NULL, NULL, &w, &err), err);
  assert_non_null(strstr(told.text, "ends: those of the model\n"));
  assert_null(strstr(told.text, "ends: learned"));
  told = (balance_lines){{0}};
  assert_ok(mopo_config_set(&c, "termination", "none", &err), err);
  assert_ok(mopo_learn(&without, NULL, none, task, m, &c, NULL, NULL, NULL, &w, &err), err);
  assert_null(strstr(told.text, "ends: "));
  mopo_policy_act(with, x, obs, 1), mopo_policy_act(without, y, obs, 1);
  assert_memory_not_equal(x, y, sizeof x);
  mopo_policy_free(with), mopo_policy_free(without);
  mopo_model_free(m);
  mopo_dataset_free(none), mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bits_of_a_run),
      cmocka_unit_test(the_bits_of_a_run_in_scaled_units),
      cmocka_unit_test_setup(a_step_tells_the_probability, write_task),
      cmocka_unit_test(nothing_is_known),
      cmocka_unit_test(a_model_brings_its_ends),
  };
  return cmocka_run_group_tests(tests, write_data, NULL);
}
