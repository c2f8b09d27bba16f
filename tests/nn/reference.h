/* reference.h - networks once more, in double and plain loops, and slopes by central differences.
 */
#ifndef TESTS_NN_REFERENCE_H
#define TESTS_NN_REFERENCE_H

#include "nn/matrix.h"
#include "nn/mlp.h"

enum { REF_WIDTH = 256 };

typedef struct ref_net {
  int layers, size[MLP_LAYERS + 1];
  mlp_activation activation;
  double *w[MLP_LAYERS], *b[MLP_LAYERS]; /* [out,in], [out] */
  double kink; /* ReLU: the least |input| of all that a hidden unit has seen */
} ref_net;

static inline double *doubles(size_t n)
{
  double *x = calloc(n ? n : 1, sizeof *x);
  assert_non_null(x);
  return x;
}

/* A block shaped like n's parameters (gradients, moments, weights) as a network of that shape. */
static inline mlp mlp_view(const mlp *n, float *block)
{
  mlp view = *n;
  arena a = {.base = (char *)block, .cap = n->size * sizeof *block};
  mlp_layout(&view, &a);
  return view;
}

static inline ref_net ref_of(const mlp *n)
{
  ref_net r = {.layers = n->layers, .activation = n->activation, .kink = INFINITY};
  for (int i = 0; i < n->layers; i++) {
    const mlp_layer *l = &n->layer[i];
    int size = l->in * l->out;
    assert_true(l->in <= REF_WIDTH && l->out <= REF_WIDTH);
    float *w = floats(size), *b = floats(l->out);
    mlp_get(n, i, w, b);
    r.size[i] = l->in, r.size[i + 1] = l->out;
    r.w[i] = doubles((size_t)size), r.b[i] = doubles((size_t)l->out);
    for (int k = 0; k < size; k++) r.w[i][k] = (double)w[k];
    for (int k = 0; k < l->out; k++) r.b[i][k] = (double)b[k];
    free(w), free(b);
  }
  return r;
}

static inline void ref_free(ref_net *r)
{
  for (int i = 0; i < r->layers; i++) free(r->w[i]), free(r->b[i]);
}

/* y [out] of x [in]. */
static inline void ref_forward(ref_net *r, double *y, const double *x)
{
  double h[2][REF_WIDTH];
  const double *in = x;
  for (int i = 0; i < r->layers; i++) {
    bool hidden = i < r->layers - 1;
    double *out = hidden ? h[i % 2] : y;
    for (int o = 0; o < r->size[i + 1]; o++) {
      double z = r->b[i][o];
      for (int k = 0; k < r->size[i]; k++) z += r->w[i][o * r->size[i] + k] * in[k];
      if (hidden && r->activation == MLP_RELU) r->kink = fmin(r->kink, fabs(z));
      if (hidden) z = r->activation == MLP_RELU ? fmax(z, 0.0) : z / (1.0 + exp(-z));
      out[o] = z;
    }
    in = out;
  }
}

/* dL/d*at; error h^2/6 L''' + 1e-16 L / h. */
static inline double slope(double (*loss)(void *ctx), void *ctx, double *at, double h)
{
  double was = *at;
  *at = was + h;
  double up = loss(ctx);
  *at = was - h;
  double down = loss(ctx);
  *at = was;
  return (up - down) / (2.0 * h);
}

#endif
