/* buffer.h - bytes that grow: texts and binary files are put together in one and written whole. */
#ifndef IO_BUFFER_H
#define IO_BUFFER_H

#include "base/error.h"

/* {0} is an empty one. After a failure nothing more is added and `failed` stays set, so that one
 * check at the end is enough. */
typedef struct buffer {
  char *bytes;
  size_t n, cap;
  bool failed; /* memory ran out */
} buffer;

void buffer_add(buffer *b, const void *bytes, size_t n);
void buffer_print(buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buffer_free(buffer *b);
/* file_write of the whole; ENOMEM if it failed on the way. */
MUST_CHECK mopo_status buffer_write(const buffer *b, const char *path, mopo_error *err);

#endif
