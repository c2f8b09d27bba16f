/* proto.h - writes messages in the wire format of Protocol Buffers
 * (https://protobuf.dev/programming-guides/encoding): a message is its fields one after the other,
 * each a number with a value. */
#ifndef IO_PROTO_H
#define IO_PROTO_H

#include "io/buffer.h"

void proto_int(buffer *b, int field, int64_t x);
void proto_float(buffer *b, int field, float x);
void proto_double(buffer *b, int field, double x);
void proto_bytes(buffer *b, int field, const void *bytes, size_t n);
void proto_text(buffer *b, int field, const char *text);
/* A message within a message. Takes `inner`, which is freed. */
void proto_message(buffer *b, int field, buffer *inner);

#endif
