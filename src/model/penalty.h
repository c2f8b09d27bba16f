/* penalty.h - measures of the ensemble's uncertainty u(s,a), always over all members. */
#ifndef MODEL_PENALTY_H
#define MODEL_PENALTY_H

#include "base/error.h"

typedef enum penalty_kind {
  PENALTY_NONE,          /* u = 0 */
  PENALTY_ALEATORIC,     /* max_i || sigma_i ||_2 over all D outputs (Yu et al. 2020) */
  PENALTY_ENSEMBLE_DIFF, /* max_i || mu_i - mean_j mu_j ||_2 over the state (ibid., ablation) */
  PENALTY_ENSEMBLE_STD,  /* sqrt(mean over state outputs of var_i mu_i) (Lu et al. 2022) */
  PENALTY_MAX_PAIRWISE,  /* max_ij || mu_i - mu_j ||_2 over the state (Kidambi et al. 2020) */
  PENALTY_ORACLE,        /* true error of the mean (Yu et al. 2020, ablation): train/oracle.c */
} penalty_kind;

/* EINVAL: no such kind. */
MUST_CHECK mopo_status penalty_find(penalty_kind *out, const char *name, mopo_error *err);

/* The kinds that compare members. means [E,R,D]: element (e, r, d) at means[(e * R + r) * D + d];
 * output 0 is the reward and is left out. u [rows], rows <= R. A NaN in a row makes its u NaN. */
void penalty_of_means(float *u, const float *means, int E, int R, int D, int rows,
                      penalty_kind kind);

#endif
