/* test_model.c - a model in the caller's hands: fitted in memory to the bits of a run, in a file
 * and out again, asked for samples and for what its members say. */
#include "config/config.h"
#include "faults/tiny.h"

#include <math.h>

enum { S = TINY_S, A = TINY_A, N = 200 };
static const char RUN[] = "model_run", PATH[] = "model_object.safetensors";

static const mopo_task *hopper(void) { return mopo_task_find("hopper"); }

static mopo_model *fitted(const mopo_dataset *d, const mopo_config *c)
{
  mopo_error err;
  mopo_model *m = NULL;
  assert_ok(mopo_model_fit(&m, d, hopper(), c, NULL, &err), err);
  return m;
}

/* Rows that the model has not seen, some of them about to fall. */
static void rows(float *obs, float *act)
{
  for (int i = 0; i < N * S; i++) obs[i] = 0.05f * sinf((float)i) + (i % S ? 0.0f : 1.2f);
  for (int i = 0; i < N; i += 3) obs[i * S] = 0.5f;
  for (int i = 0; i < N * A; i++) act[i] = cosf((float)i);
}

static void the_model_of_a_run(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = tiny_config(RUN);
  mopo_train_result r;
  mopo_policy *p = NULL;
  mopo_dataset *d = tiny_dataset();
  void *bytes = NULL;
  size_t n = 0, size = 0;
  tiny_write_data();
  tiny_remove(RUN);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  mopo_model *m = fitted(d, &c);
  assert_ok(mopo_model_save(m, PATH, &err), err);
  assert_true(tiny_same_file(PATH, "model_run/model.safetensors"));
  /* and handed to learning it gives the policy of that run */
  assert_ok(mopo_learn(&p, NULL, d, hopper(), m, &c, NULL, NULL, NULL, NULL, &err), err);
  assert_ok(mopo_policy_to_bytes(&bytes, &n, p, &err), err);
  char *file = tiny_read(&size, "model_run/policy.safetensors");
  assert_int_equal(n, size);
  assert_memory_equal(bytes, file, n);
  free(file);
  mopo_bytes_free(bytes);
  mopo_policy_free(p);
  mopo_model_free(m);
  mopo_dataset_free(d);
}

static void a_step_is_of_seed_and_row(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = tiny_config(RUN);
  mopo_dataset *d = tiny_dataset();
  mopo_model *m = fitted(d, &c), *loaded = NULL;
  static float obs[N * S], act[N * A], next[N * S], rew[N], end[N], u[N], again[N * S], other[N];
  rows(obs, act);
  assert_ok(mopo_model_step(m, next, rew, end, u, obs, act, N, 5, &err), err);
  for (int i = 0; i < N; i++) {
    assert_true(u[i] > 0.0f && isfinite(rew[i]));
    assert_true(end[i] == (next[i * S] <= 0.7f || fabsf(next[i * S + 1]) >= 0.2f ? 1.0f : 0.0f));
  }
  assert_ok(mopo_model_step(m, again, NULL, NULL, NULL, obs, act, N, 5, &err), err);
  assert_memory_equal(next, again, sizeof next);
  assert_ok(mopo_model_step(m, again, NULL, NULL, NULL, obs, act, N / 2, 5, &err), err);
  assert_memory_equal(next, again, sizeof next); /* row by row */
  assert_ok(mopo_model_step(m, again, NULL, NULL, NULL, obs, act, N, 6, &err), err);
  assert_memory_not_equal(next, again, sizeof next);
  /* loaded it knows no task, and is asked for another penalty */
  assert_ok(mopo_model_save(m, PATH, &err), err);
  assert_ok(mopo_model_load(&loaded, PATH, &err), err);
  assert_ok(mopo_model_step(loaded, again, NULL, end, other, obs, act, N, 5, &err), err);
  assert_memory_equal(next, again, sizeof next);
  assert_memory_equal(u, other, sizeof u);
  assert_true(isnan(end[0]));
  assert_ok(mopo_model_use(loaded, hopper(), "max-pairwise-diff", &err), err);
  assert_ok(mopo_model_step(loaded, again, NULL, end, other, obs, act, N, 5, &err), err);
  assert_memory_not_equal(u, other, sizeof u);
  assert_true(end[0] == 0.0f || end[0] == 1.0f);
  mopo_model_free(loaded), mopo_model_free(m);
  mopo_dataset_free(d);
}

/* A task that counts how often and of how many rows it is asked. */
typedef struct asked {
  int calls, rows, says; /* says: what done says of row 150 */
} asked;

static void count_done(void *ctx, unsigned char *done, const float *obs, const float *act,
                       const float *next, int n)
{
  asked *k = ctx;
  (void)obs, (void)act;
  k->calls++, k->rows += n;
  for (int i = 0; i < n; i++) done[i] = next[i * S] > 1.0f;
  if (k->says && n > 150) done[150] = (unsigned char)k->says;
}

static void pay_the_state(void *ctx, float *rew, const float *obs, const float *act,
                          const float *next, int n)
{
  asked *k = ctx;
  (void)next;
  k->calls++, k->rows += n;
  for (int i = 0; i < n; i++) rew[i] = obs[i * S + 1] + act[i * A];
}

static void callbacks_see_the_whole_batch(void **state)
{
  (void)state;
  mopo_error err;
  asked k = {0};
  const mopo_task_facts facts = {.size = sizeof facts,
                                 .name = "counting",
                                 .obs_dim = S,
                                 .act_dim = A,
                                 .done = count_done,
                                 .reward = pay_the_state,
                                 .ctx = &k};
  mopo_config c = tiny_config(RUN);
  mopo_dataset *d = tiny_dataset();
  mopo_task *task = NULL;
  static float obs[N * S], act[N * A], next[N * S], rew[N], end[N], few[N * S];
  rows(obs, act);
  assert_ok(mopo_task_create(&task, &facts, &err), err);
  for (int scaled = 0; scaled < 2; scaled++) {
    tiny_set(&c, "scaler", scaled ? "standard" : "none");
    mopo_model *m = fitted(d, &c);
    assert_ok(mopo_model_use(m, task, NULL, &err), err);
    assert_ok(mopo_model_step(m, few, NULL, NULL, NULL, obs, act, 7, 5, &err), err);
    k = (asked){0};
    assert_ok(mopo_model_step(m, next, rew, end, NULL, obs, act, N, 5, &err), err);
    assert_int_equal(k.calls, 2); /* done and reward */
    assert_int_equal(k.rows, 2 * N);
    assert_memory_equal(next, few, 7 * S * sizeof *next);
    for (int i = 0; i < N; i++) {
      assert_true(end[i] == (next[i * S] > 1.0f ? 1.0f : 0.0f));
      assert_true(fabsf(rew[i] - obs[i * S + 1] - act[i * A]) < 1e-5f);
    }
    k.says = 3;
    assert_int_equal(mopo_model_step(m, next, rew, end, NULL, obs, act, N, 5, &err), MOPO_EDATA);
    assert_string_equal(err.msg, "task counting: done says 3 of row 150, want 0 or 1");
    k = (asked){0};
    assert_ok(mopo_model_step(m, next, NULL, NULL, NULL, obs, act, 0, 5, &err), err);
    assert_int_equal(k.calls, 0);
    mopo_model_free(m);
  }
  mopo_task_free(task);
  mopo_dataset_free(d);
}

/* Samples of many seeds have the mean and the deviation that the one elite says. */
static void samples_are_what_a_member_says(const char *scaler)
{
  enum { DRAWS = 4000, D = S + 1 };
  mopo_error err;
  mopo_config c = tiny_config(RUN);
  mopo_dataset *d = tiny_dataset();
  tiny_set(&c, "scaler", scaler);
  mopo_model *m = fitted(d, &c);
  static float obs[DRAWS * S], act[DRAWS * A], next[DRAWS * S], rew[DRAWS];
  float mean[D], std[D];
  rows(obs, act);
  for (int i = 1; i < DRAWS; i++) {
    memcpy(obs + i * S, obs, S * sizeof *obs);
    memcpy(act + i * A, act, A * sizeof *act);
  }
  assert_int_equal(mopo_model_elites(m), 1);
  assert_ok(mopo_model_predict(m, mean, std, mopo_model_elite(m, 0), obs, act, 1, &err), err);
  assert_ok(mopo_model_step(m, next, rew, NULL, NULL, obs, act, DRAWS, 1, &err), err);
  for (int k = 0; k < D; k++) {
    double sum = 0.0, square = 0.0;
    for (int i = 0; i < DRAWS; i++) {
      double x = (double)(k ? next[i * S + k - 1] : rew[i]) - (double)mean[k];
      sum += x, square += x * x;
    }
    double deviation = sqrt(square / DRAWS);
    assert_true(fabs(sum / DRAWS) < 5.0 * (double)std[k] / sqrt(DRAWS));
    assert_true(fabs(deviation / (double)std[k] - 1.0) < 5.0 / sqrt(2.0 * DRAWS));
  }
  assert_true(mopo_model_holdout_mse(m, 0) > 0.0 && isnan(mopo_model_holdout_mse(m, 2)));
  assert_int_equal(mopo_model_elite(m, 1), -1);
  mopo_model_free(m);
  mopo_dataset_free(d);
}

static void what_a_member_says_is_what_is_sampled(void **state)
{
  (void)state;
  samples_are_what_a_member_says("none");
}

/* A model in scaled units says nothing of them. */
static void in_the_units_of_the_log(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = tiny_config(RUN);
  mopo_dataset *d = tiny_dataset();
  samples_are_what_a_member_says("standard");
  tiny_set(&c, "scaler", "standard");
  mopo_model *m = fitted(d, &c);
  size_t stride = 0;
  float next[S], rew;
  const float *obs = mopo_dataset_array(d, MOPO_OBS, NULL, NULL, &stride);
  const float *act = mopo_dataset_array(d, MOPO_ACT, NULL, NULL, NULL);
  for (size_t i = 0; i < TINY_ROWS; i++) { /* a standing hopper, 1.2 m high, paid 0 to 2 */
    assert_ok(
        mopo_model_step(m, next, &rew, NULL, NULL, obs + i * stride, act + i * stride, 1, i, &err),
        err);
    assert_true(next[0] > 0.0f && next[0] < 2.5f && rew > -3.0f && rew < 5.0f);
  }
  mopo_model_free(m);
  mopo_dataset_free(d);
}

static void refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = tiny_config(RUN);
  mopo_dataset *d = tiny_dataset();
  mopo_model *m = fitted(d, &c), *none = NULL;
  static float obs[N * S], act[N * A], next[N * S];
  float mean[S + 1];
  rows(obs, act);
  obs[2 * S + 3] = NAN;
  assert_int_equal(mopo_model_step(m, next, NULL, NULL, NULL, obs, act, N, 0, &err), MOPO_EDATA);
  assert_string_equal(err.msg, "'obs' row 2 column 3 = nan, want a finite number");
  assert_int_equal(mopo_model_predict(m, mean, NULL, 2, obs, act, 1, &err), MOPO_EINVAL);
  assert_string_equal(err.msg, "member = 2, want 0 to 1");
  assert_int_equal(mopo_model_use(m, mopo_task_find("ant"), NULL, &err), MOPO_EDATA);
  assert_int_equal(mopo_model_use(m, NULL, "oracle", &err), MOPO_EINVAL);
  assert_int_equal(mopo_model_use(m, NULL, "doubt", &err), MOPO_EINVAL);
  assert_int_equal(mopo_model_load(&none, "no such file", &err), MOPO_EIO);
  assert_null(none);
  assert_string_equal(mopo_run_file(MOPO_RUN_MODEL), "model.safetensors");
  assert_null(mopo_run_file((mopo_run_part)99));
  mopo_model_free(m);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_model_of_a_run),
      cmocka_unit_test(a_step_is_of_seed_and_row),
      cmocka_unit_test(callbacks_see_the_whole_batch),
      cmocka_unit_test(what_a_member_says_is_what_is_sampled),
      cmocka_unit_test(in_the_units_of_the_log),
      cmocka_unit_test(refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
