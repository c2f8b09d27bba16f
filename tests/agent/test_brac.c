/* test_brac.c - behaviour regularisation: the answer is the behaviour policy times exp(Q / alpha);
 * updates beside their equations. */
#include "agent/losses.h"
#include "update.h"

typedef struct against {
  double eps, mean, ls;
} against;

/* log pi - log b at u = mean + e^ls eps, x = (mean, ls). */
static double kl(const double *x, const void *ctx)
{
  const against *b = ctx;
  double u = x[0] + exp(x[1]) * b->eps, z = (u - b->mean) / exp(b->ls);
  return -0.5 * b->eps * b->eps - x[1] + 0.5 * z * z + b->ls;
}

static void divergence_has_this_gradient(void **state)
{
  (void)state;
  const double x[][2] = {{0.3, -0.5}, {-1.0, 0.2}, {2.0, -1.5}};
  const against b[] = {{0.7, 0.1, -0.3}, {-1.2, 0.4, 0.3}, {0.1, 1.9, -1.0}};
  for (int i = 0; i < 3; i++) {
    float g[2];
    float d = loss_gaussian_kl(&g[0], &g[1], (float)x[i][0], (float)x[i][1], (float)b[i].eps,
                               (float)b[i].mean, (float)b[i].ls);
    small_assert_near((double)d, kl(x[i], &b[i]), 1e-5);
    small_assert_gradient(kl, &b[i], x[i], g, 2);
  }
}

static mopo_config config(const char *algo, double alpha)
{
  mopo_config c = small_config(algo);
  config_put(&c, "brac-alpha", alpha);
  config_put(&c, "behaviour-lr", 3e-3), config_put(&c, "behaviour-updates", 700);
  return c;
}

static small_run *taught(const char *algo, double alpha, agent_stats *stats)
{
  mopo_config c = config(algo, alpha);
  small_run *s = small_begin(&c, small_chain(), 1);
  *stats = small_learn(s, config_int(&c, "behaviour-updates") + 3000);
  return s;
}

/* In u = atanh x the recorded actions have mean -0.03 and deviation 0.48; Q rises by about 0.9 per
 * unit of u; so pi is best at u = -0.03 + 0.48^2 0.9 / alpha. */
static void alpha_says_how_far_to_go(void **state)
{
  (void)state;
  agent_stats stats;
  small_run *near = taught("brac-p", 1.0, &stats), *half = taught("brac-p", 0.4, &stats);
  small_assert_near(small_chain_x(near), tanh(-0.03 + 0.21), 0.1);
  small_assert_near(small_chain_x(half), tanh(-0.03 + 0.52), 0.12);
  small_end(near), small_end(half);
}

/* At the end of the chain nothing follows: same policy; before it values are lower by the
 * divergence to come. */
static void in_the_value_it_costs_what_is_to_come(void **state)
{
  (void)state;
  agent_stats p, v;
  small_run *one = taught("brac-p", 0.4, &p), *other = taught("brac-v", 0.4, &v);
  small_assert_near(small_chain_x(other), small_chain_x(one), 0.1);
  assert_true(v.q_mean < p.q_mean - 0.03);
  small_end(one), small_end(other);
}

/* First the behaviour policy learns, and nothing else moves. */
static void behaviour_comes_first(void **state)
{
  (void)state;
  mopo_config c = config("brac-v", 1.0);
  small_run *s = small_begin(&c, small_chain(), 1);
  double before = small_chain_x(s);
  agent_stats stats = small_learn(s, config_int(&c, "behaviour-updates"));
  assert_true(small_chain_x(s) == before && isnan(stats.q_mean) && stats.actor_loss != 0.0);
  stats = small_learn(s, 1);
  assert_true(small_chain_x(s) != before && isfinite(stats.q_mean));
  small_end(s);
}

/* ------------------------------------------------------------------ one update */

enum { BEHAVIOUR = CRITIC_2 + 1 };

/* - mean log b(a|s), (s, a) recorded, b a tanh-Gaussian. */
static double clone_loss(void *ctx)
{
  update *u = ctx;
  double sum = 0.0, mean[UPDATE_A], ls[UPDATE_A];
  for (int r = 0; r < UPDATE_B; r++) {
    update_policy(u, &u->before.net[BEHAVIOUR], mean, ls, u->row[r].s);
    for (int j = 0; j < UPDATE_A; j++) {
      double a = u->row[r].a[j], z = (atanh(a) - mean[j]) / exp(ls[j]);
      sum += 0.5 * z * z + ls[j] + 0.5 * log(2.0 * acos(-1.0)) + log(1.0 - a * a);
    }
  }
  return sum / UPDATE_B;
}

/* D(s) at the action drawn there. */
static double divergence(update *u, const sampled *d, const double *s)
{
  double sum = 0.0, mean[UPDATE_A], ls[UPDATE_A];
  update_policy(u, &u->before.net[BEHAVIOUR], mean, ls, s);
  for (int j = 0; j < UPDATE_A; j++)
    sum += kl((double[]){d->mean[j], d->ls[j]}, &(against){d->eps[j], mean[j], ls[j]});
  return sum;
}

/* The critics have taken their step. */
static double actor_loss(void *ctx)
{
  update *u = ctx;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    const double *s = u->row[r].s;
    sampled d = update_sample(u, &u->before.net[ACTOR], s, r, 1);
    sum += config_real(&u->run->c, "brac-alpha") * divergence(u, &d, s) -
           update_least_q(u, u->after.net, s, d.a);
  }
  return sum / UPDATE_B;
}

static void check_update(const char *algo, bool in_value)
{
  update u;
  mopo_config c = update_config(algo);
  config_put(&c, "brac-alpha", 0.6), config_put(&c, "behaviour-updates", 1);
  update_begin(&u, &c);
  update_step(&u);
  check_figure("cloning", u.stats.actor_loss, clone_loss(&u));
  check_gradient(&u, BEHAVIOUR, clone_loss);
  check_step(&u, BEHAVIOUR, config_real(&c, "behaviour-lr"));
  for (int i = ACTOR; i <= CRITIC_2; i++) check_step(&u, i, 0.0);

  update_step(&u);
  for (int r = 0; r < UPDATE_B; r++) {
    const transition *t = &u.row[r];
    sampled d = update_sample(&u, &u.before.net[ACTOR], t->next, r, 0);
    double v = update_least_q(&u, u.before.target, t->next, d.a);
    if (in_value) v -= config_real(&c, "brac-alpha") * divergence(&u, &d, t->next);
    u.y[r] = update_discount(&u, t, v);
  }
  check_figure("critic loss", u.stats.critic_loss, update_td_loss(&u));
  check_figure("actor loss", u.stats.actor_loss, actor_loss(&u));
  for (int k = CRITIC_1; k <= CRITIC_2; k++) {
    check_gradient(&u, k, update_td_loss);
    check_step(&u, k, c.critic_lr);
    check_follows(&u, k, c.tau);
  }
  check_gradient(&u, ACTOR, actor_loss);
  check_step(&u, ACTOR, c.actor_lr);
  check_step(&u, BEHAVIOUR, 0.0);
  update_end(&u);
}

static void an_update_is_the_equations(void **state)
{
  (void)state;
  check_update("brac-p", false);
  check_update("brac-v", true);
}

static void same_bits(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    mopo_config c = config(v ? "brac-v" : "brac-p", 1.0);
    config_put(&c, "behaviour-updates", 7);
    small_assert_same_bits(&c);
    config_put(&c, "behaviour-updates", 20);
    small_assert_same_bits(&c);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(divergence_has_this_gradient),
                                     cmocka_unit_test(alpha_says_how_far_to_go),
                                     cmocka_unit_test(in_the_value_it_costs_what_is_to_come),
                                     cmocka_unit_test(behaviour_comes_first),
                                     cmocka_unit_test(an_update_is_the_equations),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
