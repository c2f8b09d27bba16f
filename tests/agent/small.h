/* small.h - small problems whose answer is known, and what every agent is asked about them.
 *
 * The chain: an observation is (d, stage), d = +-1. At stage 1 any action earns 0 and leads to
 * stage 0 of the same d; at stage 0 action d x earns 2 + x and ends. Recorded x: six of ten around
 * -0.4, four of ten around 0.5, standard deviation 0.05; nothing is known beyond 0.7. */
#ifndef TESTS_AGENT_SMALL_H
#define TESTS_AGENT_SMALL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/rng.h"
#include "check.h"
#include "config/config.h"

enum { SMALL_S = 2, SMALL_A = 1, SMALL_N = 2000 };
static const float SMALL_BAD = -0.4f, SMALL_GOOD = 0.5f;

static inline mopo_dataset *small_chain(void)
{
  static float obs[SMALL_N][SMALL_S], next[SMALL_N][SMALL_S], act[SMALL_N][SMALL_A], rew[SMALL_N];
  static unsigned char end[SMALL_N];
  rng_stream r = rng_stream_of(rng_seed(11));
  for (int i = 0; i < SMALL_N; i++) {
    float d = rng_below(&r, 2) ? 1.0f : -1.0f;
    float x = (rng_below(&r, 10) < 6 ? SMALL_BAD : SMALL_GOOD) + 0.05f * rng_normal(&r);
    end[i] = (unsigned char)(i % 2);
    obs[i][0] = next[i][0] = d, obs[i][1] = end[i] ? 0.0f : 1.0f, next[i][1] = 0.0f;
    act[i][0] = d * x, rew[i] = end[i] ? 2.0f + x : 0.0f;
  }
  mopo_dataset *data = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&data, SMALL_N, SMALL_S, SMALL_A, obs[0], act[0], rew, next[0],
                                     end, NULL, &err),
            err);
  return data;
}

typedef struct small_run {
  mopo_config c;
  mopo_dataset *data;
  mopo_dataset_info info;
  par *pool;
  agent *agent;
  uint64_t updates;
} small_run;

static inline mopo_config small_config(const char *algo)
{
  static const char *const set[][2] = {{"hidden", "32"},
                                       {"batch-size", "72"},
                                       {"gamma", "0.9"},
                                       {"tau", "0.05"},
                                       {"actor-lr", "1e-3"},
                                       {"critic-lr", "3e-3"},
                                       {"actor-schedule", "constant"}};
  mopo_config c = config_default();
  mopo_error err;
  assert_ok(mopo_config_set(&c, "algo", algo, &err), err);
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

/* Takes data over. behaviour: as in agent_setup; borrowed. */
static inline small_run *small_begin_held(const mopo_config *c, mopo_dataset *data, int threads,
                                          const float *behaviour)
{
  mopo_error err;
  small_run *s = calloc(1, sizeof *s);
  s->c = *c, s->data = data;
  assert_ok(mopo_config_resolve(&s->c, "hopper", "", data->at.A, &err), err);
  assert_ok(mopo_dataset_describe(&s->info, data, &err), err);
  assert_ok(par_create(&s->pool, threads, &err), err);
  agent_setup setup = {.config = &s->c,
                       .S = data->at.S,
                       .A = data->at.A,
                       .pool = s->pool,
                       .key = rng_seed(5),
                       .data = data,
                       .info = &s->info,
                       .behaviour = behaviour};
  assert_ok(agent_create(&s->agent, agent_find(s->c.algo), &setup, &err), err);
  return s;
}

static inline small_run *small_begin(const mopo_config *c, mopo_dataset *data, int threads)
{
  return small_begin_held(c, data, threads, NULL);
}

static inline void small_end(small_run *s)
{
  agent_free(s->agent);
  par_free(s->pool);
  mopo_dataset_free(s->data);
  free(s);
}

/* n updates on batches that depend on their number alone; figures of the last. */
static inline agent_stats small_learn(small_run *s, int n)
{
  agent_stats stats = {0};
  const float *rows[256];
  for (int i = 0; i < n; i++, s->updates++) {
    for (int r = 0; r < s->c.batch_size; r++) {
      uint32_t w[4];
      rng_block(w, rng_seed(3), s->updates, (uint64_t)r);
      rows[r] = dataset_row(s->data, (int64_t)rng_word_below(w[0], w[1], (uint64_t)s->data->N));
    }
    batch b = {s->c.batch_size, s->data->at, rows};
    stats = agent_update(s->agent, &b);
    assert_true(isfinite(stats.critic_loss) && isfinite(stats.actor_loss));
  }
  return stats;
}

/* First component of the deterministic action at obs. */
static inline double small_act(const small_run *s, const float *obs)
{
  const actor *p = agent_policy(s->agent);
  arena a = {0};
  actor_work w;
  float act[16];
  actor_work_layout(&w, p, &a, 1);
  assert_true(arena_alloc(&a));
  actor_work_layout(&w, p, &a, 1);
  actor_act(p, &w, act, (size_t)p->A, obs, (size_t)p->S, 1, NULL);
  free(a.base);
  return (double)act[0];
}

/* x of the action at stage 0, the mean over both d. */
static inline double small_chain_x(const small_run *s)
{
  double plus = small_act(s, (float[]){1.0f, 0.0f}), minus = small_act(s, (float[]){-1.0f, 0.0f});
  return (plus - minus) / 2.0;
}

static inline void small_assert_near(double x, double want, double tolerance)
{
  if (!(fabs(x - want) <= tolerance)) fail_msg("%g, want %g +- %g", x, want, tolerance);
}

static inline void small_assert_same_state(const small_run *a, const small_run *b)
{
  agent_memory x = agent_state(a->agent), y = agent_state(b->agent);
  assert_int_equal(x.n_values, y.n_values);
  assert_int_equal(x.n_scalars, y.n_scalars);
  assert_memory_equal(x.values, y.values, x.n_values * sizeof *x.values);
  assert_memory_equal(x.scalars, y.scalars, x.n_scalars * sizeof *x.scalars);
}

/* One thread, three threads; and a run whose state was carried over into a fresh agent half way. */
static inline void small_assert_same_bits(const mopo_config *c)
{
  enum { HALF = 15 };
  small_run *one = small_begin(c, small_chain(), 1), *three = small_begin(c, small_chain(), 3);
  small_run *cut = small_begin(c, small_chain(), 2), *rest = small_begin(c, small_chain(), 1);
  small_learn(one, 2 * HALF);
  small_learn(three, 2 * HALF);
  small_assert_same_state(one, three);
  small_learn(cut, HALF);
  agent_memory from = agent_state(cut->agent);
  agent_memory to = agent_state(rest->agent);
  memcpy(to.values, from.values, from.n_values * sizeof *to.values);
  memcpy(to.scalars, from.scalars, from.n_scalars * sizeof *to.scalars);
  agent_restored(rest->agent);
  rest->updates = cut->updates;
  small_learn(rest, HALF);
  small_assert_same_state(one, rest);
  assert_int_equal(small_chain_x(one) == small_chain_x(rest), 1);
  small_end(one), small_end(three), small_end(cut), small_end(rest);
}

/* g [n] beside central differences of loss(x) in double, relative to the greatest of them. */
static inline void small_assert_gradient(double (*loss)(const double *x, const void *ctx),
                                         const void *ctx, const double *x, const float *g, int n)
{
  double y[256], difference[256], scale = 0.0;
  const double h = 1e-5;
  assert_true(n <= 256);
  memcpy(y, x, (size_t)n * sizeof *y);
  for (int i = 0; i < n; i++) {
    y[i] = x[i] + h;
    double up = loss(y, ctx);
    y[i] = x[i] - h;
    difference[i] = (up - loss(y, ctx)) / (2.0 * h);
    y[i] = x[i];
    if (fabs(difference[i]) > scale) scale = fabs(difference[i]);
  }
  assert_true(scale > 0.0);
  for (int i = 0; i < n; i++)
    if (!(fabs((double)g[i] - difference[i]) <= 2e-4 * scale))
      fail_msg("component %d: %g, want %g", i, (double)g[i], difference[i]);
}

#endif
