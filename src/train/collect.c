/* collect.c - makes datasets as D4RL's were made: soft actor-critic learns online in the simulated
 * task, and its steps, or those of the policies it becomes, are recorded.
 *
 *   random          the policy as initialised
 *   medium-replay   everything SAC saw until its evaluation reached the medium level
 *   full-replay     everything SAC saw
 *   medium          the policy of that moment, frozen
 *   expert          the policy after train_steps, frozen
 *   medium-expert   half of each, medium first
 *
 * The medium level is a normalised score of 100 medium_fraction. Recorded actions are sampled from
 * the policy, as in D4RL.
 *
 * halfcheetah-jump and ant-angle are to be learned from data of another behaviour: there SAC learns
 * by the rewards of task_behaviour, which are also those that are recorded, and metadata/task says
 * so; relabel.c makes them the task's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/policy.h"
#include "data/recorder.h"
#include "data/replay.h"
#include "env/task.h"
#include "run/config.h"
#include "train/evaluate.h"

enum { MAX_OBS = 128, MAX_ACT = 32, MAX_STATE = 128, MAX_BATCH = 1 << 16 };

/* A row that waits: whether it ends its episode is known only when the next step has worked. */
typedef struct pending {
  bool there, terminal, timeout;
  float obs[MAX_OBS], act[MAX_ACT], next[MAX_OBS], rew;
  double qpos[MAX_STATE], qvel[MAX_STATE], after[MAX_STATE];
} pending;

typedef struct collector {
  mopo_config c;
  const mopo_task *asked, *task; /* asked for; by whose rewards SAC learns */
  const mopo_watch *watch;
  par *pool;
  sim_world *world;
  sim *sim;
  agent *agent;
  mopo_policy *given; /* --policy */
  replay *replay;
  evaluator *evaluator;
  recorder *recorder;
  actor_work work;
  arena memory;
  const float **rows; /* [batch_size] */
  float *row;         /* one row of the replay */
  rng_key key;
  pending last;
  float obs[MAX_OBS];
  int length;        /* steps of the episode under way; 0: a new one begins */
  uint64_t episodes; /* begun */
  int64_t recorded;
  double level; /* newest evaluated score, NAN before the first */
  double level_return;
  struct timespec began;
} collector;

static double seconds_since(const struct timespec *t0)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)(t.tv_sec - t0->tv_sec) + 1e-9 * (double)(t.tv_nsec - t0->tv_nsec);
}

static bool stopped(const collector *k) { return k->watch && k->watch->stop && *k->watch->stop; }

static void report(collector *k, int64_t done, int64_t total)
{
  if (!k->watch || !k->watch->progress || done % 100) return;
  mopo_progress p = {.stage = "collect",
                     .done = done,
                     .total = total,
                     .seconds = seconds_since(&k->began),
                     .return_mean = k->level_return,
                     .score = k->level,
                     .critic_loss = NAN,
                     .q_mean = NAN,
                     .penalty_mean = NAN,
                     .holdout_mse = NAN};
  k->watch->progress(k->watch->ctx, &p);
}

/* ------------------------------------------------------------------ one step of the task */

static mopo_status write_pending(collector *k, bool cut, mopo_error *err)
{
  pending *p = &k->last;
  if (!p->there || !k->recorder) return MOPO_OK;
  p->there = false;
  k->recorded++;
  return recorder_add(k->recorder, p->obs, p->act, p->rew, p->next, p->terminal,
                      p->timeout || (cut && !p->terminal), p->qpos, p->qvel, p->after, err);
}

static void begin_episode(collector *k)
{
  rng_stream noise = rng_stream_of(rng_index(rng_split(k->key, "reset"), k->episodes++));
  sim_reset(k->sim, k->obs, &noise);
  k->length = 0;
}

/* Takes act in the task. *ok: the simulator managed; then k->last is the transition. */
static mopo_status step(collector *k, const float *act, bool *ok, mopo_error *err)
{
  pending now = {.there = true};
  size_t S = (size_t)k->task->obs_dim, A = (size_t)k->task->act_dim;
  double rew;
  memcpy(now.obs, k->obs, S * sizeof(float));
  memcpy(now.act, act, A * sizeof(float));
  sim_get_state(k->sim, now.qpos, now.qvel);
  *ok = sim_step(k->sim, now.next, &rew, &now.terminal, act);
  mopo_status st = write_pending(k, !*ok, err);
  if (st != MOPO_OK) return st;
  if (!*ok) { /* the episode is broken: what was before it stands, this step never happened */
    begin_episode(k);
    return MOPO_OK;
  }
  sim_get_state(k->sim, now.after, NULL);
  now.rew = (float)rew;
  now.timeout = !now.terminal && ++k->length >= k->task->horizon;
  k->last = now;
  if (now.terminal || now.timeout)
    begin_episode(k);
  else
    memcpy(k->obs, now.next, S * sizeof(float));
  return MOPO_OK;
}

static void sample_action(collector *k, float *act, const actor *p, const char *purpose, int64_t t)
{
  actor_noise_at noise = {rng_split(k->key, purpose), (uint64_t)t, PANEL, 0};
  actor_act(p, &k->work, act, (size_t)p->A, k->obs, (size_t)p->S, 1, &noise);
}

/* ------------------------------------------------------------------ learning */

static void remember(collector *k)
{
  row_layout at = replay_layout(k->replay);
  const pending *p = &k->last;
  memcpy(k->row, p->obs, (size_t)at.S * sizeof(float));
  memcpy(k->row + at.act, p->act, (size_t)at.A * sizeof(float));
  memcpy(k->row + at.next, p->next, (size_t)at.S * sizeof(float));
  k->row[at.rew] = p->rew;
  k->row[at.done] = p->terminal;
  replay_push(k->replay, k->row, 1);
}

static mopo_status learn(collector *k, int64_t t, mopo_error *err)
{
  rng_key key = rng_split(k->key, "batch");
  for (int i = 0; i < k->c.batch_size; i++) {
    uint32_t w[4];
    rng_block(w, key, (uint64_t)t, (uint64_t)i);
    uint64_t n = (uint64_t)replay_count(k->replay);
    k->rows[i] = replay_row(k->replay, (int64_t)rng_word_below(w[0], w[1], n));
  }
  batch b = {k->c.batch_size, replay_layout(k->replay), k->rows};
  agent_stats s = k->agent->type->update(k->agent, &b);
  if (isfinite(s.critic_loss) && isfinite(s.actor_loss) && isfinite(s.alpha)) return MOPO_OK;
  return error_set(err, MOPO_ENUMERIC,
                   "step %lld: critic loss %g, actor loss %g, alpha %g: no longer finite",
                   (long long)t, s.critic_loss, s.actor_loss, s.alpha);
}

static mopo_status assess(collector *k, int64_t t, mopo_error *err)
{
  mopo_eval_result r;
  rng_key key = rng_index(rng_split(k->key, "eval"), (uint64_t)t);
  mopo_status st =
      evaluator_run(&r, k->evaluator, k->agent->type->policy(k->agent), key, NULL, err);
  if (st != MOPO_OK) return st;
  k->level = r.score;
  k->level_return = r.return_mean;
  if (k->watch && k->watch->line) {
    char text[160], score[32] = "";
    double s = seconds_since(&k->began);
    if (!isnan(r.score)) snprintf(score, sizeof score, ", score %.1f", r.score);
    snprintf(text, sizeof text, "step %lld: return %.1f +- %.1f%s, length %.0f, %.0f steps/s",
             (long long)t, r.return_mean, r.return_std, score, r.length_mean, (double)t / s);
    k->watch->line(k->watch->ctx, text);
  }
  return MOPO_OK;
}

/* SAC online for `steps` steps from step t0, or until the medium level. Every step is recorded
 * while k->recorder is open. *at: where it stopped. */
static mopo_status learn_online(collector *k, int64_t t0, int64_t steps, bool to_medium,
                                int64_t *at, mopo_error *err)
{
  float act[MAX_ACT];
  for (int64_t t = t0; t < steps; t++) {
    *at = t;
    if (stopped(k)) return error_set(err, MOPO_ESTOPPED, "stopped at step %lld", (long long)t);
    if (t < k->c.start_steps) {
      rng_stream r = rng_stream_of(rng_index(rng_split(k->key, "start"), (uint64_t)t));
      for (int j = 0; j < k->task->act_dim; j++) act[j] = 2.0f * rng_uniform(&r) - 1.0f;
    } else {
      sample_action(k, act, k->agent->type->policy(k->agent), "explore", t);
    }
    bool ok;
    mopo_status st = step(k, act, &ok, err);
    if (st != MOPO_OK) return st;
    if (ok) remember(k);
    if (t >= k->c.start_steps && (st = learn(k, t, err)) != MOPO_OK) return st;
    report(k, t + 1, steps);
    if ((t + 1) % k->c.collect_eval_every || t < k->c.start_steps) continue;
    if ((st = assess(k, t + 1, err)) != MOPO_OK) return st;
    if (to_medium && k->level >= 100.0 * k->c.medium_fraction) break;
  }
  *at = *at + 1;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ recording a fixed policy */

static mopo_status record_policy(collector *k, const actor *p, const char *purpose, int64_t rows,
                                 mopo_error *err)
{
  float act[MAX_ACT];
  int64_t until = k->recorded + rows;
  k->last.there = false; /* a step of learning waits to be written; it is not this policy's */
  begin_episode(k);
  for (int64_t t = 0; k->recorded + k->last.there < until; t++) {
    if (stopped(k))
      return error_set(err, MOPO_ESTOPPED, "stopped after %lld rows", (long long)k->recorded);
    bool ok;
    sample_action(k, act, p, purpose, t);
    mopo_status st = step(k, act, &ok, err);
    if (st != MOPO_OK) return st;
    report(k, k->recorded, until);
  }
  return write_pending(k, true, err);
}

/* ------------------------------------------------------------------ the kinds */

static bool is_kind(const collector *k, const char *kind) { return !strcmp(k->c.kind, kind); }

static mopo_status open_recorder(collector *k, mopo_error *err)
{
  return recorder_open(&k->recorder, k->c.out, k->task->obs_dim, k->task->act_dim, sim_nq(k->world),
                       sim_nv(k->world), err);
}

static mopo_status collect_replay(collector *k, mopo_error *err)
{
  int64_t at = 0;
  mopo_status st = open_recorder(k, err);
  if (st != MOPO_OK) return st;
  st = learn_online(k, 0, k->c.steps, is_kind(k, "medium-replay"), &at, err);
  if (st != MOPO_OK && st != MOPO_ESTOPPED) return st;
  mopo_status end = write_pending(k, true, err);
  return end != MOPO_OK ? end : st;
}

/* Trains to the medium level, records half or all; trains on, records the rest. */
static mopo_status collect_policies(collector *k, mopo_error *err)
{
  const actor *p = k->given ? policy_actor(k->given) : k->agent->type->policy(k->agent);
  bool medium = !is_kind(k, "expert") && !is_kind(k, "random");
  bool expert = is_kind(k, "expert") || is_kind(k, "medium-expert");
  int64_t first = medium && expert ? k->c.steps / 2 : k->c.steps, at = 0;
  mopo_status st = MOPO_OK;
  if (k->given || is_kind(k, "random")) {
    if ((st = open_recorder(k, err)) != MOPO_OK) return st;
    return record_policy(k, p, "record", k->c.steps, err);
  }
  if (medium) {
    if ((st = learn_online(k, 0, k->c.train_steps, true, &at, err)) != MOPO_OK) return st;
    if ((st = open_recorder(k, err)) != MOPO_OK) return st;
    if ((st = record_policy(k, p, "record medium", first, err)) != MOPO_OK || !expert) return st;
  }
  recorder *paused = k->recorder;
  k->recorder = NULL;
  begin_episode(k);
  st = learn_online(k, at, k->c.train_steps, false, &at, err);
  k->recorder = paused;
  if (st != MOPO_OK) return st;
  if (!k->recorder && (st = open_recorder(k, err)) != MOPO_OK) return st;
  return record_policy(k, p, "record expert", k->c.steps - k->recorded, err);
}

static mopo_status write_metadata(collector *k, mopo_error *err)
{
  static const char *const settings[] = {
      "seed",     "steps",     "train-steps", "start-steps",    "medium-fraction",
      "actor-lr", "critic-lr", "alpha-lr",    "target-entropy", "gamma",
      "tau",      "hidden",    "layers"};
  mopo_status st = recorder_text(k->recorder, "task", k->task->name, err);
  if (st == MOPO_OK) st = recorder_text(k->recorder, "kind", k->c.kind, err);
  if (st == MOPO_OK) st = recorder_text(k->recorder, "algorithm", k->given ? "policy" : "SAC", err);
  const char *physics = physics_of(k->c.physics) == SIM_D4RL ? "d4rl" : "gymnasium";
  if (st == MOPO_OK) st = recorder_text(k->recorder, "physics", physics, err);
  if (st == MOPO_OK) st = recorder_text(k->recorder, "simulator", sim_version(), err);
  if (st == MOPO_OK) st = recorder_text(k->recorder, "mopo_version", MOPO_VERSION, err);
  if (st == MOPO_OK && isfinite(k->level))
    st = recorder_number(k->recorder, "policy_score", k->level, err);
  for (size_t i = 0; st == MOPO_OK && i < sizeof settings / sizeof *settings; i++) {
    char value[64];
    mopo_config_get(&k->c, settings[i], value, sizeof value);
    st = recorder_text(k->recorder, settings[i], value, err);
  }
  return st;
}

/* ------------------------------------------------------------------ setting up */

/* SAC as it learns online: the published settings, but for the target entropy, where -A is meant.
 */
static mopo_status settle(collector *k, const mopo_config *c, mopo_error *err)
{
  k->c = *c;
  k->asked = mopo_task_find(c->task);
  if (!k->asked)
    return error_set(err, MOPO_EINVAL,
                     "task = '%s', want hopper, halfcheetah, walker2d, ant, halfcheetah-jump or "
                     "ant-angle",
                     c->task);
  k->task = task_behaviour(k->asked);
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: where to write the dataset");
  if (c->policy[0] && !is_kind(k, "medium") && !is_kind(k, "expert"))
    return error_set(err, MOPO_EINVAL, "kind = '%s' with a policy given, want medium or expert",
                     c->kind);
  bool level = strstr(c->kind, "medium") && !c->policy[0];
  if (level && k->task->obs_dim && isnan(k->task->score_max))
    return error_set(err, MOPO_EINVAL,
                     "kind = '%s', want random, expert or full-replay: task %s has no score to be "
                     "medium by",
                     c->kind, c->task);
  mopo_status st = recorder_check(c->out, err); /* now, not after a day's training */
  if (st != MOPO_OK) return st;
  snprintf(k->c.algo, sizeof k->c.algo, "sac");
  if (!c->marked[config_index("preset")]) snprintf(k->c.preset, sizeof k->c.preset, "paper");
  if (!c->marked[config_index("target-entropy")]) k->c.target_entropy = -k->task->act_dim;
  return mopo_config_resolve(&k->c, k->task->name, k->c.kind, k->task->act_dim, err);
}

static void layout(collector *k, const actor *p, arena *a)
{
  actor_work_layout(&k->work, p, a, PANEL);
  k->rows = arena_bytes(a, (size_t)k->c.batch_size * sizeof *k->rows);
  k->row = arena_floats(a, (size_t)row_layout_of(k->task->obs_dim, k->task->act_dim).width);
}

static mopo_status set_up(collector *k, mopo_error *err)
{
  const mopo_task *task = k->task;
  mopo_status st = par_create(&k->pool, k->c.threads, err);
  if (st != MOPO_OK) return st;
  if ((st = sim_world_create(&k->world, task, physics_of(k->c.physics), err)) != MOPO_OK) return st;
  if ((st = sim_create(&k->sim, k->world, err)) != MOPO_OK) return st;
  agent_setup setup = {.config = &k->c,
                       .S = task->obs_dim,
                       .A = task->act_dim,
                       .pool = k->pool,
                       .key = rng_split(k->key, "agent")};
  if ((st = agent_find("sac")->create(&k->agent, &setup, err)) != MOPO_OK) return st;
  const actor *p = k->agent->type->policy(k->agent);
  if (k->c.policy[0]) {
    if ((st = mopo_policy_load(&k->given, k->c.policy, err)) != MOPO_OK) return st;
    p = policy_actor(k->given);
    if (p->S != task->obs_dim || p->A != task->act_dim)
      return error_set(err, MOPO_EDATA, "%s: %d observations, %d actions; task %s wants %d, %d",
                       k->c.policy, p->S, p->A, task->name, task->obs_dim, task->act_dim);
  }
  int64_t rows =
      is_kind(k, "medium-replay") || is_kind(k, "full-replay") ? k->c.steps : k->c.train_steps;
  if (!k->given && !is_kind(k, "random") &&
      (st = replay_create(&k->replay, rows < 1000000 ? rows : 1000000,
                          row_layout_of(task->obs_dim, task->act_dim), err)) != MOPO_OK)
    return st;
  st = evaluator_create(&k->evaluator, task, k->world, k->agent->type->policy(k->agent),
                        k->c.eval_episodes, k->c.gamma, k->pool, err);
  if (st != MOPO_OK) return st;
  if (k->watch) evaluator_stop_at(k->evaluator, k->watch->stop);
  layout(k, p, &k->memory);
  if (!arena_alloc(&k->memory)) return error_set(err, MOPO_ENOMEM, "collect: no memory");
  layout(k, p, &k->memory);
  return MOPO_OK;
}

static void tear_down(collector *k)
{
  recorder_abandon(k->recorder);
  evaluator_free(k->evaluator);
  replay_free(k->replay);
  mopo_policy_free(k->given);
  if (k->agent) k->agent->type->free(k->agent);
  sim_free(k->sim);
  sim_world_free(k->world);
  par_free(k->pool);
  free(k->memory.base);
  free(k);
}

static mopo_status finish(collector *k, mopo_dataset_info *out, mopo_error *err)
{
  mopo_status st = write_metadata(k, err);
  if (st != MOPO_OK) return st;
  st = recorder_close(k->recorder, err);
  k->recorder = NULL;
  if (st != MOPO_OK || !out) return st;
  mopo_dataset *d = NULL;
  st = mopo_dataset_load(&d, k->c.out, k->task, err);
  if (st == MOPO_OK) st = mopo_dataset_describe(out, d, err);
  mopo_dataset_free(d);
  if (st == MOPO_OK && k->task != k->asked && k->watch && k->watch->line) {
    char text[200];
    snprintf(text, sizeof text,
             "rewards are those of the behaviour, %s; before training: mopo data relabel --task %s",
             k->task->name, k->asked->name);
    k->watch->line(k->watch->ctx, text);
  }
  return st;
}

mopo_status mopo_collect(mopo_dataset_info *out, const mopo_config *c, const mopo_watch *watch,
                         mopo_error *err)
{
  collector *k = calloc(1, sizeof *k);
  if (!k) return error_set(err, MOPO_ENOMEM, "collect: no memory");
  k->watch = watch;
  k->level = k->level_return = NAN;
  clock_gettime(CLOCK_MONOTONIC, &k->began);
  mopo_status st = settle(k, c, err);
  if (st == MOPO_OK) {
    k->key = rng_split(rng_seed(k->c.seed), "collect");
    st = set_up(k, err);
  }
  if (st == MOPO_OK) {
    begin_episode(k);
    st = strstr(k->c.kind, "-replay") ? collect_replay(k, err) : collect_policies(k, err);
  }
  if (k->recorder && k->recorded > 0 && (st == MOPO_OK || st == MOPO_ESTOPPED)) {
    mopo_error why;
    mopo_status end = finish(k, out, &why);
    if (end != MOPO_OK) st = error_set(err, end, "%s", why.msg);
  }
  tear_down(k);
  return st;
}
