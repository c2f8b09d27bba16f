/* test_learn.c - learning from memory: the bits of learning from a file, no file touched, the
 * caller's hooks, simulator and task. */
#include "config/config.h"
#include "faults/tiny.h"

#include <math.h>

static const char FILE_RUN[] = "learn_file", DIR_RUN[] = "learn_dir";

static mopo_config config(const char *algo)
{
  mopo_config c = tiny_config(FILE_RUN);
  tiny_set(&c, "algo", algo);
  tiny_set(&c, "epochs", "3");
  return c;
}

static int set_up(void **state)
{
  (void)state;
  tiny_write_data();
  tiny_remove(FILE_RUN), tiny_remove(DIR_RUN);
  return 0;
}

static const mopo_task *hopper(void) { return mopo_task_find("hopper"); }

typedef struct bytes {
  void *at;
  size_t n;
} bytes;

static bytes bytes_of(mopo_policy *p)
{
  bytes b = {0};
  mopo_error err;
  assert_non_null(p);
  assert_ok(mopo_policy_to_bytes(&b.at, &b.n, p, &err), err);
  mopo_policy_free(p);
  return b;
}

static void assert_same(bytes a, bytes b)
{
  assert_int_equal(a.n, b.n);
  assert_memory_equal(a.at, b.at, a.n);
  free(a.at), free(b.at);
}

/* The policy that mopo_train makes of the file. */
static bytes from_file(const mopo_config *c)
{
  mopo_error err;
  mopo_train_result r;
  bytes b;
  assert_ok(mopo_train(&r, c, false, NULL, &err), err);
  b.at = tiny_read(&b.n, "learn_file/policy.safetensors");
  return b;
}

static int entries(void)
{
  int n = 0;
  DIR *d = opendir(".");
  assert_non_null(d);
  while (readdir(d)) n++;
  closedir(d);
  return n;
}

static void the_bits_of_a_file_and_no_file(void **state)
{
  (void)state;
  static const char *const algos[] = {"mopo", "td3bc", "iql"};
  for (int i = 0; i < 3; i++) {
    mopo_config c = config(algos[i]);
    mopo_error err;
    mopo_policy *p = NULL;
    mopo_train_result r;
    mopo_dataset *d = tiny_dataset();
    int before = entries();
    assert_ok(mopo_learn(&p, &r, d, hopper(), NULL, &c, NULL, NULL, NULL, NULL, &err), err);
    assert_int_equal(entries(), before);
    assert_int_equal(r.epochs, 3);
    assert_true(isnan(r.return_mean));
    bytes memory = bytes_of(p);
    assert_same(memory, from_file(&c));
    tiny_remove(FILE_RUN);
    mopo_dataset_free(d);
  }
}

static void borrowed_rows_and_the_settings_task(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL, *q = NULL;
  mopo_dataset *d = tiny_dataset(), *b = NULL;
  assert_ok(mopo_dataset_borrow(&b, TINY_ROWS, TINY_S, TINY_A,
                                mopo_dataset_array(d, MOPO_ROW, NULL, NULL, NULL), NULL, &err),
            err);
  assert_ok(mopo_learn(&p, NULL, d, hopper(), NULL, &c, NULL, NULL, NULL, NULL, &err), err);
  assert_ok(mopo_learn(&q, NULL, b, NULL, NULL, &c, NULL, NULL, NULL, NULL, &err), err);
  assert_same(bytes_of(p), bytes_of(q));
  mopo_dataset_free(b), mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ hooks */

typedef struct seen {
  int calls, stop_at; /* 0: never */
  double updates, q;
  float act[TINY_A];
} seen;

static bool on_epoch(void *ctx, const mopo_epoch *e, mopo_policy *now)
{
  seen *s = ctx;
  const float obs[TINY_S] = {1.2f};
  assert_int_equal(e->size, sizeof *e);
  assert_int_equal(e->epoch, s->calls + 1);
  assert_int_equal(e->epochs, 3);
  assert_true(isfinite(e->q_mean) && isfinite(e->penalty_mean) && isnan(e->return_mean));
  s->calls++, s->updates = (double)e->updates;
  mopo_policy_act(now, s->act, obs, 1);
  return e->epoch != s->stop_at;
}

static void a_hook_sees_each_epoch(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_dataset *d = tiny_dataset();
  seen s = {0};
  const mopo_hooks hooks = {.size = sizeof hooks, .ctx = &s, .epoch = on_epoch};
  assert_ok(mopo_learn(&p, NULL, d, hopper(), NULL, &c, NULL, NULL, &hooks, NULL, &err), err);
  assert_int_equal(s.calls, 3);
  assert_int_equal(s.updates, 9);
  const float obs[TINY_S] = {1.2f};
  float act[TINY_A];
  mopo_policy_act(p, act, obs, 1); /* the last policy in hand is the one that is handed out */
  assert_memory_equal(act, s.act, sizeof act);
  mopo_policy_free(p);
  mopo_dataset_free(d);
}

static void a_hook_stops_and_the_run_resumes(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *whole = NULL, *part = NULL, *resumed = NULL;
  mopo_dataset *d = tiny_dataset();
  seen s = {.stop_at = 2};
  mopo_hooks hooks = {.size = sizeof hooks, .ctx = &s, .epoch = on_epoch};
  tiny_set(&c, "checkpoint-every", "100");
  assert_ok(mopo_learn(&whole, NULL, d, hopper(), NULL, &c, NULL, NULL, NULL, NULL, &err), err);
  assert_int_equal(
      mopo_learn(&part, NULL, d, hopper(), NULL, &c, DIR_RUN, NULL, &hooks, NULL, &err),
      MOPO_ESTOPPED);
  assert_int_equal(s.calls, 2);
  bytes stopped = bytes_of(part), kept;
  kept.at = tiny_read(&kept.n, "learn_dir/policy.safetensors");
  assert_same(stopped, kept);
  assert_int_equal(mopo_learn(&part, NULL, d, hopper(), NULL, &c, DIR_RUN, NULL, NULL, NULL, &err),
                   MOPO_EINVAL); /* a run is there */
  assert_null(part);
  hooks = (mopo_hooks){.size = sizeof hooks, .resume = true};
  assert_ok(mopo_learn(&resumed, NULL, d, NULL, NULL, &c, DIR_RUN, NULL, &hooks, NULL, &err), err);
  assert_same(bytes_of(whole), bytes_of(resumed));
  assert_int_equal(mopo_learn(NULL, NULL, d, hopper(), NULL, &c, NULL, NULL, &hooks, NULL, &err),
                   MOPO_EINVAL); /* nowhere to resume from */
  mopo_dataset_free(d);
}

static void a_stop_in_memory_loses_nothing(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_dataset *d = tiny_dataset();
  seen s = {.stop_at = 1};
  const mopo_hooks hooks = {.size = sizeof hooks, .ctx = &s, .epoch = on_epoch};
  assert_int_equal(mopo_learn(&p, NULL, d, hopper(), NULL, &c, NULL, NULL, &hooks, NULL, &err),
                   MOPO_ESTOPPED);
  assert_string_equal(err.msg, "stopped in epoch 2 of 3");
  assert_non_null(p);
  mopo_policy_free(p);
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ the caller's simulator */

typedef struct counter {
  int t, resets, steps, bad_step; /* bad_step: the step of which a number is NaN; 0: none */
  uint64_t seed[4];
} counter;

static void reset(void *ctx, uint64_t seed, float *obs)
{
  counter *k = ctx;
  k->t = 0;
  if (k->resets < 4) k->seed[k->resets] = seed;
  k->resets++;
  for (int i = 0; i < TINY_S; i++) assert_true(obs[i] == 0.0f);
  obs[0] = 1.25f;
}

/* Pays 2 a step; the odd episodes end after four steps, the others are cut after six. */
static void step(void *ctx, const float *act, float *obs, double *rew, bool *terminal,
                 bool *timeout)
{
  counter *k = ctx;
  assert_true(fabsf(act[0]) <= 1.0f && !*terminal && !*timeout);
  k->t++, k->steps++;
  for (int i = 0; i < TINY_S; i++) obs[i] = i ? 0.0f : 1.25f;
  if (k->steps == k->bad_step) obs[2] = NAN;
  *rew = 2.0;
  *terminal = k->resets % 2 && k->t == 4;
  *timeout = k->t == 6;
}

static void own_simulator(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_train_result r;
  mopo_dataset *d = tiny_dataset();
  counter k = {0};
  const mopo_simulator sim = {.size = sizeof sim, .ctx = &k, .reset = reset, .step = step};
  tiny_set(&c, "eval-episodes", "2");
  assert_ok(mopo_learn(&p, &r, d, hopper(), NULL, &c, NULL, &sim, NULL, NULL, &err), err);
  assert_int_equal(k.resets, 6); /* three epochs */
  assert_int_equal(k.steps, 30);
  assert_true(r.return_mean == 10.0 && r.return_std == 2.0);
  assert_true(k.seed[0] != k.seed[1] && k.seed[0] != k.seed[2]);
  assert_true(isfinite(r.model_return));
  /* evaluation alone, and what it records */
  static mopo_eval_result e;
  k = (counter){0};
  const mopo_eval_options how = {.size = sizeof how, .episodes = 3, .simulator = &sim};
  assert_ok(mopo_evaluate(&e, p, hopper(), &how, &err), err);
  assert_true(e.returns[0] == 8.0 && e.returns[1] == 12.0 && e.returns[2] == 8.0);
  assert_int_equal(e.lengths[1], 6);
  mopo_policy_free(p);
  mopo_dataset_free(d);
}

static void own_simulator_with_a_nan(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_dataset *d = tiny_dataset();
  counter k = {.bad_step = 7};
  mopo_simulator sim = {.size = sizeof sim, .ctx = &k, .reset = reset, .step = step};
  tiny_set(&c, "eval-episodes", "2");
  assert_int_equal(mopo_learn(&p, NULL, d, hopper(), NULL, &c, NULL, &sim, NULL, NULL, &err),
                   MOPO_EDATA);
  assert_string_equal(
      err.msg, "simulator: step wrote obs[2] = nan, want a finite number in episode 1, step 2");
  assert_null(p);
  sim.step = NULL;
  assert_int_equal(mopo_learn(&p, NULL, d, hopper(), NULL, &c, NULL, &sim, NULL, NULL, &err),
                   MOPO_EINVAL);
  assert_string_equal(err.msg, "simulator: step is NULL");
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ the caller's task */

typedef struct rule {
  int calls, broken; /* broken: the call that says what cannot be; 0: none */
} rule;

static void done(void *ctx, unsigned char *out, const float *obs, const float *act,
                 const float *next, int n)
{
  rule *r = ctx;
  (void)obs, (void)act;
  r->calls++;
  for (int i = 0; i < n; i++) out[i] = next[i * TINY_S] < 0.7f;
  if (r->calls == r->broken) out[n - 1] = 7;
}

static void own_task(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_task *task = NULL;
  mopo_dataset *d = tiny_dataset();
  rule r = {0};
  const mopo_task_facts facts = {.size = sizeof facts,
                                 .name = "tank",
                                 .obs_dim = TINY_S,
                                 .act_dim = TINY_A,
                                 .done = done,
                                 .ctx = &r};
  assert_ok(mopo_task_create(&task, &facts, &err), err);
  assert_ok(mopo_learn(&p, NULL, d, task, NULL, &c, NULL, NULL, NULL, NULL, &err), err);
  assert_true(r.calls > 0);
  assert_string_equal(mopo_policy_task(p), "tank");
  mopo_policy_free(p);
  r = (rule){.broken = 2};
  assert_int_equal(mopo_learn(&p, NULL, d, task, NULL, &c, NULL, NULL, NULL, NULL, &err),
                   MOPO_EDATA);
  assert_non_null(strstr(err.msg, "done"));
  assert_null(p);
  mopo_task_free(task);
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ what is refused */

static void refused(void **state)
{
  (void)state;
  mopo_config c = config("mopo");
  mopo_error err;
  mopo_policy *p = NULL;
  mopo_dataset *d = tiny_dataset();
  assert_int_equal(
      mopo_learn(&p, NULL, d, mopo_task_find("ant"), NULL, &c, NULL, NULL, NULL, NULL, &err),
      MOPO_EDATA);
  assert_string_equal(err.msg, "task ant: 27 observations, 8 actions; the data have 11, 3");
  assert_null(p);
#ifndef MOPO_DEBUG
  assert_int_equal(mopo_learn(&p, NULL, NULL, hopper(), NULL, &c, NULL, NULL, NULL, NULL, &err),
                   MOPO_EINVAL);
  assert_string_equal(err.msg, "mopo_learn: data is NULL");
  assert_int_equal(mopo_learn(&p, NULL, d, hopper(), NULL, NULL, NULL, NULL, NULL, NULL, &err),
                   MOPO_EINVAL);
#endif
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_bits_of_a_file_and_no_file, set_up),
      cmocka_unit_test_setup(borrowed_rows_and_the_settings_task, set_up),
      cmocka_unit_test_setup(a_hook_sees_each_epoch, set_up),
      cmocka_unit_test_setup(a_hook_stops_and_the_run_resumes, set_up),
      cmocka_unit_test_setup(a_stop_in_memory_loses_nothing, set_up),
      cmocka_unit_test_setup(own_simulator, set_up),
      cmocka_unit_test_setup(own_simulator_with_a_nan, set_up),
      cmocka_unit_test_setup(own_task, set_up),
      cmocka_unit_test_setup(refused, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
