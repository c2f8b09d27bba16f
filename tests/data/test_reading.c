/* test_reading.c - the options of a reading: runs by their text, cuts by time, bad rows, clipped
 * actions, columns of arrays, and what is told of them. */
#include "check.h"

#include "data/dataset.h"
#include "data/notes.h"
#include "io/file.h"
#include "io/hdf5_out.h"
#include "io/npz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char COLUMNS[] = "obs=temp;act=valve;reward=gain;episode=run";

static void write_text(const char *text)
{
  mopo_error e;
  assert_ok(file_write("reading.csv", text, strlen(text), &e), e);
}

static mopo_dataset *read_how(const char *path, const mopo_import *how)
{
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_import(&d, path, how, NULL, &e), e);
  return d;
}

static mopo_dataset *read_text(const char *text, const char *columns)
{
  mopo_import how = {.size = sizeof how, .columns = columns};
  write_text(text);
  return read_how("reading.csv", &how);
}

static bool has_note(const mopo_dataset *d, const char *text)
{
  for (int i = 0; i < d->n_notes; i++)
    if (strstr(d->notes[i], text)) return true;
  return false;
}

static void assert_note(const mopo_dataset *d, const char *text)
{
  if (has_note(d, text)) return;
  for (int i = 0; i < d->n_notes; i++) print_message("note: %s\n", d->notes[i]);
  fail_msg("no note says: %s", text);
}

static int64_t episodes(const mopo_dataset *d)
{
  int64_t n = 0;
  for (int64_t i = 0; i < d->N; i++) n += d->ends[i];
  return n;
}

/* ------------------------------------------------------------------ runs */

/* Two rows for each of the runs. */
static mopo_dataset *read_runs(const char *const *runs, int n)
{
  char text[4096];
  int used = snprintf(text, sizeof text, "run,temp,valve,gain\n");
  for (int i = 0; i < 2 * n; i++)
    used += snprintf(text + used, sizeof text - (size_t)used, "%s,%d,0,1\n", runs[i / 2], i);
  return read_text(text, COLUMNS);
}

static void runs_are_compared_as_text(void **state)
{
  static const char *const sets[][4] = {
      {"20261101", "20261102", "20261103", "20261104"},         /* one float32 */
      {"1700000000", "1700000001", "1700000002", "1700000003"}, /* one float32 */
      {"run a", "run b", "run A", "1"},
      {"1", "1.0", "01", "1e0"},
      {"9007199254740993", "9007199254740992", "9007199254740994", "x"}, /* one double */
      {"\"a,b\"", "\"a\"\"b\"", "\"a\nb\"", "ab"},
  };
  (void)state;
  for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
    mopo_dataset *d = read_runs(sets[k], 4);
    assert_int_equal(episodes(d), 4);
    assert_int_equal(d->N, 4); /* the last row of each has no successor */
    assert_int_equal(d->rows_read, 8);
    assert_int_equal(d->n_notes, 0);
    mopo_dataset_free(d);
  }
}

static void runs_that_come_back(void **state)
{
  static const char *const back[] = {"a", "b", "a", "c", "b"}, *const gaps[] = {"3", "4", "7", "8"};
  (void)state;
  mopo_dataset *d = read_runs(back, 5);
  assert_note(d,
              "3 runs come in 5 pieces, the first comes back in line 6: the rows are interleaved");
  mopo_dataset_free(d);
  d = read_runs(gaps, 4);
  assert_note(d, "the numbers of the runs have gaps: 2 are not there, first 5");
  mopo_dataset_free(d);
  mopo_error e;
  mopo_import how = {.size = sizeof how, .columns = COLUMNS};
  write_text("run,temp,valve,gain\na,1,0,1\nb,1,0,1\na,2,0,1\nb,2,0,1\n");
  assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "(runs are interleaved: want them one after the other)"));
}

/* ------------------------------------------------------------------ time */

static void time_cuts_where_a_step_is_unusual(void **state)
{
  static const char *const dates[] = {
      "t,temp,valve,gain\n%s,1,0,1\n%s,2,0,1\n%s,3,0,1\n%s,4,0,1\n%s,5,0,1\n%s,6,0,1\n"};
  static const char *const times[][6] = {
      {"0", "0.5", "1.0", "9", "9.5", "10"},
      {"1700000000", "1700000000.5", "1700000001", "1700000009", "1700000009.5", "1700000010"},
      {"2026-02-28 23:59:59.5", "2026-03-01 00:00:00", "2026-03-01T00:00:00.5",
       "2026-03-01 00:00:09", "2026/03/01 00:00:09.5", "2026-03-01 00:00:10"},
      {"2024-02-28T23:59:59.5Z", "2024-02-29 01:00+01:00", "2024-02-28T23:00:00.5-0100",
       "2024-02-29T00:00:09Z", "2024-02-29T00:00:09.5Z", "2024-02-29T00:00:10Z"},
  };
  (void)state;
  for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
    char text[1024];
    const char *const *t = times[k];
    snprintf(text, sizeof text, dates[0], t[0], t[1], t[2], t[3], t[4], t[5]);
    mopo_dataset *d = read_text(text, "obs=temp;act=valve;reward=gain;time=t");
    assert_true(d->period == 0.5);
    assert_int_equal(d->N, 4);
    assert_true(d->ends[1] && d->timeouts[1] && dataset_row(d, 2)[0] == 4.0f);
    assert_note(d, "'t' makes another step than the usual 0.5 in 1 place, first in line 5");
    mopo_dataset_free(d);
  }
}

static void time_that_goes_back(void **state)
{
  (void)state;
  mopo_dataset *d =
      read_text("t,temp,valve,gain\n1,1,0,1\n2,2,0,1\n3,3,0,1\n2,4,0,1\n3,4,0,1\n4,4,0,1\n",
                "obs=temp;act=valve;reward=gain;time=t");
  assert_note(d, "'t' stands or goes back in 1 place, first in line 5: the rows are unsorted");
  assert_int_equal(episodes(d), 2);
  mopo_dataset_free(d);
  mopo_error e;
  mopo_import how = {.size = sizeof how, .columns = "obs=temp;act=valve;reward=gain;time=t"};
  static const char *const bad[] = {"noon", "2026-13-01", "2026-01-01 10", "28.11.2026", ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[128], want[128];
    snprintf(text, sizeof text, "t,temp,valve,gain\n1,1,0,1\n%s,2,0,1\n", bad[i]);
    write_text(text);
    assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EFORMAT);
    snprintf(want, sizeof want, "reading.csv:3: column 't' = '%s', want a finite number", bad[i]);
    if (!strstr(e.msg, want)) fail_msg("%s", e.msg);
  }
}

/* ------------------------------------------------------------------ bad rows */

static void bad_rows_are_cut_out(void **state)
{
  static const char text[] = "run,temp,valve,gain\na,1,0,1\na,2,0,1\na,,0,1\na,4,nan,1\na,5,0,1\n"
                             "a,6,0,1\na,7,0\na,8,0,1\na,9,0,1\n";
  (void)state;
  mopo_import how = {.size = sizeof how, .columns = COLUMNS, .bad_rows = MOPO_BAD_ROWS_CUT};
  write_text(text);
  mopo_dataset *d = read_how("reading.csv", &how);
  assert_int_equal(d->rows_read, 9);
  assert_int_equal(d->N, 3); /* 1-2, 5-6, 8-9 */
  const float first[3] = {1, 5, 8};
  for (int i = 0; i < 3; i++) {
    assert_true(dataset_row(d, i)[0] == first[i] && dataset_row(d, i)[d->at.next] == first[i] + 1);
    assert_true(d->ends[i]);
  }
  assert_note(
      d, "3 rows left out for 6 cells without a finite number: temp 2, valve 2, gain 1, run 1");
  mopo_dataset_free(d);

  /* A bad row between two rows that say what they led to. */
  write_text(
      "obs_0,act_0,reward,next_obs_0,terminal\n1,0,0,2,0\n2,0,x,3,1\n3,0,0,4,0\n4,0,0,5,0\n");
  how.columns = NULL;
  d = read_how("reading.csv", &how);
  assert_true(d->N == 3 && d->timeouts[0] && d->ends[0] && !d->ends[1]);
  mopo_dataset_free(d);

  mopo_error e;
  write_text("obs_0,act_0,reward\n1,0,x\n2,0,x\n");
  assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "no two rows of one episode"));
}

/* The same of arrays: a NaN in one observation is one in what the row before led to. */
static void bad_rows_of_arrays(void **state)
{
  static const float obs[10] = {0, 1, 2, 3, NAN, 5, 6, 7, 8, 9}, act[5] = {0, 0, 0, 0, INFINITY};
  static const unsigned char none[5];
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  const npz_array arrays[] = {{"observations", 'f', 5, 2, obs},
                              {"actions", 'f', 5, 1, act},
                              {"rewards", 'f', 5, 0, act},
                              {"terminals", 'b', 5, 0, none}};
  assert_ok(npz_write("reading.npz", arrays, 4, &e), e);
  assert_int_equal(mopo_dataset_load(&d, "reading.npz", NULL, &e), MOPO_EDATA);
  assert_string_equal(
      e.msg, "reading.npz: 'observations' row 2 column 0 = nan, want a finite number; 3 such "
             "cells in 2 rows: observations[0] 1, actions 1, rewards 1 (bad-rows cut leaves "
             "them out)");
  mopo_import how = {.size = sizeof how, .bad_rows = MOPO_BAD_ROWS_CUT};
  d = read_how("reading.npz", &how);
  assert_int_equal(d->N, 1);
  assert_note(d, "2 rows left out for 3 cells");
  mopo_dataset_free(d);
}

static void actions_just_beyond_are_clipped(void **state)
{
  static const char text[] = "obs_0,act_0,act_1,reward\n1,104,0,1\n2,-4,1.001,1\n3,50,0.5,1\n";
  static const double ranges[4] = {0, 100, 0, 1};
  (void)state;
  mopo_import how = {.size = sizeof how, .action_ranges = ranges, .n_action_ranges = 2};
  mopo_error e;
  mopo_dataset *d = NULL;
  write_text(text);
  assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EDATA);
  assert_string_equal(e.msg,
                      "reading.csv:2: column 'act_0' = 104, want 0..100 (its action-range, or "
                      "clip-actions)");
  how.clip_actions = true;
  d = read_how("reading.csv", &how);
  assert_true(dataset_row(d, 0)[1] == 1.0f && dataset_row(d, 1)[1] == -1.0f);
  assert_true(dataset_row(d, 1)[2] == 1.0f);
  assert_note(d, "3 actions just beyond the range were clipped: action 0 2, action 1 1");
  mopo_dataset_free(d);
  write_text("obs_0,act_0,act_1,reward\n1,106,0,1\n2,0,1,1\n");
  assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EDATA);
  assert_string_equal(e.msg, "reading.csv:2: column 'act_0' = 106, want 0..100 (its action-range)");
}

/* ------------------------------------------------------------------ names, columns */

static void names_travel(void **state)
{
  static const char text[] =
      "time,\"room \"\"A\"\"\",out "
      "side,pump,gain,note\n0,1,10,0,1,x\n1,2,11,0,1,\"y\nz\"\n2,3,12,0,1,x\n";
  (void)state;
  mopo_error e;
  mopo_dataset *d = read_text(text, "obs=room \"A\",out side;act=pump;reward=gain");
  const char *const names[] = {"room \"A\"", "out side"};
  assert_note(d, "nothing reads 2 columns of the file: time, note");
  assert_ok(mopo_dataset_save(d, "reading.hdf5", &e), e);
  for (int k = 0; k < 3; k++) {
    assert_int_equal(d->N, 2);
    for (int i = 0; i < 2; i++) assert_string_equal(mopo_dataset_obs_name(d, i), names[i]);
    assert_string_equal(mopo_dataset_act_name(d, 0), "pump");
    assert_null(mopo_dataset_obs_name(d, 2));
    mopo_dataset_free(d);
    assert_ok(mopo_dataset_load(&d, "reading.hdf5", NULL, &e), e);
    assert_int_equal(d->n_notes, 0);
  }
  const mopo_dataset *parts[2] = {d, d};
  mopo_dataset *two = NULL;
  assert_ok(mopo_dataset_merge(&two, parts, 2, &e), e);
  assert_string_equal(mopo_dataset_obs_name(two, 1), "out side");
  double range[2];
  dataset_column_range(range, two, 1);
  assert_true(range[0] == 10 && range[1] == 11);
  mopo_dataset_free(two);
  mopo_dataset_free(d);
  d = read_text("obs_0,act_0,reward\n1,0,1\n2,0,1\n", NULL);
  assert_null(mopo_dataset_obs_name(d, 0)); /* obs_0 is not a name */
  mopo_dataset_free(d);
}

static void write_arrays(void)
{
  static const float state[12] = {0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32};
  static const float goal[4] = {5, 6, 7, 8}, done[4] = {0, 1, 0, 0}, t[4] = {0, 1, 2, 3};
  mopo_error e;
  hdf5_out *o;
  assert_ok(hdf5_out_create(&o, "arrays.hdf5", &e), e);
  assert_ok(hdf5_out_floats(o, "state", state, 4, 3, &e), e);
  assert_ok(hdf5_out_floats(o, "goal", goal, 4, 0, &e), e);
  assert_ok(hdf5_out_floats(o, "actions", done, 4, 0, &e), e);
  assert_ok(hdf5_out_floats(o, "rewards", goal, 4, 0, &e), e);
  assert_ok(hdf5_out_floats(o, "dones", done, 4, 0, &e), e);
  assert_ok(hdf5_out_floats(o, "t", t, 4, 0, &e), e);
  assert_ok(hdf5_out_close(o, &e), e);
  const npz_array arrays[] = {{"state", 'f', 4, 3, state},  {"goal", 'f', 4, 0, goal},
                              {"actions", 'f', 4, 0, done}, {"rewards", 'f', 4, 0, goal},
                              {"dones", 'f', 4, 0, done},   {"t", 'f', 4, 0, t}};
  assert_ok(npz_write("arrays.npz", arrays, 6, &e), e);
}

static void columns_of_arrays(void **state)
{
  static const char *const paths[] = {"arrays.hdf5", "arrays.npz"};
  (void)state;
  write_arrays();
  for (int k = 0; k < 2; k++) {
    mopo_import how = {.size = sizeof how, .columns = "obs=state[1:3],goal;terminal=dones;time=t"};
    mopo_dataset *d = read_how(paths[k], &how);
    const float want[3] = {11, 12, 6};
    assert_int_equal(d->at.S, 3);
    assert_int_equal(d->N, 3);
    assert_memory_equal(dataset_row(d, 1), want, sizeof want);
    assert_true(dataset_row(d, 1)[d->at.done] == 1.0f && d->period == 1.0);
    mopo_dataset_free(d);
    how.columns = "obs=state[2]";
    d = read_how(paths[k], &how);
    assert_true(d->at.S == 1 && dataset_row(d, 1)[0] == 12);
    assert_note(d, "nothing reads 3 arrays of the file: ");
    mopo_dataset_free(d);
    static const struct {
      const char *columns;
      mopo_status status;
      const char *message;
    } bad[] = {
        {"obs=state[1:9]", MOPO_EINVAL, "columns 1..8 of 'state', which has 3"},
        {"obs=state[x]", MOPO_EINVAL, "columns: 'state', want an array's name"},
        {"obs=state[2:1]", MOPO_EINVAL, "want an array's name"},
        {"obs=state[1]x", MOPO_EINVAL, "want an array's name"},
        {"obs=e_#/x", MOPO_EINVAL, "columns: 'e_#/x', want an array's name"},
        {"obs=state,none", MOPO_EFORMAT, "no array 'none', want one"},
        {"obs=state;reward=state", MOPO_EFORMAT, "'state' has 3 columns, want 1"},
        {"act=state", MOPO_EFORMAT, "no array 'observations', want one"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      mopo_error e;
      how.columns = bad[i].columns;
      mopo_status st = mopo_dataset_import(&d, paths[k], &how, NULL, &e);
      if (st != bad[i].status || !strstr(e.msg, bad[i].message))
        fail_msg("%s: %d, %s", bad[i].columns, st, e.msg);
    }
  }
}

static void an_import_has_a_size(void **state)
{
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  mopo_import how = {0};
  assert_int_equal(mopo_dataset_import(&d, "reading.csv", &how, NULL, &e), MOPO_EINVAL);
  assert_string_equal(e.msg, "mopo_import.size = 0, want sizeof(mopo_import)");
}

/* ------------------------------------------------------------------ dialects */

/* Timeouts in the middle of one recording, with next observations and without. */
static void timeouts_that_end_nothing(void **state)
{
  enum { N = 60 };
  float obs[N + 1], zero[N] = {0}, cut[N] = {0};
  (void)state;
  for (int i = 0; i <= N; i++) obs[i] = (float)sin(0.1 * i);
  for (int i = 7; i < N; i += 13) cut[i] = 1;
  const npz_array arrays[] = {
      {"observations", 'f', N, 1, obs}, {"actions", 'f', N, 1, zero},
      {"rewards", 'f', N, 0, zero},     {"terminals", 'f', N, 0, zero},
      {"timeouts", 'f', N, 0, cut},     {"next_observations", 'f', N, 1, obs + 1}};
  for (int n = 5; n <= 6; n++) {
    mopo_error e;
    assert_ok(npz_write("limits.npz", arrays, n, &e), e);
    mopo_import how = {.size = sizeof how};
    mopo_dataset *d = read_how("limits.npz", &how);
    assert_note(
        d, "after 4 of 4 timeouts the next row goes on as if nothing had ended, first after row 7");
    mopo_dataset_free(d);
  }
  for (int i = 0; i <= N; i++) obs[i] = i % 13 < 8 ? (float)i : (float)(i - 100);
  mopo_error e;
  assert_ok(npz_write("limits.npz", arrays, 5, &e), e);
  mopo_import how = {.size = sizeof how};
  mopo_dataset *d = read_how("limits.npz", &how);
  assert_false(has_note(d, "goes on"));
  mopo_dataset_free(d);
}

/* d3rlpy 1: eight episodes, seven cut off and one that terminates. */
static void d3rlpy_says_where_episodes_end(void **state)
{
  enum { N = 80 };
  float obs[N], end[N] = {0}, terminal[N] = {0};
  (void)state;
  mopo_error e;
  for (int i = 0; i < N; i++) obs[i] = (float)i, end[i] = i % 10 == 9, terminal[i] = i == 39;
  const npz_array arrays[] = {{"observations", 'f', N, 1, obs},
                              {"actions", 'f', N, 0, end},
                              {"rewards", 'f', N, 0, obs},
                              {"terminals", 'f', N, 0, terminal},
                              {"episode_terminals", 'f', N, 0, end}};
  assert_ok(npz_write("d3rlpy.npz", arrays, 5, &e), e);
  mopo_import how = {.size = sizeof how};
  mopo_dataset *d = read_how("d3rlpy.npz", &how);
  assert_int_equal(episodes(d), 8);
  assert_int_equal(d->N, 80 - 7);
  assert_true(d->blind[36] && !d->timeouts[36]);
  assert_false(has_note(d, "nothing reads"));
  mopo_dataset_free(d);
}

/* Ends of episodes of `lengths`, by done alone, or with truncated. */
static mopo_dataset *read_neorl(const int *lengths, int n, bool truncated, const mopo_task *task)
{
  enum { MOST = 4000 };
  static float obs[MOST * 11], one[MOST], done[MOST], cut[MOST];
  int N = 0, S = task ? 11 : 1, A = task ? 3 : 1;
  float *act = calloc(MOST, (size_t)A * sizeof *act);
  memset(done, 0, sizeof done), memset(cut, 0, sizeof cut);
  for (int i = 0; i < MOST * 11; i++) obs[i] = task ? (i % 11 ? 0.0f : 1.25f) : (float)i;
  for (int k = 0; k < n; k++) {
    N += lengths[k];
    done[N - 1] = 1, cut[N - 1] = truncated && k % 2;
  }
  mopo_error e;
  const npz_array arrays[] = {{"obs", 'f', N, S, obs},    {"next_obs", 'f', N, S, obs},
                              {"action", 'f', N, A, act}, {"reward", 'f', N, 0, one},
                              {"done", 'f', N, 0, done},  {"truncated", 'f', N, 0, cut}};
  assert_ok(npz_write("neorl.npz", arrays, truncated ? 6 : 5, &e), e);
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, "neorl.npz", task, &e), e);
  free(act);
  return d;
}

static int count_ends(const mopo_dataset *d)
{
  int n = 0;
  for (int64_t i = 0; i < d->N; i++) n += dataset_row(d, i)[d->at.done] != 0.0f;
  return n;
}

static void neorl_ends_that_are_time_limits(void **state)
{
  (void)state;
  const struct {
    int lengths[4], n;
    bool truncated;
    const char *task;
    int ends;
  } cases[] = {
      {{1000, 1000, 700}, 3, false, NULL, 1}, /* the horizon of its tasks */
      {{200, 200, 200}, 3, false, NULL, 0},   /* one length */
      {{200, 201, 200}, 3, false, NULL, 3},      {{200, 201, 200, 200}, 4, true, NULL, 2},
      {{1000, 700, 700}, 3, false, "hopper", 0}, /* its rule says that it stands */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const mopo_task *task = cases[i].task ? mopo_task_find(cases[i].task) : NULL;
    mopo_dataset *d = read_neorl(cases[i].lengths, cases[i].n, cases[i].truncated, task);
    assert_int_equal(count_ends(d), cases[i].ends);
    assert_int_equal(episodes(d), cases[i].n);
    char text[80];
    int limits = cases[i].n - cases[i].ends;
    snprintf(text, sizeof text, "%d of NeoRL's `done` %s read as time limits", limits,
             limits == 1 ? "is" : "are");
    if (limits) assert_note(d, text);
    mopo_dataset_free(d);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_are_compared_as_text),
      cmocka_unit_test(runs_that_come_back),
      cmocka_unit_test(time_cuts_where_a_step_is_unusual),
      cmocka_unit_test(time_that_goes_back),
      cmocka_unit_test(bad_rows_are_cut_out),
      cmocka_unit_test(bad_rows_of_arrays),
      cmocka_unit_test(actions_just_beyond_are_clipped),
      cmocka_unit_test(names_travel),
      cmocka_unit_test(columns_of_arrays),
      cmocka_unit_test(an_import_has_a_size),
      cmocka_unit_test(timeouts_that_end_nothing),
      cmocka_unit_test(d3rlpy_says_where_episodes_end),
      cmocka_unit_test(neorl_ends_that_are_time_limits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
