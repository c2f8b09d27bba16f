/* agent.c - see agent.h. */
#include "agent/agent.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"

/* ------------------------------------------------------------- the algorithms */

const agent_type *agent_at(int i)
{
  for (int k = 0; i >= 0 && k <= i; k++)
    if (!agent_types[k]) return NULL;
  return i >= 0 ? agent_types[i] : NULL;
}

const agent_type *agent_find(const char *name)
{
  for (int i = 0; agent_at(i); i++)
    if (strcmp(agent_at(i)->is.name, name) == 0) return agent_at(i);
  return NULL;
}

int agent_rows_per_piece(int B, int threads)
{
  for (int R = 64; R > 16; R /= 2)
    if ((B + R - 1) / R % threads == 0) return R;
  return 16;
}

/* ------------------------------------------------------------- rows */

rows_at agent_rows(const agent *c, int piece)
{
  int r0 = piece * c->R, left = c->B - r0;
  return (rows_at){r0, left < c->R ? left : c->R};
}

void agent_put_obs(const agent *c, panels x, int r0, const float *const *row, int offset, int rows)
{
  panels_put(x, r0, 0, row, offset, rows, c->S);
  if (c->shift) actor_standardise(x, r0, rows, c->shift, c->scale, c->S);
}

void agent_policy_rows(agent *c, rows_at p)
{
  learner *l = &c->learner[0];
  agent_put_obs(c, l->acts.h[0], p.r0, c->batch->row + p.r0, 0, p.n);
  mlp_forward(l->net, &l->acts, p.r0, p.n, true);
}

uint64_t agent_updates(const agent *c) { return (uint64_t)c->scalars[c->own + 2 * c->learners]; }

static int padded_B(const agent *c) { return (c->B + PANEL - 1) / PANEL * PANEL; }

void agent_sample(const agent *c, actor_work *w, const mlp_acts *acts, int acts_r0, rows_at p,
                  int which)
{
  actor_noise(&c->actor, w, c->setup.key, agent_updates(c), which * c->A, padded_B(c), p.r0, p.n);
  actor_head(&c->actor, w, acts, acts_r0, p.n);
}

void agent_noise(const agent *c, float *eps, int n, int R, rng_key key, rows_at p)
{
  size_t rows = (size_t)(p.n + 3) & ~(size_t)3;
  for (int j = 0; j < n; j++)
    c->actor.net.k->normals(eps + (size_t)j * (size_t)R, rows, key.k[0], key.k[1], agent_updates(c),
                            (uint64_t)j * (uint64_t)padded_B(c) + (uint64_t)p.r0);
}

void agent_clone_rows(agent *c, learner *l, const actor *p, actor_work *w, rows_at at, float *loss)
{
  const float *const *row = c->batch->row + at.r0;
  float dlogp[AGENT_PIECE];
  agent_put_obs(c, l->acts.h[0], at.r0, row, 0, at.n);
  mlp_forward(l->net, &l->acts, at.r0, at.n, true);
  agent_recorded_actions(c, w->act, w->R, at);
  actor_likelihood(p, w, &l->acts, at.r0, at.n);
  for (int r = 0; r < at.n; r++) {
    loss[at.r0 + r] = -w->logp[r];
    dlogp[r] = -1.0f / (float)c->B;
  }
  actor_likelihood_back(p, w, &l->grads, at.r0, at.n, dlogp);
  mlp_backward(l->net, &l->acts, &l->grads, at.r0, at.n);
}

void agent_recorded_actions(const agent *c, float *act, int R, rows_at p)
{
  for (int r = 0; r < p.n; r++) {
    const float *a = c->batch->row[p.r0 + r] + c->batch->at.act;
    for (int j = 0; j < c->A; j++) act[j * R + r] = a[j];
  }
}

actor_work *agent_actor_work_layout(const agent *c, arena *a)
{
  int threads = par_threads(c->setup.pool);
  actor_work *all = arena_bytes(a, (size_t)threads * sizeof *all), measure;
  for (int t = 0; t < threads; t++)
    actor_work_layout(a->base ? &all[t] : &measure, &c->actor, a, c->R);
  return all;
}

mlp_acts *agent_acts_layout(const agent *c, const mlp *net, arena *a)
{
  int threads = par_threads(c->setup.pool);
  mlp_acts *all = arena_bytes(a, (size_t)threads * sizeof *all), measure;
  for (int t = 0; t < threads; t++)
    mlp_acts_layout(a->base ? &all[t] : &measure, net, a, c->R, false);
  return all;
}

void agent_rows_stage(agent *c, par_fn *fn) { par_run(c->setup.pool, c->pieces, fn, c); }

void agent_steps(agent *c, learner *const *l, int n)
{
  learner_steps(l, n, c->setup.pool, c->scratch);
}

static void keep_powers(agent *c)
{
  for (int i = 0; i < c->learners; i++) {
    c->scalars[c->own + 2 * i] = c->learner[i].opt.power1;
    c->scalars[c->own + 2 * i + 1] = c->learner[i].opt.power2;
  }
}

/* Of t updates the average holds about the last 1 / (1 - ema), at first the last tenth. */
static void follow(agent *c, double t)
{
  float tau = (float)fmax(1.0 - c->ema, 10.0 / (9.0 + t));
  float *to = c->average.net.params;
  const float *from = c->actor.net.params;
  for (size_t i = 0; i < c->average.net.size; i++) to[i] += tau * (from[i] - to[i]);
}

void agent_updated(agent *c)
{
  double *updates = &c->scalars[c->own + 2 * c->learners];
  *updates += 1.0;
  if (c->ema > 0.0) follow(c, *updates);
  keep_powers(c);
}

double agent_mean(const float *x, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += (double)x[i];
  return sum / n;
}

/* ------------------------------------------------------------- create, free */

learner *agent_add(agent *c, mlp *net, mlp *target, const char *name, double lr, int rows)
{
  assert(c->learners < AGENT_LEARNERS);
  learner *l = &c->learner[c->learners];
  *l = (learner){.name = name, .net = net, .target = target, .rows = rows};
  if (target) l->tau = (float)c->setup.config->tau;
  c->lr[c->learners++] = lr;
  return l;
}

static void layout_state(agent *c, arena *a)
{
  for (int i = 0; i < c->learners; i++) learner_layout_state(&c->learner[i], a);
  if (c->ema > 0.0) mlp_layout(&c->average.net, a);
}

static void layout_work(agent *c, arena *a)
{
  int threads = par_threads(c->setup.pool);
  size_t scratch = 0;
  for (int i = 0; i < c->learners; i++) {
    learner_layout_work(&c->learner[i], a);
    size_t n = mlp_scratch(c->learner[i].net);
    if (n > scratch) scratch = n;
  }
  c->scalars = arena_bytes(a, (size_t)(c->own + 2 * c->learners + 1) * sizeof *c->scalars);
  c->scratch = arena_bytes(a, (size_t)threads * sizeof *c->scratch);
  for (int t = 0; t < threads; t++) {
    float *block = arena_floats(a, scratch);
    if (a->base) c->scratch[t] = block;
  }
  if (c->setup.units) {
    size_t n = AGENT_PROBE;
    c->probe_work = agent_actor_work_layout(c, a);
    c->probe = arena_floats(a, n * (size_t)c->S);
    c->probe_act = arena_floats(a, 2 * n * (size_t)c->A);
    mlp_layout(&c->raw.net, a);
  } else if (c->type->standardise) {
    c->shift = arena_floats(a, (size_t)c->S), c->scale = arena_floats(a, (size_t)c->S);
    mlp_layout(&c->raw.net, a);
  }
  c->type->layout(c, a);
}

/* Mean and standard deviation of the recorded observations; 1e-3 keeps a column that never moves
 * from being blown up (Fujimoto & Gu 2021, section 5). */
static void measure(agent *c, const mopo_dataset *d)
{
  for (int j = 0; j < c->S; j++) {
    double sum = 0.0, sum2 = 0.0;
    for (int64_t i = 0; i < d->N; i++) sum += (double)dataset_row(d, i)[j];
    double mean = sum / (double)d->N;
    for (int64_t i = 0; i < d->N; i++) {
      double x = (double)dataset_row(d, i)[j] - mean;
      sum2 += x * x;
    }
    c->shift[j] = (float)mean;
    c->scale[j] = (float)(1.0 / (sqrt(sum2 / (double)d->N) + 1e-3));
  }
}

/* The two forms that take raw observations, and where they are compared. */
static void keep_scale(agent *c)
{
  const units *s = c->setup.units;
  const mopo_dataset *d = c->setup.data;
  c->kept = c->actor, c->kept_average = c->average;
  c->kept.shift = c->kept_average.shift = s->centre;
  c->kept.scale = c->kept_average.scale = s->inverse;
  for (int i = 0; i < AGENT_PROBE; i++)
    units_obs_back(s, c->probe + (size_t)i * (size_t)c->S,
                   dataset_row(d, (int64_t)i * d->N / AGENT_PROBE));
}

mopo_status agent_create(agent **out, const agent_type *type, const agent_setup *setup,
                         mopo_error *err)
{
  const mopo_config *config = setup->config;
  *out = NULL;
  if (type->max_actions && setup->A > type->max_actions)
    return error_set(err, MOPO_EINVAL, "%s: %d actions, want at most %d", type->is.name, setup->A,
                     type->max_actions);
  agent *c = calloc(1, type->size);
  if (!c) return error_set(err, MOPO_ENOMEM, "%s: no memory for the agent", type->is.name);
  c->type = type;
  c->setup = *setup;
  c->S = setup->S, c->A = setup->A, c->B = config->batch_size;
  c->R = agent_rows_per_piece(c->B, par_threads(setup->pool));
  c->pieces = (c->B + c->R - 1) / c->R;
  c->cosine = strcmp(config->actor_schedule, "cosine") == 0;
  c->own = type->scalars + type->action_scalars * c->A;
  c->reward_scale = 1.0f;
  actor_shape(&c->actor, kernels_best(), c->S, c->A, config->hidden, config->layers,
              (float)config->log_std_min, (float)config->log_std_max);
  c->raw = c->average = c->actor;
  c->ema = config->policy_ema;
  agent_add(c, &c->actor.net, NULL, "actor", config->actor_lr, c->B);
  if (type->shape) type->shape(c, config);
  layout_state(c, &c->state);
  layout_work(c, &c->work);
  if (!arena_alloc(&c->state) || !arena_alloc(&c->work)) {
    agent_free(c);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for the networks", type->is.name);
  }
  layout_state(c, &c->state);
  layout_work(c, &c->work);
  mlp_init scheme = strcmp(config->init, "glorot") == 0 ? MLP_GLOROT : MLP_FAN_IN;
  for (int i = 0; i < c->learners; i++)
    learner_initialise(&c->learner[i], scheme, c->lr[i], setup->key);
  keep_powers(c);
  if (setup->units)
    keep_scale(c);
  else if (type->standardise)
    measure(c, setup->data);
  if (type->begin) type->begin(c, config);
  if (c->ema > 0.0) mlp_copy(&c->average.net, &c->actor.net);
  *out = c;
  return MOPO_OK;
}

void agent_free(agent *c)
{
  if (!c) return;
  free(c->state.base);
  free(c->work.base);
  free(c);
}

/* ------------------------------------------------------------- policy, schedule, state */

static const double FOLD_LOSS = 4e-6; /* of an action; 1e-5 is promised of every observation */

static void act_at_probe(const agent *c, float *act, const actor *p)
{
  size_t S = (size_t)c->S, A = (size_t)c->A;
  for (int i = 0; i < AGENT_PROBE; i += c->R) {
    int n = AGENT_PROBE - i < c->R ? AGENT_PROBE - i : c->R;
    actor_act(p, c->probe_work, act + (size_t)i * A, A, c->probe + (size_t)i * S, S, n, NULL);
  }
}

/* kept: p with the subtraction. It is folded in where that loses nothing. */
static const actor *for_log(const agent *c, const actor *p, const actor *kept)
{
  const size_t n = (size_t)AGENT_PROBE * (size_t)c->A;
  float *folded = c->probe_act, *exact = folded + n;
  double most = 0.0;
  mlp_fold_input(&c->raw.net, &p->net, kept->shift, kept->scale);
  act_at_probe(c, folded, &c->raw);
  act_at_probe(c, exact, kept);
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)folded[i] - (double)exact[i]));
  return most <= FOLD_LOSS ? &c->raw : kept;
}

static const actor *for_raw(const agent *c, const actor *p)
{
  if (!c->shift) return p;
  mlp_fold_input(&c->raw.net, &p->net, c->shift, c->scale);
  return &c->raw;
}

const actor *agent_policy(const agent *c)
{
  const actor *p = c->ema > 0.0 ? &c->average : &c->actor;
  if (c->setup.units) return for_log(c, p, c->ema > 0.0 ? &c->kept_average : &c->kept);
  return for_raw(c, p);
}

const actor *agent_policy_inside(const agent *c)
{
  return for_raw(c, c->ema > 0.0 ? &c->average : &c->actor);
}

const actor *agent_learning(const agent *a) { return for_raw(a, &a->actor); }

/* Cosine decay to 0 over the whole run. */
void agent_progress(agent *c, double done)
{
  float sine, cosine;
  fm_sincos_turn(&sine, &cosine, (float)(done / 2.0));
  c->learner[0].opt.lr = c->cosine ? c->lr[0] * 0.5 * (1.0 + (double)cosine) : c->lr[0];
}

double agent_actor_lr(const agent *a) { return a->learner[0].opt.lr; }

agent_memory agent_state(agent *c)
{
  return (agent_memory){(float *)(void *)c->state.base, c->state.used / sizeof(float), c->scalars,
                        (size_t)(c->own + 2 * c->learners + 1)};
}

void agent_restored(agent *c)
{
  for (int i = 0; i < c->learners; i++) {
    mlp_transpose(c->learner[i].net);
    c->learner[i].opt.power1 = c->scalars[c->own + 2 * i];
    c->learner[i].opt.power2 = c->scalars[c->own + 2 * i + 1];
  }
}

void agent_describe(const agent *c, char *text, size_t size, size_t i)
{
  const float *x = (const float *)(const void *)c->state.base + i;
  const learner *l = c->learner;
  if (c->ema > 0.0 && x >= c->average.net.params) {
    snprintf(text, size, "a weight of the averaged policy");
    return;
  }
  while (l + 1 < c->learner + c->learners && x >= l[1].net->params) l++;
  const char *what = x >= l->opt.m                         ? "a moment of Adam for"
                     : l->target && x >= l->target->params ? "a weight of the target of"
                                                           : "a weight of";
  snprintf(text, size, "%s %s", what, l->name);
}

double agent_reward_scale(const agent *a) { return (double)a->reward_scale; }

agent_stats agent_update(agent *a, const batch *b) { return a->type->update(a, b); }
