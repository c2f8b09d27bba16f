/* forecast.c - see forecast.h. A piece of work is a few episodes from their first step to their
 * last, so that threads meet only at the end. */
#include "ope/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "play/oracle.h"
#include "task/task.h"

enum { ROWS = 12 /* episodes of a piece: two tiles of six */ };

typedef struct forecast_work {
  actor_work actor;
  ensemble_work model;
  float *obs, *next, *act; /* [ROWS,S] [ROWS,S] [ROWS,A]: of the live ones, in order */
} forecast_work;

typedef struct imagined {
  double ret, penalty, weight; /* sums over t of gamma^t times r, u, 1 */
  bool broken;
} imagined;

struct forecast {
  forecast_settings set;
  const mopo_task *task;
  const ensemble *m;
  par *pool;
  int n;               /* episodes */
  imagined *at;        /* [n] */
  forecast_work *work; /* [threads] */
  arena memory;
  /* this run */
  const actor *p;
  const float *starts;
  rng_key noise, member;
};

static void layout(forecast *f, const actor *p, arena *a)
{
  size_t threads = (size_t)par_threads(f->pool), S = (size_t)f->m->S, A = (size_t)f->m->A;
  f->at = arena_bytes(a, (size_t)f->n * sizeof *f->at);
  f->work = arena_bytes(a, threads * sizeof *f->work);
  forecast_work measure = {0};
  for (size_t t = 0; t < threads; t++) {
    forecast_work *w = a->base ? &f->work[t] : &measure;
    actor_work_layout(&w->actor, p, a, PANEL);
    ensemble_work_layout(&w->model, f->m, a);
    w->obs = arena_floats(a, ROWS * S), w->next = arena_floats(a, ROWS * S);
    w->act = arena_floats(a, ROWS * A);
  }
}

mopo_status forecast_create(forecast **out, const forecast_settings *set, const mopo_task *task,
                            const ensemble *m, const actor *p, par *pool, mopo_error *err)
{
  *out = NULL;
  forecast *f = calloc(1, sizeof *f);
  if (!f) return error_set(err, MOPO_ENOMEM, "forecast: no memory");
  f->set = *set, f->task = task, f->m = m, f->pool = pool;
  f->n = set->starts * FORECAST_COPIES;
  if (set->penalty == PENALTY_NONE) f->set.penalty = PENALTY_ALEATORIC, f->set.coef = 0.0;
  layout(f, p, &f->memory);
  if (!arena_alloc(&f->memory)) {
    free(f);
    return error_set(err, MOPO_ENOMEM, "forecast: no memory for %d episodes", set->starts);
  }
  layout(f, p, &f->memory);
  *out = f;
  return MOPO_OK;
}

void forecast_free(forecast *f)
{
  if (!f) return;
  free(f->memory.base);
  free(f);
}

/* One step of n live episodes into w->next. */
static void step(const forecast *f, int thread, float *rew, float *u, int n, int t, int first)
{
  forecast_work *w = &f->work[thread];
  size_t S = (size_t)f->m->S, A = (size_t)f->m->A;
  const float *obs[ROWS] = {0}, *act[ROWS] = {0};
  float *next[ROWS] = {0};
  for (int k = 0; k < n; k++) {
    obs[k] = w->obs + (size_t)k * S, next[k] = w->next + (size_t)k * S;
    act[k] = w->act + (size_t)k * A;
  }
  actor_act(f->p, &w->actor, w->act, A, w->obs, S, n, NULL);
  ensemble_draw draw = {f->noise, f->member, (uint64_t)t, (uint64_t)first};
  ensemble_step(f->m, &w->model, next, rew, u, obs, act, n, f->set.penalty, &draw);
  if (f->set.oracle) oracle_measure(f->set.oracle, thread, u, f->m, &w->model, obs, act, n);
}

/* Adds what the k-th live episode got. True: it goes on. */
static bool account(const forecast *f, const forecast_work *w, imagined *e, int k, float rew,
                    float u, double weight)
{
  int S = f->m->S, A = f->m->A;
  const float *obs = w->obs + k * S, *act = w->act + k * A, *next = w->next + k * S;
  e->ret += weight * (double)rew;
  e->penalty += weight * (double)u;
  e->weight += weight;
  e->broken = !all_finite(next, (size_t)S) || !isfinite(e->ret) || !isfinite(e->penalty);
  if (e->broken && isfinite(e->ret)) e->ret = (double)NAN; /* what would follow, nobody knows */
  return !e->broken && !task_done(f->task, obs, act, next);
}

/* Episodes first .. first+ROWS-1 from beginning to end. */
static void episodes(void *ctx, int piece, int thread)
{
  forecast *f = ctx;
  forecast_work *w = &f->work[thread];
  size_t S = (size_t)f->m->S;
  int first = piece * ROWS, n = f->n - first < ROWS ? f->n - first : ROWS, live[ROWS];
  float rew[ROWS], u[ROWS];
  for (int k = 0; k < n; k++) {
    live[k] = first + k;
    f->at[live[k]] = (imagined){0};
    memcpy(w->obs + (size_t)k * S, f->starts + (size_t)(live[k] % f->set.starts) * S,
           S * sizeof(float));
  }
  double weight = 1.0;
  for (int t = 0; t < f->task->facts.horizon && n > 0; t++, weight *= f->set.gamma) {
    step(f, thread, rew, u, n, t, first);
    int kept = 0;
    for (int k = 0; k < n; k++) {
      if (!account(f, w, &f->at[live[k]], k, rew[k], u[k], weight)) continue;
      memcpy(w->obs + (size_t)kept * S, w->next + (size_t)k * S, S * sizeof(float));
      live[kept++] = live[k];
    }
    n = kept;
  }
}

void forecast_run(forecast_result *out, forecast *f, const actor *p, const float *starts,
                  rng_key key)
{
  double ret = 0.0, penalty = 0.0, weight = 0.0;
  *out = (forecast_result){0};
  f->p = p, f->starts = starts;
  f->noise = rng_split(key, "noise"), f->member = rng_split(key, "member");
  par_run(f->pool, (f->n + ROWS - 1) / ROWS, episodes, f);
  for (int i = 0; i < f->n; i++) {
    ret += f->at[i].ret, penalty += f->at[i].penalty, weight += f->at[i].weight;
    out->broken += f->at[i].broken;
  }
  out->ret = ret / f->n;
  out->penalised = (ret - f->set.coef * penalty) / f->n;
  out->uncertainty = penalty / weight;
}
