/* stats.h - is this what chance gives? Draws come from fixed keys, so an answer never changes: the
 * bounds of six sigmas only say what a wrong generator would have to do to pass. */
#ifndef TESTS_BASE_STATS_H
#define TESTS_BASE_STATS_H

#include "check.h"

#include <math.h>

/* Is the mean of n draws, of standard deviation `std` each, what it should be? */
static inline void check_mean(const char *what, double got, double want, double std, double n)
{
  double sigmas = fabs(got - want) / (std / sqrt(n));
  if (!(sigmas < 6.0)) fail_msg("%s: mean %.9g, want %.9g: %.1f sigmas", what, got, want, sigmas);
}

/* Pearson's chi-square of counts against equal chances; its mean is the degrees of freedom, its
 * variance twice that. */
static inline void check_equal_chances(const char *what, const int *count, int cells)
{
  double n = 0.0, chi2 = 0.0;
  for (int i = 0; i < cells; i++) n += count[i];
  for (int i = 0; i < cells; i++) {
    double d = count[i] - n / cells;
    chi2 += d * d / (n / cells);
  }
  double freedom = cells - 1;
  if (!(chi2 < freedom + 6.0 * sqrt(2.0 * freedom) + 6.0))
    fail_msg("%s: chi-square %.1f of %d cells", what, chi2, cells);
}

/* Chance that a standard normal is below x. */
static inline double normal_below(double x) { return 0.5 * erfc(-x / sqrt(2.0)); }

#endif
