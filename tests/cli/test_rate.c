/* test_rate.c - the rate that a progress line shows, against counts whose rate is known. */
#include "check.h"

#include "cli/rate.h"

/* Ten a second in passes of 100: every pass counts from 0 again, the rate does not. */
static void passes(void **state)
{
  (void)state;
  rate r = {0};
  assert_true(rate_now(&r, 5, 100, 1000.0) == 0.0);
  for (int i = 1; i < 4000; i++) {
    double x = rate_now(&r, (5 + i) % 100, 100, 1000.0 + 0.1 * i);
    if (i < 5) assert_true(x == 0.0); /* too soon to tell */
    if (i > 5) assert_true(x > 8.9 && x < 10.1);
  }
}

/* What has become faster is known after two minutes. */
static void recent(void **state)
{
  (void)state;
  rate r = {0};
  double x = 0, t = 0;
  int64_t done = 0;
  for (; t < 300; t += 1) x = rate_now(&r, done += 2, 1000000, t);
  assert_true(x > 1.9 && x < 2.1);
  for (; t < 425; t += 1) x = rate_now(&r, done += 50, 1000000, t);
  assert_true(x > 49 && x < 51);
}

/* Another stage, and a resumed one, begin with nothing known; a run that is resumed in the middle
 * is not as fast as if it had done all of it. */
static void stages(void **state)
{
  (void)state;
  rate r = {0};
  for (int i = 0; i < 50; i++) rate_now(&r, 1000 * i, 100000, i);
  assert_true(rate_now(&r, 700, 1000, 50) == 0.0);
  double x = rate_now(&r, 720, 1000, 60);
  assert_true(x > 1.9 && x < 2.1);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(passes), cmocka_unit_test(recent),
                                     cmocka_unit_test(stages)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
