/* arena.c - see arena.h. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

void *arena_bytes(arena *a, size_t n)
{
  a->used = (a->used + LINE - 1) & ~(size_t)(LINE - 1);
  char *p = a->base ? a->base + a->used : NULL;
  a->used += n;
  assert(!a->base || a->used <= a->cap);
  return p;
}

float *arena_floats(arena *a, size_t n) { return arena_bytes(a, n * sizeof(float)); }

bool arena_alloc(arena *a)
{
  size_t bytes = a->used;
  a->base = arena_aligned(bytes);
  if (!a->base) return false;
  memset(a->base, 0, bytes);
  a->cap = bytes;
  a->used = 0;
  return true;
}

void *arena_aligned(size_t bytes)
{
  if (bytes > SIZE_MAX - LINE) return NULL;
  size_t rounded = (bytes + LINE - 1) & ~(size_t)(LINE - 1);
  return aligned_alloc(LINE, rounded ? rounded : LINE);
}
