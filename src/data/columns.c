/* columns.c - a dataset column by column, and what that makes suspicious: see mopo.h. */
#include "data/describe.h"

#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these a note is written. */
static const double OUTLIER = 20.0;       /* deviations by MAD */
static const double OUTLIER_SHARE = 0.05; /* more than these are no outliers */
static const double OFFSET = 100.0;       /* magnitude in spreads */
static const double SCALES = 1e4;         /* the largest spread in the smallest */
static const double COARSE = 1e-3;        /* float32's step in spreads */
static const double GROWS = 0.95;         /* share of the steps */
enum { CATEGORIES = 12, CATEGORY_ROWS = 50 };

/* The distance of the next float32 from x. */
static double float_step(double x)
{
  float y = fabsf((float)x);
  return (double)(nextafterf(y, FLT_MAX) - y);
}

/* Column c of every row, as it was recorded, ascending. */
static void gather(double *x, const mopo_dataset *d, int c)
{
  bool action = c >= d->at.act && c < d->at.rew;
  for (int64_t i = 0; i < d->N; i++) {
    x[i] = (double)dataset_row(d, i)[c];
    if (action) x[i] = dataset_recorded_action(d, c - d->at.act, x[i]);
  }
  qsort(x, (size_t)d->N, sizeof *x, describe_by_value);
}

static double deviation(const double *x, int64_t n)
{
  double sum = 0.0, sq = 0.0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  const double mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++) sq += (x[i] - mean) * (x[i] - mean);
  return sqrt(sq / (double)n);
}

static void measure(mopo_column *out, const double *x, int64_t n)
{
  int64_t run = 0, most = 0;
  for (int64_t i = 0; i < n; i++) {
    bool other = i == 0 || x[i] != x[i - 1];
    out->distinct += other;
    run = other ? 1 : run + 1;
    most = run > most ? run : most;
  }
  out->least = x[0], out->greatest = x[n - 1];
  out->low = describe_quantile(x, n, 0.01), out->high = describe_quantile(x, n, 0.99);
  out->median = describe_quantile(x, n, 0.5);
  out->spread = out->distinct > 1 ? deviation(x, n) : 0.0;
  out->share = (double)most / (double)n;
  out->resolution = float_step(fmax(fabs(x[0]), fabs(x[n - 1])));
}

/* ------------------------------------------------------------------ outliers */

/* A deviation that outliers do not move: 1.4826 times the median distance from the median; where
 * more than half of the values are one, of the distances that are not 0. sorted: [n]; y: room for
 * n. */
static double robust_deviation(double *y, const double *sorted, int64_t n, double median)
{
  int64_t k = 0;
  for (int64_t i = 0; i < n; i++) y[i] = fabs(sorted[i] - median);
  qsort(y, (size_t)n, sizeof *y, describe_by_value);
  while (k < n && y[k] == 0.0) k++;
  if (2 * k <= n) k = 0;
  return k < n ? 1.4826 * describe_quantile(y + k, n - k, 0.5) : 0.0;
}

/* The value that most of the outliers have, and how many; 0: each has its own. */
static int64_t common(double *value, const double *sorted, int64_t n, double median, double far)
{
  int64_t run = 0, most = 0;
  for (int64_t i = 0; i < n; i++) {
    if (fabs(sorted[i] - median) <= far) continue;
    run = i > 0 && sorted[i] == sorted[i - 1] ? run + 1 : 1;
    if (run <= most) continue;
    most = run;
    *value = sorted[i];
  }
  return most > 1 ? most : 0;
}

static int64_t first_beyond(const mopo_dataset *d, int c, double median, double far)
{
  for (int64_t i = 0; i < d->N; i++) {
    double x = (double)dataset_row(d, i)[c];
    if (c >= d->at.act && c < d->at.rew) x = dataset_recorded_action(d, c - d->at.act, x);
    if (fabs(x - median) > far) return i;
  }
  return 0;
}

/* sorted, room: [N]. */
static void note_outliers(mopo_dataset_info *info, const mopo_dataset *d, int c,
                          const mopo_column *col, const double *sorted, double *room)
{
  int64_t n = d->N, count = 0;
  double sigma = robust_deviation(room, sorted, n, col->median), far = OUTLIER * sigma, value = 0;
  if (sigma == 0.0 || col->distinct <= 2) return;
  for (int64_t i = 0; i < n; i++) count += fabs(sorted[i] - col->median) > far;
  if (!count || (double)count > OUTLIER_SHARE * (double)n) return;
  int64_t same = common(&value, sorted, n, col->median, far);
  char place[32], often[64] = "";
  if (same) number_print(often, sizeof often, " (%g %lld times)", value, (long long)same);
  describe_note(
      info,
      "'%s' lies more than %.0f deviations (by MAD) from its median %.6g in %lld row%s%s, "
      "first in %s",
      col->name, OUTLIER, col->median, (long long)count, count == 1 ? "" : "s", often,
      describe_place(d, first_beyond(d, c, col->median, far), place));
}

/* ------------------------------------------------------------------ kinds of columns */

/* Names of the columns that are so, the first few of them. Their number. */
typedef bool is_so(const mopo_dataset *d, const mopo_column *all, int c);

static int list(char *text, size_t size, const mopo_dataset *d, const mopo_column *all, is_so *is)
{
  int count = 0;
  size_t used = 0;
  *text = '\0';
  for (int c = 0; c < d->at.rew; c++) {
    if (!is(d, all, c) || ++count > 6) continue;
    if (count == 6 || used + 72 > size)
      used += (size_t)snprintf(text + used, size - used, ", ...");
    else
      used += (size_t)snprintf(text + used, size - used, count > 1 ? ", %s" : "%s", all[c].name);
  }
  return count;
}

static bool has_two(const mopo_dataset *d, const mopo_column *all, int c)
{
  return all[c].distinct == 2 && d->N >= CATEGORY_ROWS;
}

static bool has_few(const mopo_dataset *d, const mopo_column *all, int c)
{
  const mopo_column *col = &all[c];
  if (col->distinct < 3 || col->distinct > CATEGORIES || d->N < CATEGORY_ROWS * col->distinct)
    return false;
  for (int64_t i = 0; i < d->N; i++) {
    double x = (double)dataset_row(d, i)[c];
    if (c >= d->at.act) x = dataset_recorded_action(d, c - d->at.act, x);
    if (fabs(x - round(x)) > 1e-4) return false; /* actions were scaled */
  }
  return true;
}

static bool is_far(const mopo_dataset *d, const mopo_column *all, int c)
{
  const mopo_column *col = &all[c];
  return c < d->at.S && col->spread > 0.0 && fabs(col->median) > OFFSET * col->spread;
}

static bool is_coarse(const mopo_dataset *d, const mopo_column *all, int c)
{
  const mopo_column *col = &all[c];
  bool lost = col->spread == 0.0 && col->resolution >= 1.0;
  return c < d->at.S && (lost || (col->spread > 0.0 && col->resolution > COARSE * col->spread));
}

/* A counter, or a time: with every step it grows. */
static bool only_grows(const mopo_dataset *d, const mopo_column *all, int c)
{
  int64_t up = 0, n = d->N - d->n_blind;
  if (c >= d->at.S || all[c].distinct < 3) return false;
  for (int64_t i = 0; i < d->N; i++) {
    const float *x = dataset_row(d, i);
    up += !d->blind[i] && x[d->at.next + c] > x[c];
  }
  return n >= CATEGORY_ROWS && (double)up > GROWS * (double)n;
}

static void note_kind(mopo_dataset_info *info, const mopo_dataset *d, const mopo_column *all,
                      is_so *is, const char *one, const char *many)
{
  char text[MOPO_NOTE];
  int n = list(text, 160, d, all, is);
  if (n) describe_note(info, "%d column%s %s: %s", n, n == 1 ? "" : "s", n == 1 ? one : many, text);
}

/* What float32 loses is lost: each column in a note of its own, the first few. */
static void note_coarse(mopo_dataset_info *info, const mopo_dataset *d, const mopo_column *all)
{
  int shown = 0;
  for (int c = 0; c < d->at.S; c++) {
    if (!is_coarse(d, all, c) || ++shown > 5) continue;
    describe_note(info,
                  "'%s' is near %.9g, where float32 has steps of %g, and its spread is %.3g: a "
                  "counter or a time? take its differences, or leave it out",
                  all[c].name, all[c].median, all[c].resolution, all[c].spread);
  }
}

static void note_scales(mopo_dataset_info *info, const mopo_dataset *d, const mopo_column *all)
{
  int small = -1, large = -1;
  for (int c = 0; c < d->at.S; c++) {
    if (all[c].spread <= 0.0) continue;
    if (small < 0 || all[c].spread < all[small].spread) small = c;
    if (large < 0 || all[c].spread > all[large].spread) large = c;
  }
  if (small < 0 || all[large].spread <= SCALES * all[small].spread) return;
  describe_note(info, "the scales differ: '%s' has a spread of %.3g, '%s' of %.3g", all[small].name,
                all[small].spread, all[large].name, all[large].spread);
}

mopo_status mopo_dataset_check(mopo_column *columns, mopo_dataset_info *info, const mopo_dataset *d,
                               mopo_error *err)
{
  mopo_status st = mopo_dataset_describe(info, d, err);
  double *x = st ? NULL : malloc(2 * (size_t)d->N * sizeof *x);
  if (!st && !x)
    return error_set(err, MOPO_ENOMEM, "%s: statistics of %lld rows: out of memory", d->name,
                     (long long)d->N);
  for (int c = 0; !st && c <= d->at.rew; c++) {
    columns[c] = (mopo_column){0};
    dataset_column_name(d, c, columns[c].name);
    gather(x, d, c);
    measure(&columns[c], x, d->N);
    note_outliers(info, d, c, &columns[c], x, x + d->N);
  }
  free(x);
  if (st) return st;
  note_coarse(info, d, columns);
  note_scales(info, d, columns);
  note_kind(info, d, columns, is_far, "stands far from 0 for its spread",
            "stand far from 0 for their spread");
  note_kind(info, d, columns, only_grows, "only grows (a counter, a time?)",
            "only grow (counters, times?)");
  note_kind(info, d, columns, has_two, "has two values (a switch?)", "have two values (switches?)");
  note_kind(info, d, columns, has_few, "has few values, whole numbers (categories?)",
            "have few values, whole numbers (categories?)");
  return describe_lags(info, d, err);
}
