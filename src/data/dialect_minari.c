/* dialect_minari.c - Minari's main_data.hdf5 with the metadata.json next to it: a group for each
 * episode, numbered with or without gaps, with one observation more than it has actions. */
#include "data/dialect.h"
#include "data/notes.h"
#include "task/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mopo_status check_space(const loader *l, const minari_space *s, const char *what, int cols,
                               mopo_error *err)
{
  if (*s->refused)
    return error_set(err, MOPO_EDATA, "%s: %s are %s, want boxes of numbers", l->path, what,
                     s->refused);
  if (s->n && s->n != cols)
    return error_set(err, MOPO_EDATA, "%s: %s have %d columns, metadata.json says %d", l->path,
                     what, cols, s->n);
  return MOPO_OK;
}

/* The space of the actions is the range that they were recorded in, where it has bounds. */
static mopo_status take_bounds(loader *l, mopo_error *err)
{
  const minari_space *s = &l->about.act;
  bool bounded = s->n > 0, plain = true;
  for (int i = 0; i < s->n; i++) {
    bounded = bounded && isfinite(s->low[i]) && isfinite(s->high[i]) && s->low[i] < s->high[i];
    plain = plain && s->low[i] == -1.0 && s->high[i] == 1.0;
  }
  if (!bounded || plain || l->how.action_ranges) return MOPO_OK;
  l->ranges = malloc(2 * (size_t)s->n * sizeof *l->ranges);
  if (!l->ranges) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  for (int i = 0; i < s->n; i++) l->ranges[2 * i] = s->low[i], l->ranges[2 * i + 1] = s->high[i];
  l->how.action_ranges = l->ranges;
  l->how.n_action_ranges = s->n;
  return MOPO_OK;
}

static mopo_status begin(loader *l, mopo_error *err)
{
  mopo_status st = check_space(l, &l->about.obs, "observations", l->S, err);
  if (!st) st = check_space(l, &l->about.act, "actions", l->A, err);
  return st ? st : take_bounds(l, err);
}

static mopo_status take_names(loader *l, mopo_error *err)
{
  const minari_space *s[2] = {&l->about.obs, &l->about.act};
  mopo_status st = MOPO_OK;
  for (int k = 0; !st && k < 2; k++) {
    if (!s[k]->names || s[k]->n < 1) continue;
    const char **names = malloc((size_t)s[k]->n * sizeof *names);
    if (!names) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
    for (int i = 0; i < s[k]->n; i++) names[i] = s[k]->names[i];
    st = dataset_set_names(l->d, k == 1, names, err);
    free(names);
  }
  return st;
}

static mopo_status finish(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  const minari_about *m = &l->about;
  for (int64_t e = 0; e < l->episodes; e++) load_cut_before(d, l->start[e + 1]);
  if (!m->found) return MOPO_OK;
  d->horizon = m->horizon;
  /* Whose rewards: mopo's own tasks by their sizes too, for ant has had several. */
  const mopo_task *task = *m->env ? mopo_task_find(m->env) : NULL;
  bool fits =
      !task || !task->facts.obs_dim || (task->facts.obs_dim == l->S && task->facts.act_dim == l->A);
  if (fits) snprintf(l->label, sizeof l->label, "%.63s", m->env);
  const char *slash = strrchr(m->id, '/');
  snprintf(l->kind, sizeof l->kind, "%s", dataset_kind("", slash ? slash + 1 : m->id));
  if (m->episodes >= 0 && m->episodes != l->episodes) {
    mopo_status st = dataset_note(d, err, "metadata.json says %lld episodes, the file has %lld",
                                  (long long)m->episodes, (long long)l->episodes);
    if (st) return st;
  }
  return take_names(l, err);
}

const dialect dialect_minari = {.name = "Minari",
                                .containers = IN_HDF5,
                                .mark = OBS,
                                .arrays = {[STEPS] = "episode_#/actions",
                                           [OBS_STEPS] = "episode_#/observations",
                                           [NUMBERS] = "episode_#/actions",
                                           [OBS] = "episode_#/observations",
                                           [ACT] = "episode_#/actions",
                                           [REW] = "episode_#/rewards",
                                           [TERMINAL] = "episode_#/terminations",
                                           [TIMEOUT] = "episode_#/truncations"},
                                .must = {[TERMINAL] = true, [TIMEOUT] = true},
                                .chained = true,
                                .begin = begin,
                                .finish = finish};
