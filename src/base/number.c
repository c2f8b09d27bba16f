/* number.c - see number.h. The locale "C" is a constant of the C library: asking for it allocates
 * nothing and cannot fail. */
#include "base/number.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

number_locale number_begin(void)
{
  if (strcmp(nl_langinfo(RADIXCHAR), ".") == 0) return (number_locale){0}; /* nearly always */
  number_locale l = {.ours = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
  if (l.ours) l.before = uselocale((locale_t)l.ours);
  return l;
}

void number_end(number_locale l)
{
  if (!l.ours) return;
  uselocale((locale_t)l.before);
  freelocale((locale_t)l.ours);
}

int number_vprint(char *text, size_t size, const char *fmt, va_list args)
{
  number_locale l = number_begin();
  int n = vsnprintf(text, size, fmt, args);
  number_end(l);
  return n;
}

int number_print(char *text, size_t size, const char *fmt, ...)
{
  va_list args;
  va_start(args, fmt);
  int n = number_vprint(text, size, fmt, args);
  va_end(args);
  return n;
}

double number_parse(const char *text, char **end)
{
  number_locale l = number_begin();
  double x = strtod(text, end);
  number_end(l);
  return x;
}

float number_parse_float(const char *text, char **end)
{
  number_locale l = number_begin();
  float x = strtof(text, end);
  number_end(l);
  return x;
}

void number_shortest(char *text, size_t size, double x)
{
  for (int digits = 15; digits <= 17; digits++) {
    number_print(text, size, "%.*g", digits, x);
    if (number_parse(text, NULL) == x) return;
  }
}
