/* oracle.h - the penalty `oracle`: how far the model's mean is from where the simulator goes. It
 * knows what no offline method may know; the paper's ablation asks what that would be worth. */
#ifndef PLAY_ORACLE_H
#define PLAY_ORACLE_H

#include "model/imagine.h"
#include "sim/sim.h"

typedef struct oracle oracle;

/* One simulation for each thread of the pool. world outlives it. ENOMEM. */
MUST_CHECK mopo_status oracle_create(oracle **out, const mopo_task *task, const sim_world *world,
                                     const par *pool, mopo_error *err);
void oracle_free(oracle *o);
/* An imagine_measure, o the oracle: u [rows] = || mean of the elites' next observations - the
 * simulator's ||_2, in raw units, of the rows that ensemble_step has just taken with the penalty
 * `oracle` and work w. Never allocates; a row's figure depends on nothing but the row. NaN travels.
 */
void oracle_measure(void *o, int thread, float *u, const ensemble *m, const ensemble_work *w,
                    const float *const *obs, const float *const *act, int rows);

#endif
