/* standard.c - see standard.h. */
#include "ope/standard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float FAR = 1e4f; /* deviations; what lies beyond is no number to learn from */

static void layout(standard *s, arena *a)
{
  size_t S = (size_t)s->S;
  s->mean = arena_floats(a, S), s->sd = arena_floats(a, S), s->inverse = arena_floats(a, S);
  s->step_mean = arena_floats(a, S), s->step_sd = arena_floats(a, S);
  s->low = arena_floats(a, S), s->high = arena_floats(a, S);
  s->settings = arena_floats(a, 2 * (size_t)s->A);
}

void standard_in(const standard *s, float *x, const float *obs)
{
  for (int c = 0; c < s->S; c++) {
    float y = (obs[c] - s->mean[c]) * s->inverse[c];
    x[c] = y > FAR ? FAR : y < -FAR ? -FAR : y;
  }
}

void standard_out(const standard *s, float *obs, const float *x)
{
  for (int c = 0; c < s->S; c++) obs[c] = s->mean[c] + s->sd[c] * x[c];
}

void standard_round(const standard *s, float *act)
{
  for (int k = 0; k < s->A; k++) {
    float a = s->settings[2 * k], b = s->settings[2 * k + 1];
    if (a != b) act[k] = fabsf(act[k] - a) <= fabsf(act[k] - b) ? a : b;
  }
}

/* An action of which at least a hundred rows know two settings and no third. */
static void find_switches(standard *s, const mopo_dataset *d)
{
  for (int k = 0; k < s->A; k++) {
    float *two = s->settings + 2 * k, first = dataset_row(d, 0)[d->at.act + k];
    two[0] = two[1] = first;
    for (int64_t i = 1; i < d->N; i++) {
      float x = dataset_row(d, i)[d->at.act + k];
      if (x == two[0] || x == two[1]) continue;
      if (two[0] == two[1]) {
        two[1] = x;
      } else {
        two[0] = two[1] = first;
        break;
      }
    }
    if (d->N < 100) two[1] = two[0];
  }
}

/* Mean and deviation of a column over the rows that count. */
typedef struct moments {
  double mean, sd;
} moments;

typedef double column(const standard *s, const mopo_dataset *d, int64_t row, int c);

static double observation(const standard *s, const mopo_dataset *d, int64_t row, int c)
{
  (void)s;
  return (double)dataset_row(d, row)[c];
}

static double reward(const standard *s, const mopo_dataset *d, int64_t row, int c)
{
  (void)s, (void)c;
  return (double)dataset_row(d, row)[d->at.rew];
}

/* In double: of numbers far from 0 float32 would lose the step. */
static double step(const standard *s, const mopo_dataset *d, int64_t row, int c)
{
  const float *r = dataset_row(d, row);
  double x = ((double)r[d->at.next + c] - (double)r[c]) * (double)s->inverse[c];
  return x > (double)FAR ? (double)FAR : x < -(double)FAR ? -(double)FAR : x;
}

static moments moments_of(const standard *s, const mopo_dataset *d, column *of, int c,
                          bool with_blind)
{
  double sum = 0.0, squares = 0.0, n = 0.0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < d->N; i++) {
      if (d->blind[i] && !with_blind) continue;
      double x = of(s, d, i, c);
      if (pass)
        squares += (x - sum / n) * (x - sum / n);
      else
        sum += x, n += 1.0;
    }
  return (moments){sum / n, sqrt(squares / n)};
}

static void fit(standard *s, const mopo_dataset *d)
{
  for (int c = 0; c < s->S; c++) {
    moments m = moments_of(s, d, observation, c, true);
    bool dead = m.sd <= 4.0 * 0x1p-24 * fabs(m.mean) || m.sd < 1e-30;
    s->mean[c] = (float)m.mean;
    s->sd[c] = dead ? 0.0f : (float)m.sd;
    s->inverse[c] = dead ? 0.0f : (float)(1.0 / m.sd);
    moments y = moments_of(s, d, step, c, false);
    s->step_mean[c] = (float)y.mean;
    s->step_sd[c] = y.sd > 1e-7 ? (float)y.sd : 0.0f;
  }
  moments r = moments_of(s, d, reward, 0, true);
  s->rew_mean = r.mean;
  s->rew_sd = r.sd > 4.0 * 0x1p-24 * fabs(r.mean) ? r.sd : 0.0;
}

static float standardised(double x, double mean, double sd)
{
  return sd > 0.0 ? (float)((x - mean) / sd) : 0.0f;
}

static void copy_row(standard *s, const mopo_dataset *d, int64_t i)
{
  const row_layout *at = &d->at;
  const float *from = dataset_row(d, i);
  float *to = s->d->rows + (size_t)i * (size_t)at->width;
  memcpy(to, from, (size_t)at->width * sizeof *to);
  standard_in(s, to, from);
  to[at->rew] = standardised((double)from[at->rew], s->rew_mean, s->rew_sd);
  for (int c = 0; c < s->S; c++) {
    float y = d->blind[i]
                  ? 0.0f
                  : standardised(step(s, d, i, c), (double)s->step_mean[c], (double)s->step_sd[c]);
    to[at->next + c] = to[c] + y;
    float x = to[c], next = d->blind[i] ? x : x + s->step_mean[c] + s->step_sd[c] * y;
    s->low[c] = fminf(s->low[c], fminf(x, next));
    s->high[c] = fmaxf(s->high[c], fmaxf(x, next));
  }
  s->rew_low = fmin(s->rew_low, (double)from[at->rew]);
  s->rew_high = fmax(s->rew_high, (double)from[at->rew]);
}

static mopo_status copy(standard *s, const mopo_dataset *d, mopo_error *err)
{
  mopo_status st = dataset_create(&s->d, d->N, s->S, s->A, d->name, err);
  if (st != MOPO_OK) return st;
  memcpy(s->d->name, d->name, sizeof d->name);
  memcpy(s->d->timeouts, d->timeouts, (size_t)d->N);
  memcpy(s->d->ends, d->ends, (size_t)d->N);
  memcpy(s->d->blind, d->blind, (size_t)d->N);
  s->d->n_blind = d->n_blind;
  for (int c = 0; c < s->S; c++) s->low[c] = INFINITY, s->high[c] = -INFINITY;
  s->rew_low = INFINITY, s->rew_high = -INFINITY;
  for (int64_t i = 0; i < d->N; i++) copy_row(s, d, i);
  return MOPO_OK;
}

mopo_status standard_create(standard **out, const mopo_dataset *d, mopo_error *err)
{
  *out = NULL;
  if (d->N <= d->n_blind)
    return error_set(err, MOPO_EDATA, "%s: no row says what it led to: nothing can be judged by it",
                     d->name);
  standard *s = calloc(1, sizeof *s);
  if (s) s->S = d->at.S, s->A = d->at.A, layout(s, &s->memory);
  if (!s || !arena_alloc(&s->memory)) {
    free(s);
    return error_set(err, MOPO_ENOMEM, "%s: no memory to standardise it", d->name);
  }
  layout(s, &s->memory);
  fit(s, d);
  find_switches(s, d);
  mopo_status st = copy(s, d, err);
  if (st != MOPO_OK) {
    standard_free(s);
    return st;
  }
  *out = s;
  return MOPO_OK;
}

void standard_free(standard *s)
{
  if (!s) return;
  mopo_dataset_free(s->d);
  free(s->memory.base);
  free(s);
}
