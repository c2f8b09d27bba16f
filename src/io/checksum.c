/* checksum.c - see checksum.h. Four sums side by side, each of every fourth word of 8 bytes. A step
 * (xor, rotation, product with an odd number) can be undone, so two streams that differ in one word
 * have different sums after it and ever after. */
#include "io/checksum.h"

#include <string.h>

enum { BLOCK = 32 };
static const uint64_t odd = 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio */

static uint64_t step(uint64_t sum, uint64_t word)
{
  sum ^= word;
  return (sum << 29 | sum >> 35) * odd;
}

static void take(checksum *c, const unsigned char *block)
{
  uint64_t word[4];
  memcpy(word, block, sizeof word);
  for (int i = 0; i < 4; i++) c->lane[i] = step(c->lane[i], word[i]);
}

checksum checksum_begin(void) { return (checksum){.lane = {1, 2, 3, 4}}; }

void checksum_add(checksum *c, const void *bytes, size_t n)
{
  const unsigned char *p = bytes;
  size_t held = (size_t)(c->n % BLOCK);
  c->n += n;
  if (held && n >= BLOCK - held) {
    memcpy(c->rest + held, p, BLOCK - held);
    take(c, c->rest);
    p += BLOCK - held;
    n -= BLOCK - held;
    held = 0;
  }
  for (; !held && n >= BLOCK; p += BLOCK, n -= BLOCK) take(c, p);
  if (n) memcpy(c->rest + held, p, n);
}

uint64_t checksum_end(checksum *c)
{
  size_t held = (size_t)(c->n % BLOCK);
  memset(c->rest + held, 0, BLOCK - held);
  take(c, c->rest);
  uint64_t sum = c->n;
  for (int i = 0; i < 4; i++) sum = step(sum, c->lane[i]);
  return sum ^ sum >> 32;
}
