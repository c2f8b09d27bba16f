/* fitted_q.c - see fitted_q.h. */
#include "ope/fitted_q.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/learner.h"
#include "task/task.h"

enum { CRITICS = FITTED_Q_CRITICS, BATCH = 256, BLOCK = 64, HIDDEN = 128, LAYERS = 3 };
static const double RATE = 1e-3, GAMMA = 0.99;
static const float TAU = 0.01f;

struct fitted_q {
  fitted_q_setup set;
  double gamma, most; /* discount; greatest reward in size */
  int S, A;
  float *to_go; /* [N] recorded q from each row on */
  mlp net[CRITICS], target[CRITICS];
  learner learner[CRITICS];
  float *first;             /* [CRITICS,size] weights after the first fit */
  mlp_acts next;            /* [BATCH] of a target */
  float *x, *raw, *act, *y; /* [BATCH,S] twice, [BATCH,A], [BATCH] */
  float **scratch;          /* [threads] */
  double loss[BATCH / BLOCK];
  uint32_t row[BATCH];
  arena memory;
  /* this run; who NULL: the first fit */
  const player *who;
  actor_work *work; /* [threads] */
};

static void layout(fitted_q *q, arena *a)
{
  size_t threads = (size_t)par_threads(q->set.pool);
  for (int i = 0; i < CRITICS; i++) {
    learner_layout_state(&q->learner[i], a);
    learner_layout_work(&q->learner[i], a);
  }
  q->first = arena_floats(a, CRITICS * q->net[0].size);
  mlp_acts_layout(&q->next, &q->net[0], a, BATCH, false);
  q->x = arena_floats(a, (size_t)BATCH * (size_t)q->S);
  q->raw = arena_floats(a, (size_t)BATCH * (size_t)q->S);
  q->act = arena_floats(a, (size_t)BATCH * (size_t)q->A);
  q->y = arena_floats(a, BATCH);
  q->to_go = arena_floats(a, (size_t)q->set.d->N);
  q->scratch = arena_bytes(a, threads * sizeof *q->scratch);
  for (size_t t = 0; t < threads; t++) {
    float *s = arena_floats(a, mlp_scratch(&q->net[0]));
    if (a->base) q->scratch[t] = s;
  }
}

/* Backwards through each episode; one that was cut off goes on with the mean reward. */
static void recorded_returns(fitted_q *q)
{
  const mopo_dataset *d = q->set.d;
  double beyond = q->set.s->rew_mean / q->most, after = beyond;
  for (int64_t i = d->N - 1; i >= 0; i--) {
    const float *row = dataset_row(d, i);
    if (d->ends[i]) after = row[d->at.done] > 0.0f ? 0.0 : beyond;
    after = (1.0 - q->gamma) * (double)row[d->at.rew] / q->most + q->gamma * after;
    q->to_go[i] = (float)after;
  }
}

/* ------------------------------------------------------------------ one update */

/* (x, a) of rows r0.. into a critic's input. */
static void put(panels h, const fitted_q *q, const float *x, const float *act, int r0, int n)
{
  for (int r = r0; r < r0 + n; r++) {
    const float *xs = x + (size_t)r * (size_t)q->S, *as = act + (size_t)r * (size_t)q->A;
    panels_put(h, r, 0, &xs, 0, 1, q->S);
    panels_put(h, r, q->S, &as, 0, 1, q->A);
  }
}

/* The successor of a row, standardised; float32 holds it as recorded. */
static void successor(float *x, const fitted_q *q, uint32_t row)
{
  standard_in(q->set.s, x, dataset_row(q->set.d, row) + q->set.d->at.next);
}

/* The player's actions at rows r0 .. of q->x into q->act. */
static void player_acts(fitted_q *q, actor_work *w, int r0, int n)
{
  const player *who = q->who;
  size_t S = (size_t)q->S, A = (size_t)q->A, at = (size_t)r0;
  const float *sees = q->x + at * S;
  for (size_t r = at; !who->standardised && r < at + (size_t)n; r++)
    standard_out(q->set.s, q->raw + r * S, q->x + r * S);
  if (!who->standardised) sees = q->raw + at * S;
  actor_act(who->p, w, q->act + at * A, A, sees, S, n, NULL);
  task_round_actions(q->set.task, q->act + at * A, A, n);
  for (size_t r = at; r < at + (size_t)n; r++) standard_round(q->set.s, q->act + r * A);
}

static float value_of(const fitted_q *q, const mlp_acts *acts, int r)
{
  return acts->h[q->net[0].layers].x[(size_t)r * PANEL];
}

/* What critic c shall say of the rows of a block, into q->y. */
static void targets(fitted_q *q, int c, int r0)
{
  const mopo_dataset *d = q->set.d;
  if (q->who) mlp_forward(&q->target[c], &q->next, r0, BLOCK, false);
  for (int r = r0; r < r0 + BLOCK; r++) {
    const float *row = dataset_row(d, q->row[r]);
    float reward = (float)((1.0 - q->gamma) * (double)row[d->at.rew] / q->most);
    float ends = row[d->at.done] > 0.0f ? 0.0f : (float)q->gamma;
    q->y[r] = q->who ? reward + ends * value_of(q, &q->next, r) : q->to_go[q->row[r]];
  }
}

static void rows_stage(void *ctx, int piece, int thread)
{
  fitted_q *q = ctx;
  int r0 = piece * BLOCK;
  size_t S = (size_t)q->S, A = (size_t)q->A;
  float *x = q->x + (size_t)r0 * S, *act = q->act + (size_t)r0 * A;
  if (q->who) {
    for (int r = 0; r < BLOCK; r++) successor(x + (size_t)r * S, q, q->row[r0 + r]);
    player_acts(q, &q->work[thread], r0, BLOCK);
    put(q->next.h[0], q, q->x, q->act, r0, BLOCK);
  }
  for (int r = 0; r < BLOCK; r++) {
    const float *row = dataset_row(q->set.s->d, q->row[r0 + r]);
    memcpy(x + (size_t)r * S, row, S * sizeof *x);
    memcpy(act + (size_t)r * A, row + q->set.d->at.act, A * sizeof *act);
  }
  double loss = 0.0;
  for (int c = 0; c < CRITICS; c++) {
    learner *l = &q->learner[c];
    targets(q, c, r0);
    put(l->acts.h[0], q, q->x, q->act, r0, BLOCK);
    mlp_forward(l->net, &l->acts, r0, BLOCK, true);
    float *delta = l->grads.g[l->net->layers - 1].x;
    for (int r = r0; r < r0 + BLOCK; r++) {
      float e = value_of(q, &l->acts, r) - q->y[r];
      delta[(size_t)r * PANEL] = 2.0f * e / (float)BATCH;
      loss += (double)(e * e);
    }
    mlp_backward(l->net, &l->acts, &l->grads, r0, BLOCK);
  }
  q->loss[piece] = loss;
}

static mopo_status fit(fitted_q *q, rng_key key, const volatile sig_atomic_t *stop, mopo_error *err)
{
  learner *all[CRITICS];
  const mopo_dataset *d = q->set.d;
  for (int c = 0; c < CRITICS; c++) all[c] = &q->learner[c];
  for (int u = 0; u < q->set.updates; u++) {
    rng_stream s = rng_stream_of(rng_index(key, (uint64_t)u));
    double loss = 0.0, rate = RATE * (1.0 - 0.9 * u / q->set.updates);
    for (int r = 0; r < BATCH; r++) q->row[r] = (uint32_t)rng_below(&s, (uint64_t)d->N);
    for (int c = 0; c < CRITICS; c++) q->learner[c].opt.lr = rate;
    par_run(q->set.pool, BATCH / BLOCK, rows_stage, q);
    learner_steps(all, CRITICS, q->set.pool, q->scratch);
    for (int b = 0; b < BATCH / BLOCK; b++) loss += q->loss[b];
    if (!isfinite(loss))
      return error_set(err, MOPO_ENUMERIC, "ope: the loss of fitted Q is %g in update %d", loss,
                       u + 1);
    if (stop && *stop) return error_set(err, MOPO_ESTOPPED, "stopped while fitting Q");
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ the object */

mopo_status fitted_q_create(fitted_q **out, const fitted_q_setup *set,
                            const volatile sig_atomic_t *stop, mopo_error *err)
{
  *out = NULL;
  fitted_q *q = calloc(1, sizeof *q);
  if (!q) return error_set(err, MOPO_ENOMEM, "ope: no memory for fitted Q");
  q->set = *set, q->S = set->s->S, q->A = set->s->A;
  q->gamma = fmin(GAMMA, 1.0 - 1.0 / fmax(set->length, 2.0));
  q->most = fmax(fmax(fabs(set->s->rew_low), fabs(set->s->rew_high)), 1e-30);
  for (int c = 0; c < CRITICS; c++) {
    int sizes[LAYERS + 1] = {q->S + q->A, HIDDEN, HIDDEN, 1};
    mlp_shape(&q->net[c], kernels_best(), LAYERS, sizes, MLP_RELU);
    q->target[c] = q->net[c];
    q->learner[c] = (learner){
        .name = "critic", .net = &q->net[c], .target = &q->target[c], .rows = BATCH, .tau = TAU};
  }
  layout(q, &q->memory);
  if (!arena_alloc(&q->memory)) {
    free(q);
    return error_set(err, MOPO_ENOMEM, "ope: no memory for fitted Q");
  }
  layout(q, &q->memory);
  for (int c = 0; c < CRITICS; c++)
    learner_initialise(&q->learner[c], MLP_FAN_IN, RATE, rng_index(set->key, (uint64_t)c));
  recorded_returns(q);
  mopo_status st = fit(q, rng_split(set->key, "record"), stop, err);
  if (st != MOPO_OK) {
    fitted_q_free(q);
    return st;
  }
  for (int c = 0; c < CRITICS; c++)
    memcpy(q->first + (size_t)c * q->net[c].size, q->net[c].params, q->net[c].size * sizeof(float));
  *out = q;
  return MOPO_OK;
}

void fitted_q_free(fitted_q *q)
{
  if (!q) return;
  free(q->memory.base);
  free(q);
}

static void start_over(fitted_q *q)
{
  for (int c = 0; c < CRITICS; c++) {
    learner *l = &q->learner[c];
    memcpy(l->net->params, q->first + (size_t)c * l->net->size, l->net->size * sizeof(float));
    mlp_transpose(l->net);
    mlp_copy(l->target, l->net);
    memset(l->opt.m, 0, l->net->size * sizeof(float));
    memset(l->opt.v, 0, l->net->size * sizeof(float));
    adam_init(&l->opt, RATE);
  }
}

/* q(s, pi(s)) - the recorded return, at the first row of each stretch. */
static void gains(double *gain, fitted_q *q)
{
  const stretch *at = q->set.stretch;
  for (int i = 0; i < q->set.n; i++) {
    memcpy(q->x, dataset_row(q->set.s->d, at[i].first), (size_t)q->S * sizeof *q->x);
    player_acts(q, &q->work[0], 0, 1);
    for (int c = 0; c < CRITICS; c++) {
      put(q->next.h[0], q, q->x, q->act, 0, 1);
      mlp_forward(&q->net[c], &q->next, 0, 1, false);
      double more = (double)value_of(q, &q->next, 0) - (double)q->to_go[at[i].first];
      gain[c * q->set.n + i] = more * q->most * at[i].length;
    }
  }
}

mopo_status fitted_q_run(double *gain, fitted_q *q, const player *who,
                         const volatile sig_atomic_t *stop, mopo_error *err)
{
  size_t threads = (size_t)par_threads(q->set.pool);
  arena a = {0};
  for (int placed = 0; placed < 2; placed++) {
    q->work = arena_bytes(&a, threads * sizeof *q->work);
    actor_work measure;
    for (size_t t = 0; t < threads; t++)
      actor_work_layout(a.base ? &q->work[t] : &measure, who->p, &a, BLOCK);
    if (!placed && !arena_alloc(&a))
      return error_set(err, MOPO_ENOMEM, "ope: no memory for fitted Q");
  }
  q->who = who;
  start_over(q);
  mopo_status st = fit(q, rng_split(q->set.key, "policy"), stop, err);
  if (st == MOPO_OK) gains(gain, q);
  q->who = NULL;
  free(a.base);
  return st;
}
