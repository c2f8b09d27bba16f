/* fuzz_minari.c - any bytes as Minari's metadata.json. */
#include "fuzz.h"
#include "io/minari.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  minari_about about;
  fuzz_file(FUZZ_DIR "/metadata.json", bytes, n);
  mopo_status st = minari_read(&about, FUZZ_DIR "/metadata.json", &err);
  fuzz_check(st, &err, st ? NULL : &about);
  if (!st) fuzz_want(about.found && about.obs.n >= 0 && about.act.n >= 0);
  minari_free(&about);
  return 0;
}
