/* test_iql.c - implicit Q-learning prefers the better recorded actions; an update beside its
 * equations. */
#include "agent/losses.h"
#include "update.h"

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
  config_put(&c, "iql-reward-scale", 5.0);
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
  config_put(&c, "iql-beta", 0.0);
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
  config_put(&c, "iql-reward-scale",
             1000.0 / (by_itself->info.return_max - by_itself->info.return_min));
  small_run *told = small_begin(&c, small_chain(), 1);
  small_learn(by_itself, 2);
  small_learn(told, 2);
  small_assert_same_state(by_itself, told);
  small_end(by_itself), small_end(told);
}

/* ------------------------------------------------------------------ one update */

enum { VALUE = CRITIC_2 + 1 };

static double value_at(ref_net *value, const double *s)
{
  double v;
  ref_forward(value, &v, s);
  return v;
}

static double least_target(update *u, int r)
{
  return update_least_q(u, u->before.target, u->row[r].s, u->row[r].a);
}

static double value_loss(void *ctx)
{
  update *u = ctx;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    double off = least_target(u, r) - value_at(&u->before.net[VALUE], u->row[r].s);
    sum += expectile(&off, NULL);
  }
  return sum / UPDATE_B;
}

/* V has taken its step. */
static double weight_of(update *u, int r)
{
  double advantage = least_target(u, r) - value_at(&u->after.net[VALUE], u->row[r].s);
  return fmin(100.0, exp(config_real(&u->run->c, "iql-beta") * advantage));
}

typedef struct iql_update {
  update u;
  double ls[UPDATE_A]; /* before */
} iql_update;

static double actor_loss(void *ctx)
{
  iql_update *x = ctx;
  update *u = &x->u;
  double sum = 0.0, y[2 * UPDATE_A];
  for (int r = 0; r < UPDATE_B; r++) {
    ref_forward(&u->before.net[ACTOR], y, u->row[r].s);
    for (int j = 0; j < UPDATE_A; j++)
      sum += weight_of(u, r) * gaussian((double[]){y[j], x->ls[j]}, &u->row[r].a[j]);
  }
  return sum / UPDATE_B;
}

/* Sets where the log-stds begin: one so near its least that a step ends there. */
static void set_log_stds(iql_update *x)
{
  agent *c = x->u.agent;
  for (int j = 0; j < UPDATE_A; j++) {
    x->ls[j] = j == 0 ? -0.1 : x->u.run->c.log_std_min + 1e-4;
    c->scalars[j * LEARNER_NUMBER] = x->ls[j];
    c->actor.net.layer[2].b[UPDATE_A + j] = (float)x->ls[j];
  }
}

/* Each is a number of its own; the network's rows for them stay as they are. */
static void check_log_stds(iql_update *x)
{
  const update *u = &x->u;
  const ref_net *n = &u->after.net[ACTOR];
  for (int j = 0; j < UPDATE_A; j++) {
    const double *number = u->agent->scalars + j * LEARNER_NUMBER;
    double g = slope(actor_loss, x, &x->ls[j], 1e-6);
    assert_true(g > 0.0);
    check_near("gradient of a log-std", number[1] / 0.1, g, UPDATE_CLOSE * g);
    double want = fmax(u->run->c.log_std_min, x->ls[j] - u->run->c.actor_lr);
    check_near("log-std", n->b[2][UPDATE_A + j], want, 1e-7);
    for (int k = 0; k < n->size[2]; k++)
      assert_true(n->w[2][(UPDATE_A + j) * n->size[2] + k] == 0.0);
  }
}

/* Advantages have both signs, and some weights are clipped. */
static void check_both_kinds(update *u)
{
  int clipped = 0, negative = 0;
  for (int r = 0; r < UPDATE_B; r++) {
    clipped += weight_of(u, r) == 100.0;
    negative += weight_of(u, r) < 1.0;
  }
  assert_true(clipped > 0 && negative > 0);
}

static void an_update_is_the_equations(void **state)
{
  (void)state;
  iql_update x;
  update *u = &x.u;
  mopo_config c = update_config("iql");
  config_put(&c, "iql-reward-scale", 5.0);
  update_begin(u, &c);
  set_log_stds(&x);
  for (int k = CRITIC_1; k <= CRITIC_2; k++) update_spread(u, u->agent->learner[k].target, 16.0f);
  update_step(u);
  for (int r = 0; r < UPDATE_B; r++) {
    u->row[r].r *= config_real(&c, "iql-reward-scale");
    u->y[r] = update_discount(u, &u->row[r], value_at(&u->after.net[VALUE], u->row[r].next));
  }
  check_both_kinds(u);
  check_figure("critic loss", u->stats.critic_loss, update_td_loss(u));
  check_figure("actor loss", u->stats.actor_loss, actor_loss(&x));
  check_gradient(u, VALUE, value_loss);
  check_step(u, VALUE, c.critic_lr);
  for (int k = CRITIC_1; k <= CRITIC_2; k++) {
    check_gradient(u, k, update_td_loss);
    check_step(u, k, c.critic_lr);
    check_follows(u, k, c.tau);
  }
  check_gradient(u, ACTOR, actor_loss);
  check_step(u, ACTOR, c.actor_lr);
  check_log_stds(&x);
  update_end(u);
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
                                     cmocka_unit_test(an_update_is_the_equations),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
