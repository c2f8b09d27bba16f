/* sim.c - a simulator, whichever it is: each call goes to the table of its kind. */
#include "sim/sim_type.h"

void sim_world_free(sim_world *w)
{
  if (w) w->type->world_free(w);
}

int sim_nq(const sim_world *w) { return w->nq; }
int sim_nv(const sim_world *w) { return w->nv; }
bool sim_parallel(const sim_world *w) { return w->type->parallel; }

mopo_status sim_create(sim **out, const sim_world *w, mopo_error *err)
{
  return w->type->create(out, w, err);
}

void sim_free(sim *s)
{
  if (s) s->world->type->free(s);
}

void sim_reset(sim *s, float *obs, rng_stream *noise) { s->world->type->reset(s, obs, noise); }

bool sim_step(sim *s, float *obs, double *rew, bool *done, const float *act)
{
  return s->world->type->step(s, obs, rew, done, act);
}

bool sim_cut(const sim *s) { return s->cut; }
const char *sim_why(const sim *s) { return s->why; }

void sim_get_state(const sim *s, double *qpos, double *qvel)
{
  if (s->world->type->get_state) s->world->type->get_state(s, qpos, qvel);
}

void sim_set_state(sim *s, float *obs, const double *qpos, const double *qvel)
{
  assert(s->world->type->set_state);
  s->world->type->set_state(s, obs, qpos, qvel);
}

void sim_answer(sim *s, float *next, const float *obs, const float *act)
{
  assert(s->world->type->answer);
  s->world->type->answer(s, next, obs, act);
}

/* ------------------------------------------------------------------ which one */

static const mopo_simulator BUILT_IN = {.size = sizeof(mopo_simulator)};

const mopo_simulator *sim_built_in(void) { return &BUILT_IN; }

mopo_status sim_world_of(sim_world **out, const mopo_simulator *simulator, const mopo_task *task,
                         sim_physics physics, mopo_error *err)
{
  return simulator == &BUILT_IN ? sim_world_create(out, task, physics, err)
                                : sim_world_of_caller(out, simulator, task, err);
}
