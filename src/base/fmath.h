/* fmath.h - elementary functions in float32 of our own, so that every machine, compiler and libm
 * gives the same bits. Scalar forms here; nn/vec.h has the same polynomials on vectors and gives
 * the same bits lane by lane.
 *
 * Each is a chain of fused multiply-adds written out; the compiler fuses nothing on its own
 * (-ffp-contract=off). Errors measured over the stated ranges by tests/base/test_fmath.c. */
#ifndef BASE_FMATH_H
#define BASE_FMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* exp(x) = 2^n e^r, |r| <= ln2 / 2. Cephes-style argument split of ln 2; the polynomial is a
 * least-maximum fit of (e^r - 1 - r) / r^2. */
#define FM_LOG2E 1.44269504f
#define FM_LN2_HI 0.693359375f
#define FM_LN2_LO (-2.12194440e-4f)
#define FM_EXP_MAX 88.37626f
#define FM_EXP_MIN (-87.33654f) /* below: 0 is wanted but the smallest normal number is given */
#define FM_E0 1.9875691500e-4f
#define FM_E1 1.3981999507e-3f
#define FM_E2 8.3334519073e-3f
#define FM_E3 4.1665795894e-2f
#define FM_E4 1.6666665459e-1f
#define FM_E5 5.0000001201e-1f
#define FM_ROUND 12582912.0f /* 1.5 * 2^23: adding and subtracting it rounds to an integer */

/* log(m), m in [sqrt(1/2), sqrt(2)): x = m - 1, x - x^2/2 + x^3 P(x). */
#define FM_L0 7.0376836292e-2f
#define FM_L1 (-1.1514610310e-1f)
#define FM_L2 1.1676998740e-1f
#define FM_L3 (-1.2420140846e-1f)
#define FM_L4 1.4249322787e-1f
#define FM_L5 (-1.6668057665e-1f)
#define FM_L6 2.0000714765e-1f
#define FM_L7 (-2.4999993993e-1f)
#define FM_L8 3.3333331174e-1f

static inline float fm_from_bits(uint32_t u)
{
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static inline uint32_t fm_bits(float f)
{
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

/* Relative error below 9e-8 from FM_EXP_MIN to FM_EXP_MAX; NaN stays NaN. */
static inline float fm_exp(float x)
{
  float c = x > FM_EXP_MAX ? FM_EXP_MAX : x;
  c = c < FM_EXP_MIN ? FM_EXP_MIN : c;
  float n = fmaf(c, FM_LOG2E, FM_ROUND) - FM_ROUND;
  float r = fmaf(n, -FM_LN2_HI, c);
  r = fmaf(n, -FM_LN2_LO, r);
  float p = FM_E0;
  p = fmaf(p, r, FM_E1);
  p = fmaf(p, r, FM_E2);
  p = fmaf(p, r, FM_E3);
  p = fmaf(p, r, FM_E4);
  p = fmaf(p, r, FM_E5);
  p = fmaf(p, r * r, r) + 1.0f;
  float two_n = isnan(x) ? x : fm_from_bits((uint32_t)((int32_t)n + 127) << 23);
  return p * two_n;
}

/* Natural logarithm of a positive normal number; relative error below 9e-8. 0 and denormals give
 * the log of the smallest normal number, negative numbers and NaN give NaN. */
static inline float fm_log(float x)
{
  if (!(x >= 0.0f)) return NAN;
  float y = x < 1.17549435e-38f ? 1.17549435e-38f : x;
  uint32_t u = fm_bits(y) - 0x3f3504f3u; /* sqrt(1/2) */
  float n = (float)((int32_t)u >> 23);
  float f = fm_from_bits((u & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float z = f * f;
  float p = FM_L0;
  p = fmaf(p, f, FM_L1);
  p = fmaf(p, f, FM_L2);
  p = fmaf(p, f, FM_L3);
  p = fmaf(p, f, FM_L4);
  p = fmaf(p, f, FM_L5);
  p = fmaf(p, f, FM_L6);
  p = fmaf(p, f, FM_L7);
  p = fmaf(p, f, FM_L8);
  p = p * (f * z);
  p = fmaf(n, FM_LN2_LO, p);
  p = fmaf(z, -0.5f, p);
  return fmaf(n, FM_LN2_HI, f + p);
}

/* cos and sin of 2 pi t, t in [0, 1); absolute error below 8e-8. The quarter turn is split off
 * exactly, the rest is Taylor's series to below half a unit in the last place. */
static inline void fm_sincos_turn(float *s, float *c, float t)
{
  float q = fmaf(t, 4.0f, FM_ROUND) - FM_ROUND; /* 0..4 quarter turns */
  float x = fmaf(q, -0.25f, t) * 6.28318531f;   /* [-pi/4, pi/4] */
  float z = x * x;
  float sp = fmaf(fmaf(fmaf(2.7557319e-6f, z, -1.9841270e-4f), z, 8.3333333e-3f), z, -0.16666667f);
  float sv = fmaf(x * z, sp, x);
  float cp = fmaf(fmaf(fmaf(2.4801587e-5f, z, -1.3888889e-3f), z, 4.1666667e-2f), z, -0.5f);
  float cv = fmaf(z, cp, 1.0f);
  int k = (int)q & 3;
  float a = (k & 1) ? cv : sv, b = (k & 1) ? sv : cv;
  *s = (k & 2) ? -a : a;
  *c = (k == 1 || k == 2) ? -b : b;
}

#endif
