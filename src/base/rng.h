/* rng.h - counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random
 * numbers: as easy as 1, 2, 3").
 *
 * A key says what the numbers are for; it comes from the seed by names and indices. A draw is a
 * pure function of (key, position), so it never depends on who drew first, on the number of threads
 * or on an interruption. A stream is a key with a position, for draws that are naturally in
 * sequence (shuffles, resets); its two fields are its whole state. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct rng_key {
  uint32_t k[2];
} rng_key;

typedef struct rng_stream {
  rng_key key;
  uint64_t at; /* 32-bit words drawn so far */
} rng_stream;

rng_key rng_seed(uint64_t seed);
/* A key of its own for each purpose: rng_split(k, "rollout"). */
rng_key rng_split(rng_key key, const char *name);
/* A key of its own for each index: epoch, member, episode. */
rng_key rng_index(rng_key key, uint64_t i);

/* Four random words at counter (hi, lo). */
void rng_block(uint32_t out[4], rng_key key, uint64_t hi, uint64_t lo);

/* n standard normals for place (hi): Box-Muller on blocks (hi, 0), (hi, 1), ... */
void rng_normals(float *out, int n, rng_key key, uint64_t hi);

rng_stream rng_stream_of(rng_key key);
uint32_t rng_u32(rng_stream *s);
/* [0, 1) with 24 bits. */
float rng_uniform(rng_stream *s);
/* [0, 1) with 53 bits. */
double rng_uniform_double(rng_stream *s);
float rng_normal(rng_stream *s);
/* Standard normal redrawn until within two sigmas. */
float rng_truncated_normal(rng_stream *s);
/* 0 .. n-1, unbiased (rejection); n > 0. */
uint64_t rng_below(rng_stream *s, uint64_t n);
/* Unbiased Fisher-Yates. */
void rng_shuffle(rng_stream *s, uint32_t *a, size_t n);
/* 0 .. n-1 from one word of a block: for n < 2^24 the bias is below n / 2^64 (64-bit multiply of
 * two words), which no experiment can see; for places where a rejection loop would make the draw
 * depend on more than its counter. n > 0. */
static inline uint64_t rng_word_below(uint32_t hi, uint32_t lo, uint64_t n)
{
  uint64_t x = ((uint64_t)hi << 32) | lo;
  return (uint64_t)(((unsigned __int128)x * n) >> 64);
}

#endif
