/* evaluate.h - what is a policy worth? Episodes in the simulated task, stepped side by side: the
 * policy sees the observations of all live episodes at once, the simulators run in parallel. */
#ifndef PLAY_EVALUATE_H
#define PLAY_EVALUATE_H

#include "agent/actor.h"
#include "base/error.h"
#include "base/par.h"
#include "data/recorder.h"
#include "sim/sim.h"

typedef struct evaluator evaluator;

/* world outlives it; policies given to _run have the shape of p. gamma: see evaluator_discounted.
 * ENOMEM, EINVAL, EABSENT. */
MUST_CHECK mopo_status evaluator_create(evaluator **out, const mopo_task *task,
                                        const sim_world *world, const actor *p, int episodes,
                                        double gamma, par *pool, mopo_error *err);
void evaluator_free(evaluator *e);
/* Once *flag (borrowed) is not 0, evaluator_run gives up with ESTOPPED. */
void evaluator_stop_at(evaluator *e, const volatile sig_atomic_t *flag);
/* Runs all episodes with the deterministic action. Episode i starts from rng_index(key, i). Never
 * allocates. record (may be NULL) receives the
 * episodes one after the other: only with an evaluator of its own, whose rows are kept. */
mopo_status evaluator_run(mopo_eval_result *out, evaluator *e, const actor *p, rng_key key,
                          recorder *record, mopo_error *err);
/* Of the last run: where its episodes began [episodes,S], borrowed until the next one; and the mean
 * over them of the sum over t of gamma^t r_t. */
const float *evaluator_starts(const evaluator *e);
double evaluator_discounted(const evaluator *e);

/* Can the policy act in the task, simulated by the caller's simulator or (NULL) its own? EINVAL (it
 * has none), EDATA (sizes). */
MUST_CHECK mopo_status evaluate_fits(const mopo_policy *p, const mopo_task *task,
                                     const mopo_simulator *simulator, mopo_error *err);

/* Physics by name: "gymnasium", "d4rl", "auto" (d4rl). */
sim_physics physics_of(const char *name);

#endif
