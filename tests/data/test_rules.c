/* test_rules.c - a log under the rules of a task file: rewards, ends, limits, and the past that the
 * policy sees. */
#include "check.h"

#include "data/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 7, S = 2, A = 1 };

/* Two episodes, rows 0..3 and 4..6; observation (10 i, i), successor (10 i + 10, i + 1). */
static mopo_dataset *log_of(int terminal)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  float obs[N * S], act[N], rew[N], next[N * S];
  unsigned char end[N] = {0}, cut[N] = {0, 0, 0, 1, 0, 0, 0};
  for (int i = 0; i < N; i++) {
    obs[2 * i] = 10.0f * (float)i, obs[2 * i + 1] = (float)i;
    next[2 * i] = obs[2 * i] + 10.0f, next[2 * i + 1] = obs[2 * i + 1] + 1.0f;
    act[i] = 0.1f * (float)i, rew[i] = -1.0f;
  }
  if (terminal >= 0) end[terminal] = 1;
  assert_ok(mopo_dataset_from_arrays(&d, N, S, A, obs, act, rew, next, end, cut, &err), err);
  return d;
}

#define HEAD "[task]\nname = t\nobservations = a, b\nactions = p\np = 0 .. 20\n"

static mopo_task *task_of(const char *text)
{
  mopo_error err;
  mopo_task *t = NULL;
  assert_ok(task_parse(&t, text, strlen(text), "t.ini", &err), err);
  return t;
}

static const float *row_of(const mopo_dataset *d, int i) { return dataset_row(d, i); }

static void rewards_and_ends(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = log_of(1);
  mopo_task *t = task_of(HEAD "terminal = b > 5.5\nreward = next.a - a + p\n");
  mopo_agreement a = {0};
  assert_ok(dataset_compare_ends(&a, d, t, &err), err);
  assert_true(a.end_rows == N && a.ends == 3 && a.first_end == 1); /* rows 1, 5 and 6 */
  assert_ok(dataset_apply_rules(d, t, true, false, &err), err);
  for (int i = 0; i < N; i++) {
    float p = 10.0f + 10.0f * 0.1f * (float)i;
    assert_float_equal(row_of(d, i)[d->at.rew], 10.0f + p, 1e-5);
    assert_int_equal(row_of(d, i)[d->at.done], i == 1);
  }
  assert_ok(dataset_apply_rules(d, t, false, true, &err), err);
  for (int i = 0; i < N; i++) assert_int_equal(row_of(d, i)[d->at.done], i >= 5);
  assert_int_equal(d->timeouts[1], 1); /* what ended the recording still does */
  assert_true(d->ends[1] && d->ends[3] && d->ends[5] && d->ends[6] && !d->ends[0]);
  a = (mopo_agreement){0};
  assert_ok(dataset_compare_ends(&a, d, t, &err), err);
  assert_true(a.end_rows == N && a.ends == 0);
  mopo_task_free(t);
  mopo_dataset_free(d);
}

static void a_reward_that_is_no_number(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = log_of(-1);
  mopo_task *t = task_of(HEAD "reward = 1 / (b - 2)\n");
  assert_int_equal(dataset_apply_rules(d, t, true, true, &err), MOPO_EDATA);
  assert_non_null(strstr(err.msg, "the reward of task t is no finite number in row 2"));
  mopo_task_free(t);
  mopo_dataset_free(d);
}

static void limits(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = log_of(-1);
  int64_t passed = 9;
  mopo_task *t = task_of(HEAD "limit = a <= 50\n"), *none = task_of(HEAD);
  assert_ok(dataset_limit(&passed, d, none, true, -5.0f, &err), err);
  assert_int_equal(passed, 0);
  assert_ok(dataset_limit(&passed, d, t, false, -5.0f, &err), err);
  assert_int_equal(passed, 2);
  assert_true(row_of(d, 6)[d->at.done] == 0.0f && row_of(d, 6)[d->at.rew] == -1.0f);
  assert_ok(dataset_limit(&passed, d, t, true, -5.0f, &err), err);
  for (int i = 0; i < N; i++) {
    assert_int_equal(row_of(d, i)[d->at.done], i >= 5);
    assert_true(row_of(d, i)[d->at.rew] == (i >= 5 ? -5.0f : -1.0f));
  }
  mopo_task_free(t);
  mopo_task_free(none);
  mopo_dataset_free(d);
}

/* [o, o-1, a-1, o-2, a-2], padded where an episode begins; next is one step on. */
static void history(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = log_of(6), *h = NULL;
  assert_ok(dataset_stack(&h, d, 3, &err), err);
  assert_int_equal(h->at.S, 3 * S + 2 * A);
  for (int i = 0; i < N; i++) {
    int start = i < 4 ? 0 : 4;
    float want[3 * S + 2 * A], *w = want;
    for (int ago = 0; ago < 3; ago++) {
      int j = i - ago < start ? start : i - ago;
      *w++ = 10.0f * (float)j, *w++ = (float)j;
      if (ago) *w++ = i - ago < start ? 0.0f : 0.1f * (float)j;
    }
    assert_memory_equal(row_of(h, i), want, sizeof want);
    const float *next = row_of(h, i) + h->at.next;
    assert_true(next[0] == 10.0f * (float)i + 10.0f && next[1] == (float)i + 1.0f);
    assert_memory_equal(next + S, want, S * sizeof *want);
    assert_true(next[2 * S] == 0.1f * (float)i);
    assert_memory_equal(next + 2 * S + A, want + S, (S + A) * sizeof *want);
    assert_int_equal(h->ends[i], d->ends[i]);
    assert_true(row_of(h, i)[h->at.done] == row_of(d, i)[d->at.done]);
  }
  mopo_dataset_free(h);
  mopo_dataset_free(d);
}

/* Rules see the same of stacked rows, and judging them changes nothing. */
static void rules_of_stacked_rows(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = log_of(1);
  mopo_task *t = task_of(HEAD "terminal = b > 5.5 || before.a == 0\nhistory = 2\n");
  mopo_agreement raw = {0}, seen = {0};
  char before[DATASET_DIGEST], after[DATASET_DIGEST];
  assert_ok(dataset_compare_ends(&raw, d, t, &err), err);
  assert_ok(dataset_see_as(&d, t, &err), err);
  assert_int_equal(d->at.S, 2 * S + A);
  dataset_digest(before, d);
  assert_ok(dataset_compare_ends(&seen, d, t, &err), err);
  dataset_digest(after, d);
  assert_true(raw.ends == 4 && seen.ends == 4 && seen.first_end == raw.first_end);
  assert_string_equal(before, after);
  mopo_task_free(t);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rewards_and_ends),
      cmocka_unit_test(a_reward_that_is_no_number),
      cmocka_unit_test(limits),
      cmocka_unit_test(history),
      cmocka_unit_test(rules_of_stacked_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
