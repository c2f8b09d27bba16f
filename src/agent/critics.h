/* critics.h - two critics and the targets that follow them: values, regression to a target value,
 * and the way back from a value to the action. */
#ifndef AGENT_CRITICS_H
#define AGENT_CRITICS_H

#include "agent/agent.h"

typedef struct critics {
  mlp net[2], target[2];
  learner *learner[2];
  float weight;   /* c of L_k = c mean (Q_k - y)^2 */
  float *td2, *q; /* [2,B] squared errors; [B] the first critic at the batch */
} critics;

typedef struct critics_work { /* of one thread: rows that no later stage needs */
  mlp_acts target[2], pi[2];  /* targets at (s', a') and critics at (s, a ~ pi) */
  mlp_acts least;             /* rows of pi[k], gathered: those whose least critic is k */
  mlp_grads least_grads;
  panels least_dx;
} critics_work;

/* What a thread needs to act and to judge. */
typedef struct stage_work {
  actor_work actor;
  critics_work critics;
} stage_work;

/* Shapes the networks and hands them to the agent. rows: that they learn from, at least B. */
void critics_add(critics *q, agent *c, const mopo_config *config, int rows);
void critics_layout(critics *q, const agent *c, arena *a);
/* One for each thread. */
stage_work *stage_work_layout(const critics *q, const agent *c, arena *a);

/* n networks at (observations at `offset` of rows, act [A,R] by columns). */
void critics_at(const mlp *net, mlp_acts *acts, int n, const agent *c, const float *const *row,
                int offset, const float *act, int R, int rows, bool back);
/* Output of row r. */
static inline float critics_value(const mlp *net, const mlp_acts *acts, int r)
{
  return acts->h[net->layers].x[(size_t)r * PANEL];
}
static inline float critics_least(const mlp *net, const mlp_acts *acts, int r)
{
  float a = critics_value(&net[0], &acts[0], r), b = critics_value(&net[1], &acts[1], r);
  return a < b ? a : b;
}

/* v [p.n] = min_k Qtarg_k(s', a') of rows p, a' ~ pi(.|s') with the noise of sample 0, left in
 * w->actor. */
void critics_next(const critics *q, stage_work *w, const agent *c, rows_at p, float *v);
/* Actions of w->actor at s of rows p: value [p.n] of the least critic, and which it is. */
void critics_judge(const critics *q, stage_work *w, const agent *c, rows_at p, float *value,
                   unsigned char *least);
/* y = r + gamma (1 - d) v of rows p, in place of v. */
void critics_discount(float *v, const agent *c, rows_at p, float gamma);

/* Both critics at the recorded (s, a) of rows p. */
void critics_recorded(critics *q, const agent *c, rows_at p);
/* dL/dQ at rows p for y [p.n], after critics_recorded; set, so that more may be added; td2 and q.
 */
void critics_errors(critics *q, const agent *c, rows_at p, const float *y);
/* The two, and the way back. */
void critics_regress(critics *q, const agent *c, rows_at p, const float *y);
double critics_loss(const critics *q, const agent *c);

/* dact [A,R] = dq dQ_k/da, k = least[r] of each row of w->pi: the rows are gathered by critic, go
 * back together, and are put where they came from. */
void critics_back(const critics *q, critics_work *w, const agent *c, float *dact, int R, int rows,
                  const unsigned char *least, float dq);

#endif
