/* test_allocations.c - updates, imagined rollouts, batches and evaluations take no memory: malloc
 * and its kin are counted. */
#include "check.h"
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "ope/forecast.h"
#include "play/evaluate.h"
#include "train/rollout.h"

/* The C library's own, under the names it keeps for such purposes. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static atomic_long taken;

void *malloc(size_t n)
{
  atomic_fetch_add(&taken, 1);
  return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
  atomic_fetch_add(&taken, 1);
  return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
  atomic_fetch_add(&taken, 1);
  return __libc_realloc(p, n);
}
void *aligned_alloc(size_t alignment, size_t n)
{
  atomic_fetch_add(&taken, 1);
  return __libc_memalign(alignment, n);
}

enum { S = 11, A = 3, ROWS = 300 };

static mopo_dataset *random_dataset(void)
{
  static float obs[ROWS * S], act[ROWS * A], rew[ROWS];
  static unsigned char end[ROWS];
  rng_normals(obs, ROWS * S, rng_seed(1), 0);
  rng_normals(rew, ROWS, rng_seed(2), 0);
  for (int i = 0; i < ROWS; i++) obs[i * S] += 1.3f;
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, ROWS, S, A, obs, act, rew, obs, end, NULL, &err), err);
  return d;
}

static mopo_config small_config(void)
{
  mopo_config c = config_default();
  mopo_error err;
  assert_ok(mopo_config_set(&c, "algo", "mopo", &err), err);
  assert_ok(mopo_config_set(&c, "batch-size", "64", &err), err);
  assert_ok(mopo_config_set(&c, "hidden", "32", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "", A, &err), err);
  return c;
}

static void nothing_is_taken_in_the_loop(void **state)
{
  (void)state;
  mopo_error err;
  par *pool = NULL;
  agent *a = NULL;
  ensemble *m = NULL;
  rollout *r = NULL;
  replay *ring = NULL;
  mopo_config c = small_config();
  mopo_dataset *d = random_dataset();
  assert_ok(par_create(&pool, 2, &err), err);
  agent_setup setup = {.config = &c, .S = S, .A = A, .pool = pool, .key = rng_seed(3)};
  assert_ok(agent_create(&a, agent_find("mopo"), &setup, &err), err);
  ensemble_settings shape = {3, 2, 24, 2};
  assert_ok(ensemble_create(&m, &shape, S, A, rng_seed(4), &err), err);
  rollout_settings set = {.rows = 200, .length = 2};
  const mopo_task *hopper = mopo_task_find("hopper");
  const actor *p = agent_policy(a);
  imagine g = {.m = m, .task = hopper, .penalty = penalty_named("max-pairwise-diff"), .coef = 1.0};
  assert_ok(rollout_create(&r, &set, &g, p, pool, &err), err);
  assert_ok(replay_create(&ring, 1000, d->at, &err), err);

  long before = atomic_load(&taken);
  assert_true(before > 0); /* the counter counts */
  const float *rows[64];
  for (int i = 0; i < 64; i++) rows[i] = dataset_row(d, i);
  batch b = {64, d->at, rows};
  for (int i = 0; i < 20; i++) {
    rollout_stats s;
    agent_update(a, &b);
    assert_ok(rollout_run(r, &s, ring, d, p, rng_seed(5), (uint64_t)i, NULL, NULL, &err), err);
  }
  assert_int_equal(atomic_load(&taken), before);

  forecast *f = NULL;
  forecast_result foretold;
  forecast_settings whole = {.starts = 3, .gamma = 0.99};
  assert_ok(forecast_create(&f, &whole, &g, p, pool, &err), err);
  before = atomic_load(&taken);
  assert_ok(forecast_run(&foretold, f, p, dataset_row(d, 0), rng_seed(7), &err), err);
  assert_int_equal(atomic_load(&taken), before);
  forecast_free(f);

#ifdef MOPO_HAVE_MUJOCO
  sim_world *world = NULL;
  evaluator *e = NULL;
  static mopo_eval_result result;
  assert_ok(sim_world_create(&world, hopper, SIM_D4RL, &err), err);
  assert_ok(evaluator_create(&e, hopper, world, p, 3, 0.99, pool, &err), err);
  before = atomic_load(&taken);
  assert_ok(evaluator_run(&result, e, p, rng_seed(6), NULL, &err), err);
  assert_int_equal(atomic_load(&taken), before);
  evaluator_free(e);
  sim_world_free(world);
#endif
  replay_free(ring);
  rollout_free(r);
  ensemble_free(m);
  agent_free(a);
  par_free(pool);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_taken_in_the_loop)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
