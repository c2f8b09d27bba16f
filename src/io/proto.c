/* proto.c - see proto.h. */
#include "io/proto.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's numbers are little-endian");

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 }; /* wire types */

/* Seven bits a byte, the lowest first. */
static void varint(buffer *b, uint64_t x)
{
  unsigned char bytes[10];
  size_t n = 0;
  do {
    bytes[n] = (unsigned char)(x & 0x7f);
    x >>= 7;
    if (x) bytes[n] |= 0x80;
    n++;
  } while (x);
  buffer_add(b, bytes, n);
}

static void tag(buffer *b, int field, int wire)
{
  varint(b, (uint64_t)field << 3 | (uint64_t)wire);
}

void proto_int(buffer *b, int field, int64_t x)
{
  tag(b, field, VARINT);
  varint(b, (uint64_t)x);
}

void proto_float(buffer *b, int field, float x)
{
  tag(b, field, FIXED32);
  buffer_add(b, &x, sizeof x);
}

void proto_double(buffer *b, int field, double x)
{
  tag(b, field, FIXED64);
  buffer_add(b, &x, sizeof x);
}

void proto_bytes(buffer *b, int field, const void *bytes, size_t n)
{
  tag(b, field, LENGTH);
  varint(b, n);
  buffer_add(b, bytes, n);
}

void proto_text(buffer *b, int field, const char *text)
{
  proto_bytes(b, field, text, strlen(text));
}

void proto_message(buffer *b, int field, buffer *inner)
{
  proto_bytes(b, field, inner->bytes, inner->n);
  b->failed = b->failed || inner->failed;
  buffer_free(inner);
}
