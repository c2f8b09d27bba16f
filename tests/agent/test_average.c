/* test_average.c - the averaged policy: what it averages, that it changes nothing that is learned,
 * and that it goes on. */
#include <stdio.h>

#include "small.h"

static const double EMA = 0.98; /* the last fifty updates; the last tenth until update 491 */
enum { UPDATES = 600 };

static mopo_config averaging(const char *algo, double ema)
{
  mopo_config c = small_config(algo);
  mopo_error err;
  char value[32];
  snprintf(value, sizeof value, "%.17g", ema);
  assert_ok(mopo_config_set(&c, "policy-ema", value, &err), err);
  /* those that learn what to keep to first have a policy that learns from the start on */
  assert_ok(mopo_config_set(&c, "behaviour-updates", "1", &err), err);
  assert_ok(mopo_config_set(&c, "bear-warmup", "1", &err), err);
  assert_ok(mopo_config_set(&c, "vae-hidden", "16", &err), err);
  return c;
}

/* avg += max(1 - ema, 10 / (9 + t)) (w - avg) after update t, in double. */
static void it_is_the_mean_of_the_last_weights(void **state)
{
  (void)state;
  for (int i = 0; agent_at(i); i++) {
    mopo_config c = averaging(agent_at(i)->is.name, EMA);
    small_run *s = small_begin(&c, small_chain(), 2);
    size_t n = agent_learning(s->agent)->net.size;
    double *want = calloc(n, sizeof *want), moved = 0.0;
    for (int t = 1; t <= UPDATES; t++) {
      small_learn(s, 1);
      const float *w = agent_learning(s->agent)->net.params;
      double tau = fmax(1.0 - EMA, 10.0 / (9.0 + t));
      for (size_t k = 0; k < n; k++) want[k] += tau * ((double)w[k] - want[k]);
      if (t != 1 && t != 100 && t != UPDATES) continue;
      float *last = malloc(n * sizeof *last);
      memcpy(last, w, n * sizeof *last);
      const float *avg = agent_policy(s->agent)->net.params;
      for (size_t k = 0; k < n; k++) {
        if (!(fabs((double)avg[k] - want[k]) <= 2e-6 + 1e-5 * fabs(want[k])))
          fail_msg("%s, update %d, weight %zu: %g, want %g", c.algo, t, k, (double)avg[k], want[k]);
        moved += fabs((double)(avg[k] - last[k]));
      }
      free(last);
    }
    if (!(moved > 1e-3)) fail_msg("%s: the average is the last policy", c.algo);
    free(want);
    small_end(s);
  }
}

static void nothing_that_is_learned_changes(void **state)
{
  (void)state;
  for (int i = 0; agent_at(i); i++) {
    mopo_config with = averaging(agent_at(i)->is.name, EMA), without = averaging(with.algo, 0.0);
    small_run *a = small_begin(&with, small_chain(), 1),
              *b = small_begin(&without, small_chain(), 1);
    small_learn(a, 40);
    small_learn(b, 40);
    agent_memory x = agent_state(a->agent), y = agent_state(b->agent);
    size_t average = x.n_values - y.n_values;
    assert_true(average >= agent_policy(b->agent)->net.size);
    assert_memory_equal(x.values, y.values, y.n_values * sizeof *y.values);
    assert_int_equal(x.n_scalars, y.n_scalars);
    assert_memory_equal(x.scalars, y.scalars, y.n_scalars * sizeof *y.scalars);
    assert_ptr_equal(agent_policy(b->agent), agent_learning(b->agent));
    small_end(a), small_end(b);
  }
}

static void it_goes_on_to_the_same_bits(void **state)
{
  (void)state;
  for (int i = 0; agent_at(i); i++) {
    mopo_config c = averaging(agent_at(i)->is.name, EMA);
    small_assert_same_bits(&c);
  }
}

static void a_checkpoint_that_is_damaged_names_it(void **state)
{
  (void)state;
  mopo_config c = averaging("sac", EMA);
  small_run *s = small_begin(&c, small_chain(), 1);
  agent_memory x = agent_state(s->agent);
  char text[80];
  agent_describe(s->agent, text, sizeof text, x.n_values - 1);
  assert_string_equal(text, "a weight of the averaged policy");
  agent_describe(s->agent, text, sizeof text, 0);
  assert_string_equal(text, "a weight of actor");
  small_end(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_mean_of_the_last_weights),
      cmocka_unit_test(nothing_that_is_learned_changes),
      cmocka_unit_test(it_goes_on_to_the_same_bits),
      cmocka_unit_test(a_checkpoint_that_is_damaged_names_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
