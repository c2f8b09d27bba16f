/* sac.h - soft actor-critic, for the algorithms that change its critics' loss. */
#ifndef AGENT_SAC_H
#define AGENT_SAC_H

#include "agent/critics.h"
#include "agent/hold.h"

typedef struct sac {
  agent agent;
  critics critics;
  float gamma, alpha;
  bool joint;
  double target_entropy, alpha_max, alpha_lr;
  float *logp, *actor_loss; /* [B] what the rows report */
  /* The behaviour's term (hold.h), if setup.behaviour is there. */
  bool behaves;
  float size;             /* k */
  float *q, *held;        /* [B] |min Q|; [BEHAVIOUR_ROWS] the term's rows */
  const float **recorded; /* [BEHAVIOUR_ROWS] */
  stage_work *work;       /* [threads] */
} sac;

enum { SAC_LOG_ALPHA }; /* in the agent's scalars: a learner_number */

/* For an agent_type whose scalars are LEARNER_NUMBER: log alpha. critic_rows: that the critics
 * learn from in an update. */
void sac_shape(sac *s, const mopo_config *c, int critic_rows);
void sac_layout(sac *s, arena *a);
void sac_begin(agent *c, const mopo_config *config);

/* An update whose critics' stage of rows is `critic_rows`. */
agent_stats sac_update_with(sac *s, const batch *b, par_fn *critic_rows);
/* y [p.n] of rows p; entropy: with the term - alpha log pi. */
void sac_targets(sac *s, stage_work *w, rows_at p, float *y, bool entropy);

#endif
