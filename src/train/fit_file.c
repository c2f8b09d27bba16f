/* fit_file.c - fits a model alone, from a file of data to a file of the model; see mopo.h. */
#include "base/clock.h"
#include "io/file.h"
#include "io/lock.h"
#include "run/fitlog.h"
#include "train/ends.h"
#include "train/fitting.h"
#include "train/run.h"
#include "train/run_units.h"

/* Where a fit under way is kept, state [RUN_PATH]. */
static mopo_status place_of_state(char *state, const char *model, bool resume, mopo_error *err)
{
  mopo_status st = fitlog_beside(state, model, ".fit.safetensors", err);
  if (st != MOPO_OK) return st;
  bool begun = file_exists(state);
  if (begun && !resume)
    return error_set(err, MOPO_EINVAL, "%s: a fit was begun there: resume it, or remove it", state);
  if (!begun && resume && file_exists(model))
    return error_set(err, MOPO_EINVAL, "%s: is there, and no fit is under way", model);
  return MOPO_OK;
}

mopo_status mopo_model_fit_file(mopo_fit_result *out, const mopo_config *c, bool resume,
                                const mopo_watch *watch, mopo_error *err)
{
  char state[RUN_PATH];
  mopo_config set = *c;
  mopo_task *task = NULL;
  mopo_dataset *data = NULL, *scaled = NULL;
  units *scale = NULL;
  par *pool = NULL;
  ensemble *m = NULL;
  termination *end = NULL;
  mopo_dataset_info info;
  fit_result fit = {0};
  lock held = {0};
  double began = clock_seconds();
  mopo_status st = run_data(&set, set.task, &task, &data, watch, err);
  if (st == MOPO_OK) st = mopo_dataset_describe(&info, data, err);
  if (st == MOPO_OK) st = file_check_target(set.out, err); /* now, not after the fit */
  if (st == MOPO_OK) st = lock_take(&held, set.out, err);
  if (st == MOPO_OK) st = place_of_state(state, set.out, resume, err);
  if (st == MOPO_OK) st = par_create(&pool, set.threads, err);
  if (st == MOPO_OK) st = run_units_choose(&scale, &scaled, &set, task, data, watch, err);
  if (st == MOPO_OK)
    st = fitting_run(&m, ends_wanted(&set, task, false, info.terminals, watch) ? &end : NULL, &fit,
                     set.out, state, &set, scaled ? scaled : data, scale, pool,
                     rng_split(rng_seed(set.seed), "train"), watch, err);
  if (st == MOPO_OK) {
    *out = (mopo_fit_result){.epochs = fit.epochs,
                             .members = m->set.members,
                             .elites = m->set.elites,
                             .wall_seconds = clock_seconds() - began};
    for (int e = 0; e < m->set.members; e++) {
      out->holdout_mse[e] = m->holdout_mse[e];
      out->elite[e] = m->elite[e];
    }
  }
  ensemble_free(m);
  termination_free(end);
  par_free(pool);
  units_free(scale);
  mopo_dataset_free(scaled);
  mopo_dataset_free(data);
  mopo_task_free(task);
  lock_release(&held);
  return st;
}
