/* agent.h - what should we do? One algorithm, one file, behind one const table (agent.c). */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/actor.h"
#include "base/error.h"
#include "base/par.h"
#include "data/dataset.h"

/* B transitions: pointers to rows (data/dataset.h), wherever they live. Borrowed for one update. */
typedef struct batch {
  int B;
  row_layout at;
  const float *const *row; /* [B] */
} batch;

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
} agent_setup;

/* Everything that an agent must keep to go on: two borrowed blocks. */
typedef struct agent_state {
  float *values;
  size_t n_values;
  double *scalars;
  size_t n_scalars;
} agent_state;

typedef struct agent agent;

typedef struct agent_type {
  const char *name;   /* as typed on the command line */
  const char *source; /* paper */
  bool uses_model;    /* learns in imagined data as well */
  /* EINVAL, ENOMEM */
  mopo_status (*create)(agent **out, const agent_setup *setup, mopo_error *err);
  void (*free)(agent *a);
  /* One gradient step on a batch of config->batch_size rows. Never allocates. */
  agent_stats (*update)(agent *a, const batch *b);
  /* What is evaluated and exported; and the policy under way, which draws what is learned from.
   * One and the same unless config->policy_ema has it averaged. Borrowed until the next call of
   * either, or update. */
  const actor *(*policy)(const agent *a);
  const actor *(*learning)(const agent *a);
  /* Fraction of the run that is done, 0..1: for schedules. */
  void (*progress)(agent *a, double done);
  double (*actor_lr)(const agent *a); /* now */
  agent_state (*state)(agent *a);
  /* After the state blocks were written from outside. */
  void (*restored)(agent *a);
  /* What value i of the state is, for messages: "a weight of critic1". */
  void (*describe)(const agent *a, char *text, size_t size, size_t i);
  double (*reward_scale)(const agent *a); /* rewards are learned from times this */
} agent_type;

/* Every agent begins with its type. */
struct agent {
  const agent_type *type;
};

/* NULL if there is no such agent. */
const agent_type *agent_find(const char *name);
const agent_type *agent_at(int i);

/* Rows of a stage of an update: a piece of up to 64 rows, such that every thread gets the same
 * number of pieces where that is possible. A multiple of 16. */
int agent_rows_per_piece(int B, int threads);

#endif
