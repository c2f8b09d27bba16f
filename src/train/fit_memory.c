/* fit_memory.c - fits a model to a dataset in memory; see mopo.h. */
#include "config/config.h"
#include "model/model.h"
#include "train/ends.h"
#include "train/fitting.h"
#include "train/run.h"
#include "train/run_units.h"

mopo_status mopo_model_fit(mopo_model **out, const mopo_dataset *data, const mopo_task *task,
                           const mopo_config *config, const mopo_watch *watch, mopo_error *err)
{
  NOT_NULL(out);
  NOT_NULL(data);
  NOT_NULL(config);
  *out = NULL;
  units *scale = NULL;
  mopo_dataset *scaled = NULL;
  run o = {.order = {.data = data, .task = task}, .c = *config, .watch = watch};
  fit_result fit;
  ensemble *m = NULL;
  termination *end = NULL;
  mopo_dataset_info info;
  mopo_status st = run_take_data(&o, err);
  if (st == MOPO_OK) st = mopo_dataset_describe(&info, data, err);
  if (st == MOPO_OK) st = par_create(&o.pool, o.c.threads, err);
  if (st == MOPO_OK) st = run_units_choose(&scale, &scaled, &o.c, o.task, data, watch, err);
  if (st == MOPO_OK)
    st = fitting_run(&m, ends_wanted(&o.c, o.task, false, info.terminals, watch) ? &end : NULL,
                     &fit, NULL, NULL, &o.c, scaled ? scaled : data, scale, o.pool,
                     rng_split(rng_seed(o.c.seed), "train"), watch, err);
  par_free(o.pool);
  units_free(scale);
  mopo_dataset_free(scaled);
  return st == MOPO_OK ? model_of(out, m, end, o.task, mopo_config_text(&o.c, "penalty"), err) : st;
}
