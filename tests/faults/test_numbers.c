/* test_numbers.c - a NaN put into the agent after an update, or into the model after its fit, is
 * found before the epoch is logged, is named, and reaches no file that the run goes on from. */
#include "faults/tiny.h"

#include <math.h>

#include "agent/agent.h"
#include "model/fit.h"

static int16_t sixteenths = -1; /* where in the agent's state; -1: nowhere */
static int after, updates;      /* after how many updates */
static bool into_model;

void __real_agent_updated(agent *c);
void __wrap_agent_updated(agent *c);
void __wrap_agent_updated(agent *c)
{
  __real_agent_updated(c);
  if (sixteenths < 0 || ++updates != after) return;
  agent_memory s = agent_state(c);
  s.values[s.n_values * (size_t)sixteenths / 16] = NAN;
}

mopo_status __real_ensemble_fit(ensemble *m, fit_result *out, const mopo_dataset *d,
                                const fit_settings *set, par *pool, rng_key key,
                                const fit_watch *watch, mopo_error *err);
mopo_status __wrap_ensemble_fit(ensemble *m, fit_result *out, const mopo_dataset *d,
                                const fit_settings *set, par *pool, rng_key key,
                                const fit_watch *watch, mopo_error *err);
mopo_status __wrap_ensemble_fit(ensemble *m, fit_result *out, const mopo_dataset *d,
                                const fit_settings *set, par *pool, rng_key key,
                                const fit_watch *watch, mopo_error *err)
{
  mopo_status st = __real_ensemble_fit(m, out, d, set, pool, key, watch, err);
  for (size_t i = 0; into_model && i < m->net[m->elite[0]].size; i++)
    m->net[m->elite[0]].params[i] = NAN;
  return st;
}

static mopo_status train(mopo_error *err)
{
  mopo_train_result r;
  mopo_config c = tiny_config("numbers_run");
  tiny_remove("numbers_run");
  updates = 0;
  return mopo_train(&r, &c, false, NULL, err);
}

/* Weights, targets and moments; in the middle of an epoch and after its last update (3 of an
 * epoch): the second epoch is not logged, the first one's checkpoint and policy stay. */
static void a_parameter_that_is_nan_is_found(void **state)
{
  (void)state;
  for (int i = 0; i < 16; i++) {
    mopo_error err;
    mopo_policy *p = NULL;
    size_t n = 0;
    sixteenths = (int16_t)i;
    after = i % 2 ? 6 : 5;
    assert_int_equal(train(&err), MOPO_ENUMERIC);
    if (strncmp(err.msg, "update ", 7) || !strstr(err.msg, "nan"))
      fail_msg("place %d: '%s'", i, err.msg);
    if (!strstr(err.msg, "; a ")) fail_msg("place %d: no setting: '%s'", i, err.msg);
    if (after == 6 && !strstr(err.msg, "update 6: a ")) fail_msg("place %d: '%s'", i, err.msg);
    char *text = tiny_read(&n, "numbers_run/progress.csv");
    assert_non_null(strstr(text, "\n1,"));
    assert_null(strstr(text, "\n2,"));
    free(text);
    assert_true(file_exists("numbers_run/checkpoint.safetensors"));
    assert_ok(mopo_policy_load(&p, "numbers_run/policy.safetensors", &err), err);
    mopo_policy_free(p);
  }
  sixteenths = -1;
}

static void a_model_that_is_nan_is_found(void **state)
{
  (void)state;
  mopo_error err;
  into_model = true;
  assert_int_equal(train(&err), MOPO_ENUMERIC);
  assert_non_null(strstr(err.msg, "epoch 1: imagined reward"));
  assert_non_null(strstr(err.msg, "in the imagined rows the reward is "));
  assert_non_null(strstr(err.msg, "nan; a smaller rollout-length"));
  assert_false(file_exists("numbers_run/policy.safetensors"));
  into_model = false;
}

static void nothing_is_found_where_nothing_is(void **state)
{
  (void)state;
  mopo_error err;
  assert_ok(train(&err), err);
}

static int begin(void **state)
{
  (void)state;
  tiny_write_data();
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_parameter_that_is_nan_is_found),
      cmocka_unit_test(a_model_that_is_nan_is_found),
      cmocka_unit_test(nothing_is_found_where_nothing_is),
  };
  return cmocka_run_group_tests(tests, begin, NULL);
}
