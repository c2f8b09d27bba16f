/* test_td3bc.c - TD3+BC goes from the recorded actions towards better ones, as far as its one
 * coefficient says. */
#include "small.h"

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
  c.td3bc_alpha = 0.0;
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
      cmocka_unit_test(observations_are_standardised_inside), cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
