/* termination.c - see termination.h. */
#include "model/termination.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"

enum {
  LAYERS = 3,
  HIDDEN = 64,
  ENDS = 32, /* terminal rows of a batch */
  BATCH = 256,
  BLOCK = 64, /* rows of a piece of work */
  UPDATES = 1500,
  HOLD = 8 /* one of so many episodes of a kind is held out */
};
static const double RATE = 1e-3;
static const float REACH = 10.0f; /* deviations that an input may be from the mean */
static const float SURE = 30.0f;  /* bound of a logit */

/* ------------------------------------------------------------------ the object */

static void layout(termination *t, arena *a)
{
  size_t in = (size_t)(t->S + t->A);
  mlp_layout(&t->net, a);
  mlp_layout_transposes(&t->net, a);
  t->mean = arena_floats(a, in), t->inverse_std = arena_floats(a, in);
}

mopo_status termination_create(termination **out, int S, int A, mopo_error *err)
{
  termination *t = calloc(1, sizeof *t);
  *out = NULL;
  if (!t) return error_set(err, MOPO_ENOMEM, "termination: no memory");
  t->S = S, t->A = A;
  t->facts.held_loss = t->facts.held_base = NAN;
  mlp_shape(&t->net, kernels_best(), LAYERS, (int[]){S + A, HIDDEN, HIDDEN, 1}, MLP_SWISH);
  layout(t, &t->memory);
  if (!arena_alloc(&t->memory)) {
    free(t);
    return error_set(err, MOPO_ENOMEM, "termination: no memory for %d inputs", S + A);
  }
  layout(t, &t->memory);
  *out = t;
  return MOPO_OK;
}

void termination_free(termination *t)
{
  if (!t) return;
  free(t->memory.base);
  free(t);
}

/* ------------------------------------------------------------------ what it says */

void termination_work_layout(termination_work *w, const termination *t, arena *a)
{
  mlp_acts_layout(&w->acts, &t->net, a, TERMINATION_ROWS, false);
}

/* Standardised inputs of n rows into x, rows r0 ... A NaN stays one. */
static void put_inputs(const termination *t, panels x, int r0, const float *const *obs,
                       const float *const *act, int n)
{
  for (int c = 0; c < t->S + t->A; c++) {
    float *to = x.x + (size_t)(c / PANEL) * x.stride + (size_t)r0 * PANEL + (size_t)(c % PANEL);
    const float *const *from = c < t->S ? obs : act;
    int k = c < t->S ? c : c - t->S;
    for (int r = 0; r < n; r++) {
      float y = (from[r][k] - t->mean[c]) * t->inverse_std[c];
      to[r * PANEL] = y > REACH ? REACH : y < -REACH ? -REACH : y;
    }
  }
}

static float within(double logit)
{
  return logit > (double)SURE ? SURE : logit < -(double)SURE ? -SURE : (float)logit;
}

void termination_logit(const termination *t, termination_work *w, float *logit,
                       const float *const *obs, const float *const *act, int n)
{
  for (int r = 0; !t->learned && r < n; r++) logit[r] = within(t->offset);
  for (int r0 = 0; t->learned && r0 < n; r0 += TERMINATION_ROWS) {
    int rows = n - r0 < TERMINATION_ROWS ? n - r0 : TERMINATION_ROWS;
    put_inputs(t, w->acts.h[0], 0, obs + r0, act + r0, rows);
    mlp_forward(&t->net, &w->acts, 0, rows, false);
    const float *raw = w->acts.h[LAYERS].x;
    for (int r = 0; r < rows; r++) logit[r0 + r] = within((double)raw[r * PANEL] + t->offset);
  }
}

double termination_probability(float logit) { return 1.0 / (1.0 + (double)fm_exp(-logit)); }

/* u is the middle of a step of 2^-24, so that what is sure is certain. */
bool termination_draw(float logit, float u)
{
  return !((double)u + 0x1p-25 >= termination_probability(logit));
}

/* ------------------------------------------------------------------ the rows */

typedef struct fitter {
  termination *t;
  const mopo_dataset *d;
  par *pool;
  uint32_t *end, *other, *held; /* rows: terminals and others to be fitted to; held out */
  int64_t n_end, n_other, n_held;
  uint32_t row[BATCH]; /* of this batch: terminals first */
  mlp_acts acts;
  mlp_grads grads;
  adam opt;
  adam_step step;
  float **scratch; /* [threads] */
  double loss[BATCH / BLOCK];
  arena memory;
} fitter;

static bool is_end(const mopo_dataset *d, int64_t i)
{
  return dataset_row(d, i)[d->at.done] > 0.0f;
}

/* Of the episodes that end in a terminal, and of the rest, one of eight is held out; none, where
 * fewer than eight end. */
static void split_rows(fitter *f, rng_key key)
{
  const mopo_dataset *d = f->d;
  int64_t ends = 0, seen[2] = {0, 0};
  rng_stream s = rng_stream_of(rng_split(key, "held"));
  int64_t start[2] = {(int64_t)rng_below(&s, HOLD), (int64_t)rng_below(&s, HOLD)};
  for (int64_t i = 0; i < d->N; i++) ends += is_end(d, i);
  for (int64_t first = 0, last; first < d->N; first = last + 1) {
    for (last = first; last < d->N - 1 && !d->ends[last];) last++;
    int kind = is_end(d, last);
    bool hold = ends >= HOLD && (seen[kind]++ + start[kind]) % HOLD == 0;
    for (int64_t i = first; i <= last; i++)
      if (hold)
        f->held[f->n_held++] = (uint32_t)i;
      else if (is_end(d, i))
        f->end[f->n_end++] = (uint32_t)i;
      else
        f->other[f->n_other++] = (uint32_t)i;
  }
}

/* Mean and deviation of the rows fitted to. A column whose deviation is lost in float32's own
 * resolution of its values says nothing. */
static void fit_scale(fitter *f)
{
  termination *t = f->t;
  double n = (double)(f->n_end + f->n_other);
  for (int c = 0; c < t->S + t->A; c++) {
    double sum = 0.0, squares = 0.0;
    for (int pass = 0; pass < 2; pass++)
      for (int64_t i = 0; i < f->n_end + f->n_other; i++) {
        uint32_t row = i < f->n_end ? f->end[i] : f->other[i - f->n_end];
        double x = (double)dataset_row(f->d, row)[c]; /* obs, then act */
        if (pass)
          squares += (x - sum / n) * (x - sum / n);
        else
          sum += x;
      }
    double std = sqrt(squares / n), least = 4.0 * 0x1p-24 * fabs(sum / n);
    t->mean[c] = (float)(sum / n);
    t->inverse_std[c] = std > least && std > 1e-30 ? (float)(1.0 / std) : 0.0f;
  }
}

/* ------------------------------------------------------------------ the fit */

static void pointers(const float **obs, const float **act, const mopo_dataset *d,
                     const uint32_t *row, int n)
{
  for (int r = 0; r < n; r++) obs[r] = dataset_row(d, row[r]), act[r] = obs[r] + d->at.act;
}

/* A block of rows there and back: dL/dlogit = (p - y) / B. */
static void rows_stage(void *ctx, int piece, int thread)
{
  (void)thread;
  fitter *f = ctx;
  const float *obs[BLOCK], *act[BLOCK];
  int r0 = piece * BLOCK;
  pointers(obs, act, f->d, f->row + r0, BLOCK);
  put_inputs(f->t, f->acts.h[0], r0, obs, act, BLOCK);
  mlp_forward(&f->t->net, &f->acts, r0, BLOCK, true);
  const float *raw = f->acts.h[LAYERS].x;
  float *delta = f->grads.g[LAYERS - 1].x;
  double loss = 0.0;
  for (int r = r0; r < r0 + BLOCK; r++) {
    float logit = raw[r * PANEL], sign = r < ENDS ? -1.0f : 1.0f, e = fm_exp(sign * logit);
    loss += (double)fm_log(1.0f + e);
    delta[r * PANEL] = sign * e / (1.0f + e) / (float)BATCH;
  }
  f->loss[piece] = loss;
  mlp_backward(&f->t->net, &f->acts, &f->grads, r0, BLOCK);
}

static void update_stage(void *ctx, int piece, int thread)
{
  fitter *f = ctx;
  mlp_piece_update(&f->t->net, piece, &f->opt, f->step, &f->acts, &f->grads, BATCH, NULL, 0.0f,
                   f->scratch[thread]);
}

static mopo_status learn(fitter *f, rng_key key, const volatile sig_atomic_t *stop, mopo_error *err)
{
  adam_init(&f->opt, RATE);
  mlp_initialise(&f->t->net, MLP_GLOROT, rng_split(key, "weights"));
  for (int u = 0; u < UPDATES; u++) {
    rng_stream s = rng_stream_of(rng_index(rng_split(key, "batch"), (uint64_t)u));
    for (int r = 0; r < BATCH; r++)
      f->row[r] = r < ENDS ? f->end[rng_below(&s, (uint64_t)f->n_end)]
                           : f->other[rng_below(&s, (uint64_t)f->n_other)];
    f->step = adam_next(&f->opt);
    par_run(f->pool, BATCH / BLOCK, rows_stage, f);
    par_run(f->pool, mlp_pieces(&f->t->net), update_stage, f);
    double loss = 0.0;
    for (int b = 0; b < BATCH / BLOCK; b++) loss += f->loss[b];
    if (!isfinite(loss))
      return error_set(err, MOPO_ENUMERIC, "termination: loss %g in update %d", loss, u + 1);
    if (stop && *stop) return error_set(err, MOPO_ESTOPPED, "stopped while fitting terminations");
  }
  return MOPO_OK;
}

/* On the rows held out: as many ends as were foretold? */
static mopo_status check_held(fitter *f, mopo_error *err)
{
  termination_facts *k = &f->t->facts;
  if (!f->n_held) return MOPO_OK;
  termination_work w;
  arena a = {0};
  termination_work_layout(&w, f->t, &a);
  if (!arena_alloc(&a)) return error_set(err, MOPO_ENOMEM, "termination: no memory");
  termination_work_layout(&w, f->t, &a);
  double loss = 0.0;
  k->held_rows = f->n_held;
  for (int64_t i = 0; i < f->n_held; i += TERMINATION_ROWS) {
    const float *obs[TERMINATION_ROWS], *act[TERMINATION_ROWS];
    float logit[TERMINATION_ROWS];
    int n = f->n_held - i < TERMINATION_ROWS ? (int)(f->n_held - i) : TERMINATION_ROWS;
    pointers(obs, act, f->d, f->held + i, n);
    termination_logit(f->t, &w, logit, obs, act, n);
    for (int r = 0; r < n; r++) {
      bool end = is_end(f->d, f->held[i + r]);
      k->held_ends += end;
      k->held_foretold += termination_probability(logit[r]);
      loss += (double)fm_log(1.0f + fm_exp(end ? -logit[r] : logit[r]));
    }
  }
  double n = (double)f->n_held, p = k->held_ends / n;
  k->held_loss = loss / n;
  k->held_base = p > 0.0 && p < 1.0 ? -p * log(p) - (1.0 - p) * log1p(-p) : 0.0;
  free(a.base);
  return MOPO_OK;
}

static void fitter_layout(fitter *f, arena *a)
{
  size_t N = (size_t)f->d->N, threads = (size_t)par_threads(f->pool);
  f->end = arena_bytes(a, N * sizeof *f->end);
  f->other = arena_bytes(a, N * sizeof *f->other);
  f->held = arena_bytes(a, N * sizeof *f->held);
  mlp_acts_layout(&f->acts, &f->t->net, a, BATCH, true);
  mlp_grads_layout(&f->grads, &f->t->net, a, BATCH);
  adam_layout(&f->opt, a, f->t->net.size);
  f->scratch = arena_bytes(a, threads * sizeof *f->scratch);
  for (size_t t = 0; t < threads; t++) {
    float *s = arena_floats(a, mlp_scratch(&f->t->net));
    if (a->base) f->scratch[t] = s;
  }
}

/* With one kind of row only there is nothing to tell apart: as sure as a logit can be. */
static mopo_status fit(fitter *f, rng_key key, const volatile sig_atomic_t *stop, mopo_error *err)
{
  termination *t = f->t;
  split_rows(f, key);
  t->facts.terminals = f->n_end, t->facts.others = f->n_other;
  t->learned = f->n_end && f->n_other;
  t->offset = f->n_end ? (double)SURE : -(double)SURE;
  if (!t->learned) return MOPO_OK;
  fit_scale(f);
  mopo_status st = learn(f, key, stop, err);
  if (st != MOPO_OK) return st;
  double odds = (double)f->n_end / (double)f->n_other, drawn = (double)ENDS / (BATCH - ENDS);
  t->offset = (double)fm_log((float)odds) - (double)fm_log((float)drawn);
  return check_held(f, err);
}

mopo_status termination_fit(termination **out, const mopo_dataset *d, rng_key key, par *pool,
                            const volatile sig_atomic_t *stop, mopo_error *err)
{
  mopo_status st = termination_create(out, d->at.S, d->at.A, err);
  if (st != MOPO_OK) return st;
  fitter *f = calloc(1, sizeof *f);
  if (f) {
    *f = (fitter){.t = *out, .d = d, .pool = pool};
    fitter_layout(f, &f->memory);
  }
  if (!f || !arena_alloc(&f->memory)) {
    st = error_set(err, MOPO_ENOMEM, "termination: no memory for %lld rows", (long long)d->N);
  } else {
    fitter_layout(f, &f->memory);
    st = fit(f, key, stop, err);
    free(f->memory.base);
  }
  free(f);
  if (st != MOPO_OK) {
    termination_free(*out);
    *out = NULL;
  }
  return st;
}
