/* quality.c - see quality.h. */
#include "model/quality.h"

#include <math.h>
#include <stdlib.h>

typedef struct measure {
  const ensemble *m;
  const mopo_dataset *d;
  const uint32_t *index;
  int64_t n;
  double *error, *variance; /* [E,D] sums over rows of squared error and of predicted variance */
  ensemble_work *work;      /* [threads] */
  arena memory;
} measure;

static void layout(measure *q, arena *a, int threads)
{
  size_t n = (size_t)q->m->set.members * (size_t)q->m->D;
  q->error = arena_bytes(a, n * sizeof(double)), q->variance = arena_bytes(a, n * sizeof(double));
  q->work = arena_bytes(a, (size_t)threads * sizeof *q->work);
  ensemble_work scratch;
  for (int t = 0; t < threads; t++) ensemble_work_layout(a->base ? &q->work[t] : &scratch, q->m, a);
}

/* Output c of row r. */
static double output(panels out, int c, int r)
{
  return (double)out.x[(size_t)(c / PANEL) * out.stride + (size_t)(r * PANEL + c % PANEL)];
}

static void add_rows(measure *q, ensemble_work *w, int e, int64_t r0, int n)
{
  const ensemble *m = q->m;
  const float *obs[ENSEMBLE_ROWS] = {0}, *act[ENSEMBLE_ROWS] = {0};
  float y[GAUSS_MAX];
  double *error = q->error + e * m->D, *variance = q->variance + e * m->D;
  for (int r = 0; r < n; r++) {
    obs[r] = dataset_row(q->d, q->index[r0 + r]);
    act[r] = obs[r] + q->d->at.act;
  }
  ensemble_input(m, w->input, 0, obs, act, n);
  mlp_forward(&m->net[e], &w->acts, 0, n, false);
  panels out = w->acts.h[m->net[e].layers];
  m->net[e].k->gauss_var(out, w->norm2, m->ea, m->eb, n, m->D);
  for (int r = 0; r < n; r++) {
    ensemble_targets(m, y, obs[r], &q->d->at);
    for (int d = 0; d < m->D; d++) {
      double off = output(out, d, r) - (double)y[d];
      error[d] += off * off, variance[d] += output(out, m->D + d, r);
    }
  }
}

static void member_stage(void *ctx, int e, int thread)
{
  measure *q = ctx;
  for (int d = 0; d < q->m->D; d++) q->error[e * q->m->D + d] = q->variance[e * q->m->D + d] = 0.0;
  for (int64_t r0 = 0; r0 < q->n; r0 += ENSEMBLE_ROWS) {
    int64_t left = q->n - r0;
    add_rows(q, &q->work[thread], e, r0, left < ENSEMBLE_ROWS ? (int)left : ENSEMBLE_ROWS);
  }
}

/* The step's variance over the rows, output d. */
static double variance_of_target(const measure *q, int d)
{
  double sum = 0.0, squares = 0.0;
  float y[GAUSS_MAX];
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < q->n; i++) {
      ensemble_targets(q->m, y, dataset_row(q->d, q->index[i]), &q->d->at);
      double off = (double)y[d] - sum / (double)q->n;
      if (pass)
        squares += off * off;
      else
        sum += (double)y[d];
    }
  return squares / (double)q->n;
}

mopo_status quality_measure(double *r2, ensemble *m, const mopo_dataset *d, const uint32_t *index,
                            int64_t n, par *pool, mopo_error *err)
{
  measure q = {.m = m, .d = d, .index = index, .n = n};
  layout(&q, &q.memory, par_threads(pool));
  if (!arena_alloc(&q.memory))
    return error_set(err, MOPO_ENOMEM, "model: no memory to look at %lld rows", (long long)n);
  layout(&q, &q.memory, par_threads(pool));
  par_run(pool, m->set.members, member_stage, &q);
  for (int o = 0; o < m->D; o++) {
    double error = 0.0, moves = variance_of_target(&q, o);
    for (int i = 0; i < m->set.elites; i++) error += q.error[m->elite[i] * m->D + o];
    error /= (double)n * m->set.elites;
    r2[o] = moves > 1e-20 ? 1.0 - error / moves : (double)NAN;
  }
  for (int i = 0; m->units && i < m->set.members * m->D; i++)
    m->known[i] = (float)(q.variance[i] / (double)n);
  free(q.memory.base);
  return MOPO_OK;
}
