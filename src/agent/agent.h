/* agent.h - what should we do? An agent learns a policy from batches of rows: a batch cut into
 * pieces, a policy and other networks that learn, memory, and a state that a checkpoint can hold.
 * An algorithm is one file with one row, its agent_type; its struct begins with an agent.
 *
 * An update is a few stages. A stage of rows takes each row of the batch all the way through: the
 * rows do not know of each other. A stage of panels (agent/learner.h) sums the gradient of one
 * panel of weights over the rows, and takes the step. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/actor.h"
#include "agent/learner.h"
#include "base/error.h"
#include "base/par.h"
#include "config/config.h"
#include "data/batch.h"
#include "data/units.h"

/* Most rows in a piece; most networks; most actions where a row's samples are on the stack. */
enum { AGENT_PIECE = 64, AGENT_LEARNERS = 6, AGENT_ACT = 32, AGENT_PROBE = 256 };

/* What an update reports; 0 where an algorithm has no such loss, NAN where it has no entropy or Q.
 */
typedef struct agent_stats {
  double critic_loss, actor_loss;
  double alpha; /* the temperature, or the multiplier that stands in its place */
  double entropy;
  double q_mean;  /* of the first critic at the batch */
  const float *q; /* [B] the same row by row; borrowed until the next update, may be NULL */
} agent_stats;

typedef struct agent_setup {
  const mopo_config *config;
  int S, A;
  par *pool;
  rng_key key;
  /* What it learns from, for what an algorithm measures before it begins; NULL when it learns
   * online. Borrowed. */
  const mopo_dataset *data;
  const mopo_dataset_info *info;
  /* The model that its imagined rows come from, for agents that ask it themselves
   * (model/imagine.h: imagine_elites); NULL: there is none. Outlives the agent. */
  const struct imagine *model;
  /* The rows that it is given, and data, are in these units; NULL: in the log's. Borrowed. */
  const units *units;
  /* [A] weights of hold.h, for agents that have its term; NULL: it is off. Borrowed. */
  const float *behaviour;
} agent_setup;

/* Everything that an agent must keep to resume: two borrowed blocks. */
typedef struct agent_memory {
  float *values;
  size_t n_values;
  double *scalars;
  size_t n_scalars;
} agent_memory;

typedef struct agent agent;

/* An algorithm. Its functions get its whole struct. Every constant that is defined as `const
 * agent_type NAME` is one (cmake/rows.cmake). */
typedef struct agent_type {
  algorithm is;       /* name, source, settings */
  bool holds;         /* has the term of hold.h */
  size_t size;        /* of the struct */
  int scalars;        /* of its own in the state, zero at the start */
  int action_scalars; /* and for each action */
  int max_actions;    /* 0: any number */
  bool standardise;   /* observations, with the dataset's mean and deviation */
  void (*shape)(agent *a, const mopo_config *c); /* agent_add for every network but the policy; may
                                                    be NULL */
  void (*layout)(agent *a, arena *memory);       /* its work memory; called twice, base/arena.h */
  void (*begin)(agent *a, const mopo_config *c); /* networks are initialised; may be NULL */
  /* One gradient step on a batch of config->batch_size rows. Never allocates. */
  agent_stats (*update)(agent *a, const batch *b);
} agent_type;

/* What every algorithm's struct begins with. */
struct agent {
  const agent_type *type;
  agent_setup setup;
  int S, A, B;
  int R, pieces; /* rows of a piece; pieces of a batch */
  actor actor;
  learner learner[AGENT_LEARNERS]; /* [0]: the policy */
  double lr[AGENT_LEARNERS];       /* at the start */
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
  /* Of rows in scaled units: policy and average, taking raw observations by a subtraction first.
   * They are handed out where folding it in would lose digits, which the probe shows: recorded
   * observations and what either form does there. */
  actor kept, kept_average;
  actor_work *probe_work;
  float *probe, *probe_act; /* [AGENT_PROBE,S]; [2,AGENT_PROBE,A] */

  float reward_scale; /* 1 unless the algorithm says otherwise */
  /* The algorithm's own scalars, two for each learner, and the number of updates. */
  double *scalars;
  int own;
  float **scratch; /* [threads] */
  arena state, work;
  const batch *batch;
};

/* NULL if there is no such algorithm; the i-th, NULL past the last. */
const agent_type *agent_find(const char *name);
const agent_type *agent_at(int i);
/* The rows of the sources, collected when the library is built. NULL ends them. */
extern const agent_type *const agent_types[];

/* ------------------------------------------------------------------ for those who own an agent */

/* EINVAL (more actions than the algorithm takes), ENOMEM. */
MUST_CHECK mopo_status agent_create(agent **out, const agent_type *type, const agent_setup *setup,
                                    mopo_error *err);
void agent_free(agent *a);
agent_stats agent_update(agent *a, const batch *b);
/* What is evaluated and exported, for observations in the log's units; and the policy under way,
 * which draws what is learned from, for observations in the units of the rows. One and the same
 * unless config->policy_ema has it averaged or setup.units is given. Borrowed until the next call
 * of any, or update. */
const actor *agent_policy(const agent *a);
const actor *agent_learning(const agent *a);
/* agent_policy for observations in the units of the rows. */
const actor *agent_policy_inside(const agent *a);
/* Fraction of the run that is done, 0..1: for schedules. */
void agent_progress(agent *a, double done);
double agent_actor_lr(const agent *a); /* now */
agent_memory agent_state(agent *a);
/* After the state blocks were written from outside. */
void agent_restored(agent *a);
/* What value i of the state is, for messages: "a weight of critic 1". */
void agent_describe(const agent *a, char *text, size_t size, size_t i);
double agent_reward_scale(const agent *a); /* rewards are learned from times this */

/* ------------------------------------------------------------------ for algorithms */

/* A network more, shaped already; name for its random numbers. rows: of the batch it learns from.
 */
learner *agent_add(agent *c, mlp *net, mlp *target, const char *name, double lr, int rows);

/* Rows of one piece. */
typedef struct rows_at {
  int r0, n;
} rows_at;
rows_at agent_rows(const agent *c, int piece);
/* Observations of rows into panels, standardised where that is wanted. offset: of the observation
 * in a row, 0 or at.next. */
void agent_put_obs(const agent *c, panels x, int r0, const float *const *row, int offset, int rows);
uint64_t agent_updates(const agent *c);
/* The policy's network at s of rows p, in its learner's acts. */
void agent_policy_rows(agent *c, rows_at p);
/* Actions of rows p from the policy's outputs in acts (rows acts_r0..) into w. `which` numbers the
 * samples of an update: each has noise of its own. */
void agent_sample(const agent *c, actor_work *w, const mlp_acts *acts, int acts_r0, rows_at p,
                  int which);
/* Standard normals, n columns of capacity R for rows p, as agent_sample takes them, but for a
 * purpose of their own. */
void agent_noise(const agent *c, float *eps, int n, int R, rng_key key, rows_at p);
/* Recorded actions of rows p into columns [A,R]. */
void agent_recorded_actions(const agent *c, float *act, int R, rows_at p);
/* Behaviour cloning of rows `at`: L = - mean log p(a|s) forward and back through l, whose network
 * is p's; loss [B]: each row's. */
void agent_clone_rows(agent *c, learner *l, const actor *p, actor_work *w, rows_at at, float *loss);
/* What rows of a piece leave behind in a network that does not learn from them: one for each
 * thread. */
mlp_acts *agent_acts_layout(const agent *c, const mlp *net, arena *a);
/* Work with the policy, or one of its shape: one for each thread. */
actor_work *agent_actor_work_layout(const agent *c, arena *a);
/* Runs a stage of rows: fn(c, piece, thread). */
void agent_rows_stage(agent *c, par_fn *fn);
void agent_steps(agent *c, learner *const *l, int n);
/* Closes an update: it is counted, the average and the scalars are brought up to date. */
void agent_updated(agent *c);
double agent_mean(const float *x, int n);

/* Rows of a stage of an update: a piece of up to 64 rows, such that every thread gets the same
 * number of pieces where that is possible. A multiple of 16. */
int agent_rows_per_piece(int B, int threads);

#endif
