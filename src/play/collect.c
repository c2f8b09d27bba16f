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

#include "agent/policy.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/watch.h"
#include "config/config.h"
#include "play/collect.h"
#include "task/task.h"

double collect_seconds(const collector *k) { return k->at.wall + clock_seconds() - k->began; }

static mopo_status stop_at(const char *what, double n, mopo_error *err)
{
  return error_set(err, MOPO_ESTOPPED, "stopped at %s %.0f", what, n);
}

static void report(collector *k, double done, const phase *p)
{
  if ((int64_t)done % 100) return;
  mopo_progress now = watch_stage("collect", (int64_t)done, p->until);
  now.seconds = collect_seconds(k);
  now.return_mean = k->at.return_mean, now.score = k->at.score;
  watch_progress(k->watch, &now);
}

/* ------------------------------------------------------------------ one step of the task */

/* cut: the episode ends here whatever the row says. */
static mopo_status write_last(collector *k, bool cut, mopo_error *err)
{
  if (!k->waits) return MOPO_OK;
  k->waits = false;
  if (cut && !(k->last.flags & ROW_TERMINAL)) k->last.flags |= ROW_TIMEOUT;
  if (k->last.flags & ROW_RECORDED) k->at.recorded++;
  return collect_add(k, &k->last, err);
}

static void begin_episode(collector *k)
{
  rng_key key = rng_index(rng_split(k->key, "reset"), (uint64_t)k->at.episodes++);
  rng_stream noise = rng_stream_of(key);
  sim_reset(k->sim, k->obs, &noise);
  k->length = 0;
}

/* At the start of an episode, when enough has happened since the last time. */
static mopo_status keep_if_due(collector *k, mopo_error *err)
{
  if (k->length || k->at.learned + k->at.acted < k->kept + k->c.collect_eval_every) return MOPO_OK;
  mopo_status st = write_last(k, true, err);
  return st == MOPO_OK ? collect_keep(k, err) : st;
}

/* Takes act in the task. *ok: the simulator managed; then k->last is the transition. */
static mopo_status step(collector *k, const phase *p, const float *act, bool *ok, mopo_error *err)
{
  collect_row now = {.flags = (p->learns ? ROW_LEARNED : 0) | (p->records ? ROW_RECORDED : 0)};
  size_t S = (size_t)k->task->facts.obs_dim, A = (size_t)k->task->facts.act_dim;
  double rew;
  bool terminal;
  memcpy(now.obs, k->obs, S * sizeof(float));
  memcpy(now.act, act, A * sizeof(float));
  sim_get_state(k->sim, now.qpos, now.qvel);
  *ok = sim_step(k->sim, now.next, &rew, &terminal, act);
  mopo_status st = write_last(k, !*ok, err);
  if (st != MOPO_OK) return st;
  if (!*ok) { /* the episode is broken: what was before it stands, this step never happened */
    begin_episode(k);
    return MOPO_OK;
  }
  sim_get_state(k->sim, now.after, NULL);
  now.rew = (float)rew;
  if (terminal)
    now.flags |= ROW_TERMINAL;
  else if (++k->length >= k->task->facts.horizon)
    now.flags |= ROW_TIMEOUT;
  k->last = now;
  k->waits = true;
  if (now.flags & (ROW_TERMINAL | ROW_TIMEOUT))
    begin_episode(k);
  else
    memcpy(k->obs, now.next, S * sizeof(float));
  return MOPO_OK;
}

static void sample_action(collector *k, float *act, const actor *p, const char *purpose, double t)
{
  actor_noise_at noise = {rng_split(k->key, purpose), (uint64_t)t, PANEL, 0};
  actor_act(p, &k->work, act, (size_t)p->A, k->obs, (size_t)p->S, 1, &noise);
}

/* ------------------------------------------------------------------ learning */

void collect_remember(collector *k, const collect_row *r)
{
  row_layout at = replay_layout(k->replay);
  memcpy(k->row, r->obs, (size_t)at.S * sizeof(float));
  memcpy(k->row + at.act, r->act, (size_t)at.A * sizeof(float));
  memcpy(k->row + at.next, r->next, (size_t)at.S * sizeof(float));
  k->row[at.rew] = r->rew;
  k->row[at.done] = (r->flags & ROW_TERMINAL) != 0;
  replay_push(k->replay, k->row, 1);
}

static mopo_status learn(collector *k, int64_t t, mopo_error *err)
{
  batch b = batch_draw(k->rows, k->c.batch_size, NULL, 0, k->replay, rng_split(k->key, "batch"),
                       (uint64_t)t);
  agent_stats s = agent_update(k->agent, &b);
  if (isfinite(s.critic_loss) && isfinite(s.actor_loss) && isfinite(s.alpha)) return MOPO_OK;
  return error_set(err, MOPO_ENUMERIC,
                   "step %lld: critic loss %g, actor loss %g, alpha %g: no longer finite",
                   (long long)t, s.critic_loss, s.actor_loss, s.alpha);
}

static mopo_status assess(collector *k, mopo_error *err)
{
  mopo_eval_result r;
  rng_key key = rng_index(rng_split(k->key, "eval"), (uint64_t)k->at.learned);
  mopo_status st = evaluator_run(&r, k->evaluator, agent_policy(k->agent), key, NULL, err);
  if (st == MOPO_ESTOPPED) return stop_at("step", k->at.learned, err);
  if (st != MOPO_OK) return st;
  k->at.score = r.score;
  k->at.return_mean = r.return_mean;
  char score[32] = "";
  if (!isnan(r.score)) number_print(score, sizeof score, ", score %.1f", r.score);
  watch_line(k->watch, "step %.0f: return %.1f +- %.1f%s, length %.0f, %.0f steps/s", k->at.learned,
             r.return_mean, r.return_std, score, r.length_mean, k->at.learned / collect_seconds(k));
  return MOPO_OK;
}

static void choose_action(collector *k, float *act)
{
  if (k->at.learned >= k->c.start_steps) {
    sample_action(k, act, agent_policy(k->agent), "explore", k->at.learned);
    return;
  }
  rng_stream r = rng_stream_of(rng_index(rng_split(k->key, "start"), (uint64_t)k->at.learned));
  for (int j = 0; j < k->task->facts.act_dim; j++) act[j] = 2.0f * rng_uniform(&r) - 1.0f;
}

/* SAC online: a step, an update; now and then an evaluation. */
static mopo_status learn_online(collector *k, const phase *p, mopo_error *err)
{
  float act[MAX_ACT];
  while (k->at.learned < (double)p->until) {
    if (watch_stopped(k->watch)) return stop_at("step", k->at.learned, err);
    mopo_status st = keep_if_due(k, err);
    if (st != MOPO_OK) return st;
    bool ok, learns = k->at.learned >= k->c.start_steps;
    choose_action(k, act);
    if ((st = step(k, p, act, &ok, err)) != MOPO_OK) return st;
    if (ok) collect_remember(k, &k->last);
    if (learns && (st = learn(k, (int64_t)k->at.learned, err)) != MOPO_OK) return st;
    k->at.learned++;
    report(k, k->at.learned, p);
    if ((int64_t)k->at.learned % k->c.collect_eval_every || !learns) continue;
    if ((st = assess(k, err)) != MOPO_OK) return st;
    if (p->to_medium && k->at.score >= 100.0 * k->c.medium_fraction) break;
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ a policy acts */

static mopo_status record_policy(collector *k, const phase *p, mopo_error *err)
{
  float act[MAX_ACT];
  const actor *a = k->given ? policy_actor(k->given) : agent_policy(k->agent);
  for (; k->at.recorded + k->waits < (double)p->until; k->at.acted++) {
    if (watch_stopped(k->watch)) return stop_at("row", k->at.recorded, err);
    mopo_status st = keep_if_due(k, err);
    if (st != MOPO_OK) return st;
    bool ok;
    sample_action(k, act, a, p->noise, k->at.acted);
    if ((st = step(k, p, act, &ok, err)) != MOPO_OK) return st;
    report(k, k->at.recorded, p);
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ the kinds */

static bool is_kind(const collector *k, const char *kind) { return !strcmp(k->c.kind, kind); }

static void plan(collector *k)
{
  phase *p = k->phases;
  int64_t rows = k->c.steps, steps = k->c.train_steps;
  bool both = is_kind(k, "medium-expert");
  if (strstr(k->c.kind, "-replay")) {
    bool to_medium = is_kind(k, "medium-replay");
    *p++ = (phase){.learns = true, .records = true, .to_medium = to_medium, .until = rows};
  } else if (*k->c.policy || is_kind(k, "random")) {
    *p++ = (phase){.records = true, .until = rows, .noise = "record"};
  } else {
    if (both || is_kind(k, "medium")) {
      *p++ = (phase){.learns = true, .to_medium = true, .until = steps};
      *p++ = (phase){.records = true, .until = both ? rows / 2 : rows, .noise = "record medium"};
    }
    if (both || is_kind(k, "expert")) {
      *p++ = (phase){.learns = true, .until = steps};
      *p++ = (phase){.records = true, .until = rows, .noise = "record expert"};
    }
  }
  k->n_phases = (int)(p - k->phases);
}

/* Each phase begins with an episode, and so does what goes on inside one. */
static mopo_status run_phases(collector *k, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (; st == MOPO_OK && k->at.phase < k->n_phases; k->at.phase++, k->at.acted = 0) {
    const phase *p = &k->phases[(int)k->at.phase];
    begin_episode(k);
    st = collect_keep(k, err);
    if (st == MOPO_OK) st = p->learns ? learn_online(k, p, err) : record_policy(k, p, err);
    mopo_status end = st == MOPO_OK || st == MOPO_ESTOPPED ? write_last(k, true, err) : st;
    if (end != MOPO_OK) return end;
  }
  return st;
}

/* ------------------------------------------------------------------ the dataset */

static mopo_status write_metadata(collector *k, recorder *r, mopo_error *err)
{
  static const char *const settings[] = {
      "seed",     "steps",     "train-steps", "start-steps",    "medium-fraction",
      "actor-lr", "critic-lr", "alpha-lr",    "target-entropy", "gamma",
      "tau",      "hidden",    "layers"};
  mopo_status st = recorder_text(r, "task", k->task->facts.name, err);
  if (st == MOPO_OK) st = recorder_text(r, "kind", k->c.kind, err);
  if (st == MOPO_OK) st = recorder_text(r, "algorithm", k->given ? "policy" : "SAC", err);
  const char *physics = physics_of(k->c.physics) == SIM_D4RL ? "d4rl" : "gymnasium";
  if (st == MOPO_OK) st = recorder_text(r, "physics", physics, err);
  if (st == MOPO_OK) st = recorder_text(r, "simulator", mopo_simulator_version(), err);
  if (st == MOPO_OK) st = recorder_text(r, "mopo_version", MOPO_VERSION, err);
  if (st == MOPO_OK && isfinite(k->at.score))
    st = recorder_number(r, "policy_score", k->at.score, err);
  for (size_t i = 0; st == MOPO_OK && i < sizeof settings / sizeof *settings; i++) {
    char value[64];
    mopo_config_get(&k->c, settings[i], value, sizeof value);
    st = recorder_text(r, settings[i], value, err);
  }
  return st;
}

/* The rows of the log that are the dataset's. */
static mopo_status write_rows(collector *k, recorder *to, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int64_t i = 0; st == MOPO_OK && i < rowlog_rows(k->log); i++) {
    collect_row r;
    st = collect_get(k, &r, i, err);
    if (st == MOPO_OK && r.flags & ROW_RECORDED)
      st = recorder_add(to, r.obs, r.act, r.rew, r.next, r.flags & ROW_TERMINAL,
                        r.flags & ROW_TIMEOUT, r.qpos, r.qvel, r.after, err);
  }
  return st;
}

static mopo_status write_dataset(collector *k, mopo_error *err)
{
  recorder *r = NULL;
  mopo_status st = recorder_open(&r, k->c.out, k->task->facts.obs_dim, k->task->facts.act_dim,
                                 sim_nq(k->world), sim_nv(k->world), err);
  if (st == MOPO_OK) st = write_rows(k, r, err);
  if (st == MOPO_OK) st = write_metadata(k, r, err);
  if (st == MOPO_OK) return recorder_close(r, err);
  recorder_abandon(r);
  return st;
}

/* ------------------------------------------------------------------ setting up */

/* SAC as it learns online: the published settings, but for the target entropy, where -A is meant.
 */
static mopo_status settle(collector *k, const mopo_config *c, mopo_error *err)
{
  k->c = *c;
  k->asked = mopo_task_find(c->task);
  if (!k->asked) return task_unknown(c->task, "", err);
  k->task = task_behaviour(k->asked);
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: where to write the dataset");
  if (c->policy[0] && !is_kind(k, "medium") && !is_kind(k, "expert"))
    return error_set(err, MOPO_EINVAL, "kind = '%s' with a policy given, want medium or expert",
                     c->kind);
  bool level = strstr(c->kind, "medium") && !c->policy[0];
  if (level && k->task->facts.obs_dim && isnan(k->task->facts.score_max))
    return error_set(err, MOPO_EINVAL,
                     "kind = '%s', want random, expert or full-replay: task %s has no score to be "
                     "medium by",
                     c->kind, c->task);
  mopo_status st = recorder_check(c->out, err); /* now, not after a day's training */
  if (st != MOPO_OK) return st;
  snprintf(k->c.algo, sizeof k->c.algo, "sac");
  if (!c->marked[config_index("preset")]) snprintf(k->c.preset, sizeof k->c.preset, "paper");
  if (!c->marked[config_index("target-entropy")]) k->c.target_entropy = -k->task->facts.act_dim;
  k->c.policy_ema = 0; /* what is recorded is what learns */
  return mopo_config_resolve(&k->c, k->task->facts.name, k->c.kind, k->task->facts.act_dim, err);
}

static void layout(collector *k, const actor *p, arena *a)
{
  actor_work_layout(&k->work, p, a, PANEL);
  k->rows = arena_bytes(a, (size_t)k->c.batch_size * sizeof *k->rows);
  k->row =
      arena_floats(a, (size_t)row_layout_of(k->task->facts.obs_dim, k->task->facts.act_dim).width);
  k->packed = arena_bytes(a, collect_row_bytes(k));
}

static mopo_status set_up(collector *k, mopo_error *err)
{
  const mopo_task *task = k->task;
  mopo_status st = par_create(&k->pool, k->c.threads, err);
  if (st != MOPO_OK) return st;
  if ((st = sim_world_create(&k->world, task, physics_of(k->c.physics), err)) != MOPO_OK) return st;
  if ((st = sim_create(&k->sim, k->world, err)) != MOPO_OK) return st;
  agent_setup setup = {.config = &k->c,
                       .S = task->facts.obs_dim,
                       .A = task->facts.act_dim,
                       .pool = k->pool,
                       .key = rng_split(k->key, "agent")};
  if ((st = agent_create(&k->agent, agent_find("sac"), &setup, err)) != MOPO_OK) return st;
  const actor *p = agent_policy(k->agent);
  if (k->c.policy[0]) {
    if ((st = mopo_policy_load(&k->given, k->c.policy, err)) != MOPO_OK) return st;
    p = policy_actor(k->given);
    if (p->S != task->facts.obs_dim || p->A != task->facts.act_dim)
      return error_set(err, MOPO_EDATA, "%s: %d observations, %d actions; task %s wants %d, %d",
                       k->c.policy, p->S, p->A, task->facts.name, task->facts.obs_dim,
                       task->facts.act_dim);
  }
  int64_t rows =
      is_kind(k, "medium-replay") || is_kind(k, "full-replay") ? k->c.steps : k->c.train_steps;
  if (!k->given && !is_kind(k, "random") &&
      (st = replay_create(&k->replay, rows < 1000000 ? rows : 1000000,
                          row_layout_of(task->facts.obs_dim, task->facts.act_dim), err)) != MOPO_OK)
    return st;
  st = evaluator_create(&k->evaluator, task, k->world, agent_policy(k->agent), k->c.eval_episodes,
                        k->c.gamma, k->pool, err);
  if (st != MOPO_OK) return st;
  if (k->watch) evaluator_stop_at(k->evaluator, k->watch->stop);
  layout(k, p, &k->memory);
  if (!arena_alloc(&k->memory)) return error_set(err, MOPO_ENOMEM, "collect: no memory");
  layout(k, p, &k->memory);
  return MOPO_OK;
}

static void tear_down(collector *k)
{
  rowlog_free(k->log);
  evaluator_free(k->evaluator);
  replay_free(k->replay);
  mopo_policy_free(k->given);
  if (k->agent) agent_free(k->agent);
  sim_free(k->sim);
  sim_world_free(k->world);
  par_free(k->pool);
  free(k->memory.base);
  free(k);
}

static mopo_status describe(const collector *k, mopo_dataset_info *out, mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_load(&d, k->c.out, k->task, err);
  if (st == MOPO_OK) st = mopo_dataset_describe(out, d, err);
  mopo_dataset_free(d);
  if (st == MOPO_OK && k->task != k->asked)
    watch_line(
        k->watch,
        "rewards are those of the behaviour, %s; before training: mopo data relabel --task %s",
        k->task->facts.name, k->asked->facts.name);
  return st;
}

/* What was stopped leaves the rows it has as a dataset, too. */
static mopo_status collect(collector *k, mopo_error *err)
{
  mopo_error why;
  mopo_status st = run_phases(k, err);
  if (st == MOPO_ENUMERIC) collect_forget(k); /* it would only be that again */
  if ((st != MOPO_OK && st != MOPO_ESTOPPED) || k->at.recorded == 0) return st;
  mopo_status written = write_dataset(k, &why);
  if (written != MOPO_OK) return error_set(err, written, "%s", why.msg);
  if (st == MOPO_OK) collect_forget(k);
  return st;
}

mopo_status mopo_collect(mopo_dataset_info *out, const mopo_config *c, bool resume,
                         const mopo_watch *watch, mopo_error *err)
{
  collector *k = calloc(1, sizeof *k);
  if (!k) return error_set(err, MOPO_ENOMEM, "collect: no memory");
  k->watch = watch;
  k->at.score = k->at.return_mean = NAN;
  k->began = clock_seconds();
  mopo_status st = settle(k, c, err);
  if (st == MOPO_OK) {
    k->key = rng_split(rng_seed(k->c.seed), "collect");
    plan(k);
    st = set_up(k, err);
  }
  if (st == MOPO_OK) st = collect_open(k, resume, err);
  if (st == MOPO_OK) st = collect(k, err);
  if (st == MOPO_OK && out) st = describe(k, out, err);
  tear_down(k);
  return st;
}
