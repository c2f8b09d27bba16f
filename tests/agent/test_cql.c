/* test_cql.c - conservative Q-learning keeps to the recorded actions where SAC runs off; an update
 * beside its equations. */
#include "agent/losses.h"
#include "update.h"

enum { N = 12 };

static double log_sum_exp(const double *v, const void *ctx)
{
  double sum = 0.0;
  for (int i = 0; i < N; i++) sum += exp(v[i]);
  (void)ctx;
  return log(sum);
}

static void log_sum_exp_has_this_gradient(void **state)
{
  (void)state;
  double v[N];
  float x[N], g[N];
  rng_stream r = rng_stream_of(rng_seed(4));
  for (int i = 0; i < N; i++) v[i] = (double)(x[i] = 3.0f * rng_normal(&r));
  small_assert_near((double)loss_log_sum_exp(g, x, N), log_sum_exp(v, NULL), 1e-5);
  small_assert_gradient(log_sum_exp, NULL, v, g, N);
  for (int i = 0; i < N; i++) x[i] += 1000.0f; /* no overflow */
  small_assert_near((double)loss_log_sum_exp(g, x, N), 1000.0 + log_sum_exp(v, NULL), 1e-3);
}

static small_run *taught(const char *algo, double weight)
{
  mopo_config c = small_config(algo);
  config_put(&c, "cql-weight", weight), config_put(&c, "cql-samples", 4), c.hidden = 24,
                                                                          c.batch_size = 48;
  c.alpha_init = 0.1, c.alpha_max = 0.1, c.alpha_lr = 0.0;
  small_run *s = small_begin(&c, small_chain(), 1);
  small_learn(s, 2500);
  return s;
}

static void it_stays_among_the_recorded_actions(void **state)
{
  (void)state;
  small_run *bold = taught("sac", 0.0), *cautious = taught("cql", 1.0);
  double x = small_chain_x(cautious);
  assert_true(small_chain_x(bold) > 0.85); /* reward was never seen to stop growing */
  assert_true(x > 0.3 && x < 0.7);
  assert_true(small_learn(cautious, 1).q_mean < 2.5); /* 2 + best x: values are not overrated */
  small_end(bold), small_end(cautious);
}

/* ------------------------------------------------------------------ one update */

enum { EACH = 4, ALL = 3 * EACH };

typedef struct cql_update {
  update u;
  double act[UPDATE_B][ALL][UPDATE_A], density[UPDATE_B][ALL]; /* a_i, log density(a_i) */
} cql_update;

/* The actions of one row: uniform, from pi(.|s'), from pi(.|s). */
static void sample_actions(cql_update *x, int r)
{
  update *u = &x->u;
  for (int i = 0; i < EACH; i++) {
    x->density[r][i] = log(0.5) * UPDATE_A;
    for (int j = 0; j < UPDATE_A; j++) {
      uint32_t word[4];
      rng_block(word, rng_split(u->agent->setup.key, "uniform"), u->at,
                (uint64_t)((i * UPDATE_A + j) * UPDATE_B + r));
      x->act[r][i][j] = ldexp((double)(word[0] >> 8), -23) - 1.0;
    }
  }
  for (int i = EACH; i < ALL; i++) { /* 0 and 1 are the target's and the actor's */
    const double *s = i < 2 * EACH ? u->row[r].next : u->row[r].s;
    sampled d = update_sample(u, &u->before.net[ACTOR], s, r, 2 + i);
    memcpy(x->act[r][i], d.a, sizeof d.a);
    x->density[r][i] = d.logp;
  }
}

static double critic_loss(void *ctx)
{
  cql_update *x = ctx;
  update *u = &x->u;
  double gap = 0.0;
  for (int k = CRITIC_1; k <= CRITIC_2; k++)
    for (int r = 0; r < UPDATE_B; r++) {
      double sum = 0.0;
      for (int i = 0; i < ALL; i++)
        sum += exp(update_q(&u->before.net[k], u->row[r].s, x->act[r][i]) - x->density[r][i]);
      gap += (log(sum) - update_q(&u->before.net[k], u->row[r].s, u->row[r].a)) / UPDATE_B;
    }
  return u->run->c.critic_loss_weight * update_td_loss(u) +
         config_real(&u->run->c, "cql-weight") * gap;
}

/* As SAC's; critics and actor step together. */
static double actor_loss(void *ctx)
{
  update *u = &((cql_update *)ctx)->u;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    sampled d = update_sample(u, &u->before.net[ACTOR], u->row[r].s, r, 1);
    sum += u->run->c.alpha_init * d.logp - update_least_q(u, u->before.net, u->row[r].s, d.a);
  }
  return sum / UPDATE_B;
}

static void an_update_is_the_equations(void **state)
{
  (void)state;
  cql_update x;
  update *u = &x.u;
  mopo_config c = update_config("cql");
  config_put(&c, "cql-samples", EACH), config_put(&c, "cql-weight", 1.7),
      c.critic_loss_weight = 0.7, c.alpha_init = 0.3;
  update_begin(u, &c);
  update_step(u);
  for (int r = 0; r < UPDATE_B; r++) {
    sampled d = update_sample(u, &u->before.net[ACTOR], u->row[r].next, r, 0);
    double v = update_least_q(u, u->before.target, u->row[r].next, d.a);
    u->y[r] = update_discount(u, &u->row[r], v);
    sample_actions(&x, r);
  }
  check_figure("critic loss", u->stats.critic_loss, critic_loss(&x));
  check_figure("actor loss", u->stats.actor_loss, actor_loss(&x));
  for (int k = CRITIC_1; k <= CRITIC_2; k++) {
    check_gradient(u, k, critic_loss);
    check_step(u, k, c.critic_lr);
    check_follows(u, k, c.tau);
  }
  check_gradient(u, ACTOR, actor_loss);
  check_step(u, ACTOR, c.actor_lr);
  update_end(u);
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = small_config("cql");
  config_put(&c, "cql-samples", 3);
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(log_sum_exp_has_this_gradient),
                                     cmocka_unit_test(it_stays_among_the_recorded_actions),
                                     cmocka_unit_test(an_update_is_the_equations),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
