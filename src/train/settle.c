/* settle.c - what a run is about: its settings, its data, its directory; see run.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watch.h"
#include "io/file.h"
#include "task/task.h"
#include "train/run.h"

mopo_status run_data(mopo_config *c, const char *from, mopo_task **task, mopo_dataset **data,
                     const mopo_watch *watch, mopo_error *err)
{
  if (!c->data[0]) return error_set(err, MOPO_EINVAL, "data is not set: a dataset");
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: where to write");
  mopo_status st = mopo_task_load(task, from, err);
  if (st == MOPO_OK) st = mopo_dataset_read(data, c->data, c, *task, false, watch, err);
  if (st == MOPO_OK) st = run_limits(*task, *data, c, err);
  if (st != MOPO_OK) return st;
  return mopo_config_resolve(c, (*task)->facts.name, (*data)->kind, (*data)->at.A, err);
}

/* Is there such a penalty, and can it be had? Said before anything is fitted. */
static mopo_status check_penalty(const mopo_config *c, const mopo_task *task, mopo_error *err)
{
  const agent_type *type = agent_find(c->algo);
  const penalty_type *kind;
  mopo_status st = penalty_find(&kind, mopo_config_text(c, "penalty"), err);
  if (st != MOPO_OK || !type || !(type->is.reads & READS_MODEL)) return st;
  if (config_real(c, "penalty-coef") > 0 &&
      (st = penalty_check(kind, config_int(c, "members"), err)) != MOPO_OK)
    return st;
  if (kind->simulator && !task->body.simulator)
    return error_set(err, MOPO_EINVAL, "penalty = %s with task %s, want a simulated task",
                     kind->name, task->facts.name);
  if (kind->simulator && !*mopo_simulator_version())
    return error_set(err, MOPO_EABSENT, "penalty = %s: this build has no simulator", kind->name);
  return MOPO_OK;
}

mopo_status run_take_data(run *o, mopo_error *err)
{
  const run_order *order = &o->order;
  const mopo_dataset *d = order->data;
  o->task = order->task ? order->task : mopo_task_find(o->c.task);
  if (!o->task) return task_unknown(o->c.task, ", none", err);
  const mopo_task_facts *f = &o->task->facts;
  if ((f->obs_dim && f->obs_dim != d->at.S) || (f->act_dim && f->act_dim != d->at.A))
    return error_set(err, MOPO_EDATA, "task %s: %d observations, %d actions; the data have %d, %d",
                     f->name, f->obs_dim, f->act_dim, d->at.S, d->at.A);
  if (strcmp(o->c.limits, "terminal") == 0)
    return error_set(err, MOPO_EINVAL, "limits = terminal with data in memory, want report");
  o->data = d;
  mopo_status st = mopo_config_set(&o->c, "task", f->name, err);
  return st == MOPO_OK ? mopo_config_resolve(&o->c, f->name, d->kind, d->at.A, err) : st;
}

/* A run that resumes reads the task file that it began with. */
static mopo_status get_data(run *o, mopo_error *err)
{
  char task[RUN_PATH] = "";
  mopo_status st = MOPO_OK;
  if (o->order.data) return run_take_data(o, err);
  if (o->order.resume) st = rundir_path(task, sizeof task, o->dir, MOPO_RUN_TASK, err);
  if (st != MOPO_OK) return st;
  const char *from = file_exists(task) ? task : o->c.task;
  st = run_data(&o->c, from, &o->loaded_task, &o->loaded, o->watch, err);
  o->task = o->loaded_task, o->data = o->loaded;
  /* What was left out, cut or clipped is told where it is learned from, too. */
  for (int i = 0; st == MOPO_OK && i < o->loaded->n_notes; i++)
    watch_line(o->watch, "data: %s", o->loaded->notes[i]);
  return st == MOPO_OK && !o->order.resume ? run_tell_rules(o, err) : st;
}

static mopo_status settle_resumed(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CONFIG, err);
  if (st == MOPO_OK && !file_exists(path))
    st = error_set(err, MOPO_EINVAL, "%s: no run to go on with", o->dir);
  if (st == MOPO_OK) st = rundir_lock(&o->lock, o->dir, err);
  if (st == MOPO_OK) st = run_resume_settings(&o->c, o->order.config, o->dir, true, err);
  if (st == MOPO_OK) st = get_data(o, err);
  if (st == MOPO_OK) st = check_penalty(&o->c, o->task, err);
  return st == MOPO_OK ? run_resume_longer(o, err) : st;
}

/* A run is resumed from any directory: the paths in its settings begin at the root. */
static mopo_status make_absolute(mopo_config *c, const char *name, const char *path,
                                 mopo_error *err)
{
  if (!*path || *path == '/') return MOPO_OK;
  while (path[0] == '.' && path[1] == '/') path += 2;
  char *here = getcwd(NULL, 0), *whole = NULL;
  size_t n = here ? strlen(here) : 0, size = n + strlen(path) + 2;
  if (here) whole = malloc(size);
  if (!whole) {
    int cause = errno;
    free(here);
    return error_set(err, cause == ENOMEM ? MOPO_ENOMEM : MOPO_EIO,
                     "%s: the directory it is in: %s", path, strerror(cause));
  }
  memcpy(whole, here, n);
  snprintf(whole + n, size - n, "%s%s", n && here[n - 1] == '/' ? "" : "/", path);
  mopo_status st = mopo_config_set(c, name, whole, err);
  free(whole);
  free(here);
  return st;
}

mopo_status run_settle(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  if (o->order.resume) return settle_resumed(o, err);
  mopo_status st = get_data(o, err);
  if (st == MOPO_OK) st = run_model_check(o, err);
  if (st == MOPO_OK) st = check_penalty(&o->c, o->task, err);
  if (st != MOPO_OK || !o->dir) return st;
  if ((st = rundir_lock(&o->lock, o->dir, err)) != MOPO_OK) return st;
  if ((st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CONFIG, err)) != MOPO_OK) return st;
  if (file_exists(path))
    return error_set(err, MOPO_EINVAL,
                     "%s: a run is there already: resume it, or take another directory", o->dir);
  mopo_config saved = o->c;
  if ((st = make_absolute(&saved, "data", o->c.data, err)) != MOPO_OK) return st;
  if ((st = make_absolute(&saved, "model", o->c.model, err)) != MOPO_OK) return st;
  if ((st = run_keep_task(o, err)) != MOPO_OK) return st;
  return mopo_config_save(&saved, path, err);
}
