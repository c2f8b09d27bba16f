/* Single steps from given states agree with Gymnasium's own tasks, v4 and v5.
 *
 * Fixtures and the file's layout: tests/oracle/gymnasium_fixture.py.
 *
 * Tolerance. The fixture comes from MuJoCo 2.3.2. Up to 3.4 both sides do the same arithmetic up to
 * the order of sums: observations agree to 1e-13, rewards to 2e-7 because Gymnasium sums the
 * squared actions in float32. Later solvers stop elsewhere within their own tolerance: 4e-6. MuJoCo
 * 4.0 integrates quaternions otherwise (RK4), which moves ant by 3e-5 in most steps and by 0.4 in
 * the worst: not compared. */
#include "check.h"

#ifdef MOPO_HAVE_MUJOCO

#include "sim/sim.h"
#include "task/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
  int rows, nq, nv, nu, S, width;
  double *row; /* [rows, width] */
};

static struct fixture fixture_load(const char *task)
{
  char path[512];
  double head[5];
  snprintf(path, sizeof path, FIXTURES "/%s_steps.bin", task);
  FILE *file = fopen(path, "rb");
  if (!file || fread(head, sizeof head, 1, file) != 1) fail_msg("%s: cannot be read", path);
  struct fixture f = {(int)head[0], (int)head[1], (int)head[2], (int)head[3], (int)head[4], 0,
                      NULL};
  f.width = f.nq + f.nv + f.nu + f.S + 3;
  size_t n = (size_t)f.rows * (size_t)f.width;
  f.row = malloc(n * sizeof *f.row);
  assert_non_null(f.row);
  assert_int_equal(fread(f.row, sizeof *f.row, n, file), n);
  fclose(file);
  return f;
}

struct worst {
  double obs, rew;
};

static void compare_row(struct worst *worst, sim *s, const struct fixture *f, const double *row,
                        double bonus)
{
  const double *qvel = row + f->nq, *action = qvel + f->nv, *obs = action + f->nu;
  const double *outcome = obs + f->S; /* reward of v4, of v5, terminated */
  float act[TASK_MAX_ACT], seen[TASK_MAX_OBS];
  double rew, pos[TASK_MAX_OBS], vel[TASK_MAX_OBS];
  bool done;
  for (int i = 0; i < f->nu; i++) act[i] = (float)action[i];
  sim_set_state(s, NULL, row, qvel);
  assert_true(sim_step(s, seen, &rew, &done, act));

  /* In float64 where the state shows through, then what the agent sees of it. */
  sim_get_state(s, pos, vel);
  int positions = f->S - f->nv;
  for (int i = 0; i < f->S; i++) {
    double mine = i < positions ? pos[f->nq - positions + i] : vel[i - positions];
    bool clipped = fabs(obs[i]) == 10;
    if (!clipped) worst->obs = fmax(worst->obs, fabs(mine - obs[i]) / (1 + fabs(obs[i])));
    assert_float_equal(seen[i], (float)obs[i], 1e-5f * (1 + fabsf((float)obs[i])));
  }
  worst->rew = fmax(worst->rew, fabs(rew - outcome[0]));
  worst->rew = fmax(worst->rew, fabs(rew - (outcome[1] + (done ? bonus : 0))));
  assert_int_equal(done, outcome[2] != 0);
}

/* Largest relative difference of an observation that this engine explains; 0: not comparable. */
static double engine_error(const char *task)
{
  int major = 0, minor = 0;
  assert_int_equal(sscanf(mopo_simulator_version(), "%d.%d", &major, &minor), 2);
  if (major >= 4 && strcmp(task, "ant") == 0) return 0;
  return major * 100 + minor < 305 ? 1e-11 : 1e-5;
}

static void compare(const char *name, double bonus)
{
  mopo_error err;
  sim_world *w;
  sim *s;
  double error = engine_error(name);
  if (error == 0) skip();
  struct fixture f = fixture_load(name);
  assert_ok(sim_world_create(&w, mopo_task_find(name), SIM_GYMNASIUM, &err), err);
  assert_ok(sim_create(&s, w, &err), err);
  assert_int_equal(f.nq, sim_nq(w));
  assert_int_equal(f.nv, sim_nv(w));
  assert_int_equal(f.S, mopo_task_facts_of(mopo_task_find(name))->obs_dim);

  struct worst worst = {0};
  for (int r = 0; r < f.rows; r++) compare_row(&worst, s, &f, f.row + r * f.width, bonus);
  print_message("%-12s %d steps: obs %.1e (relative), reward %.1e\n", name, f.rows, worst.obs,
                worst.rew);
  assert_true(worst.obs <= error);
  assert_true(worst.rew <= 1e-6);
  sim_free(s);
  sim_world_free(w);
  free(f.row);
}

/* The bonus: what v5 withholds on the step that ends the task. */
static void test_hopper(void **state) { (void)state, compare("hopper", 1); }
static void test_halfcheetah(void **state) { (void)state, compare("halfcheetah", 0); }
static void test_walker2d(void **state) { (void)state, compare("walker2d", 1); }
static void test_ant(void **state) { (void)state, compare("ant", 1); }

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hopper),
      cmocka_unit_test(test_halfcheetah),
      cmocka_unit_test(test_walker2d),
      cmocka_unit_test(test_ant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; } /* no simulator, nothing to compare */

#endif
