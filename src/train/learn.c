/* learn.c - learning as mopo.h offers it: from memory, or from the files that the settings name. */
#include <string.h>

#include "config/config.h"
#include "train/run.h"

mopo_status mopo_learn(mopo_policy **policy, mopo_train_result *result, const mopo_dataset *data,
                       const mopo_task *task, const mopo_model *model, const mopo_config *config,
                       const char *run_dir, const mopo_simulator *simulator,
                       const mopo_hooks *hooks, const mopo_watch *watch, mopo_error *err)
{
  mopo_train_result unwanted;
  mopo_hooks known = {0}; /* what an older caller does not know is zero */
  if (policy) *policy = NULL;
  NOT_NULL(data);
  NOT_NULL(config);
  if (hooks) memcpy(&known, hooks, hooks->size < sizeof known ? hooks->size : sizeof known);
  if (known.resume && !run_dir)
    return error_set(err, MOPO_EINVAL, "resume without a run directory to resume from");
  const run_order order = {.config = config,
                           .data = data,
                           .task = task,
                           .model = model,
                           .dir = run_dir,
                           .simulator = simulator,
                           .hooks = &known,
                           .watch = watch,
                           .resume = known.resume};
  return run_whole(policy, result ? result : &unwanted, &order, err);
}

mopo_status mopo_train(mopo_train_result *out, const mopo_config *c, bool resume,
                       const mopo_watch *watch, mopo_error *err)
{
  NOT_NULL(out);
  NOT_NULL(c);
  if (!c->out[0]) return error_set(err, MOPO_EINVAL, "out is not set: the run directory");
  const run_order order = {
      .config = c, .dir = c->out, .simulator = sim_built_in(), .watch = watch, .resume = resume};
  return run_whole(NULL, out, &order, err);
}
