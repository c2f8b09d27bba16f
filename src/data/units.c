/* units.c - see units.h.
 *
 * The spread of a column is its standard deviation, spikes cut off: with a and b the 1 % and 99 %
 * quantile, values beyond a fence of 5 (b - a) on either side count as the fence. A cell of 1e30 so
 * moves nothing, and nothing else is touched: the fence of a normal column is 25 deviations away.
 * Where the two quantiles are equal (a switch that is rarely on) those of 0.1 % are asked; where
 * these are equal, too, there is no fence, and a column of two values is scaled exactly.
 *
 * A column does not move where its spread is at most 4 units in the last place of float32 at its
 * centre, 2^-21 of it: what moves less is the rounding of the recording, and the rounding of what
 * is recorded next would be learned as motion. */
#include "data/units.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FENCE = 5.0, REWARD_FENCE = 1000.0; /* a rare penalty is no spike */
static const double RESOLUTION = 4.0 / 8388608.0;       /* of a centre */

enum { BLOCKS = 9, SAMPLE = 65536 /* rows that quantiles are taken of */ };

/* ------------------------------------------------------------------ memory */

static void place(units *s, float *at)
{
  int S = s->S, D = S + 1;
  s->centre = at, s->spread = at + S, s->inverse = at + 2 * S;
  s->low = at + 3 * S, s->high = at + 4 * S;
  at += 5 * S;
  s->step_mean = at, s->step_spread = at + D, s->step_low = at + 2 * D, s->step_high = at + 3 * D;
}

mopo_status units_create(units **out, int S, mopo_error *err)
{
  assert(S > 0);
  size_t n = (size_t)BLOCKS * ((size_t)S + 1);
  units *s = *out = malloc(sizeof *s + n * sizeof(float));
  if (!s) return error_set(err, MOPO_ENOMEM, "scale of %d columns: out of memory", S);
  *s = (units){.S = S, .reward_spread = 1.0f};
  place(s, (float *)(void *)(s + 1));
  for (int j = 0; j < S; j++) {
    s->centre[j] = 0.0f, s->spread[j] = s->inverse[j] = 1.0f;
    s->low[j] = -INFINITY, s->high[j] = INFINITY;
  }
  for (int d = 0; d <= S; d++) {
    s->step_mean[d] = 0.0f, s->step_spread[d] = 1.0f;
    s->step_low[d] = -INFINITY, s->step_high[d] = INFINITY;
  }
  return MOPO_OK;
}

void units_free(units *s) { free(s); }

mopo_status units_copy(units **out, const units *from, mopo_error *err)
{
  mopo_status st = units_create(out, from->S, err);
  if (st != MOPO_OK) return st;
  (*out)->reward_centre = from->reward_centre, (*out)->reward_spread = from->reward_spread;
  memcpy(*out + 1, from + 1, (size_t)BLOCKS * ((size_t)from->S + 1) * sizeof(float));
  return MOPO_OK;
}

void units_changed(units *s)
{
  for (int j = 0; j < s->S; j++) s->inverse[j] = s->spread[j] > 0.0f ? 1.0f / s->spread[j] : 0.0f;
}

/* ------------------------------------------------------------------ fitting */

/* A column of a dataset, or of what follows from it. */
typedef double column_fn(const void *ctx, int64_t row, int column);

typedef struct column {
  column_fn *at;
  const void *ctx;
  int index;
  int64_t n;
} column;

typedef struct spread_of {
  double low, high;    /* the fence */
  double mean, spread; /* with spikes cut off */
  double least, most;  /* likewise */
} spread_of;

static int ascending(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void find_fence(spread_of *out, const column *c, double width, double *sample)
{
  static const double tails[] = {0.01, 0.001};
  int64_t n = c->n < SAMPLE ? c->n : SAMPLE;
  assert(sample);
  for (int64_t i = 0; i < n; i++) sample[i] = c->at(c->ctx, i * c->n / n, c->index);
  qsort(sample, (size_t)n, sizeof *sample, ascending);
  out->low = -INFINITY, out->high = INFINITY;
  for (size_t t = 0; t < sizeof tails / sizeof *tails; t++) {
    int64_t k = (int64_t)(tails[t] * (double)n);
    k = k < 1 ? 1 : k;
    if (2 * k >= n) continue;
    double a = sample[k], b = sample[n - 1 - k];
    if (!(b - a > RESOLUTION * fmax(fabs(a), fabs(b)))) continue;
    out->low = a - width * (b - a), out->high = b + width * (b - a);
    return;
  }
}

static double cut(const spread_of *s, double x) { return fmax(s->low, fmin(s->high, x)); }

/* centred: the spread is about the mean, else about 0. sample [min(n, SAMPLE)] is work memory. */
static spread_of measure(const column *c, double width, bool centred, double *sample)
{
  spread_of s = {0};
  find_fence(&s, c, width, sample);
  double first = cut(&s, c->at(c->ctx, 0, c->index)), sum = 0.0, squares = 0.0;
  s.least = s.most = first; /* sums run over x - first: a constant has a spread of exactly 0 */
  for (int64_t i = 0; i < c->n; i++) {
    double x = cut(&s, c->at(c->ctx, i, c->index));
    sum += x - first;
    s.least = fmin(s.least, x), s.most = fmax(s.most, x);
  }
  s.mean = centred ? (double)(float)(first + sum / (double)c->n) : 0.0;
  for (int64_t i = 0; i < c->n; i++) {
    double r = cut(&s, c->at(c->ctx, i, c->index)) - s.mean;
    squares += r * r;
  }
  s.spread = s.least < s.most || !centred ? sqrt(squares / (double)c->n) : 0.0;
  return s;
}

static double reward_of(const void *ctx, int64_t row, int at)
{
  return (double)dataset_row(ctx, row)[at];
}

/* Of N rows the observations, then the next ones: those of an end are nobody's observation. */
static double observed(const void *ctx, int64_t i, int j)
{
  const mopo_dataset *d = ctx;
  return (double)(i < d->N ? dataset_row(d, i)[j] : dataset_row(d, i - d->N)[d->at.next + j]);
}

typedef struct steps {
  const mopo_dataset *d;
  const units *s;
} steps;

/* What the model learns: the reward, then next - obs, in scaled units; 0 of a row that does not say
 * what it led to. */
static double step_of(const void *ctx, int64_t row, int output)
{
  const steps *q = ctx;
  const units *s = q->s;
  const float *x = dataset_row(q->d, row);
  if (output == 0) return (double)units_reward(s, x[q->d->at.rew]);
  int j = output - 1;
  if (q->d->blind[row]) return 0.0;
  double a = ((double)x[j] - (double)s->centre[j]) * (double)s->inverse[j];
  double b = ((double)x[q->d->at.next + j] - (double)s->centre[j]) * (double)s->inverse[j];
  double low = (double)s->low[j], high = (double)s->high[j];
  return fmax(low, fmin(high, b)) - fmax(low, fmin(high, a));
}

static void fit_column(units *s, const mopo_dataset *d, int j, double *sample)
{
  spread_of m = measure(&(column){observed, d, j, 2 * d->N}, FENCE, true, sample);
  bool moves = m.spread > RESOLUTION * fabs(m.mean) && m.spread > 1e-30 && m.spread < 1e30;
  s->centre[j] = (float)m.mean;
  s->spread[j] = moves ? (float)m.spread : 0.0f;
  s->inverse[j] = moves ? 1.0f / s->spread[j] : 0.0f;
  s->low[j] = moves ? (float)((m.least - m.mean) / m.spread) : 0.0f;
  s->high[j] = moves ? (float)((m.most - m.mean) / m.spread) : 0.0f;
}

static void fit_step(units *s, const mopo_dataset *d, int output, double *sample)
{
  double width = output ? FENCE : REWARD_FENCE;
  steps q = {d, s};
  spread_of m = measure(&(column){step_of, &q, output, d->N}, width, true, sample);
  bool moves = m.spread > 1e-6;
  s->step_mean[output] = (float)m.mean;
  s->step_spread[output] = moves ? (float)m.spread : 0.0f;
  s->step_low[output] = (float)m.least, s->step_high[output] = (float)m.most;
}

mopo_status units_fit(units **out, const mopo_dataset *d, bool ends, mopo_error *err)
{
  size_t n = (size_t)(2 * d->N < SAMPLE ? 2 * d->N : SAMPLE);
  double *sample = malloc(n * sizeof *sample);
  mopo_status st = units_create(out, d->at.S, err);
  if (st == MOPO_OK && !sample)
    st = error_set(err, MOPO_ENOMEM, "%s: no memory to scale %d columns", d->name, d->at.S);
  if (st == MOPO_OK) {
    units *s = *out;
    for (int j = 0; j < s->S; j++) fit_column(s, d, j, sample);
    spread_of r = measure(&(column){reward_of, d, d->at.rew, d->N}, REWARD_FENCE, !ends, sample);
    bool moves = r.spread > RESOLUTION * fabs(r.mean) && r.spread > 1e-30 && r.spread < 1e30;
    s->reward_centre = (float)r.mean;
    s->reward_spread = moves ? (float)r.spread : 1.0f;
    for (int o = 0; o <= s->S; o++) fit_step(s, d, o, sample);
  } else {
    units_free(*out);
    *out = NULL;
  }
  free(sample);
  return st;
}

/* ------------------------------------------------------------------ using it */

void units_obs(const units *s, float *y, const float *x)
{
  for (int j = 0; j < s->S; j++) {
    float z = (float)(((double)x[j] - (double)s->centre[j]) * (double)s->inverse[j]);
    y[j] = s->inverse[j] > 0.0f ? fmaxf(s->low[j], fminf(s->high[j], z)) : 0.0f;
  }
}

void units_obs_back(const units *s, float *x, const float *y)
{
  for (int j = 0; j < s->S; j++)
    x[j] = (float)((double)y[j] * (double)s->spread[j] + (double)s->centre[j]);
}

double units_value_back(const units *s, double q, double gamma)
{
  return q * (double)s->reward_spread + (double)s->reward_centre / (1.0 - gamma);
}

mopo_status units_dataset(mopo_dataset **out, const units *s, const mopo_dataset *d,
                          mopo_error *err)
{
  mopo_status st = mopo_dataset_merge(out, &d, 1, err);
  if (st != MOPO_OK) return st;
  memcpy((*out)->name, d->name, sizeof d->name);
  const row_layout *at = &d->at;
  for (int64_t i = 0; i < d->N; i++) {
    float *row = (*out)->rows + (size_t)i * (size_t)at->width;
    units_obs(s, row, row);
    units_obs(s, row + at->next, row + at->next);
    row[at->rew] = units_reward(s, row[at->rew]);
  }
  return MOPO_OK;
}
