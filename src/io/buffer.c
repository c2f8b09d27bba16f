/* buffer.c - see buffer.h. */
#include "io/buffer.h"

#include "base/number.h"
#include "io/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for n more. */
static bool reserve(buffer *b, size_t n)
{
  if (b->failed) return false;
  if (n <= b->cap - b->n) return true;
  size_t cap = b->cap ? b->cap : 4096;
  while (cap - b->n < n && cap <= SIZE_MAX / 2) cap *= 2;
  char *grown = cap - b->n < n ? NULL : realloc(b->bytes, cap);
  b->failed = !grown;
  if (!grown) return false;
  b->bytes = grown;
  b->cap = cap;
  return true;
}

void buffer_add(buffer *b, const void *bytes, size_t n)
{
  if (n == 0 || !reserve(b, n)) return;
  memcpy(b->bytes + b->n, bytes, n);
  b->n += n;
}

void buffer_print(buffer *b, const char *fmt, ...)
{
  va_list ap, again;
  va_start(ap, fmt);
  va_copy(again, ap);
  int n = number_vprint(NULL, 0, fmt, ap);
  if (n >= 0 && reserve(b, (size_t)n + 1)) {
    number_vprint(b->bytes + b->n, (size_t)n + 1, fmt, again);
    b->n += (size_t)n;
  }
  va_end(again);
  va_end(ap);
}

void buffer_free(buffer *b)
{
  free(b->bytes);
  *b = (buffer){0};
}

mopo_status buffer_write(const buffer *b, const char *path, mopo_error *err)
{
  if (b->failed) return error_set(err, MOPO_ENOMEM, "%s: no memory to write it", path);
  return file_write(path, b->bytes, b->n, err);
}
