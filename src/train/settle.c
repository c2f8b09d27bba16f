/* settle.c - what a run is about: its settings, its data, its directory; see run.h. */
#include <string.h>

#include "io/file.h"
#include "task/task.h"
#include "train/run.h"

mopo_status run_data(mopo_config *c, const mopo_task **task, mopo_dataset **data, mopo_error *err)
{
  if (!c->data[0]) return error_set(err, MOPO_EINVAL, "data is not set: a dataset");
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: where to write");
  *task = mopo_task_find(c->task);
  if (!*task) return task_unknown(c->task, ", none", err);
  mopo_status st = mopo_dataset_load(data, c->data, *task, err);
  if (st != MOPO_OK) return st;
  return mopo_config_resolve(c, (*task)->facts.name, (*data)->kind, (*data)->at.A, err);
}

/* Is there such a penalty, and can it be had? Said before anything is fitted. */
static mopo_status check_penalty(const mopo_config *c, const mopo_task *task, mopo_error *err)
{
  const agent_type *type = agent_find(c->algo);
  const penalty_type *kind;
  mopo_status st = penalty_find(&kind, c->penalty, err);
  if (st != MOPO_OK || !type || !type->uses_model) return st;
  if (c->penalty_coef > 0 && (st = penalty_check(kind, c->members, err)) != MOPO_OK) return st;
  if (kind->simulator && !task->facts.obs_dim)
    return error_set(err, MOPO_EINVAL, "penalty = %s with task none, want a simulated task",
                     kind->name);
  if (kind->simulator && !*mopo_simulator_version())
    return error_set(err, MOPO_EABSENT, "penalty = %s: this build has no simulator", kind->name);
  return MOPO_OK;
}

mopo_status run_settle(run *o, const mopo_config *c, bool resume, mopo_error *err)
{
  char path[RUN_PATH];
  o->c = *c;
  mopo_status st = MOPO_OK;
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: the run directory");
  if (resume) {
    st = rundir_path(path, sizeof path, c->out, RUN_CONFIG, err);
    if (st == MOPO_OK && !file_exists(path))
      st = error_set(err, MOPO_EINVAL, "%s: no run to go on with", c->out);
    if (st == MOPO_OK) st = rundir_lock(&o->lock, c->out, err);
    if (st == MOPO_OK) st = run_resume_settings(&o->c, c, err);
    if (st == MOPO_OK) st = run_data(&o->c, &o->task, &o->data, err);
    return st == MOPO_OK ? check_penalty(&o->c, o->task, err) : st;
  }
  if ((st = run_data(&o->c, &o->task, &o->data, err)) != MOPO_OK) return st;
  if ((st = run_model_check(&o->c, o->data, err)) != MOPO_OK) return st;
  if ((st = check_penalty(&o->c, o->task, err)) != MOPO_OK) return st;
  if ((st = rundir_lock(&o->lock, c->out, err)) != MOPO_OK) return st;
  if ((st = rundir_path(path, sizeof path, c->out, RUN_CONFIG, err)) != MOPO_OK) return st;
  if (file_exists(path))
    return error_set(err, MOPO_EINVAL, "%s: a run is there already: --resume, or another --out",
                     c->out);
  return mopo_config_save(&o->c, path, err);
}
