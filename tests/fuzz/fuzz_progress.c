/* fuzz_progress.c - any bytes as the progress.csv of a run that goes on. */
#include "fuzz.h"
#include "run/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  metrics *m = NULL;
  int count = 0;
  fuzz_file(FUZZ_DIR "/progress.csv", bytes, n);
  mopo_status st = metrics_open(&m, FUZZ_DIR, 3, &err);
  fuzz_check(st, &err, m);
  metrics_row *r = NULL;
  fuzz_want(!m || metrics_rows(&r, &count, m, &err) == MOPO_OK);
  for (int i = 0; i < count; i++) fuzz_want(r[i].epoch == i + 1);
  fuzz_want(!m || count == 3);
  free(r);
  metrics_close(m);
  return 0;
}
