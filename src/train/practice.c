/* practice.c - where a run's policy practises: the imagined step, the rollouts, the ring of
 * imagined rows; see run.h. */
#include "play/oracle.h"
#include "train/run.h"

static mopo_status set_up_oracle(run *o, mopo_error *err)
{
  mopo_status st = sim_world_create(&o->world, o->task, physics_of(o->c.physics), err);
  return st == MOPO_OK ? oracle_create(&o->oracle, o->task, o->world, o->pool, err) : st;
}

mopo_status run_imagine(run *o, mopo_error *err)
{
  mopo_status st = o->model ? MOPO_OK : run_model_get(o, err);
  if (st != MOPO_OK) return st;
  o->imagine = (imagine){
      .m = o->model, .task = o->task, .coef = o->c.penalty_coef, .margin = o->c.imagined_margin};
  st = penalty_find(&o->imagine.penalty, o->c.penalty, err);
  if (st != MOPO_OK || !o->imagine.penalty->simulator) return st;
  if (o->units)
    return error_set(err, MOPO_EINVAL, "penalty = %s with scaler = standard, want scaler = none",
                     o->c.penalty);
  if ((st = set_up_oracle(o, err)) != MOPO_OK) return st;
  o->imagine.measure = oracle_measure, o->imagine.ctx = o->oracle;
  return MOPO_OK;
}

mopo_status run_practice(run *o, mopo_error *err)
{
  o->real_rows = o->c.batch_size;
  if (!o->model) return MOPO_OK;
  rollout_settings set = {.rows = o->c.rollout_batch, .length = o->c.rollout_length};
  mopo_status st =
      rollout_create(&o->rollout, &set, &o->imagine, agent_learning(o->agent), o->pool, err);
  if (st != MOPO_OK) return st;
  int64_t rows = (int64_t)o->c.rollout_keep * o->c.rollout_length * o->c.rollout_batch;
  o->real_rows = (int)(o->c.real_ratio * o->c.batch_size + 1e-6); /* 0.29 of 100 are 29 */
  return replay_create(&o->ring, rows, o->data->at, err);
}
