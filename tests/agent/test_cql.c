/* test_cql.c - conservative Q-learning keeps to the recorded actions where SAC runs off. */
#include "agent/losses.h"
#include "small.h"

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
  c.cql_weight = weight, c.cql_samples = 4, c.hidden = 24, c.batch_size = 48;
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

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = small_config("cql");
  c.cql_samples = 3;
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(log_sum_exp_has_this_gradient),
                                     cmocka_unit_test(it_stays_among_the_recorded_actions),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
