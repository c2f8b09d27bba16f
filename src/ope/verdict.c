/* verdict.c - see verdict.h. */
#include "ope/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static const double MISSED = 2.0; /* deviations of the returns that a member may miss */
static const double MOST_OUTSIDE = 0.5;
static const double LOST = 0.7; /* deviations: the model cannot play the recorded controller */

static double mean_of(const double *x, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += x[i];
  return sum / n;
}

void exam_take(exam *e, const double *D, const double *R, int members, int n)
{
  double b[32], squares = 0.0, mean = mean_of(R, n);
  int order[32];
  *e = (exam){.members = members};
  for (int i = 0; i < n; i++) squares += (R[i] - mean) * (R[i] - mean);
  e->sd = fmax(sqrt(squares / n), 0.01 * fabs(mean));
  for (int k = 0; k < members; k++) {
    b[k] = mean_of(D + (size_t)k * (size_t)n, n);
    int at = k; /* by b, greatest first */
    for (; at > 0 && b[k] > b[order[at - 1]]; at--) order[at] = order[at - 1];
    order[at] = k;
  }
  bool keep[32] = {false};
  for (int i = 0; i < members; i++)
    keep[order[i]] = i < VERDICT_MEMBERS_LEAST || b[order[i]] >= -MISSED * e->sd;
  double sum = 0.0;
  for (int k = 0; k < members; k++)
    if (keep[k]) e->keep[e->kept++] = k, sum += b[k];
  e->clone = sum / e->kept;
}

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void interval_of(interval *out, const double *D, const int *keep, int kept, int n, rng_key key)
{
  double draws[VERDICT_DRAWS], sum = 0.0;
  for (int k = 0; k < kept; k++) sum += mean_of(D + (size_t)keep[k] * (size_t)n, n);
  for (int b = 0; b < VERDICT_DRAWS; b++) {
    rng_stream s = rng_stream_of(rng_index(key, (uint64_t)b));
    int member[32];
    double total = 0.0;
    for (int k = 0; k < kept; k++) member[k] = keep[rng_below(&s, (uint64_t)kept)];
    for (int i = 0; i < n; i++) {
      int at = (int)rng_below(&s, (uint64_t)n);
      for (int k = 0; k < kept; k++) total += D[(size_t)member[k] * (size_t)n + (size_t)at];
    }
    draws[b] = total / ((double)kept * n);
  }
  qsort(draws, VERDICT_DRAWS, sizeof *draws, ascending);
  out->mean = sum / kept;
  out->low = draws[VERDICT_DRAWS / 20 - 1];
  out->high = draws[VERDICT_DRAWS - VERDICT_DRAWS / 20];
}

static void reason(mopo_estimate *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void reason(mopo_estimate *e, const char *fmt, ...)
{
  if (e->n_reasons == MOPO_ESTIMATE_REASONS) return;
  va_list ap;
  va_start(ap, fmt);
  number_vprint(e->reasons[e->n_reasons++], sizeof e->reasons[0], fmt, ap);
  va_end(ap);
}

void verdict_give(mopo_estimate *out, const interval *d, const exam *e, double outside)
{
  bool far = !(outside < MOST_OUTSIDE), lost = e->clone < -LOST * e->sd;
  out->n_reasons = 0;
  out->verdict = MOPO_VERDICT_UNKNOWN;
  if (d->low > 0.0 && !far)
    out->verdict = MOPO_VERDICT_BETTER;
  else if (d->high < fmin(0.0, e->clone))
    out->verdict = MOPO_VERDICT_NOT_BETTER;
  if (out->verdict == MOPO_VERDICT_BETTER)
    reason(out, "it gains %.4g an episode on the log, at least %.4g with 95 %% certainty", d->mean,
           d->low);
  else if (out->verdict == MOPO_VERDICT_NOT_BETTER)
    reason(out, "it loses %.4g an episode against the log, at least %.4g with 95 %% certainty",
           -d->mean, -d->high);
  if (far)
    reason(out, "%.0f %% of the imagined states are outside what the log has seen",
           100.0 * outside);
  if (out->verdict == MOPO_VERDICT_UNKNOWN) {
    if (!(d->low > 0.0) && !(d->high < 0.0))
      reason(out, "its gain on the log is between %.4g and %.4g an episode: it may be 0", d->low,
             d->high);
    else if (d->high < 0.0)
      reason(out, "it loses %.4g an episode, but so does a clone of the log: %.4g", -d->mean,
             -e->clone);
  }
  if (lost)
    reason(out,
           "the model cannot even play the recorded controller: its clone loses %.4g an "
           "episode",
           -e->clone);
}

void verdict_veto(mopo_estimate *out, const interval *q)
{
  if (out->verdict == MOPO_VERDICT_BETTER && q->high < 0.0) {
    out->verdict = MOPO_VERDICT_UNKNOWN;
    reason(out, "but fitted Q evaluation says that it loses at least %.4g an episode", -q->high);
  }
  if (out->verdict == MOPO_VERDICT_NOT_BETTER && q->low > 0.0)
    reason(out, "but fitted Q evaluation says that it gains at least %.4g an episode", q->low);
}
