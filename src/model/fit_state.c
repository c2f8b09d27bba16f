/* fit_state.c - see fit_state.h. */
#include "model/fit_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "io/safetensors.h"

static const char FORMAT[] = "mopo.fit.1";

enum { PARTS = 4 * ENSEMBLE_MAX + 10, LOSSES = 3 };

/* One array of the file. */
typedef struct part {
  char name[32];
  tensor_type type;
  int64_t n;
  void *data;
} part;

typedef struct parts {
  int count;
  part at[PARTS];
} parts;

static void add(parts *p, const char *what, int member, tensor_type type, size_t n, void *data)
{
  part *x = &p->at[p->count++];
  if (member < 0)
    snprintf(x->name, sizeof x->name, "%s", what);
  else
    snprintf(x->name, sizeof x->name, "%s.%d", what, member);
  x->type = type, x->n = (int64_t)n, x->data = data;
}

/* All but the history, whose length only the file knows. */
static void list(parts *p, const fit_state *s, int64_t place[2])
{
  size_t E = (size_t)s->members, O = (size_t)s->outputs;
  p->count = 0;
  for (int e = 0; e < s->members; e++) {
    add(p, "weights", e, TENSOR_F32, s->size, s->weights[e]);
    add(p, "m", e, TENSOR_F32, s->size, s->m[e]);
    add(p, "v", e, TENSOR_F32, s->size, s->v[e]);
  }
  add(p, "best", -1, TENSOR_F32, E * s->size, s->best);
  add(p, "max", -1, TENSOR_F32, O, s->max);
  add(p, "min", -1, TENSOR_F32, O, s->min);
  add(p, "bound_m", -1, TENSOR_F32, 2 * O, s->bound_m);
  add(p, "bound_v", -1, TENSOR_F32, 2 * O, s->bound_v);
  add(p, "best_mse", -1, TENSOR_F64, E, s->best_mse);
  add(p, "power1", -1, TENSOR_F64, E + 1, s->power1);
  add(p, "power2", -1, TENSOR_F64, E + 1, s->power2);
  add(p, "place", -1, TENSOR_I64, 2, place);
}

mopo_status fit_state_save(const fit_state *s, const char *path, mopo_error *err)
{
  parts p;
  int64_t place[2] = {s->epochs, s->stale}, shape[3] = {s->epochs, LOSSES, s->members};
  list(&p, s, place);
  tensor_list *l = tensor_list_create();
  if (!l) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  mopo_status st = tensor_list_meta(l, "format", FORMAT, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "of", s->of, err);
  for (int i = 0; st == MOPO_OK && i < p.count; i++)
    st = tensor_list_add(l, p.at[i].name, p.at[i].type, 1, &p.at[i].n, p.at[i].data, err);
  if (st == MOPO_OK) st = tensor_list_add(l, "history", TENSOR_F64, 3, shape, s->history, err);
  if (st == MOPO_OK) st = tensor_list_write(l, path, err);
  tensor_list_free(l);
  return st;
}

static bool is_finite(const part *p, const void *data)
{
  size_t n = (size_t)p->n;
  return p->type == TENSOR_F32   ? all_finite(data, n)
         : p->type == TENSOR_F64 ? all_finite_double(data, n)
                                 : true;
}

/* from [parts]: where each part is in the file. of: of what it must be a fit; files of old do not
 * say. */
static mopo_status check(const tensor_file *f, const char *path, const char *of, const parts *p,
                         const void **from, mopo_error *err)
{
  const char *format = tensor_file_meta(f, "format");
  if (!format || strcmp(format, FORMAT) != 0)
    return error_set(err, MOPO_EFORMAT, "%s: format '%.40s', want %s", path, format ? format : "",
                     FORMAT);
  const char *was = tensor_file_meta(f, "of");
  if (was && strcmp(was, of) != 0)
    return error_set(err, MOPO_EINVAL, "%s: was begun with %.240s; now %s", path, was, of);
  for (int i = 0; i < p->count; i++) {
    const part *x = &p->at[i];
    mopo_status st = tensor_file_get(f, &from[i], x->name, x->type, 1, &x->n, err);
    if (st != MOPO_OK) return st;
    if (!is_finite(x, from[i]))
      return error_set(err, MOPO_EFORMAT, "%s: '%s' is not finite", path, x->name);
  }
  return MOPO_OK;
}

static mopo_status take_history(fit_state *s, const tensor_file *f, const char *path,
                                const int64_t place[2], mopo_error *err)
{
  const void *from = NULL;
  int64_t shape[3] = {place[0], LOSSES, s->members};
  mopo_status st = tensor_file_get(f, &from, "history", TENSOR_F64, 3, shape, err);
  if (st != MOPO_OK) return st;
  if (place[0] < 1 || place[1] < 0 || place[1] >= place[0])
    return error_set(err, MOPO_EFORMAT, "%s: %lld epochs, %lld of them in vain: no fit leaves that",
                     path, (long long)place[0], (long long)place[1]);
  size_t bytes = (size_t)place[0] * LOSSES * (size_t)s->members * sizeof(double);
  s->history = malloc(bytes);
  if (!s->history) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  memcpy(s->history, from, bytes);
  s->epochs = place[0], s->stale = place[1];
  return MOPO_OK;
}

mopo_status fit_state_load(fit_state *s, const char *path, mopo_error *err)
{
  parts p;
  int64_t place[2];
  const void *from[PARTS];
  tensor_file *f = NULL;
  list(&p, s, place);
  mopo_status st = tensor_file_open(&f, path, err);
  if (st != MOPO_OK) return st;
  if ((st = check(f, path, s->of, &p, from, err)) == MOPO_OK) {
    memcpy(place, from[p.count - 1], sizeof place);
    st = take_history(s, f, path, place, err);
  }
  for (int i = 0; st == MOPO_OK && i + 1 < p.count; i++)
    memcpy(p.at[i].data, from[i], (size_t)p.at[i].n * (p.at[i].type == TENSOR_F32 ? 4 : 8));
  tensor_file_free(f);
  return st;
}
