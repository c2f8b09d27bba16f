/* task.h - what the simulator needs to know of a task beyond mopo.h. */
#ifndef ENV_TASK_H
#define ENV_TASK_H

#include <mopo/mopo.h>

enum { TASK_MAX_OBS = 32, TASK_MAX_ACT = 8 };

/* The rule behind task->done, on a float64 state laid out as the task's observation, velocities not
 * clipped: the simulator's own state ends an episode, not its float32 shadow. task is one of the
 * table's. */
bool task_ends(const mopo_task *task, const double *state);

#endif
