/* vec.h - vectors of VL floats in the compiler's own notation, with what it lacks: fused
 * multiply-add, exp, log, sigmoid, tanh. Included by kernels_impl.h with VL = 4, 8 or 16.
 *
 * A lane sees exactly the operations of the scalar functions in base/fmath.h, so the bits do not
 * depend on VL. */
#ifndef NN_VEC_H
#define NN_VEC_H

#include "base/fmath.h"

#if VL == 8 && defined(__AVX2__) || VL == 16 && defined(__AVX512F__)
#include <immintrin.h>
#endif

typedef float vf __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef float vfu __attribute__((vector_size(4 * VL), aligned(4)));
typedef int32_t vi __attribute__((vector_size(4 * VL), aligned(4 * VL)));
typedef uint32_t vu __attribute__((vector_size(4 * VL), aligned(4 * VL))); /* sums wrap around */

#define INLINE static inline __attribute__((always_inline, unused))

INLINE vf v_load(const float *p) { return *(const vf *)(const void *)p; }
INLINE void v_store(float *p, vf x) { *(vf *)(void *)p = x; }
INLINE vf v_set(float x) { return x - (vf){0}; }

/* a * b + c, rounded once. */
INLINE vf v_fma(vf a, vf b, vf c)
{
#if VL == 8 && defined(__AVX2__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif VL == 16 && defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
  vf r;
  for (int i = 0; i < VL; i++) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

INLINE vf v_sqrt(vf x)
{
#if VL == 8 && defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)x);
#elif VL == 16 && defined(__AVX512F__)
  return (vf)_mm512_sqrt_ps((__m512)x);
#else
  vf r;
  for (int i = 0; i < VL; i++) r[i] = __builtin_sqrtf(x[i]);
  return r;
#endif
}

/* mask ? a : b, lane by lane; mask lanes are 0 or -1, as comparisons give. */
INLINE vf v_if(vi mask, vf a, vf b)
{
#if VL == 8 && defined(__AVX2__)
  return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
  return (vf)(((vi)a & mask) | ((vi)b & ~mask));
#endif
}

/* lo > x ? lo : x, and hi < x ? hi : x; a NaN in x stays. What the processors' own max and min do
 * with their operands in this order. */
INLINE vf v_at_least(vf lo, vf x)
{
#if VL == 8 && defined(__AVX2__)
  return (vf)_mm256_max_ps((__m256)lo, (__m256)x);
#elif VL == 16 && defined(__AVX512F__)
  return (vf)_mm512_max_ps((__m512)lo, (__m512)x);
#else
  return v_if(lo > x, lo, x);
#endif
}
INLINE vf v_at_most(vf hi, vf x)
{
#if VL == 8 && defined(__AVX2__)
  return (vf)_mm256_min_ps((__m256)hi, (__m256)x);
#elif VL == 16 && defined(__AVX512F__)
  return (vf)_mm512_min_ps((__m512)hi, (__m512)x);
#else
  return v_if(hi < x, hi, x);
#endif
}

/* Float with an integer value to int. */
INLINE vi v_int(vf x)
{
  /* x + 1.5 2^23 holds the integer in its low bits: two's complement, exact for |x| < 2^22. */
  return (vi)(x + v_set(FM_ROUND)) - (vi)v_set(FM_ROUND);
}

INLINE vf v_exp(vf x)
{
  vf c = v_at_least(v_set(FM_EXP_MIN), v_at_most(v_set(FM_EXP_MAX), x));
  vf t = v_fma(c, v_set(FM_LOG2E), v_set(FM_ROUND)), n = t - v_set(FM_ROUND);
  vf r = v_fma(n, v_set(-FM_LN2_HI), c);
  r = v_fma(n, v_set(-FM_LN2_LO), r);
  vf p = v_set(FM_E0);
  p = v_fma(p, r, v_set(FM_E1));
  p = v_fma(p, r, v_set(FM_E2));
  p = v_fma(p, r, v_set(FM_E3));
  p = v_fma(p, r, v_set(FM_E4));
  p = v_fma(p, r, v_set(FM_E5));
  p = v_fma(p, r * r, r) + v_set(1.0f);
  /* A NaN has travelled through p. */
  /* n stands in the low bits of t, and FM_ROUND's own low bits are 0: (n + 127) << 23. */
  return p * (vf)(((vu)t << 23) + (127u << 23));
}

INLINE vf v_log(vf x)
{
  vf y = v_at_least(v_set(1.17549435e-38f), x);
  vi u = (vi)y - 0x3f3504f3;
  vf n = __builtin_convertvector(u >> 23, vf);
  vf f = (vf)((u & 0x007fffff) + 0x3f3504f3) - v_set(1.0f);
  vf z = f * f;
  vf p = v_set(FM_L0);
  p = v_fma(p, f, v_set(FM_L1));
  p = v_fma(p, f, v_set(FM_L2));
  p = v_fma(p, f, v_set(FM_L3));
  p = v_fma(p, f, v_set(FM_L4));
  p = v_fma(p, f, v_set(FM_L5));
  p = v_fma(p, f, v_set(FM_L6));
  p = v_fma(p, f, v_set(FM_L7));
  p = v_fma(p, f, v_set(FM_L8));
  p = p * (f * z);
  p = v_fma(n, v_set(FM_LN2_LO), p);
  p = v_fma(z, v_set(-0.5f), p);
  p = v_fma(n, v_set(FM_LN2_HI), f + p);
  return v_if(x >= v_set(0.0f), p, v_set(__builtin_nanf("")));
}

/* 1 / (1 + exp(-x)); absolute error below 1e-7. */
INLINE vf v_sigmoid(vf x) { return v_set(1.0f) / (v_set(1.0f) + v_exp(-x)); }

/* tanh. Near 0 an odd polynomial (Cephes), elsewhere 1 - 2 / (exp(2|x|) + 1); absolute error below
 * 9e-8, relative below 1.5e-7. */
INLINE vf v_tanh(vf x)
{
  vi sign = (vi)x & (vi)v_set(-0.0f);
  vf a = (vf)((vi)x ^ sign), z = x * x;
  vf big = v_set(1.0f) - v_set(2.0f) / (v_exp(a + a) + v_set(1.0f));
  vf p = v_set(-5.70498872745e-3f);
  p = v_fma(p, z, v_set(2.06390887954e-2f));
  p = v_fma(p, z, v_set(-5.37397155531e-2f));
  p = v_fma(p, z, v_set(1.33314422036e-1f));
  p = v_fma(p, z, v_set(-3.33332819422e-1f));
  vf small = v_fma(p * z, a, a);
  vf r = v_if(a < v_set(0.625f), small, big);
  return (vf)((vi)r | sign);
}

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)). The inner log takes 1 + t with the rounding of
 * the sum put back, so small t stay relatively exact. Absolute error below 1.1e-7 max(1, |x|). */
INLINE vf v_softplus(vf x)
{
  vf a = (vf)((vi)x | (vi)v_set(-0.0f)); /* -|x| */
  vf t = v_exp(a), s = v_set(1.0f) + t;
  vf fix = (t - (s - v_set(1.0f))) / s;
  vf pos = v_if(x > v_set(0.0f), x, v_set(0.0f));
  return v_if(x == x, pos + (v_log(s) + fix), x);
}

#endif
