/* test_file.c - task files: what they come to, and that each mistake is told with its line. */
#include "check.h"

#include "task/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TANK[] = "; a tank\n"
                           "[task]\n"
                           "name = tank\n"
                           "observations = level1, level2, temp ; in metres\n"
                           "actions = pump, heater, valve\n"
                           "pump = 0 .. 100\n"
                           "heater = off, on\n"
                           "horizon = 500\n"
                           "period = 0.1\n"
                           "terminal = level1 > 2.0 || level2 < 0.05\n"
                           "reward = -abs(next.level1 - 1.0) - 0.01*pump\n"
                           "limit = temp <= 90\n";

static mopo_task *parse(const char *text)
{
  mopo_error err;
  mopo_task *t = NULL;
  assert_ok(task_parse(&t, text, strlen(text), "tank.ini", &err), err);
  return t;
}

static void test_facts(void **state)
{
  (void)state;
  mopo_task *t = parse(TANK);
  const mopo_task_facts *f = mopo_task_facts_of(t);
  assert_string_equal(f->name, "tank");
  assert_true(f->obs_dim == 3 && f->act_dim == 3 && f->horizon == 500 && f->dt == 0.1);
  assert_string_equal(f->obs_names[1], "level2");
  assert_string_equal(f->act_names[2], "valve");
  assert_true(isnan(f->score_min) && !f->done && !f->reward);
  assert_true(task_knows_ends(t) && task_knows_reward(t));
  const double *r = t->rules->ranges;
  assert_true(t->rules->ranged);
  assert_true(r[0] == 0 && r[1] == 100 && r[2] == 0 && r[3] == 1 && r[4] == -1 && r[5] == 1);
  assert_true(!t->rules->is_switch[0] && t->rules->is_switch[1] && !t->rules->is_switch[2]);
  assert_memory_equal(t->rules->text, TANK, strlen(TANK));
  mopo_task_free(t);
}

typedef struct step {
  float obs[3], act[3], next[3];
} step;

static unsigned char judge(float *rew, const mopo_task *t, step x)
{
  mopo_error err;
  task_scratch *s = NULL;
  unsigned char done = 7;
  const float *obs = x.obs, *act = x.act;
  float *next = x.next;
  assert_ok(task_scratch_create(&s, t, 3, 3, 1, &err), err);
  assert_ok(task_judge(s, &done, rew, &obs, &act, &next, 1, &err), err);
  task_scratch_free(s);
  return done;
}

static void test_rules(void **state)
{
  (void)state;
  mopo_task *t = parse(TANK);
  float rew = 0;
  /* pump at 0.5 of -1..1 is 75 of 0..100 */
  step calm = {{9, 9, 9}, {0.5f, 0, 0}, {1.5f, 1, 20}};
  assert_int_equal(judge(&rew, t, calm), 0); /* `terminal` is of the state that is reached */
  assert_float_equal(rew, -0.5 - 0.75, 1e-6);
  step over = {{1, 1, 1}, {-1, 0, 0}, {2.5f, 1, 20}}, dry = {{1, 1, 1}, {-1, 0, 0}, {1, 0.04f, 20}};
  assert_int_equal(judge(&rew, t, over), 1);
  assert_float_equal(rew, -1.5, 1e-6);
  assert_int_equal(judge(&rew, t, dry), 1);
  /* What is not a number ends it, also where the rule does not ask for it. */
  step lost = {{1, 1, 1}, {-1, 0, 0}, {1, 1, NAN}};
  assert_int_equal(judge(&rew, t, lost), 1);
  mopo_task_free(t);
}

static void test_nan_ends(void **state)
{
  (void)state;
  static const char head[] = "[task]\nname = t\nobservations = a, b, c\nactions = p, q, r\n";
  char text[400];
  float rew = 5;
  step x = {{1, 0, 0}, {0, 0, 0}, {2, 0, 0}};
  snprintf(text, sizeof text, "%sterminal = (b / c) > 1 && 0 || 0 * (a / b)\n", head);
  mopo_task *t = parse(text);
  assert_int_equal(judge(&rew, t, x), 1); /* 0 * infinity */
  mopo_task_free(t);
  snprintf(text, sizeof text, "%sterminal = a / b < 0\n", head); /* infinity is a number here */
  t = parse(text);
  assert_int_equal(judge(&rew, t, x), 0);
  assert_true(rew == 5 && !task_knows_reward(t));
  mopo_task_free(t);
  snprintf(text, sizeof text, "%sreward = a / b\n", head);
  t = parse(text);
  assert_int_equal(judge(&rew, t, x), 1);
  assert_true(rew == 5); /* the model's stays */
  mopo_task_free(t);
}

static void test_limit(void **state)
{
  (void)state;
  mopo_error err;
  mopo_task *t = parse(TANK);
  task_scratch *s = NULL;
  float a[3] = {0}, cold[3] = {1, 1, 90}, hot[3] = {1, 1, 90.5f}, unknown[3] = {1, 1, NAN};
  assert_ok(task_scratch_create(&s, t, 3, 3, 1, &err), err);
  assert_true(task_within_limit(s, hot, a, cold));
  assert_false(task_within_limit(s, cold, a, hot));
  assert_true(task_within_limit(s, cold, a, unknown) == false);
  task_scratch_free(s);
  mopo_task_free(t);
}

static void test_switches(void **state)
{
  (void)state;
  mopo_task *t = parse(TANK);
  float act[2][4] = {{0.3f, 0.3f, 0.3f, 9}, {-0.3f, -0.01f, 0.3f, 9}};
  task_round_actions(t, act[0], 4, 2);
  assert_true(act[0][0] == 0.3f && act[0][1] == 1.0f && act[0][2] == 0.3f && act[0][3] == 9);
  assert_true(act[1][0] == -0.3f && act[1][1] == -1.0f);
  task_round_actions(mopo_task_find("hopper"), act[0], 4, 2);
  assert_true(act[1][0] == -0.3f);
  mopo_task_free(t);
}

/* obs' = [o, o-1, a-1, o-2, a-2]; after the step the past is what was, whatever the model says. */
static void test_history(void **state)
{
  (void)state;
  mopo_error err;
  mopo_task *t = parse("[task]\nname = t\nobservations = a\nactions = p\nhistory = 3\n"
                       "terminal = a > 2\nreward = next.a * 10 + a + p\n");
  const mopo_task_facts *f = mopo_task_facts_of(t);
  static const char *const names[] = {"a", "a@-1", "p@-1", "a@-2", "p@-2"};
  assert_int_equal(f->obs_dim, 5);
  for (int i = 0; i < 5; i++) assert_string_equal(f->obs_names[i], names[i]);
  float o[5] = {1, 2, 0.25f, 3, 0.75f}, p[1] = {0.5f}, y[5] = {4, 99, 99, 99, 99}, rew = 0;
  const float *obs = o, *act = p;
  float *next = y;
  unsigned char done = 0;
  task_scratch *s = NULL;
  assert_ok(task_scratch_create(&s, t, 5, 1, 1, &err), err);
  assert_ok(task_judge(s, &done, &rew, &obs, &act, &next, 1, &err), err);
  static const float want[5] = {4, 1, 0.5f, 2, 0.25f};
  assert_memory_equal(y, want, sizeof want);
  assert_true(done == 1 && rew == 41.5f);
  task_scratch_free(s);
  mopo_task_free(t);
}

#define HEAD "[task]\nname = t\nobservations = a, b\nactions = p\n"

static void test_refused(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
      {"", "tank.ini: no 'name'"},
      {"[task]\nname = t\n", "tank.ini: no 'observations'"},
      {"[task]\nname = t\nobservations = a\n", "tank.ini: no 'actions'"},
      {"[tsk]\nname = t\n", "tank.ini:2: 'name' is in section [tsk], want [task]"},
      {"[task]\nname\n", "tank.ini:2: want 'name = value'"},
      {"[task]\nname = t\nname = u\n", "tank.ini:3: 'name' is given twice, first in line 2"},
      {"[task]\nname = t\nobservations = a, a\nactions = p\n", "tank.ini:3: observations: 'a' is"},
      {"[task]\nname = t\nobservations = a,,b\nactions = p\n", "a name between commas is empty"},
      {"[task]\nname = t\nobservations = a\nactions = a\n", "'a' is an observation too"},
      {"[task]\nname = t\nobservations = a\nactions = limit\n", "'limit' is a key of this file"},
      {"[task]\nname = hopper\nobservations = a\nactions = p\n", "that of a built-in task"},
      {HEAD "p = 0\n", "tank.ini:5: p = 0, want LOW .. HIGH"},
      {HEAD "p = 5 .. 5\n", "tank.ini:5: p = 5 .. 5, want"},
      {HEAD "p = off, on, more\n", "tank.ini:5: p = off, on, more, want"},
      {HEAD "p = off, 3\n", "want LOW .. HIGH"},
      {HEAD "a = 0 .. 1\n", "tank.ini:5: 'a' is an observation"},
      {HEAD "horizn = 3\n", "tank.ini:5: 'horizn' is neither a key nor an action, did you mean "
                            "'horizon'?"},
      {HEAD "horizon = 0\n", "horizon = 0, want a whole number, 1 to"},
      {HEAD "horizon = 2.5\n", "horizon = 2.5, want a whole number"},
      {HEAD "history = 65\n", "history = 65, want a whole number, 1 to 64"},
      {HEAD "period = -1\n", "period = -1, want seconds"},
      {HEAD "terminal = a > 1 ||\n", "tank.ini:5: terminal: it ends too soon"},
      {HEAD "\nreward = -aa\n", "tank.ini:6: reward: 'aa' is no column of the task, did you mean "
                                "'a'?"},
      {HEAD "limit = next.q < 1\n", "tank.ini:5: limit: 'q' is no column"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    mopo_error err;
    mopo_task *t = NULL;
    mopo_status st = task_parse(&t, cases[i][0], strlen(cases[i][0]), "tank.ini", &err);
    if (st != MOPO_EFORMAT || t) fail_msg("'%s' gives %d", cases[i][0], st);
    if (!strstr(err.msg, cases[i][1])) fail_msg("'%s' does not say '%s'", err.msg, cases[i][1]);
  }
}

static void test_load(void **state)
{
  (void)state;
  mopo_error err;
  mopo_task *t = NULL;
  FILE *f = fopen("task_file.ini", "w");
  fputs(TANK, f);
  fclose(f);
  assert_ok(mopo_task_load(&t, "task_file.ini", &err), err);
  assert_string_equal(mopo_task_facts_of(t)->name, "tank");
  mopo_task_free(t);
  assert_ok(mopo_task_load(&t, "hopper-medium-v2", &err), err);
  assert_ptr_equal(t, mopo_task_find("hopper"));
  mopo_task_free(t);
  assert_int_equal(mopo_task_load(&t, "no_such.ini", &err), MOPO_EIO);
  assert_null(t);
  assert_int_equal(mopo_task_load(&t, "hoper", &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "want one of hopper, "));
  assert_non_null(strstr(err.msg, ", none, or a task file"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_facts),    cmocka_unit_test(test_rules),
      cmocka_unit_test(test_nan_ends), cmocka_unit_test(test_limit),
      cmocka_unit_test(test_switches), cmocka_unit_test(test_history),
      cmocka_unit_test(test_refused),  cmocka_unit_test(test_load),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
