/* judge.h - everything that policies are judged with by one recording: made once, then asked about
 * any number of policies. */
#ifndef OPE_JUDGE_H
#define OPE_JUDGE_H

#include "ope/trial.h"

typedef struct judge_setup {
  const mopo_dataset *d; /* borrowed, as are task and pool */
  const mopo_task *task; /* task_none() where nothing is known */
  par *pool;
  rng_key key;
  int updates; /* of the ensemble, at least; 0: 2500 */
  bool fitted_q;
  const mopo_watch *watch;
} judge_setup;

typedef struct judge judge;
/* Fits what is needed. EDATA, ENOMEM, ENUMERIC, ESTOPPED. */
MUST_CHECK mopo_status judge_create(judge **out, const judge_setup *set, mopo_error *err);
void judge_free(judge *j);
/* Numbers of `values`. */
size_t judge_values(const judge *j);
/* out->size is not looked at; rank 1. values [judge_values] returns of the trials, for judge_alike;
 * may be NULL.
 * ESTOPPED, ENOMEM, ENUMERIC, EDATA (of the task's callbacks). */
MUST_CHECK mopo_status judge_policy(mopo_estimate *out, double *values, judge *j, const actor *p,
                                    mopo_error *err);
/* Trial by trial, may the difference of two policies' returns be 0 in the mean? */
bool judge_alike(const judge *j, const double *a, const double *b);
/* Sets rank and like_first of the n estimates, whose trials' returns are values[i]. */
void judge_rank(mopo_estimate *const *out, double *const *values, int n, const judge *j);

#endif
