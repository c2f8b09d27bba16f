/* kernels_avx2.c - the kernels for AVX2 with FMA. */
#if defined(__AVX2__) && defined(__FMA__)
#define VL 8
#define TILE 6 /* 6 rows x 2 vectors of sums, 2 of weights, 1 broadcast: 15 of 16 registers */
#define KERNELS kernels_avx2
#define KERNELS_NAME "avx2"
extern const struct kernels kernels_avx2;
#include "nn/kernels_impl.h"
#else
typedef int kernels_avx2_absent;
#endif
