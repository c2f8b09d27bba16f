/* label.c - what a run's policy carries of its log and task; see run.h. */
#include <stdlib.h>

#include "data/notes.h"
#include "task/task.h"
#include "train/run.h"

/* Nothing is said of data without names and units: of D4RL's, say. */
mopo_status run_label(run *o, mopo_error *err)
{
  const mopo_dataset *d = o->data;
  const mopo_task_facts *f = &o->task->facts;
  const task_rules *r = o->task->rules;
  const bool given = !o->task->body.simulator; /* the task is the caller's, or a file */
  const int S = d->at.S, A = d->at.A;
  policy_labels l = {.obs = (const char *const *)d->obs_names,
                     .act = (const char *const *)d->act_names,
                     .ranges = d->ranges,
                     .history = r ? r->history : 1};
  if (!l.obs && given && f->obs_dim == S) l.obs = f->obs_names;
  if (!l.act && given && f->act_dim == A) l.act = f->act_names;
  for (int k = 0; r && k < r->A; k++)
    if (r->is_switch[k]) l.is_switch = r->is_switch;
  if (!l.obs && !l.act && !l.ranges && !r) return MOPO_OK;
  float *seen = malloc(2 * (size_t)S * sizeof *seen);
  if (!seen) return error_set(err, MOPO_ENOMEM, "no memory for the policy's labels");
  for (int j = 0; j < S; j++) {
    double range[2];
    dataset_column_range(range, d, j);
    seen[2 * j] = (float)range[0], seen[2 * j + 1] = (float)range[1];
  }
  l.seen = seen;
  mopo_status st = labels_copy(&o->labels, &l, S, A, err);
  free(seen);
  return st;
}
