/* test_load_refused.c - CSV and NPZ files that are no dataset, each refused with its line, and some
 * that only just are one. */
#include "check.h"

#include "data/dataset.h"
#include "io/buffer.h"
#include "io/file.h"
#include "io/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_text(const char *text)
{
  mopo_error e;
  assert_ok(file_write("refused.csv", text, strlen(text), &e), e);
}

static void csv_refused(void **state)
{
  static const char head[] = "obs_0,act_0,reward\n1,0,0\n";
  static const struct {
    const char *head, *text, *columns;
    mopo_status status;
    const char *message;
  } bad[] = {
      {head, "2,abc,0\n", NULL, MOPO_EFORMAT,
       "refused.csv:3: column 'act_0' = 'abc', want a finite"},
      {head, "\n2,0,\n", NULL, MOPO_EFORMAT, "refused.csv:4: column 'reward' = '', want a finite"},
      {head, "2,0,nan\n", NULL, MOPO_EFORMAT, "refused.csv:3: column 'reward' = 'nan'"},
      {head, "2,0,1e99\n", NULL, MOPO_EFORMAT, "refused.csv:3: column 'reward' = '1e99'"},
      {head, "2,0,0 0\n", NULL, MOPO_EFORMAT, "refused.csv:3: column 'reward' = '0 0'"},
      {head, "2,0\n", NULL, MOPO_EFORMAT, "refused.csv:3: 2 cells, the first line has 3"},
      {head, "2,0,0,0\n", NULL, MOPO_EFORMAT, "refused.csv:3: 4 cells, the first line has 3"},
      {head, "2,2,0\n3,0,0\n", NULL, MOPO_EDATA,
       "refused.csv:3: column 'act_0' = 2, want -1..1 (its action-range)"},
      {head, "", NULL, MOPO_EDATA, "want at least one transition"},
      {"obs_0,act_0,reward\n", "", NULL, MOPO_EDATA, "'obs' has no rows"},
      {"", "", NULL, MOPO_EFORMAT, "no column 'obs_0' for 'obs'"},
      {"t;obs_0\n1;2\n", "", NULL, MOPO_EFORMAT, "(want commas between the columns, not ';')"},
      {"t\tobs_0\n1\t2\n", "", NULL, MOPO_EFORMAT, "(want commas between the columns, not tabs)"},
      {"t\n1;2\n", "", NULL, MOPO_EFORMAT, "(say which: columns)"},
      {"obs_0,reward\n1,2\n", "", NULL, MOPO_EFORMAT, "no column 'act_0' for 'act'"},
      {head, "2,0,0\n", "obs=obs_0;act=speed;reward=reward", MOPO_EFORMAT,
       "no column 'speed' for 'act'"},
      {head, "2,0,0\n", "terminal=fell", MOPO_EFORMAT, "no column 'fell' for 'terminal'"},
      {head, "2,0,0\n", "action=obs_0", MOPO_EINVAL, "columns: 'action', want obs="},
      {head, "2,0,0\n", "obs", MOPO_EINVAL, "columns: 'obs', want obs="},
      {head, "2,0,0\n", "obs=", MOPO_EINVAL, "columns: 'obs', want obs="},
      {head, "2,0,0\n", "=obs_0", MOPO_EINVAL, "columns: '', want obs="},
      {head, "2,0,0\n", "obs=obs_0,", MOPO_EFORMAT, "no column '' for 'obs'"},
      {head, "2,0,0\n", "obs=obs_0,y", MOPO_EFORMAT, "no column 'y' for 'obs'"},
      {"\"obs_0", "", NULL, MOPO_EFORMAT, "refused.csv:1: a quote is opened in this row and never"},
      {head, "2,0,0\n3,\"0,0\n4,0,0\n", NULL, MOPO_EFORMAT, "refused.csv:4: a quote is opened in"},
      {head, "2,\"0\"1,0\n", NULL, MOPO_EFORMAT, "refused.csv:3: text behind a closing quote"},
      {"Obs_0,act_0,reward\n1,0,0\n", "", NULL, MOPO_EFORMAT,
       "no column 'obs_0' for 'obs' among 'Obs_0,act_0,reward' ('Obs_0' is there)"},
      {"obs_0,act_0,reward\r1,0,0\r2,0,0\r", "", NULL, MOPO_EFORMAT,
       "refused.csv: lines end in carriage returns alone (old Mac), want newlines"},
      {head, "a,0,0\n2,,x\n3,b,0\n", NULL, MOPO_EFORMAT,
       "refused.csv:3: column 'obs_0' = 'a', want a finite number; 4 such cells in 3 rows: obs_0 "
       "1, "
       "act_0 2, reward 1 (bad-rows cut leaves them out)"},
      {head, "2,1.05,0\n", NULL, MOPO_EDATA,
       "refused.csv:3: column 'act_0' = 1.04999995, want -1..1 (its action-range, or "
       "clip-actions)"},
      {"obs_0,act_0,reward,terminal\n1,0,0,0.5\n", "", NULL, MOPO_EDATA,
       "refused.csv:2: column 'terminal' = 0.5, want 0 or 1"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[512];
    mopo_error e;
    mopo_dataset *d = NULL;
    mopo_import how = {.size = sizeof how, .columns = bad[i].columns};
    snprintf(text, sizeof text, "%s%s", bad[i].head, bad[i].text);
    write_text(text);
    mopo_status st = mopo_dataset_import(&d, "refused.csv", &how, NULL, &e);
    if (st != bad[i].status || !strstr(e.msg, bad[i].message))
      fail_msg("case %zu: status %d, %s; want %d, %s", i, st, e.msg, bad[i].status, bad[i].message);
    assert_null(d);
  }
}

/* As many columns as there may be, and one more: in the file, and asked for. */
static void csv_of_many_columns(void **state)
{
  enum { MOST = 65535 };
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  buffer text = {0}, columns = {0};
  buffer_print(&text, "obs_0,act_0,reward");
  for (int i = 0; i < MOST - 3; i++) buffer_add(&text, ",", 1);
  buffer_add(&text, ",", 2); /* with the 0 */
  write_text(text.bytes);
  assert_int_equal(mopo_dataset_load(&d, "refused.csv", NULL, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "refused.csv:1: 65536 columns, want at most 65535");
  text.bytes[text.n - 2] = 0;
  write_text(text.bytes);
  assert_int_equal(mopo_dataset_load(&d, "refused.csv", NULL, &e), MOPO_EDATA);
  assert_string_equal(e.msg, "refused.csv: 'obs' has no rows, want at least one");

  write_text("x,act_0,reward\n");
  buffer_print(&columns, "obs=x");
  for (int i = 0; i < MOST - 1; i++) buffer_add(&columns, ",x", 2);
  buffer_add(&columns, "", 1);
  mopo_import how = {.size = sizeof how, .columns = columns.bytes};
  assert_int_equal(mopo_dataset_import(&d, "refused.csv", &how, NULL, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "refused.csv: more than 65535 columns are asked for");

  char longer[200] = "obs=";
  memset(longer + 4, 'x', 150);
  longer[154] = '#';
  how.columns = longer;
  assert_int_equal(mopo_dataset_import(&d, "refused.csv", &how, NULL, &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "for 'obs' among 'x,act_0,reward'"));
  assert_null(d);
  buffer_free(&text);
  buffer_free(&columns);
}

/* Its own message names the end of a long path. */
static void long_paths(void **state)
{
  static const char *const endings[] = {".csv", ".npz", ".hdf5"};
  (void)state;
  for (int i = 0; i < 3; i++) {
    char path[400];
    mopo_error e;
    mopo_dataset *d = NULL;
    memset(path, 'p', sizeof path);
    for (int k = 0; k < 300; k += 30) path[k] = '/';
    strcpy(path + 300, endings[i]);
    assert_int_equal(mopo_dataset_load(&d, path, NULL, &e), MOPO_EIO);
    assert_non_null(strstr(e.msg, endings[i]));
    assert_null(d);
  }
}

/* No text: what comes after a 0 would be passed over in silence. */
static void csv_of_bytes(void **state)
{
  static const char text[] = "obs_0,act_0,reward\n1,0,0\n\0002,0,0\n";
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_ok(file_write("refused.csv", text, sizeof text - 1, &e), e);
  assert_int_equal(mopo_dataset_load(&d, "refused.csv", NULL, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "refused.csv: not a text file");
}

/* ------------------------------------------------------------------ NPZ that we write */

enum { FEW = 4 };
static const float few_obs[FEW * 2] = {1, 2, 3, 4, 5, 6, 7, 8}, few[FEW] = {0, 1, 0, -1};
static const unsigned char none[FEW], all_ends[FEW] = {1, 1, 1, 1};

static mopo_status load_arrays(mopo_dataset **d, const npz_array *arrays, int n, const char *task,
                               mopo_error *e)
{
  assert_ok(npz_write("refused.npz", arrays, n, e), *e);
  return mopo_dataset_load(d, "refused.npz", mopo_task_find(task), e);
}

/* Arrays of both dialects: those of D4RL count, and the others are passed over. */
static void npz_of_two_dialects(void **state)
{
  static const float other[1] = {99};
  static const npz_array arrays[] = {{"observations", 'f', FEW, 2, few_obs},
                                     {"actions", 'f', FEW, 1, few},
                                     {"rewards", 'f', FEW, 0, few},
                                     {"terminals", 'b', FEW, 0, none},
                                     {"obs", 'f', 1, 1, other},
                                     {"reward", 'f', 1, 0, other}};
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_ok(load_arrays(&d, arrays, 6, "none", &e), e);
  assert_int_equal(mopo_dataset_rows(d), FEW - 1);
  assert_int_equal(mopo_dataset_obs_dim(d), 2);
  assert_true(dataset_row(d, 0)[0] == 1.0f && dataset_row(d, 2)[d->at.next] == 7.0f);
  mopo_dataset_free(d);
}

static void npz_that_gives_no_transition(void **state)
{
  static const float bad_index[1] = {-1}, nan_index[1] = {__builtin_nanf("")};
  static const npz_array all[] = {{"obs", 'f', FEW, 2, few_obs},   {"action", 'f', FEW, 1, few},
                                  {"reward", 'f', FEW, 0, few},    {"done", 'b', FEW, 0, none},
                                  {"index", 'f', 1, 0, bad_index}, {"index", 'f', 1, 0, nan_index}};
  npz_array some[5] = {all[0], all[1], all[2], all[3], all[4]};
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_int_equal(load_arrays(&d, some, 5, "none", &e), MOPO_EDATA);
  assert_string_equal(e.msg, "refused.npz: 'index' row 0 = -1, want 0..4");
  some[4] = all[5];
  assert_int_equal(load_arrays(&d, some, 5, "none", &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "'index' row 0 = nan, want 0..4"));
  /* Every row is a fall, and none says what came next: something for policies all the same. */
  some[3].values = all_ends;
  assert_ok(load_arrays(&d, some, 4, "none", &e), e);
  assert_int_equal(d->n_blind, FEW);
  mopo_dataset_free(d), d = NULL;
  /* A task has its own sizes. */
  assert_int_equal(load_arrays(&d, some, 4, "hopper", &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "'obs' has 2 columns, task hopper wants 11"));
  assert_null(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(csv_refused),         cmocka_unit_test(csv_of_many_columns),
      cmocka_unit_test(csv_of_bytes),        cmocka_unit_test(long_paths),
      cmocka_unit_test(npz_of_two_dialects), cmocka_unit_test(npz_that_gives_no_transition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
