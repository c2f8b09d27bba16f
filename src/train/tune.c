/* tune.c - which of several ways of learning serves these data? One fit of the model, a ladder of
 * candidates, each in a run directory of its own, all judged by the data alone. A candidate that
 * has its result is not learned again, so that an interrupted ladder resumes. See mopo.h. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "base/clock.h"
#include "base/watch.h"
#include "config/config.h"
#include "io/file.h"
#include "ope/judge.h"
#include "run/result.h"
#include "run/rundir.h"
#include "train/run.h"

/* In the order of learning: what is cheap and safe first. Settings as on a command line; those of
 * the user's own win, but for these. */
typedef struct rung {
  const char *name, *settings;
} rung;

static const rung ladder[] = {
    {"clone", "algo=bc"},
    {"td3bc", "algo=td3bc"},
    {"iql", "algo=iql"},
    {"mopo-h5-l1", "algo=mopo rollout-length=5 penalty-coef=1"},
    {"mopo-h20-l1", "algo=mopo rollout-length=20 penalty-coef=1"},
    {"mopo-h5-l0.2", "algo=mopo rollout-length=5 penalty-coef=0.2"},
    {"mopo-h5-l5", "algo=mopo rollout-length=5 penalty-coef=5"},
    {"mopo-h1-l1", "algo=mopo rollout-length=1 penalty-coef=1"},
};
enum { RUNGS = sizeof ladder / sizeof *ladder };
_Static_assert((int)RUNGS <= (int)MOPO_TUNE_MAX, "every rung has its place in the result");

typedef struct tuner {
  mopo_config c; /* what all candidates share */
  const mopo_watch *watch;
  double began, seconds; /* seconds: most of learning; 0: as long as it takes */
  mopo_tune_result *out;
  int lock;
} tuner;

/* dir/name, and below it `file`; "" for the directory itself. */
static mopo_status path_of(char path[RUN_PATH], const tuner *t, const char *name, mopo_error *err)
{
  const char *dir = t->c.out;
  size_t n = strlen(dir);
  int length = snprintf(path, RUN_PATH, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
  if (length < (int)sizeof t->c.out) return MOPO_OK; /* it is the `out` of a candidate */
  return error_set(err, MOPO_EINVAL, "out = '%.60s...': too long a name", dir);
}

static mopo_status apply(mopo_config *c, const char *settings, mopo_error *err)
{
  char text[160], *rest = text, *word;
  mopo_status st = MOPO_OK;
  snprintf(text, sizeof text, "%s", settings);
  while (st == MOPO_OK && (word = strtok_r(rest, " ", &rest))) {
    char *value = strchr(word, '=');
    assert(value); /* the ladder's own */
    *value++ = 0;
    st = mopo_config_set(c, word, value, err);
  }
  return st;
}

/* Unless the user said otherwise: short runs, for there are many. */
static mopo_status set_unless(mopo_config *c, const char *name, const char *value, mopo_error *err)
{
  return c->marked[config_index(name)] ? MOPO_OK : mopo_config_set(c, name, value, err);
}

static mopo_status share(mopo_config *c, mopo_error *err)
{
  mopo_status st = set_unless(c, "epochs", "20", err);
  if (st == MOPO_OK) st = set_unless(c, "rollout-batch", "5000", err);
  if (st == MOPO_OK) st = set_unless(c, "checkpoint-every", "5", err);
  return st == MOPO_OK ? mopo_config_set(c, "ope", "none", err) : st;
}

/* ------------------------------------------------------------------ learning */

static bool imagines(int i) { return strstr(ladder[i].settings, "algo=mopo") != NULL; }

static mopo_status fit_model(tuner *t, mopo_error *err)
{
  char model[RUN_PATH], state[RUN_PATH];
  mopo_fit_result r;
  mopo_config c = t->c;
  if (*t->c.model) return MOPO_OK; /* the user has one */
  mopo_status st = path_of(model, t, "model.safetensors", err);
  if (st == MOPO_OK) st = path_of(state, t, "model.fit.safetensors", err);
  if (st != MOPO_OK) return st;
  snprintf(c.out, sizeof c.out, "%.*s", (int)sizeof c.out - 1, model);
  if (!file_exists(model)) {
    watch_line(t->watch, "tune: fitting the model");
    st = mopo_model_fit_file(&r, &c, file_exists(state), t->watch, err);
  }
  return st == MOPO_OK ? mopo_config_set(&t->c, "model", model, err) : st;
}

/* The settings of rung i, and its directory in c.out. */
static mopo_status settings_of(mopo_config *c, const tuner *t, int i, mopo_error *err)
{
  char dir[RUN_PATH];
  *c = t->c;
  mopo_status st = apply(c, ladder[i].settings, err);
  if (st == MOPO_OK && !imagines(i)) st = mopo_config_set(c, "model", "", err);
  if (st == MOPO_OK) st = path_of(dir, t, ladder[i].name, err);
  return st == MOPO_OK ? mopo_config_set(c, "out", dir, err) : st;
}

static mopo_status learn(tuner *t, int i, mopo_error *err)
{
  char result[RUN_PATH], config[RUN_PATH];
  mopo_train_result r;
  mopo_config c;
  mopo_status st = settings_of(&c, t, i, err);
  if (st == MOPO_OK) st = rundir_path(result, sizeof result, c.out, MOPO_RUN_RESULT, err);
  if (st == MOPO_OK) st = rundir_path(config, sizeof config, c.out, MOPO_RUN_CONFIG, err);
  if (st != MOPO_OK) return st;
  mopo_candidate *to = &t->out->of[i];
  snprintf(to->name, sizeof to->name, "%s", ladder[i].name);
  to->learned = file_exists(result);
  bool late = t->seconds > 0.0 && i > 0 && clock_seconds() - t->began > t->seconds;
  if (to->learned || late) {
    if (late && !to->learned) watch_line(t->watch, "tune: no time left for %s", to->name);
    return MOPO_OK;
  }
  watch_line(t->watch, "tune: %s, %d of %d", ladder[i].name, i + 1, RUNGS);
  st = mopo_train(&r, &c, file_exists(config), t->watch, err);
  if (st == MOPO_ENUMERIC) { /* that one diverged; the others may serve */
    watch_line(t->watch, "tune: %s is left out: %s", to->name, err ? err->msg : "it diverged");
    return MOPO_OK;
  }
  if (st == MOPO_ESTOPPED)
    return error_set(err, st, "stopped while learning %s; the same command resumes", to->name);
  to->learned = st == MOPO_OK;
  return st;
}

/* ------------------------------------------------------------------ judging */

typedef struct bench {
  int n, of[RUNGS]; /* the learned candidates */
  mopo_policy *p[RUNGS];
  mopo_estimate *e[RUNGS];
  double *values[RUNGS];
} bench;

static mopo_status load(bench *b, const tuner *t, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < RUNGS; i++) {
    char path[RUN_PATH];
    mopo_config c;
    if (!t->out->of[i].learned) continue;
    st = settings_of(&c, t, i, err);
    if (st == MOPO_OK) st = rundir_path(path, sizeof path, c.out, MOPO_RUN_POLICY, err);
    if (st == MOPO_OK) st = mopo_policy_load(&b->p[b->n], path, err);
    if (st == MOPO_OK) b->e[b->n] = &t->out->of[i].ope, b->of[b->n++] = i;
  }
  return st;
}

static mopo_status judge_all(bench *b, judge *j, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < b->n; i++) {
    b->values[i] = malloc(judge_values(j) * sizeof **b->values);
    if (!b->values[i]) return error_set(err, MOPO_ENOMEM, "tune: no memory");
    st = judge_policy(b->e[i], b->values[i], j, policy_actor(b->p[i]), err);
  }
  if (st == MOPO_OK) judge_rank(b->e, b->values, b->n, j);
  return st;
}

/* Of those that are better than the log, the one with the highest lower end; none: the clone. */
static void choose(mopo_tune_result *out, const bench *b)
{
  const mopo_estimate *best = NULL;
  out->chosen = 0, out->kept_clone = true;
  for (int i = 0; i < b->n; i++) {
    if (b->e[i]->verdict != MOPO_VERDICT_BETTER || (best && b->e[i]->low <= best->low)) continue;
    best = b->e[i];
    out->chosen = b->of[i], out->kept_clone = false;
  }
}

/* DIR/policy.safetensors: the winner's, byte by byte. */
static mopo_status hand_out(const tuner *t, mopo_error *err)
{
  char from[RUN_PATH], to[RUN_PATH], *bytes = NULL;
  size_t n = 0;
  mopo_config c;
  mopo_status st = settings_of(&c, t, t->out->chosen, err);
  if (st == MOPO_OK) st = rundir_path(from, sizeof from, c.out, MOPO_RUN_POLICY, err);
  if (st == MOPO_OK) st = rundir_path(to, sizeof to, t->c.out, MOPO_RUN_POLICY, err);
  if (st == MOPO_OK) st = file_read(&bytes, &n, from, (size_t)1 << 32, err);
  file_piece piece = {bytes, n};
  if (st == MOPO_OK) st = file_write_pieces(to, &piece, 1, err);
  free(bytes);
  return st;
}

static mopo_status compare(tuner *t, mopo_error *err)
{
  mopo_task *task = NULL;
  mopo_dataset *d = NULL;
  par *pool = NULL;
  judge *j = NULL;
  bench b = {0};
  mopo_config c;
  mopo_status st = settings_of(&c, t, 0, err);
  if (st == MOPO_OK) st = run_data(&c, c.task, &task, &d, t->watch, err);
  if (st == MOPO_OK) st = par_create(&pool, c.threads, err);
  if (st == MOPO_OK) st = load(&b, t, err);
  if (st == MOPO_OK) {
    watch_line(t->watch, "tune: judging %d policies by the data", b.n);
    judge_setup set = {.d = d,
                       .task = task,
                       .pool = pool,
                       .key = rng_split(rng_seed(c.seed), "ope"),
                       .updates = c.ope_updates,
                       .fitted_q = true,
                       .watch = t->watch};
    st = judge_create(&j, &set, err);
  }
  if (st == MOPO_OK) st = judge_all(&b, j, err);
  if (st == MOPO_OK) choose(t->out, &b);
  for (int i = 0; i < RUNGS; i++) {
    mopo_policy_free(b.p[i]);
    free(b.values[i]);
  }
  judge_free(j);
  par_free(pool);
  mopo_dataset_free(d);
  mopo_task_free(task);
  return st;
}

/* ------------------------------------------------------------------ the whole */

/* A ladder that was begun goes on with the settings that it has; others are refused. */
static mopo_status begin(tuner *t, const mopo_config *c, mopo_error *err)
{
  char path[RUN_PATH];
  t->c = *c;
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: the ladder's directory");
  mopo_status st = rundir_path(path, sizeof path, c->out, MOPO_RUN_CONFIG, err);
  if (st == MOPO_OK) st = rundir_lock(&t->lock, c->out, err);
  if (st != MOPO_OK) return st;
  if (file_exists(path)) {
    st = run_resume_settings(&t->c, c, c->out, false, err);
    for (int i = 0; mopo_setting_at(i); i++) /* `auto` is nobody's choice */
      if (config_is_auto(&t->c, mopo_setting_at(i))) t->c.marked[i] = 0;
    return st;
  }
  if ((st = share(&t->c, err)) != MOPO_OK) return st;
  return mopo_config_save(&t->c, path, err);
}

mopo_status mopo_tune(mopo_tune_result *out, const mopo_config *c, double hours,
                      const mopo_watch *watch, mopo_error *err)
{
  NOT_NULL(out);
  NOT_NULL(c);
  *out = (mopo_tune_result){.size = sizeof *out, .n = RUNGS};
  tuner *t = calloc(1, sizeof *t);
  if (!t) return error_set(err, MOPO_ENOMEM, "tune: no memory");
  *t = (tuner){.watch = watch, .out = out, .lock = -1};
  t->began = clock_seconds(), t->seconds = hours * 3600.0;
  mopo_status st = begin(t, c, err);
  for (int i = 0; st == MOPO_OK && i < RUNGS; i++) {
    if (imagines(i)) st = fit_model(t, err);
    if (st == MOPO_OK) st = learn(t, i, err);
  }
  if (st == MOPO_OK && !out->of[0].learned)
    st = error_set(err, MOPO_ENUMERIC, "tune: not even a clone could be learned");
  if (st == MOPO_OK) st = compare(t, err);
  if (st == MOPO_OK) st = hand_out(t, err);
  out->wall_seconds = clock_seconds() - t->began;
  if (st == MOPO_OK) st = result_write_ladder(t->c.out, out, err);
  rundir_unlock(t->lock);
  free(t);
  return st;
}
