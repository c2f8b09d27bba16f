/* model.c - the model as an object of the caller's: what mopo.h offers on top of ensemble.h and
 * imagine.h. Rows go through the members in blocks, and to the task all at once; a draw belongs to
 * (seed, row). */
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ made and freed */

/* Room for steps of that many rows, as g takes them. */
static mopo_status make_room(mopo_model *m, const imagine *g, int rows, mopo_error *err)
{
  imagined *step = NULL;
  float *scaled = NULL;
  mopo_status st = imagined_create(&step, g, rows, err);
  if (st != MOPO_OK) return st;
  if (m->m->units) {
    scaled = malloc((size_t)rows * (size_t)m->m->S * sizeof *scaled);
    if (!scaled) {
      imagined_free(step);
      return error_set(err, MOPO_ENOMEM, "model: no memory for %d rows", rows);
    }
  }
  imagined_free(m->rows);
  free(m->scaled);
  m->rows = step, m->scaled = scaled, m->room = rows;
  return MOPO_OK;
}

/* Takes its steps for that task, by that penalty. */
static mopo_status use(mopo_model *m, const mopo_task *task, const char *penalty, mopo_error *err)
{
  const penalty_type *kind = NULL;
  const mopo_task_facts *f = &task->facts;
  mopo_status st = penalty_find(&kind, penalty, err);
  if (st != MOPO_OK) return st;
  if (kind->simulator)
    return error_set(err, MOPO_EINVAL, "penalty = %s: only a run has the simulator it asks",
                     kind->name);
  if ((f->obs_dim && f->obs_dim != m->m->S) || (f->act_dim && f->act_dim != m->m->A))
    return error_set(err, MOPO_EDATA, "task %s: %d observations, %d actions; the model has %d, %d",
                     f->name, f->obs_dim, f->act_dim, m->m->S, m->m->A);
  const imagine g = {.m = m->m,
                     .task = task,
                     .penalty = kind,
                     .margin = INFINITY,
                     .end = task_knows_ends(task) ? NULL : m->end};
  st = make_room(m, &g, m->room > ENSEMBLE_ROWS ? m->room : ENSEMBLE_ROWS, err);
  if (st == MOPO_OK) m->g = g;
  return st;
}

/* Whatever task it will be used for. */
static void layout(mopo_model *m, arena *a)
{
  imagine g = m->g;
  g.end = m->end;
  imagine_work_layout(&m->work, &g, a);
}

mopo_status model_of(mopo_model **out, ensemble *m, termination *end, const mopo_task *task,
                     const char *penalty, mopo_error *err)
{
  *out = NULL;
  mopo_model *model = calloc(1, sizeof *model);
  if (!model) {
    ensemble_free(m);
    termination_free(end);
    return error_set(err, MOPO_ENOMEM, "model: no memory");
  }
  model->m = m, model->end = end;
  mopo_status st = use(model, task, penalty, err);
  if (st == MOPO_OK) {
    layout(model, &model->memory);
    if (arena_alloc(&model->memory))
      layout(model, &model->memory);
    else
      st = error_set(err, MOPO_ENOMEM, "model: no memory");
  }
  if (st != MOPO_OK) {
    mopo_model_free(model);
    return st;
  }
  *out = model;
  return MOPO_OK;
}

void mopo_model_free(mopo_model *m)
{
  if (!m) return;
  imagined_free(m->rows);
  free(m->scaled);
  free(m->memory.base);
  termination_free(m->end);
  ensemble_free(m->m);
  free(m);
}

mopo_status mopo_model_load(mopo_model **out, const char *path, mopo_error *err)
{
  ensemble *m = NULL;
  termination *end = NULL;
  NOT_NULL(out);
  NOT_NULL(path);
  *out = NULL;
  mopo_status st = ensemble_load_with(&m, &end, path, err);
  return st == MOPO_OK ? model_of(out, m, end, task_none(), "aleatoric", err) : st;
}

mopo_status mopo_model_save(const mopo_model *m, const char *path, mopo_error *err)
{
  NOT_NULL(m);
  NOT_NULL(path);
  return ensemble_save_with(m->m, m->end, path, err);
}

mopo_status mopo_model_use(mopo_model *m, const mopo_task *task, const char *penalty,
                           mopo_error *err)
{
  NOT_NULL(m);
  return use(m, task ? task : m->g.task, penalty ? penalty : m->g.penalty->name, err);
}

int mopo_model_obs_dim(const mopo_model *m) { return m->m->S; }
int mopo_model_act_dim(const mopo_model *m) { return m->m->A; }
int mopo_model_members(const mopo_model *m) { return m->m->set.members; }
int mopo_model_elites(const mopo_model *m) { return m->m->set.elites; }

int mopo_model_elite(const mopo_model *m, int i)
{
  return i >= 0 && i < m->m->set.elites ? m->m->elite[i] : -1;
}

double mopo_model_holdout_mse(const mopo_model *m, int member)
{
  return member >= 0 && member < m->m->set.members ? m->m->holdout_mse[member] : (double)NAN;
}

/* ------------------------------------------------------------------ asked */

static mopo_status check_rows(const mopo_model *m, const float *obs, const float *act, int n,
                              mopo_error *err)
{
  const struct {
    const char *name;
    const float *x;
    int columns;
  } part[] = {{"obs", obs, m->m->S}, {"act", act, m->m->A}};
  if (n < 0) return error_set(err, MOPO_EINVAL, "n = %d rows, want 0 or more", n);
  for (size_t k = 0; k < sizeof part / sizeof *part; k++)
    for (size_t i = 0; i < (size_t)n * (size_t)part[k].columns; i++)
      if (!isfinite(part[k].x[i]))
        return error_set(err, MOPO_EDATA, "'%s' row %zu column %zu = %g, want a finite number",
                         part[k].name, i / (size_t)part[k].columns, i % (size_t)part[k].columns,
                         (double)part[k].x[i]);
  return MOPO_OK;
}

/* Points the step at rows b .. b + rows - 1, in the model's units. */
static void point_at(mopo_model *m, const float *obs, const float *act, int b, int rows)
{
  const size_t S = (size_t)m->m->S, A = (size_t)m->m->A;
  const units *scale = m->m->units;
  for (int r = 0; r < rows; r++) {
    const float *x = obs + (size_t)(b + r) * S;
    float *y = m->scaled + (size_t)r * S;
    if (scale) units_obs(scale, y, x);
    m->rows->obs[r] = scale ? y : x;
    m->rows->act[r] = act + (size_t)(b + r) * A;
  }
}

/* What the step has made of row r, from the model's units to the log's. */
static void back(const mopo_model *m, int r)
{
  const units *scale = m->m->units;
  imagined *s = m->rows;
  if (!scale) return;
  units_obs_back(scale, s->next[r], s->next[r]);
  s->rew[r] = (float)units_reward_back(scale, (double)s->rew[r]);
  s->u[r] *= scale->reward_spread;
}

static float end_of(const mopo_model *m, int r)
{
  if (m->g.end) return m->rows->chance[r];
  if (m->rows->done[r]) return 1.0f;
  return task_knows_ends(m->g.task) ? 0.0f : NAN;
}

mopo_status mopo_model_step(mopo_model *m, float *next, float *rew, float *end_probability,
                            float *u, const float *obs, const float *act, int n, uint64_t seed,
                            mopo_error *err)
{
  NOT_NULL(m);
  NOT_NULL(next);
  NOT_NULL(obs);
  NOT_NULL(act);
  mopo_status st = check_rows(m, obs, act, n, err);
  const rng_key key = rng_split(rng_seed(seed), "model step");
  ensemble_draw draw = {rng_split(key, "noise"), rng_split(key, "member"), 0, 0};
  if (st == MOPO_OK && n > m->room) st = make_room(m, &m->g, n, err);
  if (st != MOPO_OK || !n) return st;
  imagined *s = m->rows;
  point_at(m, obs, act, 0, n);
  for (int r = 0; r < n; r++) s->next[r] = next + (size_t)r * (size_t)m->m->S;
  for (int b = 0; b < n; b += ENSEMBLE_ROWS) {
    draw.r0 = (uint64_t)b;
    imagine_rows(&m->g, &m->work, 0, s, b, n - b < ENSEMBLE_ROWS ? n - b : ENSEMBLE_ROWS, &draw);
  }
  if ((st = imagine_judge(&m->g, s, n, err)) != MOPO_OK) return st;
  for (int r = 0; r < n; r++) back(m, r);
  if (rew) memcpy(rew, s->rew, (size_t)n * sizeof *rew);
  if (u) memcpy(u, s->u, (size_t)n * sizeof *u);
  for (int r = 0; end_probability && r < n; r++) end_probability[r] = end_of(m, r);
  return st;
}

/* mean, std [D] of a row (std may be NULL) from the model's units to the log's. */
static void said_back(const mopo_model *m, float *mean, float *std)
{
  const units *scale = m->m->units;
  if (!scale) return;
  mean[0] = (float)units_reward_back(scale, (double)mean[0]);
  units_obs_back(scale, mean + 1, mean + 1);
  for (int d = 0; std && d < m->m->D; d++)
    std[d] *= d ? scale->spread[d - 1] : scale->reward_spread;
}

mopo_status mopo_model_predict(mopo_model *m, float *mean, float *std, int member, const float *obs,
                               const float *act, int n, mopo_error *err)
{
  NOT_NULL(m);
  NOT_NULL(mean);
  NOT_NULL(obs);
  NOT_NULL(act);
  mopo_status st = check_rows(m, obs, act, n, err);
  if (st == MOPO_OK && (member < 0 || member >= m->m->set.members))
    st = error_set(err, MOPO_EINVAL, "member = %d, want 0 to %d", member, m->m->set.members - 1);
  const size_t D = (size_t)m->m->D;
  for (int b = 0; st == MOPO_OK && b < n; b += ENSEMBLE_ROWS) {
    int rows = n - b < ENSEMBLE_ROWS ? n - b : ENSEMBLE_ROWS;
    float *to = mean + (size_t)b * D, *spread = std ? std + (size_t)b * D : NULL;
    point_at(m, obs, act, b, rows);
    ensemble_predict(m->m, &m->work.model, to, spread, member, m->rows->obs, m->rows->act, rows);
    for (int r = 0; r < rows; r++)
      said_back(m, to + (size_t)r * D, spread ? spread + (size_t)r * D : NULL);
  }
  return st;
}
