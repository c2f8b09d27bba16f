/* lag.c - what a straight line tells of rows that do not stand alone: steps that answer to actions
 * of several rows ago (dead time, lag), and rewards that belong to another row.
 *
 * Everything is a regression on the same rows: the sums of products of all quantities,
 * standardised, are made once; of them a Cholesky factor gives what is left of each after the row's
 * own observation and action. */
#include "data/describe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  LAGS = 9, /* actions of 2 .. 10 steps ago */
  ROWS_MAX = 20000,
  ROWS_MIN = 200,
};

static const double WORK_MAX = 2e9;    /* multiply-adds */
static const double LAG_SHARE = 0.1;   /* of the variance that is left: partial correlation 0.32 */
static const double REWARD_GAIN = 2.0; /* of the variance of the rewards that is left */
static const double REWARD_FIT = 0.5, EXACT = 1e-3;
static const double RIDGE = 1e-9;

typedef struct lines {
  const mopo_dataset *d;
  int64_t *at; /* [n] rows with a history of LAGS rows and a row after them */
  int64_t n;
  int X, Y, L;          /* explain; explained; might explain */
  int all;              /* X + Y + L */
  double *mean, *scale; /* [all]; scale 0: it does not move */
  double *row;          /* [all] */
  double *gram;         /* [all,all] lower */
} lines;

/* Row i of what is looked at. */
typedef void make_row(double *out, const mopo_dataset *d, int64_t i);

/* Of the steps: 1, the observation and the action of the row explain; the step of each column is
 * explained; the actions of the rows before might explain the rest. */
static void step_row(double *out, const mopo_dataset *d, int64_t i)
{
  const row_layout *at = &d->at;
  const float *x = dataset_row(d, i);
  for (int c = 0; c < at->S; c++) *out++ = (double)x[c];
  for (int a = 0; a < at->A; a++) *out++ = (double)x[at->act + a];
  for (int c = 0; c < at->S; c++) *out++ = (double)x[at->next + c] - (double)x[c];
  for (int k = 1; k <= LAGS; k++)
    for (int a = 0; a < at->A; a++) *out++ = (double)dataset_row(d, i - k)[at->act + a];
}

/* Rows that stand far enough into their episode, spread evenly. */
static bool choose_rows(lines *l)
{
  const mopo_dataset *d = l->d;
  int64_t many = 0, run = 0, seen = 0;
  double most = fmin(ROWS_MAX, WORK_MAX / ((double)l->all * (double)l->all));
  for (int pass = 0; pass < 2; pass++) {
    run = 0;
    for (int64_t i = 0; i < d->N; i++) {
      run++;
      bool last = d->ends[i];
      if (run > LAGS && !last && !d->blind[i]) {
        if (pass == 0)
          many++;
        else if ((double)(seen++) * most >= (double)l->n * (double)many && l->n < (int64_t)most)
          l->at[l->n++] = i;
      }
      if (last) run = 0;
    }
    if (pass == 0) l->at = malloc(((size_t)most + 1) * sizeof *l->at);
    if (!l->at) return false;
  }
  return true;
}

static void standardise(lines *l, make_row *make)
{
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < l->n; i++) {
      make(l->row, l->d, l->at[i]);
      for (int c = 0; c < l->all; c++) {
        double x = l->row[c] - l->mean[c];
        if (pass == 0)
          l->scale[c] += x; /* the sum, for now */
        else
          l->scale[c] += x * x;
      }
      if (i + 1 < l->n) continue;
      for (int c = 0; c < l->all; c++) {
        double sum = l->scale[c] / (double)l->n;
        if (pass == 0)
          l->mean[c] = sum, l->scale[c] = 0.0;
        else
          l->scale[c] = sum > 1e-14 * (1.0 + l->mean[c] * l->mean[c]) ? 1.0 / sqrt(sum) : 0.0;
      }
    }
}

/* The sums of products, then, column by column of X, what is left without it. */
static void eliminate(lines *l, make_row *make)
{
  const int n = l->all;
  for (int64_t i = 0; i < l->n; i++) {
    make(l->row, l->d, l->at[i]);
    for (int c = 0; c < n; c++) l->row[c] = (l->row[c] - l->mean[c]) * l->scale[c];
    for (int r = 0; r < n; r++)
      for (int c = 0; c <= r; c++) l->gram[r * n + c] += l->row[r] * l->row[c];
  }
  for (int k = 0; k < n * n; k++) l->gram[k] /= (double)l->n;
  for (int k = 0; k < l->X; k++) {
    double pivot = l->gram[k * n + k];
    if (pivot < RIDGE) continue; /* said by the columns before it */
    for (int r = k + 1; r < n; r++)
      for (int c = k + 1; c <= r; c++)
        l->gram[r * n + c] -= l->gram[r * n + k] * l->gram[c * n + k] / pivot;
  }
}

static mopo_status make_lines(lines *l, make_row *make, mopo_error *err)
{
  size_t n = (size_t)l->all;
  l->mean = calloc(3 * n, sizeof *l->mean);
  l->gram = calloc(n * n, sizeof *l->gram);
  if (!l->mean || !l->gram || !choose_rows(l))
    return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->d->name);
  l->scale = l->mean + n, l->row = l->scale + n;
  if (l->n < ROWS_MIN) return MOPO_OK;
  standardise(l, make);
  eliminate(l, make);
  return MOPO_OK;
}

static void free_lines(lines *l)
{
  free(l->at);
  free(l->mean);
  free(l->gram);
}

/* The share of y's variance that is left, which x explains. */
static double share(const lines *l, int y, int x)
{
  const int n = l->all;
  double yy = l->gram[y * n + y], xx = l->gram[x * n + x], xy = l->gram[x * n + y];
  return yy > RIDGE && xx > 1e-3 ? xy * xy / (xx * yy) : 0.0;
}

static void note_lag(mopo_dataset_info *info, const lines *l)
{
  const row_layout *at = &l->d->at;
  double best = 0.0;
  int column = 0, action = 0, steps = 0;
  for (int c = 0; c < l->Y; c++)
    for (int k = 0; k < l->L; k++) {
      double s = share(l, l->X + c, l->X + l->Y + k);
      if (s <= best) continue;
      best = s, column = c, action = k % at->A, steps = 2 + k / at->A;
    }
  if (best < LAG_SHARE || best < 20.0 / (double)l->n) return;
  char name[DATASET_NAME], cause[DATASET_NAME];
  describe_note(
      info,
      "'%s' still answers to '%s' of %d steps ago (%.0f %% of what is left of its steps): "
      "dead time or lag, want a history in the observations",
      dataset_column_name(l->d, column, name), dataset_column_name(l->d, at->act + action, cause),
      steps, 100.0 * best);
}

/* ------------------------------------------------------------------ rewards */

/* The observation, the action and what they led to, of the row, the one before and the one after;
 * and the reward of the row. */
static void reward_row(double *out, const mopo_dataset *d, int64_t i, int shift)
{
  const row_layout *at = &d->at;
  const float *x = dataset_row(d, i + shift);
  for (int c = 0; c < at->S; c++) *out++ = (double)x[c];
  for (int a = 0; a < at->A; a++) *out++ = (double)x[at->act + a];
  for (int c = 0; c < at->S; c++) *out++ = (double)x[at->next + c];
  for (int a = 0; a < at->A; a++) *out++ = (double)x[at->act + a] * (double)x[at->act + a];
  for (int c = 0; c < at->S; c++) *out++ = fabs((double)x[c]);
  for (int c = 0; c < at->S; c++) *out++ = fabs((double)x[at->next + c]);
  *out = (double)dataset_row(d, i)[at->rew];
}

static void own_row(double *out, const mopo_dataset *d, int64_t i) { reward_row(out, d, i, 0); }
static void row_before(double *out, const mopo_dataset *d, int64_t i) { reward_row(out, d, i, -1); }
static void row_after(double *out, const mopo_dataset *d, int64_t i) { reward_row(out, d, i, 1); }

/* The share of the rewards' variance that a line through such rows explains; 0: too few rows. */
static mopo_status fit_reward(double *out, const mopo_dataset *d, make_row *make, mopo_error *err)
{
  lines l = {.d = d, .X = 4 * d->at.S + 2 * d->at.A, .Y = 1};
  l.all = l.X + 1;
  mopo_status st = make_lines(&l, make, err);
  *out = 0.0;
  if (!st && l.n > 20 * l.X && l.scale[l.X] > 0.0) *out = 1.0 - l.gram[l.X * l.all + l.X];
  free_lines(&l);
  return st;
}

static mopo_status note_rewards(mopo_dataset_info *info, const mopo_dataset *d, mopo_error *err)
{
  double own = 0, before = 0, after = 0;
  mopo_status st = fit_reward(&own, d, own_row, err);
  if (!st) st = fit_reward(&before, d, row_before, err);
  if (!st) st = fit_reward(&after, d, row_after, err);
  double best = fmax(before, after);
  if (st || best < REWARD_FIT || 1.0 - own < EXACT || 1.0 - own < REWARD_GAIN * (1.0 - best))
    return st;
  describe_note(info,
                "the rewards fit the row %s theirs better (it leaves %.2g %% of their variance, "
                "their own row "
                "%.2g %%): are they moved by a row?",
                before > after ? "before" : "after", 100.0 * (1.0 - best), 100.0 * (1.0 - own));
  return MOPO_OK;
}

mopo_status describe_lags(mopo_dataset_info *info, const mopo_dataset *d, mopo_error *err)
{
  lines l = {.d = d, .X = d->at.S + d->at.A, .Y = d->at.S, .L = LAGS * d->at.A};
  l.all = l.X + l.Y + l.L;
  if (l.all > 2000) return MOPO_OK; /* so wide is no machine's log */
  mopo_status st = make_lines(&l, step_row, err);
  if (!st && l.n >= ROWS_MIN && l.n > 20 * l.X) note_lag(info, &l);
  free_lines(&l);
  return st ? st : note_rewards(info, d, err);
}
