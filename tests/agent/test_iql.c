/* test_iql.c - implicit Q-learning prefers the better recorded actions. */
#include "agent/losses.h"
#include "small.h"

static const float EXPECTILE = 0.7f;

static double expectile(const double *u, const void *ctx)
{
  (void)ctx;
  return fabs((double)EXPECTILE - (u[0] < 0.0)) * u[0] * u[0];
}

static double gaussian(const double *x, const void *ctx)
{
  double a = *(const double *)ctx, z = (a - tanh(x[0])) / exp(x[1]);
  return 0.5 * z * z + x[1] + 0.5 * log(2.0 * 3.14159265358979);
}

static void losses_have_these_gradients(void **state)
{
  (void)state;
  const double u[] = {-1.3, -0.2, 0.4, 2.0};
  const double x[][3] = {{0.3, 0.2, -1.0}, {-0.9, -1.5, 0.4}, {1.0, 0.7, -2.0}}; /* a, m, ls */
  for (int i = 0; i < 4; i++) {
    float g;
    small_assert_near((double)loss_expectile(&g, (float)u[i], EXPECTILE), expectile(&u[i], NULL),
                      1e-6);
    small_assert_gradient(expectile, NULL, &u[i], &g, 1);
  }
  for (int i = 0; i < 3; i++) {
    float g[2];
    float loss = loss_gaussian(&g[0], &g[1], (float)x[i][0], (float)x[i][1], (float)x[i][2]);
    small_assert_near((double)loss, gaussian(&x[i][1], &x[i][0]), 1e-5);
    small_assert_gradient(gaussian, &x[i][0], &x[i][1], g, 2);
  }
}

/* With weights exp(3 adv) in units of a fifth of a reward, the worse actions as good as vanish. */
static void the_better_recorded_action_is_found(void **state)
{
  (void)state;
  mopo_config c = small_config("iql");
  c.iql_reward_scale = 5.0;
  small_run *s = small_begin(&c, small_chain(), 1);
  agent_stats stats = small_learn(s, 3000);
  small_assert_near(small_chain_x(s), (double)SMALL_GOOD, 0.12);
  /* at the end 2 + mean x; before it gamma V, V between the mean and the best */
  assert_true(stats.q_mean > 5.0 * (1.96 + 0.9 * 1.96) / 2.0 - 0.5);
  assert_true(stats.q_mean < 5.0 * (1.96 + 0.9 * 2.5) / 2.0 + 0.5);
  small_end(s);
}

/* beta 0 is behaviour cloning: the mean. */
static void without_advantages_it_clones(void **state)
{
  (void)state;
  mopo_config c = small_config("iql");
  c.iql_beta = 0.0;
  small_run *s = small_begin(&c, small_chain(), 1);
  small_learn(s, 2000);
  small_assert_near(small_chain_x(s), -0.04, 0.1);
  small_end(s);
}

/* Left to itself the scale is 1000 / (greatest - least return). */
static void rewards_are_scaled_by_the_range_of_returns(void **state)
{
  (void)state;
  mopo_config c = small_config("iql");
  small_run *by_itself = small_begin(&c, small_chain(), 1);
  c.iql_reward_scale = 1000.0 / (by_itself->info.return_max - by_itself->info.return_min);
  small_run *told = small_begin(&c, small_chain(), 1);
  small_learn(by_itself, 2);
  small_learn(told, 2);
  small_assert_same_state(by_itself, told);
  small_end(by_itself), small_end(told);
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = small_config("iql");
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(losses_have_these_gradients),
                                     cmocka_unit_test(the_better_recorded_action_is_found),
                                     cmocka_unit_test(without_advantages_it_clones),
                                     cmocka_unit_test(rewards_are_scaled_by_the_range_of_returns),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
