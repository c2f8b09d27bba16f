/* imagine.c - see imagine.h. */
#include "model/imagine.h"

#include <assert.h>
#include <stdlib.h>

void imagine_work_layout(imagine_work *w, const imagine *g, arena *a)
{
  ensemble_work_layout(&w->model, g->m, a);
}

static void layout(imagined *s, size_t n, arena *a)
{
  s->obs = arena_bytes(a, n * sizeof *s->obs), s->act = arena_bytes(a, n * sizeof *s->act);
  s->next = arena_bytes(a, n * sizeof *s->next);
  s->rew = arena_floats(a, n), s->u = arena_floats(a, n);
  s->done = arena_bytes(a, n);
}

mopo_status imagined_create(imagined **out, const imagine *g, int rows, mopo_error *err)
{
  *out = NULL;
  imagined *s = calloc(1, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "imagined step: no memory");
  layout(s, (size_t)rows, &s->memory);
  if (!arena_alloc(&s->memory)) {
    imagined_free(s);
    return error_set(err, MOPO_ENOMEM, "imagined step: no memory for %d rows", rows);
  }
  layout(s, (size_t)rows, &s->memory);
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

void imagine_rows(const imagine *g, imagine_work *w, int thread, imagined *s, int r0, int rows,
                  const ensemble_draw *draw)
{
  const float *const *obs = s->obs + r0, *const *act = s->act + r0;
  ensemble_step(g->m, &w->model, s->next + r0, s->rew + r0, s->u + r0, obs, act, rows, g->penalty,
                draw);
  if (!g->penalty->simulator) return;
  assert(g->measure);
  g->measure(g->ctx, thread, s->u + r0, g->m, &w->model, obs, act, rows);
}

mopo_status imagine_judge(const imagine *g, imagined *s, int rows, mopo_error *err)
{
  (void)g;
  return task_judge(s->scratch, s->done, s->rew, s->obs, s->act, s->next, rows, err);
}

float imagine_cost(const imagine *g, float u) { return (float)g->coef * u; }

void imagine_elites(const imagine *g, imagine_work *w, float *next, int samples,
                    const float *const *obs, const float *const *act, int rows,
                    const ensemble_draw *draw)
{
  ensemble_elites(g->m, &w->model, next, samples, obs, act, rows, draw);
}
