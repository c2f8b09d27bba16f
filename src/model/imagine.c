/* imagine.c - see imagine.h. */
#include "model/imagine.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void imagine_work_layout(imagine_work *w, const imagine *g, arena *a)
{
  ensemble_work_layout(&w->model, g->m, a);
  w->model.keep = g->reach != NULL;
  if (g->end) termination_work_layout(&w->end, g->end, a);
}

static void layout(imagined *s, const ensemble *m, size_t n, arena *a)
{
  s->obs = arena_bytes(a, n * sizeof *s->obs), s->act = arena_bytes(a, n * sizeof *s->act);
  s->next = arena_bytes(a, n * sizeof *s->next);
  s->rew = arena_floats(a, n), s->u = arena_floats(a, n);
  s->done = arena_bytes(a, n), s->ended = arena_bytes(a, n);
  s->chance = arena_floats(a, n);
  s->bounded = arena_bytes(a, n), s->far = arena_floats(a, n);
  if (!m->units) return;
  s->log_obs = arena_bytes(a, n * sizeof *s->log_obs);
  s->log_next = arena_bytes(a, n * sizeof *s->log_next);
  s->log_rows = arena_floats(a, 2 * n * (size_t)m->S);
  for (size_t r = 0; a->base && r < n; r++) {
    s->log_obs[r] = s->log_rows + 2 * r * (size_t)m->S;
    s->log_next[r] = s->log_rows + (2 * r + 1) * (size_t)m->S;
  }
}

mopo_status imagined_create(imagined **out, const imagine *g, int rows, mopo_error *err)
{
  *out = NULL;
  imagined *s = calloc(1, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "imagined step: no memory");
  layout(s, g->m, (size_t)rows, &s->memory);
  if (!arena_alloc(&s->memory)) {
    imagined_free(s);
    return error_set(err, MOPO_ENOMEM, "imagined step: no memory for %d rows", rows);
  }
  layout(s, g->m, (size_t)rows, &s->memory);
  mopo_status st = task_scratch_create(&s->scratch, g->task, g->m->S, g->m->A, rows, err);
  if (st == MOPO_OK)
    *out = s;
  else
    imagined_free(s);
  return st;
}

void imagined_free(imagined *s)
{
  if (!s) return;
  task_scratch_free(s->scratch);
  free(s->memory.base);
  free(s);
}

/* x into low..high and `margin` times that range beyond; true: it was out. NaN stays. */
static bool bound(float *x, float low, float high, double margin)
{
  double width = (double)high - (double)low;
  float least = (float)((double)low - margin * width),
        most = (float)((double)high + margin * width), was = *x;
  *x = was < least ? least : was > most ? most : was;
  return was < least || was > most;
}

static void keep_near(const imagine *g, imagined *s, int r0, int rows)
{
  const units *u = g->m->units;
  if (!u || isinf(g->margin)) return;
  for (int r = r0; r < r0 + rows; r++) {
    s->bounded[r] = bound(&s->rew[r], u->step_low[0], u->step_high[0], g->margin);
    for (int j = 0; j < u->S; j++)
      s->bounded[r] |= bound(&s->next[r][j], u->low[j], u->high[j], g->margin);
  }
}

/* Drawn anew at each step: over the steps that an episode is in danger it ends as often as the
 * recorded ones did. */
static void draw_ends(const imagine *g, imagine_work *w, imagined *s, int r0, int rows,
                      const ensemble_draw *draw)
{
  float logit[ENSEMBLE_ROWS];
  rng_key key = rng_split(draw->member, "end");
  termination_logit(g->end, &w->end, logit, s->obs + r0, s->act + r0, rows);
  for (int r = 0; r < rows; r++) {
    uint32_t x[4];
    rng_block(x, key, draw->hi, draw->r0 + (uint64_t)r);
    s->ended[r0 + r] = termination_draw(logit[r], (float)(x[0] >> 8) * 0x1p-24f);
    s->chance[r0 + r] = (float)termination_probability(logit[r]);
  }
}

void imagine_rows(const imagine *g, imagine_work *w, int thread, imagined *s, int r0, int rows,
                  const ensemble_draw *draw)
{
  const float *const *obs = s->obs + r0, *const *act = s->act + r0;
  ensemble_step(g->m, &w->model, s->next + r0, s->rew + r0, s->u + r0, obs, act, rows, g->penalty,
                draw);
  keep_near(g, s, r0, rows);
  for (int r = 0; g->reach && r < rows; r++)
    s->far[r0 + r] = reach_of(g->reach, g->m, &w->model, r);
  if (g->end) draw_ends(g, w, s, r0, rows, draw);
  if (!g->penalty->simulator) return;
  assert(g->measure);
  g->measure(g->ctx, thread, s->u + r0, g->m, &w->model, obs, act, rows);
}

/* As task_judge, of rows in the model's units. */
static mopo_status judge_scaled(const imagine *g, imagined *s, int rows, mopo_error *err)
{
  const units *u = g->m->units;
  bool rule = task_knows_reward(g->task), limit = g->task->limit_ends;
  if (!rule && !task_knows_ends(g->task) && !g->task->rules) {
    for (int r = 0; r < rows; r++) s->done[r] = 0;
    return MOPO_OK;
  }
  for (int r = 0; limit && r < rows; r++)
    s->rew[r] = (float)units_reward_back(u, (double)s->rew[r]);
  for (int r = 0; r < rows; r++) {
    units_obs_back(u, s->log_rows + 2 * (size_t)r * (size_t)u->S, s->obs[r]);
    units_obs_back(u, s->log_next[r], s->next[r]);
  }
  mopo_status st =
      task_judge(s->scratch, s->done, s->rew, s->log_obs, s->act, s->log_next, rows, err);
  for (int r = 0; (rule || limit) && r < rows; r++) s->rew[r] = units_reward(u, s->rew[r]);
  /* What is repeated of the past is exact. */
  bool past = g->task->rules && g->task->rules->history > 1;
  for (int r = 0; past && r < rows; r++) units_obs(u, s->next[r], s->log_next[r]);
  return st;
}

mopo_status imagine_judge(const imagine *g, imagined *s, int rows, mopo_error *err)
{
  mopo_status st =
      g->m->units ? judge_scaled(g, s, rows, err)
                  : task_judge(s->scratch, s->done, s->rew, s->obs, s->act, s->next, rows, err);
  /* A file's limit ends a step next to what is learned. */
  bool own = g->task->rules && !task_knows_ends(g->task);
  for (int r = 0; g->end && r < rows; r++) {
    if (own && s->done[r])
      s->chance[r] = 1.0f;
    else
      s->done[r] = s->ended[r];
  }
  return st;
}

float imagine_cost(const imagine *g, float u) { return (float)g->coef * u; }

void imagine_elites(const imagine *g, imagine_work *w, float *next, int samples,
                    const float *const *obs, const float *const *act, int rows,
                    const ensemble_draw *draw)
{
  ensemble_elites(g->m, &w->model, next, samples, obs, act, rows, draw);
}
