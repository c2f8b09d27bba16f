/* kernels_portable.c - the kernels for every other processor: vectors of four floats (NEON has
 * them; without fused multiply-add in hardware libm's fmaf is called: slow, the same bits). */
#define VL 4
#define TILE 4
#define KERNELS kernels_portable
#define KERNELS_NAME "portable"
extern const struct kernels kernels_portable;
#include "nn/kernels_impl.h"
