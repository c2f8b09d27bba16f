/* fixture.h - what tests/oracle/torch_fixture.py wrote: arrays by name, networks by prefix. */
#ifndef TESTS_NN_FIXTURE_H
#define TESTS_NN_FIXTURE_H

#include "io/safetensors.h"
#include "nn/reference.h"

#include <stdio.h>

typedef struct fixture {
  tensor_file *file;
} fixture;

static inline fixture fixture_open(const char *path)
{
  fixture f;
  mopo_error e;
  assert_ok(tensor_file_open(&f.file, path, &e), e);
  return f;
}

static inline void fixture_close(fixture f) { tensor_file_free(f.file); }

/* n float32 values; fails the test if there are more or fewer. */
static inline const float *fixture_get(fixture f, const char *name, int n)
{
  const tensor *t = tensor_file_find(f.file, name);
  if (!t || t->type != TENSOR_F32 || tensor_count(t) != (size_t)n)
    fail_msg("fixture: no '%s' of %d values", name, n);
  return t->data;
}

static inline float fixture_number(fixture f, const char *name) { return *fixture_get(f, name, 1); }

/* prefix.<layer>.weight or .bias of a layer shaped like n's. */
static inline const float *fixture_layer(fixture f, const char *prefix, const mlp *n, int layer,
                                         bool bias)
{
  char name[64];
  const mlp_layer *l = &n->layer[layer];
  snprintf(name, sizeof name, "%s.%d.%s", prefix, layer, bias ? "bias" : "weight");
  return fixture_get(f, name, bias ? l->out : l->out * l->in);
}

static inline void fixture_set(mlp *n, fixture f, const char *prefix)
{
  for (int i = 0; i < n->layers; i++)
    mlp_set(n, i, fixture_layer(f, prefix, n, i, false), fixture_layer(f, prefix, n, i, true));
}

/* |got - want| <= error times the largest |want| of the array: a small sum of large terms is no
 * better known than they are. */
static inline void check_array(const char *what, const float *got, const float *want, int n,
                               double error)
{
  double most = 0.0;
  for (int i = 0; i < n; i++) most = fmax(most, fabs((double)want[i]));
  for (int i = 0; i < n; i++) check_near(what, (double)got[i], (double)want[i], error * most);
}

/* One layer's weights [out,in], then its biases. free() it. */
static inline float *layer_of(const mlp *n, int layer)
{
  const mlp_layer *l = &n->layer[layer];
  float *x = floats((l->in + 1) * l->out);
  mlp_get(n, layer, x, x + l->in * l->out);
  return x;
}

/* Every array of a block times `scale`, against prefix.<layer>.*. */
static inline void check_block(const mlp *n, float *block, double scale, fixture f,
                               const char *prefix, double error)
{
  mlp view = mlp_view(n, block);
  for (int i = 0; i < n->layers; i++) {
    int out = n->layer[i].out, size = n->layer[i].in * out;
    float *x = layer_of(&view, i);
    for (int k = 0; k < size + out; k++) x[k] = (float)(scale * (double)x[k]);
    check_array(prefix, x, fixture_layer(f, prefix, n, i, false), size, error);
    check_array(prefix, x + size, fixture_layer(f, prefix, n, i, true), out, error);
    free(x);
  }
}

/* One array after `steps` steps of Adam with moments m, v. A step is lr m / sqrt(v), whatever the
 * size of the gradient: where that is so small that its error, 1e-5 of the array's largest, counts,
 * the step is known no better, and never worse than two steps of lr. 1e-5 of a step for 1 - beta2
 * as a float (tests/nn/test_mlp.c); two roundings of the weight. */
static inline void check_stepped(const char *what, const float *w, const float *want,
                                 const float *m, const float *v, int n, int steps, double lr)
{
  double most = 0.0;
  for (int i = 0; i < n; i++) most = fmax(most, fabs((double)m[i]));
  for (int i = 0; i < n; i++) {
    double unsure = fmin(2.0, 2e-5 * most / (sqrt((double)v[i]) + 1e-30) + 1e-5);
    double bound = steps * (lr * unsure + 0x1p-23 * fabs((double)want[i]));
    check_near(what, (double)w[i], (double)want[i], bound);
  }
}

/* All of them, with the optimiser's own moments. share: 1, or tau of a copy that follows. */
static inline void check_steps(const mlp *n, float *block, const adam *o, int steps, double share,
                               fixture f, const char *prefix)
{
  mlp view = mlp_view(n, block), m = mlp_view(n, o->m), v = mlp_view(n, o->v);
  for (int i = 0; i < n->layers; i++) {
    int out = n->layer[i].out, size = n->layer[i].in * out;
    float *x = layer_of(&view, i), *xm = layer_of(&m, i), *xv = layer_of(&v, i);
    check_stepped(prefix, x, fixture_layer(f, prefix, n, i, false), xm, xv, size, steps,
                  share * o->lr);
    check_stepped(prefix, x + size, fixture_layer(f, prefix, n, i, true), xm + size, xv + size, out,
                  steps, share * o->lr);
    free(x), free(xm), free(xv);
  }
}

#endif
