/* sim_mujoco.h - the compiled body, for tests and the renderer. Only where MuJoCo is. */
#ifndef SIM_SIM_MUJOCO_H
#define SIM_SIM_MUJOCO_H

#include "sim/sim.h"

#include <mujoco/mujoco.h>

/* Borrowed from the world. */
const mjModel *sim_world_model(const sim_world *w);
/* Borrowed from the sim; counters of warnings included. */
mjData *sim_data(sim *s);
/* Runs f(ctx), in which MuJoCo may give up: then false, and what f was doing is not finished. A
 * world has been made before. */
bool sim_guard(void (*f)(void *ctx), void *ctx);

#endif
