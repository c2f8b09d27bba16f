/* actor.c - see actor.h. */
#include "agent/actor.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/fmath.h"

static float *at(panels x, int r, int c)
{
  return x.x + (size_t)(c / PANEL) * x.stride + (size_t)r * PANEL + (size_t)(c % PANEL);
}

void actor_shape(actor *p, const kernels *k, int S, int A, int hidden, int layers, float lo,
                 float hi)
{
  int sizes[MLP_LAYERS + 1] = {S};
  assert(layers < MLP_LAYERS);
  for (int i = 1; i <= layers; i++) sizes[i] = hidden;
  sizes[layers + 1] = 2 * A;
  *p = (actor){.S = S, .A = A, .lo = lo, .hi = hi};
  mlp_shape(&p->net, k, layers + 1, sizes, MLP_RELU);
}

void actor_work_layout(actor_work *w, const actor *p, arena *a, int R)
{
  w->R = (R + PANEL - 1) / PANEL * PANEL;
  size_t n = (size_t)p->A * (size_t)w->R;
  mlp_acts_layout(&w->acts, &p->net, a, w->R, false);
  w->mean = arena_floats(a, n), w->ls = arena_floats(a, n), w->std = arena_floats(a, n);
  w->act = arena_floats(a, n), w->eps = arena_floats(a, n);
  w->logp = arena_floats(a, (size_t)w->R);
  w->dact = arena_floats(a, n), w->dmean = arena_floats(a, n), w->dls = arena_floats(a, n);
}

void actor_noise(const actor *p, actor_work *w, rng_key key, uint64_t hi, int first, int B, int r0,
                 int rows)
{
  size_t n = (size_t)(rows + 3) & ~(size_t)3;
  for (int j = 0; j < p->A; j++)
    p->net.k->normals(w->eps + (size_t)j * (size_t)w->R, n, key.k[0], key.k[1], hi,
                      (uint64_t)(first + j) * (uint64_t)B + (uint64_t)r0);
}

static void get_columns(float *columns, panels x, int r0, int c0, int R, int rows, int n)
{
  for (int c = 0; c < n; c++) {
    const float *from = at(x, r0, c0 + c);
    for (int r = 0; r < rows; r++) columns[c * R + r] = from[r * PANEL];
  }
}

void actor_outputs(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows)
{
  panels out = acts->h[p->net.layers];
  get_columns(w->mean, out, r0, 0, w->R, rows, p->A);
  get_columns(w->ls, out, r0, p->A, w->R, rows, p->A);
}

void actor_head(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows)
{
  actor_outputs(p, w, acts, r0, rows);
  p->net.k->tanh_gauss(w->act, w->logp, w->std, w->mean, w->ls, w->eps, p->A, w->R, p->lo, p->hi);
}

void actor_put_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows)
{
  panels out = g->g[p->net.layers - 1];
  panels_put_columns(out, r0, 0, w->dmean, w->R, rows, p->A);
  panels_put_columns(out, r0, p->A, w->dls, w->R, rows, p->A);
}

void actor_sample_back(const actor *p, actor_work *w, float dlogp)
{
  p->net.k->tanh_gauss_back(w->dmean, w->dls, w->dact, dlogp, w->act, w->std, w->eps, p->A, w->R);
}

void actor_head_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows, float dlogp)
{
  actor_sample_back(p, w, dlogp);
  actor_put_back(p, w, g, r0, rows);
}

void actor_mean(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows)
{
  get_columns(w->mean, acts->h[p->net.layers], r0, 0, w->R, rows, p->A);
  p->net.k->tanh_gauss(w->act, NULL, NULL, w->mean, NULL, NULL, p->A, w->R, p->lo, p->hi);
}

void actor_mean_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows)
{
  for (int i = 0; i < p->A * w->R; i++) w->dmean[i] = w->dact[i] * (1.0f - w->act[i] * w->act[i]);
  panels_put_columns(g->g[p->net.layers - 1], r0, 0, w->dmean, w->R, rows, p->A);
}

void actor_fix_std(const mlp *net, int A, float ls)
{
  const mlp_layer *l = &net->layer[net->layers - 1];
  for (int o = A; o < 2 * A; o++) {
    float *w = l->w + (size_t)(o / PANEL) * (size_t)l->in * PANEL + o % PANEL;
    for (int k = 0; k < l->in; k++) w[k * PANEL] = 0.0f;
    l->b[o] = ls;
  }
}

void actor_likelihood(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows)
{
  const float edge = 1.0f - 1e-6f, half_log_2pi = 0.918938533f;
  actor_outputs(p, w, acts, r0, rows);
  for (int r = 0; r < rows; r++) w->logp[r] = 0.0f;
  for (int j = 0; j < p->A; j++)
    for (int r = 0; r < rows; r++) {
      int i = j * w->R + r;
      float a = w->act[i] > edge ? edge : w->act[i] < -edge ? -edge : w->act[i];
      float l = w->ls[i] < p->lo ? p->lo : w->ls[i] > p->hi ? p->hi : w->ls[i], std = fm_exp(l);
      float z = (0.5f * fm_log((1.0f + a) / (1.0f - a)) - w->mean[i]) / std;
      w->eps[i] = z;
      w->std[i] = w->ls[i] < p->lo || w->ls[i] > p->hi ? -std : std;
      w->logp[r] -= 0.5f * z * z + l + half_log_2pi + fm_log((1.0f + a) * (1.0f - a));
    }
}

void actor_likelihood_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows,
                           const float *dlogp)
{
  for (int j = 0; j < p->A; j++)
    for (int r = 0; r < rows; r++) {
      int i = j * w->R + r;
      w->dmean[i] = dlogp[r] * w->eps[i] / fabsf(w->std[i]);
      w->dls[i] = w->std[i] > 0.0f ? dlogp[r] * (w->eps[i] * w->eps[i] - 1.0f) : 0.0f;
    }
  actor_put_back(p, w, g, r0, rows);
}

void panels_put(panels x, int r0, int c0, const float *const *src, int offset, int rows, int n)
{
  for (int r = 0; r < rows; r++) {
    const float *from = src[r] + offset;
    for (int c = 0; c < n;) { /* up to the end of a panel at a time */
      int room = PANEL - (c0 + c) % PANEL, m = n - c < room ? n - c : room;
      memcpy(at(x, r0 + r, c0 + c), from + c, (size_t)m * sizeof(float));
      c += m;
    }
  }
}

void panels_put_columns(panels x, int r0, int c0, const float *columns, int R, int rows, int n)
{
  for (int c = 0; c < n; c++) {
    float *to = at(x, r0, c0 + c);
    for (int r = 0; r < rows; r++) to[r * PANEL] = columns[c * R + r];
  }
}

void actor_standardise(panels x, int r0, int rows, const float *shift, const float *scale, int S)
{
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < S; j++) {
      float *y = x.x + (size_t)(j / PANEL) * x.stride + (size_t)(r0 + r) * PANEL + j % PANEL;
      *y = (*y - shift[j]) * scale[j];
    }
}

void actor_act(const actor *p, actor_work *w, float *act, size_t act_stride, const float *obs,
               size_t obs_stride, int rows, const actor_noise_at *noise)
{
  assert(rows <= w->R);
  for (int r = 0; r < rows; r++) {
    const float *row = obs + (size_t)r * obs_stride;
    panels_put(w->acts.h[0], r, 0, &row, 0, 1, p->S);
  }
  if (p->shift) actor_standardise(w->acts.h[0], 0, rows, p->shift, p->scale, p->S);
  mlp_forward(&p->net, &w->acts, 0, rows, false);
  if (noise) {
    actor_noise(p, w, noise->key, noise->hi, 0, noise->B, noise->r0, rows);
    actor_head(p, w, &w->acts, 0, rows);
  } else {
    actor_mean(p, w, &w->acts, 0, rows);
  }
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < p->A; c++) act[(size_t)r * act_stride + (size_t)c] = w->act[c * w->R + r];
}
