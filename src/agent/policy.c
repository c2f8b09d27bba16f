/* policy.c - see policy.h and mopo.h. */
#include "agent/policy.h"

#include "base/name.h"
#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

enum { ROWS = 64, MAX_WIDTH = 65536 };

static const char FORMAT[] = "mopo.policy.1";
static const char SHIFT[] = "input.shift", SCALE[] = "input.scale";

struct mopo_policy {
  actor actor;
  actor_work work;
  char task[64], algo[32];
  float *shift, *scale;  /* [S] the actor's, if it has them */
  policy_labels *labels; /* NULL: nothing is known */
  arena memory;
};

/* ------------------------------------------------------------------ writing */

static mopo_status describe(tensor_list *l, const actor *p, const char *algo, const char *task,
                            mopo_error *err)
{
  char obs[16], act[16], lo[32], hi[32];
  snprintf(obs, sizeof obs, "%d", p->S);
  snprintf(act, sizeof act, "%d", p->A);
  number_print(lo, sizeof lo, "%.9g", (double)p->lo);
  number_print(hi, sizeof hi, "%.9g", (double)p->hi);
  const char *pairs[][2] = {{"format", FORMAT},   {"algo", algo},      {"task", task},
                            {"obs_dim", obs},     {"act_dim", act},    {"action_low", "-1"},
                            {"action_high", "1"}, {"log_std_min", lo}, {"log_std_max", hi}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    mopo_status st = tensor_list_meta(l, pairs[i][0], pairs[i][1], err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

static size_t layer_floats(const mlp_layer *l)
{
  return (size_t)l->out * (size_t)l->in + (size_t)l->out;
}

/* A policy on its way out: values is what the tensors of l borrow. */
typedef struct packed {
  tensor_list *l;
  float *values;
} packed;

static void packed_free(packed *k)
{
  tensor_list_free(k->l);
  free(k->values);
}

static mopo_status add_layers(packed *k, const actor *p, mopo_error *err)
{
  float *at = k->values;
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < p->net.layers; i++) {
    const mlp_layer *y = &p->net.layer[i];
    float *w = at, *b = at + (size_t)y->out * (size_t)y->in;
    at += layer_floats(y);
    mlp_get(&p->net, i, w, b);
    char name[64];
    snprintf(name, sizeof name, "actor.%d.weight", 2 * i);
    st = tensor_list_add(k->l, name, TENSOR_F32, 2, (int64_t[]){y->out, y->in}, w, err);
    snprintf(name, sizeof name, "actor.%d.bias", 2 * i);
    if (st == MOPO_OK) st = tensor_list_add(k->l, name, TENSOR_F32, 1, (int64_t[]){y->out}, b, err);
  }
  return st;
}

static mopo_status pack(packed *k, const actor *p, const char *name, const char *algo,
                        const char *task, const policy_labels *labels, mopo_error *err)
{
  size_t n = 0;
  for (int i = 0; i < p->net.layers; i++) n += layer_floats(&p->net.layer[i]);
  *k = (packed){tensor_list_create(), malloc(n * sizeof *k->values)};
  mopo_status st = MOPO_OK;
  if (!k->l || !k->values)
    st = error_set(err, MOPO_ENOMEM, "%s: no memory to write the policy", name);
  if (st == MOPO_OK) st = describe(k->l, p, algo, task, err);
  if (st == MOPO_OK) st = labels_write(k->l, labels, p->S, p->A, err);
  if (st == MOPO_OK) st = add_layers(k, p, err);
  if (st == MOPO_OK && p->shift)
    st = tensor_list_add(k->l, SHIFT, TENSOR_F32, 1, (int64_t[]){p->S}, p->shift, err);
  if (st == MOPO_OK && p->shift)
    st = tensor_list_add(k->l, SCALE, TENSOR_F32, 1, (int64_t[]){p->S}, p->scale, err);
  if (st != MOPO_OK) packed_free(k);
  return st;
}

mopo_status policy_save(const actor *p, const char *path, const char *algo, const char *task,
                        const policy_labels *labels, mopo_error *err)
{
  packed k;
  mopo_status st = pack(&k, p, path, algo, task, labels, err);
  if (st != MOPO_OK) return st;
  st = tensor_list_write(k.l, path, err);
  packed_free(&k);
  return st;
}

mopo_status mopo_policy_save(const mopo_policy *p, const char *path, mopo_error *err)
{
  NOT_NULL(p);
  NOT_NULL(path);
  return policy_save(&p->actor, path, p->algo, p->task, p->labels, err);
}

mopo_status mopo_policy_to_bytes(void **bytes, size_t *n, const mopo_policy *p, mopo_error *err)
{
  packed k;
  NOT_NULL(bytes);
  NOT_NULL(n);
  NOT_NULL(p);
  *bytes = NULL, *n = 0;
  mopo_status st = pack(&k, &p->actor, "policy", p->algo, p->task, p->labels, err);
  if (st != MOPO_OK) return st;
  st = tensor_list_bytes(bytes, n, k.l, err);
  packed_free(&k);
  return st;
}

void mopo_bytes_free(void *bytes) { free(bytes); }

/* ------------------------------------------------------------------ reading */

/* Sizes [layers + 1] from the shapes of the weights. */
static mopo_status read_sizes(const tensor_file *f, const char *path, int *sizes, int *layers,
                              mopo_error *err)
{
  *layers = 0;
  for (;;) {
    char name[64];
    snprintf(name, sizeof name, "actor.%d.weight", 2 * *layers);
    const tensor *t = tensor_file_find(f, name);
    if (!t) break;
    if (*layers == MLP_LAYERS)
      return error_set(err, MOPO_EFORMAT, "%s: more than %d layers", path, MLP_LAYERS);
    if (t->rank != 2 || t->shape[0] < 1 || t->shape[1] < 1 || t->shape[0] > MAX_WIDTH ||
        t->shape[1] > MAX_WIDTH)
      return error_set(err, MOPO_EFORMAT, "%s: '%s' is not a matrix of at most %d x %d", path, name,
                       MAX_WIDTH, MAX_WIDTH);
    /* The file's own bytes bound the memory only if each layer takes what the one before gives. */
    if (*layers && sizes[*layers] != t->shape[1])
      return error_set(err, MOPO_EFORMAT, "%s: '%s' takes %lld inputs, the layer before gives %d",
                       path, name, (long long)t->shape[1], sizes[*layers]);
    sizes[*layers] = (int)t->shape[1];
    sizes[++*layers] = (int)t->shape[0];
  }
  if (*layers == 0)
    return error_set(err, MOPO_EFORMAT, "%s: no 'actor.0.weight': not a policy", path);
  if (sizes[*layers] % 2)
    return error_set(err, MOPO_EFORMAT, "%s: %d outputs, want means and log-stds: an even number",
                     path, sizes[*layers]);
  return MOPO_OK;
}

static mopo_status read_layers(mopo_policy *p, const tensor_file *f, const char *path,
                               mopo_error *err)
{
  for (int i = 0; i < p->actor.net.layers; i++) {
    const mlp_layer *y = &p->actor.net.layer[i];
    const void *w, *b;
    char name[64];
    snprintf(name, sizeof name, "actor.%d.weight", 2 * i);
    mopo_status st = tensor_file_get(f, &w, name, TENSOR_F32, 2, (int64_t[]){y->out, y->in}, err);
    if (st != MOPO_OK) return st;
    snprintf(name, sizeof name, "actor.%d.bias", 2 * i);
    if ((st = tensor_file_get(f, &b, name, TENSOR_F32, 1, (int64_t[]){y->out}, err)) != MOPO_OK)
      return st;
    mlp_set(&p->actor.net, i, w, b);
  }
  for (size_t i = 0; i < p->actor.net.size; i++)
    if (!isfinite(p->actor.net.params[i]))
      return error_set(err, MOPO_EFORMAT, "%s: a weight is not finite", path);
  return MOPO_OK;
}

/* What the file says of the policy besides its weights; a file of another program says nothing. */
static mopo_status read_meta(mopo_policy *p, const tensor_file *f, const char *path,
                             mopo_error *err)
{
  const char *lo = tensor_file_meta(f, "log_std_min"), *hi = tensor_file_meta(f, "log_std_max");
  const char *task = tensor_file_meta(f, "task"), *algo = tensor_file_meta(f, "algo");
  p->actor.lo = lo ? number_parse_float(lo, NULL) : -20.0f;
  p->actor.hi = hi ? number_parse_float(hi, NULL) : 2.0f;
  if (!(isfinite(p->actor.lo) && isfinite(p->actor.hi) && p->actor.lo < p->actor.hi))
    return error_set(err, MOPO_EFORMAT, "%s: log_std from %g to %g, want finite and ascending",
                     path, (double)p->actor.lo, (double)p->actor.hi);
  name_copy(p->task, sizeof p->task, task ? task : "");
  name_copy(p->algo, sizeof p->algo, algo ? algo : "");
  return MOPO_OK;
}

/* Both or neither. */
static mopo_status read_input(mopo_policy *p, const tensor_file *f, const char *path,
                              mopo_error *err)
{
  const int S = p->actor.S;
  const struct {
    const char *name;
    float *to;
  } input[] = {{SHIFT, p->shift}, {SCALE, p->scale}};
  if (!tensor_file_find(f, SHIFT) && !tensor_file_find(f, SCALE)) return MOPO_OK;
  for (int k = 0; k < 2; k++) {
    const void *x;
    mopo_status st = tensor_file_get(f, &x, input[k].name, TENSOR_F32, 1, (int64_t[]){S}, err);
    if (st != MOPO_OK) return st;
    memcpy(input[k].to, x, (size_t)S * sizeof *p->shift);
    for (int j = 0; j < S; j++)
      if (!isfinite(input[k].to[j]))
        return error_set(err, MOPO_EFORMAT, "%s: '%s' is not finite", path, input[k].name);
  }
  p->actor.shift = p->shift, p->actor.scale = p->scale;
  return MOPO_OK;
}

static void layout(mopo_policy *p, arena *a)
{
  mlp_layout(&p->actor.net, a);
  actor_work_layout(&p->work, &p->actor, a, ROWS);
  p->shift = arena_floats(a, (size_t)p->actor.S), p->scale = arena_floats(a, (size_t)p->actor.S);
}

/* Room for a network of these sizes [layers + 1], weights not set. */
static mopo_status create(mopo_policy **out, int layers, const int *sizes, const char *name,
                          mopo_error *err)
{
  *out = NULL;
  mopo_policy *p = calloc(1, sizeof *p);
  if (!p) return error_set(err, MOPO_ENOMEM, "%s: no memory", name);
  p->actor = (actor){.S = sizes[0], .A = sizes[layers] / 2};
  mlp_shape(&p->actor.net, kernels_best(), layers, sizes, MLP_RELU);
  layout(p, &p->memory);
  if (!arena_alloc(&p->memory)) {
    free(p);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for the network", name);
  }
  layout(p, &p->memory);
  *out = p;
  return MOPO_OK;
}

/* name: where the bytes come from, for messages. */
static mopo_status read_policy(mopo_policy **out, const tensor_file *f, const char *name,
                               mopo_error *err)
{
  int sizes[MLP_LAYERS + 1], layers = 0;
  mopo_policy *p = NULL;
  const char *format = tensor_file_meta(f, "format");
  if (format && strcmp(format, FORMAT) != 0)
    return error_set(err, MOPO_EFORMAT, "%s: format '%.40s', want '%s'", name, format, FORMAT);
  mopo_status st = read_sizes(f, name, sizes, &layers, err);
  if (st == MOPO_OK) st = create(&p, layers, sizes, name, err);
  if (st == MOPO_OK) st = read_meta(p, f, name, err);
  if (st == MOPO_OK) st = read_layers(p, f, name, err);
  if (st == MOPO_OK) st = labels_read(&p->labels, f, name, p->actor.S, p->actor.A, err);
  if (st == MOPO_OK) st = read_input(p, f, name, err);
  if (st != MOPO_OK) {
    mopo_policy_free(p);
    return st;
  }
  *out = p;
  return MOPO_OK;
}

mopo_status mopo_policy_load(mopo_policy **out, const char *path, mopo_error *err)
{
  tensor_file *f = NULL;
  NOT_NULL(out);
  NOT_NULL(path);
  *out = NULL;
  mopo_status st = tensor_file_open(&f, path, err);
  if (st == MOPO_OK) st = read_policy(out, f, path, err);
  tensor_file_free(f);
  return st;
}

mopo_status mopo_policy_from_bytes(mopo_policy **out, const void *bytes, size_t n, mopo_error *err)
{
  tensor_file *f = NULL;
  NOT_NULL(out);
  NOT_NULL(bytes);
  *out = NULL;
  mopo_status st = tensor_file_parse(&f, "policy", bytes, n, err);
  if (st == MOPO_OK) st = read_policy(out, f, "policy", err);
  tensor_file_free(f);
  return st;
}

/* ------------------------------------------------------------------ from an agent */

void policy_take(mopo_policy *p, const actor *from)
{
  const mlp *net = &from->net;
  assert(net->size == p->actor.net.size);
  p->actor.lo = from->lo, p->actor.hi = from->hi;
  memcpy(p->actor.net.params, net->params, net->size * sizeof *net->params);
  p->actor.shift = p->actor.scale = NULL;
  if (!from->shift) return;
  memcpy(p->shift, from->shift, (size_t)from->S * sizeof *p->shift);
  memcpy(p->scale, from->scale, (size_t)from->S * sizeof *p->scale);
  p->actor.shift = p->shift, p->actor.scale = p->scale;
}

mopo_status policy_of(mopo_policy **out, const actor *from, const char *algo, const char *task,
                      const policy_labels *labels, mopo_error *err)
{
  int sizes[MLP_LAYERS + 1] = {from->S};
  for (int i = 0; i < from->net.layers; i++) sizes[i + 1] = from->net.layer[i].out;
  mopo_status st = create(out, from->net.layers, sizes, "policy", err);
  if (st != MOPO_OK) return st;
  mopo_policy *p = *out;
  snprintf(p->task, sizeof p->task, "%s", task);
  snprintf(p->algo, sizeof p->algo, "%s", algo);
  policy_take(p, from);
  if (labels) st = labels_copy(&p->labels, labels, from->S, from->A, err);
  if (st == MOPO_OK) return st;
  mopo_policy_free(p);
  *out = NULL;
  return st;
}

void mopo_policy_free(mopo_policy *p)
{
  if (!p) return;
  free(p->labels);
  free(p->memory.base);
  free(p);
}

int mopo_policy_obs_dim(const mopo_policy *p) { return p->actor.S; }
int mopo_policy_act_dim(const mopo_policy *p) { return p->actor.A; }
const char *mopo_policy_task(const mopo_policy *p) { return p->task; }
const actor *policy_actor(const mopo_policy *p) { return &p->actor; }
mlp *policy_network(mopo_policy *p) { return &p->actor.net; }
const char *policy_algo(const mopo_policy *p) { return p->algo; }
const policy_labels *policy_labels_of(const mopo_policy *p) { return p->labels; }
const float *policy_ranges(const mopo_policy *p) { return p->labels ? p->labels->ranges : NULL; }

/* ------------------------------------------------------------------ acting */

static void act_rows(mopo_policy *p, float *act, const float *obs, int B, const rng_key *key)
{
  size_t S = (size_t)p->actor.S, A = (size_t)p->actor.A;
  int padded = (B + PANEL - 1) / PANEL * PANEL;
  for (int b = 0; b < B; b += ROWS) {
    int n = B - b < ROWS ? B - b : ROWS;
    actor_noise_at noise = {.B = padded, .r0 = b};
    if (key) noise.key = *key;
    actor_act(&p->actor, &p->work, act + (size_t)b * A, A, obs + (size_t)b * S, S, n,
              key ? &noise : NULL);
  }
}

void mopo_policy_act(mopo_policy *p, float *act, const float *obs, int B)
{
  act_rows(p, act, obs, B, NULL);
}

void mopo_policy_sample(mopo_policy *p, float *act, const float *obs, int B, uint64_t seed)
{
  rng_key key = rng_split(rng_seed(seed), "sample");
  act_rows(p, act, obs, B, &key);
}

const float *mopo_policy_action_ranges(const mopo_policy *p) { return policy_ranges(p); }

void mopo_policy_settings(const mopo_policy *p, float *setting, const float *act, int B)
{
  const int A = p->actor.A;
  const float *range = policy_ranges(p);
  const bool *is_switch = p->labels ? p->labels->is_switch : NULL;
  for (int i = 0; i < B * A; i++) {
    int k = i % A;
    float low = range ? range[2 * k] : -1.0f, high = range ? range[2 * k + 1] : 1.0f;
    if (is_switch && is_switch[k])
      setting[i] = act[i] >= 0.0f ? high : low;
    else
      setting[i] = low + (high - low) * (act[i] + 1.0f) / 2.0f;
  }
}
