/* export.c - see export.h and mopo.h. */
#include "agent/export.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

float export_int8(signed char *q, const float *w, int n)
{
  float most = 0.0f;
  for (int i = 0; i < n; i++) most = fmaxf(most, fabsf(w[i]));
  float scale = most / 127.0f;
  for (int i = 0; i < n; i++)
    q[i] = (signed char)(scale > 0.0f ? lrintf(fminf(fmaxf(w[i] / scale, -127.0f), 127.0f)) : 0);
  return scale;
}

void export_draw(float *obs, int n, const actor *p)
{
  rng_normals(obs, n * p->S, rng_split(rng_seed(0), "export"), 0);
  for (int i = 0; p->shift && i < n * p->S; i++) {
    double shift = (double)p->shift[i % p->S], scale = (double)p->scale[i % p->S];
    obs[i] = (float)(shift + (scale > 0.0 ? (double)obs[i] / scale : 0.0));
  }
}

/* ------------------------------------------------------------------ int8 */

static void round_rows(float *w, signed char *q, int rows, int cols)
{
  for (int r = 0; r < rows; r++, w += cols) {
    float scale = export_int8(q, w, cols);
    for (int c = 0; c < cols; c++) w[c] = (float)q[c] * scale;
  }
}

mopo_status mopo_policy_quantise(mopo_policy *p, mopo_error *err)
{
  mlp *net = policy_network(p);
  size_t most = 0;
  int widest = 0;
  for (int i = 0; i < net->layers; i++) {
    const mlp_layer *y = &net->layer[i];
    size_t n = (size_t)y->in * (size_t)y->out + (size_t)y->out;
    most = n > most ? n : most;
    widest = y->in > widest ? y->in : widest;
  }
  float *w = malloc(most * sizeof *w);
  signed char *q = malloc((size_t)widest);
  mopo_status st =
      w && q ? MOPO_OK : error_set(err, MOPO_ENOMEM, "no memory to round the policy's weights");
  for (int i = 0; st == MOPO_OK && i < net->layers; i++) {
    const mlp_layer *y = &net->layer[i];
    float *b = w + (size_t)y->in * (size_t)y->out;
    mlp_get(net, i, w, b);
    round_rows(w, q, y->out, y->in);
    mlp_set(net, i, w, b);
  }
  free(q);
  free(w);
  return st;
}

/* ------------------------------------------------------------------ export */

/* Where everything goes: measures, then places (base/arena.h). */
static void layout(export_net *n, float **obs, float **act, arena *a, const mlp *net)
{
  for (int i = 0; i < net->layers; i++) { /* with the log-stds, which are cut off afterwards */
    size_t in = (size_t)net->layer[i].in, wide = (size_t)net->layer[i].out;
    n->w[i] = arena_floats(a, in * wide);
    n->b[i] = arena_floats(a, wide);
  }
  *obs = arena_floats(a, EXPORT_TESTS * (size_t)n->size[0]);
  *act = arena_floats(a, EXPORT_TESTS * (size_t)n->size[n->layers]);
}

/* The first observation is 0, the others are drawn. */
static void make_tests(mopo_policy *p, float *obs, float *act)
{
  int S = mopo_policy_obs_dim(p);
  export_draw(obs, EXPORT_TESTS, policy_actor(p));
  memset(obs, 0, (size_t)S * sizeof *obs);
  mopo_policy_act(p, act, obs, EXPORT_TESTS);
}

static mopo_status write_form(mopo_export_info *out, mopo_policy *p, const char *path,
                              mopo_export_format format, mopo_error *err)
{
  mlp *net = policy_network(p);
  export_net n = {.layers = net->layers,
                  .task = mopo_policy_task(p),
                  .algo = policy_algo(p),
                  .labels = policy_labels_of(p),
                  .shift = policy_actor(p)->shift,
                  .scale = policy_actor(p)->scale};
  for (int i = 0; i < net->layers; i++) n.size[i] = net->layer[i].in;
  n.size[net->layers] = mopo_policy_act_dim(p);
  arena a = {0};
  float *obs = NULL, *act = NULL;
  layout(&n, &obs, &act, &a, net);
  if (!arena_alloc(&a)) return error_set(err, MOPO_ENOMEM, "%s: no memory to write it", path);
  layout(&n, &obs, &act, &a, net);
  for (int i = 0; i < net->layers; i++) mlp_get(net, i, n.w[i], n.b[i]);
  make_tests(p, obs, act);
  buffer text = {0};
  if (format == MOPO_EXPORT_ONNX)
    export_onnx(&text, &n);
  else
    export_c(&text, out, &n, &(export_tests){obs, act}, format == MOPO_EXPORT_C_INT8);
  mopo_status st = buffer_write(&text, path, err);
  out->file_bytes = text.n;
  buffer_free(&text);
  free(a.base);
  return st;
}

mopo_status mopo_policy_export(mopo_export_info *out, mopo_policy *p, const char *path,
                               mopo_export_format format, mopo_error *err)
{
  *out = (mopo_export_info){0};
  switch (format) {
  case MOPO_EXPORT_C_INT8: /* the actions of the self-test are those of the rounded weights */
  {
    mopo_status st = mopo_policy_quantise(p, err);
    return st ? st : write_form(out, p, path, format, err);
  }
  case MOPO_EXPORT_C:
  case MOPO_EXPORT_ONNX:
    return write_form(out, p, path, format, err);
  case MOPO_EXPORT_SAFETENSORS:
    return policy_save(policy_actor(p), path, policy_algo(p), mopo_policy_task(p),
                       policy_labels_of(p), err);
  }
  return error_set(err, MOPO_EINVAL, "export format %d, want one of mopo_export_format",
                   (int)format);
}
