/* finite.c - see finite.h. 0 x is 0 unless x is infinite or NaN, and a sum of zeros needs no branch
 * for each number. */
#include "base/finite.h"

bool all_finite(const float *x, size_t n)
{
  float sum = 0.0f;
  for (size_t i = 0; i < n; i++) sum += 0.0f * x[i];
  return sum == 0.0f;
}

bool all_finite_double(const double *x, size_t n)
{
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += 0.0 * x[i];
  return sum == 0.0;
}
