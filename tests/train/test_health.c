/* test_health.c - which figures of a run are impossible: the bounds, by hand. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "train/balance.h"
#include "train/health.h"

static const char DATA[] = "health.hdf5", OUT[] = "health_run";

static int write_data(void **state)
{
  (void)state;
  balance_write(DATA, 600);
  return 0;
}

static run *set_up(mopo_config *c)
{
  mopo_error err;
  run *o = calloc(1, sizeof *o);
  const run_order order = {.config = c, .dir = OUT};
  balance_remove(OUT);
  assert_non_null(o);
  o->lock = -1;
  assert_ok(mopo_config_set(c, "algo", "sac", &err), err);
  assert_ok(run_set_up(o, &order, &err), err);
  return o;
}

static int told(const run *o, metrics_row row, double q, double reward)
{
  char text[HEALTH_KINDS][HEALTH_TEXT];
  row.q_mean = q, row.model_reward_mean = reward;
  return health_list(text, o, &row, 1);
}

static bool near(double a, double b) { return fabs(a - b) < 1e-6 * (1.0 + fabs(b)); }

/* Rewards of -1 to 3, one action. Twice what can be is told, in either direction; what is possible
 * is not, nor are figures that are not there. */
static void warnings_go_by_what_is_possible(void **state)
{
  (void)state;
  mopo_config c = balance_config(DATA, OUT);
  run *o = set_up(&c);
  o->info.reward_min = -1, o->info.reward_max = 3;
  double steps = 1.0 / (1.0 - o->c.gamma);
  double spread = o->units ? (double)o->units->reward_spread : 1.0, alpha = 0.1;
  double low = -(3 + 10 * alpha * spread) * steps, high = (3 + log(2) * alpha * spread) * steps;
  double more = spread + 0.1 * (high - low);
  const metrics_row row = {
      .epoch = 1, .alpha = alpha, .critic_loss = 1, .penalty_mean = NAN, .entropy = NAN};
  health_limits can = health_bounds(o, &row);
  assert_true(near(can.q.low, low - more) && near(can.q.high, high + more));
  more = 0.1 * spread + 0.1 * 4.3;
  assert_true(near(can.reward.low, -1.15 - more) && near(can.reward.high, 3.15 + more));
  assert_int_equal(told(o, row, NAN, NAN), 0);
  assert_int_equal(told(o, row, high, 3), 0);
  assert_int_equal(told(o, row, low, -1), 0);
  assert_int_equal(told(o, row, 2 * high, 3), 1);
  assert_int_equal(told(o, row, 2 * low, 3), 1);
  assert_int_equal(told(o, row, 2 * high, 6), 2);
  o->info.reward_min = -3, o->info.reward_max = -1; /* no reward is above 0, and 0 is possible */
  assert_true(near(health_bounds(o, &row).q.high,
                   log(2) * alpha * spread * steps + spread + 0.1 * (high - 3 * steps - low)));
  run_tear_down(o);
  free(o);
  balance_remove(OUT);
}

/* Each kind once, of the first epoch that has it. */
static void a_run_lists_each_kind_once(void **state)
{
  (void)state;
  char text[HEALTH_KINDS][HEALTH_TEXT];
  mopo_config c = balance_config(DATA, OUT);
  run *o = set_up(&c);
  metrics_row rows[3];
  for (int i = 0; i < 3; i++)
    rows[i] = (metrics_row){.epoch = i + 1,
                            .q_mean = i ? 1e9 : 0,
                            .penalty_mean = NAN,
                            .model_reward_mean = i == 2 ? -1e9 : NAN};
  assert_int_equal(health_list(text, o, rows, 3), 2);
  assert_non_null(strstr(text[0], "epoch 2: Q is 1e+09"));
  assert_non_null(strstr(text[1], "epoch 3: imagined reward is -1e+09"));
  assert_int_equal(health_list(text, o, rows, 1), 0);
  run_tear_down(o);
  free(o);
  balance_remove(OUT);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(warnings_go_by_what_is_possible),
                                     cmocka_unit_test(a_run_lists_each_kind_once)};
  return cmocka_run_group_tests(tests, write_data, NULL);
}
