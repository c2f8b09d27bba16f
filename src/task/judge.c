/* judge.c - does a step end the task, and what does it pay? */
#include "task/task.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct task_scratch {
  const mopo_task *task;
  int S, A, rows;
  float *obs, *act, *next; /* [rows,S] [rows,A] [rows,S], for callbacks */
  arena memory;
};

bool task_knows_ends(const mopo_task *task) { return task->facts.done; }
bool task_knows_reward(const mopo_task *task) { return task->facts.reward; }

bool task_done(const mopo_task *task, const float *obs, const float *act, const float *next)
{
  unsigned char done = 0;
  if (task->facts.done) task->facts.done(task->facts.ctx, &done, obs, act, next, 1);
  return done;
}

/* The rule of a built-in task reads a row where it lies. */
static bool calls_back(const mopo_task *t)
{
  return t->facts.reward || (t->facts.done && !t->body.ends);
}

static void layout(task_scratch *s, arena *a)
{
  size_t n = calls_back(s->task) ? (size_t)s->rows : 0;
  s->obs = arena_floats(a, n * (size_t)s->S);
  s->act = arena_floats(a, n * (size_t)s->A);
  s->next = arena_floats(a, n * (size_t)s->S);
}

mopo_status task_scratch_create(task_scratch **out, const mopo_task *task, int S, int A, int rows,
                                mopo_error *err)
{
  assert(rows > 0 && S > 0 && A > 0);
  assert(!task->facts.obs_dim || (task->facts.obs_dim == S && task->facts.act_dim == A));
  *out = NULL;
  task_scratch *s = calloc(1, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "%s: no memory for its rules", task->facts.name);
  s->task = task, s->S = S, s->A = A, s->rows = rows;
  layout(s, &s->memory);
  if (!arena_alloc(&s->memory)) {
    free(s);
    return error_set(err, MOPO_ENOMEM, "%s: no memory to judge %d rows", task->facts.name, rows);
  }
  layout(s, &s->memory);
  *out = s;
  return MOPO_OK;
}

void task_scratch_free(task_scratch *s)
{
  if (!s) return;
  free(s->memory.base);
  free(s);
}

static void gather(float *to, const float *const *from, int columns, int n)
{
  for (int i = 0; i < n; i++)
    memcpy(to + (size_t)i * (size_t)columns, from[i], (size_t)columns * sizeof *to);
}

static mopo_status check_done(const task_scratch *s, const unsigned char *done, int n,
                              mopo_error *err)
{
  for (int i = 0; i < n; i++)
    if (done[i] > 1)
      return error_set(err, MOPO_EDATA, "task %s: done says %d of row %d, want 0 or 1",
                       s->task->facts.name, done[i], i);
  return MOPO_OK;
}

static mopo_status check_reward(const task_scratch *s, const float *rew, int n, mopo_error *err)
{
  for (int i = 0; i < n; i++)
    if (!isfinite(rew[i]))
      return error_set(err, MOPO_EDATA, "task %s: reward says %g of row %d, want a finite number",
                       s->task->facts.name, (double)rew[i], i);
  return MOPO_OK;
}

mopo_status task_judge(task_scratch *s, unsigned char *done, float *rew, const float *const *obs,
                       const float *const *act, float *const *next, int n, mopo_error *err)
{
  const mopo_task *t = s->task;
  assert(n >= 0 && n <= s->rows);
  if (calls_back(t)) {
    gather(s->obs, obs, s->S, n);
    gather(s->act, act, s->A, n);
    gather(s->next, (const float *const *)next, s->S, n);
  }
  memset(done, 0, (size_t)n);
  if (t->body.ends)
    for (int i = 0; i < n; i++) done[i] = task_done(t, obs[i], act[i], next[i]);
  else if (t->facts.done) {
    t->facts.done(t->facts.ctx, done, s->obs, s->act, s->next, n);
    mopo_status st = check_done(s, done, n, err);
    if (st != MOPO_OK) return st;
  }
  if (!t->facts.reward) return MOPO_OK;
  t->facts.reward(t->facts.ctx, rew, s->obs, s->act, s->next, n);
  return check_reward(s, rew, n, err);
}
