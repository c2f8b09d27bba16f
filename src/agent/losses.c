/* losses.c - see losses.h. */
#include "agent/losses.h"

#include <math.h>

#include "base/fmath.h"

float loss_expectile(float *du, float u, float tau)
{
  float w = u < 0.0f ? 1.0f - tau : tau;
  *du = 2.0f * w * u;
  return w * u * u;
}

float loss_gaussian(float *dm, float *dls, float a, float m, float ls)
{
  const float half_log_2pi = 0.918938533f;
  float e = fm_exp(-2.0f * fabsf(m)), t = (1.0f - e) / (1.0f + e);
  float mean = m < 0.0f ? -t : t, inv = fm_exp(-ls), z = (a - mean) * inv;
  *dm = -z * inv * (1.0f - mean * mean);
  *dls = 1.0f - z * z;
  return 0.5f * z * z + ls + half_log_2pi;
}

float loss_log_sum_exp(float *dv, const float *v, int n)
{
  float most = v[0], sum = 0.0f;
  for (int i = 1; i < n; i++)
    if (v[i] > most) most = v[i];
  for (int i = 0; i < n; i++) sum += dv[i] = fm_exp(v[i] - most);
  for (int i = 0; i < n; i++) dv[i] /= sum;
  return most + fm_log(sum);
}
