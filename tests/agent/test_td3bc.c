/* test_td3bc.c - TD3+BC goes from the recorded actions towards better ones, as far as its one
 * coefficient says; updates beside their equations. */
#include "update.h"

/* With Q = 2 + x the loss -lambda x + (x - x_data)^2, lambda = alpha / |Q|, is least at
 * x = mean x_data + lambda / 2 = -0.04 + 1.25 / 2.4: better than the batch, not beyond it. */
static void the_better_recorded_action_is_found(void **state)
{
  (void)state;
  mopo_config c = small_config("td3bc");
  small_run *s = small_begin(&c, small_chain(), 1);
  agent_stats stats = small_learn(s, 4000);
  small_assert_near(small_chain_x(s), 0.46, 0.15);
  /* 2 + mean x at the end, gamma (2 + x) a step before */
  small_assert_near(stats.q_mean, (1.96 + 0.9 * (2.0 + small_chain_x(s))) / 2.0, 0.2);
  small_end(s);
}

/* alpha 0 is behaviour cloning: the mean. */
static void without_q_it_clones(void **state)
{
  (void)state;
  mopo_config c = small_config("td3bc");
  config_put(&c, "td3bc-alpha", 0.0);
  small_run *s = small_begin(&c, small_chain(), 1);
  small_learn(s, 2000);
  small_assert_near(small_chain_x(s), -0.04, 0.1);
  small_end(s);
}

/* The policy is handed out for raw observations: far from standard ones it does the same. */
static void observations_are_standardised_inside(void **state)
{
  (void)state;
  mopo_dataset *d = small_chain();
  for (int64_t i = 0; i < d->N; i++) {
    float *row = d->rows + (size_t)i * (size_t)d->at.width;
    row[0] = 100.0f + 10.0f * row[0], row[d->at.next] = 100.0f + 10.0f * row[d->at.next];
  }
  mopo_config c = small_config("td3bc");
  small_run *s = small_begin(&c, d, 1);
  small_learn(s, 4000);
  double plus = small_act(s, (float[]){110.0f, 0.0f}), minus = small_act(s, (float[]){90.0f, 0.0f});
  small_assert_near((plus - minus) / 2.0, 0.46, 0.15);
  small_end(s);
}

/* ------------------------------------------------------------------ one update */

typedef struct td3bc_update {
  update u;
  double lambda;
} td3bc_update;

/* Observations as the networks see them: of the whole recording mean 0, deviation 1, but for the
 * 1e-3. */
static void standardise(update *u)
{
  const mopo_dataset *d = u->run->data;
  for (int j = 0; j < UPDATE_S; j++) {
    double mean = 0.0, variance = 0.0;
    for (int i = 0; i < UPDATE_N; i++) mean += (double)dataset_row(d, i)[j] / UPDATE_N;
    for (int i = 0; i < UPDATE_N; i++)
      variance += pow((double)dataset_row(d, i)[j] - mean, 2.0) / UPDATE_N;
    for (int r = 0; r < UPDATE_B; r++) {
      u->row[r].s[j] = (u->row[r].s[j] - mean) / (sqrt(variance) + 1e-3);
      u->row[r].next[j] = (u->row[r].next[j] - mean) / (sqrt(variance) + 1e-3);
    }
  }
}

static void policy_at(ref_net *policy, double *act, const double *s)
{
  double y[2 * UPDATE_A];
  ref_forward(policy, y, s);
  for (int j = 0; j < UPDATE_A; j++) act[j] = tanh(y[j]);
}

static double clip(double x, double most) { return fmax(-most, fmin(most, x)); }

/* How many a' the clips have shortened: of the noise, of the action. */
typedef struct clipped {
  int noise, act;
} clipped;

static clipped targets(update *u)
{
  const mopo_config *c = &u->run->c;
  float z[UPDATE_A * UPDATE_PADDED];
  double act[UPDATE_A];
  clipped n = {0};
  update_noise(u, z, UPDATE_A, rng_split(u->agent->setup.key, "smoothing"));
  for (int r = 0; r < UPDATE_B; r++) {
    const double *next = u->row[r].next;
    policy_at(&u->before.target[ACTOR], act, next);
    for (int j = 0; j < UPDATE_A; j++) {
      double noise = config_real(c, "policy-noise") * (double)z[j * UPDATE_PADDED + r];
      n.noise += fabs(noise) > config_real(c, "noise-clip");
      act[j] += clip(noise, config_real(c, "noise-clip"));
      n.act += fabs(act[j]) > 1.0;
      act[j] = clip(act[j], 1.0);
    }
    u->y[r] = update_discount(u, &u->row[r], update_least_q(u, u->before.target, next, act));
  }
  return n;
}

static void check_critics(update *u)
{
  clipped n = targets(u);
  assert_true(n.noise > 0 && n.noise < UPDATE_B * UPDATE_A);
  assert_true(n.act > 0 && n.act < UPDATE_B * UPDATE_A);
  check_figure("critic loss", u->stats.critic_loss, update_td_loss(u));
  for (int k = CRITIC_1; k <= CRITIC_2; k++) check_gradient(u, k, update_td_loss);
}

/* lambda is given; the critics have taken their step. */
static double actor_loss(void *ctx)
{
  td3bc_update *x = ctx;
  update *u = &x->u;
  double act[UPDATE_A], sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    const transition *t = &u->row[r];
    policy_at(&u->before.net[ACTOR], act, t->s);
    sum -= x->lambda * update_q(&u->after.net[CRITIC_1], t->s, act);
    for (int j = 0; j < UPDATE_A; j++) sum += pow(act[j] - t->a[j], 2.0) / UPDATE_A;
  }
  return sum / UPDATE_B;
}

static double lambda_of(update *u)
{
  double act[UPDATE_A], size = 0.0;
  int positive = 0;
  for (int r = 0; r < UPDATE_B; r++) {
    policy_at(&u->before.net[ACTOR], act, u->row[r].s);
    double q = update_q(&u->after.net[CRITIC_1], u->row[r].s, act);
    size += fabs(q) / UPDATE_B;
    positive += q > 0.0;
  }
  assert_true(positive > 0 && positive < UPDATE_B); /* |mean Q| is not mean |Q| */
  return config_real(&u->run->c, "td3bc-alpha") / size;
}

/* The critics learn in both of two updates, the policy and all targets in the second. */
static void two_updates_are_the_equations(void **state)
{
  (void)state;
  td3bc_update x;
  update *u = &x.u;
  mopo_config c = update_config("td3bc");
  config_put(&c, "policy-noise", 0.4), config_put(&c, "noise-clip", 0.5);
  update_begin(u, &c);
  u->agent->learner[ACTOR].target->layer[2].b[0] += 1.5f; /* near the edge of the box */
  standardise(u);
  update_step(u);
  check_critics(u);
  for (int k = CRITIC_1; k <= CRITIC_2; k++) check_step(u, k, c.critic_lr);
  check_step(u, ACTOR, 0.0);
  for (int i = ACTOR; i <= CRITIC_2; i++) check_follows(u, i, 0.0);

  update_step(u);
  check_critics(u);
  x.lambda = lambda_of(u);
  check_figure("lambda", u->stats.alpha, x.lambda);
  check_figure("actor loss", u->stats.actor_loss, actor_loss(&x));
  check_gradient(u, ACTOR, actor_loss);
  check_step(u, ACTOR, c.actor_lr);
  for (int i = ACTOR; i <= CRITIC_2; i++) check_follows(u, i, c.tau);
  update_end(u);
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = small_config("td3bc");
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_better_recorded_action_is_found), cmocka_unit_test(without_q_it_clones),
      cmocka_unit_test(observations_are_standardised_inside),
      cmocka_unit_test(two_updates_are_the_equations), cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
