/* quality.h - how much of each column's step a fitted model explains, on the rows held out. */
#ifndef MODEL_QUALITY_H
#define MODEL_QUALITY_H

#include "model/ensemble.h"

/* r2 [D] of the reward and of each column's step: 1 - error / variance of the step, error the mean
 * over the elites; NAN of an output that does not move. Of a model in scaled units sets m->known
 * as well. index [n]: rows of d. ENOMEM. */
MUST_CHECK mopo_status quality_measure(double *r2, ensemble *m, const mopo_dataset *d,
                                       const uint32_t *index, int64_t n, par *pool,
                                       mopo_error *err);

#endif
