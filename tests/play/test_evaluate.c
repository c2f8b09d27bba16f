/* test_evaluate.c - the discounted return and the start states of an evaluation; switches in a
 * simulator of the caller's. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "play/evaluate.h"
#include "task/task.h"

enum { S = 11, A = 3, EPISODES = 4 };

typedef struct fixture {
  actor p;
  arena memory;
  par *pool;
  sim_world *world;
} fixture;

static fixture set_up(void)
{
  mopo_error err;
  fixture x = {.pool = NULL};
  actor_shape(&x.p, kernels_best(), S, A, 16, 1, -5.0f, 2.0f);
  mlp_layout(&x.p.net, &x.memory);
  assert_true(arena_alloc(&x.memory));
  mlp_layout(&x.p.net, &x.memory);
  mlp_initialise(&x.p.net, MLP_GLOROT, rng_seed(2));
  assert_ok(par_create(&x.pool, 2, &err), err);
  assert_ok(sim_world_create(&x.world, mopo_task_find("hopper"), SIM_D4RL, &err), err);
  return x;
}

static void tear_down(fixture *x)
{
  sim_world_free(x->world);
  par_free(x->pool);
  free(x->memory.base);
}

/* The same by hand, one episode after the other; also checks where they begin. */
static double by_hand(fixture *x, double gamma, const float *starts)
{
  mopo_error err;
  sim *s = NULL;
  double total = 0.0;
  arena memory = {0};
  actor_work work;
  actor_work_layout(&work, &x->p, &memory, PANEL);
  assert_true(arena_alloc(&memory));
  actor_work_layout(&work, &x->p, &memory, PANEL);
  assert_ok(sim_create(&s, x->world, &err), err);
  for (int i = 0; i < EPISODES; i++) {
    float obs[S], act[A];
    double rew = 0.0, weight = 1.0;
    bool done = false;
    rng_stream noise = rng_stream_of(rng_index(rng_seed(5), (uint64_t)i));
    sim_reset(s, obs, &noise);
    assert_memory_equal(obs, starts + i * S, sizeof obs);
    for (int t = 0; t < 1000 && !done; t++, weight *= gamma) {
      actor_act(&x->p, &work, act, A, obs, S, 1, NULL);
      assert_true(sim_step(s, obs, &rew, &done, act));
      total += weight * rew / EPISODES;
    }
  }
  sim_free(s);
  free(memory.base);
  return total;
}

static void the_discounted_return_is_that_of_the_episodes(void **state)
{
  (void)state;
  if (!*mopo_simulator_version()) skip();
  static const double gammas[] = {0.0, 0.5, 0.99, 1.0};
  fixture x = set_up();
  for (size_t i = 0; i < sizeof gammas / sizeof *gammas; i++) {
    mopo_error err;
    static mopo_eval_result r;
    evaluator *e = NULL;
    assert_ok(evaluator_create(&e, mopo_task_find("hopper"), x.world, &x.p, EPISODES, gammas[i],
                               x.pool, &err),
              err);
    assert_ok(evaluator_run(&r, e, &x.p, rng_seed(5), NULL, &err), err);
    double want = by_hand(&x, gammas[i], evaluator_starts(e));
    assert_true(fabs(evaluator_discounted(e) - want) < 1e-9 * fabs(want)); /* order of summing */
    if (gammas[i] >= 1.0) assert_true(fabs(r.return_mean - want) < 1e-9 * fabs(want));
    evaluator_free(e);
  }
  tear_down(&x);
}

/* ------------------------------------------------------------------ switches */

typedef struct seen {
  int steps, between;
} seen;

static void reset(void *ctx, uint64_t seed, float *obs)
{
  (void)ctx;
  obs[0] = (float)(seed % 7) - 3.0f, obs[1] = 0.0f;
}

/* The pump is driven through its range; the heater is off or on. */
static void step(void *ctx, const float *act, float *obs, double *rew, bool *terminal,
                 bool *timeout)
{
  seen *s = ctx;
  (void)terminal, (void)timeout;
  assert_true(act[1] == -1.0f || act[1] == 1.0f);
  s->steps++, s->between += act[0] != -1.0f && act[0] != 1.0f;
  obs[0] += act[1], obs[1] = act[0];
  *rew = 1.0;
}

static void a_switch_is_on_or_off(void **state)
{
  static const char text[] = "[task]\nname = tank\nobservations = a, b\nactions = pump, heater\n"
                             "pump = 0 .. 100\nheater = off, on\nhorizon = 20\n";
  static mopo_eval_result r;
  (void)state;
  mopo_error err;
  mopo_task *task = NULL;
  mopo_policy *p = NULL;
  actor a = {0};
  arena memory = {0};
  seen s = {0};
  const mopo_simulator own = {.size = sizeof own, .ctx = &s, .reset = reset, .step = step};
  const mopo_eval_options how = {.size = sizeof how, .episodes = 3, .simulator = &own};
  assert_ok(task_parse(&task, text, sizeof text - 1, "tank.ini", &err), err);
  actor_shape(&a, kernels_best(), 2, 2, 16, 1, -5.0f, 2.0f);
  mlp_layout(&a.net, &memory);
  assert_true(arena_alloc(&memory));
  mlp_layout(&a.net, &memory);
  mlp_initialise(&a.net, MLP_GLOROT, rng_seed(2));
  assert_ok(policy_of(&p, &a, "mopo", "tank", NULL, &err), err);
  assert_ok(mopo_evaluate(&r, p, task, &how, &err), err);
  assert_true(s.steps == 60 && s.between > 0);
  assert_true(r.return_mean == 20.0);
  assert_int_equal(mopo_evaluate(&r, p, task, NULL, &err), MOPO_EINVAL);
  assert_string_equal(err.msg, "task tank has no simulator");
  mopo_policy_free(p);
  mopo_task_free(task);
  free(memory.base);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_discounted_return_is_that_of_the_episodes),
      cmocka_unit_test(a_switch_is_on_or_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
