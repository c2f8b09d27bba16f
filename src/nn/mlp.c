/* mlp.c - see mlp.h. */
#include "nn/mlp.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static int padded(int n) { return (n + PANEL - 1) / PANEL * PANEL; }

/* Floats of a layer's weights. */
static size_t weights(const mlp_layer *l)
{
  if (l->single) return (size_t)padded(l->in);
  return (size_t)padded(l->out) * (size_t)l->in;
}

void mlp_shape(mlp *n, const kernels *k, int layers, const int *sizes, mlp_activation activation)
{
  assert(layers >= 1 && layers <= MLP_LAYERS);
  *n = (mlp){.layers = layers, .activation = activation, .k = k};
  for (int i = 0; i < layers; i++) {
    bool single = i == layers - 1 && sizes[i + 1] == 1;
    n->layer[i] = (mlp_layer){.in = sizes[i], .out = sizes[i + 1], .single = single};
    n->size += weights(&n->layer[i]) + (size_t)padded(sizes[i + 1]);
  }
}

void mlp_layout(mlp *n, arena *a) { mlp_place(n, arena_floats(a, n->size)); }

void mlp_place(mlp *n, float *params)
{
  n->params = params;
  size_t at = 0;
  for (int i = 0; i < n->layers; i++) {
    mlp_layer *l = &n->layer[i];
    l->w = n->params ? n->params + at : NULL;
    at += weights(l);
    l->b = n->params ? n->params + at : NULL;
    at += (size_t)padded(l->out);
  }
}

/* Of a vector the vector itself serves. */
void mlp_layout_transposes(mlp *n, arena *a)
{
  for (int i = 0; i < n->layers; i++) {
    mlp_layer *l = &n->layer[i];
    l->wt = l->single ? l->w : arena_floats(a, (size_t)padded(l->in) * (size_t)padded(l->out));
  }
}

/* An odd number of cache lines from panel to panel: panels of 256 rows would otherwise fall on the
 * same sets of the cache. */
panels panels_layout(arena *a, int rows, int cols)
{
  size_t stride = (size_t)rows * PANEL + PANEL;
  return (panels){arena_floats(a, stride * (size_t)(padded(cols) / PANEL)), stride};
}

void mlp_acts_layout(mlp_acts *s, const mlp *n, arena *a, int rows, bool learns)
{
  s->h[0] = panels_layout(a, rows, n->layer[0].in);
  for (int i = 0; i < n->layers; i++) {
    s->h[i + 1] = panels_layout(a, rows, n->layer[i].out);
    s->d[i] = (panels){0};
    if (learns && n->activation == MLP_SWISH && i < n->layers - 1)
      s->d[i] = panels_layout(a, rows, n->layer[i].out);
  }
}

void mlp_grads_layout(mlp_grads *s, const mlp *n, arena *a, int rows)
{
  for (int i = 0; i < n->layers; i++) s->g[i] = panels_layout(a, rows, n->layer[i].out);
}

/* ------------------------------------------------------------- parameters */

static size_t weight_at(const mlp_layer *l, int in, int out)
{
  if (l->single) return (size_t)in;
  return ((size_t)(out / PANEL) * (size_t)l->in + (size_t)in) * PANEL + (size_t)(out % PANEL);
}

static float draw(mlp_init scheme, const mlp_layer *l, rng_stream *r, bool bias)
{
  float fan = (float)l->in;
  if (scheme == MLP_FAN_IN) return (2.0f * rng_uniform(r) - 1.0f) / sqrtf(fan);
  if (bias) return 0.0f;
  if (scheme == MLP_TRUNCATED) return rng_truncated_normal(r) / (2.0f * sqrtf(fan));
  return (2.0f * rng_uniform(r) - 1.0f) * sqrtf(6.0f / (fan + (float)l->out));
}

void mlp_initialise(mlp *n, mlp_init scheme, rng_key key)
{
  memset(n->params, 0, n->size * sizeof(float));
  for (int i = 0; i < n->layers; i++) {
    mlp_layer *l = &n->layer[i];
    rng_stream r = rng_stream_of(rng_index(key, (uint64_t)i));
    for (int o = 0; o < l->out; o++)
      for (int k = 0; k < l->in; k++) l->w[weight_at(l, k, o)] = draw(scheme, l, &r, false);
    for (int o = 0; o < l->out; o++) l->b[o] = draw(scheme, l, &r, true);
  }
  mlp_transpose(n);
}

void mlp_get(const mlp *n, int i, float *w, float *b)
{
  const mlp_layer *l = &n->layer[i];
  for (int o = 0; o < l->out; o++)
    for (int k = 0; k < l->in; k++)
      w[(size_t)o * (size_t)l->in + (size_t)k] = l->w[weight_at(l, k, o)];
  memcpy(b, l->b, (size_t)l->out * sizeof(float));
}

void mlp_set(mlp *n, int i, const float *w, const float *b)
{
  mlp_layer *l = &n->layer[i];
  for (int o = 0; o < l->out; o++)
    for (int k = 0; k < l->in; k++)
      l->w[weight_at(l, k, o)] = w[(size_t)o * (size_t)l->in + (size_t)k];
  memcpy(l->b, b, (size_t)l->out * sizeof(float));
  mlp_transpose(n);
}

static void transpose_panel(const mlp *n, const mlp_layer *l, int p)
{
  if (!l->wt || l->wt == l->w) return;
  n->k->transpose(l->wt, (size_t)PANEL * (size_t)padded(l->out),
                  l->w + (size_t)p * PANEL * (size_t)l->in, p, l->in);
}

void mlp_transpose(mlp *n)
{
  for (int i = 0; i < n->layers; i++)
    for (int p = 0; p * PANEL < n->layer[i].out; p++) transpose_panel(n, &n->layer[i], p);
}

void mlp_piece_transpose(mlp *n, int piece)
{
  mlp_piece at = mlp_piece_at(n, piece);
  for (int p = 0; p < at.panels; p++) transpose_panel(n, &n->layer[at.layer], at.panel + p);
}

void mlp_fold_input(const mlp *to, const mlp *from, const float *shift, const float *scale)
{
  memcpy(to->params, from->params, to->size * sizeof(float));
  const mlp_layer *x = &from->layer[0], *y = &to->layer[0];
  for (int o = 0; o < x->out; o++) {
    double b = (double)x->b[o];
    for (int k = 0; k < x->in; k++) {
      size_t at = weight_at(x, k, o);
      y->w[at] = x->w[at] * scale[k];
      b -= (double)y->w[at] * (double)shift[k];
    }
    y->b[o] = (float)b;
  }
}

void mlp_copy(mlp *to, const mlp *from)
{
  assert(to->size == from->size);
  memcpy(to->params, from->params, to->size * sizeof(float));
  mlp_transpose(to);
}

/* ------------------------------------------------------------- forward and back */

static panels from_row(panels x, int r0)
{
  return (panels){x.x ? x.x + (size_t)r0 * PANEL : NULL, x.stride};
}

static panels panel_of(panels x, size_t p)
{
  return (panels){x.x ? x.x + p * x.stride : NULL, x.stride};
}

static panels weights_of(const mlp_layer *l)
{
  return (panels){l->w, (size_t)PANEL * (size_t)l->in};
}

/* [out,in], in panels of padded(out) rows. */
static panels transpose_of(const mlp_layer *l)
{
  return (panels){l->wt, (size_t)PANEL * (size_t)(l->single ? 1 : padded(l->out))};
}

void mlp_forward(const mlp *n, mlp_acts *s, int r0, int rows, bool back)
{
  for (int i = 0; i < n->layers; i++) {
    const mlp_layer *l = &n->layer[i];
    panels x = from_row(s->h[i], r0), y = from_row(s->h[i + 1], r0), d = {0};
    epilogue ep = EP_NONE;
    if (i < n->layers - 1) {
      ep = n->activation == MLP_RELU ? EP_RELU : back ? EP_SWISH_GRAD : EP_SWISH;
      if (ep == EP_SWISH_GRAD) d = from_row(s->d[i], r0);
    }
    if (l->single)
      n->k->dot(y.x, x, l->w, l->b[0], rows, l->in);
    else
      n->k->gemm(y, x, weights_of(l), l->b, d, ep, rows, l->in, l->out);
  }
}

/* y = the columns c0 .. c1-1 (c0 the first of a panel) of x times the transpose. */
static void times_transpose(const mlp *n, const mlp_layer *l, panels y, panels x, panels aux,
                            epilogue ep, int rows, int c0, int c1)
{
  size_t p = (size_t)(c0 / PANEL);
  panels wt = panel_of(transpose_of(l), p);
  n->k->gemm(panel_of(y, p), x, wt, NULL, panel_of(aux, p), ep, rows, l->out, c1 - c0);
}

void mlp_backward(const mlp *n, const mlp_acts *s, mlp_grads *g, int r0, int rows)
{
  for (int i = n->layers - 1; i > 0; i--) {
    const mlp_layer *l = &n->layer[i];
    bool relu = n->activation == MLP_RELU;
    panels aux = from_row(relu ? s->h[i] : s->d[i - 1], r0);
    times_transpose(n, l, from_row(g->g[i - 1], r0), from_row(g->g[i], r0), aux,
                    relu ? EP_IF_POS : EP_TIMES, rows, 0, l->in);
  }
}

void mlp_backward_input(const mlp *n, panels dx, const mlp_grads *g, int r0, int rows, int c0,
                        int c1)
{
  int end = padded(c1) < n->layer[0].in ? padded(c1) : n->layer[0].in;
  times_transpose(n, &n->layer[0], from_row(dx, r0), from_row(g->g[0], r0), (panels){0}, EP_NONE,
                  rows, c0 / PANEL * PANEL, end);
}

/* ------------------------------------------------------------- pieces of an update */

/* Of an odd number of panels the last piece has three. */
static int pieces_of(const mlp_layer *l)
{
  int pieces = padded(l->out) / PANEL / PIECE;
  return pieces > 1 ? pieces : 1;
}

int mlp_pieces(const mlp *n)
{
  int pieces = 0;
  for (int i = 0; i < n->layers; i++) pieces += pieces_of(&n->layer[i]);
  return pieces;
}

mlp_piece mlp_piece_at(const mlp *n, int piece)
{
  int i = 0;
  while (piece >= pieces_of(&n->layer[i])) piece -= pieces_of(&n->layer[i++]);
  const mlp_layer *l = &n->layer[i];
  int p = piece * PIECE, left = padded(l->out) / PANEL - p,
      count = left <= PIECE + 1 ? left : PIECE;
  size_t size = l->single ? (size_t)padded(l->in) : (size_t)PANEL * (size_t)l->in;
  return (mlp_piece){.layer = i,
                     .panel = p,
                     .panels = count,
                     .w = l->w + (size_t)p * size,
                     .b = l->b + p * PANEL,
                     .w_size = (size_t)count * size,
                     .b_size = (size_t)(count * PANEL)};
}

void mlp_piece_gradient(const mlp *n, int piece, float *dw, float *db, const mlp_acts *s,
                        const mlp_grads *g, int rows)
{
  mlp_piece at = mlp_piece_at(n, piece);
  const mlp_layer *l = &n->layer[at.layer];
  panels x = s->h[at.layer], dy = g->g[at.layer];
  if (l->single) {
    memset(db, 0, at.b_size * sizeof(float));
    n->k->dot_wgrad(dw, db, x, dy.x, rows, l->in);
  } else {
    int left = l->out - at.panel * PANEL, most = at.panels * PANEL;
    n->k->wgrad((panels){dw, (size_t)PANEL * (size_t)l->in}, db, x, panel_of(dy, (size_t)at.panel),
                rows, l->in, left < most ? left : most);
  }
}

void mlp_gradient(const mlp *n, float *block, const mlp_acts *s, const mlp_grads *g, int rows)
{
  for (int i = 0; i < mlp_pieces(n); i++) {
    mlp_piece at = mlp_piece_at(n, i);
    mlp_piece_gradient(n, i, block + (at.w - n->params), block + (at.b - n->params), s, g, rows);
  }
}

size_t mlp_scratch(const mlp *n)
{
  size_t most = 0;
  for (int i = 0; i < n->layers; i++)
    if ((size_t)padded(n->layer[i].in) > most) most = (size_t)padded(n->layer[i].in);
  return (PIECE + 1) * (most * PANEL + PANEL);
}

void mlp_piece_apply(mlp *n, int piece, adam *o, adam_step step, const float *dw, const float *db,
                     mlp *target, float decay)
{
  mlp_piece at = mlp_piece_at(n, piece);
  size_t w = (size_t)(at.w - n->params), b = (size_t)(at.b - n->params);
  step.decay = decay;
  n->k->adam(at.w, o->m + w, o->v + w, dw, target ? target->params + w : NULL, (int)at.w_size,
             &step);
  step.decay = 0.0f;
  n->k->adam(at.b, o->m + b, o->v + b, db, target ? target->params + b : NULL, (int)at.b_size,
             &step);
  mlp_piece_transpose(n, piece);
}

void mlp_piece_update(mlp *n, int piece, adam *o, adam_step step, const mlp_acts *s,
                      const mlp_grads *g, int rows, mlp *target, float decay, float *scratch)
{
  size_t w_size = mlp_piece_at(n, piece).w_size;
  float *dw = scratch, *db = scratch + w_size;
  mlp_piece_gradient(n, piece, dw, db, s, g, rows);
  mlp_piece_apply(n, piece, o, step, dw, db, target, decay);
}

/* ------------------------------------------------------------- Adam */

void adam_layout(adam *o, arena *a, size_t size)
{
  o->m = arena_floats(a, size);
  o->v = arena_floats(a, size);
}

void adam_init(adam *o, double lr)
{
  o->lr = lr;
  o->beta1 = 0.9, o->beta2 = 0.999, o->eps = 1e-8;
  o->power1 = o->power2 = 1.0;
}

adam_step adam_next(adam *o)
{
  o->power1 *= o->beta1;
  o->power2 *= o->beta2;
  double root = sqrt(1.0 - o->power2);
  return (adam_step){.beta1 = (float)o->beta1,
                     .beta2 = (float)o->beta2,
                     .lr = (float)(o->lr * root / (1.0 - o->power1)),
                     .eps = (float)(o->eps * root)};
}
