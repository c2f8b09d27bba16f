/* reach.h - how far does the model's knowledge reach? The members' disagreement on what they
 * predict, in spreads of what was recorded, and how much of it the recorded rows themselves have: a
 * rollout that goes beyond is cut (Kuang et al. 2025, arXiv:2512.04341; Zhang et al. 2023,
 * arXiv:2304.04660).
 *
 *   D(s,a) = sqrt( 1/(S+1) sum_j var_members(mu_mj) / sigma_j^2 ),  j the reward and the
 * differences
 *
 * sigma_j is their spread over the recorded rows; an output that does not move there is left out.
 */
#ifndef MODEL_REACH_H
#define MODEL_REACH_H

#include "model/ensemble.h"

typedef struct reach {
  float *weight;   /* [D] 1 / ((S+1) sigma_j^2), of the outputs as the members give them */
  float threshold; /* the quantile of D over the recorded rows */
  arena memory;
} reach;

/* quantile in (0,1]: 1 is the greatest of them. The bits depend on m, d and quantile only. ENOMEM.
 */
MUST_CHECK mopo_status reach_create(reach **out, const ensemble *m, const mopo_dataset *d,
                                    double quantile, par *pool, mopo_error *err);
void reach_free(reach *x);
/* D of row r of the last ensemble_step with w, which kept the members' means (w->keep). NaN
 * travels. */
float reach_of(const reach *x, const ensemble *m, const ensemble_work *w, int r);

#endif
