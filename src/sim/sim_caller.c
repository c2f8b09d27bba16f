/* sim_caller.c - a simulator of the caller's: two callbacks with one state, so that episodes are
 * played one after the other, on the calling thread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sim/sim_type.h"
#include "task/task.h"

typedef struct caller_world {
  sim_world base;
  mopo_simulator own;
} caller_world;

static const mopo_simulator *own(const sim *s) { return &((const caller_world *)s->world)->own; }

static void world_free(sim_world *w) { free(w); }

static mopo_status create(sim **out, const sim_world *w, mopo_error *err)
{
  *out = calloc(1, sizeof **out);
  if (!*out) return error_set(err, MOPO_ENOMEM, "simulator: no memory");
  (*out)->world = w;
  return MOPO_OK;
}

static void destroy(sim *s) { free(s); }

/* Is every number of obs finite? Else s->why says which is not. */
static bool check(sim *s, const char *callback, const float *obs)
{
  for (int i = 0; i < s->world->task->facts.obs_dim; i++)
    if (!isfinite(obs[i])) {
      number_print(s->why, sizeof s->why, "simulator: %s wrote obs[%d] = %g, want a finite number",
                   callback, i, (double)obs[i]);
      return false;
    }
  return true;
}

static void reset(sim *s, float *obs, rng_stream *noise)
{
  uint64_t seed = (uint64_t)rng_u32(noise) << 32;
  seed |= rng_u32(noise);
  s->why[0] = '\0', s->cut = false;
  memset(obs, 0, (size_t)s->world->task->facts.obs_dim * sizeof *obs);
  own(s)->reset(own(s)->ctx, seed, obs);
  (void)check(s, "reset", obs);
}

static bool step(sim *s, float *obs, double *rew, bool *done, const float *act)
{
  bool terminal = false, timeout = false;
  if (s->why[0]) return false; /* since the reset */
  *rew = 0.0;
  own(s)->step(own(s)->ctx, act, obs, rew, &terminal, &timeout);
  *done = terminal;
  s->cut = timeout && !terminal;
  if (!check(s, "step", obs)) return false;
  if (isfinite(*rew)) return true;
  number_print(s->why, sizeof s->why, "simulator: step wrote rew = %g, want a finite number", *rew);
  return false;
}

static const sim_type CALLER = {
    .world_free = world_free, .create = create, .free = destroy, .reset = reset, .step = step};

mopo_status sim_world_of_caller(sim_world **out, const mopo_simulator *simulator,
                                const mopo_task *task, mopo_error *err)
{
  *out = NULL;
  mopo_simulator known = {0}; /* what an older caller does not know is zero */
  memcpy(&known, simulator, simulator->size < sizeof known ? simulator->size : sizeof known);
  if (!known.reset || !known.step)
    return error_set(err, MOPO_EINVAL, "simulator: %s is NULL", known.reset ? "step" : "reset");
  if (!task->facts.obs_dim || !task->facts.act_dim)
    return error_set(err, MOPO_EINVAL, "simulator: task %s has no sizes", task->facts.name);
  caller_world *w = calloc(1, sizeof *w);
  if (!w) return error_set(err, MOPO_ENOMEM, "simulator: no memory");
  *w = (caller_world){.base = {.type = &CALLER, .task = task}, .own = known};
  *out = &w->base;
  return MOPO_OK;
}
