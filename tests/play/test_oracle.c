/* test_oracle.c - the penalty `oracle` is the distance from the model's mean to the simulator's own
 * next observation. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "play/oracle.h"
#include "sim/sim.h"
#include "task/task.h"

#ifdef MOPO_HAVE_MUJOCO

enum { MEMBERS = 3, ELITES = 2, STEPS = 40 };

/* A model that predicts the difference bias[e] whatever it sees, and the means to ask it. */
typedef struct asked {
  const mopo_task *task;
  sim_world *world;
  sim *sim;
  par *pool;
  oracle *oracle;
  ensemble *m;
  ensemble_work w;
  arena memory;
} asked;

static asked ask(const char *task)
{
  mopo_error err;
  asked a = {.task = mopo_task_find(task)};
  ensemble_settings shape = {MEMBERS, ELITES, 16, 2};
  assert_ok(sim_world_create(&a.world, a.task, SIM_D4RL, &err), err);
  assert_ok(sim_create(&a.sim, a.world, &err), err);
  assert_ok(par_create(&a.pool, 2, &err), err);
  assert_ok(oracle_create(&a.oracle, a.task, a.world, a.pool, &err), err);
  assert_ok(ensemble_create(&a.m, &shape, mopo_task_facts_of(a.task)->obs_dim,
                            mopo_task_facts_of(a.task)->act_dim, rng_seed(1), &err),
            err);
  for (int e = 0; e < MEMBERS; e++) memset(a.m->net[e].params, 0, a.m->net[e].size * sizeof(float));
  a.m->elite[0] = 2, a.m->elite[1] = 0, a.m->elite[2] = 1;
  ensemble_work_layout(&a.w, a.m, &a.memory);
  assert_true(arena_alloc(&a.memory));
  ensemble_work_layout(&a.w, a.m, &a.memory);
  return a;
}

static void answered(asked *a)
{
  free(a->memory.base);
  ensemble_free(a->m);
  oracle_free(a->oracle);
  par_free(a->pool);
  sim_free(a->sim);
  sim_world_free(a->world);
}

/* Output 0 is the reward; the state's differences follow. */
static float *bias(asked *a, int e) { return a->m->net[e].layer[a->m->net[e].layers - 1].b + 1; }

static float measure(asked *a, const float *obs, const float *act, int thread)
{
  float next[TASK_MAX_OBS], *to = next, rew, u;
  ensemble_draw draw = {rng_seed(5), rng_seed(6), 0, 0};
  ensemble_step(a->m, &a->w, &to, &rew, &u, &obs, &act, 1, penalty_named("oracle"), &draw);
  assert_true(u == 0.0f);
  oracle_measure(a->oracle, thread, &u, a->m, &a->w, &obs, &act, 1);
  return u;
}

static void random_action(float *act, rng_stream *rng)
{
  for (int i = 0; i < TASK_MAX_ACT; i++) act[i] = 0.3f * (2 * rng_uniform(rng) - 1);
}

/* Does the observation tell the state? Not where a velocity was clipped. */
static bool tells(const asked *a, const float *obs)
{
  bool whole = true;
  for (int i = mopo_task_facts_of(a->task)->obs_dim - sim_nv(a->world);
       i < mopo_task_facts_of(a->task)->obs_dim; i++)
    whole = whole && fabsf(obs[i]) != 10;
  return whole;
}

/* Along a trajectory, where x is not 0 and the solver is warm: a model that says that nothing moves
 * is off by the distance that the simulator itself moved. float32 is what the oracle knows of the
 * state; a contact can turn its rounding, 1e-7, into some 1e-5 of a velocity of 10. */
static void a_still_model_is_off_by_the_movement(void **state)
{
  (void)state;
  static const char *const names[] = {"hopper", "halfcheetah",      "walker2d",
                                      "ant",    "halfcheetah-jump", "ant-angle"};
  for (int k = 0; k < 6; k++) {
    asked a = ask(names[k]);
    rng_stream rng = rng_stream_of(rng_seed(9));
    float obs[TASK_MAX_OBS], next[TASK_MAX_OBS], act[TASK_MAX_ACT];
    sim_reset(a.sim, obs, &rng);
    int compared = 0;
    for (int t = 0; t < STEPS; t++) {
      double rew, moved = 0;
      bool done;
      random_action(act, &rng);
      float u = measure(&a, obs, act, t % 2);
      assert_true(sim_step(a.sim, next, &rew, &done, act));
      for (int i = 0; i < mopo_task_facts_of(a.task)->obs_dim; i++) {
        double d = (double)next[i] - (double)obs[i];
        moved += d * d;
      }
      compared += tells(&a, obs);
      if (tells(&a, obs) && !(fabs((double)u - sqrt(moved)) < 1e-3 * (1 + sqrt(moved))))
        fail_msg("%s step %d: %g, the simulator moved %g", names[k], t, (double)u, sqrt(moved));
      assert_true(u ==
                  measure(&a, obs, act, 1 - t % 2)); /* whoever asks, and whatever was before */
      memcpy(obs, next, sizeof obs);
    }
    assert_true(compared > STEPS / 2);
    answered(&a);
  }
}

/* The elites' mean is right though neither of them is, and the third, no elite, is far off. */
static void a_right_mean_costs_nothing(void **state)
{
  (void)state;
  asked a = ask("halfcheetah");
  rng_stream rng = rng_stream_of(rng_seed(3));
  float obs[TASK_MAX_OBS], truth[TASK_MAX_OBS], act[TASK_MAX_ACT];
  sim_reset(a.sim, obs, &rng);
  random_action(act, &rng);
  sim_answer(a.sim, truth, obs, act);
  for (int i = 0; i < mopo_task_facts_of(a.task)->obs_dim; i++) {
    bias(&a, 2)[i] = truth[i] - obs[i] + 0.25f;
    bias(&a, 0)[i] = truth[i] - obs[i] - 0.25f;
    bias(&a, 1)[i] = 100;
  }
  assert_true(measure(&a, obs, act, 0) < 1e-5f); /* 17 roundings of numbers up to 10 */
  bias(&a, 2)[4] += 3, bias(&a, 0)[4] += 3;
  assert_true(fabsf(measure(&a, obs, act, 0) - 3) < 1e-5f);
  answered(&a);
}

/* States that the simulator refuses: it starts anew, far from where the model went. */
static void impossible_states_cost(void **state)
{
  (void)state;
  asked a = ask("hopper");
  float obs[TASK_MAX_OBS] = {1e12f}, act[TASK_MAX_ACT] = {0}, next[TASK_MAX_OBS];
  sim_answer(a.sim, next, obs, act);
  assert_true(next[0] == 1.25f);
  for (int i = 1; i < mopo_task_facts_of(a.task)->obs_dim; i++) assert_true(next[i] == 0);
  assert_true(measure(&a, obs, act, 0) > 1e11f);
  bias(&a, 2)[0] = NAN;
  assert_true(isnan(measure(&a, obs, act, 0)));
  answered(&a);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_still_model_is_off_by_the_movement),
      cmocka_unit_test(a_right_mean_costs_nothing),
      cmocka_unit_test(impossible_states_cost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; }

#endif
