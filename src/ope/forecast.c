/* forecast.c - see forecast.h. All episodes go on in step, so that the task judges all rows of a
 * step at once. A piece of work is one step of a few episodes; a draw is named by the piece and the
 * place in it. */
#include "ope/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"

enum { ROWS = 12 /* episodes of a piece: two tiles of six */ };

typedef struct forecast_work {
  actor_work actor;
  imagine_work model;
} forecast_work;

typedef struct episode {
  double ret, penalty, weight; /* sums over t of gamma^t times r, u, 1 */
  bool broken;
} episode;

/* Of its episodes, the live ones in their order. */
typedef struct piece {
  int episode[ROWS];
  int live, at; /* how many; where they begin among all live rows of the step */
} piece;

struct forecast {
  forecast_settings set;
  imagine g;
  par *pool;
  int n, pieces;       /* episodes */
  episode *of;         /* [n] */
  piece *piece;        /* [pieces] */
  imagined *step;      /* [n] */
  float *obs, *next;   /* [n,S] the k-th live one of piece p in row p * ROWS + k */
  float *act;          /* [n,A] */
  forecast_work *work; /* [threads] */
  arena memory;
  /* this run */
  const actor *p;
  rng_key noise, member;
  int t;
};

static void layout(forecast *f, const actor *p, arena *a)
{
  size_t threads = (size_t)par_threads(f->pool), n = (size_t)f->n;
  size_t S = (size_t)f->g.m->S, A = (size_t)f->g.m->A;
  f->of = arena_bytes(a, n * sizeof *f->of);
  f->piece = arena_bytes(a, (size_t)f->pieces * sizeof *f->piece);
  f->obs = arena_floats(a, n * S), f->next = arena_floats(a, n * S);
  f->act = arena_floats(a, n * A);
  f->work = arena_bytes(a, threads * sizeof *f->work);
  forecast_work measure = {0};
  for (size_t t = 0; t < threads; t++) {
    forecast_work *w = a->base ? &f->work[t] : &measure;
    actor_work_layout(&w->actor, p, a, PANEL);
    imagine_work_layout(&w->model, &f->g, a);
  }
}

mopo_status forecast_create(forecast **out, const forecast_settings *set, const imagine *g,
                            const actor *p, par *pool, mopo_error *err)
{
  *out = NULL;
  forecast *f = calloc(1, sizeof *f);
  if (!f) return error_set(err, MOPO_ENOMEM, "forecast: no memory");
  f->set = *set, f->g = *g, f->pool = pool;
  f->n = set->starts * FORECAST_COPIES, f->pieces = (f->n + ROWS - 1) / ROWS;
  if (!penalty_measures(g->penalty)) f->g.penalty = penalty_named("aleatoric"), f->g.coef = 0.0;
  layout(f, p, &f->memory);
  if (!arena_alloc(&f->memory)) {
    free(f);
    return error_set(err, MOPO_ENOMEM, "forecast: no memory for %d episodes", set->starts);
  }
  layout(f, p, &f->memory);
  mopo_status st = imagined_create(&f->step, &f->g, f->n, err);
  if (st == MOPO_OK)
    *out = f;
  else
    forecast_free(f);
  return st;
}

void forecast_free(forecast *f)
{
  if (!f) return;
  imagined_free(f->step);
  free(f->memory.base);
  free(f);
}

/* One step of the live episodes of a piece. */
static void step(void *ctx, int number, int thread)
{
  forecast *f = ctx;
  const piece *x = &f->piece[number];
  forecast_work *w = &f->work[thread];
  size_t S = (size_t)f->g.m->S, A = (size_t)f->g.m->A, first = (size_t)number * ROWS;
  if (x->live == 0) return;
  for (int k = 0; k < x->live; k++) {
    size_t row = first + (size_t)k;
    f->step->obs[x->at + k] = f->obs + row * S, f->step->next[x->at + k] = f->next + row * S;
    f->step->act[x->at + k] = f->act + row * A;
  }
  actor_act(f->p, &w->actor, f->act + first * A, A, f->obs + first * S, S, x->live, NULL);
  task_round_actions(f->g.task, f->act + first * A, A, x->live);
  ensemble_draw draw = {f->noise, f->member, (uint64_t)f->t, first};
  imagine_rows(&f->g, &w->model, thread, f->step, x->at, x->live, &draw);
}

/* In the log's units. */
static double reward_of(const forecast *f, float rew)
{
  const units *s = f->g.m->units;
  return s ? units_reward_back(s, (double)rew) : (double)rew;
}

/* Adds what row i of the step got to its episode. True: it goes on. */
static bool account(const forecast *f, episode *e, int i, double weight)
{
  e->ret += weight * reward_of(f, f->step->rew[i]);
  e->penalty += weight * (double)f->step->u[i];
  e->weight += weight;
  e->broken = !all_finite(f->step->next[i], (size_t)f->g.m->S) || !isfinite(e->ret) ||
              !isfinite(e->penalty);
  if (e->broken && isfinite(e->ret)) e->ret = (double)NAN; /* what would follow, nobody knows */
  return !e->broken && !f->step->done[i];
}

/* The episodes of a piece that go on become its next step's. */
static void keep_live(forecast *f, int number, double weight)
{
  piece *x = &f->piece[number];
  size_t S = (size_t)f->g.m->S, first = (size_t)number * ROWS;
  int kept = 0;
  for (int k = 0; k < x->live; k++) {
    if (!account(f, &f->of[x->episode[k]], x->at + k, weight)) continue;
    memcpy(f->obs + (first + (size_t)kept) * S, f->step->next[x->at + k], S * sizeof(float));
    x->episode[kept++] = x->episode[k];
  }
  x->live = kept;
}

static void begin(forecast *f, const float *starts)
{
  size_t S = (size_t)f->g.m->S;
  for (int i = 0; i < f->n; i++) {
    f->of[i] = (episode){0};
    memcpy(f->obs + (size_t)i * S, starts + (size_t)(i % f->set.starts) * S, S * sizeof(float));
    if (f->g.m->units) units_obs(f->g.m->units, f->obs + (size_t)i * S, f->obs + (size_t)i * S);
    f->piece[i / ROWS].episode[i % ROWS] = i;
    f->piece[i / ROWS].live = i % ROWS + 1;
  }
}

/* Live rows of the step that comes, and where each piece's are. */
static int place(forecast *f)
{
  int live = 0;
  for (int i = 0; i < f->pieces; live += f->piece[i++].live) f->piece[i].at = live;
  return live;
}

mopo_status forecast_run(forecast_result *out, forecast *f, const actor *p, const float *starts,
                         rng_key key, mopo_error *err)
{
  double ret = 0.0, penalty = 0.0, sum = 0.0, weight = 1.0;
  *out = (forecast_result){0};
  f->p = p, f->noise = rng_split(key, "noise"), f->member = rng_split(key, "member");
  begin(f, starts);
  for (f->t = 0; f->t < f->g.task->facts.horizon; f->t++, weight *= f->set.gamma) {
    int live = place(f);
    if (live == 0) break;
    par_run(f->pool, f->pieces, step, f);
    mopo_status st = imagine_judge(&f->g, f->step, live, err);
    if (st != MOPO_OK) return st;
    for (int i = 0; i < f->pieces; i++) keep_live(f, i, weight);
  }
  for (int i = 0; i < f->n; i++) {
    ret += f->of[i].ret, penalty += f->of[i].penalty, sum += f->of[i].weight;
    out->broken += f->of[i].broken;
  }
  out->ret = ret / f->n;
  const units *s = f->g.m->units;
  out->penalised = (ret - f->g.coef * (s ? (double)s->reward_spread : 1.0) * penalty) / f->n;
  out->uncertainty = penalty / sum;
  return MOPO_OK;
}
