/* dialect_neorl.c - NeoRL's archives. Their `done` marks time limits too: an end is a time limit
 * where `truncated` (NeoRL-2) says so, at the horizon, where the task's rule says that it goes on,
 * or where every episode ends at one length. */
#include "data/dialect.h"
#include "data/notes.h"
#include "task/task.h"

/* The one length at which every episode of several ends; 0: there is none. */
static int64_t one_length(const mopo_dataset *d)
{
  int64_t steps = 0, length = 0, episodes = 0;
  for (int64_t i = 0; i < d->N; i++) {
    steps++;
    if (dataset_row(d, i)[d->at.done] == 0.0f && !d->timeouts[i]) continue;
    if (length && steps != length) return 0;
    length = steps, steps = 0, episodes++;
  }
  return episodes > 1 && steps == 0 && length > 1 ? length : 0;
}

static mopo_status tell_limits(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  const row_layout *at = &d->at;
  const bool known = l->task && l->task->facts.obs_dim;
  int64_t steps = 0, limits = 0, horizon = known ? l->task->facts.horizon : TASK_HORIZON;
  int64_t always = known ? 0 : one_length(d);
  for (int64_t i = 0; i < d->N; i++) {
    float *x = d->rows + (size_t)i * (size_t)at->width;
    steps++;
    bool done = x[at->done] != 0.0f;
    if (!done && !d->timeouts[i]) continue;
    bool goes_on = known && task_knows_ends(l->task) && l->has[NEXT] &&
                   !task_done(l->task, x, x + at->act, x + at->next);
    bool limit = d->timeouts[i] && l->has[TIMEOUT];
    if (done && (limit || steps == horizon || steps == always || goes_on)) {
      x[at->done] = 0.0f;
      d->timeouts[i] = 1;
      limits++;
    }
    steps = 0;
  }
  if (!limits) return MOPO_OK;
  return dataset_note(d, err, "%lld of NeoRL's `done` %s read as time limits, not as ends",
                      (long long)limits, limits == 1 ? "is" : "are");
}

const dialect dialect_neorl = {.name = "NeoRL",
                               .containers = IN_NPZ,
                               .mark = OBS,
                               .arrays = {[OBS] = "obs",
                                          [ACT] = "action",
                                          [REW] = "reward",
                                          [TERMINAL] = "done",
                                          [NEXT] = "next_obs",
                                          [TIMEOUT] = "truncated",
                                          [INDEX] = "index",
                                          [THERE] = ""},
                               .must = {[TERMINAL] = true},
                               .finish = tell_limits};
