/* rollout.c - see rollout.h. A step is cut into blocks of rows that each go through the actor and
 * all members of the model while they are in cache; then the task judges all of its rows. */
#include "train/rollout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct rollout_work {
  actor_work actor;
  imagine_work model;
} rollout_work;

struct rollout {
  rollout_settings set;
  const imagine *g;
  par *pool;
  row_layout at;
  float *rows;         /* [set.rows,W] this step's transitions */
  float *obs;          /* [set.rows,S] of the live ones */
  imagined *step;      /* [set.rows] what they point at is in `rows` */
  double *penalty;     /* [set.rows] lambda u */
  int *age;            /* [set.rows] steps that the trajectory in each place has made */
  unsigned char *over; /* [set.rows] 1: it is cut, or has ended */
  rollout_work *work;  /* [threads] */
  arena memory;
  /* this step */
  const actor *p;
  rng_key act_key;
  ensemble_draw draw;
  int live, last; /* rows that go on; rows of the last step */
  bool (*stop)(void *ctx);
  void *stop_ctx;
};

static void layout(rollout *r, const actor *p, arena *a)
{
  size_t n = (size_t)r->set.rows, threads = (size_t)par_threads(r->pool);
  r->rows = arena_floats(a, n * (size_t)r->at.width);
  r->obs = arena_floats(a, n * (size_t)r->at.S);
  r->penalty = arena_bytes(a, n * sizeof(double));
  r->age = arena_bytes(a, n * sizeof *r->age);
  r->over = arena_bytes(a, n);
  r->work = arena_bytes(a, threads * sizeof *r->work);
  rollout_work measure = {0};
  for (size_t t = 0; t < threads; t++) {
    rollout_work *w = a->base ? &r->work[t] : &measure;
    actor_work_layout(&w->actor, p, a, ENSEMBLE_ROWS);
    imagine_work_layout(&w->model, r->g, a);
  }
}

mopo_status rollout_create(rollout **out, const rollout_settings *set, const imagine *g,
                           const actor *p, par *pool, mopo_error *err)
{
  *out = NULL;
  rollout *r = calloc(1, sizeof *r);
  if (!r) return error_set(err, MOPO_ENOMEM, "rollout: no memory");
  r->set = *set, r->g = g, r->pool = pool;
  r->at = row_layout_of(g->m->S, g->m->A);
  layout(r, p, &r->memory);
  if (!arena_alloc(&r->memory)) {
    free(r);
    return error_set(err, MOPO_ENOMEM, "rollout: no memory for %d rows", set->rows);
  }
  layout(r, p, &r->memory);
  mopo_status st = imagined_create(&r->step, g, set->rows, err);
  if (st == MOPO_OK)
    *out = r;
  else
    rollout_free(r);
  return st;
}

void rollout_free(rollout *r)
{
  if (!r) return;
  imagined_free(r->step);
  free(r->memory.base);
  free(r);
}

static bool stopped(const rollout *r) { return r->stop && r->stop(r->stop_ctx); }

/* Rows r0.. of this step: act and imagine. */
static void block(void *ctx, int piece, int thread)
{
  rollout *r = ctx;
  if (stopped(r)) return; /* so does the step */
  rollout_work *w = &r->work[thread];
  const row_layout *at = &r->at;
  int r0 = piece * ENSEMBLE_ROWS;
  int n = r->live - r0 < ENSEMBLE_ROWS ? r->live - r0 : ENSEMBLE_ROWS;
  float *rows = r->rows + (size_t)r0 * (size_t)at->width;
  for (int i = 0; i < n; i++) {
    float *row = rows + i * at->width;
    memcpy(row, r->obs + (size_t)(r0 + i) * (size_t)at->S, (size_t)at->S * sizeof *row);
    r->step->obs[r0 + i] = row, r->step->act[r0 + i] = row + at->act;
    r->step->next[r0 + i] = row + at->next;
  }
  int padded_rows = (r->set.rows + PANEL - 1) / PANEL * PANEL;
  actor_noise_at noise = {r->act_key, r->draw.hi, padded_rows, r0};
  actor_act(r->p, &w->actor, rows + at->act, (size_t)at->width, rows, (size_t)at->width, n, &noise);
  task_round_actions(r->g->task, rows + at->act, (size_t)at->width, n);
  ensemble_draw draw = r->draw;
  draw.r0 = (uint64_t)r0;
  imagine_rows(r->g, &w->model, thread, r->step, r0, n, &draw);
}

/* What the task says of the step's rows, and r - lambda u. */
static mopo_status judge(rollout *r, mopo_error *err)
{
  mopo_status st = imagine_judge(r->g, r->step, r->live, err);
  for (int i = 0; i < r->live; i++) {
    float *row = r->rows + (size_t)i * (size_t)r->at.width,
          cost = imagine_cost(r->g, r->step->u[i]);
    row[r->at.rew] = r->step->rew[i] - cost;
    row[r->at.done] = r->step->done[i] ? 1.0f : 0.0f;
    r->penalty[i] = (double)cost;
  }
  return st;
}

/* A recorded state, drawn for place i of (key, hi). */
static void start_state(rollout *r, int i, const mopo_dataset *d, rng_key key, uint64_t hi)
{
  size_t S = (size_t)r->at.S;
  uint32_t w[4];
  rng_block(w, key, hi, (uint64_t)i);
  uint64_t row = rng_word_below(w[0], w[1], (uint64_t)d->N);
  memcpy(r->obs + (size_t)i * S, dataset_row(d, (int64_t)row), S * sizeof(float));
  r->age[i] = 0;
}

/* The rows that go on become the next step's states. */
static void keep_live(rollout *r)
{
  size_t S = (size_t)r->at.S;
  int n = 0;
  for (int i = 0; i < r->live; i++) {
    const float *row = r->rows + (size_t)i * (size_t)r->at.width;
    if (row[r->at.done] == 0.0f)
      memcpy(r->obs + (size_t)n++ * S, row + r->at.next, S * sizeof *row);
  }
  r->live = n;
}

/* Cuts what went beyond the model's reach: true where row i is the last of its trajectory. */
static bool cut(rollout *r, rollout_stats *out, int i)
{
  float *row = r->rows + (size_t)i * (size_t)r->at.width;
  if (row[r->at.done] != 0.0f) return true;
  if (r->step->far[i] <= r->g->reach->threshold) return false;
  out->cut++;
  if (isnan(r->set.cut_value)) return true;
  row[r->at.rew] += (float)(r->set.gamma * r->set.cut_value);
  row[r->at.done] = 1.0f;
  return true;
}

/* Every place has a next state: where its trajectory came to, or where another begins. */
static void refill(rollout *r, rollout_stats *out, const mopo_dataset *d, rng_key key)
{
  size_t S = (size_t)r->at.S;
  for (int i = 0; i < r->live; i++) {
    const float *row = r->rows + (size_t)i * (size_t)r->at.width;
    r->age[i]++;
    if (r->over[i])
      start_state(r, i, d, key, r->draw.hi), out->begun++;
    else
      memcpy(r->obs + (size_t)i * S, row + r->at.next, S * sizeof *row);
  }
}

/* lambda u by the trajectories' age. */
typedef struct ages {
  double young, old;
  int64_t n_young, n_old;
} ages;

static void count(const rollout *r, rollout_stats *out, ages *by_age)
{
  for (int i = 0; i < r->live; i++) {
    out->penalty_mean += r->penalty[i], out->reward_mean += (double)r->step->rew[i];
    out->terminals += r->step->done[i], out->bounded += r->step->bounded[i];
    if (r->age[i] == 0)
      by_age->young += r->penalty[i], by_age->n_young++;
    else if (r->age[i] >= r->set.length / 2)
      by_age->old += r->penalty[i], by_age->n_old++;
  }
  out->rows += r->live;
}

static void begin(rollout *r, rollout_stats *out, const mopo_dataset *d, rng_key key,
                  uint64_t epoch)
{
  rng_key start = rng_split(key, "start");
  *out = (rollout_stats){.begun = r->set.rows};
  r->act_key = rng_split(key, "action");
  r->draw = (ensemble_draw){rng_split(key, "noise"), rng_split(key, "member"), 0, 0};
  r->live = r->set.rows;
  for (int i = 0; i < r->live; i++) start_state(r, i, d, start, epoch);
}

/* Rows of the step are judged and complete: into the ring, and on. */
static void end_step(rollout *r, rollout_stats *out, ages *by_age, replay *into,
                     const mopo_dataset *d, rng_key key)
{
  count(r, out, by_age);
  r->last = r->live;
  if (!r->g->reach) {
    replay_push(into, r->rows, r->live);
    for (int i = 0; i < r->live; i++) r->age[i]++;
    keep_live(r);
    return;
  }
  for (int i = 0; i < r->live; i++) r->over[i] = cut(r, out, i);
  replay_push(into, r->rows, r->live);
  refill(r, out, d, key);
}

mopo_status rollout_run(rollout *r, rollout_stats *out, replay *into, const mopo_dataset *d,
                        const actor *p, rng_key key, uint64_t epoch, bool (*stop)(void *ctx),
                        void *ctx, mopo_error *err)
{
  ages by_age = {0};
  rng_key again = rng_split(key, "refill");
  r->p = p;
  r->stop = stop, r->stop_ctx = ctx;
  begin(r, out, d, key, epoch);
  for (int t = 0; t < r->set.length && r->live > 0; t++) {
    r->draw.hi = epoch * (uint64_t)r->set.length + (uint64_t)t;
    par_run(r->pool, (r->live + ENSEMBLE_ROWS - 1) / ENSEMBLE_ROWS, block, r);
    if (stopped(r)) return error_set(err, MOPO_ESTOPPED, "stopped in a rollout");
    mopo_status st = judge(r, err);
    if (st != MOPO_OK) return st;
    end_step(r, out, &by_age, into, d, again);
  }
  out->penalty_mean /= (double)out->rows;
  out->reward_mean /= (double)out->rows;
  out->u_young = by_age.n_young ? by_age.young / (double)by_age.n_young : (double)NAN;
  out->u_old = by_age.n_old ? by_age.old / (double)by_age.n_old : (double)NAN;
  return MOPO_OK;
}

const double *rollout_penalties(const rollout *r, int *n)
{
  *n = r->last;
  return r->penalty;
}
