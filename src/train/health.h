/* health.h - are the numbers of a run still numbers, and could they be true? */
#ifndef TRAIN_HEALTH_H
#define TRAIN_HEALTH_H

#include "run/result.h"
#include "train/run.h"

enum { HEALTH_KINDS = RESULT_WARNINGS, HEALTH_TEXT = RESULT_TEXT };

/* ENUMERIC: a number of the agent's state is not finite; the message names it and the update. */
MUST_CHECK mopo_status health_finite(const run *o, mopo_error *err);

/* What rewards between the least and the greatest on record make possible; beyond it, critics or
 * model diverge. A tenth of the range is added at both ends. r: the greatest |reward|. */
typedef struct health_range {
  double low, high;
} health_range;
typedef struct health_limits {
  /* -(r + 10 nats alpha an action + 10 penalty) / (1 - gamma), for critics may be pessimistic, to
   * (max(reward, 0) + log 2 nats alpha an action) / (1 - gamma), for an episode may end */
  health_range q;
  health_range critic_loss; /* 0 to the square of q's width */
  health_range reward;      /* of an imagined step, in the mean: 5 % of r beyond the record's */
} health_limits;
health_limits health_bounds(const run *o, const metrics_row *row);

/* Tells the watch of the first figure of each kind that is beyond its bound, and of a penalty above
 * what steps earn where imagined episodes end: one line of each a session. */
void health_warn(run *o, const metrics_row *row);
/* The same lines of a whole run, whatever sessions it had; their number. */
int health_list(char out[HEALTH_KINDS][HEALTH_TEXT], const run *o, const metrics_row *rows,
                int count);

#endif
