/* ensemble.c - see ensemble.h. */
#include "model/ensemble.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"

static int padded(int n) { return (n + PANEL - 1) / PANEL * PANEL; }

static void layout(ensemble *m, arena *a)
{
  for (int e = 0; e < m->set.members; e++) mlp_layout(&m->net[e], a);
  size_t in = (size_t)padded(m->S + m->A), D = (size_t)m->padded_D, D2 = (size_t)padded(2 * m->D);
  m->max = arena_floats(a, D), m->min = arena_floats(a, D);
  m->mean = arena_floats(a, in), m->inverse_std = arena_floats(a, in);
  m->std = arena_floats(a, in);
  m->known = arena_floats(a, (size_t)m->set.members * (size_t)m->D);
  m->ea = arena_floats(a, D2), m->eb = arena_floats(a, D2);
}

static mopo_status check(const ensemble_settings *s, int D, mopo_error *err)
{
  if (s->members < 1 || s->members > ENSEMBLE_MAX)
    return error_set(err, MOPO_EINVAL, "members = %d, want 1 to %d", s->members, ENSEMBLE_MAX);
  if (s->elites < 1 || s->elites > s->members)
    return error_set(err, MOPO_EINVAL, "elites = %d, want 1 to members = %d", s->elites,
                     s->members);
  if (s->layers < 1 || s->layers >= MLP_LAYERS)
    return error_set(err, MOPO_EINVAL, "model-layers = %d, want 1 to %d", s->layers,
                     MLP_LAYERS - 1);
  if (D > GAUSS_MAX)
    return error_set(err, MOPO_EINVAL, "observations of %d numbers, want at most %d", D - 1,
                     GAUSS_MAX - 1);
  return MOPO_OK;
}

mopo_status ensemble_create(ensemble **out, const ensemble_settings *set, int S, int A, rng_key key,
                            mopo_error *err)
{
  *out = NULL;
  mopo_status st = check(set, S + 1, err);
  if (st != MOPO_OK) return st;
  ensemble *m = calloc(1, sizeof *m);
  if (!m) return error_set(err, MOPO_ENOMEM, "model: no memory");
  m->set = *set;
  m->S = S, m->A = A, m->D = S + 1, m->padded_D = padded(m->D);
  int sizes[MLP_LAYERS + 1] = {S + A};
  for (int i = 1; i <= set->layers; i++) sizes[i] = set->hidden;
  sizes[set->layers + 1] = 2 * m->D;
  for (int e = 0; e < set->members; e++)
    mlp_shape(&m->net[e], kernels_best(), set->layers + 1, sizes, MLP_SWISH);
  layout(m, &m->memory);
  if (!arena_alloc(&m->memory)) {
    free(m);
    return error_set(err, MOPO_ENOMEM, "model: no memory for %d networks", set->members);
  }
  layout(m, &m->memory);
  for (int e = 0; e < set->members; e++) {
    mlp_initialise(&m->net[e], MLP_TRUNCATED, rng_index(key, (uint64_t)e));
    m->elite[e] = e;
  }
  for (int d = 0; d < m->D; d++) m->max[d] = 0.5f, m->min[d] = -10.0f;
  for (int i = 0; i < S + A; i++) m->std[i] = m->inverse_std[i] = 1.0f;
  ensemble_bounds_changed(m);
  *out = m;
  return MOPO_OK;
}

void ensemble_free(ensemble *m)
{
  if (!m) return;
  units_free(m->units);
  free(m->memory.base);
  free(m);
}

void ensemble_bounds_changed(ensemble *m)
{
  for (int i = 0; i < padded(2 * m->D); i++) {
    bool variance = i >= m->D && i < 2 * m->D;
    m->ea[i] = variance ? fm_exp(m->min[i - m->D]) : 0.0f;
    m->eb[i] = variance ? fm_exp(-m->max[i - m->D]) : INFINITY;
  }
}

void ensemble_set_scaler(ensemble *m, const scaler *s)
{
  assert(s->D == m->S + m->A);
  for (int i = 0; i < s->D; i++) {
    m->mean[i] = s->mean[i];
    m->std[i] = s->std[i];
    m->inverse_std[i] = 1.0f / s->std[i];
  }
}

mopo_status ensemble_set_units(ensemble *m, const units *s, mopo_error *err)
{
  assert(s->S == m->S);
  units_free(m->units);
  m->units = NULL;
  return units_copy(&m->units, s, err);
}

/* ------------------------------------------------------------------ one imagined step */

void ensemble_work_layout(ensemble_work *w, const ensemble *m, arena *a)
{
  const mlp *net = &m->net[0];
  size_t R = ENSEMBLE_ROWS;
  w->keep = false;
  w->input = panels_layout(a, ENSEMBLE_ROWS, m->S + m->A);
  mlp_acts_layout(&w->acts, net, a, ENSEMBLE_ROWS, false);
  w->acts.h[0] = w->input;
  /* Two hidden buffers in turn are enough on the way forward, and stay in cache. */
  for (int i = 3; i < net->layers; i++) w->acts.h[i] = w->acts.h[i - 2];
  w->means = arena_floats(a, (size_t)m->set.members * R * (size_t)m->D);
  w->chosen = arena_floats(a, R * (size_t)padded(2 * m->D));
  w->norm2 = arena_floats(a, (size_t)m->set.members * R);
  w->noise = arena_floats(a, R * (size_t)((m->D + 3) & ~3) + 4 * PANEL);
}

void ensemble_input(const ensemble *m, panels x, int r0, const float *const *obs,
                    const float *const *act, int rows)
{
  for (int c = 0; c < m->S + m->A; c++) {
    float mean = m->mean[c], scale = m->inverse_std[c];
    float *to = x.x + (size_t)(c / PANEL) * x.stride + (size_t)r0 * PANEL + (size_t)(c % PANEL);
    const float *const *from = c < m->S ? obs : act;
    int k = c < m->S ? c : c - m->S;
    for (int r = 0; r < rows; r++) to[r * PANEL] = (from[r][k] - mean) * scale;
  }
}

void ensemble_targets(const ensemble *m, float *y, const float *row, const row_layout *at)
{
  y[0] = row[at->rew];
  for (int i = 0; i < m->S; i++) y[1 + i] = row[at->next + i] - row[i];
  const units *s = m->units;
  for (int d = 0; s && d < m->D; d++) {
    float x = fmaxf(s->step_low[d], fminf(s->step_high[d], y[d]));
    y[d] = s->step_spread[d] > 0.0f ? (x - s->step_mean[d]) / s->step_spread[d] : 0.0f;
  }
}

static void keep_means(const ensemble *m, ensemble_work *w, panels out, int e, int rows)
{
  float *to = w->means + (size_t)e * ENSEMBLE_ROWS * (size_t)m->D;
  for (int d = 0; d < m->D; d++) {
    const float *from = out.x + (size_t)(d / PANEL) * out.stride + (size_t)(d % PANEL);
    bool still = ensemble_is_still(m, d);
    for (int r = 0; r < rows; r++) to[r * m->D + d] = still ? 0.0f : from[r * PANEL];
  }
}

static void keep_chosen(const ensemble *m, ensemble_work *w, panels out, int e, int rows)
{
  int width = padded(2 * m->D);
  for (int r = 0; r < rows; r++) {
    if (w->member[r] != e) continue;
    for (int c = 0; c < width; c += PANEL)
      memcpy(w->chosen + r * width + c,
             out.x + (size_t)(c / PANEL) * out.stride + (size_t)r * PANEL, PANEL * sizeof(float));
  }
}

static void draw_members(const ensemble *m, ensemble_work *w, int rows, const ensemble_draw *d)
{
  for (int r = 0; r < rows; r++) {
    uint32_t x[4];
    rng_block(x, d->member, d->hi, d->r0 + (uint64_t)r);
    w->member[r] = m->elite[rng_word_below(x[0], x[1], (uint64_t)m->set.elites)];
  }
}

/* Of a model in scaled units || sigma ||^2 counts what is more than the log's own noise, output by
 * output, as the member has it on average: a column that is noise says nothing of how well a row is
 * known. */
static void surprise(const ensemble *m, int e, float *norm2, panels out, int rows)
{
  for (int r = 0; r < rows; r++) {
    float sum = 0.0f;
    for (int d = 0; d < m->D; d++) {
      if (ensemble_is_still(m, d)) continue;
      int c = m->D + d;
      float var = out.x[(size_t)(c / PANEL) * out.stride + (size_t)(r * PANEL + c % PANEL)];
      float more = var - m->known[e * m->D + d];
      sum += more > 0.0f || isnan(more) ? more : 0.0f;
    }
    norm2[r] = sum;
  }
}

/* Outputs of every member, one after the other; of each only what is needed stays. */
static void predict(const ensemble *m, ensemble_work *w, int rows, bool means)
{
  for (int e = 0; e < m->set.members; e++) {
    const mlp *net = &m->net[e];
    mlp_forward(net, &w->acts, 0, rows, false);
    panels out = w->acts.h[net->layers];
    float *norm2 = w->norm2 + e * ENSEMBLE_ROWS;
    net->k->gauss_var(out, norm2, m->ea, m->eb, rows, m->D);
    if (m->units) surprise(m, e, norm2, out, rows);
    if (means) keep_means(m, w, out, e, rows);
    keep_chosen(m, w, out, e, rows);
  }
}

static void measure(const ensemble *m, const ensemble_work *w, float *u, int rows,
                    const penalty_type *kind)
{
  size_t D = (size_t)m->D;
  for (int r = 0; r < rows; r++) {
    member_outputs said = {w->means + (size_t)r * D, w->norm2 + r, ENSEMBLE_ROWS * D, ENSEMBLE_ROWS,
                           m->set.members,           m->D};
    u[r] = kind->measure ? kind->measure(&said) : 0.0f;
  }
}

/* Output d in the units of observations and reward. */
static float step_of(const ensemble *m, int d, float y)
{
  return m->units ? m->units->step_mean[d] + m->units->step_spread[d] * y : y;
}

void ensemble_step(const ensemble *m, ensemble_work *w, float *const *next, float *rew, float *u,
                   const float *const *obs, const float *const *act, int rows,
                   const penalty_type *kind, const ensemble_draw *draw)
{
  assert(rows <= ENSEMBLE_ROWS);
  int D = m->D, D4 = (D + 3) & ~3, width = padded(2 * D);
  ensemble_input(m, w->input, 0, obs, act, rows);
  draw_members(m, w, rows, draw);
  predict(m, w, rows, kind->compares || kind->simulator || w->keep);
  m->net[0].k->normals(w->noise, (size_t)(rows * D4), draw->noise.k[0], draw->noise.k[1], draw->hi,
                       draw->r0 * (uint64_t)D4);
  for (int r = 0; r < rows; r++) {
    const float *mean = w->chosen + r * width, *var = mean + D, *z = w->noise + r * D4;
    rew[r] = step_of(m, 0, mean[0] + sqrtf(var[0]) * z[0]);
    for (int d = 1; d < D; d++)
      next[r][d - 1] = obs[r][d - 1] + step_of(m, d, mean[d] + sqrtf(var[d]) * z[d]);
  }
  measure(m, w, u, rows, kind);
}

void ensemble_predict(const ensemble *m, ensemble_work *w, float *mean, float *std, int member,
                      const float *const *obs, const float *const *act, int rows)
{
  assert(rows <= ENSEMBLE_ROWS && member >= 0 && member < m->set.members);
  const mlp *net = &m->net[member];
  ensemble_input(m, w->input, 0, obs, act, rows);
  mlp_forward(net, &w->acts, 0, rows, false);
  panels out = w->acts.h[net->layers];
  net->k->gauss_var(out, w->norm2, m->ea, m->eb, rows, m->D);
  for (int r = 0; r < rows; r++)
    for (int d = 0; d < m->D; d++) {
      const int v = m->D + d;
      const float *x = out.x + (size_t)r * PANEL;
      float y = x[(size_t)(d / PANEL) * out.stride + (size_t)(d % PANEL)];
      float var = x[(size_t)(v / PANEL) * out.stride + (size_t)(v % PANEL)];
      mean[r * m->D + d] = step_of(m, d, y) + (d ? obs[r][d - 1] : 0.0f);
      if (std) std[r * m->D + d] = sqrtf(var) * (m->units ? m->units->step_spread[d] : 1.0f);
    }
}

/* One sample for each row from the outputs of the network that went through last. */
static void sample_next(const ensemble *m, const ensemble_work *w, panels out, float *next,
                        const float *const *obs, int rows)
{
  int D4 = (m->D + 3) & ~3;
  for (int d = 1; d < m->D; d++) {
    int v = m->D + d;
    const float *mean = out.x + (size_t)(d / PANEL) * out.stride + (size_t)(d % PANEL);
    const float *var = out.x + (size_t)(v / PANEL) * out.stride + (size_t)(v % PANEL);
    for (int r = 0; r < rows; r++) {
      float step = mean[r * PANEL] + sqrtf(var[r * PANEL]) * w->noise[r * D4 + d];
      next[r * m->S + d - 1] = obs[r][d - 1] + step_of(m, d, step);
    }
  }
}

void ensemble_elites(const ensemble *m, ensemble_work *w, float *next, int samples,
                     const float *const *obs, const float *const *act, int rows,
                     const ensemble_draw *draw)
{
  assert(rows <= ENSEMBLE_ROWS);
  size_t block = (size_t)rows * (size_t)m->S, D4 = (size_t)((m->D + 3) & ~3);
  ensemble_input(m, w->input, 0, obs, act, rows);
  for (int i = 0; i < m->set.elites; i++) {
    const mlp *net = &m->net[m->elite[i]];
    mlp_forward(net, &w->acts, 0, rows, false);
    panels out = w->acts.h[net->layers];
    net->k->gauss_var(out, w->norm2, m->ea, m->eb, rows, m->D);
    for (int k = 0; k < samples; k++, next += block) {
      rng_key key = rng_index(draw->noise, (uint64_t)(i * samples + k));
      net->k->normals(w->noise, (size_t)rows * D4, key.k[0], key.k[1], draw->hi, draw->r0 * D4);
      sample_next(m, w, out, next, obs, rows);
    }
  }
}

void ensemble_means(const ensemble *m, ensemble_work *w, const float *const *obs,
                    const float *const *act, int rows)
{
  assert(rows <= ENSEMBLE_ROWS);
  ensemble_input(m, w->input, 0, obs, act, rows);
  for (int r = 0; r < rows; r++) w->member[r] = -1; /* no row samples */
  predict(m, w, rows, true);
}

void ensemble_mean(const ensemble *m, const ensemble_work *w, float *next, const float *obs, int r)
{
  size_t member = (size_t)ENSEMBLE_ROWS * (size_t)m->D;
  const float *means = w->means + (size_t)r * (size_t)m->D;
  for (int d = 1; d < m->D; d++) {
    float sum = 0.0f;
    for (int i = 0; i < m->set.elites; i++) sum += means[(size_t)m->elite[i] * member + (size_t)d];
    next[d - 1] = obs[d - 1] + step_of(m, d, sum / (float)m->set.elites);
  }
}
