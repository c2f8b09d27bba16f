/* rules.c - a log and the rules of a task file: rewards, ends, and the past that the policy sees.
 */
#include "data/rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/notes.h"

enum { BATCH = 256 };

/* The rules' answers for rows first .. first+n-1 of d, n <= BATCH. rew: NAN where they have none.
 */
typedef struct answers {
  unsigned char done[BATCH];
  float rew[BATCH];
} answers;

static mopo_status ask(answers *a, task_scratch *s, const mopo_dataset *d, int64_t first, int n,
                       mopo_error *err)
{
  const float *obs[BATCH], *act[BATCH];
  float *next[BATCH];
  for (int i = 0; i < n; i++) {
    float *row = d->rows + (size_t)(first + i) * (size_t)d->at.width;
    obs[i] = row, act[i] = row + d->at.act, next[i] = row + d->at.next;
    a->rew[i] = NAN;
  }
  return task_judge(s, a->done, a->rew, obs, act, next, n, err);
}

/* What ended the recording still does. */
static void set_end(mopo_dataset *d, int64_t i, bool done)
{
  float *is = d->rows + (size_t)i * (size_t)d->at.width + d->at.done;
  d->timeouts[i] = !done && (d->timeouts[i] || *is != 0.0f);
  *is = done ? 1.0f : 0.0f;
}

mopo_status dataset_apply_rules(mopo_dataset *d, const mopo_task *task, bool rewards, bool ends,
                                mopo_error *err)
{
  const row_layout *at = &d->at;
  rewards = rewards && task_knows_reward(task);
  ends = ends && task_knows_ends(task);
  if (!rewards && !ends) return MOPO_OK;
  task_scratch *s = NULL;
  answers a;
  mopo_status st = task_scratch_create(&s, task, at->S, at->A, BATCH, err);
  for (int64_t first = 0; st == MOPO_OK && first < d->N; first += BATCH) {
    int n = d->N - first < BATCH ? (int)(d->N - first) : BATCH;
    st = ask(&a, s, d, first, n, err);
    for (int i = 0; st == MOPO_OK && i < n; i++) {
      float *row = d->rows + (size_t)(first + i) * (size_t)at->width;
      bool blind = d->blind[first + i];
      if (rewards && !isfinite(a.rew[i]))
        st = error_set(err, MOPO_EDATA,
                       "%s: the reward of task %s is no finite number in row %lld, want one in "
                       "every recorded row",
                       d->name, task->facts.name, (long long)(first + i));
      else if (rewards)
        row[at->rew] = a.rew[i];
      if (ends && !blind) set_end(d, first + i, a.done[i]);
    }
  }
  task_scratch_free(s);
  if (st == MOPO_OK && ends) dataset_mark_ends(d);
  return st;
}

mopo_status dataset_compare_ends(mopo_agreement *out, const mopo_dataset *d, const mopo_task *task,
                                 mopo_error *err)
{
  const row_layout *at = &d->at;
  if (!task_knows_ends(task)) return MOPO_OK;
  task_scratch *s = NULL;
  answers a;
  mopo_status st = task_scratch_create(&s, task, at->S, at->A, BATCH, err);
  for (int64_t first = 0; st == MOPO_OK && first < d->N; first += BATCH) {
    int n = d->N - first < BATCH ? (int)(d->N - first) : BATCH;
    st = ask(&a, s, d, first, n, err);
    for (int i = 0; st == MOPO_OK && i < n; i++) {
      if (d->blind[first + i]) continue;
      bool differ = a.done[i] != (dataset_row(d, first + i)[at->done] != 0.0f);
      if (differ && !out->ends) out->first_end = first + i;
      out->end_rows++, out->ends += differ;
    }
  }
  task_scratch_free(s);
  return st;
}

mopo_status dataset_limit(int64_t *passed, mopo_dataset *d, const mopo_task *task, bool ends,
                          float least, mopo_error *err)
{
  const row_layout *at = &d->at;
  *passed = 0;
  if (!task->rules || !task->rules->limit) return MOPO_OK;
  task_scratch *s = NULL;
  mopo_status st = task_scratch_create(&s, task, at->S, at->A, 1, err);
  for (int64_t i = 0; st == MOPO_OK && i < d->N; i++) {
    float *row = d->rows + (size_t)i * (size_t)at->width;
    if (task_within_limit(s, row, row + at->act, row + at->next)) continue;
    ++*passed;
    if (!ends) continue;
    set_end(d, i, true);
    row[at->rew] = least;
  }
  task_scratch_free(s);
  if (st == MOPO_OK && ends) dataset_mark_ends(d);
  return st;
}

/* ------------------------------------------------------------------ history */

/* to [S']: what is seen in row i of d, whose episode began at row `start`. Before it, the first
 * observation is repeated, and the actions between are in the middle of their range. */
static void see(float *to, const mopo_dataset *d, int history, int64_t i, int64_t start)
{
  size_t S = (size_t)d->at.S, A = (size_t)d->at.A;
  memcpy(to, dataset_row(d, i), S * sizeof *to);
  to += S;
  for (int ago = 1; ago < history; ago++, to += S + A) {
    bool begun = i - ago >= start;
    const float *row = dataset_row(d, begun ? i - ago : start);
    memcpy(to, row, S * sizeof *to);
    if (begun)
      memcpy(to + S, row + d->at.act, A * sizeof *to);
    else
      memset(to + S, 0, A * sizeof *to);
  }
}

/* next [S']: after row i, which saw obs [S']. */
static void see_next(float *next, const float *obs, const mopo_dataset *d, int history, int64_t i)
{
  size_t S = (size_t)d->at.S, A = (size_t)d->at.A;
  const float *row = dataset_row(d, i);
  memcpy(next, row + d->at.next, S * sizeof *next);
  memcpy(next + S, row, S * sizeof *next);
  memcpy(next + 2 * S, row + d->at.act, A * sizeof *next);
  memcpy(next + 2 * S + A, obs + S, (size_t)(history - 2) * (S + A) * sizeof *next);
}

mopo_status dataset_stack(mopo_dataset **out, const mopo_dataset *d, int history, mopo_error *err)
{
  int S = history * d->at.S + (history - 1) * d->at.A, A = d->at.A;
  mopo_dataset *to = NULL;
  mopo_status st = dataset_create(&to, d->N, S, A, d->name, err);
  if (st == MOPO_OK && d->ranges) st = dataset_put_ranges(to, 0, A, d->ranges, d->name, err);
  if (st != MOPO_OK) {
    mopo_dataset_free(to);
    return st;
  }
  for (int64_t i = 0, start = 0; i < d->N; i++) {
    const float *from = dataset_row(d, i);
    float *row = to->rows + (size_t)i * (size_t)to->at.width;
    see(row, d, history, i, start);
    memcpy(row + to->at.act, from + d->at.act, (size_t)A * sizeof *row);
    row[to->at.rew] = from[d->at.rew], row[to->at.done] = from[d->at.done];
    see_next(row + to->at.next, row, d, history, i);
    if (d->ends[i]) start = i + 1;
  }
  memcpy(to->timeouts, d->timeouts, (size_t)d->N);
  memcpy(to->ends, d->ends, (size_t)d->N);
  memcpy(to->blind, d->blind, (size_t)d->N);
  to->n_blind = d->n_blind;
  memcpy(to->kind, d->kind, sizeof to->kind);
  memcpy(to->task, d->task, sizeof to->task);
  memcpy(to->name, d->name, sizeof to->name);
  *out = to;
  return MOPO_OK;
}

mopo_status dataset_see_as(mopo_dataset **d, const mopo_task *task, mopo_error *err)
{
  mopo_dataset *seen = NULL;
  mopo_status st = MOPO_OK;
  if (!task->rules) return st;
  if (task->rules->history > 1) st = dataset_stack(&seen, *d, task->rules->history, err);
  if (st != MOPO_OK) return st;
  if (seen) {
    mopo_dataset_free(*d);
    *d = seen;
  }
  st = dataset_set_names(*d, false, task->facts.obs_names, err);
  return st == MOPO_OK ? dataset_set_names(*d, true, task->facts.act_names, err) : st;
}
