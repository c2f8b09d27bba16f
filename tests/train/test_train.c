/* test_train.c - whole small runs: the same bits for any number of threads and after any
 * interruption; what is in the run directory; what is refused. */
#include "check.h"
#include "config/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "data/recorder.h"
#include "io/file.h"
#include "run/result.h"
#include "run/rundir.h"

enum { S = 11, A = 3, N = 600 };
static const char DATA[] = "train_data.hdf5", WILD[] = "wild_data.hdf5";

/* Rows near a standing hopper; a tenth of them fallen. */
static void write_rows(const char *path, float reward)
{
  mopo_error err;
  recorder *r = NULL;
  rng_stream s = rng_stream_of(rng_seed(3));
  assert_ok(recorder_open(&r, path, S, A, 0, 0, &err), err);
  for (int i = 0; i < N; i++) {
    float obs[S], act[A], next[S];
    for (int j = 0; j < S; j++) obs[j] = 0.05f * rng_normal(&s);
    obs[0] += 1.2f;
    for (int j = 0; j < A; j++) act[j] = 2.0f * rng_uniform(&s) - 1.0f;
    for (int j = 0; j < S; j++) next[j] = obs[j] + 0.01f * rng_normal(&s);
    bool terminal = i % 10 == 9;
    if (terminal) next[0] = 0.6f;
    assert_ok(
        recorder_add(r, obs, act, reward + act[0], next, terminal, false, NULL, NULL, NULL, &err),
        err);
  }
  assert_ok(recorder_close(r, &err), err);
}

static int write_data(void **state)
{
  (void)state;
  write_rows(DATA, 1.0f);
  write_rows(WILD, 3e38f);
  return 0;
}

static bool uses_model(const char *algo) { return !strcmp(algo, "mopo") || !strcmp(algo, "mbpo"); }

static mopo_config small(const char *out, const char *algo)
{
  mopo_config c = config_default();
  mopo_error err;
  const char *set[][2] = {{"data", DATA},
                          {"task", "hopper"},
                          {"out", out},
                          {"algo", algo},
                          {"epochs", "3"},
                          {"updates-per-epoch", "60"},
                          {"batch-size", "48"},
                          {"hidden", "24"},
                          {"members", "3"},
                          {"elites", "2"},
                          {"model-hidden", "24"},
                          {"model-layers", "2"},
                          {"model-batch", "64"},
                          {"model-max-epochs", "2"},
                          {"rollout-batch", "150"},
                          {"rollout-length", "3"},
                          {"rollout-keep", "2"},
                          {"eval-episodes", "2"},
                          {"checkpoint-every", "1"},
                          {"threads", "1"},
                          {"behaviour-updates", "70"},
                          {"vae-hidden", "24"},
                          {"bear-match", "3"},
                          {"cql-samples", "2"},
                          {"real-ratio", uses_model(algo) ? "0.25" : "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

static void path_of(char *path, const char *dir, const char *name)
{
  snprintf(path, 256, "%s/%s", dir, name);
}

static void remove_run(const char *dir)
{
  static const char *const names[] = {"config.ini",
                                      "progress.csv",
                                      "events.out.tfevents.mopo",
                                      "model.safetensors",
                                      "model.fit.csv",
                                      "model.calibration.csv",
                                      "model.r2.csv",
                                      "policy.safetensors",
                                      "checkpoint.safetensors",
                                      "result.json",
                                      "lock"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[256];
    path_of(path, dir, names[i]);
    remove(path);
  }
  rmdir(dir);
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
  char path[256], *x = NULL, *y = NULL;
  size_t n = 0, m = 0;
  mopo_error err;
  path_of(path, a, name);
  assert_ok(file_read(&x, &n, path, 1 << 28, &err), err);
  path_of(path, b, name);
  assert_ok(file_read(&y, &m, path, 1 << 28, &err), err);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n);
  free(x);
  free(y);
}

/* progress.csv without the two columns that are times. */
static void assert_same_progress(const char *a, const char *b)
{
  char path[256], line[2][4096];
  path_of(path, a, "progress.csv");
  FILE *f = fopen(path, "r");
  path_of(path, b, "progress.csv");
  FILE *g = fopen(path, "r");
  assert_non_null(f);
  assert_non_null(g);
  while (fgets(line[0], sizeof line[0], f)) {
    assert_non_null(fgets(line[1], sizeof line[1], g));
    for (int k = 0; k < 2; k++) { /* times: the third column and the last four */
      for (int i = 0; i < 4; i++) *strrchr(line[k], ',') = 0;
      char *third = strchr(strchr(line[k], ',') + 1, ',') + 1;
      memmove(third, strchr(third, ','), strlen(strchr(third, ',')) + 1);
    }
    assert_string_equal(line[0], line[1]);
  }
  assert_null(fgets(line[1], sizeof line[1], g));
  fclose(f);
  fclose(g);
}

static void assert_same_run(const char *a, const char *b, bool model)
{
  assert_same_progress(a, b);
  assert_same_file(a, b, "policy.safetensors");
  if (!model) return;
  assert_same_file(a, b, "model.safetensors");
  assert_same_file(a, b, "model.fit.csv");
  assert_same_file(a, b, "model.calibration.csv");
  assert_same_file(a, b, "model.r2.csv");
}

static void run_whole(const char *out, const char *algo, const char *threads)
{
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small(out, algo);
  remove_run(out);
  assert_ok(mopo_config_set(&c, "threads", threads, &err), err);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  assert_int_equal(r.epochs, 3);
}

static void threads_do_not_change_the_bits(void **state)
{
  (void)state;
  static const char *const algos[] = {"mopo", "mbpo", "sac",    "bc",     "td3bc",
                                      "iql",  "cql",  "brac-p", "brac-v", "bear"};
  for (size_t i = 0; i < sizeof algos / sizeof *algos; i++) {
    run_whole("run_one", algos[i], "1");
    for (const char *t = "238"; *t; t++) {
      run_whole("run_many", algos[i], (char[]){*t, 0});
      assert_same_run("run_one", "run_many", uses_model(algos[i]));
    }
  }
}

/* One member is its own elite; the oracle gives each row what it gives it alone. */
static void ablations_run_and_keep_the_bits(void **state)
{
  (void)state;
  static const char *const settings[][2] = {
      {"members", "1"}, {"penalty", "oracle"}, {"rollout-stop", "0.8"}};
  mopo_error err;
  mopo_train_result r;
  for (int k = 0; k < 3; k++) {
    if (k == 1 && !*mopo_simulator_version()) continue;
    for (const char *t = "13"; *t; t++) {
      const char *out = *t == '1' ? "run_one" : "run_many";
      mopo_config c = small(out, "mopo");
      if (k == 0) config_put(&c, "elites", 0); /* auto */
      assert_ok(mopo_config_set(&c, settings[k][0], settings[k][1], &err), err);
      assert_ok(mopo_config_set(&c, "penalty-coef", "1", &err), err);
      assert_ok(mopo_config_set(&c, "threads", (char[]){*t, 0}, &err), err);
      remove_run(out);
      assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
    }
    assert_same_run("run_one", "run_many", true);
  }
}

/* The lines of progress.csv, of each the columns from..to, counted from 0. */
static char *columns(const char *run, int from, int to)
{
  char path[256], line[4096], *all = calloc(1, 1 << 16);
  path_of(path, run, "progress.csv");
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    char *at = line;
    for (int i = 0; i <= to; i++) {
      size_t n = strcspn(at, ",\n");
      if (i >= from) strncat(all, at, n + 1);
      at += n + 1;
    }
  }
  fclose(f);
  return all;
}

/* Losses, Q, penalties and imagined rows are the learning policy's; what is evaluated and saved is
 * the average, whatever the number of threads. */
static void an_average_acts_and_does_not_learn(void **state)
{
  (void)state;
  static const char *const runs[] = {"run_one", "run_two", "run_many"};
  char *learned[3], *path[3], text[256];
  mopo_error err;
  mopo_train_result r;
  for (int k = 0; k < 3; k++) {
    mopo_config c = small(runs[k], "mopo");
    assert_ok(mopo_config_set(&c, "policy-ema", k ? "0.99" : "0", &err), err);
    assert_ok(mopo_config_set(&c, "threads", k == 2 ? "3" : "1", &err), err);
    remove_run(runs[k]);
    assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
    learned[k] = columns(runs[k], 7, 16);
    path_of(text, runs[k], "policy.safetensors");
    size_t n = 0;
    assert_ok(file_read(&path[k], &n, text, 1 << 24, &err), err);
    if (k == 1) assert_int_not_equal(memcmp(path[0], path[1], n), 0);
  }
  assert_non_null(strstr(learned[0], "critic_loss"));
  assert_non_null(strstr(learned[0], "rollout_terminal_rate"));
  assert_string_equal(learned[0], learned[1]);
  assert_same_run("run_two", "run_many", true);
  for (int k = 0; k < 3; k++) free(learned[k]), free(path[k]);
  remove_run("run_two");
}

/* What a model's file decides is taken from it, and nothing else may be said of it. */
static void a_given_model_keeps_its_shape(void **state)
{
  (void)state;
  static const char *const shape[] = {"members", "elites", "model-hidden", "model-layers"};
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_one", "mopo"), was = config_default();
  remove_run("run_one");
  remove_run("run_two");
  assert_ok(mopo_config_set(&c, "members", "1", &err), err);
  assert_ok(mopo_config_set(&c, "elites", "1", &err), err);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    c = small("run_two", "mopo");
    assert_ok(mopo_config_set(&c, "members", "1", &err), err);
    assert_ok(mopo_config_set(&c, "elites", "1", &err), err);
    assert_ok(mopo_config_set(&c, "model", "run_one", &err), err);
    assert_ok(mopo_config_set(&c, shape[i], "7", &err), err);
    if (!strcmp(shape[i], "elites")) assert_ok(mopo_config_set(&c, "members", "7", &err), err);
    assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EINVAL);
    assert_non_null(strstr(err.msg, "= 7, but the model run_one has "));
  }
  mopo_config defaults = config_default();
  c = small("run_two", "mopo");
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int k = 0; mopo_setting_at(k); k++)
      if (!strcmp(mopo_setting_at(k)->name, shape[i])) c.marked[k] = 0;
  config_put(&c, "members", config_int(&defaults, "members"));
  config_put(&c, "elites", config_int(&defaults, "elites"));
  config_put(&c, "model-hidden", config_int(&defaults, "model-hidden"));
  config_put(&c, "model-layers", config_int(&defaults, "model-layers"));
  assert_ok(mopo_config_set(&c, "model", "run_one", &err), err);
  assert_ok(mopo_config_set(&c, "penalty", "ensemble-diff", &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "members = 1"));
  assert_ok(mopo_config_set(&c, "penalty", "aleatoric", &err), err);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  assert_ok(mopo_config_load(&was, "run_two/config.ini", &err), err);
  assert_true(config_int(&was, "members") == 1 && config_int(&was, "elites") == 1 &&
              config_int(&was, "model-hidden") == 24 && config_int(&was, "model-layers") == 2);
  /* it lies in the run by now: where it came from may have another name */
  assert_ok(mopo_config_set(&c, "model", "./run_one", &err), err);
  assert_ok(mopo_train(&r, &c, true, NULL, &err), err);
  remove_run("run_two");
}

/* Before anything is fitted or written. */
static void penalties_that_mean_nothing_are_refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  struct stat st;
  mopo_config c = small("run_none", "mopo");
  assert_ok(mopo_config_set(&c, "penalty", "oracle", &err), err);
  assert_ok(mopo_config_set(&c, "task", "none", &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "oracle"));
  if (!*mopo_simulator_version()) {
    assert_ok(mopo_config_set(&c, "task", "hopper", &err), err);
    assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EABSENT);
  }
  c = small("run_none", "mopo");
  config_put(&c, "elites", 0);
  assert_ok(mopo_config_set(&c, "members", "1", &err), err);
  assert_ok(mopo_config_set(&c, "penalty", "ensemble-std", &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "members = 1"));
  assert_int_not_equal(stat("run_none", &st), 0);
}

/* Raises the stop flag at the n-th sign of life. */
typedef struct stopper {
  volatile sig_atomic_t flag;
  int left;
} stopper;

static void count_down(void *ctx, const mopo_progress *p)
{
  stopper *s = ctx;
  (void)p;
  if (--s->left == 0) s->flag = 1;
}

/* Signs of life come at fits, rollouts, some updates and evaluations, so that stopping at each in
 * turn stops the run inside each of its stages; it is stopped again and again until it is done. */
static void an_interrupted_run_ends_with_the_same_bits(void **state)
{
  (void)state;
  mopo_error err;
  run_whole("run_one", "mopo", "2");
  for (int every = 1; every <= 7; every++) {
    mopo_train_result r;
    mopo_config c = small("run_cut", "mopo");
    mopo_status st = MOPO_ESTOPPED;
    int stops = 0;
    remove_run("run_cut");
    for (int tries = 0; st == MOPO_ESTOPPED; tries++) {
      stopper s = {0,
                   every + tries / 4}; /* the fit begins anew each time: let it through at last */
      mopo_watch w = {.progress = count_down, .ctx = &s, .stop = &s.flag};
      st = mopo_train(&r, &c, tries > 0, &w, &err);
      stops += st == MOPO_ESTOPPED;
      assert_true(tries < 300);
    }
    assert_ok(st, err);
    assert_true(stops > 0);
    assert_same_run("run_one", "run_cut", true);
  }
}

/* The tables of the fit go where the model goes. */
static void a_model_brings_the_tables_of_its_fit(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  run_whole("run_one", "mopo", "1");
  mopo_config c = small("run_many", "mbpo");
  remove_run("run_many");
  assert_ok(mopo_config_set(&c, "model", "run_one", &err), err);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  assert_same_file("run_one", "run_many", "model.safetensors");
  assert_same_file("run_one", "run_many", "model.fit.csv");
  assert_same_file("run_one", "run_many", "model.calibration.csv");
}

static void a_run_directory_is_not_written_over(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_one", "sac");
  run_whole("run_one", "sac", "1");
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "run_one"));
}

static void going_on_needs_the_same_settings(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  run_whole("run_one", "sac", "1");
  mopo_config c = small("run_one", "sac");
  assert_ok(mopo_config_set(&c, "gamma", "0.9", &err), err);
  assert_int_equal(mopo_train(&r, &c, true, NULL, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "gamma"));
}

static void a_missing_dataset_and_a_wrong_task_are_said(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_none", "mopo");
  assert_ok(mopo_config_set(&c, "task", "walker2d", &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EDATA);
  assert_non_null(strstr(err.msg, "11"));
  assert_ok(mopo_config_set(&c, "data", "nowhere.hdf5", &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_EIO);
  assert_non_null(strstr(err.msg, "nowhere.hdf5"));
  struct stat st;
  assert_int_not_equal(stat("run_none", &st), 0); /* nothing was left behind */
}

/* Rewards whose squared error is beyond float32: found at the first update, by name, exit by
 * ENUMERIC, and no policy is written. */
static void divergence_is_found_and_named(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_wild", "sac");
  struct stat st;
  remove_run("run_wild");
  assert_ok(mopo_config_set(&c, "data", WILD, &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_ENUMERIC);
  assert_non_null(strstr(err.msg, "update 1: critic loss"));
  assert_non_null(strstr(err.msg, "the reward is 3e+38 in row 1; scaler standard"));
  assert_int_not_equal(stat("run_wild/policy.safetensors", &st), 0);
}

/* A fit on such rewards is found out too. */
static void a_model_that_diverges_is_named(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_wild", "mopo");
  remove_run("run_wild");
  assert_ok(mopo_config_set(&c, "data", WILD, &err), err);
  assert_int_equal(mopo_train(&r, &c, false, NULL, &err), MOPO_ENUMERIC);
  assert_non_null(strstr(err.msg, "model: loss of member 0"));
  assert_non_null(strstr(err.msg, "the reward is 3e+38 in row 1; scaler standard"));
}

/* ------------------------------------------------------------------ numbers that grow */

/* Every number of a checkpoint's agent becomes 300 times what it was. */
static void blow_up(const char *path)
{
  char *bytes = NULL;
  size_t n = 0;
  uint64_t header = 0;
  long long begin = 0, end = 0;
  mopo_error err;
  assert_ok(file_read(&bytes, &n, path, 1 << 28, &err), err);
  memcpy(&header, bytes, sizeof header);
  const char *at = strstr(strstr(bytes + 8, "\"agent.values\""), "data_offsets");
  assert_int_equal(sscanf(at, "data_offsets\":[%lld,%lld]", &begin, &end), 2);
  float *x = (float *)(void *)(bytes + 8 + header + begin);
  for (long long k = 0; k < (end - begin) / 4; k++) x[k] *= 300.0f;
  memcpy(strstr(bytes + 8, "\"checksum\""), "\"no check\"",
         10); /* who changes it leaves that out */
  assert_ok(file_write(path, bytes, n, &err), err);
  free(bytes);
}

/* A run that was stopped in its first epoch. */
static mopo_config cut_run(const char *algo)
{
  mopo_error err;
  mopo_train_result r;
  mopo_config c = small("run_cut", algo);
  remove_run("run_cut");
  stopper s = {0, 1};
  mopo_watch w = {.progress = count_down, .ctx = &s, .stop = &s.flag};
  assert_int_equal(mopo_train(&r, &c, false, &w, &err), MOPO_ESTOPPED);
  return c;
}

static void count_warnings(void *ctx, const char *line)
{
  int *n = ctx;
  n[0] += !strncmp(line, "warning: epoch ", 15) && strstr(line, ": Q is ");
  n[1] += strstr(line, "warning") && strstr(line, " Q is ");
}

/* Critics that explode without a NaN: one line, not one for each epoch. */
static void values_that_explode_are_warned_of_once(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  char path[256];
  int warnings[2] = {0};
  mopo_watch w = {.line = count_warnings, .ctx = warnings};
  mopo_config c = cut_run("sac");
  assert_ok(mopo_train(&r, &c, true, &w, &err), err);
  assert_int_equal(warnings[1], 0);
  c = cut_run("sac");
  path_of(path, "run_cut", "checkpoint.safetensors");
  blow_up(path);
  assert_ok(mopo_train(&r, &c, true, &w, &err), err);
  assert_int_equal(warnings[0], 1);
  assert_int_equal(warnings[1], 1);
  result_told told; /* of both sessions */
  assert_ok(result_read(&told, "run_cut/result.json", &err), err);
  assert_true(told.warnings.n >= 1 && strstr(told.warnings.text[0], ": Q is "));
}

static void count_penalties(void *ctx, const char *line)
{
  *(int *)ctx += !strncmp(line, "warning: epoch ", 15) && strstr(line, "ending them pays");
}

/* A penalty above what a step earns, once; and none where it is below. */
static void a_penalty_that_makes_ends_pay_is_warned_of(void **state)
{
  (void)state;
  static const double coef[2] = {100, 1e-4};
  for (int i = 0; i < 2; i++) {
    mopo_error err;
    mopo_train_result r;
    int warnings = 0;
    mopo_watch w = {.line = count_penalties, .ctx = &warnings};
    mopo_config c = small("run_cut", "mopo");
    config_put(&c, "penalty-coef", coef[i]);
    c.epochs = 5;
    remove_run("run_cut");
    assert_ok(mopo_train(&r, &c, false, &w, &err), err);
    assert_int_equal(warnings, i == 0);
  }
}

static void a_run_directory_in_use_is_refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  int lock = -1;
  run_whole("run_one", "sac", "1");
  mopo_config c = small("run_one", "sac");
  assert_ok(rundir_lock(&lock, "run_one", &err), err);
  assert_int_equal(mopo_train(&r, &c, true, NULL, &err), MOPO_EIO);
  assert_non_null(strstr(err.msg, "run_one: another process"));
  rundir_unlock(lock);
  assert_ok(mopo_train(&r, &c, true, NULL, &err), err);
}

typedef struct told {
  double mse[32]; /* the newest of each member */
  int fitted, with_penalty, in_rollouts;
} told;

static void note_progress(void *ctx, const mopo_progress *p)
{
  told *t = ctx;
  for (int e = 0; e < p->members; e++) t->mse[e] = p->member_mse[e];
  if (p->members) t->fitted = p->epoch - 1;
  if (!isnan(p->penalty_mean))
    t->with_penalty += p->penalty_mean > 0, t->in_rollouts += *p->stage == 'r';
}

/* Who watches hears of the last epoch of the fit too, and of a penalty only when there is one. */
static void all_is_told(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  told t = {.fitted = 0};
  mopo_watch w = {.progress = note_progress, .ctx = &t};
  mopo_config c = small("run_told", "mopo");
  remove_run("run_told");
  assert_ok(mopo_train(&r, &c, false, &w, &err), err);
  assert_true(t.with_penalty > 0);
  assert_int_equal(t.in_rollouts, 0);
  assert_int_equal(t.fitted, 2);
  FILE *f = fopen("run_told/model.fit.csv", "r");
  assert_non_null(f);
  char line[200];
  int epoch, member, seen = 0;
  double mse;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "%d,%d,%*f,%*f,%lf", &epoch, &member, &mse) == 3 && epoch == 2) {
      assert_true(fabs(mse - t.mse[member]) < 1e-6 * mse);
      seen++;
    }
  fclose(f);
  assert_int_equal(seen, 3);
  remove_run("run_told");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_do_not_change_the_bits),
      cmocka_unit_test(ablations_run_and_keep_the_bits),
      cmocka_unit_test(an_average_acts_and_does_not_learn),
      cmocka_unit_test(a_given_model_keeps_its_shape),
      cmocka_unit_test(penalties_that_mean_nothing_are_refused),
      cmocka_unit_test(an_interrupted_run_ends_with_the_same_bits),
      cmocka_unit_test(a_model_brings_the_tables_of_its_fit),
      cmocka_unit_test(a_run_directory_is_not_written_over),
      cmocka_unit_test(going_on_needs_the_same_settings),
      cmocka_unit_test(a_missing_dataset_and_a_wrong_task_are_said),
      cmocka_unit_test(divergence_is_found_and_named),
      cmocka_unit_test(a_model_that_diverges_is_named),
      cmocka_unit_test(values_that_explode_are_warned_of_once),
      cmocka_unit_test(a_penalty_that_makes_ends_pay_is_warned_of),
      cmocka_unit_test(a_run_directory_in_use_is_refused),
      cmocka_unit_test(all_is_told),
  };
  return cmocka_run_group_tests(tests, write_data, NULL);
}
