/* memory.c - datasets from arrays in memory, copied or borrowed, and arrays out of datasets; see
 * mopo.h. */
#include <math.h>
#include <string.h>

#include "data/dataset.h"

static const char NAME[] = "memory"; /* in messages, where a file has its name */

static origin from(const char *array) { return (origin){NAME, array, 0, NULL, false, NULL}; }

static mopo_status check_sizes(int64_t N, int S, int A, mopo_error *err)
{
  if (N >= 1 && S >= 1 && A >= 1 && S <= INT32_MAX / 4 && A <= INT32_MAX / 4) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "dataset of %lld rows, obs_dim %d, act_dim %d, want 1 or more",
                   (long long)N, S, A);
}

static mopo_status copy(mopo_dataset *d, const mopo_arrays *a, mopo_error *err)
{
  const row_layout *at = &d->at;
  const int64_t N = d->N;
  const action_how how = {.count = at->A, .ranges = a->action_ranges};
  const origin obs = from("obs"), act = from("act"), rew = from("rew"), next = from("next");
  mopo_status st = MOPO_OK;
  if (a->action_ranges) st = dataset_put_ranges(d, 0, at->A, a->action_ranges, NAME, err);
  if (st == MOPO_OK) st = dataset_put(d, 0, 0, a->obs, N, at->S, &obs, err);
  if (st == MOPO_OK) st = dataset_put_actions(d, 0, a->act, N, &how, &act, err);
  if (st == MOPO_OK) st = dataset_put(d, 0, at->rew, a->rew, N, 1, &rew, err);
  if (st == MOPO_OK) st = dataset_put(d, 0, at->next, a->next, N, at->S, &next, err);
  for (int64_t i = 0; st == MOPO_OK && i < N; i++) {
    float *row = d->rows + (size_t)i * (size_t)at->width;
    row[at->done] = a->terminal[i] ? 1.0f : 0.0f;
    d->timeouts[i] = a->timeout && a->timeout[i];
  }
  return st;
}

mopo_status mopo_dataset_from(mopo_dataset **out, const mopo_arrays *arrays, mopo_error *err)
{
  mopo_arrays a = {0}; /* what an older caller does not know is zero */
  NOT_NULL(out);
  NOT_NULL(arrays);
  *out = NULL;
  memcpy(&a, arrays, arrays->size < sizeof a ? arrays->size : sizeof a);
  NOT_NULL(a.obs);
  NOT_NULL(a.act);
  NOT_NULL(a.rew);
  NOT_NULL(a.next);
  NOT_NULL(a.terminal);
  mopo_status st = check_sizes(a.rows, a.obs_dim, a.act_dim, err);
  if (st != MOPO_OK) return st;
  mopo_dataset *d = NULL;
  st = dataset_create(&d, a.rows, a.obs_dim, a.act_dim, NAME, err);
  if (st == MOPO_OK) st = copy(d, &a, err);
  if (st != MOPO_OK) {
    mopo_dataset_free(d);
    return st;
  }
  dataset_mark_ends(d);
  *out = d;
  return MOPO_OK;
}

mopo_status mopo_dataset_from_arrays(mopo_dataset **out, int64_t N, int S, int A, const float *obs,
                                     const float *act, const float *rew, const float *next,
                                     const unsigned char *terminal, const unsigned char *timeout,
                                     mopo_error *err)
{
  const mopo_arrays a = {.size = sizeof a,
                         .rows = N,
                         .obs_dim = S,
                         .act_dim = A,
                         .obs = obs,
                         .act = act,
                         .rew = rew,
                         .next = next,
                         .terminal = terminal,
                         .timeout = timeout};
  return mopo_dataset_from(out, &a, err);
}

/* ------------------------------------------------------------------ borrowed */

int mopo_row_width(int S, int A) { return row_layout_of(S, A).width; }

/* As dataset_put and its like check what they copy. */
static mopo_status check_row(const mopo_dataset *d, int64_t i, mopo_error *err)
{
  const row_layout *at = &d->at;
  const float *row = dataset_row(d, i);
  const struct {
    const char *array;
    int first, n;
    float most; /* in magnitude */
  } part[] = {{"obs", 0, at->S, INFINITY},
              {"act", at->act, at->A, 1.0f},
              {"rew", at->rew, 1, INFINITY},
              {"next", at->next, at->S, INFINITY}};
  for (size_t k = 0; k < sizeof part / sizeof *part; k++)
    for (int c = 0; c < part[k].n; c++) {
      float x = row[part[k].first + c];
      if (isfinite(x) && fabsf(x) <= part[k].most) continue;
      const origin o = from(part[k].array);
      return dataset_bad_value(&o, i, c, x, isfinite(x) ? "-1..1" : "a finite number", err);
    }
  const origin done = from("done");
  return dataset_check_flags(row + at->done, 1,
                             &(origin){done.file, done.array, i, NULL, false, NULL}, err);
}

mopo_status mopo_dataset_borrow(mopo_dataset **out, int64_t N, int S, int A, const float *rows,
                                const unsigned char *timeout, mopo_error *err)
{
  NOT_NULL(out);
  NOT_NULL(rows);
  *out = NULL;
  mopo_dataset *d = NULL;
  mopo_status st = check_sizes(N, S, A, err);
  if (st == MOPO_OK) st = dataset_create_around(&d, rows, N, S, A, NAME, err);
  for (int64_t i = 0; st == MOPO_OK && i < N; i++) st = check_row(d, i, err);
  if (st != MOPO_OK) {
    mopo_dataset_free(d);
    return st;
  }
  if (timeout)
    for (int64_t i = 0; i < N; i++) d->timeouts[i] = timeout[i] != 0;
  dataset_mark_ends(d);
  *out = d;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ out again */

const float *mopo_dataset_array(const mopo_dataset *d, mopo_array which, int64_t *rows,
                                int *columns, size_t *stride)
{
  const row_layout *at = &d->at;
  const struct {
    int first, n;
  } part[] = {[MOPO_OBS] = {0, at->S},         [MOPO_ACT] = {at->act, at->A},
              [MOPO_REW] = {at->rew, 1},       [MOPO_NEXT] = {at->next, at->S},
              [MOPO_TERMINAL] = {at->done, 1}, [MOPO_ROW] = {0, at->width}};
  bool known = (size_t)which < sizeof part / sizeof *part;
  if (rows) *rows = known ? d->N : 0;
  if (columns) *columns = known ? part[which].n : 0;
  if (stride) *stride = (size_t)at->width;
  return known ? d->rows + part[which].first : NULL;
}

const unsigned char *mopo_dataset_timeouts(const mopo_dataset *d) { return d->timeouts; }
