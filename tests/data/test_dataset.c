/* test_dataset.c - what a file says is what the rows say, and a bad file gives one line. */
#include "check.h"
#include "sample.h"

#include "data/dataset.h"
#include "data/recorder.h"
#include "io/hdf5_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ h5py's dresses */

static mopo_dataset *load(const char *path)
{
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, path, NULL, &e), e);
  return d;
}

static mopo_dataset *load_fixture(const char *name)
{
  char path[1024];
  snprintf(path, sizeof path, FIXTURES "/h5py_%s.hdf5", name);
  return load(path);
}

/* Row k of d is row i of the sample; its successor as the caller says. */
static void check_row(const mopo_dataset *d, int64_t k, int64_t i)
{
  const float *x = dataset_row(d, k);
  for (int s = 0; s < SAMPLE_S; s++) assert_true(x[s] == sample_obs(i, s));
  for (int a = 0; a < SAMPLE_A; a++) assert_true(x[d->at.act + a] == sample_act(i, a));
  assert_true(x[d->at.rew] == sample_rew(i));
}

static void loads_every_dress(void **state)
{
  static const char *const names[] = {
      "plain", "contiguous", "fletcher",    "odd_chunks", "float64", "big_endian", "column",
      "uint8", "int64",      "float_flags", "kind_text",  "infos",   "no_timeouts"};
  (void)state;
  for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
    mopo_dataset *d = load_fixture(names[f]);
    bool cut = strcmp(names[f], "no_timeouts") != 0;
    assert_int_equal(mopo_dataset_rows(d), SAMPLE_N);
    assert_int_equal(mopo_dataset_obs_dim(d), SAMPLE_S);
    assert_int_equal(mopo_dataset_act_dim(d), SAMPLE_A);
    for (int64_t i = 0; i < SAMPLE_N; i++) {
      const float *x = dataset_row(d, i);
      check_row(d, i, i);
      for (int s = 0; s < SAMPLE_S; s++) assert_true(x[d->at.next + s] == sample_next(i, s));
      assert_true(x[d->at.done] == (sample_terminal(i) ? 1.0f : 0.0f));
      assert_int_equal(d->timeouts[i], cut && sample_timeout(i));
      assert_int_equal(d->ends[i],
                       sample_terminal(i) || (cut && sample_timeout(i)) || i == SAMPLE_N - 1);
    }
    assert_string_equal(mopo_dataset_kind(d), strcmp(names[f], "kind_text") ? "" : "expert");
    mopo_dataset_free(d);
  }
}

/* The trap: a terminal row's successor must not be the first observation of the next episode. The
 * row stays, for policies; other last rows do not. */
static void without_next_no_row_leads_into_another_episode(void **state)
{
  (void)state;
  for (int cut = 0; cut < 2; cut++) {
    mopo_dataset *d = load_fixture(cut ? "no_next" : "no_next_no_timeouts");
    int64_t k = 0, blind = 0;
    for (int64_t i = 0; i < SAMPLE_N; i++) {
      bool terminal = sample_terminal(i), timeout = cut && !terminal && sample_timeout(i);
      if (!terminal && (timeout || i == SAMPLE_N - 1)) {
        assert_int_equal(d->ends[k - 1], 1);
        assert_int_equal(d->timeouts[k - 1], timeout);
        continue;
      }
      const float *x = dataset_row(d, k);
      check_row(d, k, i);
      for (int s = 0; s < SAMPLE_S; s++)
        assert_true(x[d->at.next + s] == sample_obs(terminal ? i : i + 1, s));
      assert_true(x[d->at.done] == (terminal ? 1.0f : 0.0f));
      assert_int_equal(d->blind[k], terminal);
      blind += terminal;
      k++;
    }
    assert_int_equal(mopo_dataset_rows(d), k);
    assert_int_equal(d->n_blind, blind);
    assert_true(blind > 0);
    assert_int_equal(k, SAMPLE_N - (cut ? 5 : 3) + blind);
    mopo_dataset_free(d);
  }
}

/* ------------------------------------------------------------------ files made here */

/* What to leave out of, or to spoil in, a file of n rows of the sample's values. */
typedef struct recipe {
  int64_t n, terminal; /* row n is terminal; -1: none */
  bool next, timeouts;
  const char *spoiled; /* array whose value at `row`, column 0 becomes `value` */
  int64_t row;
  float value;
} recipe;

static int column_of(hdf5_out *o, const char *name, char as, int cols)
{
  mopo_error e;
  int c = -1;
  assert_ok(hdf5_out_column(o, &c, name, as, cols, &e), e);
  return c;
}

static float value_of(const recipe *r, const char *name, int64_t i, int k)
{
  if (r->spoiled && strcmp(r->spoiled, name) == 0 && i == r->row && k == 0) return r->value;
  switch (name[0]) {
  case 'o':
    return sample_obs(i, k);
  case 'a':
    return sample_act(i, k);
  case 'r':
    return sample_rew(i);
  default:
    return sample_next(i, k);
  }
}

static void cook_numbers(hdf5_out *o, const recipe *r, const char *name, int cols)
{
  mopo_error e;
  int c = column_of(o, name, 'f', cols), width = cols ? cols : 1;
  float *x = malloc((size_t)r->n * (size_t)width * sizeof *x);
  for (int64_t i = 0; i < r->n; i++)
    for (int k = 0; k < width; k++) x[i * width + k] = value_of(r, name, i, k);
  assert_ok(hdf5_out_append(o, c, x, (int)r->n, &e), e);
  free(x);
}

static void cook(const char *path, const recipe *r)
{
  mopo_error e;
  hdf5_out *o;
  assert_ok(hdf5_out_create(&o, path, &e), e);
  cook_numbers(o, r, "observations", SAMPLE_S);
  cook_numbers(o, r, "actions", SAMPLE_A);
  cook_numbers(o, r, "rewards", 0);
  if (r->next) cook_numbers(o, r, "next_observations", SAMPLE_S);
  unsigned char *flags = calloc((size_t)r->n, 1);
  int timeouts = r->timeouts ? column_of(o, "timeouts", 'b', 0) : -1;
  if (timeouts >= 0) assert_ok(hdf5_out_append(o, timeouts, flags, (int)r->n, &e), e);
  if (r->terminal >= 0) flags[r->terminal] = 1;
  assert_ok(hdf5_out_append(o, column_of(o, "terminals", 'b', 0), flags, (int)r->n, &e), e);
  free(flags);
  assert_ok(hdf5_out_close(o, &e), e);
}

/* Without `timeouts` an episode is 1000 steps long, or the task's horizon. */
static void old_files_are_cut_at_1000(void **state)
{
  (void)state;
  for (int next = 0; next < 2; next++) {
    cook("dataset_old.hdf5", &(recipe){.n = 2500, .terminal = 400, .next = next});
    mopo_dataset *d = load("dataset_old.hdf5");
    assert_int_equal(mopo_dataset_rows(d), next ? 2500 : 2500 - 3);
    for (int64_t k = 0, i = 0; i < 2500; i++) {
      bool ends = i == 400 || i == 1400 || i == 2400 || i == 2499;
      if (!next && ends && i != 400) continue; /* a fall stays */
      check_row(d, k, i);
      if (next) assert_int_equal(d->timeouts[k], i == 1400 || i == 2400);
      k++;
    }
    mopo_dataset_free(d);
  }
}

static void an_episode_of_one_row_leaves_its_fall_or_nothing(void **state)
{
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  cook("dataset_one.hdf5", &(recipe){.n = 1, .terminal = -1, .next = false});
  assert_int_equal(mopo_dataset_load(&d, "dataset_one.hdf5", NULL, &e), MOPO_EDATA);
  assert_null(d);
  assert_non_null(strstr(e.msg, "dataset_one.hdf5: no next_observations"));
  cook("dataset_one.hdf5", &(recipe){.n = 2, .terminal = 0, .next = false});
  d = load("dataset_one.hdf5");
  assert_int_equal(mopo_dataset_rows(d), 1);
  assert_int_equal(d->n_blind, 1);
  mopo_dataset_free(d);
  cook("dataset_one.hdf5", &(recipe){.n = 1, .terminal = 0, .next = true});
  d = load("dataset_one.hdf5");
  assert_int_equal(mopo_dataset_rows(d), 1);
  mopo_dataset_free(d);
}

static void rounding_beyond_one_is_clipped(void **state)
{
  (void)state;
  cook("dataset_clip.hdf5", &(recipe){.n = 4,
                                      .terminal = -1,
                                      .next = true,
                                      .spoiled = "actions",
                                      .row = 2,
                                      .value = -1.000005f});
  mopo_dataset *d = load("dataset_clip.hdf5");
  assert_true(dataset_row(d, 2)[d->at.act] == -1.0f);
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ bad files */

static void check_refused(const char *path, const mopo_task *task, mopo_status status,
                          const char *text)
{
  mopo_error e = {0};
  mopo_dataset *d = (mopo_dataset *)&e;
  mopo_status st = mopo_dataset_load(&d, path, task, &e);
  if (st != status || !strstr(e.msg, text))
    fail_msg("%s: %d '%s', want %d '%s'", path, st, e.msg, status, text);
  assert_int_equal(e.code, status);
  assert_null(d);
  assert_null(strchr(e.msg, '\n'));
  assert_int_equal(mopo_dataset_load(&d, path, task, NULL), status);
}

static void refuses_what_h5py_can_make(void **state)
{
  static const struct {
    const char *name;
    mopo_status status;
    const char *text;
  } bad[] = {
      {"external_link", MOPO_EFORMAT, "'rewards' is a link to another place"},
      {"soft_link", MOPO_EFORMAT, "'rewards' is a link to another place"},
      {"virtual", MOPO_EFORMAT, "'rewards' is a virtual dataset"},
      {"external_storage", MOPO_EFORMAT, "'rewards' is stored in another file"},
      {"lzf", MOPO_EFORMAT, "'observations' is packed with filter 32000"},
      {"twice_packed", MOPO_EFORMAT, "'rewards' is packed twice"},
      {"claim", MOPO_EFORMAT,
       "'rewards' claims 1000000000000000 x 1 values, more than 0 bytes hold"},
      {"claim_columns", MOPO_EFORMAT, "'observations' claims 40 x 60000 values"},
      {"chunk", MOPO_EFORMAT, "'rewards' has chunks of more than 128 MB"},
      {"rank", MOPO_EFORMAT, "'observations' has 3 dimensions, want 1 or 2"},
      {"text", MOPO_EFORMAT, "'rewards' does not hold numbers"},
      {"compound", MOPO_EFORMAT, "'rewards' does not hold numbers"},
      {"group", MOPO_EFORMAT, "'actions' is a group without arrays, or with too many"},
      {"latest", MOPO_EFORMAT, "reads, want a file written without libver='latest'"},
      {"long_double", MOPO_EFORMAT, "'rewards' holds numbers of more than 8 bytes"},
      {"missing", MOPO_EFORMAT, "no array 'actions'"},
      {"rows", MOPO_EFORMAT, "'rewards' has 39 rows, 'observations' 40"},
      {"flags", MOPO_EDATA, "'terminals' row 9 column 0 = 3, want 0 or 1"},
      {"overflow", MOPO_EDATA, "'rewards' row 7 column 0 = inf, want a finite number"},
      {"empty", MOPO_EDATA, "'observations' has no rows"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char path[1024];
    snprintf(path, sizeof path, FIXTURES "/h5py_bad_%s.hdf5", bad[i].name);
    check_refused(path, NULL, bad[i].status, bad[i].text);
  }
}

static void refuses_bad_values(void **state)
{
  static const struct {
    const char *array;
    float value;
    const char *text;
  } bad[] = {
      {"observations", NAN,
       "bad.hdf5: 'observations' row 9000 column 0 = nan, want a finite number"},
      {"next_observations", INFINITY, "'next_observations' row 9000 column 0 = inf"},
      {"rewards", -INFINITY, "'rewards' row 9000 column 0 = -inf"},
      {"actions", NAN, "'actions' row 9000 column 0 = nan"},
      {"actions", 1.5f, "'actions' row 9000 column 0 = 1.5, want -1..1"},
      {"actions", -1.00002f, "'actions' row 9000 column 0 = -1.00002"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cook("dataset_bad.hdf5", &(recipe){.n = 9500,
                                       .terminal = -1,
                                       .next = true,
                                       .spoiled = bad[i].array,
                                       .row = 9000,
                                       .value = bad[i].value});
    check_refused("dataset_bad.hdf5", NULL, MOPO_EDATA, bad[i].text);
  }
}

static void refuses_other_sizes_and_files(void **state)
{
  (void)state;
  const mopo_task *task = mopo_task_find("hopper");
  check_refused(FIXTURES "/h5py_plain.hdf5", task, MOPO_EDATA,
                "'observations' has 3 columns, task hopper wants 11");
  check_refused("no_such.hdf5", NULL, MOPO_EIO, "no_such.hdf5: No such file or directory");
  check_refused(".", NULL, MOPO_EIO, "Is a directory, and not one of Minari's");
  check_refused(SOURCE_DIR "/CMakeLists.txt", NULL, MOPO_EFORMAT, "not an HDF5 file");
}

/* ------------------------------------------------------------------ kinds */

static void kind_comes_from_the_name(void **state)
{
  static const char *const names[][2] = {
      {"hopper_medium_replay-v2.hdf5", "medium-replay"},
      {"walker2d-medium-expert-v0.hdf5", "medium-expert"},
      {"hopper_mixed.hdf5", "medium-replay"},
      {"halfcheetah_medium-v2.hdf5", "medium"},
      {"ant_expert.hdf5", "expert"},
      {"Hopper-Random.h5", "random"},
      {"hopper_full_replay-v2.hdf5", "full-replay"},
      {"data.hdf5", ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    cook(names[i][0], &(recipe){.n = 3, .terminal = -1, .next = true});
    mopo_dataset *d = load(names[i][0]);
    assert_string_equal(mopo_dataset_kind(d), names[i][1]);
    mopo_dataset_free(d);
    unlink(names[i][0]);
  }
}

/* ------------------------------------------------------------------ arrays */

static const float OBS[] = {1, 5, 2, 5, 3, 5, 9, 5, 4, 5}, NEXT[] = {2, 5, 3, 5, 4, 5, 9, 5, 7, 5};
static const float ACT[] = {0.5f, 1, 1, -1, 1}, REW[] = {1, 2, 3, 10, 5};
static const unsigned char TERMINAL[] = {0, 0, 1, 0, 0};

static void from_arrays_copies_and_checks(void **state)
{
  (void)state;
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_from_arrays(&d, 5, 2, 1, OBS, ACT, REW, NEXT, TERMINAL, NULL, &e), e);
  for (int64_t i = 0; i < 5; i++) {
    const float want[] = {OBS[2 * i],  OBS[2 * i + 1],  ACT[i],     REW[i],
                          NEXT[2 * i], NEXT[2 * i + 1], TERMINAL[i]};
    assert_memory_equal(dataset_row(d, i), want, sizeof want);
    assert_int_equal(d->ends[i], i == 2 || i == 4);
  }
  mopo_dataset_free(d);
  const float bad[] = {1, 2, NAN, 4, 5}, far[] = {0, 0, 0, 0, 2};
  assert_int_equal(mopo_dataset_from_arrays(&d, 5, 2, 1, OBS, ACT, bad, NEXT, TERMINAL, NULL, &e),
                   MOPO_EDATA);
  assert_string_equal(e.msg, "memory: 'rew' row 2 column 0 = nan, want a finite number");
  assert_int_equal(mopo_dataset_from_arrays(&d, 5, 2, 1, OBS, far, REW, NEXT, TERMINAL, NULL, &e),
                   MOPO_EDATA);
  assert_string_equal(e.msg, "memory: 'act' row 4 column 0 = 2, want -1..1");
  assert_int_equal(mopo_dataset_from_arrays(&d, 0, 2, 1, OBS, ACT, REW, NEXT, TERMINAL, NULL, &e),
                   MOPO_EINVAL);
  assert_int_equal(
      mopo_dataset_from_arrays(&d, INT64_MAX / 2, 2, 1, OBS, ACT, REW, NEXT, TERMINAL, NULL, &e),
      MOPO_ENOMEM);
  assert_null(d);
  mopo_dataset_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_every_dress),
      cmocka_unit_test(without_next_no_row_leads_into_another_episode),
      cmocka_unit_test(old_files_are_cut_at_1000),
      cmocka_unit_test(an_episode_of_one_row_leaves_its_fall_or_nothing),
      cmocka_unit_test(rounding_beyond_one_is_clipped),
      cmocka_unit_test(refuses_what_h5py_can_make),
      cmocka_unit_test(refuses_bad_values),
      cmocka_unit_test(refuses_other_sizes_and_files),
      cmocka_unit_test(kind_comes_from_the_name),
      cmocka_unit_test(from_arrays_copies_and_checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
