/* fuzz_policy.c - any bytes as a policy. What loads, acts. */
#include "fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  static float obs[65536], act[65536];
  mopo_error err = {0};
  mopo_policy *p = NULL;
  fuzz_file(FUZZ_DIR "/policy", bytes, n);
  mopo_status st = mopo_policy_load(&p, FUZZ_DIR "/policy", &err);
  fuzz_check(st, &err, p);
  if (p) {
    mopo_policy_act(p, act, obs, 1);
    for (int i = 0; i < mopo_policy_act_dim(p); i++) fuzz_want(!(fabsf(act[i]) > 1.0f));
  }
  mopo_policy_free(p);
  return 0;
}
