/* The table of tasks: names, scores, and where each task ends. */
#include "check.h"

#include "task/task.h"

#include <math.h>
#include <string.h>

static void test_names(void **state)
{
  (void)state;
  static const char *const found[][2] = {
      {"hopper", "hopper"},
      {"HOPPER", "hopper"},
      {"hopper-medium-replay-v2", "hopper"},
      {"Hopper-v4", "hopper"},
      {"hopper-random-v10", "hopper"},
      {"half_cheetah", "halfcheetah"},
      {"HalfCheetah-v5", "halfcheetah"},
      {"halfcheetah-full-replay-v2", "halfcheetah"},
      {"walker2d-medium-expert-v2", "walker2d"},
      {"Walker2d-v4", "walker2d"},
      {"ant", "ant"},
      {"Ant-v4", "ant"},
  };
  for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
    const mopo_task *task = mopo_task_find(found[i][0]);
    if (!task) fail_msg("%s is not found", found[i][0]);
    assert_string_equal(mopo_task_facts_of(task)->name, found[i][1]);
  }
  static const char *const unknown[] = {"",        "hop",      "hopper-jump", "hopperv2",
                                        "hopper-", "hopper-v", "antmaze-v0",  "ant-v2-x",
                                        "-hopper", "hopper v2"};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
    if (mopo_task_find(unknown[i])) fail_msg("'%s' is found", unknown[i]);
  assert_null(mopo_task_find(NULL));
}

static void test_table(void **state)
{
  (void)state;
  int n = 0;
  for (const mopo_task *t; (t = mopo_task_at(n)); n++) {
    assert_ptr_equal(mopo_task_find(mopo_task_facts_of(t)->name), t);
    assert_in_range(mopo_task_facts_of(t)->obs_dim, 1, TASK_MAX_OBS);
    assert_in_range(mopo_task_facts_of(t)->act_dim, 1, TASK_MAX_ACT);
    bool scored = mopo_task_facts_of(t)->score_max > mopo_task_facts_of(t)->score_min;
    assert_true(scored || (isnan(mopo_task_facts_of(t)->score_min) &&
                           isnan(mopo_task_facts_of(t)->score_max)));
    assert_true(mopo_task_facts_of(t)->dt > 0 && mopo_task_facts_of(t)->horizon > 0);
  }
  assert_true(n >= 4);
  char names[256], few[8];
  size_t length = mopo_task_names(names, sizeof names);
  assert_string_equal(names, "hopper, halfcheetah, walker2d, ant, halfcheetah-jump, ant-angle");
  assert_int_equal(length, strlen(names));
  assert_int_equal(mopo_task_names(few, sizeof few), length);
  assert_string_equal(few, "hopper,");
  assert_null(mopo_task_at(-1));
}

static void test_none(void **state)
{
  (void)state;
  const mopo_task *none = mopo_task_find("none");
  assert_non_null(none);
  assert_true(mopo_task_facts_of(none)->obs_dim == 0 && mopo_task_facts_of(none)->act_dim == 0);
  assert_false(task_knows_ends(none) || task_knows_reward(none));
  assert_true(isnan(mopo_task_score(none, 1.0)));
}

static void test_score(void **state)
{
  (void)state;
  const mopo_task *t = mopo_task_find("hopper");
  assert_float_equal(mopo_task_score(t, -20.272305), 0, 1e-12);
  assert_float_equal(mopo_task_score(t, 3234.3), 100, 1e-12);
  assert_float_equal(mopo_task_score(t, 1607.0138475), 50, 1e-4);
  /* A deviation has no offset: that of returns 0 and 2x is x on either scale. */
  double half = (mopo_task_score(t, 700) - mopo_task_score(t, 100)) / 2;
  assert_float_equal(mopo_task_score_std(t, 300), half, 1e-6);
  assert_float_equal(mopo_task_score_std(t, 0), 0, 0);
}

/* One number of a healthy state set to `value`: does the task end? */
struct truth {
  const char *task;
  int index;
  float value;
  bool ends;
};

static const struct truth truths[] = {
    {"hopper", 0, 1.25f, false},
    {"hopper", 0, 0.71f, false},
    {"hopper", 0, 0.69f, true},
    {"hopper", 0, 150, false}, /* the bound of 100 is not for the height */
    {"hopper", 0, -150, true},
    {"hopper", 0, INFINITY, true},
    {"hopper", 1, 0.19f, false},
    {"hopper", 1, -0.19f, false},
    {"hopper", 1, 0.21f, true},
    {"hopper", 1, -0.21f, true},
    {"hopper", 2, 99, false},
    {"hopper", 2, -99, false},
    {"hopper", 2, 100, true},
    {"hopper", 2, -100, true}, /* where the misplaced parenthesis sees nothing */
    {"hopper", 10, -1e6f, true},
    {"hopper", 10, 1e6f, true},
    {"halfcheetah", 0, -50, false},
    {"halfcheetah", 16, 1e9f, false},
    {"halfcheetah", 3, NAN, false},
    {"walker2d", 0, 0.81f, false},
    {"walker2d", 0, 0.79f, true},
    {"walker2d", 0, 1.99f, false},
    {"walker2d", 0, 2.01f, true},
    {"walker2d", 1, 0.99f, false},
    {"walker2d", 1, -0.99f, false},
    {"walker2d", 1, 1.01f, true},
    {"walker2d", 1, -1.01f, true},
    {"walker2d", 5, 1e6f, false},
    {"ant", 0, 0.21f, false},
    {"ant", 0, 0.19f, true},
    {"ant", 0, 1.0f, false}, /* both ends belong to it */
    {"ant", 0, 1.01f, true},
    {"ant", 20, 1e6f, false},
    {"halfcheetah-jump", 8, -50, false},
    {"ant-angle", 0, 0.19f, true},
    {"ant-angle", 0, 1.0f, false},
};

/* Healthy everywhere: upright at a height that every task likes. */
static void healthy(float *next)
{
  for (int i = 0; i < TASK_MAX_OBS; i++) next[i] = 0.01f;
  next[0] = 0.9f;
}

static bool ends_with(const mopo_task *t, int index, float value)
{
  float next[TASK_MAX_OBS], obs[TASK_MAX_OBS] = {0}, act[TASK_MAX_ACT] = {0};
  double wide[TASK_MAX_OBS];
  healthy(next);
  next[index] = value;
  for (int i = 0; i < TASK_MAX_OBS; i++) wide[i] = next[i];
  bool ends = task_done(t, obs, act, next);
  assert_int_equal(task_ends(t, wide), ends);
  return ends;
}

static void test_ends(void **state)
{
  (void)state;
  for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
    struct truth c = truths[i];
    if (ends_with(mopo_task_find(c.task), c.index, c.value) != c.ends)
      fail_msg("%s: s[%d] = %g, want %s", c.task, c.index, (double)c.value,
               c.ends ? "the end" : "no end");
  }
}

/* Fails too if the build gave up NaN (-ffast-math). */
static void test_not_finite_ends(void **state)
{
  (void)state;
  static const float bad[] = {NAN, INFINITY, -INFINITY};
  static const char *const names[] = {"hopper", "walker2d", "ant"};
  for (int n = 0; n < 3; n++) {
    const mopo_task *t = mopo_task_find(names[n]);
    for (int i = 0; i < mopo_task_facts_of(t)->obs_dim; i++)
      for (int k = 0; k < 3; k++)
        if (!ends_with(t, i, bad[k]))
          fail_msg("%s: s[%d] = %g goes on", mopo_task_facts_of(t)->name, i, (double)bad[k]);
  }
}

static void assert_near(double is, double want) { assert_true(fabs(is - want) < 1e-12); }

/* Speed counts up to 3 m/s, height without bound; actions cost. */
static void test_jump_reward(void **state)
{
  (void)state;
  const mopo_task *jump = mopo_task_find("halfcheetah-jump"), *trot = task_behaviour(jump);
  motion slow = {.vx = -2, .rise = 0.5, .effort = 4}, fast = {.vx = 7, .rise = -0.2, .effort = 4};
  assert_near(task_reward(jump, &slow), -2 - 0.4 + 7.5);
  assert_near(task_reward(jump, &fast), 3 - 0.4 - 3);
  assert_near(task_reward(trot, &slow), -2 - 0.4);
  assert_near(task_reward(trot, &fast), 3 - 0.4);
}

/* Speed 1 at 30 degrees earns 1, across it nothing; the behaviour's is that along x. */
static void test_angle_reward(void **state)
{
  (void)state;
  const mopo_task *angle = mopo_task_find("ant-angle"), *ant = task_behaviour(angle);
  motion along = {.vx = sqrt(0.75), .vy = 0.5, .effort = 2},
         across = {.vx = -0.5, .vy = sqrt(0.75)};
  assert_near(task_reward(angle, &along), 1 - 1 + 1);
  assert_near(task_reward(angle, &across), 1);
  assert_near(task_reward(ant, &along), sqrt(0.75) - 1 + 1);
}

/* The tasks beyond the D4RL sets have no score; what their data are made by is not listed. */
static void test_beyond(void **state)
{
  (void)state;
  for (int i = 0; mopo_task_at(i); i++) {
    const mopo_task *t = mopo_task_at(i), *b = task_behaviour(t);
    bool beyond = b != t;
    assert_int_equal(beyond, isnan(mopo_task_score(t, 1.0)));
    assert_true(mopo_task_facts_of(b)->obs_dim == mopo_task_facts_of(t)->obs_dim &&
                mopo_task_facts_of(b)->act_dim == mopo_task_facts_of(t)->act_dim &&
                mopo_task_facts_of(b)->dt == mopo_task_facts_of(t)->dt);
    assert_ptr_equal(mopo_task_find(mopo_task_facts_of(b)->name), b);
    for (int k = 0; beyond && mopo_task_at(k); k++) assert_ptr_not_equal(mopo_task_at(k), b);
  }
  assert_ptr_not_equal(mopo_task_find("halfcheetah-jump"), mopo_task_find("halfcheetah"));
  assert_ptr_equal(mopo_task_find("ant-angle-full-replay"), mopo_task_find("ant-angle"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),       cmocka_unit_test(test_table),
      cmocka_unit_test(test_none),        cmocka_unit_test(test_score),
      cmocka_unit_test(test_ends),        cmocka_unit_test(test_not_finite_ends),
      cmocka_unit_test(test_jump_reward), cmocka_unit_test(test_angle_reward),
      cmocka_unit_test(test_beyond),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
