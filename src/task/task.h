/* task.h - what the simulator needs to know of a task beyond mopo.h. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <mopo/mopo.h>

enum { TASK_MAX_OBS = 32, TASK_MAX_ACT = 8 };

/* What one step did, from which the reward is made. */
typedef struct motion {
  double vx, vy; /* displacement of the torso over the step / dt, m/s */
  double rise;   /* height of the torso after the step, above that at the reset, m */
  double effort; /* sum of the squared clipped actions */
} motion;

/* Of one of the table's tasks; NAN: of none. */
double task_reward(const mopo_task *task, const motion *m);
/* The task by whose rewards soft actor-critic learns when data for `task` are collected: itself,
 * unless its data are to show another behaviour. */
const mopo_task *task_behaviour(const mopo_task *task);
/* Length nq of qpos; 0: not one of the table's tasks. */
int task_positions(const mopo_task *task);
/* Where the torso is in the world, m. task is one of the table's. */
void task_torso(double xyz[3], const mopo_task *task, const double *qpos);

/* The rule behind task->done, on a float64 state laid out as the task's observation, velocities not
 * clipped: the simulator's own state ends an episode, not its float32 shadow. task is one of the
 * table's. */
bool task_ends(const mopo_task *task, const double *state);

#endif
