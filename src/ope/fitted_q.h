/* fitted_q.h - fitted Q evaluation (Le et al. 2019), to be shown next to the trials. It can
 * only take a verdict of better back: alone it takes bad policies for good ones too often.
 *
 *   q(s,a) = E (1 - gamma) sum over t of gamma^t r_t / r_most, of the policy from (s,a) on
 *
 * Critics are first fitted to the returns that were recorded from each row on, then for each policy
 * from there on to r + gamma (1 - end) q'(s', pi(s')), q' a slow copy. */
#ifndef OPE_FITTED_Q_H
#define OPE_FITTED_Q_H

#include "ope/trial.h"

enum { FITTED_Q_CRITICS = 3 };

typedef struct fitted_q_setup {
  const mopo_dataset *d;
  const standard *s;
  const mopo_task *task;
  const stretch *stretch; /* [n] */
  int n, length;          /* most steps of a stretch */
  par *pool;
  rng_key key;
  int updates; /* of each of the two fits */
} fitted_q_setup;

typedef struct fitted_q fitted_q;
/* The first fit is made here. ESTOPPED, ENOMEM, ENUMERIC. */
MUST_CHECK mopo_status fitted_q_create(fitted_q **out, const fitted_q_setup *set,
                                       const volatile sig_atomic_t *stop, mopo_error *err);
void fitted_q_free(fitted_q *q);
/* gain [FITTED_Q_CRITICS,n]: what the policy is worth more than the record, from each stretch on:
 * the difference of a step times the stretch's steps. */
MUST_CHECK mopo_status fitted_q_run(double *gain, fitted_q *q, const player *who,
                                    const volatile sig_atomic_t *stop, mopo_error *err);

#endif
