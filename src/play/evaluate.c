/* evaluate.c - see evaluate.h. */
#include "play/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "task/task.h"

typedef struct episode {
  sim *sim;
  double ret, discounted, weight; /* sums of r and gamma^t r; gamma^t of the next step */
  int length;
  bool live, failed, terminal;
} episode;

struct evaluator {
  const mopo_task *task;
  par *pool;
  bool parallel; /* the episodes are stepped side by side, else one after the other */
  int n, n_live;
  double gamma;
  int *live;        /* [n] numbers of the live episodes */
  episode *at;      /* [n] */
  float *obs, *act; /* [n,S] [n,A]: of the live ones, in order */
  float *next;      /* [n,S] */
  float *starts;    /* [n,S] */
  actor_work work;
  arena memory;
  /* when recording: rows of every episode, [n,horizon,...] */
  float *rec_obs, *rec_act, *rec_next, *rec_rew;
  double *rec_state, *rec_after; /* [nq+nv] before a step, [nq] after it */
  int nq, nv;
  const volatile sig_atomic_t *stop; /* NULL: it runs to its end */
};

enum { ROWS = 64 };

static void layout(evaluator *e, const actor *p, arena *a)
{
  size_t n = (size_t)e->n, S = (size_t)e->task->facts.obs_dim, A = (size_t)e->task->facts.act_dim;
  e->live = arena_bytes(a, n * sizeof *e->live);
  e->at = arena_bytes(a, n * sizeof *e->at);
  e->obs = arena_floats(a, n * S), e->next = arena_floats(a, n * S);
  e->starts = arena_floats(a, n * S);
  e->act = arena_floats(a, n * A);
  actor_work_layout(&e->work, p, a, ROWS);
}

mopo_status evaluator_create(evaluator **out, const mopo_task *task, const sim_world *world,
                             const actor *p, int episodes, double gamma, par *pool, mopo_error *err)
{
  *out = NULL;
  if (episodes < 1 || episodes > MOPO_EVAL_MAX)
    return error_set(err, MOPO_EINVAL, "episodes = %d, want 1 to %d", episodes, MOPO_EVAL_MAX);
  evaluator *e = calloc(1, sizeof *e);
  if (!e) return error_set(err, MOPO_ENOMEM, "evaluation: no memory");
  e->task = task, e->pool = pool, e->n = episodes, e->gamma = gamma;
  e->nq = sim_nq(world), e->nv = sim_nv(world);
  e->parallel = sim_parallel(world);
  layout(e, p, &e->memory);
  if (!arena_alloc(&e->memory)) {
    free(e);
    return error_set(err, MOPO_ENOMEM, "evaluation: no memory for %d episodes", episodes);
  }
  layout(e, p, &e->memory);
  for (int i = 0; i < episodes; i++) {
    mopo_status st = sim_create(&e->at[i].sim, world, err);
    if (st != MOPO_OK) {
      evaluator_free(e);
      return st;
    }
  }
  *out = e;
  return MOPO_OK;
}

void evaluator_free(evaluator *e)
{
  if (!e) return;
  for (int i = 0; e->at && i < e->n; i++) sim_free(e->at[i].sim);
  free(e->rec_obs), free(e->rec_act), free(e->rec_next), free(e->rec_rew), free(e->rec_state);
  free(e->rec_after);
  free(e->memory.base);
  free(e);
}

void evaluator_stop_at(evaluator *e, const volatile sig_atomic_t *flag) { e->stop = flag; }

/* ------------------------------------------------------------------ recording */

static mopo_status keep_rows(evaluator *e, mopo_error *err)
{
  size_t rows = (size_t)e->n * (size_t)e->task->facts.horizon;
  e->rec_obs = malloc(rows * (size_t)e->task->facts.obs_dim * sizeof(float));
  e->rec_next = malloc(rows * (size_t)e->task->facts.obs_dim * sizeof(float));
  e->rec_act = malloc(rows * (size_t)e->task->facts.act_dim * sizeof(float));
  e->rec_rew = malloc(rows * sizeof(float));
  e->rec_state = malloc(rows * (size_t)(e->nq + e->nv) * sizeof(double));
  e->rec_after = malloc(rows * (size_t)e->nq * sizeof(double));
  if (e->rec_obs && e->rec_next && e->rec_act && e->rec_rew && e->rec_state && e->rec_after)
    return MOPO_OK;
  return error_set(err, MOPO_ENOMEM, "evaluation: no memory to record %d episodes", e->n);
}

static void keep_row(evaluator *e, int i, const float *obs, const float *act, const float *next,
                     double rew)
{
  size_t S = (size_t)e->task->facts.obs_dim, A = (size_t)e->task->facts.act_dim;
  size_t row = (size_t)i * (size_t)e->task->facts.horizon + (size_t)e->at[i].length;
  memcpy(e->rec_obs + row * S, obs, S * sizeof(float));
  memcpy(e->rec_next + row * S, next, S * sizeof(float));
  memcpy(e->rec_act + row * A, act, A * sizeof(float));
  e->rec_rew[row] = (float)rew;
  sim_get_state(e->at[i].sim, e->rec_after + row * (size_t)e->nq, NULL);
}

static mopo_status write_rows(evaluator *e, recorder *r, mopo_error *err)
{
  size_t S = (size_t)e->task->facts.obs_dim, A = (size_t)e->task->facts.act_dim;
  for (int i = 0; i < e->n; i++)
    for (int t = 0; t < e->at[i].length; t++) {
      size_t row = (size_t)i * (size_t)e->task->facts.horizon + (size_t)t;
      const double *state = e->rec_state + row * (size_t)(e->nq + e->nv);
      bool last = t == e->at[i].length - 1, terminal = last && e->at[i].terminal;
      mopo_status st = recorder_add(r, e->rec_obs + row * S, e->rec_act + row * A, e->rec_rew[row],
                                    e->rec_next + row * S, terminal, last && !terminal, state,
                                    state + e->nq, e->rec_after + row * (size_t)e->nq, err);
      if (st != MOPO_OK) return st;
    }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ running */

static void step_one(void *ctx, int piece, int thread)
{
  (void)thread;
  evaluator *e = ctx;
  size_t S = (size_t)e->task->facts.obs_dim, A = (size_t)e->task->facts.act_dim, k = (size_t)piece;
  int i = e->live[piece];
  episode *ep = &e->at[i];
  double rew = 0.0;
  bool done = false;
  if (e->rec_state) {
    size_t row = (size_t)i * (size_t)e->task->facts.horizon + (size_t)ep->length;
    double *state = e->rec_state + row * (size_t)(e->nq + e->nv);
    sim_get_state(ep->sim, state, state + e->nq);
  }
  if (!sim_step(ep->sim, e->next + k * S, &rew, &done, e->act + k * A)) {
    ep->failed = true;
    ep->live = false;
    return;
  }
  if (e->rec_state) keep_row(e, i, e->obs + k * S, e->act + k * A, e->next + k * S, rew);
  ep->ret += rew;
  ep->discounted += ep->weight * rew;
  ep->weight *= e->gamma;
  ep->length++;
  ep->terminal = done;
  if (done || sim_cut(ep->sim) || ep->length >= e->task->facts.horizon) ep->live = false;
}

/* Episode i begins, as the k-th of the live ones. */
static void begin(evaluator *e, int i, int k, rng_key key)
{
  size_t S = (size_t)e->task->facts.obs_dim;
  sim *s = e->at[i].sim;
  rng_stream noise = rng_stream_of(rng_index(key, (uint64_t)i));
  e->at[i] = (episode){.sim = s, .weight = 1.0, .live = true};
  e->live[k] = i;
  sim_reset(s, e->obs + (size_t)k * S, &noise);
  memcpy(e->starts + (size_t)i * S, e->obs + (size_t)k * S, S * sizeof(float));
}

static void keep_live(evaluator *e)
{
  size_t S = (size_t)e->task->facts.obs_dim;
  int n = 0;
  for (int k = 0; k < e->n_live; k++) {
    if (!e->at[e->live[k]].live) continue;
    memcpy(e->obs + (size_t)n * S, e->next + (size_t)k * S, S * sizeof(float));
    e->live[n++] = e->live[k];
  }
  e->n_live = n;
}

static void summarise(mopo_eval_result *out, const evaluator *e)
{
  *out = (mopo_eval_result){.episodes = e->n};
  double sum = 0.0, length = 0.0, square = 0.0;
  for (int i = 0; i < e->n; i++) {
    out->returns[i] = e->at[i].ret;
    out->lengths[i] = e->at[i].length;
    out->failures += e->at[i].failed;
    sum += e->at[i].ret;
    length += e->at[i].length;
  }
  out->return_mean = sum / e->n;
  out->length_mean = length / e->n;
  for (int i = 0; i < e->n; i++) {
    double d = e->at[i].ret - out->return_mean;
    square += d * d;
  }
  out->return_std = sqrt(square / e->n);
  out->score = mopo_task_score(e->task, out->return_mean);
}

/* Plays the live episodes to their end. */
static mopo_status play(evaluator *e, const actor *p, mopo_error *err)
{
  size_t S = (size_t)e->task->facts.obs_dim, A = (size_t)e->task->facts.act_dim;
  while (e->n_live > 0) {
    if (e->stop && *e->stop) return error_set(err, MOPO_ESTOPPED, "stopped in an evaluation");
    for (int k = 0; k < e->n_live; k += ROWS) {
      int n = e->n_live - k < ROWS ? e->n_live - k : ROWS;
      actor_act(p, &e->work, e->act + (size_t)k * A, A, e->obs + (size_t)k * S, S, n, NULL);
      task_round_actions(e->task, e->act + (size_t)k * A, A, n);
    }
    if (e->parallel)
      par_run(e->pool, e->n_live, step_one, e);
    else
      step_one(e, 0, 0);
    keep_live(e);
  }
  return MOPO_OK;
}

static mopo_status play_side_by_side(evaluator *e, const actor *p, rng_key key, mopo_error *err)
{
  e->n_live = e->n;
  for (int i = 0; i < e->n; i++) begin(e, i, i, key);
  return play(e, p, err);
}

static mopo_status play_in_turn(evaluator *e, const actor *p, rng_key key, mopo_error *err)
{
  for (int i = 0; i < e->n; i++) {
    e->n_live = 1;
    begin(e, i, 0, key);
    mopo_status st = play(e, p, err);
    if (st != MOPO_OK) return st;
    const episode *ep = &e->at[i];
    if (*sim_why(ep->sim))
      return error_set(err, MOPO_EDATA, "%s in episode %d, step %d", sim_why(ep->sim), i,
                       ep->length);
  }
  return MOPO_OK;
}

mopo_status evaluator_run(mopo_eval_result *out, evaluator *e, const actor *p, rng_key key,
                          recorder *record, mopo_error *err)
{
  if (record && !e->rec_state) {
    mopo_status st = keep_rows(e, err);
    if (st != MOPO_OK) return st;
  }
  mopo_status st = e->parallel ? play_side_by_side(e, p, key, err) : play_in_turn(e, p, key, err);
  if (st != MOPO_OK) return st;
  summarise(out, e);
  return record ? write_rows(e, record, err) : MOPO_OK;
}

const float *evaluator_starts(const evaluator *e) { return e->starts; }

double evaluator_discounted(const evaluator *e)
{
  double sum = 0.0;
  for (int i = 0; i < e->n; i++) sum += e->at[i].discounted;
  return sum / e->n;
}

sim_physics physics_of(const char *name)
{
  return strcmp(name, "gymnasium") == 0 ? SIM_GYMNASIUM : SIM_D4RL;
}

/* ------------------------------------------------------------------ public */

mopo_status evaluate_fits(const mopo_policy *p, const mopo_task *task,
                          const mopo_simulator *simulator, mopo_error *err)
{
  if (!simulator && !task->body.simulator)
    return error_set(err, MOPO_EINVAL, "task %s has no simulator", task->facts.name);
  if (mopo_policy_obs_dim(p) != task->facts.obs_dim ||
      mopo_policy_act_dim(p) != task->facts.act_dim)
    return error_set(err, MOPO_EDATA,
                     "the policy has %d observations and %d actions, task %s wants %d and %d",
                     mopo_policy_obs_dim(p), mopo_policy_act_dim(p), task->facts.name,
                     task->facts.obs_dim, task->facts.act_dim);
  return MOPO_OK;
}

static mopo_status record_and_run(mopo_eval_result *out, evaluator *e, const actor *p,
                                  const mopo_task *task, rng_key key, const char *path,
                                  mopo_error *err)
{
  recorder *r = NULL;
  mopo_status st =
      recorder_open(&r, path, task->facts.obs_dim, task->facts.act_dim, e->nq, e->nv, err);
  if (st != MOPO_OK) return st;
  st = evaluator_run(out, e, p, key, r, err);
  if (st == MOPO_OK) st = recorder_text(r, "task", task->facts.name, err);
  if (st == MOPO_OK) return recorder_close(r, err);
  recorder_abandon(r);
  return st;
}

static mopo_status evaluate(mopo_eval_result *out, mopo_policy *p, const mopo_task *task,
                            const mopo_eval_options *o, mopo_error *err)
{
  const mopo_simulator *simulator = o->simulator ? o->simulator : sim_built_in();
  const int episodes = o->episodes ? o->episodes : 10;
  par *pool = NULL;
  sim_world *world = NULL;
  evaluator *e = NULL;
  rng_key key = rng_split(rng_seed(o->seed), "eval");
  mopo_status st = par_create(&pool, o->threads, err);
  if (st == MOPO_OK)
    st = sim_world_of(&world, simulator, task, physics_of(o->physics ? o->physics : "auto"), err);
  if (st == MOPO_OK)
    st = evaluator_create(&e, task, world, policy_actor(p), episodes, 1.0, pool, err);
  if (st == MOPO_OK && o->watch) evaluator_stop_at(e, o->watch->stop);
  if (st == MOPO_OK)
    st = o->record ? record_and_run(out, e, policy_actor(p), task, key, o->record, err)
                   : evaluator_run(out, e, policy_actor(p), key, NULL, err);
  evaluator_free(e);
  sim_world_free(world);
  par_free(pool);
  return st;
}

mopo_status mopo_evaluate(mopo_eval_result *out, mopo_policy *p, const mopo_task *task,
                          const mopo_eval_options *options, mopo_error *err)
{
  mopo_eval_options known = {0}; /* what an older caller does not know is zero */
  NOT_NULL(out);
  NOT_NULL(p);
  NOT_NULL(task);
  if (options) memcpy(&known, options, options->size < sizeof known ? options->size : sizeof known);
  mopo_status st = evaluate_fits(p, task, known.simulator, err);
  return st == MOPO_OK ? evaluate(out, p, task, &known, err) : st;
}

const mopo_simulator *mopo_simulator_of(const mopo_task *task)
{
  return task->body.simulator && *mopo_simulator_version() ? sim_built_in() : NULL;
}
