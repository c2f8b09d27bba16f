/* setup.c - allocates everything that a run needs, and takes it down; see run.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/watch.h"
#include "io/file.h"
#include "play/oracle.h"
#include "task/task.h"
#include "train/run.h"

static mopo_status set_up_agent(run *o, const agent_type *type, mopo_error *err)
{
  agent_setup setup = {.config = &o->c,
                       .S = o->data->at.S,
                       .A = o->data->at.A,
                       .pool = o->pool,
                       .key = rng_split(o->key, "agent"),
                       .data = o->data,
                       .info = &o->info,
                       .model = o->model ? &o->imagine : NULL};
  return agent_create(&o->agent, type, &setup, err);
}

static mopo_status set_up_evaluation(run *o, mopo_error *err)
{
  if (!o->task->facts.obs_dim) {
    watch_line(o->watch, "task none has no simulator: the policy is not evaluated");
    return MOPO_OK;
  }
  if (!*mopo_simulator_version()) {
    watch_line(o->watch, "built without MuJoCo: the policy is not evaluated in simulation");
    return MOPO_OK;
  }
  mopo_status st = MOPO_OK;
  if (!o->world) st = sim_world_create(&o->world, o->task, physics_of(o->c.physics), err);
  if (st != MOPO_OK) return st;
  const actor *p = agent_policy(o->agent);
  st = evaluator_create(&o->evaluator, o->task, o->world, p, o->c.eval_episodes, o->c.gamma,
                        o->pool, err);
  if (st == MOPO_OK && o->watch) evaluator_stop_at(o->evaluator, o->watch->stop);
  if (st != MOPO_OK || !o->model) return st;
  forecast_settings set = {.starts = o->c.eval_episodes, .gamma = o->c.gamma};
  return forecast_create(&o->forecast, &set, &o->imagine, p, o->pool, err);
}

static mopo_status set_up_all(run *o, bool resume, mopo_error *err)
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
  if (type->uses_model && (st = run_imagine(o, resume, err)) != MOPO_OK) return st;
  if ((st = set_up_agent(o, type, err)) != MOPO_OK) return st;
  if ((st = run_practice(o, err)) != MOPO_OK) return st;
  if ((st = set_up_evaluation(o, err)) != MOPO_OK) return st;
  o->at.return_mean = o->at.return_std = o->at.score = o->at.length_mean = NAN;
  st = rundir_path(path, sizeof path, o->c.out, RUN_CHECKPOINT, err);
  if (st == MOPO_OK && resume && file_exists(path)) st = checkpoint_load(o, err);
  if (st == MOPO_OK) st = metrics_open(&o->metrics, o->c.out, (int64_t)o->at.epoch, err);
  return st;
}

mopo_status run_set_up(run *o, const mopo_config *c, bool resume, mopo_error *err)
{
  o->began = clock_seconds();
  mopo_status st = run_settle(o, c, resume, err);
  return st == MOPO_OK ? set_up_all(o, resume, err) : st;
}

void run_tear_down(run *o)
{
  metrics_close(o->metrics);
  forecast_free(o->forecast);
  evaluator_free(o->evaluator);
  oracle_free(o->oracle);
  sim_world_free(o->world);
  rollout_free(o->rollout);
  replay_free(o->ring);
  if (o->agent) agent_free(o->agent);
  ensemble_free(o->model);
  free(o->rows);
  par_free(o->pool);
  mopo_dataset_free(o->data);
  rundir_unlock(o->lock);
}
