/* load_rows.c - what the loader does with the rows of each array, by its role. */
#include "base/watch.h"
#include "data/dialect.h"
#include "data/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void load_cut_before(mopo_dataset *d, int64_t i)
{
  if (i > 0 && i <= d->N && dataset_row(d, i - 1)[d->at.done] == 0.0f) d->timeouts[i - 1] = 1;
}

const char *load_place(const loader *l, int64_t i, char text[32])
{
  snprintf(text, 32, l->lines ? "line %lld" : "row %lld", (long long)(l->lines ? l->lines[i] : i));
  return text;
}

/* Lengths of episodes first .. first+n-1 of a chained file. */
static void take_steps(loader *l, int64_t first, int n, const double *steps)
{
  for (int i = 0; i < n; i++) l->start[first + i + 1] = l->start[first + i] + (int64_t)steps[i];
}

static mopo_status check_obs_steps(const loader *l, int64_t first, int n, const double *steps,
                                   mopo_error *err)
{
  for (int i = 0; i < n; i++) {
    int64_t e = first + i, T = l->start[e + 1] - l->start[e];
    if ((int64_t)steps[i] != T + 1)
      return error_set(
          err, MOPO_EFORMAT,
          "%s: the observations of episode %lld of the file have %lld rows, want %lld: "
          "one more than its actions",
          l->path, (long long)e, (long long)steps[i], (long long)T + 1);
  }
  return MOPO_OK;
}

/* The episode whose T + 1 observations hold row i of all observations. */
static int64_t episode_at(const loader *l, int64_t i)
{
  int64_t low = 0, high = l->episodes - 1; /* observations of episode e begin at start[e] + e */
  while (low < high) {
    int64_t middle = (low + high + 1) / 2;
    if (l->start[middle] + middle <= i)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

static void put(loader *l, int64_t row, int to, const float *x, int64_t n, int C)
{
  x = reading_check(l, row, to, x, n, C);
  dataset_copy_rows(l->d, row, to, x, n, C);
}

/* Observation t of an episode is obs of its row t and next of its row t - 1. */
static void take_chain(loader *l, int64_t first, int n, const float *x)
{
  const row_layout *at = &l->d->at;
  int64_t e = episode_at(l, first);
  for (int64_t i = first; i < first + n; i++, x += at->S) {
    while (i >= l->start[e + 1] + e + 1) e++;
    int64_t row = i - e; /* of the dataset, were there no reset observations */
    if (row < l->start[e + 1]) put(l, row, 0, x, 1, at->S);
    if (row > l->start[e]) put(l, row - 1, at->next, x, 1, at->S);
  }
}

static mopo_status take_index(loader *l, int64_t first, int n, const float *x, const char *array,
                              mopo_error *err)
{
  for (int i = 0; i < n; i++) {
    if (!(x[i] >= 0.0f && x[i] <= (float)l->d->N))
      return error_set(err, MOPO_EDATA, "%s: '%s' row %lld = %.9g, want 0..%lld", l->path, array,
                       (long long)(first + i), (double)x[i], (long long)l->d->N);
    load_cut_before(l->d, (int64_t)x[i]);
  }
  load_cut_before(l->d, l->d->N);
  return MOPO_OK;
}

static mopo_status take_flags(loader *l, role r, int64_t first, int n, const float *x,
                              const origin *o, mopo_error *err)
{
  mopo_dataset *d = l->d;
  x = reading_check(l, first, d->at.done, x, n, 1);
  mopo_status st = dataset_check_flags(x, n, o, err);
  if (st) return st;
  if (r == TERMINAL) dataset_copy_rows(d, first, d->at.done, x, n, 1);
  for (int i = 0; r != TERMINAL && i < n; i++) {
    bool terminal = r == CUT && dataset_row(d, first + i)[d->at.done] != 0.0f;
    if (x[i] != 0.0f) d->timeouts[first + i] = !terminal;
  }
  return MOPO_OK;
}

static mopo_status take_actions(loader *l, int64_t row, int to, const float *x, int n, int C,
                                const origin *o, mopo_error *err)
{
  action_how how = {.first = to,
                    .count = C,
                    .ranges = l->how.action_ranges ? l->d->ranges : NULL,
                    .clip = l->how.clip_actions,
                    .clipped = l->clipped};
  x = reading_check(l, row, l->d->at.act + to, x, n, C);
  return dataset_put_actions(l->d, row, x, n, &how, o, err);
}

static mopo_status take_names(loader *l, bool actions, int64_t first, int n, const char *names,
                              mopo_error *err)
{
  const int all = actions ? l->A : l->S;
  if (first != 0 || n != all) return MOPO_OK; /* more than a block holds: nobody's names */
  const char **list = malloc((size_t)all * sizeof *list);
  if (!list) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  for (int i = 0; i < all; i++) list[i] = names + (size_t)i * IO_TEXT;
  mopo_status st = dataset_set_names(l->d, actions, list, err);
  free(list);
  return st;
}

/* What belongs to no single row. */
static mopo_status take_about(loader *l, role r, int64_t first, int n, const void *values,
                              mopo_error *err)
{
  switch (r) {
  case STEPS:
    take_steps(l, first, n, values);
    return MOPO_OK;
  case OBS_STEPS:
    return check_obs_steps(l, first, n, values, err);
  case NUMBERS:
    return reading_numbers(l, first, n, values, err);
  case RANGES: /* what the caller says comes first */
    return l->how.action_ranges ? MOPO_OK
                                : dataset_put_ranges(l->d, first, n, values, l->path, err);
  case INDEX:
    return take_index(l, first, n, values, l->of->arrays[INDEX], err);
  case TASK:
  case KIND:
    if (first == 0) memcpy(r == TASK ? l->label : l->kind, values, IO_TEXT);
    return MOPO_OK;
  case OBS_NAMES:
  case ACT_NAMES:
    return take_names(l, r == ACT_NAMES, first, n, values, err);
  default:
    return reading_there(l, n, values, err);
  }
}

mopo_status load_rows(void *ctx, int a, int64_t first, int n, const void *values, mopo_error *err)
{
  loader *l = ctx;
  const struct asked *q = &l->asked[a];
  const io_array *array = &l->arrays[a];
  const int C = load_cols(l, a);
  mopo_dataset *d = l->d;
  if (watch_stopped(l->how.watch))
    return error_set(err, MOPO_ESTOPPED, "%s: stopped while reading it", l->path);
  const row_layout *at = &d->at;
  const origin o = {l->path, array->name, first, l->lines, true, array->names};
  const float *x = values;
  for (int i = 0; q->count && i < n; i++)
    memcpy(l->part + (size_t)i * (size_t)C, x + (size_t)i * (size_t)array->cols + q->from,
           (size_t)C * sizeof *x);
  if (q->count) x = l->part;
  switch (q->role) {
  case ROLES:
    return MOPO_OK;
  case OBS:
    if (l->of->chained)
      take_chain(l, first, n, x);
    else
      put(l, first, q->to, x, n, C);
    return MOPO_OK;
  case ACT:
    return take_actions(l, first, q->to, x, n, C, &o, err);
  case REW:
    put(l, first, at->rew, x, n, 1);
    return MOPO_OK;
  case NEXT:
    put(l, first, at->next + q->to, x, n, C);
    return MOPO_OK;
  case TERMINAL:
  case TIMEOUT:
  case CUT:
    return take_flags(l, q->role, first, n, x, &o, err);
  case EPISODE:
    return reading_keys(l, first, n, values, err);
  case TIME:
    reading_times(l, first, n, values);
    return MOPO_OK;
  case QPOS:
    return dataset_put_positions(d, d->qpos, first, values, n, &o, err);
  case AFTER:
    return dataset_put_positions(d, d->after, first, values, n, &o, err);
  default:
    return take_about(l, q->role, first, n, values, err);
  }
}
