/* dataset.c - see mopo.h and dataset.h. */
#include "data/dataset.h"

#include "base/arena.h"
#include "io/hdf5.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HORIZON = 1000 };              /* of recordings that do not say where they were cut */
static const float ACT_SLACK = 1e-5f; /* rounding beyond [-1,1] that is clipped in silence */

row_layout row_layout_of(int S, int A)
{
  return (row_layout){.S = S,
                      .A = A,
                      .act = S,
                      .rew = S + A,
                      .next = S + A + 1,
                      .done = 2 * S + A + 1,
                      .width = 2 * S + A + 2};
}

/* ------------------------------------------------------------------ memory */

/* NULL rows: no memory. */
static mopo_status dataset_create(mopo_dataset **out, int64_t N, int S, int A, const char *name,
                                  mopo_error *err)
{
  row_layout at = row_layout_of(S, A);
  size_t row = (size_t)at.width * sizeof(float);
  uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  *out = NULL;
  if ((uint64_t)N > memory / (row + 2))
    return error_set(err, MOPO_ENOMEM,
                     "%s: %lld rows of %zu bytes, more than this machine's memory", name,
                     (long long)N, row);
  mopo_dataset *d = calloc(1, sizeof *d);
  if (!d) return error_set(err, MOPO_ENOMEM, "%s: out of memory", name);
  d->at = at;
  d->N = N;
  d->rows = arena_aligned((size_t)N * row);
  d->timeouts = calloc((size_t)N, 1);
  d->ends = calloc((size_t)N, 1);
  if (!d->rows || !d->timeouts || !d->ends) {
    mopo_dataset_free(d);
    return error_set(err, MOPO_ENOMEM, "%s: %lld rows of %zu bytes: out of memory", name,
                     (long long)N, row);
  }
  *out = d;
  return MOPO_OK;
}

void mopo_dataset_free(mopo_dataset *d)
{
  if (!d) return;
  free(d->rows);
  free(d->timeouts);
  free(d->ends);
  free(d);
}

int64_t mopo_dataset_rows(const mopo_dataset *d) { return d->N; }
int mopo_dataset_obs_dim(const mopo_dataset *d) { return d->at.S; }
int mopo_dataset_act_dim(const mopo_dataset *d) { return d->at.A; }
const char *mopo_dataset_kind(const mopo_dataset *d) { return d->kind; }

/* ------------------------------------------------------------------ values */

/* Where a block of values comes from, for messages. */
typedef struct origin {
  const char *file, *array;
  int64_t first; /* row of the block's first */
} origin;

static mopo_status bad_value(const origin *o, int64_t row, int col, float x, const char *want,
                             mopo_error *err)
{
  return error_set(err, MOPO_EDATA, "%s: '%s' row %lld column %d = %.9g, want %s", o->file,
                   o->array, (long long)(o->first + row), col, (double)x, want);
}

/* Copies x [n,C] to column `to` of the n rows at `rows`. */
static mopo_status put_numbers(float *rows, int width, int to, const float *x, int64_t n, int C,
                               const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n; i++, rows += width, x += C)
    for (int c = 0; c < C; c++) {
      if (!isfinite(x[c])) return bad_value(o, i, c, x[c], "a finite number", err);
      rows[to + c] = x[c];
    }
  return MOPO_OK;
}

static mopo_status put_actions(float *rows, int width, int to, const float *x, int64_t n, int C,
                               const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n; i++, rows += width, x += C)
    for (int c = 0; c < C; c++) {
      if (!isfinite(x[c])) return bad_value(o, i, c, x[c], "a finite number", err);
      if (fabsf(x[c]) > 1.0f + ACT_SLACK) return bad_value(o, i, c, x[c], "-1..1", err);
      rows[to + c] = fminf(fmaxf(x[c], -1.0f), 1.0f);
    }
  return MOPO_OK;
}

/* Terminals or timeouts, which must be 0 or 1. */
static mopo_status check_flags(const float *x, int64_t n, const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n; i++)
    if (x[i] != 0.0f && x[i] != 1.0f) return bad_value(o, i, 0, x[i], "0 or 1", err);
  return MOPO_OK;
}

/* Row i ends its episode if it is terminal, was cut off, or is the last. */
static void mark_ends(mopo_dataset *d)
{
  for (int64_t i = 0; i < d->N; i++)
    d->ends[i] = dataset_row(d, i)[d->at.done] != 0.0f || d->timeouts[i] || i == d->N - 1;
}

mopo_status mopo_dataset_from_arrays(mopo_dataset **out, int64_t N, int S, int A, const float *obs,
                                     const float *act, const float *rew, const float *next,
                                     const unsigned char *terminal, const unsigned char *timeout,
                                     mopo_error *err)
{
  *out = NULL;
  if (N < 1 || S < 1 || A < 1)
    return error_set(err, MOPO_EINVAL,
                     "dataset of %lld rows, obs_dim %d, act_dim %d, want 1 or more", (long long)N,
                     S, A);
  mopo_dataset *d = NULL;
  mopo_status st = dataset_create(&d, N, S, A, "memory", err);
  if (st) return st;
  const row_layout *at = &d->at;
  const int W = at->width;
  st = put_numbers(d->rows, W, 0, obs, N, S, &(origin){"memory", "obs", 0}, err);
  if (!st) st = put_actions(d->rows, W, at->act, act, N, A, &(origin){"memory", "act", 0}, err);
  if (!st) st = put_numbers(d->rows, W, at->rew, rew, N, 1, &(origin){"memory", "rew", 0}, err);
  if (!st) st = put_numbers(d->rows, W, at->next, next, N, S, &(origin){"memory", "next", 0}, err);
  if (st) {
    mopo_dataset_free(d);
    return st;
  }
  for (int64_t i = 0; i < N; i++) {
    d->rows[(size_t)i * (size_t)W + (size_t)at->done] = terminal[i] ? 1.0f : 0.0f;
    d->timeouts[i] = timeout && timeout[i];
  }
  mark_ends(d);
  *out = d;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ the kind of a dataset */

/* NULL: not a kind that we know. */
static const char *kind_of_text(const char *text)
{
  static const char *const kinds[] = {"random", "medium",        "medium-replay",
                                      "expert", "medium-expert", "full-replay"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(text, kinds[i]) == 0) return kinds[i];
  return NULL;
}

/* From a file name: hopper_medium_replay-v2.hdf5, hopper-mixed.hdf5. */
static const char *kind_of_name(const char *name)
{
  static const char *const words[][2] = {
      /* the longer before the shorter that it contains */
      {"mediumexpert", "medium-expert"},
      {"mediumreplay", "medium-replay"},
      {"mixed", "medium-replay"},
      {"fullreplay", "full-replay"},
      {"medium", "medium"},
      {"expert", "expert"},
      {"random", "random"},
  };
  char letters[256];
  size_t n = 0;
  for (; *name && n < sizeof letters - 1; name++)
    if (isalpha((unsigned char)*name)) letters[n++] = (char)tolower((unsigned char)*name);
  letters[n] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(letters, words[i][0])) return words[i][1];
  return "";
}

/* ------------------------------------------------------------------ loading */

enum {
  OBSERVATIONS,
  ACTIONS,
  REWARDS,
  TERMINALS,
  /* required up to here */ NEXT,
  TIMEOUTS,
  KIND,
  ARRAYS
};

static const char *const array_names[ARRAYS] = {"observations", "actions",           "rewards",
                                                "terminals",    "next_observations", "timeouts",
                                                "metadata/kind"};

typedef struct loader {
  const char *path; /* short enough for messages */
  const char *name; /* its last part */
  const mopo_task *task;
  bool has_next, has_timeouts;
  char kind[HDF5_TEXT];
  mopo_dataset *d;
} loader;

static mopo_status check_shapes(const loader *l, const hdf5_array *a, mopo_error *err)
{
  const hdf5_array *obs = &a[OBSERVATIONS];
  for (int i = 0; i < KIND; i++) {
    if (!a[i].present) continue;
    if (a[i].rows != obs->rows)
      return error_set(err, MOPO_EFORMAT, "%s: '%s' has %lld rows, 'observations' %lld", l->path,
                       a[i].name, (long long)a[i].rows, (long long)obs->rows);
    int want = i == OBSERVATIONS || i == ACTIONS ? a[i].cols : i == NEXT ? obs->cols : 1;
    if (a[i].cols != want)
      return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d columns, want %d", l->path, a[i].name,
                       a[i].cols, want);
  }
  for (int i = 0; l->task && i < 2; i++) {
    int want = i == OBSERVATIONS ? l->task->obs_dim : l->task->act_dim;
    if (a[i].cols != want)
      return error_set(err, MOPO_EDATA, "%s: '%s' has %d columns, task %s wants %d", l->path,
                       a[i].name, a[i].cols, l->task->name, want);
  }
  if (obs->rows < 1)
    return error_set(err, MOPO_EDATA, "%s: 'observations' has no rows, want at least one", l->path);
  return MOPO_OK;
}

static mopo_status take_shapes(void *ctx, const hdf5_array *a, int n, mopo_error *err)
{
  loader *l = ctx;
  (void)n;
  mopo_status st = check_shapes(l, a, err);
  if (st) return st;
  l->has_next = a[NEXT].present;
  l->has_timeouts = a[TIMEOUTS].present;
  return dataset_create(&l->d, a[OBSERVATIONS].rows, a[OBSERVATIONS].cols, a[ACTIONS].cols, l->path,
                        err);
}

static mopo_status take_rows(void *ctx, int a, int64_t first, int n, const void *values,
                             mopo_error *err)
{
  loader *l = ctx;
  if (a == KIND) {
    memcpy(l->kind, values, HDF5_TEXT);
    return MOPO_OK;
  }
  mopo_dataset *d = l->d;
  const row_layout *at = &d->at;
  const float *x = values;
  float *rows = d->rows + (size_t)first * (size_t)at->width;
  origin o = {l->path, array_names[a], first};
  mopo_status st = MOPO_OK;
  switch (a) {
  case OBSERVATIONS:
    return put_numbers(rows, at->width, 0, x, n, at->S, &o, err);
  case ACTIONS:
    return put_actions(rows, at->width, at->act, x, n, at->A, &o, err);
  case REWARDS:
    return put_numbers(rows, at->width, at->rew, x, n, 1, &o, err);
  case NEXT:
    return put_numbers(rows, at->width, at->next, x, n, at->S, &o, err);
  case TERMINALS:
    st = check_flags(x, n, &o, err);
    return st ? st : put_numbers(rows, at->width, at->done, x, n, 1, &o, err);
  default:
    st = check_flags(x, n, &o, err);
    for (int i = 0; !st && i < n; i++) d->timeouts[first + i] = x[i] != 0.0f;
    return st;
  }
}

/* Old files do not say where an episode was cut: every HORIZON steps. */
static void make_timeouts(mopo_dataset *d, int horizon)
{
  int steps = 0;
  for (int64_t i = 0; i < d->N; i++) {
    bool terminal = dataset_row(d, i)[d->at.done] != 0.0f;
    steps++;
    d->timeouts[i] = !terminal && steps == horizon;
    if (terminal || d->timeouts[i]) steps = 0;
  }
}

/* Without next_observations the successor of row i is the observation of row i + 1; that of an
 * episode's last row is unknown, and the row is dropped. The row before it is then its episode's
 * last: cut off there, if the file says that the episode ended. Moves rows down in place. */
static void make_next(mopo_dataset *d)
{
  const row_layout *at = &d->at;
  const size_t W = (size_t)at->width;
  int64_t kept = 0, start = 0; /* start: where the present episode's rows begin, as kept */
  mark_ends(d);
  for (int64_t i = 0; i < d->N; i++) {
    const float *from = d->rows + (size_t)i * W;
    if (d->ends[i]) {
      bool ended = from[at->done] != 0.0f || d->timeouts[i];
      if (kept > start) {
        d->ends[kept - 1] = 1;
        d->timeouts[kept - 1] = ended;
      }
      start = kept;
      continue;
    }
    float *to = d->rows + (size_t)kept * W;
    memmove(to, from, W * sizeof *to);
    memcpy(to + at->next, from + W, (size_t)at->S * sizeof *to);
    d->ends[kept] = d->timeouts[kept] = 0;
    kept++;
  }
  d->N = kept;
}

static mopo_status finish(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  if (!l->has_timeouts) make_timeouts(d, l->task ? l->task->horizon : HORIZON);
  if (l->has_next)
    mark_ends(d);
  else
    make_next(d);
  if (d->N < 1)
    return error_set(err, MOPO_EDATA,
                     "%s: no next_observations and no two rows of one episode, want at least one "
                     "transition",
                     l->path);
  const char *kind = kind_of_text(l->kind);
  snprintf(d->kind, sizeof d->kind, "%s", kind ? kind : kind_of_name(l->name));
  snprintf(d->name, sizeof d->name, "%s", l->name);
  return MOPO_OK;
}

mopo_status mopo_dataset_load(mopo_dataset **out, const char *path, const mopo_task *task,
                              mopo_error *err)
{
  hdf5_array arrays[ARRAYS] = {0};
  for (int i = 0; i < ARRAYS; i++)
    arrays[i] = (hdf5_array){
        .name = array_names[i], .as = i == KIND ? 's' : 'f', .required = i <= TERMINALS};
  const char *slash = strrchr(path, '/');
  size_t length = strlen(path);
  loader l = {.path = length > 200 ? path + length - 200 : path,
              .name = slash ? slash + 1 : path,
              .task = task};
  hdf5_sink sink = {take_shapes, take_rows, &l};
  *out = NULL;
  mopo_status st = hdf5_read(path, arrays, ARRAYS, &sink, err);
  if (!st) st = finish(&l, err);
  if (st)
    mopo_dataset_free(l.d);
  else
    *out = l.d;
  return st;
}
