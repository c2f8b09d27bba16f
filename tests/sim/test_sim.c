/* The simulation: same bits from the same seed, nothing left over between episodes, and failures
 * that end an episode, not the process. Its agreement with Gymnasium is in test_gymnasium.c. */
#include "check.h"

#include "sim/sim.h"
#include "task/task.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#ifdef MOPO_HAVE_MUJOCO

#include "sim/sim_mujoco.h"

/* One simulation of a task, and where its random numbers come from. */
struct play {
  const mopo_task *task;
  sim_world *world;
  sim *sim;
  rng_stream rng;
  float obs[TASK_MAX_OBS];
  int ends; /* episodes that ended */
  double ret;
};

static struct play play_start(const char *task, uint64_t seed)
{
  mopo_error err;
  struct play p = {.task = mopo_task_find(task), .rng = rng_stream_of(rng_seed(seed))};
  assert_ok(sim_world_create(&p.world, p.task, SIM_GYMNASIUM, &err), err);
  assert_ok(sim_create(&p.sim, p.world, &err), err);
  sim_reset(p.sim, p.obs, &p.rng);
  return p;
}

static void play_stop(struct play *p)
{
  sim_free(p->sim);
  sim_world_free(p->world);
}

static void play_steps(struct play *p, int steps)
{
  for (int t = 0; t < steps; t++) {
    float act[TASK_MAX_ACT];
    double rew;
    bool done;
    for (int i = 0; i < mopo_task_facts_of(p->task)->act_dim; i++)
      act[i] = 2 * rng_uniform(&p->rng) - 1;
    if (!sim_step(p->sim, p->obs, &rew, &done, act))
      fail_msg("%s broke", mopo_task_facts_of(p->task)->name);
    p->ret += rew;
    p->ends += done;
    if (done) sim_reset(p->sim, p->obs, &p->rng);
  }
}

/* Same state, observation and sum of rewards, to the bit. */
static void assert_same(const struct play *a, const struct play *b)
{
  double x[2][2][TASK_MAX_OBS] = {0};
  sim_get_state(a->sim, x[0][0], x[0][1]);
  sim_get_state(b->sim, x[1][0], x[1][1]);
  assert_memory_equal(x[0], x[1], sizeof x[0]);
  assert_memory_equal(a->obs, b->obs,
                      (size_t)mopo_task_facts_of(a->task)->obs_dim * sizeof a->obs[0]);
  assert_memory_equal(&a->ret, &b->ret, sizeof a->ret);
  assert_int_equal(a->ends, b->ends);
}

static void test_same_seed_same_bits(void **state)
{
  (void)state;
  for (int i = 0; mopo_task_at(i); i++) {
    struct play a = play_start(mopo_task_facts_of(mopo_task_at(i))->name, 3),
                b = play_start(mopo_task_facts_of(mopo_task_at(i))->name, 3);
    play_steps(&a, 2000);
    play_steps(&b, 2000);
    assert_same(&a, &b);
    play_stop(&a);
    play_stop(&b);
  }
}

/* An episode does not depend on what the simulation did before it. */
static void test_reset_forgets(void **state)
{
  (void)state;
  for (int i = 0; mopo_task_at(i); i++) {
    struct play used = play_start(mopo_task_facts_of(mopo_task_at(i))->name, 5);
    play_steps(&used, 100);
    struct play fresh = play_start(mopo_task_facts_of(mopo_task_at(i))->name, 6);
    used.rng = rng_stream_of(rng_seed(6));
    sim_reset(used.sim, used.obs, &used.rng);
    used.ends = 0, used.ret = 0;
    play_steps(&used, 60);
    play_steps(&fresh, 60);
    assert_same(&used, &fresh);
    play_stop(&used);
    play_stop(&fresh);
  }
}

/* qpos0 plus uniform noise; velocities uniform or normal. */
static void test_reset_noise(void **state)
{
  (void)state;
  static const struct {
    const char *task;
    double height, pos, vel_std;
  } want[] = {{"hopper", 1.25, 0.005, 0.005 / 1.7320508},
              {"halfcheetah", 0, 0.1, 0.1},
              {"walker2d", 1.25, 0.005, 0.005 / 1.7320508},
              {"ant", 0.75, 0.1, 0.1}};
  enum { N = 400 };
  for (int k = 0; k < 4; k++) {
    struct play p = play_start(want[k].task, 1);
    bool ant = sim_nq(p.world) != sim_nv(p.world);
    double low = INFINITY, high = -INFINITY, squares = 0;
    for (int n = 0; n < N; n++) {
      double qpos[TASK_MAX_OBS], qvel[TASK_MAX_OBS];
      sim_reset(p.sim, p.obs, &p.rng);
      sim_get_state(p.sim, qpos, qvel);
      double noise = qpos[ant ? 2 : 1] - want[k].height;
      low = fmin(low, noise), high = fmax(high, noise);
      for (int i = 0; i < sim_nv(p.world); i++) squares += qvel[i] * qvel[i];
    }
    double std = sqrt(squares / (N * sim_nv(p.world)));
    assert_true(low >= -want[k].pos && low < -0.95 * want[k].pos);
    assert_true(high <= want[k].pos && high > 0.95 * want[k].pos);
    assert_true(fabs(std / want[k].vel_std - 1) < 0.06);
    play_stop(&p);
  }
}

static void test_actions_are_clipped(void **state)
{
  (void)state;
  const float wild[] = {3, -7, 1e9f}, tame[] = {1, -1, 1};
  struct play a = play_start("hopper", 2), b = play_start("hopper", 2);
  bool done;
  assert_true(sim_step(a.sim, a.obs, &a.ret, &done, wild));
  assert_true(sim_step(b.sim, b.obs, &b.ret, &done, tame));
  assert_same(&a, &b);
  play_stop(&a);
  play_stop(&b);
}

/* Rewards follow from the positions before, after and at the reset, and the actions; the height
 * that halfcheetah-jump sees is that of the torso's frame. */
static void test_rewards_from_positions(void **state)
{
  (void)state;
  static const char *const names[] = {"halfcheetah-jump", "ant-angle"};
  for (int k = 0; k < 2; k++) {
    struct play p = play_start(names[k], 8);
    mjData *d = sim_data(p.sim);
    double before[TASK_MAX_OBS], after[TASK_MAX_OBS], rew, start = k ? 0 : p.obs[8];
    bool done = false;
    for (int t = 0; t < 200 && !done; t++) {
      float act[TASK_MAX_ACT];
      double effort = 0, want;
      for (int i = 0; i < mopo_task_facts_of(p.task)->act_dim; i++) {
        act[i] = 2 * rng_uniform(&p.rng) - 1;
        effort += (double)act[i] * (double)act[i];
      }
      sim_get_state(p.sim, before, NULL);
      assert_true(sim_step(p.sim, p.obs, &rew, &done, act));
      sim_get_state(p.sim, after, NULL);
      double vx = (after[0] - before[0]) / 0.05, vy = (after[1] - before[1]) / 0.05;
      if (k == 0) {
        mj_kinematics(sim_world_model(p.world), d);
        assert_true(p.obs[8] == (float)d->xpos[3 + 2]);
        want = fmin(vx, 3) - 0.1 * effort + 15 * (d->xpos[3 + 2] - start);
      } else {
        want = vx * cos(mjPI / 6) + vy * sin(mjPI / 6) - 0.5 * effort + 1;
      }
      assert_true(fabs(rew - want) < 2e-6); /* start is a float32 near 0.7: 15 ulp / 2 = 4e-7 */
    }
    play_stop(&p);
  }
}

/* Velocities are seen clipped to 10; the end is judged on the state itself. */
static void test_observed_velocities(void **state)
{
  (void)state;
  struct play p = play_start("hopper", 2);
  double qpos[6] = {0, 1.25}, qvel[6] = {50, -50, 3};
  sim_set_state(p.sim, p.obs, qpos, qvel);
  assert_true(p.obs[0] == 1.25f && p.obs[5] == 10 && p.obs[6] == -10 && p.obs[7] == 3);
  play_stop(&p);
  p = play_start("halfcheetah", 2);
  double zeros[9] = {0}, fast[9] = {50};
  sim_set_state(p.sim, p.obs, zeros, fast);
  assert_true(p.obs[8] == 50);
  play_stop(&p);
}

/* A step from a bad state or with a bad action is refused, and goes on being refused until reset.
 */
static void test_broken(void **state)
{
  (void)state;
  static const double bad[] = {NAN, INFINITY, 1e12};
  const float still[TASK_MAX_ACT] = {0}, nan_act[TASK_MAX_ACT] = {NAN};
  double rew;
  bool done;
  for (int i = 0; mopo_task_at(i); i++) {
    struct play p = play_start(mopo_task_facts_of(mopo_task_at(i))->name, 4);
    double qpos[TASK_MAX_OBS], qvel[TASK_MAX_OBS];
    for (int k = 0; k < 6; k++) {
      sim_reset(p.sim, p.obs, &p.rng);
      sim_get_state(p.sim, qpos, qvel);
      *(k < 3 ? &qpos[sim_nq(p.world) - 1] : &qvel[0]) = bad[k % 3];
      sim_set_state(p.sim, NULL, qpos, qvel);
      assert_false(sim_step(p.sim, p.obs, &rew, &done, still));
      assert_false(sim_step(p.sim, p.obs, &rew, &done, still));
    }
    sim_reset(p.sim, p.obs, &p.rng);
    assert_true(sim_step(p.sim, p.obs, &rew, &done, still));
    assert_false(sim_step(p.sim, p.obs, &rew, &done, nan_act));
    sim_reset(p.sim, p.obs, &p.rng);
    play_steps(&p, 5);
    play_stop(&p);
  }
}

/* MuJoCo's own error (no stack left), which would end the process, ends the episode. */
static void test_error_is_caught(void **state)
{
  (void)state;
  const float still[TASK_MAX_ACT] = {0};
  double rew;
  bool done;
  mopo_error err;
  if (mjVERSION_HEADER >= 230 && mjVERSION_HEADER < 236)
    skip(); /* these do not check their stack */
  struct play p = play_start("walker2d", 4);
  mjModel *m = (mjModel *)sim_world_model(p.world);
#if mjVERSION_HEADER < 236
  m->nstack = 8;
#else
  m->narena = 64;
#endif
  sim *cramped;
  assert_ok(sim_create(&cramped, p.world, &err), err);
  for (int i = 0; i < 2; i++) {
    sim_reset(cramped, p.obs, &p.rng);
    assert_false(sim_step(cramped, p.obs, &rew, &done, still));
    assert_false(sim_step(cramped, p.obs, &rew, &done, still));
  }
  sim_free(cramped);
  play_steps(&p, 5);
  play_stop(&p);
}

static void test_leaves_no_log(void **state)
{
  (void)state;
  assert_int_equal(access("MUJOCO_LOG.TXT", F_OK), -1);
}

static void test_no_body(void **state)
{
  (void)state;
  mopo_error err;
  mopo_task other = *mopo_task_find("hopper");
  other.facts.name = "hopscotch", other.body.simulator = NULL;
  sim_world *w;
  assert_int_equal(sim_world_create(&w, &other, SIM_GYMNASIUM, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "hopscotch"));
  assert_null(w);
  sim_world_free(NULL);
  sim_free(NULL);
  assert_true(strlen(mopo_simulator_version()) > 0);
}

int main(void)
{
  unlink("MUJOCO_LOG.TXT");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_seed_same_bits),
      cmocka_unit_test(test_reset_forgets),
      cmocka_unit_test(test_reset_noise),
      cmocka_unit_test(test_actions_are_clipped),
      cmocka_unit_test(test_rewards_from_positions),
      cmocka_unit_test(test_observed_velocities),
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_error_is_caught),
      cmocka_unit_test(test_leaves_no_log),
      cmocka_unit_test(test_no_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void test_absent(void **state)
{
  (void)state;
  mopo_error err;
  sim_world *w;
  assert_int_equal(sim_world_create(&w, mopo_task_at(0), SIM_D4RL, &err), MOPO_EABSENT);
  assert_non_null(strstr(err.msg, "libmujoco-dev"));
  assert_null(w);
  assert_string_equal(mopo_simulator_version(), "");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_absent)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
