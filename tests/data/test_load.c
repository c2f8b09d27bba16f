/* test_load.c - datasets from NPZ, CSV and Minari files, and to files and back. The HDF5 files of
 * D4RL are tested in test_dataset.c. */
#include "check.h"
#include "sample.h"

#include "data/dataset.h"
#include "data/recorder.h"
#include "io/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mopo_dataset *load(const char *path)
{
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, path, NULL, &e), e);
  return d;
}

static void check_sample(const mopo_dataset *d)
{
  assert_int_equal(mopo_dataset_rows(d), SAMPLE_N);
  assert_int_equal(mopo_dataset_obs_dim(d), SAMPLE_S);
  assert_int_equal(mopo_dataset_act_dim(d), SAMPLE_A);
  for (int64_t i = 0; i < SAMPLE_N; i++) {
    const float *x = dataset_row(d, i);
    for (int s = 0; s < SAMPLE_S; s++) {
      assert_true(x[s] == sample_obs(i, s));
      assert_true(x[d->at.next + s] == sample_next(i, s));
    }
    for (int a = 0; a < SAMPLE_A; a++) assert_true(x[d->at.act + a] == sample_act(i, a));
    assert_true(x[d->at.rew] == sample_rew(i));
    assert_true(x[d->at.done] == (sample_terminal(i) ? 1.0f : 0.0f));
    assert_int_equal(d->ends[i], sample_terminal(i) || sample_timeout(i) || i == SAMPLE_N - 1);
  }
}

/* ------------------------------------------------------------------ NPZ */

static void npz_in_every_dress(void **state)
{
  static const char *const names[] = {"stored", "packed",       "float64",   "big_endian",
                                      "int",    "neorl_begins", "neorl_ends"};
  (void)state;
  for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
    char path[1024];
    snprintf(path, sizeof path, FIXTURES "/npz_%s.npz", names[f]);
    mopo_dataset *d = load(path);
    check_sample(d);
    bool neorl = !strncmp(names[f], "neorl", 5);
    for (int64_t i = 0; i < SAMPLE_N; i++)
      assert_int_equal(d->timeouts[i], sample_timeout(i) || (neorl && i == SAMPLE_N - 1));
    mopo_dataset_free(d);
  }
}

static void npz_refused(void **state)
{
  static const struct {
    const char *name;
    mopo_status status;
    const char *message;
  } bad[] = {
      {"fortran", MOPO_EFORMAT, "'observations' is stored by columns"},
      {"rank", MOPO_EFORMAT, "'observations' does not have one or two dimensions"},
      {"text", MOPO_EFORMAT, "'rewards' does not hold numbers"},
      {"object", MOPO_EFORMAT, "'rewards' does not hold numbers"},
      {"rows", MOPO_EFORMAT, "'rewards' has 39 rows, 'observations' 40"},
      {"missing", MOPO_EFORMAT, "no array 'actions'"},
      {"index", MOPO_EDATA, "'index' row 1 = 41, want 0..40"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char path[1024];
    mopo_error e;
    mopo_dataset *d = NULL;
    snprintf(path, sizeof path, FIXTURES "/npz_bad_%s.npz", bad[i].name);
    assert_int_equal(mopo_dataset_load(&d, path, NULL, &e), bad[i].status);
    if (!strstr(e.msg, bad[i].message)) fail_msg("%s: %s", bad[i].name, e.msg);
    assert_null(d);
  }
}

static void there_and_back(void **state)
{
  static const char *const paths[] = {"load_copy.hdf5", "load_copy.npz"};
  (void)state;
  for (int f = 0; f < 2; f++) {
    mopo_error e;
    mopo_dataset *d = load(FIXTURES "/npz_packed.npz");
    assert_ok(mopo_dataset_save(d, paths[f], &e), e);
    mopo_dataset_free(d);
    d = load(paths[f]);
    check_sample(d);
    for (int64_t i = 0; i < SAMPLE_N; i++) assert_int_equal(d->timeouts[i], sample_timeout(i));
    assert_int_equal(mopo_dataset_save(d, "/dev/null/x.npz", &e), MOPO_EIO);
    mopo_dataset_free(d);
  }
}

/* ------------------------------------------------------------------ Minari */

/* Episodes 0 and 2 of three: what is there is read. */
static void minari_with_a_gap(void **state)
{
  (void)state;
  mopo_dataset *d = load(FIXTURES "/minari_gap.hdf5");
  assert_int_equal(mopo_dataset_rows(d), 20);
  assert_true(d->ends[9] && d->ends[19]);
  mopo_dataset_free(d);
}

static void minari_one_episode(void **state)
{
  (void)state;
  mopo_dataset *d = load(FIXTURES "/minari_1.hdf5");
  assert_int_equal(mopo_dataset_rows(d), 5);
  for (int t = 0; t < 5; t++) {
    const float *x = dataset_row(d, t);
    for (int s = 0; s < 3; s++) {
      assert_true(x[s] == (float)t + (float)s / 8.0f);
      assert_true(x[d->at.next + s] == (float)(t + 1) + (float)s / 8.0f);
    }
    assert_true(x[d->at.act] == (float)(t * 7 % 17 - 8) / 8.0f);
    assert_true(x[d->at.rew] == (float)t / 4.0f);
    assert_true(x[d->at.done] == (t == 4 ? 1.0f : 0.0f));
    assert_true(d->ends[t] == (t == 4) && d->timeouts[t] == 0);
  }
  mopo_dataset_free(d);
}

/* ------------------------------------------------------------------ CSV */

static void write_text(const char *text)
{
  mopo_error e;
  assert_ok(file_write("load.csv", text, strlen(text), &e), e);
}

static mopo_dataset *import(const char *columns)
{
  mopo_error e;
  mopo_dataset *d = NULL;
  mopo_import how = {.size = sizeof how, .columns = columns};
  assert_ok(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), e);
  return d;
}

/* Two episodes of 3 and 2 rows, of which the last of each has no successor; fell: the first one's
 * is terminal, and stays. */
static void check_csv(const mopo_dataset *d, bool fell)
{
  static const float obs[3][2] = {{1, 2}, {3, 4}, {10, 20}},
                     next[3][2] = {{3, 4}, {5, 6}, {30, 40}};
  assert_int_equal(mopo_dataset_rows(d), fell ? 4 : 3);
  if (fell) assert_true(d->blind[2] && dataset_row(d, 2)[0] == 5.0f);
  for (int i = 0; i < 3; i++) {
    int64_t row = fell && i == 2 ? 3 : i;
    const float *x = dataset_row(d, row);
    for (int s = 0; s < 2; s++) assert_true(x[s] == obs[i][s] && x[d->at.next + s] == next[i][s]);
    assert_true(x[d->at.act] == 0.5f - (float)i / 4.0f);
    assert_true(x[d->at.rew] == (float)i + 1.0f);
    assert_int_equal(d->ends[row], i == 2 || (i == 1 && !fell));
  }
}

static void csv_with_our_names(void **state)
{
  (void)state;
  write_text("episode,obs_0,obs_1,act_0,reward,note\n"
             "7,1,2,0.5,1,hello\n"
             "7,3,4,0.25,2,\n"
             "\n"
             "7,5,6,0,9,\"a, b\"\n"
             "8,10,20,0,3,\n"
             "8,30,40,0.5,4,end");
  mopo_dataset *d = load("load.csv");
  check_csv(d, false);
  mopo_dataset_free(d);
}

static void csv_with_its_own_names(void **state)
{
  (void)state;
  write_text("\xef\xbb\xbf\"time\" , angle,speed,torque,gain,fell,cut\r\n"
             "0.1, 1 ,2,0.5,1,false,FALSE\r\n"
             "0.2,3,4,0.25,2,False,0\r\n"
             "0.3,5,6,0,9,True,0\r\n"
             "0.4,1e1,20.0,0,3,0,0\r\n"
             "0.5,30,40,0.5,4,0,1\r\n");
  mopo_dataset *d = import("obs=angle,speed;act=torque;reward=gain;terminal=fell;timeout=cut;");
  check_csv(d, true);
  mopo_dataset_free(d);
}

static void csv_with_next(void **state)
{
  (void)state;
  write_text("obs_0,act_0,reward,next_obs_0,terminal\n1,0.5,1,2,0\n2,-0.5,2,3,1\n9,0,0,8,0\n");
  mopo_dataset *d = load("load.csv");
  assert_int_equal(mopo_dataset_rows(d), 3);
  assert_true(d->ends[0] == 0 && d->ends[1] == 1 && d->ends[2] == 1);
  assert_true(dataset_row(d, 1)[d->at.next] == 3.0f && dataset_row(d, 1)[d->at.done] == 1.0f);
  mopo_dataset_free(d);
}

/* More rows than a block holds, and no cut every 1000. */
static void csv_long(void **state)
{
  enum { ROWS = 300000 };
  (void)state;
  FILE *f = fopen("load.csv", "w");
  fprintf(f, "obs_0,act_0,reward\n");
  for (int i = 0; i < ROWS; i++) fprintf(f, "%d,0,%d\n", i, i % 7);
  assert_int_equal(fclose(f), 0);
  mopo_dataset *d = load("load.csv");
  assert_int_equal(mopo_dataset_rows(d), ROWS - 1);
  for (int i = 0; i < ROWS - 1; i++) {
    const float *x = dataset_row(d, i);
    assert_true(x[0] == (float)i && x[d->at.next] == (float)i + 1 &&
                x[d->at.rew] == (float)(i % 7));
    assert_int_equal(d->ends[i], i == ROWS - 2);
  }
  mopo_dataset_free(d);
}

/* Lines of blanks, and columns in quotes, in any order, and one that nobody asks for. */
static void csv_odd_but_sound(void **state)
{
  (void)state;
  write_text("act_0\t,reward,\"obs_0\",obs\n\t\n \r\n0.5,1,7,8\n\n0.25,\"2\",8,9\n \t\r");
  mopo_dataset *d = load("load.csv");
  assert_int_equal(mopo_dataset_rows(d), 1);
  assert_true(dataset_row(d, 0)[0] == 7.0f && dataset_row(d, 0)[d->at.next] == 8.0f);
  assert_true(dataset_row(d, 0)[d->at.act] == 0.5f && dataset_row(d, 0)[d->at.rew] == 1.0f);
  mopo_dataset_free(d);
}

static bool noted(const mopo_dataset_info *info, const char *words)
{
  for (int i = 0; i < info->n_notes; i++)
    if (strstr(info->notes[i], words)) return true;
  return false;
}

/* Without next observations a fall is kept for policies, but what it led to is nobody's to learn or
 * to write down. */
static void terminals_stay_without_what_they_led_to(void **state)
{
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  write_text("obs_0,act_0,reward,terminal,timeout\n1,0,1,0,0\n2,0,2,1,0\n3,0,3,1,0\n4,0,4,0,0\n"
             "5,0,5,0,1\n6,0,6,0,0\n");
  assert_ok(mopo_dataset_load(&d, "load.csv", NULL, &e), e);
  assert_int_equal(d->N, 4); /* the last rows of the cut episodes are gone */
  static const float want[][3] = {{1, 2, 0}, {2, 2, 1}, {3, 3, 1}, {4, 5, 0}}; /* obs, next, done */
  static const unsigned char blind[] = {0, 1, 1, 0}, ends[] = {0, 1, 1, 1}, cut[] = {0, 0, 0, 1};
  for (int i = 0; i < 4; i++) {
    const float *x = dataset_row(d, i);
    assert_true(x[0] == want[i][0] && x[d->at.next] == want[i][1] && x[d->at.done] == want[i][2]);
    assert_int_equal(d->blind[i], blind[i]);
    assert_int_equal(d->ends[i], ends[i]);
    assert_int_equal(d->timeouts[i], cut[i]);
  }
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_int_equal(info.terminals, 2);
  assert_true(noted(&info, "2 terminal rows do not say what they led to"));

  static const char *const files[] = {"load_blind.hdf5", "load_blind.npz"};
  for (int k = 0; k < 2; k++) {
    mopo_dataset *seen = NULL;
    assert_ok(mopo_dataset_save(d, files[k], &e), e);
    assert_ok(mopo_dataset_load(&seen, files[k], NULL, &e), e);
    assert_int_equal(seen->N, 2);
    assert_int_equal(seen->n_blind, 0);
    for (int i = 0; i < 2; i++) {
      const float *x = dataset_row(seen, i), *y = dataset_row(d, 3 * i);
      assert_memory_equal(x, y, (size_t)d->at.width * sizeof *x);
      assert_int_equal(seen->timeouts[i], 1);
    }
    mopo_dataset_free(seen);
  }

  const mopo_dataset *twice[] = {d, d};
  mopo_dataset *both = NULL;
  assert_ok(mopo_dataset_merge(&both, twice, 2, &e), e);
  assert_int_equal(both->n_blind, 4);
  for (int i = 0; i < 8; i++) assert_int_equal(both->blind[i], blind[i % 4]);
  mopo_dataset_free(both);
  mopo_dataset_free(d);

  write_text("obs_0,act_0,reward,terminal\n1,0,1,1\n");
  assert_ok(mopo_dataset_load(&d, "load.csv", NULL, &e), e);
  assert_int_equal(mopo_dataset_save(d, "load_blind.npz", &e), MOPO_EDATA);
  mopo_dataset_free(d);

  write_text("obs_0,act_0,reward,terminal,next_obs_0\n1,0,1,0,2\n2,0,2,1,9\n3,0,3,0,4\n");
  assert_ok(mopo_dataset_load(&d, "load.csv", NULL, &e), e);
  assert_int_equal(d->n_blind, 0);
  assert_ok(mopo_dataset_describe(&info, d, &e), e);
  assert_int_equal(info.terminals, 1);
  assert_false(noted(&info, "what they led to"));
  mopo_dataset_free(d);
}

static void actions_are_scaled(void **state)
{
  mopo_error e;
  mopo_dataset *d = NULL;
  double range[] = {-1.0, 3.0};
  mopo_import how = {.size = sizeof how, .action_ranges = range, .n_action_ranges = 1};
  (void)state;
  write_text("obs_0,act_0,reward\n1,-1,0\n2,1,0\n3,3,0\n4,2,0\n");
  assert_ok(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), e);
  assert_true(dataset_row(d, 0)[1] == -1.0f && dataset_row(d, 1)[1] == 0.0f);
  assert_true(dataset_row(d, 2)[1] == 1.0f);
  mopo_dataset_free(d);
  range[1] = 2.0;
  assert_int_equal(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), MOPO_EDATA);
  assert_string_equal(e.msg, "load.csv:4: column 'act_0' = 3, want -1..2 (its action-range)");
  range[1] = -2.0;
  assert_int_equal(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), MOPO_EINVAL);
}

/* Through a file and a merger, but not with actions of another range. */
static void ranges_travel(const mopo_dataset *d)
{
  static const float range[] = {0.0f, 100.0f, 0.0f, 1.0f};
  mopo_error e;
  mopo_dataset *back = NULL, *both = NULL;
  assert_ok(mopo_dataset_save(d, "load_ranges.hdf5", &e), e);
  assert_ok(mopo_dataset_load(&back, "load_ranges.hdf5", NULL, &e), e);
  assert_memory_equal(mopo_dataset_action_ranges(back), range, sizeof range);
  assert_memory_equal(dataset_row(back, 0), dataset_row(d, 0), sizeof(float[6]));
  assert_ok(mopo_dataset_merge(&both, (const mopo_dataset *[]){d, back}, 2, &e), e);
  assert_memory_equal(mopo_dataset_action_ranges(both), range, sizeof range);
  mopo_dataset_free(both);
  back->ranges[3] = 2.0f;
  assert_int_equal(mopo_dataset_merge(&both, (const mopo_dataset *[]){d, back}, 2, &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "load_ranges.hdf5: actions were recorded in other ranges"));
  mopo_dataset_free(back);

  back = load(FIXTURES "/npz_packed.npz");
  assert_null(mopo_dataset_action_ranges(back));
  mopo_dataset_free(back);
}

/* What a file says of them may be anything. */
static void ranges_are_checked(void **state)
{
  static const float bad[][4] = {{0, 1, 2, 2}, {0, NAN, 0, 1}, {0, 1, -INFINITY, 1}, {0, 1, 0, 1}};
  (void)state;
  for (int i = 0; i < 4; i++) {
    recorder *r = NULL;
    mopo_error e;
    mopo_dataset *d = NULL;
    float zero[2] = {0};
    assert_ok(recorder_open(&r, "load_ranges.hdf5", 1, 2, 0, 0, &e), e);
    assert_ok(recorder_add(r, zero, zero, 0, zero, false, false, NULL, NULL, NULL, &e), e);
    assert_ok(recorder_array(r, "action_ranges", bad[i], i < 3 ? 2 : 1, i < 3 ? 2 : 4, &e), e);
    assert_ok(recorder_close(r, &e), e);
    mopo_status want = i < 3 ? MOPO_EDATA : MOPO_EFORMAT;
    assert_int_equal(mopo_dataset_load(&d, "load_ranges.hdf5", NULL, &e), want);
    assert_non_null(strstr(e.msg, i < 3 ? "want the lower bound first" : "is [1,4], want [2,2]"));
  }
}

/* A valve from 0 to 100 beside a heater that is 0 or 1. */
static void every_action_has_its_range(void **state)
{
  static const double ranges[] = {0.0, 100.0, 0.0, 1.0, 0.0, 1.0};
  static const float want[3][2] = {{-1.0f, 1.0f}, {0.0f, -1.0f}, {1.0f, 0.5f}};
  mopo_error e;
  mopo_dataset *d = NULL;
  mopo_import how = {.size = sizeof how, .action_ranges = ranges, .n_action_ranges = 2};
  (void)state;
  write_text("obs_0,act_0,act_1,reward\n1,0,1,0\n\n2,50,0,0\n3,100,0.75,0\n4,0,0,0\n");
  assert_ok(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), e);
  for (int i = 0; i < 3; i++)
    for (int c = 0; c < 2; c++) assert_true(dataset_row(d, i)[d->at.act + c] == want[i][c]);
  ranges_travel(d);
  mopo_dataset_free(d);
  how.n_action_ranges = 3;
  assert_int_equal(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), MOPO_EINVAL);
  assert_string_equal(e.msg, "load.csv: 3 action ranges, want one for all actions or one for each "
                             "of 2");
  how = (mopo_import){.size = sizeof how};
  assert_int_equal(mopo_dataset_import(&d, "load.csv", &how, NULL, &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "load.csv:4: column 'act_0' = 50, want -1..1 (its action-range)"));
}

/* ------------------------------------------------------------------ episodes, merging */

static void episodes_cover_the_rows(void **state)
{
  static const int64_t first[] = {0, 10, 20, 26, 34};
  (void)state;
  mopo_dataset *d = load(FIXTURES "/npz_stored.npz");
  int64_t at = 0;
  for (int k = 0; k < 5; k++) {
    mopo_episode e = mopo_dataset_episode(d, at);
    double ret = 0.0;
    for (int64_t i = at; i < at + e.rows; i++) ret += (double)sample_rew(i);
    assert_int_equal(e.first, first[k]);
    assert_true(e.ret == ret);
    assert_true(e.terminal == (k == 0 || k == 2) && e.timeout == (k == 1 || k == 3));
    at += e.rows;
  }
  assert_int_equal(at, SAMPLE_N);
  mopo_dataset_free(d);
}

static void merging(void **state)
{
  mopo_error e;
  (void)state;
  mopo_dataset *a = load(FIXTURES "/npz_stored.npz"), *b = load(FIXTURES "/npz_neorl_ends.npz");
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_merge(&d, (const mopo_dataset *[]){a, b, a}, 3, &e), e);
  assert_int_equal(mopo_dataset_rows(d), 3 * SAMPLE_N);
  for (int64_t i = 0; i < 3 * SAMPLE_N; i++) {
    int64_t k = i % SAMPLE_N;
    assert_true(dataset_row(d, i)[0] == sample_obs(k, 0));
    assert_int_equal(d->ends[i], sample_terminal(k) || sample_timeout(k) || k == SAMPLE_N - 1);
    assert_int_equal(d->timeouts[i],
                     sample_timeout(k) || (k == SAMPLE_N - 1 && i < 3 * SAMPLE_N - 1));
  }
  assert_string_equal(mopo_dataset_kind(d), "");
  mopo_dataset_free(d);
  snprintf(a->kind, sizeof a->kind, "medium");
  snprintf(b->kind, sizeof b->kind, "expert");
  assert_ok(mopo_dataset_merge(&d, (const mopo_dataset *[]){a, b}, 2, &e), e);
  assert_string_equal(mopo_dataset_kind(d), "medium-expert");
  mopo_dataset_free(d);
  a->at.S = 4; /* another size */
  assert_int_equal(mopo_dataset_merge(&d, (const mopo_dataset *[]){b, a}, 2, &e), MOPO_EDATA);
  assert_non_null(strstr(e.msg, "obs_dim 4, act_dim 2, want 3 and 2"));
  assert_int_equal(mopo_dataset_merge(&d, NULL, 0, &e), MOPO_EINVAL);
  mopo_dataset_free(b);
  mopo_dataset_free(a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(npz_in_every_dress),
      cmocka_unit_test(npz_refused),
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(minari_one_episode),
      cmocka_unit_test(minari_with_a_gap),
      cmocka_unit_test(csv_with_our_names),
      cmocka_unit_test(csv_with_its_own_names),
      cmocka_unit_test(csv_with_next),
      cmocka_unit_test(csv_long),
      cmocka_unit_test(csv_odd_but_sound),
      cmocka_unit_test(terminals_stay_without_what_they_led_to),
      cmocka_unit_test(actions_are_scaled),
      cmocka_unit_test(every_action_has_its_range),
      cmocka_unit_test(ranges_are_checked),
      cmocka_unit_test(episodes_cover_the_rows),
      cmocka_unit_test(merging),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
