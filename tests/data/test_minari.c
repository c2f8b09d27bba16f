/* test_minari.c - a dataset of Minari's: its directory, with the metadata next to the arrays. */
#include "check.h"

#include "data/dataset.h"
#include "io/file.h"
#include "io/hdf5_out.h"

#include <stdio.h>
#include <string.h>

enum { T = 3 }; /* rows of an episode */

#define BOX(n, low, high)                                                                          \
  "{\\\"type\\\": \\\"Box\\\", \\\"shape\\\": [" #n "], \\\"low\\\": " low ", \\\"high\\\": " high \
  "}"
#define PLAIN BOX(1, "[-Infinity]", "[Infinity]")
#define DICT                                                           \
  "{\\\"type\\\": \\\"Dict\\\", \\\"subspaces\\\": {\\\"z\\\": " PLAIN \
  ", \\\"a\\\": " BOX(2, "[-1.0, -1.0]", "[1.0, 1.0]") "}}"

/* Episodes 0 and 5: observations {a [T+1,2], z [T+1]}, actions 0, 25, 50, ... */
static void write_arrays(void)
{
  mopo_error e;
  hdf5_out *o;
  assert_ok(file_make_dir("minari/data", &e), e);
  assert_ok(hdf5_out_create(&o, "minari/data/main_data.hdf5", &e), e);
  for (int k = 0; k < 2; k++) {
    float a[(T + 1) * 2], z[T + 1], act[T], rew[T] = {0}, end[T] = {0, 0, 1}, none[T] = {0};
    for (int i = 0; i < (T + 1) * 2; i++) a[i] = (float)(100 * k + i);
    for (int i = 0; i <= T; i++) z[i] = (float)(-i);
    for (int i = 0; i < T; i++) act[i] = (float)(25 * i);
    const struct {
      const char *name;
      const float *x;
      int rows, cols;
    } arrays[] = {{"observations/a", a, T + 1, 2},
                  {"observations/z", z, T + 1, 0},
                  {"actions", act, T, 0},
                  {"rewards", rew, T, 0},
                  {"terminations", k ? none : end, T, 0},
                  {"truncations", k ? end : none, T, 0}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
      char name[64];
      snprintf(name, sizeof name, "episode_%d/%s", 5 * k, arrays[i].name);
      assert_ok(hdf5_out_floats(o, name, arrays[i].x, arrays[i].rows, arrays[i].cols, &e), e);
    }
  }
  assert_ok(hdf5_out_close(o, &e), e);
}

static mopo_status load(mopo_dataset **d, const char *act, const char *obs, const char *more,
                        mopo_error *e)
{
  char text[2048];
  snprintf(text, sizeof text,
           "{\"dataset_id\": \"mujoco/hopper/medium-v0\", \"data_format\": \"hdf5\", %s"
           "\"env_spec\": \"{\\\"id\\\": \\\"Tank-v1\\\", \\\"max_episode_steps\\\": 3}\","
           "\"action_space\": \"%s\", \"observation_space\": \"%s\"}",
           more, act, obs);
  assert_ok(file_write("minari/data/metadata.json", text, strlen(text), e), *e);
  return mopo_dataset_load(d, "minari", NULL, e);
}

static void its_metadata_is_used(void **state)
{
  static const char *const names[] = {"a[0]", "a[1]", "z"};
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  write_arrays();
  assert_ok(load(&d, BOX(1, "[0.0]", "[100.0]"), DICT, "\"total_episodes\": 3,", &e), e);
  assert_true(d->N == 2 * T && d->at.S == 3 && d->horizon == 3);
  assert_string_equal(d->kind, "medium");
  assert_string_equal(d->task, "Tank-v1");
  for (int i = 0; i < 3; i++) assert_string_equal(mopo_dataset_obs_name(d, i), names[i]);
  const float row[3] = {102, 103, -1}; /* of the second episode */
  assert_memory_equal(dataset_row(d, T + 1), row, sizeof row);
  assert_true(dataset_row(d, 1)[d->at.act] == -0.5f); /* 25 of 0 .. 100 */
  assert_true(dataset_row(d, 2)[d->at.done] == 1.0f && d->timeouts[2 * T - 1]);
  assert_string_equal(mopo_dataset_note(d, 0), "metadata.json says 3 episodes, the file has 2");
  assert_string_equal(mopo_dataset_note(d, 1),
                      "the numbers of the episodes have gaps: 4 are not there, first 1");
  assert_null(mopo_dataset_note(d, 2));
  mopo_dataset_free(d);
}

static void what_it_forbids(void **state)
{
  static const struct {
    const char *act, *obs;
    mopo_status status;
    const char *message;
  } bad[] = {
      {"{\\\"type\\\": \\\"Discrete\\\", \\\"n\\\": 3}", DICT, MOPO_EDATA,
       "actions are Discrete(3), want boxes of numbers"},
      {PLAIN, "{\\\"type\\\": \\\"MultiBinary\\\", \\\"n\\\": 3}", MOPO_EDATA,
       "observations are MultiBinary(3), want boxes of numbers"},
      {BOX(2, "[0, 0]", "[1, 1]"), DICT, MOPO_EDATA,
       "actions have 1 columns, metadata.json says 2"},
      {PLAIN, DICT, MOPO_EDATA, "row 1 column 0 = 25, want -1..1 (its action-range)"},
      {"{}", DICT, MOPO_EFORMAT, "'action_space' is not a space of gymnasium's"},
  };
  (void)state;
  write_arrays();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mopo_error e;
    mopo_dataset *d = NULL;
    mopo_status st = load(&d, bad[i].act, bad[i].obs, "", &e);
    if (st != bad[i].status || !strstr(e.msg, bad[i].message)) fail_msg("%d, %s", st, e.msg);
    assert_null(d);
  }
}

static void another_storage(void **state)
{
  static const char text[] = "{\"data_format\": \"arrow\"}";
  (void)state;
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_ok(file_make_dir("arrow/data", &e), e);
  assert_ok(file_write("arrow/data/metadata.json", text, strlen(text), &e), e);
  assert_int_equal(mopo_dataset_load(&d, "arrow", NULL, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg,
                      "arrow: a dataset of Minari's in arrow storage, want hdf5 (data_format of "
                      "its DataCollector)");
  assert_int_equal(mopo_dataset_load(&d, "arrow/data", NULL, &e), MOPO_EIO);
  assert_string_equal(e.msg, "arrow/data: Is a directory, and not one of Minari's: it has no "
                             "data/main_data.hdf5");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(its_metadata_is_used),
      cmocka_unit_test(what_it_forbids),
      cmocka_unit_test(another_storage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
