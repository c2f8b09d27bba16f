/* test_expression.c - rules in words: what they come to, and what is said of those that are wrong.
 */
#include "check.h"

#include "task/expression.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { S = 3, A = 2 };

static const char *const OBS[S] = {"level1", "room temp", "e"}, *const ACT[A] = {"pump", "min"};

/* level1, room temp, e; pump, min; and the three after the step */
static double numbers[2 * S + A] = {1, 2, 3, 10, 20, 5, 6, 7};

static expression_names names_of(bool after) { return (expression_names){OBS, ACT, S, A, after}; }

static double value_of(const char *text, bool after)
{
  mopo_error err;
  expression *e = NULL;
  expression_names names = names_of(after);
  if (expression_create(&e, text, &names, numbers, &err) != MOPO_OK)
    fail_msg("%s: %s", text, err.msg);
  double x = expression_value(e);
  expression_free(e);
  return x;
}

static void test_values(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    double before, after;
  } cases[] = {
      {"level1", 1, 5},
      {"next.level1 - before.level1", 4, 4},
      {"-abs(next.level1 - 1.0) - 0.01*pump^2", -5, -5},
      {"\"room temp\" + next.\"room temp\"", 8, 12},
      {"e", 3, 7}, /* a column, not a constant */
      {"1e1 + 1E-1*0", 10, 10},
      {"min", 20, 20}, /* a column, and a function where it is called */
      {"min(pump, min, 3)", 3, 3},
      {"min (4, 3)", 3, 3},
      {"level1 > 4 || pump >= 11", 0, 1},
      {"level1 > 4 && pump == 10", 0, 1},
      {"!(level1 > 4)", 1, 0},
      {"level1 != 1", 0, 1},
      {"level1 > 4 ? 8 : 9", 9, 8},
      {"2*pi", 6.283185307179586, 6.283185307179586},
      {"ln(exp(2)) + log10(100) + sqrt(4) + atan2(0, 1)", 6, 6},
      {"1/0", INFINITY, INFINITY},
      {"-1/0", -INFINITY, -INFINITY},
      {"1/(level1 - level1)", INFINITY, INFINITY},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    for (int after = 0; after < 2; after++) {
      double want = after ? cases[i].after : cases[i].before, is = value_of(cases[i].text, after);
      if (!(is == want || fabs(is - want) < 1e-12))
        fail_msg("%s = %.17g, want %.17g", cases[i].text, is, want);
    }
  assert_true(isnan(value_of("0/(level1 - level1)", false)));
  assert_true(isnan(value_of("sqrt(0 - level1)", false)));
}

/* The numbers are read when it is evaluated, not when it is made. */
static void test_follows_its_numbers(void **state)
{
  (void)state;
  mopo_error err;
  expression *e = NULL;
  expression_names names = names_of(false);
  double row[2 * S + A] = {0};
  assert_ok(expression_create(&e, "level1 * pump + next.e", &names, row, &err), err);
  for (int i = 0; i < 5; i++) {
    row[0] = i, row[S] = 2, row[S + A + 2] = 100;
    assert_true(expression_value(e) == 2 * i + 100);
  }
  expression_free(e);
}

static void assert_refused(const char *text, const char *why)
{
  mopo_error err;
  expression *e = NULL;
  expression_names names = names_of(false);
  assert_int_equal(expression_create(&e, text, &names, numbers, &err), MOPO_EINVAL);
  assert_null(e);
  if (!strstr(err.msg, why)) fail_msg("%s: '%s' does not say '%s'", text, err.msg, why);
}

static void test_refused(void **state)
{
  (void)state;
  static const char *const cases[][2] = {
      {"levl1 > 2", "'levl1' is no column of the task, did you mean 'level1'?"},
      {"next.levl1 > 2", "did you mean 'level1'?"},
      {"\"room tmp\"", "did you mean 'room temp'?"},
      {"next.pump", "'pump' is an action"},
      {"last.level1", "'last.', want next.NAME or before.NAME"},
      {"abz(1)", "'abz' is no function, did you mean 'abs'?"},
      {"log(1)", "want ln or log10"},
      {"level1 = 2", "want '=='"},
      {"level1 & 2", "want '&&'"},
      {"level1, 2", "',' parts the arguments of a function only"},
      {"(level1, 2)", "',' parts the arguments of a function only"},
      {"level1; 2", "';' means nothing here"},
      {"(level1", "a '(' is not closed"},
      {"level1)", "')' without a '('"},
      {"\"room temp", "a quote is not closed"},
      {"level1 +", "it ends too soon"},
      {"", "it is empty"},
      {"level1 pump", "an operator or a number is missing"},
      {"atan2(1)", "too many or too few arguments"},
      {"1 ? 2", "'?' and ':' do not pair"},
      {"1.2.3", "an operator or a number is missing"},
      {"1e999", "an operator or a number is missing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_refused(cases[i][0], cases[i][1]);
  char long_text[EXPRESSION_MAX + 2];
  memset(long_text, '1', sizeof long_text);
  long_text[EXPRESSION_MAX + 1] = '\0';
  assert_refused(long_text, "want at most 1000");
  memset(long_text, '(', 100), strcpy(long_text + 100, "1");
  assert_refused(long_text, "more than 64 parentheses");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_follows_its_numbers),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
