/* kernels.c - which kernels this processor runs. */
#include "nn/kernels.h"

#include <mopo/mopo.h>

#include <stdbool.h>

extern const kernels kernels_avx2, kernels_avx512, kernels_portable;

const kernels *kernels_at(int i)
{
  const kernels *have[3];
  int n = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    have[n++] = &kernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) have[n++] = &kernels_avx2;
#endif
  have[n++] = &kernels_portable;
  return i < n ? have[i] : 0;
}

const kernels *kernels_best(void) { return kernels_at(0); }

const char *mopo_kernels_name(void) { return kernels_best()->name; }
