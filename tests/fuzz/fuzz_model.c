/* fuzz_model.c - any bytes as an ensemble. What loads is sound: its numbers finite, its elites
 * members. */
#include "fuzz.h"
#include "model/ensemble.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  ensemble *m = NULL;
  termination *end = NULL;
  fuzz_file(FUZZ_DIR "/model", bytes, n);
  mopo_status st = ensemble_load_with(&m, &end, FUZZ_DIR "/model", &err);
  fuzz_check(st, &err, m);
  for (int e = 0; m && e < m->set.members; e++)
    for (size_t i = 0; i < m->net[e].size; i++) fuzz_want(isfinite(m->net[e].params[i]));
  for (int e = 0; m && e < m->set.elites; e++)
    fuzz_want(m->elite[e] >= 0 && m->elite[e] < m->set.members);
  for (int i = 0; m && i < m->S + m->A; i++)
    fuzz_want(isfinite(m->mean[i]) && m->inverse_std[i] > 0.0f && isfinite(m->inverse_std[i]));
  for (int i = 0; m && i < m->D; i++) fuzz_want(isfinite(m->max[i]) && isfinite(m->min[i]));
  for (int i = 0; end && i < end->S + end->A; i++)
    fuzz_want(isfinite(end->mean[i]) && isfinite(end->inverse_std[i]));
  termination_free(end);
  ensemble_free(m);
  return 0;
}
