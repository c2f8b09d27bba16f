/* test_describe.c - statistics against small cases whose answers are known. */
#include "check.h"

#include "data/dataset.h"

#include <math.h>
#include <string.h>

static const float OBS[] = {1, 5, 2, 5, 3, 5, 9, 5, 4, 5}, NEXT[] = {2, 5, 3, 5, 4, 5, 9, 5, 7, 5};
static const float ACT[] = {0.5f, 1, 1, -1, 1}, REW[] = {1, 2, 3, 10, 5};
static const unsigned char TERMINAL[] = {0, 0, 1, 0, 0}, TIMEOUT[] = {0, 0, 0, 1, 0};

static void describes_episodes(void **state)
{
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  assert_ok(mopo_dataset_from_arrays(&d, 5, 2, 1, OBS, ACT, REW, NEXT, TERMINAL, TIMEOUT, &e), e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_int_equal(info.rows, 5);
  assert_int_equal(info.episodes, 3);
  assert_int_equal(info.terminals, 1);
  assert_int_equal(info.timeouts, 1);
  assert_int_equal(info.complete_episodes, 2);
  assert_true(info.return_mean == 8.0 && info.return_std == 2.0);
  assert_true(info.return_min == 6.0 && info.return_max == 10.0);
  assert_true(fabs(info.return_quantile[0] - 6.2) < 1e-12 && info.return_quantile[2] == 8.0);
  assert_true(info.length_mean == 2.0 && info.reward_mean == 4.2);
  assert_true(info.reward_min == 1.0 && info.reward_max == 10.0);
  assert_true(info.action_min == -1.0 && info.action_max == 1.0);
  mopo_dataset_free(d);
}

static bool has_note(const mopo_dataset_info *info, const char *text)
{
  for (int i = 0; i < info->n_notes; i++)
    if (strstr(info->notes[i], text)) return true;
  return false;
}

static void describes_what_is_suspicious(void **state)
{
  enum { N = 1000 };
  static float obs[N][2], act[N][1], rew[N], next[N][2];
  static unsigned char terminal[N], timeout[N];
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  for (int i = 0; i < N; i++) {
    obs[i][0] = (float)(i / 2);
    next[i][0] = (float)(i / 2 + 1);
    obs[i][1] = next[i][1] = 4.0f;
    act[i][0] = i % 4 ? 1.0f : -0.5f;
    terminal[i] = timeout[i] = i % 8 < 2;
  }
  rew[700] = 1e6f;
  assert_ok(mopo_dataset_from_arrays(&d, N, 2, 1, *obs, *act, rew, *next, terminal, timeout, &e),
            e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(has_note(&info, "1 of 2 observation columns never changes: 1"));
  assert_true(has_note(&info, "250 rows are terminal and timeout at once"));
  assert_true(has_note(&info, "25.0 % of the rows are terminal"));
  assert_true(
      has_note(&info, "1 of 1 action columns lies at a bound in up to 75.0 % of the rows: 0"));
  assert_true(has_note(&info, "1 reward lies more than 10 standard deviations"));
  assert_true(has_note(&info, "% of the rows are copies of another row"));
  assert_true(has_note(&info,
                       "in 375 places the next row goes on elsewhere, though no episode ended, "
                       "first after row 2: rows are missing"));
  mopo_dataset_free(d);
  memset(rew, 0, sizeof rew);
  memset(terminal, 0, sizeof terminal);
  assert_ok(mopo_dataset_from_arrays(&d, N, 2, 1, *obs, *act, rew, *next, terminal, NULL, &e), e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(has_note(&info, "no episode is complete"));
  assert_true(has_note(&info, "every reward is 0"));
  assert_true(isnan(info.return_mean) && info.episodes == 1);
  mopo_dataset_free(d);
}

/* A sensor that wraps around, and episodes cut after every row. */
static void describes_jumps(void **state)
{
  enum { N = 2000 };
  static float obs[N][2], act[N][1], rew[N], next[N][2];
  static unsigned char terminal[N], timeout[N];
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  for (int i = 0; i < N; i++) {
    obs[i][0] = obs[i][1] = (float)i;
    next[i][0] = next[i][1] = (float)i + 1.0f + (float)(i % 7) / 7.0f;
    act[i][0] = (float)(i % 9 - 4) / 5.0f;
    rew[i] = (float)(i % 13);
    timeout[i] = i % 2 == 1;
  }
  next[1500][1] = -1000.0f;
  next[1700][1] = -1000.0f;
  assert_ok(mopo_dataset_from_arrays(&d, N, 2, 1, *obs, *act, rew, *next, terminal, timeout, &e),
            e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(has_note(&info, "1 of 2 observation columns jumps by more than 20 standard"));
  assert_true(has_note(&info, "column 1 in 2 rows, first in row 1500"));
  assert_false(has_note(&info, "of the episodes have one row"));
  mopo_dataset_free(d);
  memset(timeout, 1, sizeof timeout);
  assert_ok(mopo_dataset_from_arrays(&d, N, 2, 1, *obs, *act, rew, *next, terminal, timeout, &e),
            e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(has_note(&info, "100.0 % of the episodes have one row"));
  mopo_dataset_free(d);
}

/* The range of a valve put upon a heater that is 0 or 1; the third never moves at all. */
static void describes_actions_of_another_range(void **state)
{
  enum { N = 500 };
  static float obs[N + 1][1], act[N][3], rew[N];
  static unsigned char terminal[N];
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  for (int i = 0; i <= N; i++) obs[i][0] = (float)i;
  for (int i = 0; i < N; i++) {
    act[i][0] = (float)(i % 9 - 4) / 5.0f;
    act[i][1] = i % 3 ? -1.0f : -0.98f;
    act[i][2] = -1.0f;
    rew[i] = (float)(i % 13);
  }
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 3, *obs, *act, rew, obs[1], terminal, NULL, &e), e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(
      has_note(&info, "1 of 3 action columns uses less than 5 % of [-1,1]: 1 (action-range"));
  assert_true(has_note(&info, "1 of 3 action columns never changes: 2"));
  mopo_dataset_free(d);
  for (int i = 0; i < N; i++) act[i][1] = i % 3 ? -0.05f : 0.06f;
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 3, *obs, *act, rew, obs[1], terminal, NULL, &e), e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_false(has_note(&info, "of [-1,1]"));
  mopo_dataset_free(d);
}

/* One of three actions is on or off; one row is missing, one ends twice, one pays too much. */
static void describes_one_of_several(void **state)
{
  enum { N = 500 };
  static float obs[N + 1][1], act[N][3], rew[N], next[N][1];
  static unsigned char terminal[N], timeout[N];
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  for (int i = 0; i <= N; i++) obs[i][0] = (float)(i + (i > 123));
  for (int i = 0; i < N; i++) {
    act[i][0] = act[i][1] = (float)(i % 9 - 4) / 5.0f;
    act[i][2] = i % 3 ? -1.0f : i % 2 ? 1.0f : 0.0f;
    rew[i] = i == 7 ? 1e6f : (float)(i % 13);
    terminal[i] = timeout[i] = i == 400;
  }
  memcpy(next, obs[1], sizeof next);
  next[123][0] = 124.0f; /* obs[124] is 125 */
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 3, *obs, *act, rew, *next, terminal, timeout, &e),
            e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_true(
      has_note(&info, "1 of 3 action columns lies at a bound in up to 83.2 % of the rows: 2"));
  assert_true(has_note(&info, "in 1 place the next row goes on elsewhere, though no episode ended, "
                              "first after row 123:"));
  assert_true(has_note(&info, "1 row is terminal and timeout at once: it counts as terminal"));
  assert_true(has_note(&info, "1 reward lies more than 10 standard deviations"));
  mopo_dataset_free(d);
}

/* A good dataset gives no notes. */
static void nothing_to_say_about_good_data(void **state)
{
  enum { N = 500 };
  static float obs[N + 1][1], act[N][1], rew[N];
  static unsigned char terminal[N], timeout[N];
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  for (int i = 0; i <= N; i++) obs[i][0] = (float)i;
  for (int i = 0; i < N; i++) {
    act[i][0] = (float)(i % 9 - 4) / 5.0f;
    rew[i] = (float)(i % 13);
    timeout[i] = i % 100 == 99;
  }
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 1, *obs, *act, rew, obs[1], terminal, timeout, &e),
            e);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_int_equal(info.n_notes, 0);
  assert_int_equal(info.complete_episodes, 5);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(describes_episodes),
      cmocka_unit_test(describes_what_is_suspicious),
      cmocka_unit_test(describes_jumps),
      cmocka_unit_test(describes_actions_of_another_range),
      cmocka_unit_test(describes_one_of_several),
      cmocka_unit_test(nothing_to_say_about_good_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
