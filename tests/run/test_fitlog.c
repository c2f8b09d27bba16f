/* test_fitlog.c - the tables of a fit come back as they were; a torn one is refused by its line. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "run/fitlog.h"

static void write_log(const char *model)
{
  mopo_error err;
  fitlog l = {0};
  for (int i = 0; i < 3; i++) {
    fitlog_add_epoch(&l, &(fitlog_epoch){i + 1, i % 2, -1.5 * i, 0.25, NAN});
    fitlog_add_bin(&l, &(fitlog_bin){i, 2 - i, 7, 100, 0.5, 0.75, 0.625, 0.875});
  }
  assert_ok(fitlog_write(&l, model, &err), err);
  fitlog_free(&l);
}

static void tables_come_back(void **state)
{
  (void)state;
  mopo_error err;
  fitlog_tables t;
  write_log("fitlog.safetensors");
  assert_ok(fitlog_copy("fitlog_other", "fitlog.safetensors", &err), err);
  assert_true(file_exists("fitlog_other.fit.csv"));
  assert_ok(fitlog_read(&t, "fitlog_other.safetensors", &err), err);
  assert_int_equal(t.n_epochs, 3);
  assert_int_equal(t.n_bins, 3);
  assert_true(t.epochs[2].epoch == 3 && t.epochs[2].train_loss == -3 && t.epochs[2].member == 0);
  assert_true(isnan(t.epochs[1].holdout_mse));
  assert_true(t.bins[0].elite == 2 && t.bins[2].within_2 == 0.875 && t.bins[1].error == 0.75);
  fitlog_tables_free(&t);
}

/* Whatever a column is called, the table is read back; a line of it that is torn is named. */
static void r2_comes_back(void **state)
{
  (void)state;
  mopo_error err;
  const char *const names[] = {"level", "a \"b\", c"};
  double r2[3] = {0.5, NAN, -0.25}, back[3];
  bool there = true;
  size_t n = 0;
  char *text = NULL;
  fitlog l = {0};
  assert_ok(fitlog_read_r2(&there, back, 3, "fitlog_absent.safetensors", &err), err);
  assert_false(there);
  fitlog_add_r2(&l, r2, names, 2);
  assert_ok(fitlog_write(&l, "fitlog_r2.safetensors", &err), err);
  assert_ok(fitlog_read_r2(&there, back, 3, "fitlog_r2.safetensors", &err), err);
  assert_true(there && back[0] == 0.5 && isnan(back[1]) && back[2] == -0.25);
  assert_ok(file_read(&text, &n, "fitlog_r2.r2.csv", 1 << 20, &err), err);
  assert_string_equal(text, "output,r2,column\n0,0.5,\"reward\"\n1,,\"level\"\n"
                            "2,-0.25,\"a \"\"b\"\", c\"\n");
  assert_int_equal(fitlog_read_r2(&there, back, 4, "fitlog_r2.safetensors", &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "fitlog_r2.r2.csv:5"));
  for (size_t cut = 0; cut < n; cut++) {
    assert_ok(file_write("fitlog_r2.r2.csv", text, cut, &err), err);
    assert_int_equal(fitlog_read_r2(&there, back, 3, "fitlog_r2.safetensors", &err), MOPO_EFORMAT);
  }
  free(text);
  fitlog_free(&l);
}

static void absent_tables_are_empty(void **state)
{
  (void)state;
  mopo_error err;
  fitlog_tables t;
  assert_ok(fitlog_read(&t, "fitlog_absent.safetensors", &err), err);
  assert_true(!t.epochs && !t.bins && t.n_epochs == 0);
  assert_ok(fitlog_copy("fitlog_nothing", "fitlog_absent", &err), err);
  assert_false(file_exists("fitlog_nothing.fit.csv"));
}

/* Cut anywhere but after a line, it is refused. */
static void torn_tables_are_refused(void **state)
{
  (void)state;
  mopo_error err;
  fitlog_tables t;
  char *text = NULL;
  size_t n = 0;
  write_log("fitlog_torn");
  assert_ok(file_read(&text, &n, "fitlog_torn.calibration.csv", 1 << 20, &err), err);
  for (size_t k = 0; k < n; k++) {
    assert_ok(file_write("fitlog_torn.calibration.csv", text, k, &err), err);
    bool whole = k && text[k - 1] == '\n';
    mopo_status st = fitlog_read(&t, "fitlog_torn", &err);
    assert_int_equal(st, whole ? MOPO_OK : MOPO_EFORMAT);
    if (!whole) assert_non_null(strstr(err.msg, "fitlog_torn.calibration.csv:"));
    if (whole) fitlog_tables_free(&t);
  }
  free(text);
}

static void other_tables_are_refused(void **state)
{
  (void)state;
  mopo_error err;
  fitlog_tables t;
  write_log("fitlog_other");
  assert_ok(file_write("fitlog_other.fit.csv", "epoch,member\n1,2\n", 17, &err), err);
  assert_int_equal(fitlog_read(&t, "fitlog_other", &err), MOPO_EFORMAT);
  assert_string_equal(err.msg, "fitlog_other.fit.csv:1: its columns are not this version's");
  assert_ok(file_write("fitlog_other.fit.csv", "epoch\0\n", 7, &err), err);
  assert_int_equal(fitlog_read(&t, "fitlog_other", &err), MOPO_EFORMAT);
  assert_string_equal(err.msg, "fitlog_other.fit.csv: not a text file");
  assert_true(!t.epochs && !t.bins);
}

/* Directories where files ought to be, and names that no path holds. */
static void what_cannot_be_read_or_written(void **state)
{
  (void)state;
  mopo_error err;
  fitlog_tables t;
  fitlog l = {0};
  char longer[2000];
  memset(longer, 'm', sizeof longer);
  longer[sizeof longer - 1] = 0;
  assert_int_equal(fitlog_write(&l, longer, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "path too long"));
  assert_int_equal(fitlog_read(&t, longer, &err), MOPO_EINVAL);
  assert_int_equal(fitlog_copy(longer, "fitlog_from", &err), MOPO_EINVAL);
  assert_int_equal(fitlog_copy("fitlog_to", longer, &err), MOPO_EINVAL);
  write_log("fitlog_from");
  assert_int_equal(fitlog_copy("no/such/fitlog", "fitlog_from", &err), MOPO_EIO);
  assert_int_equal(fitlog_write(&l, "no/such/fitlog", &err), MOPO_EIO);
  assert_ok(file_make_dir("fitlog_dir.fit.csv", &err), err);
  assert_int_equal(fitlog_read(&t, "fitlog_dir", &err), MOPO_EIO);
  assert_int_equal(fitlog_copy("fitlog_to", "fitlog_dir", &err), MOPO_EIO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tables_come_back),         cmocka_unit_test(r2_comes_back),
      cmocka_unit_test(absent_tables_are_empty),  cmocka_unit_test(torn_tables_are_refused),
      cmocka_unit_test(other_tables_are_refused), cmocka_unit_test(what_cannot_be_read_or_written)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
