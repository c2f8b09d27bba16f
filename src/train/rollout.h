/* rollout.h - the policy practises inside the model: h imagined steps from recorded states, with
 * the reward penalised by the model's uncertainty. The one place where model and policy meet. */
#ifndef TRAIN_ROLLOUT_H
#define TRAIN_ROLLOUT_H

#include "agent/actor.h"
#include "data/replay.h"
#include "model/imagine.h"

typedef struct rollout rollout;

typedef struct rollout_settings {
  int rows, length; /* start states; steps h */
  /* Where the imagined step has a reach, a trajectory that goes beyond it is cut, and another
   * begins in the place of one that was cut or has ended, so that every step is of all rows. The
   * last row of one that was cut bootstraps (NAN), or is terminal and worth this. */
  double cut_value, gamma;
} rollout_settings;

typedef struct rollout_stats {
  int64_t rows, terminals;
  double penalty_mean;   /* of lambda u */
  double reward_mean;    /* before the penalty */
  int64_t cut, begun;    /* rows beyond the model's reach; trajectories */
  int64_t bounded;       /* rows that would have left the log's range and its margin */
  double u_young, u_old; /* mean of lambda u at the first step, and from h / 2 on; NAN: none */
} rollout_stats;

/* g outlives the rollout. ENOMEM */
MUST_CHECK mopo_status rollout_create(rollout **out, const rollout_settings *set, const imagine *g,
                                      const actor *p, par *pool, mopo_error *err);
void rollout_free(rollout *r);
/* Start states drawn uniformly from d; each live row takes an action sampled from p and one
 * imagined step; a row ends where the task's termination says so of (s, a, s'). All rows go into
 * `into`, step by step. `epoch` names the draws. Never allocates. ESTOPPED: *stop, which every
 * thread asks before each block of rows, said so, and what was pushed is not whole. EDATA: as
 * imagine_judge. */
MUST_CHECK mopo_status rollout_run(rollout *r, rollout_stats *out, replay *into,
                                   const mopo_dataset *d, const actor *p, rng_key key,
                                   uint64_t epoch, bool (*stop)(void *ctx), void *ctx,
                                   mopo_error *err);

/* lambda u of the rows of the last imagined step, *n of them (0 before the first); borrowed until
 * the next rollout. */
const double *rollout_penalties(const rollout *r, int *n);

#endif
