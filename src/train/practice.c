/* practice.c - where a run's policy practises: the imagined step, the rollouts, the ring of
 * imagined rows; see run.h. */
#include <math.h>
#include <string.h>

#include "base/watch.h"
#include "play/oracle.h"
#include "train/ends.h"
#include "train/run.h"

static mopo_status set_up_oracle(run *o, mopo_error *err)
{
  mopo_status st = sim_world_create(&o->world, o->task, physics_of(o->c.physics), err);
  return st == MOPO_OK ? oracle_create(&o->oracle, o->task, o->world, o->pool, err) : st;
}

/* Of the model, if it has them; else fitted, and added to the model's file where the run writes
 * one.
 */
static mopo_status get_ends(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  mopo_status st = MOPO_OK;
  if (o->end) {
    watch_line(o->watch, "ends: those of the model");
    return MOPO_OK;
  }
  if (o->dir) st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_MODEL, err);
  if (st == MOPO_OK) st = ends_fit(&o->learned, o->learn, o->key, o->pool, o->watch, err);
  if (st == MOPO_OK && o->dir) st = ensemble_save_with(o->model, o->learned, path, err);
  if (st == MOPO_OK) o->end = o->learned;
  return st;
}

/* Where rollouts are cut. The threshold follows from model and rows, so that a run that is resumed
 * has the same. */
static mopo_status get_reach(run *o, mopo_error *err)
{
  if (config_real(&o->c, "rollout-stop") <= 0) return MOPO_OK;
  mopo_status st =
      reach_create(&o->reach, o->model, o->learn, config_real(&o->c, "rollout-stop"), o->pool, err);
  if (st != MOPO_OK) return st;
  watch_line(
      o->watch, "rollouts: cut where the members' spread is above %.4g, quantile %g of %lld rows",
      (double)o->reach->threshold, config_real(&o->c, "rollout-stop"), (long long)o->learn->N);
  return MOPO_OK;
}

/* Of all recorded rows, the least sum over t of gamma^t r_t to their episode's end. */
static double least_return(const mopo_dataset *d, double gamma)
{
  double least = INFINITY, ret = 0;
  for (int64_t i = d->N - 1; i >= 0; i--) {
    if (d->ends[i]) ret = 0;
    ret = (double)dataset_row(d, i)[d->at.rew] + gamma * ret;
    least = fmin(least, ret);
  }
  return least;
}

mopo_status run_imagine(run *o, mopo_error *err)
{
  mopo_status st = o->model ? MOPO_OK : run_model_get(o, err);
  if (st != MOPO_OK) return st;
  if (!ends_wanted(&o->c, o->task, o->end != NULL, o->info.terminals, o->watch))
    o->end = NULL;
  else if ((st = get_ends(o, err)) != MOPO_OK)
    return st;
  if ((st = get_reach(o, err)) != MOPO_OK) return st;
  o->imagine = (imagine){.m = o->model,
                         .task = o->task,
                         .coef = config_real(&o->c, "penalty-coef"),
                         .margin = config_real(&o->c, "imagined-margin"),
                         .end = o->end,
                         .reach = o->reach};
  st = penalty_find(&o->imagine.penalty, mopo_config_text(&o->c, "penalty"), err);
  if (st != MOPO_OK || !o->imagine.penalty->simulator) return st;
  if (o->units)
    return error_set(err, MOPO_EINVAL, "penalty = %s with scaler = standard, want scaler = none",
                     o->imagine.penalty->name);
  if ((st = set_up_oracle(o, err)) != MOPO_OK) return st;
  o->imagine.measure = oracle_measure, o->imagine.ctx = o->oracle;
  return MOPO_OK;
}

mopo_status run_practice(run *o, mopo_error *err)
{
  o->real_rows = o->c.batch_size;
  if (!o->model) return MOPO_OK;
  bool least = config_is(&o->c, "rollout-cut", "least");
  rollout_settings set = {.rows = config_int(&o->c, "rollout-batch"),
                          .length = config_int(&o->c, "rollout-length"),
                          .cut_value = least ? least_return(o->learn, o->c.gamma) : (double)NAN,
                          .gamma = o->c.gamma};
  mopo_status st =
      rollout_create(&o->rollout, &set, &o->imagine, agent_learning(o->agent), o->pool, err);
  if (st != MOPO_OK) return st;
  int64_t rows = (int64_t)config_int(&o->c, "rollout-keep") * set.length * set.rows;
  o->real_rows =
      (int)(config_real(&o->c, "real-ratio") * o->c.batch_size + 1e-6); /* 0.29 of 100 are 29 */
  return replay_create(&o->ring, rows, o->data->at, err);
}
