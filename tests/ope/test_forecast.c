/* test_forecast.c - imagined returns against a model whose every step is known, to the same bits on
 * any number of threads; what blows up is said, not hidden. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ope/forecast.h"
#include "task/task.h"

enum { S = 2, A = 1, D = S + 1, STARTS = 7, HORIZON = 40 };
static const double GAMMA = 0.9;

typedef void done_fn(void *ctx, unsigned char *done, const float *obs, const float *act,
                     const float *next, int n);

static void past_one(void *ctx, unsigned char *done, const float *obs, const float *act,
                     const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  for (int i = 0; i < n; i++) done[i] = next[i * S] > 1.0f;
}

/* done NULL: it never ends. */
static mopo_task task_of(done_fn *done)
{
  return (mopo_task){
      .facts = {.name = "test", .obs_dim = S, .act_dim = A, .horizon = HORIZON, .done = done}};
}

/* A model that says reward `rew` and next = obs + (drift, 0), with this log-variance. */
static ensemble *constant_model(float rew, float drift, float logvar)
{
  mopo_error err;
  ensemble *m = NULL;
  ensemble_settings shape = {3, 2, 16, 2};
  assert_ok(ensemble_create(&m, &shape, S, A, rng_seed(1), &err), err);
  float w[16 * 2 * D] = {0}, b[2 * D] = {rew, drift};
  for (int e = 0; e < 3; e++) mlp_set(&m->net[e], 2, w, b);
  for (int d = 0; d < D; d++) m->min[d] = logvar - 30.0f, m->max[d] = logvar;
  ensemble_bounds_changed(m);
  return m;
}

typedef struct policy {
  actor p;
  arena memory;
} policy;

static policy random_policy(void)
{
  policy x = {.memory = {0}};
  actor_shape(&x.p, kernels_best(), S, A, 16, 1, -5.0f, 2.0f);
  mlp_layout(&x.p.net, &x.memory);
  assert_true(arena_alloc(&x.memory));
  mlp_layout(&x.p.net, &x.memory);
  mlp_initialise(&x.p.net, MLP_GLOROT, rng_seed(2));
  return x;
}

static forecast_result run(const ensemble *m, const mopo_task *task, const penalty_type *kind,
                           double coef, int threads)
{
  mopo_error err;
  par *pool = NULL;
  forecast *f = NULL;
  forecast_result out;
  float starts[STARTS * S];
  for (int i = 0; i < STARTS; i++) starts[i * S] = 0.05f * (float)i, starts[i * S + 1] = 1.0f;
  policy x = random_policy();
  forecast_settings set = {.starts = STARTS, .gamma = GAMMA};
  imagine g = {.m = m, .task = task, .penalty = kind, .coef = coef};
  assert_ok(par_create(&pool, threads, &err), err);
  assert_ok(forecast_create(&f, &set, &g, &x.p, pool, &err), err);
  assert_ok(forecast_run(&out, f, &x.p, starts, rng_seed(3), &err), err);
  forecast_free(f);
  par_free(pool);
  free(x.memory.base);
  return out;
}

static bool near(double a, double b) { return fabs(a - b) < 1e-5 * fabs(b); }

static double discounts(int steps) { return (1.0 - pow(GAMMA, steps)) / (1.0 - GAMMA); }

/* Variance e^-20 on each of D outputs: u = sqrt(3) e^-10, and noise that float32 hardly sees. */
static void a_whole_episode_is_summed_and_penalised(void **state)
{
  (void)state;
  mopo_task task = task_of(NULL);
  ensemble *m = constant_model(2.0f, 0.5f, -20.0f);
  double u = sqrt(3.0) * exp(-10.0), sum = discounts(HORIZON), lambda = 1e4;
  forecast_result r = run(m, &task, penalty_named("aleatoric"), lambda, 2);
  assert_true(near(r.ret, 2.0 * sum));
  assert_true(near(r.uncertainty, u));
  assert_true(near(r.ret - r.penalised, lambda * r.uncertainty * sum));
  assert_int_equal(r.broken, 0);
  ensemble_free(m);
}

/* Start i stands at i / 20 and goes 0.31 a step until it is past 1. */
static void an_episode_stops_where_the_task_ends(void **state)
{
  (void)state;
  mopo_task task = task_of(past_one);
  ensemble *m = constant_model(1.0f, 0.31f, -25.0f);
  forecast_result r = run(m, &task, penalty_named("aleatoric"), 0.0, 1);
  double want = 0.0;
  for (int i = 0; i < STARTS; i++) {
    int steps = 0;
    for (double at = 0.05 * i; at <= 1.0; at += 0.31) steps++;
    want += discounts(steps) / STARTS;
  }
  assert_true(near(r.ret, want));
  assert_true(r.penalised == r.ret);
  ensemble_free(m);
}

static void without_a_penalty_uncertainty_is_still_measured(void **state)
{
  (void)state;
  mopo_task task = task_of(NULL);
  ensemble *m = constant_model(1.0f, 0.0f, -4.0f);
  forecast_result none = run(m, &task, penalty_named("none"), 3.0, 1);
  forecast_result aleatoric = run(m, &task, penalty_named("aleatoric"), 3.0, 1);
  assert_true(none.penalised == none.ret);
  assert_true(none.uncertainty == aleatoric.uncertainty && none.ret == aleatoric.ret);
  assert_true(none.uncertainty > 0.2); /* sqrt(3) e^-2 */
  ensemble_free(m);
}

static void threads_do_not_change_the_bits(void **state)
{
  (void)state;
  mopo_error err;
  mopo_task task = task_of(past_one);
  ensemble *m = NULL;
  ensemble_settings shape = {4, 3, 16, 2};
  assert_ok(ensemble_create(&m, &shape, S, A, rng_seed(4), &err), err);
  forecast_result one = run(m, &task, penalty_named("max-pairwise-diff"), 1.0, 1);
  for (int threads = 2; threads < 6; threads++) {
    forecast_result many = run(m, &task, penalty_named("max-pairwise-diff"), 1.0, threads);
    assert_memory_equal(&one, &many, sizeof one);
  }
  ensemble_free(m);
}

static void what_blows_up_is_said(void **state)
{
  (void)state;
  mopo_task task = task_of(NULL);
  ensemble *m = constant_model(1.0f, 1e38f, -20.0f);
  forecast_result r = run(m, &task, penalty_named("aleatoric"), 1.0, 2);
  assert_int_equal(r.broken, STARTS * FORECAST_COPIES);
  assert_true(isnan(r.ret) && isnan(r.penalised));
  ensemble_free(m);

  m = constant_model(INFINITY, 0.0f, -20.0f);
  r = run(m, &task, penalty_named("aleatoric"), 1.0, 2);
  assert_int_equal(r.broken, STARTS * FORECAST_COPIES);
  assert_true(isinf(r.ret));
  ensemble_free(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_whole_episode_is_summed_and_penalised),
      cmocka_unit_test(an_episode_stops_where_the_task_ends),
      cmocka_unit_test(without_a_penalty_uncertainty_is_still_measured),
      cmocka_unit_test(threads_do_not_change_the_bits),
      cmocka_unit_test(what_blows_up_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
