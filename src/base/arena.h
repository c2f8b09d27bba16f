/* arena.h - one block per object: the same layout function measures, then places.
 *
 *   arena a = {0};
 *   layout(obj, &a);                       measures: every pointer is NULL
 *   if (!arena_alloc(&a)) ... ENOMEM       one zeroed block of a.used bytes
 *   layout(obj, &a);                       places
 *   ... free(a.base) */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct arena {
  char *base; /* NULL while measuring */
  size_t used, cap;
} arena;

/* Next n bytes, aligned to a cache line (64). NULL while measuring. */
void *arena_bytes(arena *a, size_t n);
/* Next n floats, aligned to a cache line. */
float *arena_floats(arena *a, size_t n);
/* Takes a zeroed block of a->used bytes and starts again at its beginning. False: no memory. */
bool arena_alloc(arena *a);

/* Uninitialised memory aligned to a cache line; free() it. NULL: no memory. */
void *arena_aligned(size_t bytes);

#endif
