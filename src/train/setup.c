/* setup.c - allocates everything that a run needs, and takes it down; see run.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hold.h"
#include "agent/policy.h"
#include "base/clock.h"
#include "base/watch.h"
#include "io/file.h"
#include "play/oracle.h"
#include "task/task.h"
#include "train/run.h"
#include "train/run_units.h"

static mopo_status set_up_agent(run *o, const agent_type *type, mopo_error *err)
{
  agent_setup setup = {.config = &o->c,
                       .S = o->data->at.S,
                       .A = o->data->at.A,
                       .pool = o->pool,
                       .key = rng_split(o->key, "agent"),
                       .data = o->learn,
                       .info = &o->learn_info,
                       .model = o->model ? &o->imagine : NULL,
                       .units = o->units};
  if (type->holds && config_real(&o->c, "behaviour-term") > 0.0) {
    o->behaviour = calloc((size_t)setup.A, sizeof *o->behaviour);
    if (!o->behaviour) return error_set(err, MOPO_ENOMEM, "train: no memory");
    mopo_status st = behaviour_weights(o->behaviour, &setup, err);
    if (st != MOPO_OK) return st;
    setup.behaviour = o->behaviour;
  }
  return agent_create(&o->agent, type, &setup, err);
}

static mopo_status set_up_evaluation(run *o, mopo_error *err)
{
  const mopo_simulator *simulator = o->order.simulator;
  if (!simulator) return MOPO_OK;
  if (simulator == sim_built_in() && !o->task->body.simulator) {
    watch_line(o->watch, "task %s has no simulator: the policy is not evaluated",
               o->task->facts.name);
    return MOPO_OK;
  }
  if (simulator == sim_built_in() && !*mopo_simulator_version()) {
    watch_line(o->watch, "built without MuJoCo: the policy is not evaluated in simulation");
    return MOPO_OK;
  }
  mopo_status st = MOPO_OK;
  const bool own = simulator != sim_built_in();
  sim_world **world = own ? &o->own_world : &o->world;
  if (!*world) st = sim_world_of(world, simulator, o->task, physics_of(o->c.physics), err);
  if (st != MOPO_OK) return st;
  const actor *p = agent_policy(o->agent);
  st = evaluator_create(&o->evaluator, o->task, *world, p, o->c.eval_episodes, o->c.gamma, o->pool,
                        err);
  if (st == MOPO_OK && o->watch) evaluator_stop_at(o->evaluator, o->watch->stop);
  if (st != MOPO_OK || !o->model) return st;
  forecast_settings set = {.starts = o->c.eval_episodes, .gamma = o->c.gamma};
  return forecast_create(&o->forecast, &set, &o->imagine, p, o->pool, err);
}

/* The scale, and the rows in its units. A model that is given has its own, which the run then has,
 * too. */
static mopo_status set_up_units(run *o, const agent_type *type, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  if ((type->is.reads & READS_MODEL) && (o->order.model || o->c.model[0])) {
    st = run_model_get(o, err);
    if (st == MOPO_OK) st = run_units_take(&o->units, &o->scaled, o->model->units, o->data, err);
  } else {
    st = run_units_choose(&o->units, &o->scaled, &o->c, o->task, o->data, o->watch, err);
  }
  o->learn = o->scaled ? o->scaled : o->data;
  return st == MOPO_OK ? mopo_dataset_describe(&o->learn_info, o->learn, err) : st;
}

static mopo_status set_up_all(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  mopo_status st = mopo_dataset_describe(&o->info, o->data, err);
  if (st != MOPO_OK) return st;
  dataset_digest(o->digest, o->data);
  if ((st = par_create(&o->pool, o->c.threads, err)) != MOPO_OK) return st;
  o->key = rng_split(rng_seed(o->c.seed), "train");
  o->rows = calloc((size_t)o->c.batch_size, sizeof *o->rows);
  if (!o->rows) return error_set(err, MOPO_ENOMEM, "train: no memory for a batch");
  const agent_type *type = agent_find(o->c.algo);
  if (!type) return error_set(err, MOPO_EINVAL, "algo = '%s', no such algorithm", o->c.algo);
  if ((st = set_up_units(o, type, err)) != MOPO_OK) return st;
  if (type->is.reads & READS_MODEL && (st = run_imagine(o, err)) != MOPO_OK) return st;
  if ((st = run_label(o, err)) != MOPO_OK) return st;
  if ((st = set_up_agent(o, type, err)) != MOPO_OK) return st;
  if ((st = run_practice(o, err)) != MOPO_OK) return st;
  if ((st = set_up_evaluation(o, err)) != MOPO_OK) return st;
  o->at.return_mean = o->at.return_std = o->at.score = o->at.length_mean = NAN;
  if (o->dir) {
    st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CHECKPOINT, err);
    if (st == MOPO_OK && o->order.resume && file_exists(path)) st = checkpoint_load(o, err);
  }
  if (st == MOPO_OK) st = metrics_open(&o->metrics, o->dir, (int64_t)o->at.epoch, err);
  if (st == MOPO_OK) st = metrics_settings(o->metrics, &o->c, err);
  if (st != MOPO_OK) return st;
  return policy_of(&o->policy, agent_policy(o->agent), o->c.algo, o->task->facts.name, o->labels,
                   err);
}

mopo_status run_set_up(run *o, const run_order *order, mopo_error *err)
{
  o->began = clock_seconds();
  o->order = *order;
  o->c = *order->config;
  o->watch = order->watch, o->dir = order->dir;
  mopo_status st = run_settle(o, err);
  return st == MOPO_OK ? set_up_all(o, err) : st;
}

void run_tear_down(run *o)
{
  metrics_close(o->metrics);
  forecast_free(o->forecast);
  evaluator_free(o->evaluator);
  oracle_free(o->oracle);
  sim_world_free(o->world);
  sim_world_free(o->own_world);
  rollout_free(o->rollout);
  replay_free(o->ring);
  if (o->agent) agent_free(o->agent);
  reach_free(o->reach);
  termination_free(o->learned);
  ensemble_free(o->fitted);
  mopo_policy_free(o->policy);
  free(o->labels);
  free(o->rows);
  par_free(o->pool);
  free(o->behaviour);
  units_free(o->units);
  mopo_dataset_free(o->scaled);
  mopo_dataset_free(o->loaded);
  mopo_task_free(o->loaded_task);
  rundir_unlock(o->lock);
}
