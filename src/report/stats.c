/* stats.c - see stats.h. */
#include "report/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double stats_mean(const double *x, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += x[i];
  return sum / n;
}

double stats_std(const double *x, int n)
{
  double mean = stats_mean(x, n), sum = 0.0;
  for (int i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
  return n < 2 ? (double)NAN : sqrt(sum / (n - 1));
}

double stats_iqm(double *x, int n)
{
  qsort(x, (size_t)n, sizeof *x, ascending);
  return stats_mean(x + n / 4, n - 2 * (n / 4));
}

/* Linear between the two nearest of x [n], sorted. */
static double quantile(const double *x, int n, double q)
{
  double at = q * (n - 1);
  int i = (int)at;
  return i + 1 < n ? x[i] + (at - i) * (x[i + 1] - x[i]) : x[n - 1];
}

static void percentiles(stats_interval *out, double *x, int n)
{
  qsort(x, (size_t)n, sizeof *x, ascending);
  out->low = quantile(x, n, 0.025);
  out->high = quantile(x, n, 0.975);
}

static int runs(const stats_scores *s) { return s->first[s->tasks]; }

/* Every task with two runs at least: with one there is nothing to redraw. */
static bool has_spread(const stats_scores *s)
{
  for (int t = 0; t < s->tasks; t++)
    if (s->first[t + 1] - s->first[t] < 2) return false;
  return true;
}

static void redraw(double *to, const stats_scores *s, rng_stream *r)
{
  for (int t = 0; t < s->tasks; t++) {
    int first = s->first[t], n = s->first[t + 1] - first;
    for (int i = 0; i < n; i++) to[first + i] = s->x[first + (int)rng_below(r, (uint64_t)n)];
  }
}

static rng_stream draws(const char *purpose)
{
  return rng_stream_of(rng_split(rng_split(rng_seed(0), "report"), purpose));
}

static mopo_status bootstrap(stats_interval *out, const stats_scores *s, int reps, const char *name,
                             double of(double *x, int n), mopo_error *err)
{
  int n = runs(s);
  double *x = malloc(((size_t)n + (size_t)reps) * sizeof *x);
  if (!x) return error_set(err, MOPO_ENOMEM, "report: no memory for %d resamples", reps);
  double *kept = x + n;
  memcpy(x, s->x, (size_t)n * sizeof *x);
  *out = (stats_interval){of(x, n), NAN, NAN};
  rng_stream r = draws(name);
  if (has_spread(s)) {
    for (int i = 0; i < reps; i++) {
      redraw(x, s, &r);
      kept[i] = of(x, n);
    }
    percentiles(out, kept, reps);
  }
  free(x);
  return MOPO_OK;
}

static double mean_of(double *x, int n) { return stats_mean(x, n); }

mopo_status stats_mean_interval(stats_interval *out, const double *x, int n, int reps,
                                mopo_error *err)
{
  const int first[2] = {0, n};
  return bootstrap(out, &(stats_scores){x, first, 1}, reps, "mean", mean_of, err);
}

mopo_status stats_iqm_interval(stats_interval *out, const stats_scores *s, int reps,
                               mopo_error *err)
{
  return bootstrap(out, s, reps, "iqm", stats_iqm, err);
}

static double improvement(const double *x, const int *x_first, const double *y, const int *y_first,
                          int tasks)
{
  double sum = 0.0;
  for (int t = 0; t < tasks; t++) {
    int nx = x_first[t + 1] - x_first[t], ny = y_first[t + 1] - y_first[t];
    int64_t twice = 0;
    for (int i = x_first[t]; i < x_first[t + 1]; i++)
      for (int j = y_first[t]; j < y_first[t + 1]; j++) twice += (x[i] >= y[j]) + (x[i] > y[j]);
    sum += (double)twice / 2.0 / nx / ny;
  }
  return sum / tasks;
}

mopo_status stats_improvement(stats_interval *out, const stats_scores *x, const stats_scores *y,
                              int reps, mopo_error *err)
{
  int nx = runs(x), ny = runs(y);
  double *a = malloc(((size_t)nx + (size_t)ny + (size_t)reps) * sizeof *a);
  if (!a) return error_set(err, MOPO_ENOMEM, "report: no memory for %d resamples", reps);
  double *b = a + nx, *kept = b + ny;
  *out = (stats_interval){improvement(x->x, x->first, y->x, y->first, x->tasks), NAN, NAN};
  rng_stream rx = draws("improvement x"), ry = draws("improvement y");
  if (has_spread(x) && has_spread(y)) {
    for (int i = 0; i < reps; i++) {
      redraw(a, x, &rx);
      redraw(b, y, &ry);
      kept[i] = improvement(a, x->first, b, y->first, x->tasks);
    }
    percentiles(out, kept, reps);
  }
  free(a);
  return MOPO_OK;
}
