/* test_reads.c - reading call number k fails, for k = 1, 2, 3, ... until nothing fails any more:
 * each time EIO in one line, nothing is given and nothing left behind. And a call that a signal
 * interrupts is made again: no one notices. */
#include "config/config.h"
#include "faults/faults.h"
#include "faults/tiny.h"

#include "io/tfevents.h"
#include "io/zip.h"
#include "model/ensemble.h"
#include "model/fit_state.h"
#include "run/fitlog.h"
#include "run/metrics.h"
#include "run/result.h"
#include "train/run.h"

/* Reads something whole, and gives it back. */
typedef mopo_status reader(mopo_error *err);

static void each(const char *name, reader *read_it)
{
  long refused = 0;
  for (long k = 1;; k++) {
    mopo_error err = {0};
    int files = fault_open_files();
    long blocks = fault_live_blocks();
    fault_arm(FAULT_READ, k, false);
    mopo_status st = read_it(&err);
    bool fired = fault_disarm();
    /* The size of a file is only a guess of what will be read: without it all goes well. */
    bool said = st == MOPO_EIO && *err.msg && !strchr(err.msg, '\n');
    if (fired ? !said && st != MOPO_OK : st != MOPO_OK)
      fail_msg("%s, call %ld: status %d, '%s'", name, k, (int)st, err.msg);
    assert_int_equal(fault_open_files(), files);
    assert_int_equal(fault_live_blocks(), blocks);
    refused += st != MOPO_OK;
    if (fired) continue;
    print_message("%-12s %3ld calls, %ld refused\n", name, k - 1, refused);
    assert_true(refused >= 2); /* each file is read at least twice, to see its end */
    break;
  }
  for (long k = 1;; k++) {
    mopo_error err = {0};
    fault_arm(FAULT_SIGNAL, k, false);
    assert_ok(read_it(&err), err);
    if (!fault_disarm()) break;
  }
}

static mopo_status npz(mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_load(&d, TINY_DATA, NULL, err);
  assert_int_equal(d != NULL, st == MOPO_OK);
  if (d) assert_int_equal(mopo_dataset_rows(d), TINY_ROWS);
  mopo_dataset_free(d);
  return st;
}

static mopo_status csv(mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_load(&d, "reads.csv", NULL, err);
  assert_int_equal(d != NULL, st == MOPO_OK);
  mopo_dataset_free(d);
  return st;
}

static mopo_status settings(mopo_error *err)
{
  mopo_config c = config_default(), before = c;
  mopo_status st = mopo_config_load(&c, "reads_run/config.ini", err);
  assert_int_equal(memcmp(&c, &before, sizeof c) != 0, st == MOPO_OK);
  return st;
}

static mopo_status policy(mopo_error *err)
{
  mopo_policy *p = NULL;
  mopo_status st = mopo_policy_load(&p, "reads_run/policy.safetensors", err);
  assert_int_equal(p != NULL, st == MOPO_OK);
  mopo_policy_free(p);
  return st;
}

static mopo_status model(mopo_error *err)
{
  ensemble *m = NULL;
  mopo_status st = ensemble_load(&m, "reads_run/model.safetensors", err);
  assert_int_equal(m != NULL, st == MOPO_OK);
  ensemble_free(m);
  return st;
}

static mopo_status curves(mopo_error *err)
{
  metrics *m = NULL;
  metrics_row *rows = NULL;
  int n = 0;
  mopo_status st = metrics_open(&m, "reads_run", 2, err);
  assert_int_equal(m != NULL, st == MOPO_OK);
  if (m) st = metrics_rows(&rows, &n, m, err);
  assert_int_equal(n, st == MOPO_OK ? 2 : 0);
  free(rows);
  metrics_close(m);
  return st;
}

static mopo_status events(mopo_error *err)
{
  tfevents *w = NULL;
  mopo_status st = tfevents_open(&w, "reads_run/events.out.tfevents.mopo", 2, err);
  assert_int_equal(w != NULL, st == MOPO_OK);
  tfevents_close(w);
  return st;
}

static mopo_status tables(mopo_error *err)
{
  fitlog_tables t;
  mopo_status st = fitlog_read(&t, "reads_run/model.safetensors", err);
  assert_int_equal(t.epochs && t.bins, st == MOPO_OK);
  fitlog_tables_free(&t);
  return st;
}

static mopo_status copies(mopo_error *err)
{
  return fitlog_copy("reads_copy", "reads_run/model.safetensors", err);
}

static mopo_status result(mopo_error *err)
{
  result_told told;
  return result_read(&told, "reads_run/result.json", err);
}

static mopo_status resumed(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("reads_run");
  return mopo_train(&r, &c, true, NULL, err);
}

static void every_reader(void **state)
{
  (void)state;
  each("npz", npz);
  each("csv", csv);
  each("settings", settings);
  each("policy", policy);
  each("model", model);
  each("progress", curves);
  each("events", events);
  each("tables", tables);
  each("copies", copies);
  each("result", result);
  each("run", resumed);
}

static int begin(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config c = tiny_config("reads_run");
  const char text[] = "obs_0,act_0,reward\n1,0,0\n2,0,1\n";
  tiny_write_data();
  tiny_remove("reads_run");
  assert_ok(file_write("reads.csv", text, strlen(text), &err), err);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_reader)};
  return cmocka_run_group_tests(tests, begin, NULL);
}
