/* sim_mujoco.h - the compiled body, for tests and the renderer. Only where MuJoCo is. */
#ifndef ENV_SIM_MUJOCO_H
#define ENV_SIM_MUJOCO_H

#include "env/sim.h"

#include <mujoco/mujoco.h>

/* Borrowed from the world. */
const mjModel *sim_world_model(const sim_world *w);
/* Borrowed from the sim; counters of warnings included. */
mjData *sim_data(sim *s);

#endif
