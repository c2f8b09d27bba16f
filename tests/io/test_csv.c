/* test_csv.c - lines of numbers. */
#include "check.h"
#include "io/csv.h"

#include <math.h>

static void test_csv(void **state)
{
  (void)state;
  mopo_error err;
  char line[64];
  const double x[4] = {1, NAN, -0.125, 1e-9};
  double y[4];
  const char *end = NULL;
  assert_ok(csv_print(line, sizeof line, x, 4, &err), err);
  assert_string_equal(line, "1,,-0.125,1e-09\n");
  assert_true(csv_parse(y, 4, line, &end));
  assert_true(*end == 0 && y[0] == 1 && isnan(y[1]) && y[2] == -0.125 && y[3] == 1e-9);
  assert_true(csv_parse(y, 2, ",\n3,4", &end));
  assert_true(isnan(y[0]) && isnan(y[1]));
  assert_true(csv_parse(y, 2, end, NULL));
  assert_true(y[0] == 3 && y[1] == 4);
  assert_false(csv_parse(y, 2, "1", NULL));
  assert_false(csv_parse(y, 2, "1,2,3", NULL));
  assert_false(csv_parse(y, 2, "1,x", NULL));
  assert_false(csv_parse(y, 2, "1,2x\n", NULL));
  assert_true(csv_parse(y, 3, "1,,", &end)); /* ends without a newline */
  assert_true(*end == 0 && y[0] == 1 && isnan(y[1]) && isnan(y[2]));
  assert_int_equal(csv_print(line, 6, x, 4, &err), MOPO_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_csv)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
