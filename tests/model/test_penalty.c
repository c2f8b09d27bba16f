/* test_penalty.c - the measures that compare members, by hand. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "model/penalty.h"

enum { E = 3, R = 2, D = 3 };

/* Row 0: state means (0,0), (3,0), (0,4); row 1: all alike. Output 0 (reward) is wild: ignored. */
static const float MEANS[E][R][D] = {
    {{100, 0, 0}, {1, 5, 5}}, {{-50, 3, 0}, {2, 5, 5}}, {{7, 0, 4}, {3, 5, 5}}};

/* Squared norms of the deviations, of which row 1 has a NaN. */
static const float VARIANCE[E][R] = {{4, 1}, {9, NAN}, {1, 4}};

static float measured(const char *name, int row)
{
  member_outputs said = {&MEANS[0][row][0], &VARIANCE[0][row], R * D, R, E, D};
  return penalty_named(name)->measure(&said);
}

static void by_hand(void **state)
{
  (void)state;
  /* mean (1, 4/3): distances^2 1 + 16/9, 4 + 16/9, 1 + 64/9 */
  assert_true(fabs((double)measured("ensemble-diff", 0) - sqrt(1.0 + 64.0 / 9.0)) < 1e-6);
  assert_true(measured("ensemble-diff", 1) == 0.0f);
  /* variances over members: (0,3,0) -> 2, (0,0,4) -> 32/9 */
  assert_true(fabs((double)measured("ensemble-std", 0) - sqrt((2.0 + 32.0 / 9.0) / 2.0)) < 1e-6);
  assert_true(measured("ensemble-std", 1) == 0.0f);
  assert_true(fabsf(measured("max-pairwise-diff", 0) - 5.0f) < 1e-6f); /* (3,0) to (0,4) */
  assert_true(measured("max-pairwise-diff", 1) == 0.0f);
  assert_true(measured("aleatoric", 0) == 3.0f);
  assert_true(isnan(measured("aleatoric", 1)));
}

/* Each row is found by its name and by no other, and an error lists all of them. */
static void names(void **state)
{
  (void)state;
  mopo_error err, found;
  const penalty_type *p = NULL;
  assert_int_equal(penalty_find(&p, "epistemic", &err), MOPO_EINVAL);
  assert_null(p);
  assert_string_equal(err.msg, "penalty = 'epistemic', want aleatoric, ensemble-diff, "
                               "ensemble-std, max-pairwise-diff, oracle or none");
  for (int i = 0; penalty_at(i); i++) {
    assert_ok(penalty_find(&p, penalty_at(i)->name, &found), found);
    assert_ptr_equal(p, penalty_at(i));
    assert_non_null(strstr(err.msg, p->name));
    assert_true(strlen(p->help) > 0);
  }
}

static void one_member_compares_with_none(void **state)
{
  (void)state;
  mopo_error err;
  for (int i = 0; penalty_at(i); i++) {
    const penalty_type *p = penalty_at(i);
    assert_int_equal(penalty_check(p, 2, &err), MOPO_OK);
    assert_int_equal(penalty_check(p, 1, &err), p->compares ? MOPO_EINVAL : MOPO_OK);
  }
  assert_int_equal(penalty_check(penalty_named("ensemble-std"), 1, &err), MOPO_EINVAL);
  assert_string_equal(err.msg, "penalty = ensemble-std with members = 1 is 0 everywhere, want "
                               "aleatoric, oracle or none");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(names),
                                     cmocka_unit_test(one_member_compares_with_none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
