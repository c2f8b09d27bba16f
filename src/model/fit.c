/* fit.c - see fit.h. A step is in fit_step.c; here are epochs, holdout, and what is kept of them.
 */
#include "model/fit.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fmath.h"
#include "io/file.h"
#include "model/fit_state.h"
#include "model/fitter.h"
#include "model/quality.h"

enum { HOLDOUT_BLOCK = ENSEMBLE_ROWS };

/* ------------------------------------------------------------------ epochs */

/* Each epoch shuffles what the one before it left. */
static void shuffle(fitter *f, int epoch, rng_key key)
{
  for (int e = 0; e < f->E; e++) {
    rng_stream r = rng_stream_of(rng_index(rng_index(key, (uint64_t)epoch), (uint64_t)e));
    rng_shuffle(&r, f->index + (size_t)e * (size_t)f->n_train, (size_t)f->n_train);
  }
}

static mopo_status stopped(const char *where, int epoch, mopo_error *err)
{
  return error_set(err, MOPO_ESTOPPED, "stopped %s epoch %d of fitting the model", where, epoch);
}

/* The learning rate of a step that begins with the epoch's row f->at. */
static void set_rate(fitter *f, int epoch)
{
  const fit_settings *s = f->set;
  f->lr = s->lr;
  if (s->cosine) {
    double done = (epoch + (double)f->at / (double)f->n_train) / s->max_epochs;
    float sine, cosine;
    fm_sincos_turn(&sine, &cosine, (float)(done / 2.0));
    f->lr = s->lr * 0.5 * (1.0 + (double)cosine);
  }
  for (int e = 0; e < f->E; e++) f->opt[e].lr = f->lr;
}

static mopo_status train_epoch(fitter *f, int epoch, rng_key key, const fit_watch *watch,
                               mopo_error *err)
{
  shuffle(f, epoch, key);
  for (int e = 0; e < f->E; e++) f->loss[e] = f->squared[e] = 0.0;
  for (f->at = 0; f->at < f->n_train; f->at += f->B) {
    int64_t left = f->n_train - f->at;
    f->rows = left < f->B ? (int)left : f->B;
    set_rate(f, epoch);
    fitter_step(f);
    if (watch && watch->step && watch->step(watch->ctx, f->at, f->n_train))
      return stopped("in", epoch + 1, err);
  }
  for (int e = 0; e < f->E; e++)
    if (!isfinite(f->loss[e]))
      return error_set(err, MOPO_ENUMERIC, "model: loss of member %d is %g in epoch %d", e,
                       f->loss[e], epoch + 1);
  return MOPO_OK;
}

/* ------------------------------------------------------------------ holdout */

static void holdout_stage(void *ctx, int piece, int thread)
{
  fitter *f = ctx;
  const ensemble *m = f->m;
  ensemble_work *w = &f->work[thread];
  int blocks = (int)((f->n_hold + HOLDOUT_BLOCK - 1) / HOLDOUT_BLOCK);
  int e = piece / blocks, r0 = piece % blocks * HOLDOUT_BLOCK;
  int n = (int)f->n_hold - r0 < HOLDOUT_BLOCK ? (int)f->n_hold - r0 : HOLDOUT_BLOCK;
  const float *obs[HOLDOUT_BLOCK] = {0}, *act[HOLDOUT_BLOCK] = {0};
  for (int r = 0; r < n; r++) {
    obs[r] = dataset_row(f->d, f->split[r0 + r]);
    act[r] = obs[r] + f->d->at.act;
  }
  ensemble_input(m, w->input, 0, obs, act, n);
  mlp_forward(&m->net[e], &w->acts, 0, n, false);
  panels out = w->acts.h[m->net[e].layers];
  double sum = 0.0;
  float y[GAUSS_MAX];
  for (int r = 0; r < n; r++) {
    ensemble_targets(m, y, obs[r], &f->d->at);
    for (int d = 0; d < m->D; d++) {
      if (ensemble_is_still(m, d)) continue;
      float x = out.x[(size_t)(d / PANEL) * out.stride + (size_t)(r * PANEL + d % PANEL)] - y[d];
      sum += (double)(x * x);
    }
  }
  f->block_mse[piece] = sum;
}

static void holdout(fitter *f)
{
  int blocks = (int)((f->n_hold + HOLDOUT_BLOCK - 1) / HOLDOUT_BLOCK);
  par_run(f->pool, f->E * blocks, holdout_stage, f);
  for (int e = 0; e < f->E; e++) {
    double sum = 0.0;
    for (int b = 0; b < blocks; b++) sum += f->block_mse[e * blocks + b];
    f->m->holdout_mse[e] = sum / (double)f->n_hold / f->m->D;
  }
}

/* Keeps the weights of every member that got better by more than `improvement` of its best. */
static bool keep_best(fitter *f)
{
  bool any = false;
  for (int e = 0; e < f->E; e++) {
    double now = f->m->holdout_mse[e], best = f->best_mse[e];
    if (!((best - now) / best > f->set->improvement)) continue;
    any = true;
    f->best_mse[e] = now;
    const mlp *net = &f->m->net[e];
    memcpy(f->best + (size_t)e * net->size, net->params, net->size * sizeof(float));
  }
  return any;
}

static void restore_best(fitter *f)
{
  for (int e = 0; e < f->E; e++) {
    mlp *net = &f->m->net[e];
    if (f->best_mse[e] < INFINITY && f->best_mse[e] > 0.0)
      memcpy(net->params, f->best + (size_t)e * net->size, net->size * sizeof(float));
  }
  holdout(f);
}

static void choose_elites(ensemble *m)
{
  for (int e = 0; e < m->set.members; e++) m->elite[e] = e;
  for (int i = 1; i < m->set.members; i++) /* insertion: stable, and members are few */
    for (int j = i; j > 0 && m->holdout_mse[m->elite[j]] < m->holdout_mse[m->elite[j - 1]]; j--) {
      int t = m->elite[j];
      m->elite[j] = m->elite[j - 1];
      m->elite[j - 1] = t;
    }
}

/* ------------------------------------------------------------------ setting up */

static void layout(fitter *f, arena *a)
{
  size_t N = (size_t)f->N, E = (size_t)f->E, size = f->m->net[0].size;
  size_t Dp = (size_t)f->m->padded_D, threads = (size_t)par_threads(f->pool);
  int hold_blocks = (int)((f->n_hold + HOLDOUT_BLOCK - 1) / HOLDOUT_BLOCK);
  f->split = arena_bytes(a, N * sizeof *f->split);
  f->index = arena_bytes(a, E * (size_t)f->n_train * sizeof *f->index);
  for (int e = 0; e < f->E; e++) {
    adam_layout(&f->opt[e], a, size);
  }
  for (int i = 0; i < f->slots; i++) {
    f->net[i] = f->m->net[0];
    mlp_layout_transposes(&f->net[i], a);
    mlp_acts_layout(&f->acts[i], &f->m->net[0], a, f->B, true);
    mlp_grads_layout(&f->grads[i], &f->m->net[0], a, f->B);
  }
  f->sums = arena_floats(a, E * (size_t)f->blocks * 4 * Dp);
  f->bound_m = arena_floats(a, 2 * Dp), f->bound_v = arena_floats(a, 2 * Dp);
  f->block_mse = arena_bytes(a, E * (size_t)hold_blocks * sizeof(double));
  f->best = arena_floats(a, E * size);
  f->scratch = arena_bytes(a, threads * sizeof *f->scratch);
  f->work = arena_bytes(a, threads * sizeof *f->work);
  ensemble_work measure;
  for (size_t t = 0; t < threads; t++) {
    float *s = arena_floats(a, mlp_scratch(&f->m->net[0]));
    if (a->base) f->scratch[t] = s;
    ensemble_work_layout(a->base ? &f->work[t] : &measure, f->m, a);
  }
}

static mopo_status set_scale(fitter *f, mopo_error *err)
{
  scaler *s = NULL;
  mopo_status st = scaler_create(&s, f->m->S + f->m->A, err);
  if (st != MOPO_OK) return st;
  scaler_fit(s, f->d->rows, f->split + f->n_hold, f->n_train, f->d->at.width);
  ensemble_set_scaler(f->m, s);
  scaler_free(s);
  return MOPO_OK;
}

static mopo_status prepare(fitter *f, rng_key key, mopo_error *err)
{
  samples s = {0};
  mopo_status st = samples_plan(&s, f->d, f->set->holdout_ratio, f->set->holdout_max,
                                f->set->by_episodes, key, err);
  if (st != MOPO_OK) return st;
  f->N = s.N, f->n_hold = s.n_hold, f->n_train = s.n_train;
  layout(f, &f->memory);
  if (!arena_alloc(&f->memory)) {
    samples_free(&s);
    return error_set(err, MOPO_ENOMEM, "model: no memory to fit %lld rows", (long long)f->d->N);
  }
  layout(f, &f->memory);
  samples_draw(&s, f->split, f->index, f->E);
  samples_free(&s);
  if ((st = set_scale(f, err)) != MOPO_OK) return st;
  f->power1 = f->power2 = 1.0;
  for (int e = 0; e < f->E; e++) {
    adam_init(&f->opt[e], f->set->lr);
    f->best_mse[e] = INFINITY;
  }
  return MOPO_OK;
}

/* epochs: finished ones. */
static bool improves(fitter *f, int epochs)
{
  for (int e = 0; e < f->E; e++)
    if (isinf(f->best_mse[e])) f->best_mse[e] = 1e300; /* the first one always improves */
  f->stale = keep_best(f) ? 0 : f->stale + 1;
  int64_t updates = epochs * ((f->n_train + f->B - 1) / f->B);
  return f->set->cosine || updates < f->set->min_updates || f->stale < f->set->patience;
}

/* ------------------------------------------------------------------ epochs that were */

static mopo_status remember(fitter *f, int epoch, mopo_error *err)
{
  size_t E = (size_t)f->E, row = 3 * E;
  double *grown = realloc(f->history, (size_t)epoch * row * sizeof *grown);
  if (!grown) return error_set(err, MOPO_ENOMEM, "model: no memory");
  f->history = grown;
  double *h = grown + (size_t)(epoch - 1) * row, terms = (double)f->n_train * f->m->D;
  for (size_t e = 0; e < E; e++) {
    h[e] = f->loss[e] / terms, h[E + e] = f->squared[e] / terms;
    h[2 * E + e] = f->m->holdout_mse[e];
  }
  return MOPO_OK;
}

static fit_epoch told(const fitter *f, int epoch)
{
  fit_epoch t = {.epoch = epoch, .members = f->E};
  size_t E = (size_t)f->E, bytes = E * sizeof(double);
  const double *h = f->history + (size_t)(epoch - 1) * 3 * E;
  memcpy(t.train_loss, h, bytes);
  memcpy(t.train_mse, h + E, bytes);
  memcpy(t.holdout_mse, h + 2 * E, bytes);
  return t;
}

/* When to stop is left out, for that may change; but not where the learning rate depends on it. */
static void describe(fitter *f, rng_key key)
{
  const fit_settings *s = f->set;
  char data[DATASET_DIGEST];
  dataset_digest(data, f->d);
  number_print(f->of, sizeof f->of,
               "%s, batch %d, lr %.9g, decay %.9g, improvement %.9g, "
               "holdout %.9g to %d, seed's key %08x%08x",
               data, s->batch, s->lr, s->decay, s->improvement, s->holdout_ratio, s->holdout_max,
               key.k[0], key.k[1]);
  size_t n = strlen(f->of);
  if (s->cosine) snprintf(f->of + n, sizeof f->of - n, ", cosine over %d epochs", s->max_epochs);
  n = strlen(f->of);
  if (s->by_episodes) snprintf(f->of + n, sizeof f->of - n, ", by episodes");
}

/* power1, power2 [E+1]. */
static fit_state state_of(fitter *f, double *power1, double *power2)
{
  ensemble *m = f->m;
  fit_state s = {.members = f->E, .size = m->net[0].size, .best = f->best, .outputs = m->padded_D};
  for (int e = 0; e < f->E; e++) {
    s.weights[e] = m->net[e].params, s.m[e] = f->opt[e].m, s.v[e] = f->opt[e].v;
    power1[e] = f->opt[e].power1, power2[e] = f->opt[e].power2;
  }
  power1[f->E] = f->power1, power2[f->E] = f->power2;
  s.max = m->max, s.min = m->min, s.bound_m = f->bound_m, s.bound_v = f->bound_v;
  s.best_mse = f->best_mse, s.power1 = power1, s.power2 = power2;
  s.stale = f->stale, s.history = f->history;
  memcpy(s.of, f->of, sizeof s.of);
  return s;
}

static mopo_status keep(fitter *f, int epochs, mopo_error *err)
{
  double power1[ENSEMBLE_MAX + 1], power2[ENSEMBLE_MAX + 1];
  fit_state s = state_of(f, power1, power2);
  s.epochs = epochs;
  return fit_state_save(&s, f->set->state, err);
}

/* out->epochs: those that an earlier session finished; they are told again. */
static mopo_status go_on(fitter *f, fit_result *out, rng_key shuffles, const fit_watch *watch,
                         mopo_error *err)
{
  double power1[ENSEMBLE_MAX + 1], power2[ENSEMBLE_MAX + 1];
  if (!f->set->state || !file_exists(f->set->state)) return MOPO_OK;
  fit_state s = state_of(f, power1, power2);
  mopo_status st = fit_state_load(&s, f->set->state, err);
  if (st != MOPO_OK) return st;
  f->history = s.history, f->stale = (int)s.stale, out->epochs = (int)s.epochs;
  f->power1 = power1[f->E], f->power2 = power2[f->E];
  for (int e = 0; e < f->E; e++) {
    f->opt[e].power1 = power1[e], f->opt[e].power2 = power2[e];
  }
  for (int i = 0; i < out->epochs; i++) {
    out->last = told(f, i + 1);
    shuffle(f, i, shuffles);
    if (watch && watch->epoch && watch->epoch(watch->ctx, &out->last))
      return stopped("before", out->epochs + 1, err);
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ the whole */

static mopo_status run(fitter *f, fit_result *out, rng_key key, const fit_watch *watch,
                       mopo_error *err)
{
  rng_key shuffles = rng_split(key, "shuffle");
  double kept = clock_seconds();
  if (f->set->state) describe(f, key);
  mopo_status st = go_on(f, out, shuffles, watch, err);
  if (st != MOPO_OK) return st;
  for (int epoch = out->epochs; !f->set->max_epochs || epoch < f->set->max_epochs; epoch++) {
    if ((st = train_epoch(f, epoch, shuffles, watch, err)) != MOPO_OK) return st;
    holdout(f);
    if ((st = remember(f, epoch + 1, err)) != MOPO_OK) return st;
    out->epochs = epoch + 1;
    out->last = told(f, epoch + 1);
    bool better = improves(f, epoch + 1);
    if (better && f->set->state && clock_seconds() - kept >= f->set->state_seconds) {
      if ((st = keep(f, epoch + 1, err)) != MOPO_OK) return st;
      kept = clock_seconds();
    }
    if (watch && watch->epoch && watch->epoch(watch->ctx, &out->last))
      return stopped("after", epoch + 1, err);
    if (!better) break;
  }
  restore_best(f);
  choose_elites(f->m);
  ensemble_bounds_changed(f->m);
  mopo_status measured = quality_measure(out->r2, f->m, f->d, f->split, f->n_hold, f->pool, err);
  if (measured != MOPO_OK) return measured;
  return calibration_measure(out->bin, f->m, f->d, f->split, f->n_hold, f->pool, err);
}

mopo_status ensemble_fit(ensemble *m, fit_result *out, const mopo_dataset *d,
                         const fit_settings *set, par *pool, rng_key key, const fit_watch *watch,
                         mopo_error *err)
{
  fitter *f = calloc(1, sizeof *f);
  *out = (fit_result){0};
  if (set->cosine && !set->max_epochs) {
    free(f);
    return error_set(err, MOPO_EINVAL,
                     "model-schedule = cosine, model-max-epochs = 0: want the epochs of the fit");
  }
  if (!f) return error_set(err, MOPO_ENOMEM, "model: no memory");
  f->m = m, f->d = d, f->set = set, f->pool = pool;
  f->E = m->set.members, f->B = set->batch;
  f->blocks = (set->batch + FITTER_BLOCK - 1) / FITTER_BLOCK;
  f->pieces = mlp_pieces(&m->net[0]);
  int threads = par_threads(pool);
  f->whole = f->E - f->E % threads;
  f->slots = threads < f->E ? threads : f->E;
  mopo_status st = prepare(f, key, err);
  if (st == MOPO_OK) st = run(f, out, key, watch, err);
  ensemble_bounds_changed(m);
  free(f->history);
  free(f->memory.base);
  free(f);
  return st;
}
