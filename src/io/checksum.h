/* checksum.h - 64 bits of a stream of bytes that tell whether one of them has changed: every single
 * changed bit, or word of 8 bytes, gives another sum. It keeps nobody out who means to deceive. */
#ifndef IO_CHECKSUM_H
#define IO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

typedef struct checksum {
  uint64_t lane[4];
  uint64_t n; /* bytes so far */
  unsigned char rest[32];
} checksum;

checksum checksum_begin(void);
/* The same sum however the stream is cut. */
void checksum_add(checksum *c, const void *bytes, size_t n);
uint64_t checksum_end(checksum *c);

#endif
