/* ends.c - see ends.h. */
#include "train/ends.h"

#include "base/watch.h"
#include "config/config.h"
#include "task/task.h"

bool ends_wanted(const mopo_config *c, const mopo_task *task, bool known, int64_t terminals,
                 const mopo_watch *watch)
{
  if (config_is(c, "termination", "learned")) return true;
  if (task_knows_ends(task)) return false;
  if (config_is(c, "termination", "auto")) return known || terminals > 0;
  if (terminals > 0)
    watch_line(watch,
               "warning: %lld recorded episodes end, but with termination = none imagined ones "
               "never do: failing will look like living on",
               (long long)terminals);
  return false;
}

static void tell(const mopo_watch *watch, const termination_facts *k)
{
  if (k->held_rows)
    watch_line(
        watch,
        "ends: learned from %lld recorded ones; of %lld rows held out %.0f end, foretold %.1f",
        (long long)k->terminals, (long long)k->held_rows, k->held_ends, k->held_foretold);
  else
    watch_line(watch, "ends: learned from %lld recorded ones; too few to hold some out",
               (long long)k->terminals);
}

mopo_status ends_fit(termination **out, const mopo_dataset *data, rng_key key, par *pool,
                     const mopo_watch *watch, mopo_error *err)
{
  mopo_status st = termination_fit(out, data, rng_split(key, "termination"), pool,
                                   watch ? watch->stop : NULL, err);
  if (st == MOPO_OK) tell(watch, &(*out)->facts);
  return st;
}
