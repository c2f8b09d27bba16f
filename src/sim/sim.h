/* sim.h - the task's dynamics: MuJoCo's bodies (sim_mujoco.c) or the caller's callbacks
 * (sim_caller.c), behind one table (sim_type.h).
 *
 * A world holds what is constant (the compiled body) and may be shared by threads; a sim holds what
 * changes in one episode and belongs to one thread at a time. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/error.h"
#include "base/rng.h"

typedef struct sim_world sim_world;
typedef struct sim sim;

/* Inertia of capsules: exact (MuJoCo >= 2.1.1, Gymnasium, Minari), or as the D4RL sets were made.
 */
typedef enum sim_physics { SIM_GYMNASIUM, SIM_D4RL } sim_physics;

/* EABSENT (built without MuJoCo), EINVAL (no body for the task), ENOMEM. */
MUST_CHECK mopo_status sim_world_create(sim_world **out, const mopo_task *task, sim_physics physics,
                                        mopo_error *err);
/* Around the caller's callbacks, which are copied; their ctx outlives it. EINVAL, ENOMEM. */
MUST_CHECK mopo_status sim_world_of_caller(sim_world **out, const mopo_simulator *simulator,
                                           const mopo_task *task, mopo_error *err);
/* Either: sim_built_in() stands for the body of the task. */
const mopo_simulator *sim_built_in(void);
MUST_CHECK mopo_status sim_world_of(sim_world **out, const mopo_simulator *simulator,
                                    const mopo_task *task, sim_physics physics, mopo_error *err);
void sim_world_free(sim_world *w);
/* May sims of this world take their steps at the same time? Else one episode after the other, from
 * one thread. */
bool sim_parallel(const sim_world *w);
/* Length of qpos and qvel; 0: its state is not known. */
int sim_nq(const sim_world *w);
int sim_nv(const sim_world *w);

/* EABSENT, ENOMEM. w outlives the sim. */
MUST_CHECK mopo_status sim_create(sim **out, const sim_world *w, mopo_error *err);
void sim_free(sim *s);

/* Start of an episode drawn from `noise` as the task's reset says; obs [S]. */
void sim_reset(sim *s, float *obs, rng_stream *noise);

/* One environment step (frame_skip simulator steps). act [A] is clipped to [-1,1] first, as D4RL's
 * wrapper does. Outputs obs [S], *rew, *done (the task's termination on the float64 state).
 * False: the simulator warned or failed (bad qpos, qvel, qacc, or its automatic reset): the episode
 * is broken, the outputs are not to be used. */
MUST_CHECK bool sim_step(sim *s, float *obs, double *rew, bool *done, const float *act);
/* Did the simulator cut the episode with the last step? */
bool sim_cut(const sim *s);
/* What a caller's simulator said that cannot be, in one line; "": nothing. */
const char *sim_why(const sim *s);

/* State in and out, where it is known: qpos [nq], qvel [nv], float64. Setting begins an episode
 * there (heights gained count from it) and runs mj_forward. May be NULL: obs, and qvel of the state
 * that is asked for. */
void sim_get_state(const sim *s, double *qpos, double *qvel);
void sim_set_state(sim *s, float *obs, const double *qpos, const double *qvel);

/* One step from the state that obs [S] describes: x and y are 0, velocities as they are seen. Where
 * the simulator gives up, it starts anew: next [S] is then its first state without noise. Depends
 * on nothing that was before. */
void sim_answer(sim *s, float *next, const float *obs, const float *act);

#endif
