/* health.h - are the numbers of a run still numbers, and could they be true? */
#ifndef TRAIN_HEALTH_H
#define TRAIN_HEALTH_H

#include "train/run.h"

/* ENUMERIC: a number of the agent's state is not finite; the message names it and the update. */
MUST_CHECK mopo_status health_finite(const run *o, mopo_error *err);

/* What rewards |r| <= r_max can justify. Beyond it, critics or model diverge. An entropy counts up
 * to 10 nats for each action. */
typedef struct health_limits {
  double q;            /* 10 + 10 (scale r_max + penalty + |alpha entropy|) / (1 - gamma) */
  double critic_loss;  /* q^2 */
  double model_reward; /* 10 r_max */
} health_limits;
health_limits health_bounds(const run *o, const metrics_row *row);

/* Tells the watch of the first figure of each kind that is beyond its bound, and of a penalty above
 * what steps earn where imagined episodes end: one line of each a session. */
void health_warn(run *o, const metrics_row *row);

#endif
