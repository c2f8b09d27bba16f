/* oracle.c - see oracle.h. */
#include "play/oracle.h"

#include <math.h>
#include <stdlib.h>

#include "task/task.h"

struct oracle {
  int S, threads;
  sim **sim; /* [threads] */
};

mopo_status oracle_create(oracle **out, const mopo_task *task, const sim_world *world,
                          const par *pool, mopo_error *err)
{
  *out = NULL;
  oracle *o = calloc(1, sizeof *o);
  int threads = par_threads(pool);
  if (o) o->sim = calloc((size_t)threads, sizeof *o->sim);
  if (!o || !o->sim) {
    oracle_free(o);
    return error_set(err, MOPO_ENOMEM, "oracle: no memory");
  }
  o->S = task->facts.obs_dim, o->threads = threads;
  for (int t = 0; t < threads; t++) {
    mopo_status st = sim_create(&o->sim[t], world, err);
    if (st != MOPO_OK) {
      oracle_free(o);
      return st;
    }
  }
  *out = o;
  return MOPO_OK;
}

void oracle_free(oracle *o)
{
  if (!o) return;
  for (int t = 0; t < o->threads; t++) sim_free(o->sim[t]);
  free(o->sim);
  free(o);
}

void oracle_measure(void *ctx, int thread, float *u, const ensemble *m, const ensemble_work *w,
                    const float *const *obs, const float *const *act, int rows)
{
  oracle *o = ctx;
  for (int r = 0; r < rows; r++) {
    float mean[TASK_MAX_OBS], truth[TASK_MAX_OBS];
    double sum = 0.0;
    ensemble_mean(m, w, mean, obs[r], r);
    sim_answer(o->sim[thread], truth, obs[r], act[r]);
    for (int d = 0; d < o->S; d++) {
      double x = (double)mean[d] - (double)truth[d];
      sum += x * x;
    }
    u[r] = (float)sqrt(sum);
  }
}
