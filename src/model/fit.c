/* fit.c - see fit.h. The loss, for each member and minibatch of B rows:
 *
 *   mean over B and D of [(mu - y)^2 exp(-lv) + lv] + sum over layers of wd_l / 2 |W_l|^2
 *   and, once, 0.01 sum(max) - 0.01 sum(min)
 *
 * (PETS; the authors' code of MOPO.) Each thread takes whole members, transposes, rows, then
 * updates, so that what the rows leave behind is still in its cache when the weights want it, and
 * what it wrote in the last step is there, too. The members that do not go up in threads are done
 * by all together: a stage of transposes and one of updates, cut by member and piece of weights,
 * and between them one of rows, cut by member and block of 64 rows. Transposes lie with the thread,
 * not with the member: seven members' own would be 4 MB more to walk through in each step. The
 * shared bounds are reduced over members and blocks in their order. */
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
#include "model/quality.h"
#include "model/samples.h"

enum { BLOCK = 64, HOLDOUT_BLOCK = ENSEMBLE_ROWS };

static const double BOUND_WEIGHT = 0.01;
/* For four hidden layers; a net of another depth takes the first for its first layer, the last for
 * its last, the middle one for the rest. */
static const double DECAY[] = {2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4};

typedef struct fitter {
  ensemble *m;
  const mopo_dataset *d;
  const fit_settings *set;
  par *pool;
  int E, B, rows, blocks, pieces; /* of a full batch; rows: of this one */
  int slots;                      /* members at work at the same time */
  int whole;                      /* the first so many members: one thread each */
  int64_t N;                      /* rows that say what they led to */
  int64_t n_train, n_hold, at;    /* at: first place of this batch in each bootstrap */
  uint32_t *split, *index;        /* [N] holdout first; [E,n_train] */
  adam opt[ENSEMBLE_MAX];
  adam_step step[ENSEMBLE_MAX];
  mlp net[ENSEMBLE_MAX];       /* [slots] the members at work, with transposes */
  mlp_acts acts[ENSEMBLE_MAX]; /* [slots] what their rows leave behind */
  mlp_grads grads[ENSEMBLE_MAX];
  float *sums;              /* [E,blocks,4,padded_D] as kernels.gauss_nll adds them */
  float *bound_m, *bound_v; /* [2,padded_D] Adam of max, then min */
  double power1, power2, lr;
  double loss[ENSEMBLE_MAX]; /* sum over the epoch's rows */
  double squared[ENSEMBLE_MAX];
  float **scratch;     /* [threads] a panel's gradient */
  ensemble_work *work; /* [threads] */
  double *block_mse;   /* [E, holdout blocks] */
  float *best;         /* [E, size] weights of the best holdout error */
  double best_mse[ENSEMBLE_MAX];
  int stale;       /* epochs since any member got better */
  double *history; /* [epochs,3,E] train loss and mse, holdout mse; grows */
  char of[240];    /* data, settings, key: what a kept state is of */
  arena memory;
} fitter;

/* ------------------------------------------------------------------ one step */

/* Member e goes to work in a slot. */
static void seat(fitter *f, int slot, int e) { mlp_place(&f->net[slot], f->m->net[e].params); }

/* A block of rows there and back. */
static void rows_of(fitter *f, int slot, int e, int block)
{
  ensemble *m = f->m;
  int r0 = block * BLOCK, n = f->rows - r0 < BLOCK ? f->rows - r0 : BLOCK, W = f->d->at.width;
  float *sums = f->sums + (size_t)(e * f->blocks + block) * 4 * (size_t)m->padded_D;
  memset(sums, 0, 4 * (size_t)m->padded_D * sizeof(float));
  if (n <= 0) return;

  const uint32_t *index = f->index + (size_t)e * (size_t)f->n_train + (size_t)f->at + r0;
  const float *obs[BLOCK], *act[BLOCK];
  float target[BLOCK * GAUSS_MAX];
  for (int r = 0; r < n; r++) /* rows lie anywhere: ask for all of them first */
    for (int i = 0; i < W; i += PANEL)
      __builtin_prefetch(f->d->rows + (size_t)index[r] * (size_t)W + i);
  for (int r = 0; r < n; r++) {
    const float *row = f->d->rows + (size_t)index[r] * (size_t)W;
    obs[r] = row, act[r] = row + f->d->at.act;
    ensemble_targets(m, target + r * m->D, row, &f->d->at);
  }
  const mlp *net = &f->net[slot];
  int last = net->layers;
  mlp_acts *acts = &f->acts[slot];
  mlp_grads *grads = &f->grads[slot];
  ensemble_input(m, acts->h[0], r0, obs, act, n);
  mlp_forward(net, acts, r0, n, true);
  panels raw = acts->h[last], delta = grads->g[last - 1];
  raw.x += (size_t)r0 * PANEL, delta.x += (size_t)r0 * PANEL;
  net->k->gauss_nll(delta, sums, raw, target, (size_t)m->D, m->max, m->min,
                    1.0f / ((float)f->rows * (float)m->D), n, m->D);
  mlp_backward(net, acts, grads, r0, n);
}

static double decay_of(int layer, int layers)
{
  int last = (int)(sizeof DECAY / sizeof *DECAY) - 1;
  if (layer == layers - 1) return DECAY[last];
  return DECAY[layer < last - 1 ? layer : last - 1];
}

static void update_of(fitter *f, int slot, int e, int piece, int thread)
{
  mlp *net = &f->m->net[e];
  double decay = f->set->decay * decay_of(mlp_piece_at(net, piece).layer, net->layers);
  mlp_piece_update(net, piece, &f->opt[e], f->step[e], &f->acts[slot], &f->grads[slot], f->rows,
                   NULL, (float)decay, f->scratch[thread]);
}

static void member_stage(void *ctx, int e, int thread)
{
  fitter *f = ctx;
  seat(f, thread, e);
  mlp_transpose(&f->net[thread]);
  for (int b = 0; b < f->blocks; b++) rows_of(f, thread, e, b);
  for (int p = 0; p < f->pieces; p++) update_of(f, thread, e, p, thread);
}

static void transposes_stage(void *ctx, int piece, int thread)
{
  (void)thread;
  fitter *f = ctx;
  mlp_piece_transpose(&f->net[piece / f->pieces], piece % f->pieces);
}

static void rows_stage(void *ctx, int piece, int thread)
{
  (void)thread;
  fitter *f = ctx;
  int slot = piece / f->blocks;
  rows_of(f, slot, f->whole + slot, piece % f->blocks);
}

static void updates_stage(void *ctx, int piece, int thread)
{
  fitter *f = ctx;
  int slot = piece / f->pieces;
  update_of(f, slot, f->whole + slot, piece % f->pieces, thread);
}

/* A step of every member. */
static void members_step(fitter *f)
{
  int rest = f->E - f->whole;
  for (int e = 0; e < f->E; e++) f->step[e] = adam_next(&f->opt[e]);
  par_run(f->pool, f->whole, member_stage, f);
  for (int i = 0; i < rest; i++) seat(f, i, f->whole + i);
  par_run(f->pool, rest * f->pieces, transposes_stage, f);
  par_run(f->pool, rest * f->blocks, rows_stage, f);
  par_run(f->pool, rest * f->pieces, updates_stage, f);
}

/* Adam on max and min: gradients summed over members and blocks in their order. */
static void bounds_step(fitter *f)
{
  ensemble *m = f->m;
  size_t Dp = (size_t)m->padded_D;
  f->power1 *= 0.9, f->power2 *= 0.999;
  for (int which = 0; which < 2; which++) {
    float *bound = which ? m->min : m->max;
    float *mm = f->bound_m + (size_t)which * Dp, *vv = f->bound_v + (size_t)which * Dp;
    for (int d = 0; d < m->D; d++) {
      double g = which ? -BOUND_WEIGHT : BOUND_WEIGHT;
      for (int i = 0; i < f->E * f->blocks; i++)
        g += (double)f->sums[((size_t)i * 4 + (size_t)which) * Dp + (size_t)d];
      mm[d] = (float)(0.9 * (double)mm[d] + 0.1 * g);
      vv[d] = (float)(0.999 * (double)vv[d] + 0.001 * g * g);
      double up = (double)mm[d] / (1.0 - f->power1);
      double down = sqrt((double)vv[d] / (1.0 - f->power2)) + 1e-8;
      bound[d] = (float)((double)bound[d] - f->lr * up / down);
    }
  }
}

static void add_losses(fitter *f)
{
  size_t Dp = (size_t)f->m->padded_D;
  for (int e = 0; e < f->E; e++)
    for (int b = 0; b < f->blocks; b++)
      for (int d = 0; d < f->m->D; d++) {
        const float *terms = f->sums + ((size_t)(e * f->blocks + b) * 4 + 2) * Dp;
        f->loss[e] += (double)terms[d];
        f->squared[e] += (double)terms[Dp + (size_t)d];
      }
}

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
    members_step(f);
    bounds_step(f);
    add_losses(f);
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
  f->blocks = (set->batch + BLOCK - 1) / BLOCK;
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
