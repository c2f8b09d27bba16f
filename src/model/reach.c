/* reach.c - see reach.h. */
#include "model/reach.h"

#include <math.h>
#include <stdlib.h>

static void layout(reach *x, const ensemble *m, arena *a)
{
  x->weight = arena_floats(a, (size_t)m->D);
}

void reach_free(reach *x)
{
  if (!x) return;
  free(x->memory.base);
  free(x);
}

/* What output j should have been at row i, in the units of observations and reward. */
static double recorded(const mopo_dataset *d, int64_t i, int j)
{
  const float *row = dataset_row(d, i);
  if (j == 0) return (double)row[d->at.rew];
  return (double)row[d->at.next + j - 1] - (double)row[j - 1];
}

/* Rows that do not say what they led to are passed over. */
static bool says(const mopo_dataset *d, int64_t i) { return !(d->blind && d->blind[i]); }

static void weigh(reach *x, const ensemble *m, const mopo_dataset *d)
{
  for (int j = 0; j < m->D; j++) {
    double n = 0, mean = 0, square = 0, first = recorded(d, 0, j);
    for (int64_t i = 0; i < d->N; i++)
      if (says(d, i)) n++, mean += recorded(d, i, j) - first;
    mean /= fmax(n, 1);
    for (int64_t i = 0; i < d->N; i++) {
      double y = recorded(d, i, j) - first - mean;
      if (says(d, i)) square += y * y;
    }
    double unit = m->units ? (double)m->units->step_spread[j] : 1, variance = square / fmax(n, 1);
    bool moves = variance > 1e-24 * unit * unit;
    x->weight[j] = moves ? (float)(unit * unit / (variance * (double)m->D)) : 0.0f;
  }
}

float reach_of(const reach *x, const ensemble *m, const ensemble_work *w, int r)
{
  size_t member = (size_t)ENSEMBLE_ROWS * (size_t)m->D;
  const float *means = w->means + (size_t)r * (size_t)m->D;
  int E = m->set.members;
  double sum = 0;
  for (int j = 0; j < m->D; j++) {
    double mean = 0, square = 0;
    if (x->weight[j] == 0.0f) continue;
    for (int e = 0; e < E; e++) mean += (double)means[(size_t)e * member + (size_t)j] / E;
    for (int e = 0; e < E; e++) {
      double y = (double)means[(size_t)e * member + (size_t)j] - mean;
      square += y * y / E;
    }
    sum += (double)x->weight[j] * square;
  }
  return (float)sqrt(sum);
}

/* ------------------------------------------------------------------ the threshold */

typedef struct survey {
  const reach *x;
  const ensemble *m;
  const mopo_dataset *d;
  float *far; /* [N] */
  ensemble_work *work;
} survey;

static void block(void *ctx, int piece, int thread)
{
  survey *s = ctx;
  ensemble_work *w = &s->work[thread];
  const float *obs[ENSEMBLE_ROWS] = {0}, *act[ENSEMBLE_ROWS] = {0};
  int64_t r0 = (int64_t)piece * ENSEMBLE_ROWS, left = s->d->N - r0;
  int n = left < ENSEMBLE_ROWS ? (int)left : ENSEMBLE_ROWS;
  for (int i = 0; i < n; i++) obs[i] = dataset_row(s->d, r0 + i), act[i] = obs[i] + s->d->at.act;
  ensemble_means(s->m, w, obs, act, n);
  for (int i = 0; i < n; i++) s->far[r0 + i] = reach_of(s->x, s->m, w, i);
}

static int ascending(const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void survey_layout(survey *s, int threads, arena *a)
{
  ensemble_work measure = {0};
  s->far = arena_floats(a, (size_t)s->d->N);
  s->work = arena_bytes(a, (size_t)threads * sizeof *s->work);
  for (int t = 0; t < threads; t++) ensemble_work_layout(a->base ? &s->work[t] : &measure, s->m, a);
}

mopo_status reach_create(reach **out, const ensemble *m, const mopo_dataset *d, double quantile,
                         par *pool, mopo_error *err)
{
  arena memory = {0};
  *out = NULL;
  reach *x = calloc(1, sizeof *x);
  survey s = {x, m, d, NULL, NULL};
  if (!x) return error_set(err, MOPO_ENOMEM, "rollouts: no memory");
  layout(x, m, &x->memory);
  survey_layout(&s, par_threads(pool), &memory);
  if (!arena_alloc(&x->memory) || !arena_alloc(&memory)) {
    free(memory.base);
    reach_free(x);
    return error_set(err, MOPO_ENOMEM, "rollouts: no memory for %lld rows", (long long)d->N);
  }
  layout(x, m, &x->memory);
  survey_layout(&s, par_threads(pool), &memory);
  weigh(x, m, d);
  par_run(pool, (int)((d->N + ENSEMBLE_ROWS - 1) / ENSEMBLE_ROWS), block, &s);
  qsort(s.far, (size_t)d->N, sizeof *s.far, ascending);
  int64_t at = (int64_t)ceil(quantile * (double)d->N) - 1;
  x->threshold = s.far[at < 0 ? 0 : at];
  free(memory.base);
  *out = x;
  return MOPO_OK;
}
