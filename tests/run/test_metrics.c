/* test_metrics.c - the files of a run directory. */
#include "check.h"
#include "config/config.h"
#include "io/file.h"
#include "run/metrics.h"
#include "run/result.h"
#include "run/rundir.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/mopo_test_metrics_XXXXXX";

static char *progress(void)
{
  mopo_error err;
  char path[RUN_PATH], *text = NULL;
  size_t n = 0;
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_PROGRESS, &err), err);
  assert_ok(file_read(&text, &n, path, 1 << 20, &err), err);
  return text;
}

static metrics_row row_of(int epoch)
{
  metrics_row r = {.epoch = epoch, .updates = 1000.0 * epoch, .score = NAN};
  r.return_mean = epoch % 2 ? 100.0 / 3 * epoch : NAN;
  r.critic_loss = 1.0 / epoch;
  r.model_return = INFINITY; /* a model may say so */
  r.updates_per_second = 0.1f;
  return r;
}

/* Epochs first .. last, of a run that goes on at resume_at. */
static void add_rows(int64_t resume_at, int first, int last)
{
  mopo_error err;
  metrics *m = NULL;
  assert_ok(metrics_open(&m, dir, resume_at, &err), err);
  for (int i = first; i <= last; i++) {
    metrics_row r = row_of(i);
    assert_ok(metrics_add(m, &r, &err), err);
  }
  metrics_close(m);
}

static void test_columns(void **state)
{
  (void)state;
  add_rows(0, 1, 2);
  char *text = progress();
  assert_string_equal(
      text, "epoch,updates,wall_seconds,return_mean,return_std,score,length_mean,critic_loss,"
            "actor_loss,alpha,entropy,q_mean,q_data_mean,penalty_mean,model_reward_mean,"
            "rollout_rows,rollout_terminal_rate,rollout_cut_rate,rollout_length_mean,"
            "discounted_return,model_return,"
            "model_return_penalised,model_uncertainty,actor_lr,updates_per_second,"
            "rollout_seconds,update_seconds,evaluation_seconds\n"
            "1,1000,0,33.3333333,0,,0,1,0,0,0,0,0,0,0,0,0,0,0,0,inf,0,0,0,0.100000001,0,0,0\n"
            "2,2000,0,,0,,0,0.5,0,0,0,0,0,0,0,0,0,0,0,0,inf,0,0,0,0.100000001,0,0,0\n");
  free(text);
}

static void test_resumed_equals_uninterrupted(void **state)
{
  (void)state;
  add_rows(0, 1, 9);
  char *whole = progress();
  for (int at = 0; at <= 9; at++) {
    add_rows(0, 1, 7);
    add_rows(at <= 7 ? at : 7, (at <= 7 ? at : 7) + 1, 9);
    char *resumed = progress();
    assert_string_equal(resumed, whole);
    free(resumed);
  }
  free(whole);
}

static void test_rows_come_back_as_written(void **state)
{
  (void)state;
  mopo_error err;
  metrics *m = NULL;
  int n = 0;
  add_rows(0, 1, 3);
  assert_ok(metrics_open(&m, dir, 2, &err), err);
  metrics_row third = row_of(3);
  assert_ok(metrics_add(m, &third, &err), err);
  metrics_row *rows = NULL;
  assert_ok(metrics_rows(&rows, &n, m, &err), err);
  assert_int_equal(n, 3);
  assert_true(rows[0].return_mean == 33.3333333);
  assert_true(isnan(rows[1].return_mean));
  assert_true(rows[2].critic_loss == 0.333333333);
  free(rows);
  metrics_close(m);
}

/* A checkpoint of more epochs than the table has rows: nothing is said as if it were whole. */
static void test_lost_rows_are_told(void **state)
{
  (void)state;
  mopo_error err;
  metrics *m = NULL;
  char path[RUN_PATH];
  add_rows(0, 1, 5);
  assert_int_equal(metrics_open(&m, dir, 6, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "progress.csv: 5 of the 6 epochs"));
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_PROGRESS, &err), err);
  char *text = progress(), *second = strstr(text, "\n2,") + 1, *third = strstr(text, "\n3,") + 1;
  memmove(second, third, strlen(third) + 1); /* one from the middle */
  assert_ok(file_write(path, text, strlen(text), &err), err);
  assert_int_equal(metrics_open(&m, dir, 5, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "progress.csv: 4 of the 5 epochs"));
  free(text);
  assert_int_equal(unlink(path), 0);
  assert_int_equal(metrics_open(&m, dir, 5, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "not there, and the checkpoint has 5 epochs"));
}

static void test_torn_and_foreign_files(void **state)
{
  (void)state;
  mopo_error err;
  metrics *m = NULL;
  char path[RUN_PATH];
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_PROGRESS, &err), err);
  add_rows(0, 1, 11);
  char *whole = progress();
  size_t n = strlen(whole);
  const char *last = strstr(whole, "\n11,") + 1;
  for (size_t cut = (size_t)(last - whole); cut < n; cut++) {
    assert_ok(file_write(path, whole, cut, &err), err);
    add_rows(10, 11, 11);
    char *mended = progress();
    assert_string_equal(mended, whole);
    free(mended);
  }
  whole[(size_t)(last - whole) - 2] = 'x';
  assert_ok(file_write(path, whole, n, &err), err);
  assert_int_equal(metrics_open(&m, dir, 10, &err), MOPO_EFORMAT);
  assert_non_null(strstr(err.msg, "progress.csv:11: want 28 numbers"));
  whole[0] = 'E';
  assert_ok(file_write(path, whole, n, &err), err);
  assert_int_equal(metrics_open(&m, dir, 10, &err), MOPO_EFORMAT);
  assert_null(m);
  free(whole);
}

/* Epochs ascend, and are whole numbers from 1 on. */
static void test_rows_out_of_order_are_refused(void **state)
{
  static const char *const bad[][2] = {{"\n2,", "\n1,"},  {"\n2,", "\n1.5,"}, {"\n1,", "\n0,"},
                                       {"\n1,", "\n-1,"}, {"\n1,", "\n,"},    {"\n3,", "\nnan,"},
                                       {"\n2,", "\n2;"},  {"\n3,", "\n3,,"},  {"\n3,", "\n 3,"}};
  (void)state;
  mopo_error err;
  metrics *m = NULL;
  char path[RUN_PATH];
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_PROGRESS, &err), err);
  add_rows(0, 1, 3);
  char *whole = progress();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char text[4096];
    const char *at = strstr(whole, bad[i][0]);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, bad[i][1],
             at + strlen(bad[i][0]));
    assert_ok(file_write(path, text, strlen(text), &err), err);
    assert_int_equal(metrics_open(&m, dir, 3, &err), MOPO_EFORMAT);
    assert_non_null(strstr(err.msg, "progress.csv:"));
    assert_null(m);
  }
  free(whole);
}

static void expect_count(const char *bytes, size_t n, const char *what, int want)
{
  int count = 0;
  for (const char *at = bytes; (at = memmem(at, n - (size_t)(at - bytes), what, strlen(what)));
       at++)
    count++;
  if (count != want) fail_msg("'%s': %d times, want %d", what, count, want);
}

/* The updates of an epoch are its step; hyperparameters are written once, however often a run is
 * resumed; places and threads are none. */
static void test_events(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  char path[RUN_PATH], *bytes = NULL;
  size_t n = 0;
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_EVENTS, &err), err);
  assert_ok(mopo_config_set(&c, "algo", "td3bc", &err), err);
  for (int resume_at = 0; resume_at <= 2; resume_at += 2) {
    metrics *m = NULL;
    assert_ok(metrics_open(&m, dir, resume_at, &err), err);
    assert_ok(metrics_settings(m, &c, &err), err);
    for (int i = resume_at + 1; i <= 3; i++) {
      metrics_row r = row_of(i);
      assert_ok(metrics_add(m, &r, &err), err);
    }
    metrics_close(m);
  }
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  expect_count(bytes, n, "_hparams_/session_start_info", 1);
  expect_count(bytes, n, "gamma", 1);
  expect_count(bytes, n, "threads", 0);
  expect_count(bytes, n, "rollout-length", 0); /* td3bc does not read it */
  expect_count(bytes, n, "loss/critic", 3);
  expect_count(bytes, n, "eval/return\x15", 2); /* then its value; one epoch has none */
  expect_count(bytes, n, "\x10\xd0\x0f", 25); /* step 2000: columns but one, and two empty cells */
  free(bytes);
}

static const result_warnings quiet = {0};

static void test_result(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_set(&c, "preset", "paper", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  const metrics_row rows[2] = {row_of(1), row_of(2)};
  mopo_train_result r = {.epochs = 2, .return_mean = 12.5, .return_std = NAN, .score = 1};
  r.discounted_return = 3.5, r.model_return = INFINITY, r.model_return_penalised = 2.5;
  assert_ok(result_write(dir, &(result_build){.simulator = "", .kernels = "portable"}, &c, rows, 2,
                         &r, &quiet, &err),
            err);

  char path[RUN_PATH];
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, &err), err);
  json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(root);
  const json_t *final = json_object_get(root, "final");
  assert_true(json_real_value(json_object_get(final, "return_mean")) == 12.5);
  assert_true(json_is_null(json_object_get(final, "return_std")));
  assert_true(json_real_value(json_object_get(final, "discounted_return")) == 3.5);
  assert_true(json_is_null(json_object_get(final, "model_return")));
  assert_true(json_real_value(json_object_get(final, "model_return_penalised")) == 2.5);
  const json_t *settings = json_object_get(root, "settings");
  assert_string_equal(json_string_value(json_object_get(settings, "alpha-max")), "inf");
  assert_int_equal(json_integer_value(json_object_get(settings, "epochs")), 1000);
  assert_true(json_real_value(json_object_get(settings, "penalty-coef")) == 5);
  assert_null(json_object_get(settings, "start-steps"));
  assert_int_equal(json_array_size(json_object_get(root, "evaluations")), 1);
  json_decref(root);
}

/* A seed that JSON's integers do not hold is the text of config.ini. */
static void test_result_of_a_large_seed(void **state)
{
  static const char *const seeds[] = {"9223372036854775807", "9223372036854775808"};
  (void)state;
  for (int i = 0; i < 2; i++) {
    mopo_error err;
    mopo_config c = config_default();
    mopo_train_result r = {.epochs = 1};
    assert_ok(mopo_config_set(&c, "seed", seeds[i], &err), err);
    assert_ok(result_write(dir, &(result_build){.simulator = "", .kernels = "portable"}, &c, NULL,
                           0, &r, &quiet, &err),
              err);
    char path[RUN_PATH];
    assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, &err), err);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    const json_t *seed = json_object_get(json_object_get(root, "settings"), "seed");
    if (i == 0) assert_true(json_integer_value(seed) == INT64_MAX);
    if (i == 1) assert_string_equal(json_string_value(seed), seeds[1]);
    json_decref(root);
  }
}

/* The batch's returns of a result that says nothing of them, or is none. */
static void test_results_of_others(void **state)
{
  static const struct {
    const char *text;
    mopo_status status;
    bool mean, max; /* there? */
  } all[] = {{"{\"batch\": {\"return_mean\": 1.5, \"return_max\": 2}}", MOPO_OK, true, true},
             {"{\"batch\": {\"return_mean\": null}}", MOPO_OK, false, false},
             {"{\"batch\": {\"return_mean\": \"1\", \"return_max\": 3}}", MOPO_OK, false, true},
             {"{\"batch\": 3}", MOPO_OK, false, false},
             {"{}", MOPO_OK, false, false},
             {"[]", MOPO_OK, false, false},
             {"{\"batch\": {", MOPO_EFORMAT, false, false},
             {"", MOPO_EFORMAT, false, false}};
  (void)state;
  mopo_error err;
  result_told told;
  char path[RUN_PATH];
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, &err), err);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    assert_ok(file_write(path, all[i].text, strlen(all[i].text), &err), err);
    assert_int_equal(result_read(&told, path, &err), all[i].status);
    assert_int_equal(!isnan(told.batch_mean), all[i].mean);
    assert_int_equal(!isnan(told.batch_max), all[i].max);
  }
  assert_int_equal(result_read(&told, "no/such/result.json", &err), MOPO_EIO);
}

/* What is written of a verdict and of warnings is read; a run without them says nothing. */
static void test_verdict_and_warnings(void **state)
{
  (void)state;
  mopo_error err;
  result_told told;
  mopo_config c = config_default();
  char path[RUN_PATH];
  mopo_train_result r = {.epochs = 1};
  assert_ok(rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, &err), err);
  assert_ok(result_write(dir, &(result_build){.simulator = "", .kernels = "portable"}, &c, NULL, 0,
                         &r, &quiet, &err),
            err);
  assert_ok(result_read(&told, path, &err), err);
  assert_false(told.judged);
  assert_int_equal(told.warnings.n, 0);
  r.ope = (mopo_estimate){.size = sizeof r.ope,
                          .verdict = MOPO_VERDICT_NOT_BETTER,
                          .n_reasons = 2,
                          .reasons = {"it loses 3", "5 % outside"},
                          .log = 10,
                          .policy = 7,
                          .low = 6,
                          .high = 8.5,
                          .fqe = NAN};
  const result_warnings two = {.n = 2, .text = {"epoch 1: Q is 9", "epoch 3: \"\\"}};
  assert_ok(result_write(dir, &(result_build){.simulator = "", .kernels = "portable"}, &c, NULL, 0,
                         &r, &two, &err),
            err);
  assert_ok(result_read(&told, path, &err), err);
  assert_true(told.judged);
  assert_int_equal(told.ope.verdict, MOPO_VERDICT_NOT_BETTER);
  assert_int_equal(told.ope.n_reasons, 2);
  assert_string_equal(told.ope.reasons[1], "5 % outside");
  assert_true(told.ope.log == 10 && told.ope.policy == 7 && told.ope.low == 6);
  assert_true(told.ope.high == 8.5 && isnan(told.ope.fqe));
  assert_int_equal(told.warnings.n, 2);
  assert_string_equal(told.warnings.text[1], two.text[1]);
}

/* A directory whose path leaves no room for the names in it. */
static void test_a_directory_too_long(void **state)
{
  (void)state;
  mopo_error err;
  metrics *m = NULL;
  mopo_config c = config_default();
  mopo_train_result r = {.epochs = 1};
  /* "progress.csv" fits, "events.out.tfevents.mopo" does not. */
  static const int lengths[] = {RUN_PATH, RUN_PATH - 20};
  for (int i = 0; i < 2; i++) {
    char longer[RUN_PATH + 1];
    memset(longer, 'd', sizeof longer);
    longer[lengths[i]] = 0;
    assert_int_equal(metrics_open(&m, longer, 0, &err), MOPO_EINVAL);
    assert_non_null(strstr(err.msg, "path too long"));
    assert_null(m);
    if (i == 0)
      assert_int_equal(result_write(longer, &(result_build){.simulator = "", .kernels = "portable"},
                                    &c, NULL, 0, &r, &quiet, &err),
                       MOPO_EINVAL);
  }
}

static void test_lock(void **state)
{
  (void)state;
  mopo_error err;
  int lock = -1, other = -1;
  assert_ok(rundir_lock(&lock, dir, &err), err);
  assert_int_equal(rundir_lock(&other, dir, &err), MOPO_EIO);
  assert_non_null(strstr(err.msg, "another process"));
  assert_int_equal(other, -1);
  pid_t child = fork();
  if (child == 0) _exit(rundir_lock(&other, dir, NULL) == MOPO_EIO ? 0 : 1);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  rundir_unlock(lock);
  assert_ok(rundir_lock(&lock, dir, &err), err);
  rundir_unlock(lock);
}

static int make_dir(void **state)
{
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  return system(command);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_columns),
      cmocka_unit_test(test_resumed_equals_uninterrupted),
      cmocka_unit_test(test_rows_come_back_as_written),
      cmocka_unit_test(test_lost_rows_are_told),
      cmocka_unit_test(test_torn_and_foreign_files),
      cmocka_unit_test(test_rows_out_of_order_are_refused),
      cmocka_unit_test(test_events),
      cmocka_unit_test(test_result),
      cmocka_unit_test(test_result_of_a_large_seed),
      cmocka_unit_test(test_results_of_others),
      cmocka_unit_test(test_verdict_and_warnings),
      cmocka_unit_test(test_a_directory_too_long),
      cmocka_unit_test(test_lock),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
