/* losses.c - see losses.h. */
#include "agent/losses.h"

#include <math.h>

#include "base/fmath.h"

static float squash(float x)
{
  float e = fm_exp(-2.0f * fabsf(x)), t = (1.0f - e) / (1.0f + e);
  return x < 0.0f ? -t : t;
}

float loss_expectile(float *du, float u, float tau)
{
  float w = u < 0.0f ? 1.0f - tau : tau;
  *du = 2.0f * w * u;
  return w * u * u;
}

float loss_gaussian(float *dm, float *dls, float a, float m, float ls)
{
  const float half_log_2pi = 0.918938533f;
  float mean = squash(m), inv = fm_exp(-ls), z = (a - mean) * inv;
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

float loss_gaussian_kl(float *dmean, float *dls, float mean, float ls, float eps, float mean_b,
                       float ls_b)
{
  float step = fm_exp(ls) * eps, inv = fm_exp(-ls_b), z = (mean + step - mean_b) * inv;
  *dmean = z * inv;
  *dls = z * inv * step - 1.0f;
  return 0.5f * (z * z - eps * eps) + ls_b - ls;
}

float loss_squashed(float *du, float u, float a)
{
  float t = squash(u), off = t - a;
  *du = 2.0f * off * (1.0f - t * t);
  return off * off;
}

static float latent_clip(float ls) { return fmaxf(-4.0f, fminf(15.0f, ls)); }

float loss_latent_draw(float mean, float ls, float eps)
{
  return fmaf(fm_exp(latent_clip(ls)), eps, mean);
}

void loss_latent(float *dmean, float *dls, float mean, float ls, float eps, float weight, float dz)
{
  float std = fm_exp(latent_clip(ls));
  *dmean = weight * mean + dz;
  *dls = ls == latent_clip(ls) ? weight * (std * std - 1.0f) + dz * std * eps : 0.0f;
}

/* Kernel of a and b [A]; adds weight dk/da to da where that is wanted. */
static float kernel(float *da, const float *a, const float *b, int A, float sigma, bool laplacian,
                    float weight)
{
  float d = 0.0f;
  for (int j = 0; j < A; j++) d += laplacian ? fabsf(a[j] - b[j]) : (a[j] - b[j]) * (a[j] - b[j]);
  float k = fm_exp(-d / (2.0f * sigma)), slope = -weight * k / sigma;
  for (int j = 0; da && j < A; j++) {
    float off = a[j] - b[j];
    da[j] += slope * (laplacian ? 0.5f * (float)((off > 0.0f) - (off < 0.0f)) : off);
  }
  return k;
}

float loss_mmd(float *dx, const float *x, const float *y, int n, int A, float sigma, bool laplacian)
{
  double sum = 0.0;
  for (int i = 0; i < n * A; i++) dx[i] = 0.0f;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      float *d = dx + i * A;
      sum += (double)kernel(d, x + i * A, x + k * A, A, sigma, laplacian, 1.0f);
      sum += (double)kernel(NULL, y + i * A, y + k * A, A, sigma, laplacian, 0.0f);
      sum -= 2.0 * (double)kernel(d, x + i * A, y + k * A, A, sigma, laplacian, -1.0f);
    }
  /* An x stands in two terms with every other x, once in each of the sum's places. */
  float mmd = (float)sqrt(fmax(sum, 0.0) / ((double)n * n) + 1e-6);
  for (int i = 0; i < n * A; i++) dx[i] /= mmd * (float)(n * n);
  return mmd;
}
