/* save.c - a dataset to a file. */
#include "data/dataset.h"
#include "data/notes.h"
#include "data/recorder.h"
#include "io/npz.h"
#include "task/task.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_npz(const char *path)
{
  size_t n = strlen(path);
  return n >= 4 && strcasecmp(path + n - 4, ".npz") == 0;
}

static mopo_status save_hdf5(const mopo_dataset *d, const char *path, mopo_error *err)
{
  const row_layout *at = &d->at;
  recorder *r = NULL;
  mopo_status st = recorder_open(&r, path, at->S, at->A, 0, 0, err);
  if (st) return st;
  for (int64_t i = 0; !st && i < d->N; i++) {
    const float *x = dataset_row(d, i);
    st = recorder_add(r, x, x + at->act, x[at->rew], x + at->next, x[at->done] != 0.0f,
                      d->timeouts[i], NULL, NULL, NULL, err);
  }
  if (!st && *d->kind) st = recorder_text(r, "kind", d->kind, err);
  if (!st && *d->task) st = recorder_text(r, "task", d->task, err);
  if (!st && d->ranges) st = recorder_array(r, "action_ranges", d->ranges, at->A, 2, err);
  if (!st && d->obs_names) st = recorder_texts(r, "obs_names", d->obs_names, at->S, err);
  if (!st && d->act_names) st = recorder_texts(r, "act_names", d->act_names, at->A, err);
  if (!st) return recorder_close(r, err);
  recorder_abandon(r);
  return st;
}

/* Columns from.. of every row, as an array of their own. */
static void columns(float *out, const mopo_dataset *d, int from, int n)
{
  for (int64_t i = 0; i < d->N; i++, out += n)
    memcpy(out, dataset_row(d, i) + from, (size_t)n * sizeof *out);
}

static mopo_status save_npz(const mopo_dataset *d, const char *path, mopo_error *err)
{
  const row_layout *at = &d->at;
  size_t N = (size_t)d->N, S = (size_t)at->S, A = (size_t)at->A;
  float *all = malloc(N * (2 * S + A + 1) * sizeof *all);
  unsigned char *terminal = malloc(N);
  mopo_status st = MOPO_OK;
  if (!all || !terminal) {
    st = error_set(err, MOPO_ENOMEM, "%.200s: out of memory", path);
  } else {
    float *obs = all, *act = obs + N * S, *rew = act + N * A, *next = rew + N;
    columns(obs, d, 0, at->S);
    columns(act, d, at->act, at->A);
    columns(rew, d, at->rew, 1);
    columns(next, d, at->next, at->S);
    for (int64_t i = 0; i < d->N; i++) terminal[i] = dataset_row(d, i)[at->done] != 0.0f;
    const npz_array arrays[] = {
        {"observations", 'f', d->N, at->S, obs}, {"actions", 'f', d->N, at->A, act},
        {"rewards", 'f', d->N, 0, rew},          {"next_observations", 'f', d->N, at->S, next},
        {"terminals", 'b', d->N, 0, terminal},   {"timeouts", 'b', d->N, 0, d->timeouts},
    };
    st = npz_write(path, arrays, sizeof arrays / sizeof *arrays, err);
  }
  free(terminal);
  free(all);
  return st;
}

/* Rewards of a behaviour, to be relabelled: nobody may take them for a task's. */
static bool is_raw(const mopo_dataset *d)
{
  const mopo_task *task = *d->task ? mopo_task_find(d->task) : NULL;
  return task && task->body.behaves;
}

static mopo_status save(const mopo_dataset *d, const char *path, mopo_error *err)
{
  return is_npz(path) ? save_npz(d, path, err) : save_hdf5(d, path, err);
}

/* Next observations that nobody knows are not written as if they were known: without blind rows,
 * their episodes cut off one row sooner. */
static mopo_status save_seeing(const mopo_dataset *d, const char *path, mopo_error *err)
{
  mopo_dataset *seeing = NULL;
  int64_t n = 0;
  size_t row = (size_t)d->at.width * sizeof(float);
  if (d->N == d->n_blind)
    return error_set(err, MOPO_EDATA, "%s: no row says what it led to, want next observations",
                     d->name);
  mopo_status st = dataset_create(&seeing, d->N - d->n_blind, d->at.S, d->at.A, d->name, err);
  if (st) return st;
  for (int64_t i = 0; i < d->N; i++) {
    if (d->blind[i]) {
      if (i > 0 && !d->ends[i - 1]) seeing->timeouts[n - 1] = 1;
      continue;
    }
    memcpy((char *)seeing->rows + (size_t)n * row, dataset_row(d, i), row);
    seeing->timeouts[n++] = d->timeouts[i];
  }
  memcpy(seeing->kind, d->kind, sizeof d->kind);
  memcpy(seeing->task, d->task, sizeof d->task);
  if (d->ranges) st = dataset_put_ranges(seeing, 0, d->at.A, d->ranges, d->name, err);
  if (!st) st = dataset_copy_names(seeing, d, err);
  if (!st) st = save(seeing, path, err);
  mopo_dataset_free(seeing);
  return st;
}

mopo_status mopo_dataset_save(const mopo_dataset *d, const char *path, mopo_error *err)
{
  if (is_npz(path) && is_raw(d))
    return error_set(err, MOPO_EINVAL,
                     "%.200s: NPZ cannot say that its rewards are those of %s, want HDF5, or mopo "
                     "data relabel first",
                     path, d->task);
  return d->n_blind ? save_seeing(d, path, err) : save(d, path, err);
}
