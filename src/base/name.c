/* name.c - see name.h. */
#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The character at p and the bytes that it has; 0 bytes: not UTF-8. */
static int decode(uint32_t *x, const unsigned char *p)
{
  int n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p >= 0xe0 && *p < 0xf0 ? 3 : 4;
  if (n > 1 && (*p < 0xc2 || *p > 0xf4)) return 0;
  *x = n == 1 ? *p : *p & (0xffu >> (n + 1));
  for (int i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
    *x = *x << 6 | (p[i] & 0x3f);
  }
  if ((n == 3 && *x < 0x800) || (n == 4 && (*x < 0x10000 || *x > 0x10ffff))) return 0;
  return *x >= 0xd800 && *x < 0xe000 ? 0 : n;
}

static bool is_silent(uint32_t x)
{
  if (x < 0x20 || (x >= 0x7f && x < 0xa0)) return true;
  return x == 0x61c || x == 0x200e || x == 0x200f || (x >= 0x2028 && x <= 0x202e) ||
         (x >= 0x2066 && x <= 0x2069) || x == 0xfeff;
}

void name_clean(char *text)
{
  unsigned char *to = (unsigned char *)text;
  for (const unsigned char *p = to; *p;) {
    uint32_t x = 0;
    int n = decode(&x, p);
    if (n == 0 || is_silent(x))
      *to++ = '?';
    else
      for (int i = 0; i < n; i++) *to++ = p[i];
    p += n ? n : 1;
  }
  *to = '\0';
}

void name_copy(char *to, size_t size, const char *name)
{
  size_t n = strlen(name);
  if (size == 0) return;
  if (n >= size)
    for (n = size - 1; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;) n--;
  memcpy(to, name, n);
  to[n] = '\0';
  name_clean(to);
}
