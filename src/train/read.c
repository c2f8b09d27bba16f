/* read.c - a dataset as the settings say how to read it; see mopo.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "config/config.h"
#include "data/dataset.h"

/* "-2,2", or a pair for each action: "0,100,0,1". ranges [n,2] are the caller's to free. */
static mopo_status read_ranges(double **ranges, int *n, const char *text, mopo_error *err)
{
  size_t most = 1, k = 0;
  for (const char *p = text; *p; p++) most += *p == ',';
  double *x = malloc(most * sizeof *x);
  *ranges = x;
  if (!x) return error_set(err, MOPO_ENOMEM, "action-range: no memory");
  const char *rest = text;
  bool ok = true;
  while (ok && k < most) {
    char *end = NULL;
    x[k] = number_parse(rest, &end);
    ok = end != rest && *end == (k + 1 < most ? ',' : '\0') && isfinite(x[k]);
    if (ok && k % 2) ok = x[k - 1] < x[k];
    rest = end + 1;
    k++;
  }
  *n = (int)(k / 2);
  if (ok && k % 2 == 0) return MOPO_OK;
  return error_set(err, MOPO_EINVAL,
                   "action-range = '%.200s', want two numbers: LOW,HIGH, or two for each action",
                   text);
}

mopo_status mopo_dataset_read(mopo_dataset **out, const char *path, const mopo_config *c,
                              const mopo_task *task, bool as_recorded, const mopo_watch *watch,
                              mopo_error *err)
{
  double *ranges = NULL;
  mopo_import how = {.size = sizeof how, .as_recorded = as_recorded, .watch = watch};
  NOT_NULL(out);
  NOT_NULL(path);
  NOT_NULL(c);
  *out = NULL;
  how.columns = *c->columns ? c->columns : NULL;
  how.bad_rows = strcmp(c->bad_rows, "cut") ? MOPO_BAD_ROWS_ERROR : MOPO_BAD_ROWS_CUT;
  how.clip_actions = !strcmp(c->clip_actions, "yes");
  mopo_status st = MOPO_OK;
  if (*c->action_range) st = read_ranges(&ranges, &how.n_action_ranges, c->action_range, err);
  how.action_ranges = ranges;
  if (st == MOPO_OK) st = mopo_dataset_import(out, path, &how, task, err);
  free(ranges);
  return st;
}
