/* loop.c - the loop (Yu et al. 2020, algorithm 2):
 *
 *   fit the ensemble to the batch                                        (run_set_up)
 *   for each epoch
 *     roll the policy out in the model for h steps from states of the batch,
 *       with r <- r - lambda u(s, a)                                     (rollout_run)
 *     for each update
 *       draw a batch, a share of it recorded, the rest imagined          (batch_draw)
 *       one step of the agent on it                                      (agent update)
 *     evaluate, in the simulator and in the model                      (assess)
 *
 * MBPO is the same with lambda = 0; SAC and other model-free methods draw recorded rows only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "base/clock.h"
#include "base/watch.h"
#include "run/fitlog.h"
#include "run/result.h"
#include "train/blame.h"
#include "train/health.h"

double run_seconds(const run *o) { return o->at.wall + clock_seconds() - o->began; }

/* What the learner says of a value or of a reward, in the log's units. */
static double value_of(const run *o, double q)
{
  if (!o->units) return q;
  return units_value_back(o->units, q / agent_reward_scale(o->agent), o->c.gamma);
}
static double reward_of(const run *o, double r)
{
  return o->units ? units_reward_back(o->units, r) : r;
}
static double penalty_of(const run *o, double p)
{
  return o->units ? p * (double)o->units->reward_spread : p;
}

void run_progress(const run *o, const char *stage, int64_t done, int64_t total, double critic_loss)
{
  if (done % 50 && done != total) return;
  mopo_progress p = watch_stage(stage, done, total);
  p.epoch = (int)o->at.epoch + 1, p.epochs = o->c.epochs;
  p.seconds = run_seconds(o);
  p.return_mean = o->at.return_mean, p.score = o->at.score;
  p.critic_loss = critic_loss;
  if (o->at.update > 0) p.q_mean = value_of(o, o->at.q / o->at.update);
  /* that of an epoch is known when its rollouts are done */
  if (o->model && o->at.rolled > 0) p.penalty_mean = o->at.penalty_mean;
  watch_progress(o->watch, &p);
}

static bool stop_between_steps(void *ctx) { return watch_stopped(((run *)ctx)->watch); }

static mopo_status stopped_error(const run *o, mopo_error *err)
{
  return error_set(err, MOPO_ESTOPPED, "stopped in epoch %.0f of %d", o->at.epoch + 1, o->c.epochs);
}

/* Once each: of rollouts that leave the data, of some that are cut nearly at once, and of some that
 * nothing cuts though the model knows less and less. */
static void warn_of_rollouts(run *o, const rollout_stats *s)
{
  double length = (double)s->rows / (double)s->begun, out = (double)s->bounded / (double)s->rows;
  if (out > 0.05 && !o->told_bounded) {
    o->told_bounded = true;
    watch_line(
        o->watch,
        "warning: epoch %.0f: %.0f %% of the imagined rows would leave the range of the data "
        "by more than %g times it, and are held there: the model is asked beyond its data",
        o->at.epoch + 1, 100 * out, config_real(&o->c, "imagined-margin"));
  }
  if (!o->reach) return;
  if (length < 5 && config_int(&o->c, "rollout-length") >= 5 && !o->told_short) {
    o->told_short = true;
    watch_line(
        o->watch,
        "warning: epoch %.0f: imagined trajectories are %.1f steps long, %.0f %% of the rows "
        "are cut: rollout-stop = %g may be too low",
        o->at.epoch + 1, length, 100 * (double)s->cut / (double)s->rows,
        config_real(&o->c, "rollout-stop"));
  }
  if (s->cut == 0 && s->u_old > 2 * s->u_young && !o->told_uncut) {
    o->told_uncut = true;
    watch_line(
        o->watch,
        "warning: epoch %.0f: nothing is cut, but the penalty grows from %.3g to %.3g along a "
        "trajectory: rollout-stop = %g may be too high",
        o->at.epoch + 1, penalty_of(o, s->u_young), penalty_of(o, s->u_old),
        config_real(&o->c, "rollout-stop"));
  }
}

static mopo_status roll_out(run *o, mopo_error *err)
{
  rollout_stats s;
  const actor *p = agent_learning(o->agent);
  o->ring_count = replay_count(o->ring), o->ring_head = replay_head(o->ring);
  run_progress(o, "rollout", 0, config_int(&o->c, "rollout-batch"), NAN);
  mopo_status st = rollout_run(o->rollout, &s, o->ring, o->learn, p, rng_split(o->key, "rollout"),
                               (uint64_t)o->at.epoch, stop_between_steps, o, err);
  if (st == MOPO_ESTOPPED) return stopped_error(o, err);
  if (st != MOPO_OK) return st;
  o->at.rolled = 1;
  o->at.rollout_rows = (double)s.rows, o->at.rollout_terminals = (double)s.terminals;
  o->at.rollout_cut = (double)s.cut, o->at.rollout_begun = (double)s.begun;
  warn_of_rollouts(o, &s);
  o->at.penalty_mean = penalty_of(o, s.penalty_mean);
  o->at.model_reward_mean = reward_of(o, s.reward_mean);
  if (isfinite(s.penalty_mean) && isfinite(s.reward_mean)) return MOPO_OK;
  return error_set(err, MOPO_ENUMERIC,
                   "epoch %.0f: imagined reward %g, penalty %g: no longer finite", o->at.epoch + 1,
                   s.reward_mean, s.penalty_mean);
}

static mopo_status update(run *o, mopo_error *err)
{
  uint64_t number =
      (uint64_t)o->at.epoch * (uint64_t)o->c.updates_per_epoch + (uint64_t)o->at.update;
  batch b = batch_draw(o->rows, o->c.batch_size, o->learn, o->real_rows, o->ring,
                       rng_split(o->key, "batch"), number);
  agent_stats s = agent_update(o->agent, &b);
  const struct {
    const char *name;
    double value;
  } check[] = {{"critic loss", s.critic_loss}, {"actor loss", s.actor_loss}, {"alpha", s.alpha}};
  for (size_t i = 0; i < sizeof check / sizeof *check; i++)
    if (!isfinite(check[i].value))
      return error_set(err, MOPO_ENUMERIC, "update %llu: %s is %g", (unsigned long long)number + 1,
                       check[i].name, check[i].value);
  double q_data = 0.0;
  for (int i = 0; s.q && i < o->real_rows; i++) q_data += (double)s.q[i];
  o->at.critic_loss += s.critic_loss, o->at.actor_loss += s.actor_loss;
  o->at.alpha += s.alpha, o->at.entropy += s.entropy, o->at.q += s.q_mean;
  o->at.q_data += o->real_rows ? q_data / o->real_rows : NAN;
  o->last_q = s.q;
  o->at.update++;
  run_progress(o, "update", (int64_t)number + 1, (int64_t)o->c.epochs * o->c.updates_per_epoch,
               s.critic_loss);
  return MOPO_OK;
}

/* What the policy just evaluated is worth by the model, from the same start states. */
static mopo_status foresee(run *o, int epoch, mopo_error *err)
{
  o->discounted.simulated = evaluator_discounted(o->evaluator);
  if (!o->forecast) return MOPO_OK;
  rng_key key = rng_index(rng_split(o->key, "forecast"), (uint64_t)epoch);
  mopo_status st = forecast_run(&o->discounted.model, o->forecast, agent_policy_inside(o->agent),
                                evaluator_starts(o->evaluator), key, err);
  if (o->discounted.model.broken)
    watch_line(o->watch, "epoch %d: numbers no longer finite in %d of %d episodes in the model",
               epoch, o->discounted.model.broken, o->c.eval_episodes * FORECAST_COPIES);
  return st;
}

static mopo_status assess(run *o, mopo_error *err)
{
  int epoch = (int)o->at.epoch + 1;
  o->at.return_mean = o->at.return_std = o->at.score = o->at.length_mean = NAN;
  o->discounted = (discounted){NAN, {NAN, NAN, NAN, 0}};
  if (!o->evaluator || (epoch % o->c.eval_every && epoch != o->c.epochs)) return MOPO_OK;
  mopo_eval_result r;
  run_progress(o, "evaluate", 0, o->c.eval_episodes, NAN);
  rng_key key = rng_index(rng_split(o->key, "eval"), (uint64_t)epoch);
  mopo_status st = evaluator_run(&r, o->evaluator, agent_policy(o->agent), key, NULL, err);
  if (st == MOPO_ESTOPPED) return stopped_error(o, err);
  if (st != MOPO_OK) return st;
  o->at.return_mean = r.return_mean, o->at.return_std = r.return_std;
  o->at.score = r.score, o->at.length_mean = r.length_mean;
  if (r.failures)
    watch_line(o->watch, "epoch %d: the simulator gave up on %d of %d episodes", epoch, r.failures,
               r.episodes);
  return foresee(o, epoch, err);
}

/* With every checkpoint: Q of the last batch, row by row, and the penalties of the last imagined
 * step. */
static mopo_status record_histograms(run *o, mopo_error *err)
{
  int epoch = (int)o->at.epoch + 1, n = 0, B = o->c.batch_size;
  if (epoch % o->c.checkpoint_every && epoch != o->c.epochs) return MOPO_OK;
  int64_t updates = (int64_t)epoch * o->c.updates_per_epoch;
  mopo_status st = MOPO_OK;
  if (o->last_q) {
    double *q = malloc((size_t)B * sizeof *q);
    if (!q) return error_set(err, MOPO_ENOMEM, "train: no memory");
    for (int i = 0; i < B; i++) q[i] = value_of(o, (double)o->last_q[i]);
    st = metrics_histogram(o->metrics, "critic/q_batch", updates, q, B, err);
    free(q);
  }
  if (st != MOPO_OK || !o->rollout) return st;
  const double *penalties = rollout_penalties(o->rollout, &n);
  return metrics_histogram(o->metrics, "model/penalty_step", updates, penalties, n, err);
}

/* Seconds of an epoch; of one that was interrupted, those of this session. */
typedef struct epoch_times {
  double begun, rolled_out, updated, evaluated; /* moments */
} epoch_times;

static mopo_status record(run *o, double actor_lr, const epoch_times *t, mopo_error *err)
{
  double n = o->c.updates_per_epoch;
  bool model = o->model != NULL;
  metrics_row row = {.epoch = o->at.epoch + 1,
                     .updates = (o->at.epoch + 1) * n,
                     .wall_seconds = run_seconds(o),
                     .return_mean = o->at.return_mean,
                     .return_std = o->at.return_std,
                     .score = o->at.score,
                     .length_mean = o->at.length_mean,
                     .critic_loss = o->at.critic_loss / n,
                     .actor_loss = o->at.actor_loss / n,
                     .alpha = o->at.alpha / n,
                     .entropy = o->at.entropy / n,
                     .q_mean = value_of(o, o->at.q / n),
                     .q_data_mean = value_of(o, o->at.q_data / n),
                     .penalty_mean = model ? o->at.penalty_mean : NAN,
                     .model_reward_mean = model ? o->at.model_reward_mean : NAN,
                     .rollout_rows = model ? o->at.rollout_rows : NAN,
                     .rollout_terminal_rate =
                         model ? o->at.rollout_terminals / o->at.rollout_rows : NAN,
                     .rollout_cut_rate = o->reach ? o->at.rollout_cut / o->at.rollout_rows : NAN,
                     .rollout_length_mean = model ? o->at.rollout_rows / o->at.rollout_begun : NAN,
                     .discounted_return = o->discounted.simulated,
                     .model_return = o->discounted.model.ret,
                     .model_return_penalised = o->discounted.model.penalised,
                     .model_uncertainty = o->discounted.model.uncertainty,
                     .actor_lr = actor_lr,
                     .updates_per_second = n / (t->evaluated - t->begun),
                     .rollout_seconds = t->rolled_out - t->begun,
                     .update_seconds = t->updated - t->rolled_out,
                     .evaluation_seconds = t->evaluated - t->updated};
  health_warn(o, &row);
  o->last = row;
  return metrics_add(o->metrics, &row, err);
}

static void begin_next_epoch(run *o)
{
  standing keep = o->at;
  o->at = (standing){.epoch = keep.epoch + 1,
                     .wall = keep.wall,
                     .return_mean = keep.return_mean,
                     .return_std = keep.return_std,
                     .score = keep.score,
                     .length_mean = keep.length_mean};
  if (o->ring) o->ring_count = replay_count(o->ring), o->ring_head = replay_head(o->ring);
}

static mopo_status one_epoch(run *o, mopo_error *err)
{
  epoch_times t = {.begun = run_seconds(o)};
  mopo_status st = MOPO_OK;
  agent_progress(o->agent, o->at.epoch / o->c.epochs);
  double lr = agent_actor_lr(o->agent);
  if (o->rollout && o->at.rolled == 0 && (st = roll_out(o, err)) != MOPO_OK) return st;
  t.rolled_out = run_seconds(o);
  while (o->at.update < o->c.updates_per_epoch) {
    if (watch_stopped(o->watch)) return stopped_error(o, err);
    if ((st = update(o, err)) != MOPO_OK) return st;
  }
  t.updated = run_seconds(o);
  if ((st = health_finite(o, err)) != MOPO_OK) return st;
  if ((st = assess(o, err)) != MOPO_OK) return st;
  t.evaluated = run_seconds(o);
  if ((st = record_histograms(o, err)) != MOPO_OK) return st;
  if ((st = record(o, lr, &t, err)) != MOPO_OK) return st;
  begin_next_epoch(o);
  return MOPO_OK;
}

static mopo_epoch epoch_of(const metrics_row *r, int epochs)
{
  return (mopo_epoch){.size = sizeof(mopo_epoch),
                      .epoch = (int)r->epoch,
                      .epochs = epochs,
                      .updates = (int64_t)r->updates,
                      .wall_seconds = r->wall_seconds,
                      .return_mean = r->return_mean,
                      .return_std = r->return_std,
                      .score = r->score,
                      .length_mean = r->length_mean,
                      .critic_loss = r->critic_loss,
                      .actor_loss = r->actor_loss,
                      .alpha = r->alpha,
                      .entropy = r->entropy,
                      .q_mean = r->q_mean,
                      .q_data_mean = r->q_data_mean,
                      .penalty_mean = r->penalty_mean,
                      .model_reward_mean = r->model_reward_mean,
                      .rollout_rows = r->rollout_rows,
                      .rollout_terminal_rate = r->rollout_terminal_rate,
                      .discounted_return = r->discounted_return,
                      .model_return = r->model_return,
                      .model_return_penalised = r->model_return_penalised,
                      .model_uncertainty = r->model_uncertainty};
}

/* A checkpoint of where a run that shall stop stands, or why there is none. */
static mopo_status stop_here(run *o, mopo_error *err)
{
  mopo_error why;
  if (checkpoint_save(o, &why) != MOPO_OK) return error_set(err, why.code, "%s", why.msg);
  return MOPO_ESTOPPED;
}

/* Does the caller, who sees what the epoch made, want another one? */
static bool wants_more(run *o)
{
  const mopo_hooks *h = o->order.hooks;
  if (!h || !h->epoch) return true;
  const mopo_epoch e = epoch_of(&o->last, o->c.epochs);
  policy_take(o->policy, agent_policy(o->agent));
  return h->epoch(h->ctx, &e, o->policy);
}

static mopo_status learn(run *o, mopo_error *err)
{
  while (o->at.epoch < o->c.epochs) {
    mopo_status st = one_epoch(o, err);
    if (st == MOPO_ESTOPPED) return stop_here(o, err);
    if (st != MOPO_OK) return st;
    bool last = o->at.epoch >= o->c.epochs;
    if (last || (int)o->at.epoch % o->c.checkpoint_every == 0)
      if ((st = checkpoint_save(o, err)) != MOPO_OK) return st;
    if (wants_more(o) || last) continue;
    (void)stopped_error(o, err);
    return stop_here(o, err);
  }
  return MOPO_OK;
}

/* With what the fit said of the model: this session's, or an earlier one's. */
static mopo_status write_result(const run *o, const metrics_row *r, int rows,
                                const mopo_train_result *out, mopo_error *err)
{
  result_build build = {.simulator = mopo_simulator_version(),
                        .kernels = mopo_kernels_name(),
                        .names = o->data->obs_names,
                        .S = o->data->at.S};
  double r2[GAUSS_MAX];
  bool there = false;
  char path[RUN_PATH];
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_MODEL, err);
  if (st == MOPO_OK && o->model) st = fitlog_read_r2(&there, r2, build.S + 1, path, err);
  if (there) build.r2 = r2;
  result_warnings w;
  w.n = health_list(w.text, o, r, rows);
  return st == MOPO_OK ? result_write(o->dir, &build, &o->c, r, rows, out, &w, err) : st;
}

static mopo_status finish(run *o, mopo_train_result *out, mopo_error *err)
{
  int rows = 0;
  metrics_row *r = NULL;
  mopo_status st = metrics_rows(&r, &rows, o->metrics, err);
  if (st != MOPO_OK) return st;
  *out =
      (mopo_train_result){.epochs = (int)o->at.epoch,
                          .return_mean = rows ? r[rows - 1].return_mean : NAN,
                          .return_std = rows ? r[rows - 1].return_std : NAN,
                          .score = rows ? r[rows - 1].score : NAN,
                          .discounted_return = rows ? r[rows - 1].discounted_return : NAN,
                          .model_return = rows ? r[rows - 1].model_return : NAN,
                          .model_return_penalised = rows ? r[rows - 1].model_return_penalised : NAN,
                          .model_uncertainty = rows ? r[rows - 1].model_uncertainty : NAN,
                          .batch_return_mean = o->info.return_mean,
                          .batch_return_max = o->info.return_max,
                          .wall_seconds = run_seconds(o)};
  if ((st = run_judge(o, &out->ope, err)) != MOPO_OK) {
    free(r);
    return st;
  }
  out->wall_seconds = run_seconds(o);
  if (o->dir) st = write_result(o, r, rows, out, err);
  free(r);
  return st;
}

mopo_status run_whole(mopo_policy **policy, mopo_train_result *result, const run_order *order,
                      mopo_error *err)
{
  run *o = calloc(1, sizeof *o);
  if (!o) return error_set(err, MOPO_ENOMEM, "train: no memory");
  o->lock = -1;
  mopo_status st = run_set_up(o, order, err);
  if (st == MOPO_OK) {
    st = learn(o, err);
    if (st == MOPO_OK) st = finish(o, result, err);
    if (policy && (st == MOPO_OK || st == MOPO_ESTOPPED)) {
      policy_take(o->policy, agent_policy(o->agent));
      *policy = o->policy, o->policy = NULL;
    }
  }
  if (st == MOPO_ENUMERIC) blame(o, err);
  run_tear_down(o);
  free(o);
  return st;
}
