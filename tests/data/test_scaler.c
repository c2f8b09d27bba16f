/* test_scaler.c - against sums in long double. */
#include "check.h"

#include "base/rng.h"
#include "data/scaler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static scaler *make(int D)
{
  mopo_error e;
  scaler *s = NULL;
  assert_ok(scaler_create(&s, D, &e), e);
  return s;
}

static void new_scaler_changes_nothing(void **state)
{
  (void)state;
  scaler *s = make(3);
  const float x[6] = {1, -2, 3e8f, 0, -0.5f, 7};
  float y[6];
  scaler_apply(s, y, x, 2);
  assert_memory_equal(y, x, sizeof x);
  scaler_invert(s, y, x, 2);
  assert_memory_equal(y, x, sizeof x);
  scaler_free(s);
  scaler_free(NULL);
}

static void check_column(const scaler *s, int d, const float *rows, const uint32_t *index,
                         int64_t n, int width)
{
  long double sum = 0.0L, sq = 0.0L;
  for (int64_t i = 0; i < n; i++) sum += (long double)rows[(index ? index[i] : i) * width + d];
  long double mean = sum / (long double)n;
  for (int64_t i = 0; i < n; i++) {
    long double r = (long double)rows[(index ? index[i] : i) * width + d] - mean;
    sq += r * r;
  }
  float std = (float)sqrtl(sq / (long double)n);
  assert_true(fabsf(s->mean[d] - (float)mean) <= 1e-6f * fabsf((float)mean) + 1e-12f);
  if (n > 1) assert_true(fabsf(s->std[d] - std) <= 1e-6f * std);
}

static void fits_any_size(void **state)
{
  static const int Ds[] = {1, 2, 14, 31, 32, 33, 70};
  static const int64_t ns[] = {1, 2, 7, 100, 3000};
  (void)state;
  rng_stream g = rng_stream_of(rng_seed(5));
  for (size_t a = 0; a < sizeof Ds / sizeof *Ds; a++)
    for (size_t b = 0; b < sizeof ns / sizeof *ns; b++) {
      int D = Ds[a], width = D + 5;
      int64_t n = ns[b];
      float *rows = malloc((size_t)(n * width) * sizeof *rows);
      uint32_t *index = malloc((size_t)n * sizeof *index);
      for (int64_t i = 0; i < n * width; i++)
        rows[i] = 100.0f * (float)(i % width) + (float)(1 + i % 3) * rng_normal(&g);
      for (int64_t i = 0; i < n; i++) index[i] = (uint32_t)rng_below(&g, (uint64_t)n);
      scaler *s = make(D);
      for (int k = 0; k < 2; k++) {
        if (k && n < 100) continue; /* few draws may all be one row */
        scaler_fit(s, rows, k ? index : NULL, n, width);
        for (int d = 0; d < D; d++) check_column(s, d, rows, k ? index : NULL, n, width);
      }
      scaler_free(s);
      free(index);
      free(rows);
    }
}

/* Whatever the constant: its spread is 0, not what rounding makes of it. */
static void constant_columns_get_std_one(void **state)
{
  enum { N = 1001 };
  static const float values[] = {0.0f, 0.1f, -12345.678f, 3e-30f, 1e30f};
  (void)state;
  for (int k = 0; k < 5; k++) {
    float rows[N];
    for (int i = 0; i < N; i++) rows[i] = values[k];
    scaler *s = make(1);
    scaler_fit(s, rows, NULL, N, 1);
    assert_true(s->mean[0] == values[k] && s->std[0] == 1.0f);
    scaler_free(s);
  }
}

static void a_spread_below_1e_12_is_none(void **state)
{
  (void)state;
  scaler *s = make(1);
  const float tiny[] = {0.0f, 1.8e-12f}, small[] = {0.0f, 2.2e-12f};
  scaler_fit(s, tiny, NULL, 2, 1);
  assert_true(s->std[0] == 1.0f);
  scaler_fit(s, small, NULL, 2, 1);
  assert_true(s->std[0] > 1e-12f && s->std[0] < 1.2e-12f);
  scaler_free(s);
}

static void invert_undoes_apply(void **state)
{
  enum { D = 5, N = 64 };
  (void)state;
  rng_stream g = rng_stream_of(rng_seed(6));
  float x[N * D], y[N * D], z[N * D];
  for (int i = 0; i < N * D; i++) x[i] = 3.0f * (float)(i % D) + rng_normal(&g);
  scaler *s = make(D);
  scaler_fit(s, x, NULL, N, D);
  scaler_apply(s, y, x, N);
  double mean = 0.0, sq = 0.0;
  for (int i = 0; i < N; i++) {
    mean += (double)y[i * D + 2] / N;
    sq += (double)(y[i * D + 2] * y[i * D + 2]) / N;
  }
  assert_true(fabs(mean) < 1e-5 && fabs(sq - 1.0) < 1e-5);
  memcpy(z, x, sizeof z);
  scaler_apply(s, z, z, N); /* in place */
  assert_memory_equal(z, y, sizeof z);
  scaler_invert(s, z, z, N);
  for (int i = 0; i < N * D; i++) assert_true(fabsf(z[i] - x[i]) < 1e-5f);
  scaler_free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_scaler_changes_nothing),
      cmocka_unit_test(fits_any_size),
      cmocka_unit_test(constant_columns_get_std_one),
      cmocka_unit_test(a_spread_below_1e_12_is_none),
      cmocka_unit_test(invert_undoes_apply),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
