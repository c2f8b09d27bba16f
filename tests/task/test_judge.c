/* test_judge.c - tasks of the caller's: what is refused, what is copied, and that callbacks get
 * whole batches whose answers are checked. */
#include "check.h"

#include "task/task.h"

#include <math.h>
#include <string.h>

enum { S = 3, A = 2, N = 5 };

typedef struct seen {
  int calls, rows;
  unsigned char done;     /* what the callback says of row 3 */
  float rew;              /* the same */
  const float *obs, *act; /* what it was given */
} seen;

static void done_of(void *ctx, unsigned char *done, const float *obs, const float *act,
                    const float *next, int n)
{
  seen *s = ctx;
  s->calls++, s->rows = n, s->obs = obs, s->act = act;
  for (int i = 0; i < n; i++) done[i] = next[i * S] > obs[i * S] + act[i * A + 1];
  if (n > 3 && s->done) done[3] = s->done;
}

static void reward_of(void *ctx, float *rew, const float *obs, const float *act, const float *next,
                      int n)
{
  seen *s = ctx;
  for (int i = 0; i < n; i++) rew[i] = obs[i * S + 2] + act[i * A] + next[i * S + 1];
  if (n > 3 && s->rew != 0.0f) rew[3] = s->rew;
}

static mopo_task_facts facts_of(seen *s)
{
  return (mopo_task_facts){.size = sizeof(mopo_task_facts),
                           .name = "tank",
                           .obs_dim = S,
                           .act_dim = A,
                           .done = done_of,
                           .reward = reward_of,
                           .ctx = s};
}

static mopo_task *task_of(const mopo_task_facts *f)
{
  mopo_error err;
  mopo_task *t = NULL;
  assert_ok(mopo_task_create(&t, f, &err), err);
  return t;
}

/* Rows with a gap between them, in no order, as a ring of transitions would have them. */
typedef struct steps {
  float rows[N][16];
  const float *obs[N], *act[N];
  float *next[N];
} steps;

static steps some_steps(void)
{
  steps x;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < 16; j++) x.rows[i][j] = (float)((i * 7 + j * 3) % 11) - 5.0f;
  return x;
}

static void point(steps *x)
{
  for (int i = 0; i < N; i++) {
    float *row = x->rows[(i * 2) % N];
    x->obs[i] = row, x->act[i] = row + 4, x->next[i] = row + 9;
  }
}

static void test_whole_batches(void **state)
{
  (void)state;
  mopo_error err;
  seen s = {0};
  mopo_task_facts f = facts_of(&s);
  mopo_task *t = task_of(&f);
  task_scratch *scratch = NULL;
  steps x = some_steps();
  point(&x);
  unsigned char done[N];
  float rew[N];
  assert_true(task_knows_ends(t) && task_knows_reward(t));
  assert_ok(task_scratch_create(&scratch, t, S, A, N, &err), err);
  for (int n = 0; n <= N; n++) {
    s.rows = -1;
    assert_ok(task_judge(scratch, done, rew, x.obs, x.act, x.next, n, &err), err);
    assert_int_equal(s.rows, n);
    for (int i = 0; i < n; i++) {
      const float *o = x.obs[i], *a = x.act[i], *y = x.next[i];
      assert_int_equal(done[i], y[0] > o[0] + a[1]);
      assert_true(rew[i] == o[2] + a[0] + y[1]);
      assert_memory_equal(s.obs + i * S, o, S * sizeof *o);
      assert_memory_equal(s.act + i * A, a, A * sizeof *a);
    }
  }
  assert_int_equal(s.calls, N + 1);
  task_scratch_free(scratch);
  mopo_task_free(t);
}

static void assert_refused(const mopo_task *t, const char *why)
{
  mopo_error err;
  task_scratch *scratch = NULL;
  steps x = some_steps();
  point(&x);
  unsigned char done[N];
  float rew[N];
  assert_ok(task_scratch_create(&scratch, t, S, A, N, &err), err);
  assert_int_equal(task_judge(scratch, done, rew, x.obs, x.act, x.next, N, &err), MOPO_EDATA);
  assert_string_equal(err.msg, why);
  task_scratch_free(scratch);
}

static void test_wrong_answers(void **state)
{
  (void)state;
  seen s = {.done = 2};
  mopo_task_facts f = facts_of(&s);
  mopo_task *t = task_of(&f);
  assert_refused(t, "task tank: done says 2 of row 3, want 0 or 1");
  s = (seen){.rew = NAN};
  assert_refused(t, "task tank: reward says nan of row 3, want a finite number");
  s = (seen){.rew = -INFINITY};
  assert_refused(t, "task tank: reward says -inf of row 3, want a finite number");
  mopo_task_free(t);
}

/* Nobody knows: no end, and the model's reward stays. Built-in rules read the rows where they lie.
 */
static void test_without_callbacks(void **state)
{
  (void)state;
  mopo_error err;
  const mopo_task *hopper = mopo_task_find("hopper");
  mopo_task_facts f = facts_of(NULL);
  f.done = NULL, f.reward = NULL;
  mopo_task *t = task_of(&f);
  assert_false(task_knows_ends(t) || task_knows_reward(t) || task_knows_reward(hopper));
  assert_true(task_knows_ends(hopper) && task_knows_ends(mopo_task_find("halfcheetah")));
  float obs[11] = {0}, act[3] = {0}, up[11] = {1.2f}, down[11] = {0.1f}, rew[2] = {7, 8};
  const float *o[2] = {obs, obs}, *a[2] = {act, act};
  float *y[2] = {up, down};
  unsigned char done[2] = {9, 9};
  task_scratch *scratch = NULL;
  assert_ok(task_scratch_create(&scratch, t, S, A, 2, &err), err);
  assert_ok(task_judge(scratch, done, rew, o, a, y, 2, &err), err);
  assert_true(!done[0] && !done[1] && rew[0] == 7 && rew[1] == 8);
  task_scratch_free(scratch);
  assert_ok(task_scratch_create(&scratch, hopper, 11, 3, 2, &err), err);
  assert_ok(task_judge(scratch, done, rew, o, a, y, 2, &err), err);
  assert_true(!done[0] && done[1] && rew[0] == 7 && rew[1] == 8);
  task_scratch_free(scratch);
  mopo_task_free(t);
}

static void test_facts_are_copied(void **state)
{
  (void)state;
  char name[] = "tank", level[] = "level", pump[] = "pump";
  const char *obs_names[S] = {level, "b", "c"}, *act_names[A] = {pump, "v"};
  mopo_task_facts f = facts_of(NULL);
  f.name = name, f.obs_names = obs_names, f.act_names = act_names, f.dt = 0.5;
  mopo_task *t = task_of(&f);
  name[0] = level[0] = pump[0] = '?', obs_names[1] = NULL;
  const mopo_task_facts *is = mopo_task_facts_of(t);
  assert_string_equal(is->name, "tank");
  assert_string_equal(is->obs_names[0], "level");
  assert_string_equal(is->obs_names[1], "b");
  assert_string_equal(is->act_names[0], "pump");
  assert_true(is->size == sizeof *is && is->dt == 0.5);
  assert_int_equal(is->horizon, 1000);
  assert_true(isnan(is->score_min) && isnan(mopo_task_score(t, 1)));
  mopo_task_free(t);
  mopo_task_free(NULL);
}

static void assert_no_task(const mopo_task_facts *f, const char *why)
{
  mopo_error err;
  mopo_task *t = NULL;
  assert_int_equal(mopo_task_create(&t, f, &err), MOPO_EINVAL);
  assert_null(t);
  if (!strstr(err.msg, why)) fail_msg("'%s' does not say '%s'", err.msg, why);
}

static void test_refused_facts(void **state)
{
  (void)state;
  const char *names[S] = {"a", "", "c"};
  mopo_task_facts good = facts_of(NULL), f = good;
  f.size = 8, assert_no_task(&f, "size = 8, want sizeof(mopo_task_facts)");
  f = good, f.name = NULL, assert_no_task(&f, "name ''");
  f = good, f.name = "hopper", assert_no_task(&f, "is that of a built-in task");
  f = good, f.obs_dim = 0, assert_no_task(&f, "obs_dim = 0, want 1");
  f = good, f.act_dim = -1, assert_no_task(&f, "act_dim = -1, want 1");
  f = good, f.horizon = -5, assert_no_task(&f, "horizon = -5");
  f = good, f.dt = NAN, assert_no_task(&f, "dt = nan");
  f = good, f.score_min = 2, f.score_max = 1, assert_no_task(&f, "score_min = 2, score_max = 1");
  f = good, f.obs_names = names, assert_no_task(&f, "obs_names[1] is empty");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_batches),     cmocka_unit_test(test_wrong_answers),
      cmocka_unit_test(test_without_callbacks), cmocka_unit_test(test_facts_are_copied),
      cmocka_unit_test(test_refused_facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
