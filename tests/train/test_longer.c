/* test_longer.c - a run that is resumed with more epochs: the bits of a run of that length, or one
 * line that says why not. */
#include "check.h"
#include "config/config.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DATA[] = SOURCE_DIR "/data/hopper-medium-replay-sample.hdf5";

static mopo_config small(const char *out, const char *algo, const char *epochs)
{
  mopo_config c = config_default();
  mopo_error err;
  const char *set[][2] = {{"data", DATA},
                          {"task", "none"},
                          {"out", out},
                          {"algo", algo},
                          {"epochs", epochs},
                          {"updates-per-epoch", "30"},
                          {"batch-size", "32"},
                          {"hidden", "16"},
                          {"members", "2"},
                          {"elites", "1"},
                          {"model-hidden", "16"},
                          {"model-layers", "1"},
                          {"model-max-epochs", "1"},
                          {"rollout-batch", "100"},
                          {"rollout-length", "2"},
                          {"rollout-keep", "2"},
                          {"vae-hidden", "16"},
                          {"threads", "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

static void remove_run(const char *dir)
{
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  assert_int_equal(system(command), 0);
}

static void keep_lines(void *ctx, const char *line)
{
  strncat(ctx, line, 1000);
  strcat(ctx, "\n");
}

/* told: 4096 bytes. */
static mopo_status train(const mopo_config *c, bool resume, char *told, mopo_error *err)
{
  mopo_train_result r;
  *told = 0;
  mopo_watch w = {.line = keep_lines, .ctx = told};
  return mopo_train(&r, c, resume, &w, err);
}

static char *text_of(const char *dir, const char *name, size_t *n)
{
  mopo_error err;
  char path[256], *text = NULL;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_ok(file_read(&text, n, path, 1 << 28, &err), err);
  return text;
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
  size_t n = 0, m = 0;
  char *x = text_of(a, name, &n), *y = text_of(b, name, &m);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n);
  free(x), free(y);
}

static void assert_says(const char *dir, const char *name, const char *what)
{
  size_t n = 0;
  char *text = text_of(dir, name, &n);
  if (!strstr(text, what)) fail_msg("%s has no '%s'", name, what);
  free(text);
}

/* Finished with two, or stopped: then four. */
static void a_longer_run_has_the_bits_of_one_from_the_start(void **state)
{
  (void)state;
  static const char *const algos[] = {"mopo", "td3bc"};
  for (int i = 0; i < 2; i++) {
    mopo_error err;
    char told[4096];
    remove_run("four"), remove_run("two");
    mopo_config four = small("four", algos[i], "4"), two = small("two", algos[i], "2");
    assert_ok(mopo_config_set(&four, "actor-schedule", "constant", &err), err);
    assert_ok(mopo_config_set(&two, "actor-schedule", "constant", &err), err);
    assert_ok(train(&four, false, told, &err), err);
    assert_ok(train(&two, false, told, &err), err);
    assert_int_equal(mopo_run_find("two"), MOPO_RUN_DONE);
    assert_ok(mopo_config_set(&two, "epochs", "4", &err), err);
    assert_ok(train(&two, true, told, &err), err);
    assert_null(strstr(told, "stays"));
    assert_same_file("four", "two", "policy.safetensors");
    assert_says("two", "config.ini", "\nepochs = 4\n");
    assert_says("two", "result.json", "\"epoch\": 4");
    assert_says("two", "progress.csv", "\n3,90,");
    assert_says("two", "progress.csv", "\n4,120,");
    assert_int_equal(mopo_run_find("two"), MOPO_RUN_DONE);
  }
}

static void stop_in_an_update(void *ctx, const mopo_progress *p)
{
  if (!strcmp(p->stage, "update")) *(volatile sig_atomic_t *)ctx = 1;
}

static void a_stop_is_no_end(void **state)
{
  (void)state;
  mopo_error err;
  char told[4096];
  remove_run("two");
  mopo_config c = small("two", "bc", "2");
  assert_ok(mopo_config_set(&c, "actor-schedule", "constant", &err), err);
  assert_ok(train(&c, false, told, &err), err);
  assert_ok(mopo_config_set(&c, "epochs", "4", &err), err);
  volatile sig_atomic_t stop = 0;
  mopo_watch w = {.progress = stop_in_an_update, .ctx = (void *)&stop, .stop = &stop};
  mopo_train_result r;
  assert_int_equal(mopo_train(&r, &c, true, &w, &err), MOPO_ESTOPPED);
  assert_int_equal(mopo_run_find("two"), MOPO_RUN_BEGUN); /* the old result is gone */
  assert_ok(mopo_config_set(&c, "epochs", "4", &err), err);
  assert_ok(train(&c, true, told, &err), err);
  assert_says("two", "result.json", "\"epoch\": 4");
}

static void what_ends_with_the_run_is_refused(void **state)
{
  (void)state;
  mopo_error err;
  char told[4096];
  remove_run("two");
  mopo_config c = small("two", "bc", "2");
  assert_ok(mopo_config_set(&c, "actor-schedule", "cosine", &err), err);
  assert_ok(train(&c, false, told, &err), err);
  assert_ok(mopo_config_set(&c, "epochs", "4", &err), err);
  assert_int_equal(train(&c, true, told, &err), MOPO_EINVAL);
  assert_non_null(
      strstr(err.msg, "epochs = 4: the run's actor-schedule = cosine ends with epoch 2"));
  assert_int_equal(mopo_run_find("two"), MOPO_RUN_DONE);
  assert_says("two", "config.ini", "\nepochs = 2\n");
  assert_ok(mopo_config_set(&c, "epochs", "1", &err), err);
  assert_int_equal(train(&c, true, told, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "epochs = 1, but the run that goes on has 2"));
}

/* Chosen by the number of epochs when the run began. */
static void what_the_epochs_decided_stays_and_is_told(void **state)
{
  (void)state;
  static const struct {
    const char *algo, *told;
  } all[] = {
      {"brac-v", "behaviour-updates stays 13: a run of 4 epochs from the start would have 27\n"},
      {"bear", "bear-warmup stays 2: a run of 4 epochs from the start would have 4\n"}};
  for (int i = 0; i < 2; i++) {
    mopo_error err;
    char told[4096];
    remove_run("two");
    mopo_config c = small("two", all[i].algo, "2");
    assert_ok(mopo_config_set(&c, "actor-schedule", "constant", &err), err);
    assert_ok(train(&c, false, told, &err), err);
    assert_ok(mopo_config_set(&c, "epochs", "4", &err), err);
    assert_ok(train(&c, true, told, &err), err);
    if (!strstr(told, all[i].told)) fail_msg("told: %s", told);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_longer_run_has_the_bits_of_one_from_the_start),
      cmocka_unit_test(a_stop_is_no_end),
      cmocka_unit_test(what_ends_with_the_run_is_refused),
      cmocka_unit_test(what_the_epochs_decided_stays_and_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
