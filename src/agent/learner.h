/* learner.h - a network that learns: its weights, what a batch leaves behind in it, its optimiser,
 * and the copy that follows it. */
#ifndef AGENT_LEARNER_H
#define AGENT_LEARNER_H

#include "base/par.h"
#include "nn/mlp.h"

typedef struct learner {
  const char *name; /* purpose of its first weights' random numbers */
  mlp *net;         /* borrowed, shaped */
  mlp *target;      /* += tau (net - target) after a step; borrowed; NULL: nothing follows */
  int rows;         /* that its gradient is the sum of */
  float tau;
  mlp_acts acts; /* [rows] */
  mlp_grads grads;
  adam opt;
  adam_step step; /* under way */
} learner;

/* What has to survive: weights, target, moments. */
void learner_layout_state(learner *l, arena *a);
void learner_layout_work(learner *l, arena *a);
void learner_initialise(learner *l, mlp_init scheme, double lr, rng_key key);

/* The stage of panels: of each of the n networks, whose rows have gone forward and back, every
 * panel's gradient, step of Adam, target and transpose. scratch: one block of mlp_scratch floats
 * (the most of any network) for each thread. */
void learner_steps(learner *const *l, int n, par *pool, float *const *scratch);

/* Adam on one number, in double: x holds the number, its moments and the powers of their decay. */
enum { LEARNER_NUMBER = 5 };
void learner_number_begin(double *x, double value);
void learner_number(double *x, double gradient, double lr);

#endif
