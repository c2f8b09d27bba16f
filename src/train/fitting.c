/* fitting.c - see fitting.h. */
#include "train/fitting.h"
#include "config/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/watch.h"
#include "run/fitlog.h"
#include "train/ends.h"

typedef struct fit_teller {
  const mopo_watch *watch;
  double began; /* by the clock */
  fitlog log;
  int64_t total;      /* rows of an epoch */
  int epoch, members; /* members 0: none has been measured yet */
  double mse, by_member[ENSEMBLE_MAX];
} fit_teller;

static void tell_fit(const fit_teller *t, int64_t done)
{
  mopo_progress p = watch_stage("fit", done, t->total);
  p.epoch = t->epoch + 1;
  p.seconds = clock_seconds() - t->began;
  p.holdout_mse = t->mse, p.members = t->members, p.member_mse = t->by_member;
  watch_progress(t->watch, &p);
}

static bool tell_step(void *ctx, int64_t done, int64_t total)
{
  fit_teller *t = ctx;
  t->total = total;
  if (done % 4096 == 0) tell_fit(t, done);
  return watch_stopped(t->watch);
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
  return watch_stopped(t->watch);
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

/* How much of each step the model explains: of the reward, and of the worst column. */
static void tell_quality(const mopo_watch *w, const ensemble *m, const fit_result *fit,
                         const mopo_dataset *d)
{
  int worst = 0, moving = 0;
  char name[DATASET_COLUMN], reward[40] = "the reward does not move";
  for (int o = 1; o < m->D; o++) {
    if (isnan(fit->r2[o])) continue;
    moving++;
    if (!worst || fit->r2[o] < fit->r2[worst]) worst = o;
  }
  if (!worst) return;
  if (!isnan(fit->r2[0])) number_print(reward, sizeof reward, "reward %.3g", fit->r2[0]);
  watch_line(w, "model: R2 of the step: %s, the worst of %d columns %.64s %.3g", reward, moving,
             dataset_column(name, d, worst - 1), fit->r2[worst]);
}

void fitting_tell(const mopo_watch *w, const ensemble *m, const char *from)
{
  double best = m->holdout_mse[0], worst = best;
  for (int e = 1; e < m->set.members; e++)
    best = fmin(best, m->holdout_mse[e]), worst = fmax(worst, m->holdout_mse[e]);
  watch_line(w, "model: %s, holdout mse %.3g (best member) to %.3g (worst)", from, best, worst);
}

mopo_status fitting_run(ensemble **out, termination **end, fit_result *fit, const char *path,
                        const char *state, const mopo_config *c, const mopo_dataset *data,
                        const units *s, par *pool, rng_key key, const mopo_watch *watch,
                        mopo_error *err)
{
  ensemble_settings shape = ensemble_settings_of(c);
  fit_settings set = fit_settings_of(c);
  set.state = state, set.state_seconds = 20;
  fit_teller teller = {.watch = watch, .began = clock_seconds(), .mse = NAN};
  fit_watch told = {tell_epoch, tell_step, &teller};
  const rng_key of_model = rng_split(key, "model");
  ensemble *m = NULL;
  if (end) *end = NULL;
  mopo_status st =
      ensemble_create(&m, &shape, data->at.S, data->at.A, rng_split(of_model, "weights"), err);
  if (st == MOPO_OK && s) st = ensemble_set_units(m, s, err);
  if (st == MOPO_OK) st = ensemble_fit(m, fit, data, &set, pool, of_model, &told, err);
  if (st == MOPO_OK) {
    log_bins(&teller.log, m, fit);
    fitlog_add_r2(&teller.log, fit->r2, data->obs_names, data->at.S);
  }
  if (st == MOPO_OK && end) st = ends_fit(end, data, key, pool, watch, err);
  if (st == MOPO_OK && path) st = fitlog_write(&teller.log, path, err);
  if (st == MOPO_OK && path)
    st = ensemble_save_with(m, end ? *end : NULL, path,
                            err); /* last: where it is, its tables are too */
  if (st == MOPO_OK && state) remove(state);
  fitlog_free(&teller.log);
  if (st != MOPO_OK) {
    ensemble_free(m);
    if (end) termination_free(*end), *end = NULL;
    return st;
  }
  char how[60];
  number_print(how, sizeof how, "%d epochs, %.1f s", fit->epochs, clock_seconds() - teller.began);
  fitting_tell(watch, m, how);
  tell_quality(watch, m, fit, data);
  *out = m;
  return MOPO_OK;
}
