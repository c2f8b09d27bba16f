/* learner.c - see learner.h. */
#include "agent/learner.h"

#include <math.h>

void learner_layout_state(learner *l, arena *a)
{
  mlp_layout(l->net, a);
  if (l->target) mlp_layout(l->target, a);
  adam_layout(&l->opt, a, l->net->size);
}

void learner_layout_work(learner *l, arena *a)
{
  mlp_layout_transposes(l->net, a);
  mlp_acts_layout(&l->acts, l->net, a, l->rows, true);
  mlp_grads_layout(&l->grads, l->net, a, l->rows);
}

void learner_initialise(learner *l, mlp_init scheme, double lr, rng_key key)
{
  mlp_initialise(l->net, scheme, rng_split(key, l->name));
  if (l->target) mlp_copy(l->target, l->net);
  adam_init(&l->opt, lr);
}

typedef struct steps_job {
  learner *const *l;
  float *const *scratch;
} steps_job;

static void stage(void *ctx, int piece, int thread)
{
  const steps_job *j = ctx;
  learner *const *at = j->l;
  while (piece >= mlp_pieces((*at)->net)) piece -= mlp_pieces((*at++)->net);
  learner *l = *at;
  mlp_piece_update(l->net, piece, &l->opt, l->step, &l->acts, &l->grads, l->rows,
                   l->tau > 0.0f ? l->target : NULL, 0.0f, j->scratch[thread]);
}

void learner_steps(learner *const *l, int n, par *pool, float *const *scratch)
{
  int pieces = 0;
  for (int i = 0; i < n; i++) {
    l[i]->step = adam_next(&l[i]->opt);
    l[i]->step.tau = l[i]->tau;
    pieces += mlp_pieces(l[i]->net);
  }
  par_run(pool, pieces, stage, &(steps_job){l, scratch});
}

void learner_number_begin(double *x, double value)
{
  x[0] = value;
  x[1] = x[2] = 0.0;
  x[3] = x[4] = 1.0;
}

void learner_number(double *x, double gradient, double lr)
{
  x[3] *= 0.9, x[4] *= 0.999;
  x[1] = 0.9 * x[1] + 0.1 * gradient;
  x[2] = 0.999 * x[2] + 0.001 * gradient * gradient;
  double m = x[1] / (1.0 - x[3]), v = x[2] / (1.0 - x[4]);
  x[0] -= lr * m / (sqrt(v) + 1e-8);
}
