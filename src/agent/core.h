/* core.h - what every agent is made of: a batch cut into pieces, a policy and other networks that
 * learn, memory, and a state that a checkpoint can hold. An algorithm's struct begins with a core;
 * its file says which networks there are and what an update does with them.
 *
 * An update is a few stages. A stage of rows takes each row of the batch all the way through: the
 * rows do not know of each other. A stage of panels (agent/learner.h) sums the gradient of one
 * panel of weights over the rows, and takes the step. */
#ifndef AGENT_CORE_H
#define AGENT_CORE_H

#include "agent/agent.h"
#include "agent/learner.h"

/* Most rows in a piece; most networks; most actions where a row's samples are on the stack. */
enum { CORE_PIECE = 64, CORE_LEARNERS = 6, CORE_ACT = 32 };

typedef struct core {
  agent base;
  agent_setup setup;
  int S, A, B;
  int R, pieces; /* rows of a piece; pieces of a batch */
  actor actor;
  learner learner[CORE_LEARNERS]; /* [0]: the policy */
  double lr[CORE_LEARNERS];       /* at the start */
  int learners;
  bool cosine; /* the policy's learning rate falls to 0 as half a cosine */
  /* The running average of the policy's weights, which acts in its place (Polyak & Juditsky 1992);
   * ema 0: there is none. */
  double ema;
  actor average;
  /* Columns of observations become (x - shift) * scale on their way in; NULL: they stay as they
   * are. A policy is handed out for raw observations: `raw` has the columns' change folded in. */
  float *shift, *scale;
  actor raw;
  float reward_scale; /* 1 unless the algorithm says otherwise */
  /* The algorithm's own scalars, two for each learner, and the number of updates. */
  double *scalars;
  int own;
  float **scratch; /* [threads] */
  arena state, work;
  const batch *batch;
} core;

/* What makes an algorithm's agent of a core. Each gets the whole struct. */
typedef struct core_plan {
  size_t size; /* of the struct */
  int scalars; /* of its own; zero at the start */
  bool standardise;
  void (*shape)(core *c, const mopo_config *config); /* core_add for every network but the policy;
                                                      may be NULL */
  void (*layout)(core *c, arena *a); /* its work memory; called twice, see base/arena.h */
  void (*begin)(core *c, const mopo_config *config); /* networks are initialised; may be NULL */
} core_plan;

/* ENOMEM. */
MUST_CHECK mopo_status core_create(agent **out, const agent_type *type, const core_plan *plan,
                                   const agent_setup *setup, mopo_error *err);
/* A network more, shaped already; name for its random numbers. rows: of the batch it learns from.
 */
learner *core_add(core *c, mlp *net, mlp *target, const char *name, double lr, int rows);

/* Rows of one piece. */
typedef struct rows_at {
  int r0, n;
} rows_at;
rows_at core_rows(const core *c, int piece);
/* Observations of rows into panels, standardised where that is wanted. offset: of the observation
 * in a row, 0 or at.next. */
void core_put_obs(const core *c, panels x, int r0, const float *const *row, int offset, int rows);
uint64_t core_updates(const core *c);
/* The policy's network at s of rows p, in its learner's acts. */
void core_policy_rows(core *c, rows_at p);
/* Actions of rows p from the policy's outputs in acts (rows acts_r0..) into w. `which` numbers the
 * samples of an update: each has noise of its own. */
void core_sample(const core *c, actor_work *w, const mlp_acts *acts, int acts_r0, rows_at p,
                 int which);
/* Standard normals, n columns of capacity R for rows p, as core_sample takes them, but for a
 * purpose of their own. */
void core_noise(const core *c, float *eps, int n, int R, rng_key key, rows_at p);
/* Recorded actions of rows p into columns [A,R]. */
void core_recorded_actions(const core *c, float *act, int R, rows_at p);
/* Behaviour cloning of rows `at`: L = - mean log p(a|s) forward and back through l, whose network
 * is p's; loss [B]: each row's. */
void core_clone_rows(core *c, learner *l, const actor *p, actor_work *w, rows_at at, float *loss);
/* What rows of a piece leave behind in a network that does not learn from them: one for each
 * thread. */
mlp_acts *core_acts_layout(const core *c, const mlp *net, arena *a);
/* Work with the policy, or one of its shape: one for each thread. */
actor_work *core_actor_work_layout(const core *c, arena *a);
/* Runs a stage of rows: fn(c, piece, thread). */
void core_rows_stage(core *c, par_fn *fn);
void core_steps(core *c, learner *const *l, int n);
/* Closes an update: it is counted, the average and the scalars are brought up to date. */
void core_updated(core *c);
double core_mean(const float *x, int n);

/* Fit for an agent_type. */
void core_free(agent *a);
const actor *core_policy(const agent *a);
const actor *core_learning(const agent *a);
void core_progress(agent *a, double done);
double core_actor_lr(const agent *a);
agent_state core_state(agent *a);
void core_restored(agent *a);
void core_describe(const agent *a, char *text, size_t size, size_t i);
double core_reward_scale(const agent *a);

#define CORE_CALLS                                                                                \
  .free = core_free, .policy = core_policy, .learning = core_learning, .progress = core_progress, \
  .actor_lr = core_actor_lr, .state = core_state, .restored = core_restored,                      \
  .describe = core_describe, .reward_scale = core_reward_scale

#endif
