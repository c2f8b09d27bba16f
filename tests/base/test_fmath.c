/* test_fmath.c - the error bounds that fmath.h states, against the C library in double, whose own
 * error is 2^-29 of ours. */
#include "check.h"

#include "base/fmath.h"

#include <math.h>

/* Steps through all floats; odd, so that no bit stands still. */
enum { STRIDE = 1009 };

/* Half a unit in the last place is 6e-8 of a value; the polynomials add the rest. Measured over
 * every 13th float: 8.4e-8 and 8.0e-8. */
static const double EXP_BOUND = 9e-8, LOG_BOUND = 9e-8;
/* Measured over all 2^24 turns that a generator draws: 7.6e-8. */
static const double SINCOS_BOUND = 8e-8;

static double relative(double got, double want)
{
  return want == 0.0 ? fabs(got) : fabs(got - want) / fabs(want);
}

static void exp_is_exact_enough(void **state)
{
  (void)state;
  double worst = 0.0;
  for (uint64_t u = 0; u <= UINT32_MAX; u += STRIDE) {
    float x = fm_from_bits((uint32_t)u);
    if (!(x >= FM_EXP_MIN && x <= FM_EXP_MAX)) continue;
    worst = fmax(worst, relative((double)fm_exp(x), exp((double)x)));
  }
  for (int i = -87 * 4096; i <= 88 * 4096; i++) {
    float x = (float)i / 4096.0f;
    worst = fmax(worst, relative((double)fm_exp(x), exp((double)x)));
  }
  print_message("exp: %.3g relative\n", worst);
  assert_true(worst < EXP_BOUND);
}

static void exp_at_its_ends(void **state)
{
  (void)state;
  assert_true(fm_exp(0.0f) == 1.0f && fm_exp(-0.0f) == 1.0f);
  assert_true(fm_exp(1000.0f) == fm_exp(FM_EXP_MAX) && fm_exp(INFINITY) == fm_exp(FM_EXP_MAX));
  assert_true(fm_exp(-1000.0f) == fm_exp(FM_EXP_MIN) && fm_exp(-INFINITY) == fm_exp(FM_EXP_MIN));
  assert_true(isfinite(fm_exp(FM_EXP_MAX)) && fm_exp(FM_EXP_MAX) > 2e38f);
  assert_true(fm_exp(FM_EXP_MIN) > 0.0f && fm_exp(FM_EXP_MIN) < 1.2e-38f);
}

static void log_is_exact_enough(void **state)
{
  (void)state;
  double worst = 0.0;
  for (uint32_t u = 0x00800000u; u < 0x7f800000u; u += STRIDE) {
    float x = fm_from_bits(u);
    worst = fmax(worst, relative((double)fm_log(x), log((double)x)));
  }
  /* Around 1, where the logarithm goes through 0, every float. */
  for (uint32_t u = fm_bits(0.99f); u < fm_bits(1.01f); u++) {
    float x = fm_from_bits(u);
    worst = fmax(worst, relative((double)fm_log(x), log((double)x)));
  }
  print_message("log: %.3g relative\n", worst);
  assert_true(worst < LOG_BOUND);
}

static void log_at_its_ends(void **state)
{
  (void)state;
  float smallest = 1.17549435e-38f;
  assert_true(fm_log(1.0f) == 0.0f);
  assert_true(fm_log(0.0f) == fm_log(smallest) && fm_log(-0.0f) == fm_log(smallest));
  assert_true(fm_log(1e-42f) == fm_log(smallest));
  assert_true(isnan(fm_log(-1e-42f)) && isnan(fm_log(-1.0f)) && isnan(fm_log(-INFINITY)));
}

static void sincos_is_exact_enough(void **state)
{
  (void)state;
  double worst = 0.0, turn = 2.0 * acos(-1.0);
  for (uint32_t i = 0; i < 1u << 24; i += 7) {
    float t = (float)i * 0x1p-24f, s, c;
    fm_sincos_turn(&s, &c, t);
    worst = fmax(worst, fabs((double)s - sin(turn * (double)t)));
    worst = fmax(worst, fabs((double)c - cos(turn * (double)t)));
  }
  print_message("sincos: %.3g absolute\n", worst);
  assert_true(worst < SINCOS_BOUND);
}

/* The quarters are exact, whatever pi is rounded to. */
static void sincos_of_quarters(void **state)
{
  (void)state;
  static const float want[5][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
  for (int q = 0; q < 4; q++) {
    float s, c;
    fm_sincos_turn(&s, &c, (float)q / 4.0f);
    assert_true(s == want[q][0] && c == want[q][1]);
  }
}

/* No option of this build takes NaN away from us. */
static void nan_is_seen_and_travels(void **state)
{
  (void)state;
  volatile float zero = 0.0f;
  float nan = zero / zero, negative = -nan;
  assert_true(isnan(nan) && nan != nan && !(nan == nan) && !(nan >= 0.0f));
  assert_true(isnan(fm_exp(nan)) && isnan(fm_exp(negative)));
  assert_true(isnan(fm_log(nan)) && isnan(fm_log(negative)));
  assert_true(isinf(1.0f / zero) && !isfinite(1.0f / zero));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exp_is_exact_enough),     cmocka_unit_test(exp_at_its_ends),
      cmocka_unit_test(log_is_exact_enough),     cmocka_unit_test(log_at_its_ends),
      cmocka_unit_test(sincos_is_exact_enough),  cmocka_unit_test(sincos_of_quarters),
      cmocka_unit_test(nan_is_seen_and_travels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
