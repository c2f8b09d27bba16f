/* scaler.c - see scaler.h. */
#include "data/scaler.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

mopo_status scaler_create(scaler **out, int D, mopo_error *err)
{
  assert(D > 0);
  size_t n = (size_t)D;
  scaler *s = *out = malloc(sizeof *s + 2 * n * sizeof(float));
  if (!s) return error_set(err, MOPO_ENOMEM, "scaler of %d columns: out of memory", D);
  float *place = (float *)(s + 1);
  *s = (scaler){.D = D, .mean = place, .std = place + n};
  for (int d = 0; d < D; d++) {
    s->mean[d] = 0.0f;
    s->std[d] = 1.0f;
  }
  return MOPO_OK;
}

void scaler_free(scaler *s) { free(s); }

static const float *pick(const float *rows, const uint32_t *index, int64_t i, int width)
{
  return rows + (index ? (size_t)index[i] : (size_t)i) * (size_t)width;
}

/* Columns in bands of 32, so that the sums stay in the cache while the rows stream by. */
enum { BAND = 32 };

/* Sums run over x - first row, so that a constant column has a variance of exactly 0. */
static void fit_band(scaler *s, int first, int n_cols, const float *rows, const uint32_t *index,
                     int64_t n, int width)
{
  double sum[BAND] = {0}, var[BAND] = {0}, mean[BAND];
  const float *origin = pick(rows, index, 0, width) + first;
  for (int64_t i = 0; i < n; i++) {
    const float *x = pick(rows, index, i, width) + first;
    for (int d = 0; d < n_cols; d++) sum[d] += (double)x[d] - (double)origin[d];
  }
  for (int d = 0; d < n_cols; d++) mean[d] = (double)origin[d] + sum[d] / (double)n;
  for (int64_t i = 0; i < n; i++) {
    const float *x = pick(rows, index, i, width) + first;
    for (int d = 0; d < n_cols; d++) {
      double r = (double)x[d] - mean[d];
      var[d] += r * r;
    }
  }
  for (int d = 0; d < n_cols; d++) {
    double std = sqrt(var[d] / (double)n);
    s->mean[first + d] = (float)mean[d];
    s->std[first + d] = std < 1e-12 ? 1.0f : (float)std;
  }
}

void scaler_fit(scaler *s, const float *rows, const uint32_t *index, int64_t n, int width)
{
  assert(n > 0 && width >= s->D);
  for (int d = 0; d < s->D; d += BAND)
    fit_band(s, d, s->D - d < BAND ? s->D - d : BAND, rows, index, n, width);
}

void scaler_apply(const scaler *s, float *y, const float *x, int B)
{
  const int D = s->D;
  for (int b = 0; b < B; b++, x += D, y += D)
    for (int d = 0; d < D; d++) y[d] = (x[d] - s->mean[d]) / s->std[d];
}

void scaler_invert(const scaler *s, float *x, const float *y, int B)
{
  const int D = s->D;
  for (int b = 0; b < B; b++, x += D, y += D)
    for (int d = 0; d < D; d++) x[d] = y[d] * s->std[d] + s->mean[d];
}
