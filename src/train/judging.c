/* judging.c - the policy that was learned, judged by what it was learned from; see run.h. */
#include <string.h>

#include "base/watch.h"
#include "ope/judge.h"
#include "task/task.h"
#include "train/run.h"

/* What keeps a verdict from being given does not take the policy away. */
static mopo_status forgive(const run *o, mopo_status st, const mopo_error *why, mopo_error *err)
{
  if (st == MOPO_ESTOPPED)
    return error_set(err, st, "%s; the policy is learned: resume the run to judge it", why->msg);
  watch_line(o->watch, "the policy is not judged: %s", why->msg);
  return MOPO_OK;
}

mopo_status run_judge(run *o, mopo_estimate *out, mopo_error *err)
{
  *out = (mopo_estimate){0};
  if (strcmp(o->c.ope, "always") != 0) return MOPO_OK;
  mopo_error why;
  judge *j = NULL;
  judge_setup set = {.d = o->data,
                     .task = o->task,
                     .pool = o->pool,
                     .key = rng_split(rng_seed(o->c.seed), "ope"),
                     .updates = o->c.ope_updates,
                     .fitted_q = true,
                     .watch = o->watch};
  mopo_status st = judge_create(&j, &set, &why);
  if (st == MOPO_OK) st = judge_policy(out, NULL, j, agent_policy(o->agent), &why);
  judge_free(j);
  if (st == MOPO_OK) return st;
  *out = (mopo_estimate){0};
  return forgive(o, st, &why, err);
}
