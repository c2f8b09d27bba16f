/* film.c - what does a policy look like at work? First the episodes are run and the states of the
 * film's frames are kept, then those states are drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "config/config.h"
#include "io/file.h"
#include "io/film.h"
#include "play/evaluate.h"
#include "sim/render.h"
#include "task/task.h"

typedef struct shoot {
  const mopo_config *c;
  const mopo_task *task;
  mopo_policy *policy;
  sim_world *world;
  sim *sim;
  renderer *renderer;
  film *film;
  unsigned char *rgb;
  int stride; /* steps from one frame to the next */
  int n, most, episodes;
  double *states; /* [most, nq + nv] */
} shoot;

static size_t state_size(const shoot *s) { return (size_t)(sim_nq(s->world) + sim_nv(s->world)); }

static void keep_frame(shoot *s)
{
  double *state = s->states + (size_t)s->n++ * state_size(s);
  sim_get_state(s->sim, state, state + sim_nq(s->world));
}

/* Episode i as mopo_evaluate runs it, until it ends or the film is full. */
static void run_episode(shoot *s, rng_key key, int i)
{
  float obs[TASK_MAX_OBS], act[TASK_MAX_ACT];
  double rew = 0;
  bool done = false;
  rng_stream noise = rng_stream_of(rng_index(key, (uint64_t)i));
  sim_reset(s->sim, obs, &noise);
  for (int t = 0; t < s->task->facts.horizon && !done; t++) {
    if (t % s->stride == 0) keep_frame(s);
    if (s->n == s->most) return;
    mopo_policy_act(s->policy, act, obs, 1);
    if (!sim_step(s->sim, obs, &rew, &done, act)) return;
  }
}

static mopo_status run(shoot *s, mopo_error *err)
{
  double steps_a_second = 1 / s->task->facts.dt;
  s->stride = (int)fmax(1, floor(steps_a_second / s->c->fps + 0.5));
  s->most = (int)fmax(1, ceil(s->c->seconds * steps_a_second / s->stride - 1e-9));
  s->states = malloc((size_t)s->most * state_size(s) * sizeof *s->states);
  if (!s->states) return error_set(err, MOPO_ENOMEM, "film: no memory for %d frames", s->most);
  rng_key key = rng_split(rng_seed(s->c->seed), "eval");
  for (; s->episodes < s->c->eval_episodes && s->n < s->most; s->episodes++)
    run_episode(s, key, s->episodes);
  return MOPO_OK;
}

static mopo_status draw(shoot *s, int frame, mopo_error *err)
{
  const double *state = s->states + (size_t)frame * state_size(s);
  sim_set_state(s->sim, NULL, state, state + sim_nq(s->world));
  if (!renderer_draw(s->renderer, s->sim, s->rgb))
    return error_set(err, MOPO_EIO, "%s: MuJoCo gave up drawing frame %d", s->c->out, frame + 1);
  return film_add(s->film, s->rgb, err);
}

/* All frames, or where the file shows no motion some of them, evenly spread. */
static mopo_status draw_all(mopo_film *out, shoot *s, bool moves, mopo_error *err)
{
  int n = moves || s->c->frames > s->n ? s->n : s->c->frames;
  mopo_status st = MOPO_OK;
  for (int i = 0; i < n && st == MOPO_OK; i++)
    st = draw(s, (int)((2 * (int64_t)i + 1) * s->n / (2 * n)), err);
  *out = (mopo_film){.frames = n,
                     .episodes = s->episodes,
                     .width = s->c->width,
                     .height = s->c->height,
                     .fps = 1 / (s->task->facts.dt * s->stride),
                     .seconds = s->n * s->task->facts.dt * s->stride,
                     .renderer = renderer_name(s->renderer)};
  return st;
}

static mopo_status shoot_all(mopo_film *out, shoot *s, mopo_error *err)
{
  const mopo_config *c = s->c;
  bool moves = false;
  mopo_status st = film_moves(&moves, c->out, err);
  if (st == MOPO_OK) st = file_check_target(c->out, err); /* ffmpeg would not say why */
  if (st == MOPO_OK) st = sim_world_create(&s->world, s->task, physics_of(c->physics), err);
  if (st == MOPO_OK) st = sim_create(&s->sim, s->world, err);
  if (st == MOPO_OK) st = renderer_create(&s->renderer, s->world, c->width, c->height, err);
  if (st == MOPO_OK) st = run(s, err);
  if (st == MOPO_OK)
    st = film_open(&s->film, c->out, c->width, c->height, 1 / (s->task->facts.dt * s->stride), err);
  s->rgb = malloc(3 * (size_t)c->width * (size_t)c->height);
  if (st == MOPO_OK && !s->rgb) st = error_set(err, MOPO_ENOMEM, "film: no memory");
  if (st == MOPO_OK) st = draw_all(out, s, moves, err);
  if (st == MOPO_OK) {
    st = film_close(s->film, err);
    s->film = NULL;
  }
  return st;
}

mopo_status mopo_render(mopo_film *out, mopo_policy *p, const mopo_task *task, const mopo_config *c,
                        mopo_error *err)
{
  mopo_status st = evaluate_fits(p, task, NULL, err);
  if (st != MOPO_OK) return st;
  shoot s = {.c = c, .task = task, .policy = p};
  st = shoot_all(out, &s, err);
  film_abandon(s.film);
  renderer_free(s.renderer);
  sim_free(s.sim);
  sim_world_free(s.world);
  free(s.rgb);
  free(s.states);
  return st;
}
