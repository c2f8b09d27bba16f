/* fuzz_npz.c - any bytes as a dataset of NumPy's. */
#include "data/dataset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  mopo_dataset *d = NULL;
  fuzz_file(FUZZ_DIR "/a.npz", bytes, n);
  mopo_status st = mopo_dataset_load(&d, FUZZ_DIR "/a.npz", NULL, &err);
  fuzz_check(st, &err, d);
  if (d) fuzz_want(d->N > 0 && d->at.S > 0 && d->at.A > 0 && dataset_row(d, d->N - 1)[0] < 1e38f);
  mopo_dataset_free(d);
  return 0;
}
