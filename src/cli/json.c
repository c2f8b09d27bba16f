/* json.c - see json.h. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_text(const char *s)
{
  putchar('"');
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\') {
      printf("\\%c", c);
    } else if (c < ' ' || c == 127) {
      printf("\\u%04x", c);
    } else {
      putchar(c);
    }
  }
  putchar('"');
}

void json_number(double x)
{
  char buf[40];
  if (!isfinite(x)) {
    fputs("null", stdout);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(buf, sizeof buf, "%.*g", digits, x);
    if (strtod(buf, NULL) == x) break;
  }
  fputs(buf, stdout);
}

void json_numbers(const double *x, int n)
{
  putchar('[');
  for (int i = 0; i < n; i++) {
    if (i) putchar(',');
    json_number(x[i]);
  }
  putchar(']');
}
