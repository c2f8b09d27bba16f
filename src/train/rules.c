/* rules.c - what a task file's rules say of the log that a run learns from; see run.h. */
#include "data/rules.h"

#include <string.h>

#include "base/watch.h"
#include "io/file.h"
#include "train/run.h"

mopo_status run_limits(mopo_task *task, mopo_dataset *data, const mopo_config *c, mopo_error *err)
{
  int64_t passed;
  float least = 0.0f;
  if (strcmp(c->limits, "terminal") != 0) return MOPO_OK;
  if (!task->rules || !task->rules->limit)
    return error_set(err, MOPO_EINVAL, "limits = terminal, but task %s has no limit",
                     task->facts.name);
  for (int64_t i = 0; i < data->N; i++) {
    float r = dataset_row(data, i)[data->at.rew];
    if (i == 0 || r < least) least = r;
  }
  task_end_at_limit(task, least);
  return dataset_limit(&passed, data, task, true, least, err);
}

static mopo_status tell_ends(const run *o, mopo_error *err)
{
  mopo_agreement a = {0};
  mopo_status st = dataset_compare_ends(&a, o->loaded, o->task, err);
  if (st != MOPO_OK || a.ends * 100 <= a.end_rows) return st;
  watch_line(
      o->watch,
      "the rule of task %s and the recorded ends contradict each other in %lld of %lld rows, "
      "first in row %lld: mopo data check",
      o->task->facts.name, (long long)a.ends, (long long)a.end_rows, (long long)a.first_end);
  return MOPO_OK;
}

mopo_status run_tell_rules(run *o, mopo_error *err)
{
  int64_t passed = 0;
  if (!o->task->rules) return MOPO_OK;
  mopo_status st = o->task->limit_ends ? MOPO_OK : tell_ends(o, err);
  if (st == MOPO_OK) st = dataset_limit(&passed, o->loaded, o->task, false, 0.0f, err);
  if (st == MOPO_OK && o->task->rules->limit)
    watch_line(o->watch, "limit: %lld of %lld recorded rows pass it%s", (long long)passed,
               (long long)o->data->N, o->task->limit_ends ? ", each an end" : "");
  return st;
}

mopo_status run_keep_task(const run *o, mopo_error *err)
{
  char path[RUN_PATH];
  const task_rules *r = o->task->rules;
  if (!r) return MOPO_OK;
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_TASK, err);
  return st == MOPO_OK ? file_write(path, r->text, r->bytes, err) : st;
}
