/* html.c - see html.h. */
#include "report/html.h"

#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the UTF-8 character at s: 0 if there is none. */
static int utf8_length(const unsigned char *s)
{
  int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
  if (s[0] >= 0xf0 && s[0] < 0xf5) n = 4;
  for (int i = 1; i < n; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  if (n == 3 && s[0] == 0xe0 && s[1] < 0xa0) return 0;  /* longer than need be */
  if (n == 3 && s[0] == 0xed && s[1] >= 0xa0) return 0; /* half of a pair */
  if (n == 4 && s[0] == 0xf0 && s[1] < 0x90) return 0;
  if (n == 4 && s[0] == 0xf4 && s[1] >= 0x90) return 0;
  return n;
}

void html_text(buffer *b, const char *s)
{
  static const char marks[] = "&<>\"'";
  static const char *const written[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  for (const unsigned char *p = (const unsigned char *)s; *p;) {
    const char *mark = strchr(marks, *p);
    int n = utf8_length(p);
    if (mark) {
      buffer_print(b, "%s", written[mark - marks]);
    } else if (n == 0 || *p < ' ' || *p == 127) {
      buffer_print(b, "\xef\xbf\xbd");
    } else {
      buffer_add(b, p, (size_t)n);
    }
    p += n ? n : 1;
  }
}

void html_print(buffer *b, const char *fmt, ...)
{
  char text[2000];
  va_list ap;
  va_start(ap, fmt);
  number_vprint(text, sizeof text, fmt, ap);
  va_end(ap);
  html_text(b, text);
}

static void signed_text(buffer *b, const char *digits)
{
  bool zero = strspn(digits, "-0.") == strlen(digits); /* -0.0 */
  if (*digits == '-') buffer_print(b, "%s%s", zero ? "" : "\xe2\x88\x92", digits + 1);
  if (*digits != '-') buffer_print(b, "%s", digits);
}

void html_fixed(buffer *b, double x, int decimals)
{
  char text[400];
  number_print(text, sizeof text, "%.*f", decimals, x);
  signed_text(b, isfinite(x) ? text : "\xe2\x80\x93");
}

void html_base64(buffer *b, const unsigned char *bytes, size_t n)
{
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    unsigned x = (unsigned)bytes[i] << 16;
    if (i + 1 < n) x |= (unsigned)bytes[i + 1] << 8;
    if (i + 2 < n) x |= bytes[i + 2];
    char four[4] = {digit[x >> 18], digit[x >> 12 & 63], i + 1 < n ? digit[x >> 6 & 63] : '=',
                    i + 2 < n ? digit[x & 63] : '='};
    buffer_add(b, four, 4);
  }
}
