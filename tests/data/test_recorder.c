/* test_recorder.c - what is recorded is what is read, and a failure leaves the earlier file. */
#include "check.h"
#include "sample.h"

#include "data/dataset.h"
#include "data/recorder.h"
#include "io/hdf5.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { S = SAMPLE_S, A = SAMPLE_A, NQ = 2, NV = 4 };

static bool is_terminal(int64_t i) { return i % 10 == 9; }
static bool is_timeout(int64_t i) { return i % 16 == 15; }

static mopo_status add_sample(recorder *r, int64_t i, mopo_error *err)
{
  float obs[S], act[A], next[S];
  double qpos[NQ], qvel[NV], after[NQ];
  for (int s = 0; s < S; s++) obs[s] = sample_obs(i, s);
  for (int s = 0; s < S; s++) next[s] = sample_next(i, s);
  for (int a = 0; a < A; a++) act[a] = sample_act(i, a);
  for (int q = 0; q < NQ; q++) qpos[q] = (double)i + q / 3.0;
  for (int q = 0; q < NQ; q++) after[q] = (double)i + 1 + q / 3.0;
  for (int v = 0; v < NV; v++) qvel[v] = -(double)i - v / 3.0;
  return recorder_add(r, obs, act, sample_rew(i), next, is_terminal(i), is_timeout(i), qpos, qvel,
                      after, err);
}

static recorder *start(const char *path, int nq, int nv)
{
  mopo_error e;
  recorder *r = NULL;
  assert_ok(recorder_open(&r, path, S, A, nq, nv, &e), e);
  return r;
}

static void add_samples(recorder *r, int64_t n)
{
  mopo_error e;
  for (int64_t i = 0; i < n; i++) {
    assert_int_equal(recorder_rows(r), i);
    assert_ok(add_sample(r, i, &e), e);
  }
}

/* h5py_check.py knows these formulas too. */
static void write_sample(const char *path, int64_t n)
{
  static const float weight[] = {0, 1, 2, 3, 4, 5};
  mopo_error e;
  recorder *r = start(path, NQ, NV);
  assert_ok(recorder_text(r, "algorithm", "SAC", &e), e);
  add_samples(r, n);
  assert_ok(recorder_number(r, "iteration", 7.5, &e), e);
  assert_ok(recorder_array(r, "policy/fc0/weight", weight, 2, 3, &e), e);
  assert_ok(recorder_array(r, "policy/fc0/bias", weight, 2, 0, &e), e);
  assert_ok(recorder_close(r, &e), e);
}

static void check_sample(const char *path, int64_t n)
{
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, path, NULL, &e), e);
  assert_int_equal(mopo_dataset_rows(d), n);
  for (int64_t i = 0; i < n; i++) {
    const float *x = dataset_row(d, i);
    for (int s = 0; s < S; s++) assert_true(x[s] == sample_obs(i, s));
    for (int a = 0; a < A; a++) assert_true(x[d->at.act + a] == sample_act(i, a));
    for (int s = 0; s < S; s++) assert_true(x[d->at.next + s] == sample_next(i, s));
    assert_true(x[d->at.rew] == sample_rew(i));
    assert_int_equal(x[d->at.done] != 0.0f, is_terminal(i));
    assert_int_equal(d->timeouts[i], is_timeout(i));
  }
  mopo_dataset_free(d);
}

/* Around the buffer's 8192 rows and its multiples. */
static void any_number_of_rows_comes_back(void **state)
{
  static const int64_t ns[] = {1, 2, 100, 8191, 8192, 8193, 16384, 20000};
  (void)state;
  for (size_t k = 0; k < sizeof ns / sizeof *ns; k++) {
    write_sample("recorder_n.hdf5", ns[k]);
    check_sample("recorder_n.hdf5", ns[k]);
  }
}

/* The states, and every way to have only some of them. */
typedef struct states {
  int wanted, width;
  int64_t rows;
} states;

static mopo_status see_shape(void *ctx, const io_array *a, int n, mopo_error *err)
{
  states *s = ctx;
  (void)n, (void)err;
  s->width = a->cols;
  return MOPO_OK;
}

static mopo_status see_rows(void *ctx, int a, int64_t first, int n, const void *values,
                            mopo_error *err)
{
  states *s = ctx;
  const double *x = values;
  (void)a, (void)err;
  for (int64_t i = 0; i < n; i++)
    for (int c = 0; c < s->width; c++) {
      double at = (double)(first + i), want = s->wanted == 'q' ? at + c / 3.0 : -at - c / 3.0;
      assert_true(x[i * s->width + c] == want);
    }
  s->rows += n;
  return MOPO_OK;
}

static void states_keep_their_bits(void **state)
{
  (void)state;
  for (int which = 1; which < 4; which++) {
    mopo_error e;
    recorder *r = start("recorder_states.hdf5", which & 1 ? NQ : 0, which & 2 ? NV : 0);
    add_samples(r, 9000);
    assert_ok(recorder_close(r, &e), e);
    for (int k = 1; k < 3; k++) {
      if (!(which & k)) continue;
      states s = {.wanted = k == 1 ? 'q' : 'v'};
      io_array a = {.name = k == 1 ? "infos/qpos" : "infos/qvel", .as = 'd', .required = true};
      io_sink sink = {see_shape, see_rows, NULL, &s, NULL};
      assert_ok(hdf5_read("recorder_states.hdf5", &a, 1, &sink, &e), e);
      assert_int_equal(s.rows, 9000);
      assert_int_equal(s.width, k == 1 ? NQ : NV);
    }
  }
}

static void kind_is_remembered(void **state)
{
  (void)state;
  mopo_error e;
  recorder *r = start("recorder_random.hdf5", 0, 0);
  add_samples(r, 3);
  assert_ok(recorder_text(r, "kind", "medium-replay", &e), e);
  assert_ok(recorder_close(r, &e), e);
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_load(&d, "recorder_random.hdf5", NULL, &e), e);
  assert_string_equal(mopo_dataset_kind(d), "medium-replay");
  mopo_dataset_free(d);
}

static void same_rows_same_bytes(void **state)
{
  (void)state;
  write_sample("recorder_a.hdf5", 300);
  sleep(1); /* so that a time stamp would show */
  write_sample("recorder_b.hdf5", 300);
  assert_int_equal(system("cmp recorder_a.hdf5 recorder_b.hdf5"), 0);
}

static void h5py_reads_it(void **state)
{
  (void)state;
  if (system("/usr/bin/python3 -c 'import h5py' >/dev/null 2>&1") != 0) skip();
  write_sample("recorder_h5py.hdf5", 8500);
  assert_int_equal(
      system("/usr/bin/python3 " SOURCE_DIR "/tests/oracle/h5py_check.py check recorder_h5py.hdf5"),
      0);
}

/* ------------------------------------------------------------------ failures */

/* Is there a temporary file of that target? */
static bool has_part(const char *name)
{
  bool any = false;
  DIR *d = opendir(".");
  for (struct dirent *e; (e = readdir(d));)
    any = any || (strstr(e->d_name, name) == e->d_name && strstr(e->d_name, ".part"));
  closedir(d);
  return any;
}

static void nothing_shows_before_close(void **state)
{
  (void)state;
  write_sample("recorder_old.hdf5", 5);
  recorder *r = start("recorder_old.hdf5", 0, 0);
  add_samples(r, 9000);
  assert_true(has_part("recorder_old.hdf5"));
  check_sample("recorder_old.hdf5", 5);
  recorder_abandon(r);
  assert_false(has_part("recorder_old.hdf5"));
  check_sample("recorder_old.hdf5", 5);
  recorder_abandon(NULL);
}

static void no_such_directory(void **state)
{
  (void)state;
  mopo_error e = {0};
  recorder *r = NULL;
  assert_int_equal(recorder_open(&r, "no/such/dir.hdf5", S, A, 0, 0, &e), MOPO_EIO);
  assert_null(r);
  assert_string_equal(e.msg, "no/such/dir.hdf5: No such file or directory");
}

/* A disk that is full after `bytes`. 0: every call said what it should. */
static int record_on_small_disk(rlim_t bytes)
{
  struct rlimit l = {bytes, bytes};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &l);
  mopo_error e = {0}, again = {0};
  recorder *r = NULL;
  mopo_status st = recorder_open(&r, "recorder_full.hdf5", S, A, NQ, NV, &e);
  for (int64_t i = 0; !st && i < 40000; i++) st = add_sample(r, i, &e);
  if (r && st && add_sample(r, 0, &again) != MOPO_EIO) return 1;
  if (r && recorder_close(r, st ? &again : &e) != MOPO_EIO) return 2;
  return strstr(e.msg, "recorder_full.hdf5: ") && strstr(e.msg, ": File too large") ? 0 : 3;
}

/* In a process of its own, for limits do not come off. It ends by exit, with all that the HDF5
 * library then does, and must not print a word. */
static void check_small_disk(rlim_t bytes)
{
  int ends[2], how = 0;
  char said[200];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    exit(record_on_small_disk(bytes));
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], said, sizeof said), 0);
  close(ends[0]);
  waitpid(pid, &how, 0);
  assert_true(WIFEXITED(how));
  assert_int_equal(WEXITSTATUS(how), 0);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
  static const rlim_t sizes[] = {0, 100, 2000, 3000, 20000, 50000};
  (void)state;
  write_sample("recorder_full.hdf5", 5);
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    check_small_disk(sizes[k]);
    assert_false(has_part("recorder_full.hdf5"));
    check_sample("recorder_full.hdf5", 5);
  }
}

static void a_directory_in_the_way(void **state)
{
  (void)state;
  mopo_error e = {0};
  mkdir("recorder_dir.hdf5", 0777);
  recorder *r = NULL;
  assert_int_equal(recorder_open(&r, "recorder_dir.hdf5", S, A, 0, 0, &e), MOPO_EIO);
  assert_string_equal(e.msg, "recorder_dir.hdf5: not a regular file");
  rmdir("recorder_dir.hdf5");
  r = start("recorder_dir.hdf5", 0, 0); /* one that comes later */
  mkdir("recorder_dir.hdf5", 0777);
  add_samples(r, 5);
  assert_int_equal(recorder_close(r, &e), MOPO_EIO);
  assert_string_equal(e.msg, "recorder_dir.hdf5: Is a directory");
  assert_false(has_part("recorder_dir.hdf5"));
  rmdir("recorder_dir.hdf5");
}

/* A rename would put a file in the place of the device. */
static void a_device_stays_one(void **state)
{
  (void)state;
  mopo_error e = {0};
  recorder *r = NULL;
  mkfifo("recorder_pipe.hdf5", 0666);
  assert_int_equal(recorder_open(&r, "recorder_pipe.hdf5", S, A, 0, 0, &e), MOPO_EIO);
  assert_string_equal(e.msg, "recorder_pipe.hdf5: not a regular file");
  unlink("recorder_pipe.hdf5");
}

static void a_name_that_would_be_read_as_another_format(void **state)
{
  (void)state;
  mopo_error e = {0};
  assert_int_equal(recorder_check("log.csv", &e), MOPO_EINVAL);
  assert_string_equal(e.msg, "log.csv: HDF5 is written, want a name that ends in .hdf5");
  assert_int_equal(recorder_check("data.NPZ", &e), MOPO_EINVAL);
  assert_int_equal(recorder_check("data.h5", &e), MOPO_OK);
}

static void keys_that_cannot_be_written(void **state)
{
  (void)state;
  char key[400];
  memset(key, 'k', sizeof key);
  key[sizeof key - 1] = '\0';
  mopo_error e = {0};
  recorder *r = start("recorder_keys.hdf5", 0, 0);
  assert_int_equal(recorder_text(r, key, "x", &e), MOPO_EINVAL);
  assert_ok(recorder_text(r, "twice", "x", &e), e);
  assert_int_equal(recorder_number(r, "twice", 1.0, &e), MOPO_EIO);
  assert_ok(recorder_text(r, "empty", "", &e), e);
  add_samples(r, 2);
  assert_ok(recorder_close(r, &e), e);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_rows_comes_back),
      cmocka_unit_test(states_keep_their_bits),
      cmocka_unit_test(kind_is_remembered),
      cmocka_unit_test(same_rows_same_bytes),
      cmocka_unit_test(h5py_reads_it),
      cmocka_unit_test(nothing_shows_before_close),
      cmocka_unit_test(no_such_directory),
      cmocka_unit_test(a_full_disk_leaves_the_old_file),
      cmocka_unit_test(a_directory_in_the_way),
      cmocka_unit_test(a_device_stays_one),
      cmocka_unit_test(a_name_that_would_be_read_as_another_format),
      cmocka_unit_test(keys_that_cannot_be_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
