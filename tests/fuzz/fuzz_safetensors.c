/* fuzz_safetensors.c - any bytes as a .safetensors file. */
#include "fuzz.h"
#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  mopo_error err = {0};
  tensor_file *f = NULL;
  mopo_status st = tensor_file_parse(&f, "fuzz", bytes, n, &err);
  fuzz_check(st, &err, f);
  size_t sum = 0;
  for (int i = 0; f && i < tensor_file_count(f); i++) {
    const tensor *t = tensor_file_at(f, i);
    const uint8_t *p = t->data;
    for (size_t k = 0; k < tensor_bytes(t); k++) sum += p[k];
    fuzz_want(tensor_bytes(t) <= n && tensor_file_find(f, t->name) == t);
  }
  fuzz_want(sum <= n * 255);
  tensor_file_free(f);
  return 0;
}
