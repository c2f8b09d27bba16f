/* stats.h - how do methods compare? Aggregates of scores over runs and tasks (Agarwal et al. 2021,
 * "Deep reinforcement learning at the edge of the statistical precipice"; the definitions of its
 * library, rliable).
 *
 * All intervals are of 95 %, from the percentiles of a bootstrap that redraws the runs of each task
 * (stratified). The draws depend on the sizes only, so the same scores give the same bits. */
#ifndef REPORT_STATS_H
#define REPORT_STATS_H

#include "base/error.h"

enum { STATS_REPS = 50000, STATS_PAIR_REPS = 2000 };

/* Scores of one method: those of task t are x[first[t]] .. x[first[t + 1] - 1], at least one. */
typedef struct stats_scores {
  const double *x;
  const int *first; /* [tasks + 1] */
  int tasks;
} stats_scores;

typedef struct stats_interval {
  double value, low, high; /* low and high NAN where a task has but one run */
} stats_interval;

double stats_mean(const double *x, int n);
double stats_std(const double *x, int n); /* of a sample: n - 1 below; NAN for n < 2 */
/* Mean of the middle half: n / 4 (rounded down) cut from each end. Sorts x. */
double stats_iqm(double *x, int n);

/* Of the mean, one task, `reps` resamples. ENOMEM. */
MUST_CHECK mopo_status stats_mean_interval(stats_interval *out, const double *x, int n, int reps,
                                           mopo_error *err);
/* Of the interquartile mean over runs and tasks. ENOMEM. */
MUST_CHECK mopo_status stats_iqm_interval(stats_interval *out, const stats_scores *s, int reps,
                                          mopo_error *err);
/* P(X > Y) + P(X = Y) / 2 for one run each, mean over tasks, which x and y have in the same order.
 * ENOMEM. */
MUST_CHECK mopo_status stats_improvement(stats_interval *out, const stats_scores *x,
                                         const stats_scores *y, int reps, mopo_error *err);

#endif
