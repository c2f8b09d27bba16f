/* trial.h - imagined episodes of a policy, to judge it by: every member of an ensemble plays every
 * episode, from where a recorded stretch began to its end, one member for the whole of it.
 *
 * Draws belong to (member, stretch, step), so that all policies meet the same noise and are
 * compared pair by pair. */
#ifndef OPE_TRIAL_H
#define OPE_TRIAL_H

#include "agent/actor.h"
#include "model/ensemble.h"
#include "model/termination.h"
#include "ope/standard.h"

/* Part of a recorded episode that trials begin at and are paired with. */
typedef struct stretch {
  int64_t first;
  int rows;   /* on record */
  int length; /* most steps of a trial: `rows`, or where a terminal ended it more */
  double ret; /* sum of the rewards on record */
} stretch;

typedef struct trial_setup {
  const mopo_dataset *d; /* as recorded */
  const standard *s;
  const ensemble *m;       /* fitted to s->d */
  const termination *ends; /* NULL: a rule says it, or nothing ends */
  const mopo_task *task;   /* task_none() where nothing is known */
  const stretch *stretch;  /* [n] */
  int n;                   /* at most ENSEMBLE_ROWS */
  par *pool;
  rng_key key;
} trial_setup;

/* Who acts. */
typedef struct player {
  const actor *p;
  bool standardised;  /* it takes x, else the observation as recorded */
  const float *noise; /* [A] deviation of normal noise on its action; NULL: none */
} player;

typedef struct trial_result {
  double
      outside; /* share of imagined states with a column outside the record's range by 5 % of it */
  double length; /* mean steps of a trial */
  double *value; /* [members,n] returns; the caller's */
  int broken;    /* trials in which a number was no longer finite; they get the least reward */
} trial_result;

typedef struct trials trials;
/* ENOMEM. */
MUST_CHECK mopo_status trials_create(trials **out, const trial_setup *set, mopo_error *err);
void trials_free(trials *t);
/* Fills *out. A raised `stop` (may be NULL) gives ESTOPPED. ENOMEM, EDATA (task_judge). */
MUST_CHECK mopo_status trials_run(trial_result *out, trials *t, const player *who,
                                  const volatile sig_atomic_t *stop, mopo_error *err);

#endif
