/* ensemble_file.c - the ensemble as a .safetensors file; see ensemble.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"
#include "model/ensemble.h"

/* A model in scaled units must not be taken for one in the log's. */
static const char FORMAT[] = "mopo.model.1", SCALED[] = "mopo.model.2";
enum { MAX_WIDTH = 65536 };

/* ------------------------------------------------------------------ writing */

static mopo_status add_layers(tensor_list *l, const ensemble *m, float *at, mopo_error *err)
{
  int64_t E = m->set.members;
  for (int i = 0; i < m->net[0].layers; i++) {
    const mlp_layer *y = &m->net[0].layer[i];
    size_t nw = (size_t)y->out * (size_t)y->in, nb = (size_t)y->out;
    float *w = at, *b = at + (size_t)E * nw;
    at = b + (size_t)E * nb;
    for (int e = 0; e < E; e++) mlp_get(&m->net[e], i, w + (size_t)e * nw, b + (size_t)e * nb);
    char name[64];
    snprintf(name, sizeof name, "layers.%d.weight", i);
    mopo_status st = tensor_list_add(l, name, TENSOR_F32, 3, (int64_t[]){E, y->out, y->in}, w, err);
    if (st != MOPO_OK) return st;
    snprintf(name, sizeof name, "layers.%d.bias", i);
    if ((st = tensor_list_add(l, name, TENSOR_F32, 2, (int64_t[]){E, y->out}, b, err)) != MOPO_OK)
      return st;
  }
  return MOPO_OK;
}

enum { UNITS_PARTS = 10 };

typedef struct units_part {
  const char *name;
  int64_t n;
  float *data;
} units_part;

/* reward [2]: centre, spread. */
static void units_parts(units_part part[UNITS_PARTS], const ensemble *m, float *reward)
{
  const units *s = m->units;
  const units_part all[UNITS_PARTS] = {{"units.centre", m->S, s->centre},
                                       {"units.spread", m->S, s->spread},
                                       {"units.low", m->S, s->low},
                                       {"units.high", m->S, s->high},
                                       {"units.reward", 2, reward},
                                       {"units.step_mean", m->D, s->step_mean},
                                       {"units.step_spread", m->D, s->step_spread},
                                       {"units.step_low", m->D, s->step_low},
                                       {"units.step_high", m->D, s->step_high},
                                       {"units.known", (int64_t)m->set.members * m->D, m->known}};
  memcpy(part, all, sizeof all);
}

/* reward [2] lives as long as the list. */
static mopo_status add_units(tensor_list *l, const ensemble *m, float *reward, mopo_error *err)
{
  units_part part[UNITS_PARTS];
  if (!m->units) return MOPO_OK;
  reward[0] = m->units->reward_centre, reward[1] = m->units->reward_spread;
  units_parts(part, m, reward);
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < UNITS_PARTS; i++)
    st = tensor_list_add(l, part[i].name, TENSOR_F32, 1, &part[i].n, part[i].data, err);
  return st;
}

static mopo_status add_rest(tensor_list *l, const ensemble *m, const int64_t *elites,
                            mopo_error *err)
{
  int64_t D = m->D, in = m->S + m->A;
  const struct {
    const char *name;
    tensor_type type;
    int64_t n;
    const void *data;
  } rest[] = {{"max_logvar", TENSOR_F32, D, m->max},
              {"min_logvar", TENSOR_F32, D, m->min},
              {"scaler.mean", TENSOR_F32, in, m->mean},
              {"scaler.std", TENSOR_F32, in, m->std},
              {"elites", TENSOR_I64, m->set.elites, elites},
              {"holdout_mse", TENSOR_F64, m->set.members, m->holdout_mse}};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
    mopo_status st =
        tensor_list_add(l, rest[i].name, rest[i].type, 1, &rest[i].n, rest[i].data, err);
    if (st != MOPO_OK) return st;
  }
  char obs[16], act[16];
  snprintf(obs, sizeof obs, "%d", m->S);
  snprintf(act, sizeof act, "%d", m->A);
  mopo_status st = tensor_list_meta(l, "format", m->units ? SCALED : FORMAT, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "obs_dim", obs, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "act_dim", act, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "activation", "swish", err);
  return st;
}

mopo_status ensemble_save_with(const ensemble *m, const termination *end, const char *path,
                               mopo_error *err)
{
  size_t n = 0, ends = end ? termination_values(end) : 0;
  termination_staged staged;
  int64_t elites[ENSEMBLE_MAX];
  float reward[2];
  for (int i = 0; i < m->net[0].layers; i++)
    n += (size_t)m->net[0].layer[i].out * ((size_t)m->net[0].layer[i].in + 1);
  for (int i = 0; i < m->set.elites; i++) elites[i] = m->elite[i];
  n *= (size_t)m->set.members;
  float *values = malloc((n + ends) * sizeof *values);
  tensor_list *l = tensor_list_create();
  mopo_status st = MOPO_OK;
  if (!values || !l) st = error_set(err, MOPO_ENOMEM, "%s: no memory to write the model", path);
  if (st == MOPO_OK) st = add_layers(l, m, values, err);
  if (st == MOPO_OK) st = add_rest(l, m, elites, err);
  if (st == MOPO_OK) st = add_units(l, m, reward, err);
  if (values) staged.values = values + n;
  if (st == MOPO_OK && end) st = termination_add(end, &staged, l, err);
  if (st == MOPO_OK) st = tensor_list_write(l, path, err);
  tensor_list_free(l);
  free(values);
  return st;
}

mopo_status ensemble_save(const ensemble *m, const char *path, mopo_error *err)
{
  return ensemble_save_with(m, NULL, path, err);
}

/* ------------------------------------------------------------------ reading */

static mopo_status bad_shape(const char *path, const char *name, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT,
                   "%s: '%s' is missing or not [members,out,in] with at most %d x %d x %d", path,
                   name, ENSEMBLE_MAX, MAX_WIDTH, MAX_WIDTH);
}

static const tensor *weight(const tensor_file *f, int i, char *name, size_t size)
{
  snprintf(name, size, "layers.%d.weight", i);
  const tensor *t = tensor_file_find(f, name);
  bool good = t && t->type == TENSOR_F32 && t->rank == 3 && t->shape[0] >= 1 &&
              t->shape[0] <= ENSEMBLE_MAX && t->shape[1] >= 1 && t->shape[1] <= MAX_WIDTH &&
              t->shape[2] >= 1 && t->shape[2] <= MAX_WIDTH;
  return good ? t : NULL;
}

/* Sizes from the shapes: D from the last layer's 2D rows, S = D - 1, A from the first layer. */
static mopo_status read_shape(const tensor_file *f, const char *path, ensemble_settings *set,
                              int *S, int *A, mopo_error *err)
{
  char name[64];
  int layers = 0;
  const tensor *first = weight(f, 0, name, sizeof name), *last = first;
  if (!first) return bad_shape(path, name, err);
  /* Each as wide as the first, or the file's own bytes would not bound the memory. */
  for (layers = 1; layers < MLP_LAYERS; layers++) {
    snprintf(name, sizeof name, "layers.%d.weight", layers);
    if (!tensor_file_find(f, name)) break;
    int64_t in = last->shape[1];
    last = weight(f, layers, name, sizeof name);
    if (!last || in != first->shape[1] || last->shape[2] != in || last->shape[0] != first->shape[0])
      return bad_shape(path, name, err);
  }
  snprintf(name, sizeof name, "layers.%d.weight", layers > 1 ? layers - 1 : 1);
  if (layers < 2 || last->shape[1] % 2 || last->shape[1] < 4) return bad_shape(path, name, err);
  const tensor *elites = tensor_file_find(f, "elites");
  if (!elites || elites->rank != 1 || elites->shape[0] < 1 || elites->shape[0] > first->shape[0])
    return error_set(err, MOPO_EFORMAT, "%s: 'elites' is missing or longer than the ensemble",
                     path);
  *set = (ensemble_settings){(int)first->shape[0], (int)elites->shape[0], (int)first->shape[1],
                             layers - 1};
  *S = (int)last->shape[1] / 2 - 1;
  *A = (int)first->shape[2] - *S;
  if (*A < 1)
    return error_set(err, MOPO_EFORMAT, "%s: %d inputs for %d observations: no actions", path,
                     (int)first->shape[2], *S);
  return MOPO_OK;
}

static mopo_status not_finite(const char *path, const char *name, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: a number of '%s' is not finite", path, name);
}

static mopo_status read_layers(ensemble *m, const tensor_file *f, const char *path, mopo_error *err)
{
  int64_t E = m->set.members;
  for (int i = 0; i < m->net[0].layers; i++) {
    const mlp_layer *y = &m->net[0].layer[i];
    const void *w, *b;
    char name[64];
    snprintf(name, sizeof name, "layers.%d.weight", i);
    mopo_status st =
        tensor_file_get(f, &w, name, TENSOR_F32, 3, (int64_t[]){E, y->out, y->in}, err);
    if (st != MOPO_OK) return st;
    snprintf(name, sizeof name, "layers.%d.bias", i);
    if ((st = tensor_file_get(f, &b, name, TENSOR_F32, 2, (int64_t[]){E, y->out}, err)) != MOPO_OK)
      return st;
    for (int e = 0; e < E; e++)
      mlp_set(&m->net[e], i, (const float *)w + (size_t)e * (size_t)y->out * (size_t)y->in,
              (const float *)b + (size_t)e * (size_t)y->out);
  }
  for (int e = 0; e < E; e++)
    for (size_t i = 0; i < m->net[e].size; i++)
      if (!isfinite(m->net[e].params[i])) return not_finite(path, "layers", err);
  return MOPO_OK;
}

static mopo_status copy_vector(const tensor_file *f, const char *path, const char *name, float *to,
                               int n, mopo_error *err)
{
  const void *x;
  mopo_status st = tensor_file_get(f, &x, name, TENSOR_F32, 1, (int64_t[]){n}, err);
  for (int i = 0; st == MOPO_OK && i < n; i++) {
    to[i] = ((const float *)x)[i];
    if (!isfinite(to[i])) st = not_finite(path, name, err);
  }
  return st;
}

static mopo_status read_rest(ensemble *m, const tensor_file *f, const char *path, mopo_error *err)
{
  const void *elites, *mse;
  mopo_status st = copy_vector(f, path, "max_logvar", m->max, m->D, err);
  if (st == MOPO_OK) st = copy_vector(f, path, "min_logvar", m->min, m->D, err);
  if (st == MOPO_OK) st = copy_vector(f, path, "scaler.mean", m->mean, m->S + m->A, err);
  if (st == MOPO_OK) st = copy_vector(f, path, "scaler.std", m->std, m->S + m->A, err);
  if (st == MOPO_OK)
    st = tensor_file_get(f, &elites, "elites", TENSOR_I64, 1, (int64_t[]){m->set.elites}, err);
  if (st == MOPO_OK)
    st = tensor_file_get(f, &mse, "holdout_mse", TENSOR_F64, 1, (int64_t[]){m->set.members}, err);
  if (st != MOPO_OK) return st;
  memcpy(m->holdout_mse, mse, (size_t)m->set.members * sizeof(double));
  for (int i = 0; i < m->set.elites; i++) {
    int64_t e = ((const int64_t *)elites)[i];
    if (e < 0 || e >= m->set.members)
      return error_set(err, MOPO_EFORMAT, "%s: elite %lld, want 0 to %d", path, (long long)e,
                       m->set.members - 1);
    m->elite[i] = (int)e;
  }
  for (int i = 0; i < m->S + m->A; i++) {
    m->inverse_std[i] = 1.0f / m->std[i];
    if (!(m->std[i] > 0.0f) || !isfinite(m->inverse_std[i]))
      return error_set(err, MOPO_EFORMAT, "%s: scaler.std[%d] = %g, want > 0", path, i,
                       (double)m->std[i]);
  }
  ensemble_bounds_changed(m);
  return MOPO_OK;
}

static mopo_status read_units(ensemble *m, const tensor_file *f, const char *path, mopo_error *err)
{
  units_part part[UNITS_PARTS];
  float reward[2] = {0};
  mopo_status st = units_create(&m->units, m->S, err);
  if (st != MOPO_OK) return st;
  units *s = m->units;
  units_parts(part, m, reward);
  for (int i = 0; st == MOPO_OK && i < UNITS_PARTS; i++)
    st = copy_vector(f, path, part[i].name, part[i].data, (int)part[i].n, err);
  bool good = st != MOPO_OK || reward[1] > 0.0f;
  for (int j = 0; st == MOPO_OK && j < m->S; j++) good = good && s->spread[j] >= 0.0f;
  for (int d = 0; st == MOPO_OK && d < m->D; d++) good = good && s->step_spread[d] >= 0.0f;
  if (!good) return error_set(err, MOPO_EFORMAT, "%s: a spread of 'units' is negative", path);
  s->reward_centre = reward[0], s->reward_spread = reward[1];
  units_changed(s);
  return st;
}

mopo_status ensemble_load(ensemble **out, const char *path, mopo_error *err)
{
  return ensemble_load_with(out, NULL, path, err);
}

mopo_status ensemble_load_with(ensemble **out, termination **end, const char *path, mopo_error *err)
{
  tensor_file *f = NULL;
  ensemble *m = NULL;
  ensemble_settings set = {0};
  int S = 0, A = 0;
  *out = NULL;
  if (end) *end = NULL;
  mopo_status st = tensor_file_open(&f, path, err);
  if (st != MOPO_OK) return st;
  const char *format = tensor_file_meta(f, "format");
  bool scaled = format && strcmp(format, SCALED) == 0;
  if (!format || (!scaled && strcmp(format, FORMAT) != 0))
    st = error_set(err, MOPO_EFORMAT, "%s: format '%.40s', want '%s'", path,
                   format ? format : "(none)", FORMAT);
  if (st == MOPO_OK) st = read_shape(f, path, &set, &S, &A, err);
  if (st == MOPO_OK) st = ensemble_create(&m, &set, S, A, rng_seed(0), err);
  if (st == MOPO_OK) st = read_layers(m, f, path, err);
  if (st == MOPO_OK) st = read_rest(m, f, path, err);
  if (st == MOPO_OK && scaled) st = read_units(m, f, path, err);
  if (st == MOPO_OK && end) st = termination_of(end, f, path, S, A, err);
  tensor_file_free(f);
  if (st != MOPO_OK) {
    ensemble_free(m);
    return st;
  }
  *out = m;
  return MOPO_OK;
}
