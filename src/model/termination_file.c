/* termination_file.c - the learned end as tensors of a .safetensors file; see termination.h. */
#include <math.h>
#include <stdio.h>

#include "model/termination.h"

/* "termination.facts", float64, in this order. */
enum { LEARNED, OFFSET, TERMINALS, OTHERS, HELD_ROWS, HELD_ENDS, FORETOLD, LOSS, BASE, FACTS };
_Static_assert((int)FACTS == (int)TERMINATION_FACTS, "all of them are staged");

static void stage_facts(double *x, const termination *t)
{
  const termination_facts *k = &t->facts;
  x[LEARNED] = t->learned, x[OFFSET] = t->offset;
  x[TERMINALS] = (double)k->terminals, x[OTHERS] = (double)k->others;
  x[HELD_ROWS] = (double)k->held_rows, x[HELD_ENDS] = k->held_ends;
  x[FORETOLD] = k->held_foretold, x[LOSS] = k->held_loss, x[BASE] = k->held_base;
}

size_t termination_values(const termination *t) { return t->net.size; }

/* Layer i in the staged block; returns where the next one begins. */
static size_t place(const mlp_layer *l, float *values, size_t at, float **w, float **b)
{
  *w = values + at;
  *b = *w + (size_t)l->out * (size_t)l->in;
  return at + (size_t)l->out * ((size_t)l->in + 1);
}

mopo_status termination_add(const termination *t, termination_staged *s, tensor_list *l,
                            mopo_error *err)
{
  mopo_status st = MOPO_OK;
  size_t at = 0;
  for (int i = 0; st == MOPO_OK && i < t->net.layers; i++) {
    const mlp_layer *y = &t->net.layer[i];
    float *w, *b;
    char name[64];
    at = place(y, s->values, at, &w, &b);
    mlp_get(&t->net, i, w, b);
    snprintf(name, sizeof name, "termination.layers.%d.weight", i);
    st = tensor_list_add(l, name, TENSOR_F32, 2, (int64_t[]){y->out, y->in}, w, err);
    snprintf(name, sizeof name, "termination.layers.%d.bias", i);
    if (st == MOPO_OK) st = tensor_list_add(l, name, TENSOR_F32, 1, (int64_t[]){y->out}, b, err);
  }
  int64_t in = t->S + t->A, n = FACTS;
  if (st == MOPO_OK) st = tensor_list_add(l, "termination.mean", TENSOR_F32, 1, &in, t->mean, err);
  if (st == MOPO_OK)
    st = tensor_list_add(l, "termination.inverse_std", TENSOR_F32, 1, &in, t->inverse_std, err);
  stage_facts(s->facts, t);
  if (st == MOPO_OK) st = tensor_list_add(l, "termination.facts", TENSOR_F64, 1, &n, s->facts, err);
  return st;
}

static mopo_status vector(float *to, const tensor_file *f, const char *path, const char *name,
                          int64_t n, mopo_error *err)
{
  const void *x;
  mopo_status st = tensor_file_get(f, &x, name, TENSOR_F32, 1, &n, err);
  for (int64_t i = 0; st == MOPO_OK && i < n; i++) {
    to[i] = ((const float *)x)[i];
    if (!isfinite(to[i]))
      st = error_set(err, MOPO_EFORMAT, "%s: '%s' [%lld] is not finite", path, name, (long long)i);
  }
  return st;
}

static mopo_status read_layer(termination *t, int i, const tensor_file *f, const char *path,
                              mopo_error *err)
{
  const mlp_layer *l = &t->net.layer[i];
  const void *w, *b;
  char name[64];
  snprintf(name, sizeof name, "termination.layers.%d.weight", i);
  mopo_status st = tensor_file_get(f, &w, name, TENSOR_F32, 2, (int64_t[]){l->out, l->in}, err);
  snprintf(name, sizeof name, "termination.layers.%d.bias", i);
  if (st == MOPO_OK) st = tensor_file_get(f, &b, name, TENSOR_F32, 1, (int64_t[]){l->out}, err);
  if (st != MOPO_OK) return st;
  mlp_set(&t->net, i, w, b);
  for (size_t k = 0; k < t->net.size; k++)
    if (!isfinite(t->net.params[k]))
      return error_set(err, MOPO_EFORMAT, "%s: a number of '%s' is not finite", path, name);
  return MOPO_OK;
}

static mopo_status read_facts(termination *t, const tensor_file *f, const char *path,
                              mopo_error *err)
{
  const void *raw;
  mopo_status st =
      tensor_file_get(f, &raw, "termination.facts", TENSOR_F64, 1, (int64_t[]){FACTS}, err);
  if (st != MOPO_OK) return st;
  const double *x = raw;
  for (int i = 0; i < FACTS; i++)
    if (i < LOSS && !(isfinite(x[i]) && fabs(x[i]) < 1e15))
      return error_set(err, MOPO_EFORMAT, "%s: 'termination.facts' [%d] = %g", path, i, x[i]);
  t->learned = x[LEARNED] != 0.0, t->offset = x[OFFSET];
  t->facts = (termination_facts){(int64_t)x[TERMINALS],
                                 (int64_t)x[OTHERS],
                                 (int64_t)x[HELD_ROWS],
                                 x[HELD_ENDS],
                                 x[FORETOLD],
                                 x[LOSS],
                                 x[BASE]};
  return MOPO_OK;
}

mopo_status termination_of(termination **out, const tensor_file *f, const char *path, int S, int A,
                           mopo_error *err)
{
  *out = NULL;
  if (!tensor_file_find(f, "termination.facts")) return MOPO_OK;
  termination *t = NULL;
  mopo_status st = termination_create(&t, S, A, err);
  for (int i = 0; st == MOPO_OK && i < t->net.layers; i++) st = read_layer(t, i, f, path, err);
  if (st == MOPO_OK) st = vector(t->mean, f, path, "termination.mean", S + A, err);
  if (st == MOPO_OK) st = vector(t->inverse_std, f, path, "termination.inverse_std", S + A, err);
  if (st == MOPO_OK) st = read_facts(t, f, path, err);
  if (st != MOPO_OK) {
    termination_free(t);
    return st;
  }
  *out = t;
  return MOPO_OK;
}
