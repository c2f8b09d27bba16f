/* test_collect.c - a collection that was stopped goes on to the same bytes, whatever its kind and
 * wherever it was; what cannot go on says why. */
#include "config/config.h"
#include "faults/tiny.h"

#include <math.h>
#include <signal.h>
#include <sys/stat.h>

#include "play/collect.h"

#ifdef MOPO_HAVE_MUJOCO

static mopo_config config(const char *kind, const char *out)
{
  mopo_config c = config_default();
  const char *set[][2] = {{"task", "hopper"},
                          {"out", out},
                          {"kind", kind},
                          {"steps", "1500"},
                          {"train-steps", "1500"},
                          {"start-steps", "640"},
                          {"collect-eval-every", "150"},
                          {"medium-fraction", "0.004"},
                          {"batch-size", "8"},
                          {"hidden", "8"},
                          {"threads", "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) tiny_set(&c, set[i][0], set[i][1]);
  return c;
}

static void clean(const char *out)
{
  char path[1100];
  static const char *const endings[] = {"", ".rows", ".checkpoint"};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", out, endings[i]);
    unlink(path);
  }
}

static bool there(const char *out, const char *ending)
{
  char path[1100];
  snprintf(path, sizeof path, "%s%s", out, ending);
  return file_exists(path);
}

/* Stops a collection when it has reported `left` times more. */
static volatile sig_atomic_t stop;
static int left;

static void count(void *ctx, const mopo_progress *p)
{
  (void)ctx, (void)p;
  if (left-- == 0) stop = 1;
}

static mopo_status run(const mopo_config *c, bool resume, int reports, mopo_error *err)
{
  mopo_watch watch = {.progress = count, .stop = &stop};
  stop = 0, left = reports;
  return mopo_collect(NULL, c, resume, &watch, err);
}

/* Its rows so far are a dataset, too; nothing of a checkpoint is lost meanwhile. */
static void assert_kept(const char *out)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  assert_true(there(out, ".rows") && there(out, ".checkpoint"));
  if (!file_exists(out)) return; /* none of them is the dataset's yet */
  assert_ok(mopo_dataset_load(&d, out, mopo_task_find("hopper"), &err), err);
  assert_true(mopo_dataset_rows(d) > 0);
  mopo_dataset_free(d);
}

static void goes_on_to_the_same_bytes(void **state)
{
  (void)state;
  static const char *const kinds[] = {"random", "medium-replay", "full-replay",
                                      "medium", "expert",        "medium-expert"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    mopo_error err;
    mopo_config whole = config(kinds[i], "collect_whole.hdf5");
    mopo_config parts = config(kinds[i], "collect_parts.hdf5");
    clean(whole.out);
    clean(parts.out);
    assert_ok(run(&whole, false, -1, &err), err);
    assert_false(there(whole.out, ".rows") || there(whole.out, ".checkpoint"));
    mopo_status st = run(&parts, false, 3, &err);
    int stops = 0;
    for (; st == MOPO_ESTOPPED; stops++) {
      assert_non_null(strstr(err.msg, "stopped at "));
      assert_kept(parts.out);
      st = run(&parts, true, 2 + stops, &err); /* not always at the same place */
    }
    assert_ok(st, err);
    assert_true(stops >= 2);
    assert_true(tiny_same_file(whole.out, parts.out));
    assert_false(there(parts.out, ".rows") || there(parts.out, ".checkpoint"));
  }
}

/* ------------------------------------------------------------------ what cannot go on */

static void refuses(const mopo_config *c, bool resume, mopo_status want, const char *why)
{
  mopo_error err = {0};
  mopo_status st = run(c, resume, -1, &err);
  if (st != want || !strstr(err.msg, why))
    fail_msg("status %d '%s', want %d '%s'", (int)st, err.msg, (int)want, why);
  assert_kept(c->out);
}

static mopo_config stopped(const char *out)
{
  mopo_error err;
  mopo_config c = config("full-replay", out);
  clean(out);
  assert_int_equal(run(&c, false, 8, &err), MOPO_ESTOPPED);
  return c;
}

static void refuses_what_is_not_the_same(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = stopped("collect_other.hdf5");
  refuses(&c, false, MOPO_EINVAL, "collect_other.hdf5.checkpoint: these data were begun: resume");
  tiny_set(&c, "gamma", "0.9");
  refuses(&c, true, MOPO_EINVAL, "was begun with gamma = 0.99; now 0.9");
  tiny_set(&c, "gamma", "0.99");
  tiny_set(&c, "seed", "1");
  refuses(&c, true, MOPO_EINVAL, "was begun with seed = 0; now 1");
  tiny_set(&c, "seed", "0");
  tiny_set(&c, "threads", "2"); /* decides nothing */
  assert_ok(run(&c, true, -1, &err), err);
  assert_int_equal(run(&c, true, -1, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "is there, and nothing to go on with"));
}

static void one_process_at_a_time(void **state)
{
  (void)state;
  mopo_error err;
  rowlog *other;
  mopo_config c = stopped("collect_busy.hdf5");
  assert_ok(rowlog_open(&other, "collect_busy.hdf5.rows", 1, 1, &err), err);
  refuses(&c, true, MOPO_EIO, "collect_busy.hdf5.rows: another process is writing it");
  rowlog_free(other);
}

/* ------------------------------------------------------------------ damage */

static void overwrite(const char *path, long at, const void *bytes, size_t n)
{
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  assert_int_equal(fseek(f, at, SEEK_SET), 0);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

static size_t place_of(const char *bytes, size_t n, size_t from, const char *text)
{
  size_t m = strlen(text);
  for (size_t i = from; i + m <= n; i++)
    if (!memcmp(bytes + i, text, m)) return i + m;
  fail_msg("no %s", text);
  return 0;
}

/* Where the data of a tensor of the checkpoint are in its file. */
static long data_of(const char *path, const char *name)
{
  static const char offsets[] = "\"data_offsets\":[";
  size_t n = 0;
  char *bytes = tiny_read(&n, path), key[64];
  uint64_t header;
  memcpy(&header, bytes, 8);
  snprintf(key, sizeof key, "\"%s\"", name);
  long from = strtol(&bytes[place_of(bytes, n, place_of(bytes, n, 8, key), offsets)], NULL, 10);
  free(bytes);
  return 8 + (long)header + from;
}

static void damaged_files_are_refused(void **state)
{
  (void)state;
  const char state_path[] = "collect_damaged.hdf5.checkpoint", rows[] = "collect_damaged.hdf5.rows";
  const float nan_f = NAN;
  static const double wrong[] = {-1, 0.5, 1e16, NAN};
  mopo_config c = stopped("collect_damaged.hdf5");
  size_t n = 0;
  char *good = tiny_read(&n, state_path);
  mopo_error err;
  overwrite(state_path, data_of(state_path, "standing"), &wrong[0], 8);
  refuses(&c, true, MOPO_EFORMAT, "its checksum does not hold");
  /* Files of a program that changes them as it pleases. */
  memcpy(&good[place_of(good, n, 8, "\"checksum\"") - 10], "\"no check\"", 10);
  assert_ok(file_write(state_path, good, n, &err), err);
  for (int i = 0; i < 5; i++) /* phase, learned, acted, recorded, episodes */
    for (int j = 0; j < 4; j++) {
      overwrite(state_path, data_of(state_path, "standing") + 8 * i, &wrong[j], 8);
      refuses(&c, true, MOPO_EFORMAT, "not where a collection can stand");
      assert_ok(file_write(state_path, good, n, &err), err);
    }
  overwrite(state_path, data_of(state_path, "agent.values") + 400, &nan_f, 4);
  refuses(&c, true, MOPO_EFORMAT, "a number of the agent is not finite");
  assert_ok(file_write(state_path, good, n, &err), err);
  free(good);
  overwrite(rows, 40, &nan_f, 4);
  refuses(&c, true, MOPO_EFORMAT, "collect_damaged.hdf5.rows: row 0 is damaged");
  assert_int_equal(truncate(rows, 1000), 0);
  refuses(&c, true, MOPO_EFORMAT, "want at least");
}

#endif

/* ------------------------------------------------------------------ the log itself */

static void a_log_keeps_what_it_is_told(void **state)
{
  (void)state;
  enum { N = 9000, SIZE = 100 }; /* several blocks */
  mopo_error err;
  rowlog *l;
  char row[SIZE];
  const void *back;
  unlink("rows.log");
  assert_ok(rowlog_open(&l, "rows.log", SIZE, 0, &err), err);
  for (int i = 0; i < N; i++) {
    memset(row, i % 251, SIZE);
    assert_ok(rowlog_add(l, row, &err), err);
    assert_int_equal(rowlog_rows(l), i + 1);
  }
  for (int pass = 0; pass < 2; pass++) { /* some of it still waits; all of it is in the file */
    for (int i = 0; i < N; i += 1 + i % 7) {
      assert_ok(rowlog_read(l, &back, i, &err), err);
      memset(row, i % 251, SIZE);
      assert_memory_equal(back, row, SIZE);
    }
    assert_ok(rowlog_sync(l, &err), err);
  }
  rowlog_free(l);
  assert_ok(rowlog_open(&l, "rows.log", SIZE, 5000, &err), err);
  assert_int_equal(rowlog_rows(l), 5000);
  memset(row, 252, SIZE);
  assert_ok(rowlog_add(l, row, &err), err);
  assert_ok(rowlog_sync(l, &err), err);
  assert_ok(rowlog_read(l, &back, 5000, &err), err);
  assert_memory_equal(back, row, SIZE);
  rowlog_free(l);
  struct stat s;
  assert_int_equal(stat("rows.log", &s), 0);
  assert_int_equal(s.st_size, 5001 * SIZE);
  assert_int_equal(rowlog_open(&l, "rows.log", SIZE, 5002, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "rows.log: 5001 rows of 100 bytes, want at least 5002"));
  assert_int_equal(rowlog_open(&l, "no/such/rows.log", SIZE, 0, &err), MOPO_EIO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
#ifdef MOPO_HAVE_MUJOCO
      cmocka_unit_test(goes_on_to_the_same_bytes),   cmocka_unit_test(refuses_what_is_not_the_same),
      cmocka_unit_test(one_process_at_a_time),       cmocka_unit_test(damaged_files_are_refused),
#endif
      cmocka_unit_test(a_log_keeps_what_it_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
