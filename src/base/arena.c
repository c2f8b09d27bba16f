/* arena.c - see arena.h. */
#include "base/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE_PAGE = 1 << 21 };

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

/* Large blocks lie in pages of 2 MB where the system has them: a step of the ensemble walks through
 * more memory than the processor has 4 KB pages in mind. The size is not rounded up to them. */
void *arena_aligned(size_t bytes)
{
  if (bytes > SIZE_MAX - LINE) return NULL;
  size_t rounded = (bytes + LINE - 1) & ~(size_t)(LINE - 1);
#ifdef MADV_HUGEPAGE
  if (rounded >= 2 * HUGE_PAGE) {
    void *p = NULL;
    if (posix_memalign(&p, HUGE_PAGE, rounded) != 0) return NULL;
    (void)madvise(p, rounded, MADV_HUGEPAGE); /* advice: what comes of it is the same */
    return p;
  }
#endif
  return aligned_alloc(LINE, rounded ? rounded : LINE);
}
