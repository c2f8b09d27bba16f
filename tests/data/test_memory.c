/* test_memory.c - arrays of the caller's become a dataset, copied or borrowed, and come out again;
 * a wrong number is named by array, row and column. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5, S = 2, A = 1, W = 2 * S + A + 2 };

static float obs[N * S], act[N * A], rew[N], next[N * S];
static unsigned char terminal[N], timeout[N];

static int fill(void **state)
{
  (void)state;
  for (int i = 0; i < N * S; i++) obs[i] = (float)i, next[i] = (float)i + 0.5f;
  for (int i = 0; i < N; i++) act[i] = (float)i / 4.0f - 0.5f, rew[i] = -(float)i;
  memset(terminal, 0, N), memset(timeout, 0, N);
  terminal[2] = timeout[4] = 1;
  return 0;
}

static mopo_arrays arrays(void)
{
  return (mopo_arrays){.size = sizeof(mopo_arrays),
                       .rows = N,
                       .obs_dim = S,
                       .act_dim = A,
                       .obs = obs,
                       .act = act,
                       .rew = rew,
                       .next = next,
                       .terminal = terminal,
                       .timeout = timeout};
}

static mopo_dataset *from(const mopo_arrays *a)
{
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from(&d, a, &err), err);
  return d;
}

/* Is array `which` of d x [N,C]? */
static void assert_array(const mopo_dataset *d, mopo_array which, const float *x, int C)
{
  int64_t rows = 0;
  int columns = 0;
  size_t stride = 0;
  const float *y = mopo_dataset_array(d, which, &rows, &columns, &stride);
  assert_int_equal(rows, N);
  assert_int_equal(columns, C);
  for (size_t i = 0; i < N; i++)
    assert_memory_equal(y + i * stride, x + i * (size_t)C, (size_t)C * sizeof *x);
}

static void assert_all(const mopo_dataset *d)
{
  const float ends[N] = {0, 0, 1, 0, 0};
  assert_array(d, MOPO_OBS, obs, S);
  assert_array(d, MOPO_ACT, act, A);
  assert_array(d, MOPO_REW, rew, 1);
  assert_array(d, MOPO_NEXT, next, S);
  assert_array(d, MOPO_TERMINAL, ends, 1);
  assert_memory_equal(mopo_dataset_timeouts(d), timeout, N);
  mopo_episode e = mopo_dataset_episode(d, 0);
  assert_int_equal(e.rows, 3);
  assert_true(e.terminal && !e.timeout);
}

static void in_and_out(void **state)
{
  (void)state;
  const mopo_arrays a = arrays();
  mopo_dataset *d = from(&a);
  assert_all(d);
  assert_null(mopo_dataset_array(d, (mopo_array)77, NULL, NULL, NULL));
  obs[0] = 99; /* it has a copy */
  assert_true(mopo_dataset_array(d, MOPO_OBS, NULL, NULL, NULL)[0] == 0.0f);
  mopo_dataset_free(d);
}

/* An older caller's struct ends earlier: what it does not know is 0. */
static void a_shorter_struct(void **state)
{
  (void)state;
  mopo_arrays a = arrays();
  a.size = offsetof(mopo_arrays, timeout);
  mopo_dataset *d = from(&a);
  assert_int_equal(mopo_dataset_timeouts(d)[4], 0);
  mopo_dataset_free(d);
}

static void actions_in_the_units_of_the_log(void **state)
{
  (void)state;
  const float range[2] = {10.0f, 30.0f};
  mopo_arrays a = arrays();
  for (int i = 0; i < N; i++) act[i] = 10.0f + 5.0f * (float)i;
  a.action_ranges = range;
  mopo_dataset *d = from(&a);
  const float scaled[N] = {-1, -0.5f, 0, 0.5f, 1};
  assert_array(d, MOPO_ACT, scaled, A);
  assert_memory_equal(mopo_dataset_action_ranges(d), range, sizeof range);
  mopo_dataset_free(d);
}

static float *rows_of(const mopo_dataset *d)
{
  float *rows = malloc(N * W * sizeof *rows);
  assert_non_null(rows);
  assert_int_equal(mopo_row_width(S, A), W);
  memcpy(rows, mopo_dataset_array(d, MOPO_ROW, NULL, NULL, NULL), N * W * sizeof *rows);
  return rows;
}

static void borrowed_rows_stay_where_they_are(void **state)
{
  (void)state;
  const mopo_arrays a = arrays();
  mopo_dataset *copied = from(&a), *d = NULL;
  float *rows = rows_of(copied);
  mopo_error err;
  assert_ok(mopo_dataset_borrow(&d, N, S, A, rows, timeout, &err), err);
  assert_ptr_equal(mopo_dataset_array(d, MOPO_ROW, NULL, NULL, NULL), rows);
  assert_all(d);
  mopo_dataset_free(d);
  rows[0] = 1.0f; /* it was not freed with the dataset */
  free(rows);
  mopo_dataset_free(copied);
}

/* ------------------------------------------------------------------ what is refused */

static void assert_refused(mopo_status st, mopo_status want, const mopo_error *err, const char *why,
                           const mopo_dataset *d)
{
  if (st != want || strcmp(err->msg, why) != 0)
    fail_msg("status %d '%s', want %d '%s'", (int)st, err->msg, (int)want, why);
  assert_null(d);
}

static void refuses(mopo_arrays a, mopo_status want, const char *why)
{
  mopo_error err = {0};
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_from(&d, &a, &err);
  assert_refused(st, want, &err, why, d);
}

static void wrong_numbers_are_named(void **state)
{
  (void)state;
  const struct {
    float *at, value;
    const char *why;
  } wrong[] = {
      {&obs[5], NAN, "memory: 'obs' row 2 column 1 = nan, want a finite number"},
      {&next[9], INFINITY, "memory: 'next' row 4 column 1 = inf, want a finite number"},
      {&rew[3], -INFINITY, "memory: 'rew' row 3 column 0 = -inf, want a finite number"},
      {&act[1], 1.5f, "memory: 'act' row 1 column 0 = 1.5, want -1..1"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const mopo_arrays a = arrays();
    mopo_dataset *d = from(&a), *other = NULL;
    float *rows = rows_of(d), keep = *wrong[i].at;
    mopo_error err = {0};
    *wrong[i].at = wrong[i].value;
    refuses(a, MOPO_EDATA, wrong[i].why);
    const int column[] = {5 % S, S + A + 1 + 9 % S, S + A, S}, row[] = {2, 4, 3, 1};
    rows[row[i] * W + column[i]] = wrong[i].value;
    mopo_status st = mopo_dataset_borrow(&other, N, S, A, rows, NULL, &err);
    assert_refused(st, MOPO_EDATA, &err, wrong[i].why, other);
    *wrong[i].at = keep;
    free(rows);
    mopo_dataset_free(d);
  }
}

static void wrong_ends_of_rows(void **state)
{
  (void)state;
  const mopo_arrays a = arrays();
  mopo_dataset *d = from(&a), *other = NULL;
  float *rows = rows_of(d);
  mopo_error err = {0};
  rows[3 * W + W - 1] = 0.5f;
  mopo_status st = mopo_dataset_borrow(&other, N, S, A, rows, NULL, &err);
  assert_refused(st, MOPO_EDATA, &err, "memory: 'done' row 3 column 0 = 0.5, want 0 or 1", other);
  free(rows);
  mopo_dataset_free(d);
}

static void wrong_sizes(void **state)
{
  (void)state;
  mopo_arrays a = arrays();
  a.rows = 0;
  refuses(a, MOPO_EINVAL, "dataset of 0 rows, obs_dim 2, act_dim 1, want 1 or more");
  a = arrays(), a.act_dim = -1;
  refuses(a, MOPO_EINVAL, "dataset of 5 rows, obs_dim 2, act_dim -1, want 1 or more");
  a = arrays(), a.obs_dim = INT32_MAX;
  refuses(a, MOPO_EINVAL, "dataset of 5 rows, obs_dim 2147483647, act_dim 1, want 1 or more");
  const float range[2] = {3, 3};
  a = arrays(), a.action_ranges = range;
  refuses(a, MOPO_EDATA, "memory: action range 3..3, want the lower bound first");
#ifndef MOPO_DEBUG
  a = arrays(), a.next = NULL;
  refuses(a, MOPO_EINVAL, "mopo_dataset_from: a.next is NULL");
#endif
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(in_and_out, fill),
      cmocka_unit_test_setup(a_shorter_struct, fill),
      cmocka_unit_test_setup(actions_in_the_units_of_the_log, fill),
      cmocka_unit_test_setup(borrowed_rows_stay_where_they_are, fill),
      cmocka_unit_test_setup(wrong_numbers_are_named, fill),
      cmocka_unit_test_setup(wrong_ends_of_rows, fill),
      cmocka_unit_test_setup(wrong_sizes, fill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
