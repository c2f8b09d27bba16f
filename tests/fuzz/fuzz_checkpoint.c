/* fuzz_checkpoint.c - any bytes as the checkpoint of a small run. What loads is a place where that
 * run may stand. */
#include "small_run.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  static run *o;
  mopo_error err = {0};
  if (!o) o = small_run(FUZZ_DIR);
  fuzz_file(FUZZ_DIR "/" SMALL_CHECKPOINT, bytes, n);
  mopo_status st = checkpoint_load(o, &err);
  fuzz_check(st, &err, st == MOPO_OK ? o : NULL);
  if (st != MOPO_OK) return 0;
  const standing *at = &o->at;
  agent_memory s = agent_state(o->agent);
  for (size_t i = 0; i < s.n_values; i++) fuzz_want(isfinite(s.values[i]));
  for (size_t i = 0; i < s.n_scalars; i++) fuzz_want(isfinite(s.scalars[i]));
  fuzz_want(at->epoch >= 0 && at->epoch <= o->c.epochs && at->epoch == floor(at->epoch));
  fuzz_want(at->update >= 0 && at->update <= o->c.updates_per_epoch);
  fuzz_want(at->update == floor(at->update) && (at->rolled == 0 || at->rolled == 1));
  fuzz_want(isfinite(at->wall) && at->wall >= 0);
  /* Updates of an epoch draw from what its rollouts imagined. */
  fuzz_want(at->rolled == 0 || replay_count(o->ring) > 0);
  return 0;
}
