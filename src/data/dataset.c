/* dataset.c - see mopo.h and dataset.h; load.c fills one from a file. */
#include "data/dataset.h"
#include "data/notes.h"

#include "base/arena.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const float ACT_SLACK = 1e-5f; /* rounding beyond [-1,1] that is clipped in silence */
static const float ACT_CLIP = 0.1f;   /* 5 % of the width: what is clipped where that is asked */

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

/* Everything but the rows. */
static mopo_status create(mopo_dataset **out, int64_t N, int S, int A, const char *name,
                          mopo_error *err)
{
  *out = NULL;
  mopo_dataset *d = calloc(1, sizeof *d);
  if (!d) return error_set(err, MOPO_ENOMEM, "%s: out of memory", name);
  d->at = row_layout_of(S, A);
  d->N = N;
  d->timeouts = calloc((size_t)N, 1);
  d->ends = calloc((size_t)N, 1);
  d->blind = calloc((size_t)N, 1);
  if (!d->timeouts || !d->ends || !d->blind) {
    mopo_dataset_free(d);
    return error_set(err, MOPO_ENOMEM, "%s: %lld rows: out of memory", name, (long long)N);
  }
  *out = d;
  return MOPO_OK;
}

mopo_status dataset_create(mopo_dataset **out, int64_t N, int S, int A, const char *name,
                           mopo_error *err)
{
  size_t row = (size_t)row_layout_of(S, A).width * sizeof(float);
  uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  *out = NULL;
  if ((uint64_t)N > memory / (row + 3))
    return error_set(err, MOPO_ENOMEM,
                     "%s: %lld rows of %zu bytes, more than this machine's memory", name,
                     (long long)N, row);
  mopo_status st = create(out, N, S, A, name, err);
  if (st != MOPO_OK) return st;
  (*out)->rows = arena_aligned((size_t)N * row);
  if ((*out)->rows) return MOPO_OK;
  mopo_dataset_free(*out);
  *out = NULL;
  return error_set(err, MOPO_ENOMEM, "%s: %lld rows of %zu bytes: out of memory", name,
                   (long long)N, row);
}

mopo_status dataset_create_around(mopo_dataset **out, const float *rows, int64_t N, int S, int A,
                                  const char *name, mopo_error *err)
{
  mopo_status st = create(out, N, S, A, name, err);
  if (st != MOPO_OK) return st;
  (*out)->rows = (float *)(uintptr_t)rows; /* nobody writes rows of a dataset that is made */
  (*out)->borrowed = true;
  return MOPO_OK;
}

void mopo_dataset_free(mopo_dataset *d)
{
  if (!d) return;
  if (!d->borrowed) free(d->rows);
  free(d->timeouts);
  free(d->ends);
  free(d->blind);
  free(d->ranges);
  free(d->obs_names);
  free(d->act_names);
  free(d->notes);
  free(d->lines);
  free(d->qpos);
  free(d->after);
  free(d);
}

mopo_status dataset_make_positions(mopo_dataset *d, int nq, const char *name, mopo_error *err)
{
  size_t n = (size_t)d->N * (size_t)nq;
  d->nq = nq;
  d->qpos = malloc(n * sizeof *d->qpos);
  d->after = malloc(n * sizeof *d->after);
  if (d->qpos && d->after) return MOPO_OK;
  return error_set(err, MOPO_ENOMEM, "%s: out of memory", name);
}

const char *dataset_column(char text[DATASET_COLUMN], const mopo_dataset *d, int j)
{
  snprintf(text, DATASET_COLUMN, "obs_%d", j);
  return d->obs_names ? d->obs_names[j] : text;
}

int64_t mopo_dataset_rows(const mopo_dataset *d) { return d->N; }
int mopo_dataset_obs_dim(const mopo_dataset *d) { return d->at.S; }
int mopo_dataset_act_dim(const mopo_dataset *d) { return d->at.A; }
const char *mopo_dataset_kind(const mopo_dataset *d) { return d->kind; }
const char *mopo_dataset_task(const mopo_dataset *d) { return d->task; }
const float *mopo_dataset_action_ranges(const mopo_dataset *d) { return d->ranges; }

/* ------------------------------------------------------------------ values */

mopo_status dataset_bad_value(const origin *o, int64_t row, int col, float x, const char *want,
                              mopo_error *err)
{
  row += o->first;
  if (o->names && o->lines) /* as compilers name it: log.csv:7 */
    return error_set(err, MOPO_EDATA, "%s:%lld: column '%.60s' = %.9g, want %s", o->file,
                     (long long)o->lines[row], o->names[col], (double)x, want);
  return error_set(err, MOPO_EDATA, "%s: '%s' row %lld column %d = %.9g, want %s", o->file,
                   o->array, (long long)row, col, (double)x, want);
}

void dataset_copy_rows(mopo_dataset *d, int64_t row, int to, const float *x, int64_t n, int C)
{
  float *y = d->rows + (size_t)row * (size_t)d->at.width + to;
  for (int64_t i = 0; i < n; i++, y += d->at.width, x += C) memcpy(y, x, (size_t)C * sizeof *y);
}

mopo_status dataset_put(mopo_dataset *d, int64_t row, int to, const float *x, int64_t n, int C,
                        const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n * C; i++)
    if (!isfinite(x[i]))
      return dataset_bad_value(o, i / C, (int)(i % C), x[i], "a finite number", err);
  dataset_copy_rows(d, row, to, x, n, C);
  return MOPO_OK;
}

mopo_status dataset_put_ranges(mopo_dataset *d, int64_t first, int64_t n, const float *x,
                               const char *name, mopo_error *err)
{
  if (!d->ranges) d->ranges = calloc(2 * (size_t)d->at.A, sizeof *d->ranges);
  if (!d->ranges) return error_set(err, MOPO_ENOMEM, "%s: out of memory", name);
  for (const float *r = x; r < x + 2 * n; r += 2)
    if (!(isfinite(r[0]) && isfinite(r[1]) && r[0] < r[1]))
      return error_set(err, MOPO_EDATA, "%s: action range %g..%g, want the lower bound first", name,
                       (double)r[0], (double)r[1]);
  memcpy(d->ranges + 2 * first, x, 2 * (size_t)n * sizeof *x);
  return MOPO_OK;
}

mopo_status dataset_set_ranges(mopo_dataset *d, const double *ranges, int n_ranges,
                               const char *name, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  if (n_ranges != 1 && n_ranges != d->at.A)
    return error_set(err, MOPO_EINVAL,
                     "%s: %d action ranges, want one for all actions or one for each of %d", name,
                     n_ranges, d->at.A);
  for (int c = 0; !st && c < d->at.A; c++) {
    const double *r = ranges + (n_ranges > 1 ? 2 * c : 0);
    const float range[2] = {(float)r[0], (float)r[1]};
    st = dataset_put_ranges(d, c, 1, range, name, err);
  }
  if (st == MOPO_EDATA && err) err->code = MOPO_EINVAL; /* the caller's, not a file's */
  return st == MOPO_EDATA ? MOPO_EINVAL : st;
}

/* Column c of the array, action how->first + c. */
static mopo_status put_action(mopo_dataset *d, int64_t row, const float *x, int64_t n, int c,
                              const action_how *how, const origin *o, mopo_error *err)
{
  static const float unscaled[2] = {-1.0f, 1.0f};
  const float *range = how->ranges ? how->ranges + 2 * (how->first + c) : unscaled;
  const float min = range[0], max = range[1], slack = how->clip ? ACT_CLIP : ACT_SLACK;
  const bool scaled = min != -1.0f || max != 1.0f;
  const float middle = min / 2.0f + max / 2.0f, half = max / 2.0f - min / 2.0f;
  float *y = d->rows + (size_t)row * (size_t)d->at.width + d->at.act + how->first + c;
  for (int64_t i = 0; i < n; i++, y += d->at.width) {
    float raw = x[i * how->count + c], a = scaled ? (raw - middle) / half : raw;
    if (!isfinite(raw)) return dataset_bad_value(o, i, c, raw, "a finite number", err);
    if (fabsf(a) > 1.0f + slack) {
      char want[96];
      bool near = fabsf(a) <= 1.0f + ACT_CLIP;
      number_print(want, sizeof want, "%g..%g%s", (double)min, (double)max,
                   !o->option ? ""
                   : near     ? " (its action-range, or clip-actions)"
                              : " (its action-range)");
      return dataset_bad_value(o, i, c, raw, want, err);
    }
    if (how->clipped && fabsf(a) > 1.0f + ACT_SLACK) how->clipped[how->first + c]++;
    *y = fminf(fmaxf(a, -1.0f), 1.0f);
  }
  return MOPO_OK;
}

mopo_status dataset_put_actions(mopo_dataset *d, int64_t row, const float *x, int64_t n,
                                const action_how *how, const origin *o, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int c = 0; !st && c < how->count; c++) st = put_action(d, row, x, n, c, how, o, err);
  return st;
}

mopo_status dataset_put_positions(const mopo_dataset *d, double *to, int64_t row, const double *x,
                                  int64_t n, const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n * d->nq; i++)
    if (!isfinite(x[i]))
      return dataset_bad_value(o, i / d->nq, (int)(i % d->nq), (float)x[i], "a finite number", err);
  memcpy(to + row * d->nq, x, (size_t)(n * d->nq) * sizeof *x);
  return MOPO_OK;
}

mopo_status dataset_check_flags(const float *x, int64_t n, const origin *o, mopo_error *err)
{
  for (int64_t i = 0; i < n; i++)
    if (x[i] != 0.0f && x[i] != 1.0f) return dataset_bad_value(o, i, 0, x[i], "0 or 1", err);
  return MOPO_OK;
}

void dataset_mark_ends(mopo_dataset *d)
{
  for (int64_t i = 0; i < d->N; i++)
    d->ends[i] = dataset_row(d, i)[d->at.done] != 0.0f || d->timeouts[i] || i == d->N - 1;
}

/* Of the same kind: that one; of medium and expert data: medium-expert. */
static const char *merged_kind(const mopo_dataset *const *parts, int n)
{
  bool same = true, medium = false, expert = false, other = false;
  for (int i = 0; i < n; i++) {
    const char *kind = parts[i]->kind;
    same = same && strcmp(kind, parts[0]->kind) == 0;
    medium = medium || strcmp(kind, "medium") == 0;
    expert = expert || strcmp(kind, "expert") == 0;
    other = other || (strcmp(kind, "medium") != 0 && strcmp(kind, "expert") != 0);
  }
  return same ? parts[0]->kind : medium && expert && !other ? "medium-expert" : "";
}

mopo_status mopo_dataset_merge(mopo_dataset **out, const mopo_dataset *const *parts, int n,
                               mopo_error *err)
{
  int64_t N = 0;
  const char *task = "";
  const float *ranges = NULL;
  *out = NULL;
  if (n < 1) return error_set(err, MOPO_EINVAL, "no dataset to merge, want one or more");
  const row_layout *at = &parts[0]->at;
  for (int i = 0; i < n; i++) {
    const mopo_dataset *p = parts[i];
    N += p->N;
    if (p->at.S != at->S || p->at.A != at->A)
      return error_set(err, MOPO_EDATA, "%s: obs_dim %d, act_dim %d, want %d and %d as in %s",
                       p->name, p->at.S, p->at.A, at->S, at->A, parts[0]->name);
    if (*p->task && *task && strcmp(p->task, task) != 0)
      return error_set(err, MOPO_EDATA, "%s: rewards of task %s, others have those of %s", p->name,
                       p->task, task);
    if (*p->task) task = p->task;
    if (p->ranges && ranges && memcmp(p->ranges, ranges, (size_t)at->A * 2 * sizeof *ranges) != 0)
      return error_set(err, MOPO_EDATA, "%s: actions were recorded in other ranges than before it",
                       p->name);
    if (p->ranges) ranges = p->ranges;
    mopo_status st = dataset_agree_names(p, parts[0], err);
    if (st) return st;
  }
  mopo_dataset *d = NULL;
  mopo_status st = dataset_create(&d, N, at->S, at->A, "merged", err);
  if (!st && ranges) st = dataset_put_ranges(d, 0, at->A, ranges, "merged", err);
  for (int i = n - 1; !st && i >= 0; i--) st = dataset_copy_names(d, parts[i], err);
  if (st) {
    mopo_dataset_free(d);
    return st;
  }
  int64_t first = 0;
  for (int i = 0; i < n; first += parts[i++]->N) {
    const mopo_dataset *p = parts[i];
    size_t row = (size_t)at->width * sizeof(float);
    memcpy((char *)d->rows + (size_t)first * row, p->rows, (size_t)p->N * row);
    memcpy(d->timeouts + first, p->timeouts, (size_t)p->N);
    memcpy(d->blind + first, p->blind, (size_t)p->N);
    d->n_blind += p->n_blind;
    int64_t last = first + p->N - 1;
    if (i + 1 < n && dataset_row(d, last)[at->done] == 0.0f) d->timeouts[last] = 1;
  }
  dataset_mark_ends(d);
  snprintf(d->kind, sizeof d->kind, "%s", merged_kind(parts, n));
  snprintf(d->task, sizeof d->task, "%s", task);
  snprintf(d->name, sizeof d->name, "merged");
  *out = d;
  return MOPO_OK;
}

mopo_episode mopo_dataset_episode(const mopo_dataset *d, int64_t first)
{
  mopo_episode e = {.first = first};
  for (int64_t i = first; e.rows == 0; i++) {
    const float *x = dataset_row(d, i);
    e.ret += (double)x[d->at.rew];
    if (!d->ends[i]) continue;
    e.rows = i - first + 1;
    e.terminal = x[d->at.done] != 0.0f;
    e.timeout = d->timeouts[i];
  }
  return e;
}

/* FNV-1a, 64 bits, a float at a time. */
void dataset_digest(char text[DATASET_DIGEST], const mopo_dataset *d)
{
  uint64_t h = 0xcbf29ce484222325u;
  size_t n = (size_t)d->N * (size_t)d->at.width;
  for (size_t i = 0; i < n; i++) {
    uint32_t x;
    memcpy(&x, d->rows + i, sizeof x);
    h = (h ^ x) * 0x100000001b3u;
  }
  snprintf(text, DATASET_DIGEST, "%lld rows (%016llx)", (long long)d->N, (unsigned long long)h);
}
