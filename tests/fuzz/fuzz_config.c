/* fuzz_config.c - any bytes as config.ini. What is accepted is written, and read back the same. */
#include "config/config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  mopo_config c = config_default(), before = c, back = c;
  fuzz_file(FUZZ_DIR "/ini", bytes, n);
  if (mopo_config_load(&c, FUZZ_DIR "/ini", &err) != MOPO_OK) {
    fuzz_want(*err.msg && memcmp(&c, &before, sizeof c) == 0);
    return 0;
  }
  fuzz_count_accepted();
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char text[1100], again[1100];
    mopo_config_get(&c, s->name, text, sizeof text);
    fuzz_want(mopo_config_set(&back, s->name, text, &err) == MOPO_OK);
    mopo_config_get(&back, s->name, again, sizeof again);
    fuzz_want(strcmp(text, again) == 0);
  }
  return 0;
}
