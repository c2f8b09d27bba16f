/* core.c - see core.h. */
#include "agent/core.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fmath.h"

static core *of(agent *a) { return (core *)(void *)a; }
static const core *of_const(const agent *a) { return (const core *)(const void *)a; }

/* ------------------------------------------------------------- rows */

rows_at core_rows(const core *c, int piece)
{
  int r0 = piece * c->R, left = c->B - r0;
  return (rows_at){r0, left < c->R ? left : c->R};
}

void core_put_obs(const core *c, panels x, int r0, const float *const *row, int offset, int rows)
{
  panels_put(x, r0, 0, row, offset, rows, c->S);
  if (!c->shift) return;
  for (int r = 0; r < rows; r++)
    for (int j = 0; j < c->S; j++) {
      float *y = x.x + (size_t)(j / PANEL) * x.stride + (size_t)(r0 + r) * PANEL + j % PANEL;
      *y = (*y - c->shift[j]) * c->scale[j];
    }
}

void core_policy_rows(core *c, rows_at p)
{
  learner *l = &c->learner[0];
  core_put_obs(c, l->acts.h[0], p.r0, c->batch->row + p.r0, 0, p.n);
  mlp_forward(l->net, &l->acts, p.r0, p.n, true);
}

uint64_t core_updates(const core *c) { return (uint64_t)c->scalars[c->own + 2 * c->learners]; }

static int padded_B(const core *c) { return (c->B + PANEL - 1) / PANEL * PANEL; }

void core_sample(const core *c, actor_work *w, const mlp_acts *acts, int acts_r0, rows_at p,
                 int which)
{
  actor_noise(&c->actor, w, c->setup.key, core_updates(c), which * c->A, padded_B(c), p.r0, p.n);
  actor_head(&c->actor, w, acts, acts_r0, p.n);
}

void core_noise(const core *c, float *eps, int n, int R, rng_key key, rows_at p)
{
  size_t rows = (size_t)(p.n + 3) & ~(size_t)3;
  for (int j = 0; j < n; j++)
    c->actor.net.k->normals(eps + (size_t)j * (size_t)R, rows, key.k[0], key.k[1], core_updates(c),
                            (uint64_t)j * (uint64_t)padded_B(c) + (uint64_t)p.r0);
}

void core_clone_rows(core *c, learner *l, const actor *p, actor_work *w, rows_at at, float *loss)
{
  const float *const *row = c->batch->row + at.r0;
  float dlogp[CORE_PIECE];
  core_put_obs(c, l->acts.h[0], at.r0, row, 0, at.n);
  mlp_forward(l->net, &l->acts, at.r0, at.n, true);
  core_recorded_actions(c, w->act, w->R, at);
  actor_likelihood(p, w, &l->acts, at.r0, at.n);
  for (int r = 0; r < at.n; r++) {
    loss[at.r0 + r] = -w->logp[r];
    dlogp[r] = -1.0f / (float)c->B;
  }
  actor_likelihood_back(p, w, &l->grads, at.r0, at.n, dlogp);
  mlp_backward(l->net, &l->acts, &l->grads, at.r0, at.n);
}

void core_recorded_actions(const core *c, float *act, int R, rows_at p)
{
  for (int r = 0; r < p.n; r++) {
    const float *a = c->batch->row[p.r0 + r] + c->batch->at.act;
    for (int j = 0; j < c->A; j++) act[j * R + r] = a[j];
  }
}

actor_work *core_actor_work_layout(const core *c, arena *a)
{
  int threads = par_threads(c->setup.pool);
  actor_work *all = arena_bytes(a, (size_t)threads * sizeof *all), measure;
  for (int t = 0; t < threads; t++)
    actor_work_layout(a->base ? &all[t] : &measure, &c->actor, a, c->R);
  return all;
}

mlp_acts *core_acts_layout(const core *c, const mlp *net, arena *a)
{
  int threads = par_threads(c->setup.pool);
  mlp_acts *all = arena_bytes(a, (size_t)threads * sizeof *all), measure;
  for (int t = 0; t < threads; t++)
    mlp_acts_layout(a->base ? &all[t] : &measure, net, a, c->R, false);
  return all;
}

void core_rows_stage(core *c, par_fn *fn) { par_run(c->setup.pool, c->pieces, fn, c); }

void core_steps(core *c, learner *const *l, int n)
{
  learner_steps(l, n, c->setup.pool, c->scratch);
}

static void keep_powers(core *c)
{
  for (int i = 0; i < c->learners; i++) {
    c->scalars[c->own + 2 * i] = c->learner[i].opt.power1;
    c->scalars[c->own + 2 * i + 1] = c->learner[i].opt.power2;
  }
}

/* Of t updates the average holds about the last 1 / (1 - ema), at first the last tenth. */
static void follow(core *c, double t)
{
  float tau = (float)fmax(1.0 - c->ema, 10.0 / (9.0 + t));
  float *to = c->average.net.params;
  const float *from = c->actor.net.params;
  for (size_t i = 0; i < c->average.net.size; i++) to[i] += tau * (from[i] - to[i]);
}

void core_updated(core *c)
{
  double *updates = &c->scalars[c->own + 2 * c->learners];
  *updates += 1.0;
  if (c->ema > 0.0) follow(c, *updates);
  keep_powers(c);
}

double core_mean(const float *x, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += (double)x[i];
  return sum / n;
}

/* ------------------------------------------------------------- create, free */

learner *core_add(core *c, mlp *net, mlp *target, const char *name, double lr, int rows)
{
  assert(c->learners < CORE_LEARNERS);
  learner *l = &c->learner[c->learners];
  *l = (learner){.name = name, .net = net, .target = target, .rows = rows};
  if (target) l->tau = (float)c->setup.config->tau;
  c->lr[c->learners++] = lr;
  return l;
}

static void layout_state(core *c, arena *a)
{
  for (int i = 0; i < c->learners; i++) learner_layout_state(&c->learner[i], a);
  if (c->ema > 0.0) mlp_layout(&c->average.net, a);
}

static void layout_work(core *c, arena *a, const core_plan *plan)
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
  if (plan->standardise) {
    c->shift = arena_floats(a, (size_t)c->S), c->scale = arena_floats(a, (size_t)c->S);
    mlp_layout(&c->raw.net, a);
  }
  plan->layout(c, a);
}

/* Mean and standard deviation of the recorded observations; 1e-3 keeps a column that never moves
 * from being blown up (Fujimoto & Gu 2021, section 5). */
static void measure(core *c, const mopo_dataset *d)
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

mopo_status core_create(agent **out, const agent_type *type, const core_plan *plan,
                        const agent_setup *setup, mopo_error *err)
{
  const mopo_config *config = setup->config;
  *out = NULL;
  core *c = calloc(1, plan->size);
  if (!c) return error_set(err, MOPO_ENOMEM, "%s: no memory for the agent", type->name);
  c->base.type = type;
  c->setup = *setup;
  c->S = setup->S, c->A = setup->A, c->B = config->batch_size;
  c->R = agent_rows_per_piece(c->B, par_threads(setup->pool));
  c->pieces = (c->B + c->R - 1) / c->R;
  c->cosine = strcmp(config->actor_schedule, "cosine") == 0;
  c->own = plan->scalars;
  c->reward_scale = 1.0f;
  actor_shape(&c->actor, kernels_best(), c->S, c->A, config->hidden, config->layers,
              (float)config->log_std_min, (float)config->log_std_max);
  c->raw = c->average = c->actor;
  c->ema = config->policy_ema;
  core_add(c, &c->actor.net, NULL, "actor", config->actor_lr, c->B);
  if (plan->shape) plan->shape(c, config);
  layout_state(c, &c->state);
  layout_work(c, &c->work, plan);
  if (!arena_alloc(&c->state) || !arena_alloc(&c->work)) {
    core_free(&c->base);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for the networks", type->name);
  }
  layout_state(c, &c->state);
  layout_work(c, &c->work, plan);
  mlp_init scheme = strcmp(config->init, "glorot") == 0 ? MLP_GLOROT : MLP_FAN_IN;
  for (int i = 0; i < c->learners; i++)
    learner_initialise(&c->learner[i], scheme, c->lr[i], setup->key);
  keep_powers(c);
  if (plan->standardise) measure(c, setup->data);
  if (plan->begin) plan->begin(c, config);
  if (c->ema > 0.0) mlp_copy(&c->average.net, &c->actor.net);
  *out = &c->base;
  return MOPO_OK;
}

void core_free(agent *a)
{
  if (!a) return;
  core *c = of(a);
  free(c->state.base);
  free(c->work.base);
  free(c);
}

/* ------------------------------------------------------------- policy, schedule, state */

static const actor *for_raw(const core *c, const actor *p)
{
  if (!c->shift) return p;
  mlp_fold_input(&c->raw.net, &p->net, c->shift, c->scale);
  return &c->raw;
}

const actor *core_policy(const agent *a)
{
  const core *c = of_const(a);
  return for_raw(c, c->ema > 0.0 ? &c->average : &c->actor);
}

const actor *core_learning(const agent *a) { return for_raw(of_const(a), &of_const(a)->actor); }

/* Cosine decay to 0 over the whole run. */
void core_progress(agent *a, double done)
{
  core *c = of(a);
  float sine, cosine;
  fm_sincos_turn(&sine, &cosine, (float)(done / 2.0));
  c->learner[0].opt.lr = c->cosine ? c->lr[0] * 0.5 * (1.0 + (double)cosine) : c->lr[0];
}

double core_actor_lr(const agent *a) { return of_const(a)->learner[0].opt.lr; }

agent_state core_state(agent *a)
{
  core *c = of(a);
  return (agent_state){(float *)(void *)c->state.base, c->state.used / sizeof(float), c->scalars,
                       (size_t)(c->own + 2 * c->learners + 1)};
}

void core_restored(agent *a)
{
  core *c = of(a);
  for (int i = 0; i < c->learners; i++) {
    mlp_transpose(c->learner[i].net);
    c->learner[i].opt.power1 = c->scalars[c->own + 2 * i];
    c->learner[i].opt.power2 = c->scalars[c->own + 2 * i + 1];
  }
}

void core_describe(const agent *a, char *text, size_t size, size_t i)
{
  const core *c = of_const(a);
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

double core_reward_scale(const agent *a) { return (double)of_const(a)->reward_scale; }
