/* calibration.c - see calibration.h. */
#include "model/calibration.h"

#include <math.h>
#include <stdlib.h>

typedef struct pair {
  float std, error;
} pair;

typedef struct measure {
  calibration_bin (*bin)[CALIBRATION_BINS];
  const ensemble *m;
  const mopo_dataset *d;
  const uint32_t *index;
  int64_t n;
  pair *pairs;         /* [E,n,moving] */
  int moving;          /* outputs that do */
  ensemble_work *work; /* [threads] */
  arena memory;
} measure;

static void layout(measure *q, arena *a, int threads)
{
  size_t values = (size_t)q->n * (size_t)q->moving;
  q->pairs = arena_bytes(a, (size_t)q->m->set.members * values * sizeof *q->pairs);
  q->work = arena_bytes(a, (size_t)threads * sizeof *q->work);
  ensemble_work scratch;
  for (int t = 0; t < threads; t++) ensemble_work_layout(a->base ? &q->work[t] : &scratch, q->m, a);
}

/* Rows r0 .. r0 + n - 1 of member e. */
static void predict(measure *q, ensemble_work *w, int e, int64_t r0, int n)
{
  const ensemble *m = q->m;
  const float *obs[ENSEMBLE_ROWS] = {0}, *act[ENSEMBLE_ROWS] = {0};
  for (int r = 0; r < n; r++) {
    obs[r] = dataset_row(q->d, q->index[r0 + r]);
    act[r] = obs[r] + q->d->at.act;
  }
  ensemble_input(m, w->input, 0, obs, act, n);
  mlp_forward(&m->net[e], &w->acts, 0, n, false);
  panels out = w->acts.h[m->net[e].layers];
  m->net[e].k->gauss_var(out, w->norm2, m->ea, m->eb, n, m->D);
  pair *to = q->pairs + (size_t)(e * q->n + r0) * (size_t)q->moving;
  float target[GAUSS_MAX];
  for (int r = 0; r < n; r++) {
    ensemble_targets(m, target, obs[r], &q->d->at);
    for (int d = 0; d < m->D; d++) {
      if (ensemble_is_still(m, d)) continue;
      const float *x = out.x + (size_t)r * PANEL;
      float mean = x[(size_t)(d / PANEL) * out.stride + (size_t)(d % PANEL)];
      int v = m->D + d;
      float var = x[(size_t)(v / PANEL) * out.stride + (size_t)(v % PANEL)];
      *to++ = (pair){sqrtf(var), fabsf(mean - target[d])};
    }
  }
}

static int by_std(const void *a, const void *b)
{
  const pair *x = a, *y = b;
  if (x->std != y->std) return x->std < y->std ? -1 : 1;
  return (x->error > y->error) - (x->error < y->error);
}

static calibration_bin bin_of(const pair *p, int64_t n)
{
  calibration_bin b = {.values = n};
  for (int64_t i = 0; i < n; i++) {
    double s = (double)p[i].std, x = (double)p[i].error;
    b.predicted_std += s * s, b.error += x * x;
    b.within_1 += x <= s, b.within_2 += x <= 2.0 * s;
  }
  if (n == 0) return b;
  b.predicted_std = sqrt(b.predicted_std / (double)n), b.error = sqrt(b.error / (double)n);
  b.within_1 /= (double)n, b.within_2 /= (double)n;
  return b;
}

static void member_stage(void *ctx, int e, int thread)
{
  measure *q = ctx;
  int64_t values = q->n * q->moving;
  pair *p = q->pairs + (size_t)e * (size_t)values;
  for (int64_t r0 = 0; r0 < q->n; r0 += ENSEMBLE_ROWS) {
    int64_t left = q->n - r0;
    predict(q, &q->work[thread], e, r0, left < ENSEMBLE_ROWS ? (int)left : ENSEMBLE_ROWS);
  }
  qsort(p, (size_t)values, sizeof *p, by_std);
  for (int b = 0; b < CALIBRATION_BINS; b++) {
    int64_t from = values * b / CALIBRATION_BINS, to = values * (b + 1) / CALIBRATION_BINS;
    q->bin[e][b] = bin_of(p + from, to - from);
  }
}

mopo_status calibration_measure(calibration_bin (*bin)[CALIBRATION_BINS], const ensemble *m,
                                const mopo_dataset *d, const uint32_t *index, int64_t n, par *pool,
                                mopo_error *err)
{
  measure q = {.bin = bin, .m = m, .d = d, .index = index, .n = n};
  for (int o = 0; o < m->D; o++) q.moving += !ensemble_is_still(m, o);
  layout(&q, &q.memory, par_threads(pool));
  if (!arena_alloc(&q.memory))
    return error_set(err, MOPO_ENOMEM, "model: no memory to look at %lld rows", (long long)n);
  layout(&q, &q.memory, par_threads(pool));
  par_run(pool, m->set.members, member_stage, &q);
  free(q.memory.base);
  return MOPO_OK;
}
