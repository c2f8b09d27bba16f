/* run_units.c - see run_units.h. */
#include "train/run_units.h"

#include <stdio.h>
#include <string.h>

#include "base/watch.h"
#include "config/config.h"
#include "task/task.h"

/* Columns that stand still, in one line. */
static void tell_still(const units *s, const mopo_dataset *d, const mopo_watch *watch)
{
  char own[DATASET_COLUMN], names[160] = "";
  int still = 0;
  size_t n = 0;
  for (int j = 0; j < s->S; j++) {
    if (s->spread[j] > 0.0f) continue;
    if (n < sizeof names)
      n += (size_t)snprintf(names + n, sizeof names - n, " %s", dataset_column(own, d, j));
    still++;
  }
  if (still)
    watch_line(watch, "%d of %d columns do not move and are not learned from:%.150s", still, s->S,
               names);
}

static bool ends(const mopo_dataset *d)
{
  bool any = false;
  for (int64_t i = 0; i < d->N && !any; i++) any = dataset_row(d, i)[d->at.done] != 0.0f;
  return any;
}

mopo_status run_units_choose(units **out, mopo_dataset **scaled, const mopo_config *c,
                             const mopo_task *task, const mopo_dataset *data,
                             const mopo_watch *watch, mopo_error *err)
{
  *out = NULL, *scaled = NULL;
  if (strcmp(c->scaler, "standard") != 0) return MOPO_OK;
  mopo_status st = units_fit(out, data, ends(data) || task_knows_ends(task), err);
  if (st != MOPO_OK) return st;
  tell_still(*out, data, watch);
  return units_dataset(scaled, *out, data, err);
}

mopo_status run_units_take(units **out, mopo_dataset **scaled, const units *given,
                           const mopo_dataset *data, mopo_error *err)
{
  *out = NULL, *scaled = NULL;
  if (!given) return MOPO_OK;
  mopo_status st = units_copy(out, given, err);
  return st == MOPO_OK ? units_dataset(scaled, *out, data, err) : st;
}
