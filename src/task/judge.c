/* judge.c - does a step end the task, and what does it pay? */
#include "task/task.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/finite.h"
#include "task/expression.h"

struct task_scratch {
  const mopo_task *task;
  int S, A, rows;
  float *obs, *act, *next; /* [rows,S] [rows,A] [rows,S], for callbacks */
  /* Of a task file: the numbers of a row, as its expressions see them, and the expressions. */
  double *values; /* [2S+A], S as in the log */
  expression *terminal, *reward, *limit;
  arena memory;
};

bool task_knows_ends(const mopo_task *task)
{
  return task->facts.done || (task->rules && task->rules->terminal);
}

bool task_knows_reward(const mopo_task *task)
{
  return task->facts.reward || (task->rules && task->rules->reward);
}

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
  const task_rules *r = s->task->rules;
  s->values = arena_bytes(a, r ? (2 * (size_t)r->S + (size_t)r->A) * sizeof *s->values : 0);
}

/* One of a file's expressions, if it has it. */
static mopo_status compile(expression **out, const task_scratch *s, const char *text, bool after,
                           int line, mopo_error *err)
{
  const task_rules *r = s->task->rules;
  mopo_error why;
  if (!text) return MOPO_OK;
  expression_names names = {r->obs, r->act, r->S, r->A, after};
  mopo_status st = expression_create(out, text, &names, s->values, &why);
  return st == MOPO_OK ? st : error_set(err, st, "%s:%d: %s", r->name, line, why.msg);
}

static mopo_status compile_all(task_scratch *s, mopo_error *err)
{
  const task_rules *r = s->task->rules;
  if (!r) return MOPO_OK;
  mopo_status st = compile(&s->terminal, s, r->terminal, true, r->terminal_line, err);
  if (st == MOPO_OK) st = compile(&s->reward, s, r->reward, false, r->reward_line, err);
  return st == MOPO_OK ? compile(&s->limit, s, r->limit, true, r->limit_line, err) : st;
}

mopo_status task_scratch_create(task_scratch **out, const mopo_task *task, int S, int A, int rows,
                                mopo_error *err)
{
  assert(rows > 0 && S > 0 && A > 0);
  assert(!task->facts.obs_dim || task->facts.act_dim == A);
  assert(!task->facts.obs_dim || task->facts.obs_dim == S || (task->rules && task->rules->S == S));
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
  mopo_status st = compile_all(s, err);
  if (st == MOPO_OK)
    *out = s;
  else
    task_scratch_free(s);
  return st;
}

void task_scratch_free(task_scratch *s)
{
  if (!s) return;
  expression_free(s->terminal);
  expression_free(s->reward);
  expression_free(s->limit);
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

/* ------------------------------------------------------------------ a task file's rules */

void task_round_actions(const mopo_task *task, float *act, size_t stride, int n)
{
  const task_rules *r = task->rules;
  for (int k = 0; r && k < r->A; k++)
    for (int i = 0; r->is_switch[k] && i < n; i++) {
      float *x = act + (size_t)i * stride + k;
      *x = *x >= 0.0f ? 1.0f : -1.0f;
    }
}

/* What was seen and done before is no guess: next [S'] is [after][obs, act][older ones of obs]. */
static void shift_history(const task_rules *r, float *next, const float *obs, const float *act)
{
  size_t S = (size_t)r->S, A = (size_t)r->A;
  memcpy(next + S, obs, S * sizeof *next);
  memcpy(next + 2 * S, act, A * sizeof *next);
  memcpy(next + 2 * S + A, obs + S, (size_t)(r->history - 2) * (S + A) * sizeof *next);
}

/* The numbers of a step in the log's units. */
static void set_values(task_scratch *s, const float *obs, const float *act, const float *next)
{
  const task_rules *r = s->task->rules;
  double *v = s->values;
  for (int k = 0; k < r->S; k++) *v++ = (double)obs[k];
  for (int k = 0; k < r->A; k++) {
    double low = r->ranges[2 * k], high = r->ranges[2 * k + 1];
    *v++ = low + (high - low) * ((double)act[k] + 1.0) / 2.0;
  }
  for (int k = 0; k < r->S; k++) *v++ = (double)next[k];
}

static bool keeps_limit(const task_scratch *s)
{
  double within = s->limit ? expression_value(s->limit) : 1.0;
  return !isnan(within) && within != 0.0;
}

bool task_within_limit(task_scratch *s, const float *obs, const float *act, const float *next)
{
  if (s->limit) set_values(s, obs, act, next);
  return keeps_limit(s);
}

void task_end_at_limit(mopo_task *task, float least)
{
  task->limit_ends = task->rules && task->rules->limit;
  task->least = least;
}

static void judge_by_file(task_scratch *s, unsigned char *done, float *rew, const float *const *obs,
                          const float *const *act, float *const *next, int n)
{
  const task_rules *r = s->task->rules;
  for (int i = 0; i < n; i++) {
    if (s->S != r->S) shift_history(r, next[i], obs[i], act[i]);
    set_values(s, obs[i], act[i], next[i]);
    if (s->terminal) { /* NaN is not 0 */
      bool ends = expression_value(s->terminal) != 0.0;
      done[i] = ends || !all_finite(next[i], (size_t)r->S);
    }
    if (s->reward) {
      float pays = (float)expression_value(s->reward);
      if (isfinite(pays))
        rew[i] = pays;
      else
        done[i] = 1; /* what follows, nobody can say */
    }
    if (s->task->limit_ends && !keeps_limit(s)) done[i] = 1, rew[i] = s->task->least;
  }
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
  if (t->rules) {
    judge_by_file(s, done, rew, obs, act, next, n);
    return MOPO_OK;
  }
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
