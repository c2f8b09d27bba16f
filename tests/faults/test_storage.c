/* test_storage.c - storage call number k fails, for k = 1, 2, 3, ... until nothing fails any more:
 * each time one line says so, every file under a final name is whole, and the next try succeeds.
 * Alone, and with all that follow. */
#include "config/config.h"
#include "faults/faults.h"
#include "faults/tiny.h"

#include <errno.h>
#include <sys/stat.h>

#include "io/safetensors.h"
#include "run/fitlog.h"

static void assert_said(const char *name, long k, mopo_status st, const mopo_error *err)
{
  if (st == MOPO_EIO && *err->msg && !strchr(err->msg, '\n')) return;
  fail_msg("%s, call %ld: status %d, '%s'", name, k, (int)st, err->msg);
}

/* ------------------------------------------------------------------ a run */

static mopo_status train(bool goes_on, mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("storage_run");
  return mopo_train(&r, &c, goes_on, NULL, err);
}

static bool in_run(char *path, const char *name)
{
  tiny_path(path, "storage_run", name);
  return file_exists(path);
}

/* What is there is whole, and nothing is there that was not meant to stay. */
static void assert_whole(bool *had_checkpoint)
{
  char path[512];
  mopo_error err;
  mopo_config c = config_default();
  static const char *const tensors[] = {"model.safetensors", "checkpoint.safetensors"};
  if (in_run(path, "config.ini")) assert_ok(mopo_config_load(&c, path, &err), err);
  for (int i = 0; i < 2; i++) {
    tensor_file *f = NULL;
    if (in_run(path, tensors[i])) assert_ok(tensor_file_open(&f, path, &err), err);
    tensor_file_free(f);
  }
  mopo_policy *p = NULL;
  if (in_run(path, "policy.safetensors")) assert_ok(mopo_policy_load(&p, path, &err), err);
  mopo_policy_free(p);
  assert_false(tiny_has_parts("storage_run"));
  bool has = in_run(path, "checkpoint.safetensors");
  assert_true(has || !*had_checkpoint); /* once written, there is always one */
  *had_checkpoint = has;
}

static long fail_each_of_run(bool stays)
{
  bool had_checkpoint = false;
  for (long k = 1;; k += stays ? 3 : 1) {
    char path[512];
    mopo_error err = {0};
    int files = fault_open_files();
    tiny_remove("storage_run");
    fault_arm(FAULT_STORAGE, k, stays);
    mopo_status st = train(false, &err);
    if (!fault_disarm()) {
      assert_ok(st, err);
      assert_true(tiny_same_run("storage_whole", "storage_run"));
      return k - 1;
    }
    assert_int_equal(fault_open_files(), files);
    if (st != MOPO_OK) {
      assert_said("run", k, st, &err);
      assert_whole(&had_checkpoint);
      assert_ok(train(in_run(path, "config.ini"), &err), err);
    } /* else it was a call whose failure loses nothing */
    if (!tiny_same_run("storage_whole", "storage_run")) fail_msg("run, call %ld: other bytes", k);
  }
}

static void a_run_survives_each_fault(void **state)
{
  (void)state;
  mopo_train_result r;
  mopo_error err;
  mopo_config c = tiny_config("storage_whole");
  tiny_remove("storage_whole");
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  long n = fail_each_of_run(false);
  fail_each_of_run(true);
  print_message("%-20s %4ld calls\n", "run", n);
}

/* ------------------------------------------------------------------ single files */

static mopo_dataset *data;
static const char POLICY[] = "storage_whole/policy.safetensors";

typedef mopo_status writer(const char *path, mopo_error *err);

static mopo_status write_dataset(const char *path, mopo_error *err)
{
  return mopo_dataset_save(data, path, err);
}

static mopo_status write_settings(const char *path, mopo_error *err)
{
  mopo_config c = tiny_config("x");
  return mopo_config_save(&c, path, err);
}

static mopo_status write_model(const char *path, mopo_error *err)
{
  mopo_fit_result r;
  mopo_config c = tiny_config(path);
  return mopo_model_fit_file(&r, &c, false, NULL, err);
}

static mopo_status export(const char *path, mopo_export_format format, mopo_error *err)
{
  mopo_policy *p = NULL;
  mopo_export_info info;
  mopo_status st = mopo_policy_load(&p, POLICY, err);
  if (st == MOPO_OK) st = mopo_policy_export(&info, p, path, format, err);
  mopo_policy_free(p);
  return st;
}

static mopo_status write_c(const char *path, mopo_error *err)
{
  return export(path, MOPO_EXPORT_C, err);
}
static mopo_status write_onnx(const char *path, mopo_error *err)
{
  return export(path, MOPO_EXPORT_ONNX, err);
}
static mopo_status write_policy(const char *path, mopo_error *err)
{
  return export(path, MOPO_EXPORT_SAFETENSORS, err);
}

/* The tables of a fit next to its model: three rows of each, from here and copied. */
static mopo_status write_tables(const char *path, mopo_error *err)
{
  fitlog l = {0};
  for (int i = 0; i < 3; i++) {
    fitlog_add_epoch(&l, &(fitlog_epoch){i + 1, 0, 0.5, 0.25, 1});
    fitlog_add_bin(&l, &(fitlog_bin){i, 1, 2, 3, 4, 5, 6, 7});
  }
  fitlog_add_r2(&l, (double[]){0.5, 0.25, 1}, NULL, 2);
  mopo_status st = fitlog_write(&l, "storage_tables", err);
  fitlog_free(&l);
  char model[64];
  snprintf(model, sizeof model, "%.*s", (int)(strstr(path, ".calibration.csv") - path), path);
  return st == MOPO_OK ? fitlog_copy(model, "storage_tables", err) : st;
}

#ifdef MOPO_HAVE_MUJOCO
static mopo_status write_evaluation(const char *path, mopo_error *err)
{
  mopo_policy *p = NULL;
  static mopo_eval_result r;
  mopo_status st = mopo_policy_load(&p, POLICY, err);
  if (st == MOPO_OK)
    st = mopo_evaluate(&r, p, mopo_task_find("hopper"),
                       &(mopo_eval_options){.size = sizeof(mopo_eval_options),
                                            .physics = "d4rl",
                                            .episodes = 1,
                                            .threads = 1,
                                            .record = path},
                       err);
  mopo_policy_free(p);
  return st;
}

static mopo_status write_collected(const char *path, mopo_error *err)
{
  mopo_dataset_info info;
  mopo_config c = config_default();
  tiny_set(&c, "task", "hopper");
  tiny_set(&c, "kind", "random");
  tiny_set(&c, "steps", "12");
  tiny_set(&c, "hidden", "8");
  tiny_set(&c, "threads", "1");
  tiny_set(&c, "out", path);
  char state[96];
  snprintf(state, sizeof state, "%s.checkpoint", path);
  return mopo_collect(&info, &c, file_exists(state), NULL, err);
}
#endif

static bool is_old(const char *path)
{
  size_t n = 0;
  char *bytes = tiny_read(&n, path);
  bool old = n == 3 && !memcmp(bytes, "old", 3);
  free(bytes);
  return old;
}

/* Writes over an older file: that one stays, or the new one is there whole. */
static long fail_each_of_file(const char *name, writer *write_it, bool stays)
{
  mopo_error err = {0};
  char path[64], want[64];
  snprintf(path, sizeof path, "storage/%s", name);
  snprintf(want, sizeof want, "storage_want/%s", name);
  assert_ok(write_it(want, &err), err);
  for (long k = 1;; k++) {
    int files = fault_open_files();
    assert_ok(file_write(path, "old", 3, &err), err);
    fault_arm(FAULT_STORAGE, k, stays);
    mopo_status st = write_it(path, &err);
    if (!fault_disarm()) {
      assert_ok(st, err);
      assert_true(tiny_same_file(path, want));
      return k - 1;
    }
    assert_int_equal(fault_open_files(), files);
    if (st != MOPO_OK) assert_said(name, k, st, &err);
    if (!tiny_same_file(path, want) && !(st != MOPO_OK && is_old(path)))
      fail_msg("%s, call %ld: half a file", name, k);
    assert_false(tiny_has_parts("storage"));
  }
}

static void a_file_is_whole_or_the_old_one(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    writer *write_it;
  } all[] = {{"data.hdf5", write_dataset},
             {"data.npz", write_dataset},
             {"config.ini", write_settings},
             {"model.safetensors", write_model},
             {"tables.calibration.csv", write_tables},
             {"policy.c", write_c},
             {"policy.onnx", write_onnx},
             {"policy.safetensors", write_policy},
#ifdef MOPO_HAVE_MUJOCO
             {"evaluation.hdf5", write_evaluation},
             {"collected.hdf5", write_collected}
#endif
  };
  mkdir("storage", 0777);
  mkdir("storage_want", 0777);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    long n = fail_each_of_file(all[i].name, all[i].write_it, false);
    fail_each_of_file(all[i].name, all[i].write_it, true);
    print_message("%-20s %4ld calls\n", all[i].name, n);
    assert_true(n >= 6); /* open, write, fsync, close, rename, the directory */
  }
}

static int begin(void **state)
{
  (void)state;
  tiny_write_data();
  data = tiny_dataset();
  return 0;
}

static int end(void **state)
{
  (void)state;
  mopo_dataset_free(data);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_survives_each_fault),
      cmocka_unit_test(a_file_is_whole_or_the_old_one),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
