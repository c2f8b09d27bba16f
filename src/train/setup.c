/* setup.c - sets a run up and takes it down; see run.h. */
#include "train/run.h"

#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "io/file.h"
#include "play/oracle.h"
#include "run/fitlog.h"

/* ------------------------------------------------------------------ telling */

bool run_stopped(const run *o) { return o->watch && o->watch->stop && *o->watch->stop; }

static double seconds_since(const struct timespec *t0)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)(t.tv_sec - t0->tv_sec) + 1e-9 * (double)(t.tv_nsec - t0->tv_nsec);
}

double run_seconds(const run *o) { return o->at.wall + seconds_since(&o->began); }

static void tell(const mopo_watch *w, const char *text)
{
  if (w && w->line) w->line(w->ctx, text);
}

void run_line(const run *o, const char *fmt, ...)
{
  char text[256];
  va_list ap;
  va_start(ap, fmt);
  number_vprint(text, sizeof text, fmt, ap);
  va_end(ap);
  tell(o->watch, text);
}

void run_progress(const run *o, const char *stage, int64_t done, int64_t total, double critic_loss)
{
  if (!o->watch || !o->watch->progress || (done % 50 && done != total)) return;
  mopo_progress p = {.stage = stage,
                     .done = done,
                     .total = total,
                     .epoch = (int)o->at.epoch + 1,
                     .epochs = o->c.epochs,
                     .seconds = run_seconds(o),
                     .return_mean = o->at.return_mean,
                     .score = o->at.score,
                     .critic_loss = critic_loss,
                     .q_mean = o->at.update > 0 ? o->at.q / o->at.update : NAN,
                     /* that of an epoch is known when its rollouts are done */
                     .penalty_mean = o->model && o->at.rolled > 0 ? o->at.penalty_mean : NAN,
                     .holdout_mse = NAN};
  o->watch->progress(o->watch->ctx, &p);
}

/* ------------------------------------------------------------------ model */

typedef struct fit_teller {
  const mopo_watch *watch;
  struct timespec began;
  fitlog log;
  int64_t total;      /* rows of an epoch */
  int epoch, members; /* members 0: none has been measured yet */
  double mse, by_member[ENSEMBLE_MAX];
} fit_teller;

static bool told_to_stop(const mopo_watch *w) { return w && w->stop && *w->stop; }

static void tell_fit(const fit_teller *t, int64_t done)
{
  if (!t->watch || !t->watch->progress) return;
  mopo_progress p = {.stage = "fit",
                     .done = done,
                     .total = t->total,
                     .epoch = t->epoch + 1,
                     .seconds = seconds_since(&t->began),
                     .return_mean = NAN,
                     .score = NAN,
                     .critic_loss = NAN,
                     .q_mean = NAN,
                     .penalty_mean = NAN,
                     .holdout_mse = t->mse,
                     .members = t->members,
                     .member_mse = t->by_member};
  t->watch->progress(t->watch->ctx, &p);
}

static bool tell_step(void *ctx, int64_t done, int64_t total)
{
  fit_teller *t = ctx;
  t->total = total;
  if (done % 4096 == 0) tell_fit(t, done);
  return told_to_stop(t->watch);
}

static bool tell_epoch(void *ctx, const fit_epoch *now)
{
  fit_teller *t = ctx;
  t->epoch = now->epoch, t->members = now->members;
  t->mse = 0.0;
  for (int e = 0; e < now->members; e++) {
    t->mse += now->holdout_mse[e] / now->members, t->by_member[e] = now->holdout_mse[e];
    fitlog_add_epoch(&t->log, &(fitlog_epoch){now->epoch, e, now->train_loss[e], now->train_mse[e],
                                              now->holdout_mse[e]});
  }
  tell_fit(t, 0); /* what the last epoch has measured, no step would tell */
  return told_to_stop(t->watch);
}

static void log_bins(fitlog *log, const ensemble *m, const fit_result *fit)
{
  for (int e = 0; e < m->set.members; e++) {
    int rank = 0;
    for (int i = 0; i < m->set.elites; i++)
      if (m->elite[i] == e) rank = i + 1;
    for (int b = 0; b < CALIBRATION_BINS; b++) {
      const calibration_bin *q = &fit->bin[e][b];
      if (q->values)
        fitlog_add_bin(log, &(fitlog_bin){e, rank, b, (double)q->values, q->predicted_std, q->error,
                                          q->within_1, q->within_2});
    }
  }
}

static void tell_model(const mopo_watch *w, const ensemble *m, const char *from)
{
  char text[RUN_PATH + 100];
  double best = m->holdout_mse[0], worst = best;
  for (int e = 1; e < m->set.members; e++)
    best = fmin(best, m->holdout_mse[e]), worst = fmax(worst, m->holdout_mse[e]);
  number_print(text, sizeof text, "model: %s, holdout mse %.3g (best member) to %.3g (worst)", from,
               best, worst);
  tell(w, text);
}

mopo_status run_model(ensemble **out, fit_result *fit, const char *path, const char *state,
                      const mopo_config *c, const mopo_dataset *data, par *pool, rng_key key,
                      const mopo_watch *watch, mopo_error *err)
{
  ensemble_settings shape = {c->members, c->elites, c->model_hidden, c->model_layers};
  fit_settings set = {.batch = c->model_batch,
                      .patience = c->model_patience,
                      .max_epochs = c->model_max_epochs,
                      .holdout_max = c->holdout_max,
                      .cosine = strcmp(c->model_schedule, "cosine") == 0,
                      .lr = c->model_lr,
                      .decay = c->model_decay,
                      .improvement = c->model_improvement,
                      .holdout_ratio = c->holdout_ratio,
                      .state = state,
                      .state_seconds = 20};
  fit_teller teller = {.watch = watch, .mse = NAN};
  fit_watch told = {tell_epoch, tell_step, &teller};
  clock_gettime(CLOCK_MONOTONIC, &teller.began);
  key = rng_split(key, "model");
  ensemble *m = NULL;
  mopo_status st =
      ensemble_create(&m, &shape, data->at.S, data->at.A, rng_split(key, "weights"), err);
  if (st == MOPO_OK) st = ensemble_fit(m, fit, data, &set, pool, key, &told, err);
  if (st == MOPO_OK) log_bins(&teller.log, m, fit);
  if (st == MOPO_OK) st = fitlog_write(&teller.log, path, err);
  if (st == MOPO_OK) st = ensemble_save(m, path, err); /* last: where it is, its tables are too */
  if (st == MOPO_OK && state) remove(state);
  fitlog_free(&teller.log);
  if (st != MOPO_OK) {
    ensemble_free(m);
    return st;
  }
  char how[60];
  number_print(how, sizeof how, "%d epochs, %.1f s", fit->epochs, seconds_since(&teller.began));
  tell_model(watch, m, how);
  *out = m;
  return MOPO_OK;
}

/* The model at `where`, a file or a run directory that has one; from: the file. */
static mopo_status given_model(ensemble **out, char from[RUN_PATH], const char *where,
                               const mopo_dataset *data, mopo_error *err)
{
  mopo_status st = rundir_path(from, RUN_PATH, where, RUN_MODEL, err);
  if (st != MOPO_OK) return st;
  if (!file_exists(from)) snprintf(from, RUN_PATH, "%s", where);
  if ((st = ensemble_load(out, from, err)) != MOPO_OK) return st;
  const ensemble *m = *out;
  if (m->S == data->at.S && m->A == data->at.A) return MOPO_OK;
  st =
      error_set(err, MOPO_EDATA, "%s: a model of %d observations, %d actions; the data have %d, %d",
                where, m->S, m->A, data->at.S, data->at.A);
  ensemble_free(*out);
  *out = NULL;
  return st;
}

/* It becomes that of this run, at `path`. */
static mopo_status take_model(run *o, const char *path, mopo_error *err)
{
  char from[RUN_PATH];
  mopo_status st = given_model(&o->model, from, o->c.model, o->data, err);
  if (st != MOPO_OK) return st;
  tell_model(o->watch, o->model, from);
  st = fitlog_copy(path, from, err);
  return st == MOPO_OK ? ensemble_save(o->model, path, err) : st;
}

/* The settings that a model's file decides become what it has; what was set otherwise is an error.
 */
static mopo_status take_shape(mopo_config *c, const ensemble *m, mopo_error *err)
{
  const struct {
    const char *name;
    int *setting, has;
  } shape[] = {{"members", &c->members, m->set.members},
               {"elites", &c->elites, m->set.elites},
               {"model-hidden", &c->model_hidden, m->set.hidden},
               {"model-layers", &c->model_layers, m->set.layers}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    if (c->marked[config_index(shape[i].name)] && *shape[i].setting != shape[i].has)
      return error_set(err, MOPO_EINVAL, "%s = %d, but the model %s has %d", shape[i].name,
                       *shape[i].setting, c->model, shape[i].has);
    *shape[i].setting = shape[i].has;
  }
  return config_check(c, err);
}

/* A model that cannot be used is refused before there is a directory that says "a run is here". */
static mopo_status check_model(mopo_config *c, const mopo_dataset *data, mopo_error *err)
{
  char from[RUN_PATH];
  ensemble *m = NULL;
  if (!*c->model) return MOPO_OK;
  mopo_status st = given_model(&m, from, c->model, data, err);
  if (st == MOPO_OK) st = take_shape(c, m, err);
  ensemble_free(m);
  return st;
}

static mopo_status get_model(run *o, bool resume, mopo_error *err)
{
  char path[RUN_PATH], state[RUN_PATH];
  fit_result fit;
  mopo_status st = rundir_path(path, sizeof path, o->c.out, RUN_MODEL, err);
  if (st == MOPO_OK) st = rundir_path(state, sizeof state, o->c.out, RUN_FIT, err);
  if (st != MOPO_OK) return st;
  if (resume && file_exists(path)) {
    remove(state); /* of an end between writing the one and taking the other away */
    return ensemble_load(&o->model, path, err);
  }
  if (o->c.model[0]) return take_model(o, path, err);
  return run_model(&o->model, &fit, path, state, &o->c, o->data, o->pool, o->key, o->watch, err);
}

/* ------------------------------------------------------------------ settings and data */

mopo_status run_data(mopo_config *c, const mopo_task **task, mopo_dataset **data, mopo_error *err)
{
  if (!c->data[0]) return error_set(err, MOPO_EINVAL, "data is not set: a dataset");
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: where to write");
  *task = mopo_task_find(c->task);
  if (!*task)
    return error_set(err, MOPO_EINVAL,
                     "task = '%s', want hopper, halfcheetah, walker2d, ant, halfcheetah-jump, "
                     "ant-angle or none",
                     c->task);
  mopo_status st = mopo_dataset_load(data, c->data, *task, err);
  if (st != MOPO_OK) return st;
  return mopo_config_resolve(c, (*task)->name, (*data)->kind, (*data)->at.A, err);
}

/* The penalty `oracle` asks the simulator; said before anything is fitted. */
static mopo_status check_oracle(const mopo_config *c, const mopo_task *task, mopo_error *err)
{
  const agent_type *type = agent_find(c->algo);
  if (strcmp(c->penalty, "oracle") != 0 || !type || !type->uses_model) return MOPO_OK;
  if (!task->obs_dim)
    return error_set(err, MOPO_EINVAL, "penalty = oracle with task none, want a simulated task");
  if (!*sim_version())
    return error_set(err, MOPO_EABSENT, "penalty = oracle: this build has no simulator");
  return MOPO_OK;
}

/* What may differ from the run's own settings when it goes on: nothing that changes the bits. Of
 * data the digest is compared, and a model that was given lies in the run directory by then. */
static bool may_change(const char *name, bool has_model)
{
  return !strcmp(name, "out") || !strcmp(name, "threads") || !strcmp(name, "checkpoint-every") ||
         !strcmp(name, "data") || (has_model && !strcmp(name, "model"));
}

/* A run goes on with the settings it began with; a setting given now must agree. */
static mopo_status settings_of_run(mopo_config *c, const mopo_config *given, mopo_error *err)
{
  char path[RUN_PATH], model[RUN_PATH];
  mopo_status st = rundir_path(path, sizeof path, given->out, RUN_CONFIG, err);
  if (st == MOPO_OK) st = rundir_path(model, sizeof model, given->out, RUN_MODEL, err);
  if (st != MOPO_OK) return st;
  bool has_model = *given->model && file_exists(model);
  *c = mopo_config_default();
  if ((st = mopo_config_load(c, path, err)) != MOPO_OK) return st;
  for (int i = 0; mopo_config_setting(i); i++) {
    const char *name = mopo_config_setting(i)->name;
    char now[1100], then[1100];
    if (!given->marked[i]) continue;
    mopo_config_get(given, name, now, sizeof now);
    mopo_config_get(c, name, then, sizeof then);
    if (may_change(name, has_model)) {
      if ((st = mopo_config_set(c, name, now, err)) != MOPO_OK) return st;
    } else if (strcmp(now, then) != 0) {
      return error_set(err, MOPO_EINVAL, "%s = %.100s, but the run that goes on has %.100s", name,
                       now, then);
    }
  }
  return MOPO_OK;
}

static mopo_status settle(run *o, const mopo_config *c, bool resume, mopo_error *err)
{
  char path[RUN_PATH];
  o->c = *c;
  mopo_status st = MOPO_OK;
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: the run directory");
  if (resume) {
    st = rundir_path(path, sizeof path, c->out, RUN_CONFIG, err);
    if (st == MOPO_OK && !file_exists(path))
      st = error_set(err, MOPO_EINVAL, "%s: no run to go on with", c->out);
    if (st == MOPO_OK) st = rundir_lock(&o->lock, c->out, err);
    if (st == MOPO_OK) st = settings_of_run(&o->c, c, err);
    if (st == MOPO_OK) st = run_data(&o->c, &o->task, &o->data, err);
    return st == MOPO_OK ? check_oracle(&o->c, o->task, err) : st;
  }
  if ((st = run_data(&o->c, &o->task, &o->data, err)) != MOPO_OK) return st;
  if ((st = check_oracle(&o->c, o->task, err)) != MOPO_OK) return st;
  if ((st = check_model(&o->c, o->data, err)) != MOPO_OK) return st;
  if ((st = rundir_lock(&o->lock, c->out, err)) != MOPO_OK) return st;
  if ((st = rundir_path(path, sizeof path, c->out, RUN_CONFIG, err)) != MOPO_OK) return st;
  if (file_exists(path))
    return error_set(err, MOPO_EINVAL, "%s: a run is there already: --resume, or another --out",
                     c->out);
  return mopo_config_save(&o->c, path, err);
}

/* ------------------------------------------------------------------ the rest of the run */

static mopo_status set_up_oracle(run *o, mopo_error *err)
{
  mopo_status st = sim_world_create(&o->world, o->task, physics_of(o->c.physics), err);
  return st == MOPO_OK ? oracle_create(&o->oracle, o->task, o->world, o->pool, err) : st;
}

static mopo_status set_up_model(run *o, bool resume, mopo_error *err)
{
  const agent_type *type = o->agent->type;
  o->real_rows = o->c.batch_size;
  if (!type->uses_model) return MOPO_OK;
  mopo_status st = get_model(o, resume, err);
  if (st != MOPO_OK) return st;
  rollout_settings set = {
      .rows = o->c.rollout_batch, .length = o->c.rollout_length, .coef = o->c.penalty_coef};
  if ((st = penalty_find(&set.penalty, o->c.penalty, err)) != MOPO_OK) return st;
  if (set.penalty == PENALTY_ORACLE && (st = set_up_oracle(o, err)) != MOPO_OK) return st;
  set.oracle = o->oracle;
  if ((st = rollout_create(&o->rollout, &set, o->task, o->model, agent_learning(o->agent), o->pool,
                           err)) != MOPO_OK)
    return st;
  int64_t rows = (int64_t)o->c.rollout_keep * o->c.rollout_length * o->c.rollout_batch;
  o->real_rows = (int)(o->c.real_ratio * o->c.batch_size + 1e-6); /* 0.29 of 100 are 29 */
  return replay_create(&o->ring, rows, o->data->at, err);
}

static mopo_status set_up_evaluation(run *o, mopo_error *err)
{
  if (!o->task->obs_dim) {
    run_line(o, "task none has no simulator: the policy is not evaluated");
    return MOPO_OK;
  }
  if (!*sim_version()) {
    run_line(o, "built without MuJoCo: the policy is not evaluated in simulation");
    return MOPO_OK;
  }
  mopo_status st = MOPO_OK;
  if (!o->world) st = sim_world_create(&o->world, o->task, physics_of(o->c.physics), err);
  if (st != MOPO_OK) return st;
  const actor *p = agent_policy(o->agent);
  st = evaluator_create(&o->evaluator, o->task, o->world, p, o->c.eval_episodes, o->c.gamma,
                        o->pool, err);
  if (st == MOPO_OK && o->watch) evaluator_stop_at(o->evaluator, o->watch->stop);
  if (st != MOPO_OK || !o->model) return st;
  forecast_settings set = {.starts = o->c.eval_episodes,
                           .coef = o->c.penalty_coef,
                           .gamma = o->c.gamma,
                           .oracle = o->oracle};
  if ((st = penalty_find(&set.penalty, o->c.penalty, err)) != MOPO_OK) return st;
  return forecast_create(&o->forecast, &set, o->task, o->model, p, o->pool, err);
}

static mopo_status set_up_all(run *o, bool resume, mopo_error *err)
{
  char path[RUN_PATH];
  mopo_status st = mopo_dataset_describe(&o->info, o->data, err);
  if (st != MOPO_OK) return st;
  dataset_digest(o->digest, o->data);
  if ((st = par_create(&o->pool, o->c.threads, err)) != MOPO_OK) return st;
  o->key = rng_split(rng_seed(o->c.seed), "train");
  o->rows = calloc((size_t)o->c.batch_size, sizeof *o->rows);
  if (!o->rows) return error_set(err, MOPO_ENOMEM, "train: no memory for a batch");
  agent_setup setup = {.config = &o->c,
                       .S = o->data->at.S,
                       .A = o->data->at.A,
                       .pool = o->pool,
                       .key = rng_split(o->key, "agent"),
                       .data = o->data,
                       .info = &o->info};
  const agent_type *type = agent_find(o->c.algo);
  if (!type) return error_set(err, MOPO_EINVAL, "algo = '%s', no such algorithm", o->c.algo);
  if ((st = agent_create(&o->agent, type, &setup, err)) != MOPO_OK) return st;
  if ((st = set_up_model(o, resume, err)) != MOPO_OK) return st;
  if ((st = set_up_evaluation(o, err)) != MOPO_OK) return st;
  o->at.return_mean = o->at.return_std = o->at.score = o->at.length_mean = NAN;
  st = rundir_path(path, sizeof path, o->c.out, RUN_CHECKPOINT, err);
  if (st == MOPO_OK && resume && file_exists(path)) st = checkpoint_load(o, err);
  if (st == MOPO_OK) st = metrics_open(&o->metrics, o->c.out, (int64_t)o->at.epoch, err);
  return st;
}

mopo_status run_set_up(run *o, const mopo_config *c, bool resume, mopo_error *err)
{
  clock_gettime(CLOCK_MONOTONIC, &o->began);
  mopo_status st = settle(o, c, resume, err);
  return st == MOPO_OK ? set_up_all(o, resume, err) : st;
}

void run_tear_down(run *o)
{
  metrics_close(o->metrics);
  forecast_free(o->forecast);
  evaluator_free(o->evaluator);
  oracle_free(o->oracle);
  sim_world_free(o->world);
  rollout_free(o->rollout);
  replay_free(o->ring);
  if (o->agent) agent_free(o->agent);
  ensemble_free(o->model);
  free(o->rows);
  par_free(o->pool);
  mopo_dataset_free(o->data);
  rundir_unlock(o->lock);
}

/* ------------------------------------------------------------------ mopo model fit */

/* Where a fit under way is kept, state [RUN_PATH]. */
static mopo_status place_of_state(char *state, const char *model, bool resume, mopo_error *err)
{
  mopo_status st = fitlog_beside(state, model, ".fit.safetensors", err);
  if (st != MOPO_OK) return st;
  bool begun = file_exists(state);
  if (begun && !resume)
    return error_set(err, MOPO_EINVAL, "%s: a fit was begun there: --resume, or remove it", state);
  if (!begun && resume && file_exists(model))
    return error_set(err, MOPO_EINVAL, "%s: is there, and no fit is under way", model);
  return MOPO_OK;
}

mopo_status mopo_model_fit(mopo_fit_result *out, const mopo_config *c, bool resume,
                           const mopo_watch *watch, mopo_error *err)
{
  char state[RUN_PATH];
  mopo_config set = *c;
  const mopo_task *task = NULL;
  mopo_dataset *data = NULL;
  par *pool = NULL;
  ensemble *m = NULL;
  fit_result fit = {0};
  struct timespec began;
  clock_gettime(CLOCK_MONOTONIC, &began);
  mopo_status st = run_data(&set, &task, &data, err);
  if (st == MOPO_OK) st = file_check_target(set.out, err); /* now, not after the fit */
  if (st == MOPO_OK) st = place_of_state(state, set.out, resume, err);
  if (st == MOPO_OK) st = par_create(&pool, set.threads, err);
  if (st == MOPO_OK)
    st = run_model(&m, &fit, set.out, state, &set, data, pool,
                   rng_split(rng_seed(set.seed), "train"), watch, err);
  if (st == MOPO_OK) {
    *out = (mopo_fit_result){.epochs = fit.epochs,
                             .members = m->set.members,
                             .elites = m->set.elites,
                             .wall_seconds = seconds_since(&began)};
    for (int e = 0; e < m->set.members; e++) {
      out->holdout_mse[e] = m->holdout_mse[e];
      out->elite[e] = m->elite[e];
    }
  }
  ensemble_free(m);
  par_free(pool);
  mopo_dataset_free(data);
  return st;
}

const char *mopo_simulator_version(void) { return sim_version(); }
const char *mopo_kernels_name(void) { return kernels_best()->name; }
