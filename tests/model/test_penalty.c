/* test_penalty.c - the measures that compare members, by hand. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "model/penalty.h"

enum { E = 3, R = 2, D = 3 };

/* Row 0: state means (0,0), (3,0), (0,4); row 1: all alike. Output 0 (reward) is wild: ignored. */
static const float MEANS[E][R][D] = {
    {{100, 0, 0}, {1, 5, 5}}, {{-50, 3, 0}, {2, 5, 5}}, {{7, 0, 4}, {3, 5, 5}}};

static void by_hand(void **state)
{
  (void)state;
  float u[R];
  /* mean (1, 4/3): distances^2 1 + 16/9, 4 + 16/9, 1 + 64/9 */
  penalty_of_means(u, &MEANS[0][0][0], E, R, D, R, PENALTY_ENSEMBLE_DIFF);
  assert_true(fabs((double)u[0] - sqrt(1.0 + 64.0 / 9.0)) < 1e-6);
  assert_true(u[1] == 0.0f);
  /* variances over members: (0,3,0) -> 2, (0,0,4) -> 32/9 */
  penalty_of_means(u, &MEANS[0][0][0], E, R, D, R, PENALTY_ENSEMBLE_STD);
  assert_true(fabs((double)u[0] - sqrt((2.0 + 32.0 / 9.0) / 2.0)) < 1e-6);
  assert_true(u[1] == 0.0f);
  penalty_of_means(u, &MEANS[0][0][0], E, R, D, R, PENALTY_MAX_PAIRWISE);
  assert_true(fabsf(u[0] - 5.0f) < 1e-6f); /* (3,0) to (0,4) */
  assert_true(u[1] == 0.0f);
}

static void names(void **state)
{
  (void)state;
  mopo_error err;
  penalty_kind k;
  assert_int_equal(penalty_find(&k, "max-pairwise-diff", &err), MOPO_OK);
  assert_int_equal(k, PENALTY_MAX_PAIRWISE);
  assert_int_equal(penalty_find(&k, "epistemic", &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "epistemic"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
