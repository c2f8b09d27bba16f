/* fuzz_sweep.c - any bytes as a sweep file. What is accepted has runs, each with a name and a place
 * of its own, and an ensemble that comes before it. */
#include "fuzz.h"

enum { FEW = 50 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  mopo_sweep *s = NULL;
  mopo_sweep_unit u, other;
  fuzz_file(FUZZ_DIR "/ini", bytes, n);
  mopo_status st = mopo_sweep_load(&s, FUZZ_DIR "/ini", "runs", &err);
  fuzz_check(st, &err, s);
  if (!s) return 0;
  fuzz_want(mopo_sweep_unit_at(&u, s, 0));
  for (int i = 0; i < FEW && mopo_sweep_unit_at(&u, s, i); i++) {
    fuzz_want(*u.name && u.needs < i && !(u.model && u.needs >= 0));
    for (int j = 0; j < i; j++) {
      fuzz_want(mopo_sweep_unit_at(&other, s, j));
      fuzz_want(strcmp(u.name, other.name) != 0);
      fuzz_want(strcmp(mopo_config_text(u.config, "out"), mopo_config_text(other.config, "out")) !=
                0);
    }
  }
  mopo_sweep_free(s);
  return 0;
}
