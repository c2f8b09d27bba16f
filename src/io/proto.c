/* proto.c - see proto.h. */
#include "io/proto.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2 }; /* wire types */

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
