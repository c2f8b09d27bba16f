/* trial.c - see trial.h. Members are played in threads, a step at a time; between the steps one
 * thread asks the task about all of them, in their order. */
#include "ope/trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/task.h"

static const float MARGIN = 0.05f; /* of a column's range: beyond it a state is outside */
static const double BELOW = 0.5;   /* of the rewards' range: imagined ones go no farther down */
static const float FAR = 1e4f;     /* deviations that a state may be from the mean */

typedef struct worker {
  actor_work actor;
  ensemble_work model;
  termination_work ends;
  float *sees, *acts; /* [ENSEMBLE_ROWS,S], [ENSEMBLE_ROWS,A] of the live ones, in order */
  float *noise;
} worker;

/* One imagined episode; j = member * n + stretch. */
typedef struct trial {
  double value;
  int steps, outside;
  bool over, ended, broken; /* ended: by the learned termination, in this step */
} trial;

struct trials {
  trial_setup set;
  int E, S, A, D;
  trial *trial;                     /* [E,n] */
  float *x, *obs, *act, *nx, *next; /* [E,n,S] standardised and as recorded; act [E,n,A] */
  float *rew;                       /* [E,n] of this step */
  /* of the live ones, for the task */
  const float **obs_at, **act_at;
  float **next_at, *judged;
  unsigned char *done;
  int *live;
  task_scratch *scratch;
  arena memory;
  /* this run */
  const player *who;
  worker *worker; /* [threads] */
  int step;
  rng_key model_noise, action_noise, end_draw;
};

static void layout(trials *t, arena *a)
{
  size_t n = (size_t)t->E * (size_t)t->set.n, S = (size_t)t->S;
  t->trial = arena_bytes(a, n * sizeof *t->trial);
  t->x = arena_floats(a, n * S), t->nx = arena_floats(a, n * S);
  t->obs = arena_floats(a, n * S), t->next = arena_floats(a, n * S);
  t->act = arena_floats(a, n * (size_t)t->A);
  t->rew = arena_floats(a, n), t->judged = arena_floats(a, n);
  t->obs_at = arena_bytes(a, n * sizeof *t->obs_at);
  t->act_at = arena_bytes(a, n * sizeof *t->act_at);
  t->next_at = arena_bytes(a, n * sizeof *t->next_at);
  t->done = arena_bytes(a, n);
  t->live = arena_bytes(a, n * sizeof *t->live);
}

mopo_status trials_create(trials **out, const trial_setup *set, mopo_error *err)
{
  *out = NULL;
  assert(set->n >= 1 && set->n <= ENSEMBLE_ROWS);
  trials *t = calloc(1, sizeof *t);
  if (t) {
    t->set = *set;
    t->E = set->m->set.members, t->S = set->m->S, t->A = set->m->A, t->D = set->m->D;
    layout(t, &t->memory);
  }
  if (!t || !arena_alloc(&t->memory)) {
    free(t);
    return error_set(err, MOPO_ENOMEM, "ope: no memory for %d trials", set->n);
  }
  layout(t, &t->memory);
  t->model_noise = rng_split(set->key, "model");
  t->action_noise = rng_split(set->key, "action");
  t->end_draw = rng_split(set->key, "end");
  mopo_status st = task_scratch_create(&t->scratch, set->task, t->S, t->A, t->E * t->set.n, err);
  if (st != MOPO_OK) {
    trials_free(t);
    return st;
  }
  *out = t;
  return MOPO_OK;
}

void trials_free(trials *t)
{
  if (!t) return;
  task_scratch_free(t->scratch);
  free(t->memory.base);
  free(t);
}

/* ------------------------------------------------------------------ one step of one member */

/* Draws of trial j in this step. */
static uint64_t place_of(const trials *t, int j)
{
  return (uint64_t)t->step * (uint64_t)(t->E * t->set.n) + (uint64_t)j;
}

/* Actions of the live ones, with the player's noise, within [-1,1], as the actuators take them. */
static void act(const trials *t, worker *w, const int *live, int n)
{
  size_t S = (size_t)t->S, A = (size_t)t->A;
  const float *from = t->who->standardised ? t->x : t->obs, *noise = t->who->noise;
  for (int r = 0; r < n; r++)
    memcpy(w->sees + (size_t)r * S, from + (size_t)live[r] * S, S * sizeof *from);
  actor_act(t->who->p, &w->actor, w->acts, A, w->sees, S, n, NULL);
  for (int r = 0; r < n; r++) {
    float *a = t->act + (size_t)live[r] * A;
    memcpy(a, w->acts + (size_t)r * A, A * sizeof *a);
    if (noise) rng_normals(w->noise, t->A, t->action_noise, place_of(t, live[r]));
    for (size_t k = 0; noise && k < A; k++) {
      float y = a[k] + noise[k] * w->noise[k];
      a[k] = y > 1.0f ? 1.0f : y < -1.0f ? -1.0f : y;
    }
    task_round_actions(t->set.task, a, A, 1);
    standard_round(t->set.s, a);
  }
}

/* The member's Gaussian at the live rows, means and variances in panels. */
static panels predict(const trials *t, worker *w, int member, const int *live, int n)
{
  const float *x[ENSEMBLE_ROWS], *a[ENSEMBLE_ROWS];
  const ensemble *m = t->set.m;
  const mlp *net = &m->net[member];
  for (int r = 0; r < n; r++)
    x[r] = t->x + (size_t)live[r] * (size_t)t->S, a[r] = t->act + (size_t)live[r] * (size_t)t->A;
  ensemble_input(m, w->model.input, 0, x, a, n);
  mlp_forward(net, &w->model.acts, 0, n, false);
  panels out = w->model.acts.h[net->layers];
  net->k->gauss_var(out, w->model.norm2, m->ea, m->eb, n, t->D);
  return out;
}

static float output(panels out, int r, int c)
{
  return out.x[(size_t)(c / PANEL) * out.stride + (size_t)r * PANEL + (size_t)(c % PANEL)];
}

/* Reward and successor of trial j from row r of the prediction. */
static void sample(trials *t, worker *w, panels out, int r, int j)
{
  const standard *s = t->set.s;
  size_t at = (size_t)j * (size_t)t->S;
  rng_normals(w->noise, t->D, t->model_noise, place_of(t, j));
  for (int d = 0; d < t->D; d++) {
    float y = output(out, r, d) + sqrtf(output(out, r, t->D + d)) * w->noise[d];
    if (d == 0) {
      t->rew[j] = (float)(s->rew_mean + s->rew_sd * (double)y);
      continue;
    }
    float x = t->x[at + (size_t)d - 1] + s->step_mean[d - 1] + s->step_sd[d - 1] * y;
    t->nx[at + (size_t)d - 1] = x > FAR ? FAR : x < -FAR ? -FAR : x;
  }
  standard_out(s, t->next + at, t->nx + at);
}

static void draw_ends(trials *t, worker *w, const int *live, int n)
{
  const float *obs[ENSEMBLE_ROWS], *a[ENSEMBLE_ROWS];
  float logit[ENSEMBLE_ROWS];
  for (int r = 0; r < n; r++)
    obs[r] = t->obs + (size_t)live[r] * (size_t)t->S,
    a[r] = t->act + (size_t)live[r] * (size_t)t->A;
  termination_logit(t->set.ends, &w->ends, logit, obs, a, n);
  for (int r = 0; r < n; r++) {
    uint32_t x[4];
    rng_block(x, t->end_draw, place_of(t, live[r]), 0);
    t->trial[live[r]].ended = termination_draw(logit[r], (float)(x[0] >> 8) * 0x1p-24f);
  }
}

static void member_step(void *ctx, int member, int thread)
{
  trials *t = ctx;
  worker *w = &t->worker[thread];
  int live[ENSEMBLE_ROWS], n = 0;
  for (int i = 0; i < t->set.n; i++)
    if (!t->trial[member * t->set.n + i].over) live[n++] = member * t->set.n + i;
  if (!n) return;
  act(t, w, live, n);
  panels out = predict(t, w, member, live, n);
  for (int r = 0; r < n; r++) sample(t, w, out, r, live[r]);
  if (t->set.ends) draw_ends(t, w, live, n);
}

/* ------------------------------------------------------------------ between the steps */

static bool is_outside(const trials *t, const float *x)
{
  const standard *s = t->set.s;
  for (int c = 0; c < t->S; c++) {
    float margin = MARGIN * (s->high[c] - s->low[c]);
    if (!(x[c] >= s->low[c] - margin && x[c] <= s->high[c] + margin)) return true;
  }
  return false;
}

static bool all_finite(const float *x, int n)
{
  float sum = 0.0f; /* 0 x is 0 unless x is infinite or NaN */
  for (int i = 0; i < n; i++) sum += 0.0f * x[i];
  return sum == 0.0f;
}

/* Ends by rule and rewards by rule, of all live trials at once. */
static mopo_status judge(trials *t, int n, mopo_error *err)
{
  for (int k = 0; k < n; k++) {
    size_t j = (size_t)t->live[k], S = (size_t)t->S;
    t->obs_at[k] = t->obs + j * S, t->act_at[k] = t->act + j * (size_t)t->A;
    t->next_at[k] = t->next + j * S, t->judged[k] = t->rew[j];
  }
  mopo_status st =
      task_judge(t->scratch, t->done, t->judged, t->obs_at, t->act_at, t->next_at, n, err);
  bool repeats = t->set.task->rules && t->set.task->rules->history > 1;
  for (int k = 0; k < n; k++) {
    size_t j = (size_t)t->live[k];
    t->rew[j] = t->judged[k];
    if (repeats) standard_in(t->set.s, t->nx + j * (size_t)t->S, t->next_at[k]);
  }
  return st;
}

/* What the step gave trial j; it goes on from its successor, or is over. */
static void account(trials *t, int j, bool done)
{
  const standard *s = t->set.s;
  trial *e = &t->trial[j];
  double range = BELOW * (s->rew_high - s->rew_low), r = (double)t->rew[j];
  double least = s->rew_low - range, most = s->rew_high;
  int length = t->set.stretch[j % t->set.n].length;
  size_t at = (size_t)j * (size_t)t->S, bytes = (size_t)t->S * sizeof(float);
  e->steps++;
  if (!isfinite(r) || !all_finite(t->nx + at, t->S)) {
    e->broken = e->over = true;
    e->value += least * (length - e->steps + 1);
    return;
  }
  e->value += r > most ? most : r < least ? least : r;
  e->outside += is_outside(t, t->nx + at);
  e->over = done || e->ended || e->steps >= length;
  memcpy(t->x + at, t->nx + at, bytes);
  memcpy(t->obs + at, t->next + at, bytes);
}

static void begin(trials *t)
{
  int n = t->E * t->set.n;
  for (int j = 0; j < n; j++) {
    size_t at = (size_t)j * (size_t)t->S;
    t->trial[j] = (trial){0};
    memcpy(t->obs + at, dataset_row(t->set.d, t->set.stretch[j % t->set.n].first),
           (size_t)t->S * sizeof(float));
    standard_in(t->set.s, t->x + at, t->obs + at);
  }
}

/* Of the trials that are not over, all steps up to the last. */
static mopo_status play(trials *t, const volatile sig_atomic_t *stop, mopo_error *err)
{
  begin(t);
  for (t->step = 0;; t->step++) {
    int n = 0;
    for (int j = 0; j < t->E * t->set.n; j++)
      if (!t->trial[j].over) t->live[n++] = j;
    if (!n) return MOPO_OK;
    if (stop && *stop) return error_set(err, MOPO_ESTOPPED, "stopped while judging a policy");
    par_run(t->set.pool, t->E, member_step, t);
    mopo_status st = judge(t, n, err);
    if (st != MOPO_OK) return st;
    for (int k = 0; k < n; k++) account(t, t->live[k], t->done[k]);
  }
}

static void sum_up(trial_result *out, const trials *t)
{
  int64_t steps = 0, outside = 0;
  int n = t->E * t->set.n;
  out->broken = 0;
  for (int j = 0; j < n; j++) {
    const trial *e = &t->trial[j];
    out->value[j] = e->value;
    out->broken += e->broken;
    steps += e->steps, outside += e->outside;
  }
  out->outside = (double)outside / (double)steps;
  out->length = (double)steps / n;
}

static void workers_layout(trials *t, arena *a)
{
  size_t threads = (size_t)par_threads(t->set.pool), S = (size_t)t->S, A = (size_t)t->A;
  size_t noise = (size_t)(t->D > t->A ? t->D : t->A);
  t->worker = arena_bytes(a, threads * sizeof *t->worker);
  worker measure = {0};
  for (size_t i = 0; i < threads; i++) {
    worker *w = a->base ? &t->worker[i] : &measure;
    actor_work_layout(&w->actor, t->who->p, a, ENSEMBLE_ROWS);
    ensemble_work_layout(&w->model, t->set.m, a);
    if (t->set.ends) termination_work_layout(&w->ends, t->set.ends, a);
    w->sees = arena_floats(a, ENSEMBLE_ROWS * S), w->acts = arena_floats(a, ENSEMBLE_ROWS * A);
    w->noise = arena_floats(a, noise + 4);
  }
}

mopo_status trials_run(trial_result *out, trials *t, const player *who,
                       const volatile sig_atomic_t *stop, mopo_error *err)
{
  arena a = {0};
  t->who = who;
  workers_layout(t, &a);
  if (!arena_alloc(&a)) return error_set(err, MOPO_ENOMEM, "ope: no memory for a policy's trials");
  workers_layout(t, &a);
  mopo_status st = play(t, stop, err);
  if (st == MOPO_OK) sum_up(out, t);
  free(a.base);
  return st;
}
