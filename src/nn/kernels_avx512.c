/* kernels_avx512.c - the kernels for AVX-512. */
#if defined(__AVX512F__)
#define VL 16
#define TILE 12 /* 12 rows x 1 vector of sums: enough to hide the latency of two units */
#define KERNELS kernels_avx512
#define KERNELS_NAME "avx512"
extern const struct kernels kernels_avx512;
#include "nn/kernels_impl.h"
#else
typedef int kernels_avx512_absent;
#endif
