/* fuzz_expression.c - any bytes as a rule in words over a few columns. What is accepted has a
 * value, the same one twice, whatever the numbers are. */
#include "fuzz.h"

#include "task/expression.h"

enum { S = 2, A = 1, VALUES = 2 * S + A };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  static const char *const obs[S] = {"level", "temp 1"}, *const act[A] = {"pump"};
  static const double from[] = {0.0, 1.0, -2.5, 1e300, -1e-300};
  const expression_names names = {obs, act, S, A, n % 2 == 0};
  mopo_error err = {0};
  expression *e = NULL;
  double values[VALUES] = {0};
  char *text = malloc(n + 1);
  if (!text) return 0;
  memcpy(text, bytes, n);
  text[n] = '\0';
  mopo_status st = expression_create(&e, text, &names, values, &err);
  free(text);
  fuzz_check(st, &err, e);
  for (int i = 0; e && i < 5; i++) {
    for (int k = 0; k < VALUES; k++) values[k] = from[(i + k) % 5];
    double x = expression_value(e), again = expression_value(e);
    fuzz_want(memcmp(&x, &again, sizeof x) == 0 || (x != x && again != again));
  }
  expression_free(e);
  return 0;
}
