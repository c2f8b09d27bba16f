/* fuzz_tfevents.c - any bytes as the event file of a run that goes on: its whole records stay. */
#include "fuzz.h"
#include "io/tfevents.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  static const char path[] = FUZZ_DIR "/events";
  mopo_error err = {0};
  tfevents *w = NULL;
  fuzz_file(path, bytes, n);
  mopo_status st = tfevents_open(&w, path, 5, &err);
  fuzz_check(st, &err, w);
  fuzz_want(w && fuzz_file_size() <= n);
  tfevents_close(w);
  return 0;
}
