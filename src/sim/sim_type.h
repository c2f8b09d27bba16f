/* sim_type.h - what a kind of simulator brings: MuJoCo's bodies, the caller's callbacks. */
#ifndef SIM_SIM_TYPE_H
#define SIM_SIM_TYPE_H

#include "sim/sim.h"

typedef struct sim_type {
  bool parallel; /* sims of one world may take their steps at the same time */
  void (*world_free)(sim_world *w);
  mopo_status (*create)(sim **out, const sim_world *w, mopo_error *err);
  void (*free)(sim *s);
  void (*reset)(sim *s, float *obs, rng_stream *noise);
  bool (*step)(sim *s, float *obs, double *rew, bool *done, const float *act);
  /* NULL where a state cannot be taken out and put back. */
  void (*get_state)(const sim *s, double *qpos, double *qvel);
  void (*set_state)(sim *s, float *obs, const double *qpos, const double *qvel);
  void (*answer)(sim *s, float *next, const float *obs, const float *act);
} sim_type;

/* Every world and every sim begins with these. */
struct sim_world {
  const sim_type *type;
  const mopo_task *task;
  int nq, nv; /* of its state; 0: not known */
};

struct sim {
  const sim_world *world;
  bool cut;      /* the last step was the episode's last though the task did not end */
  char why[160]; /* what was wrong with what it said last; "" */
};

#endif
