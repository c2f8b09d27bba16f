/* rng.c - see rng.h. */
#include "base/rng.h"

#include "base/fmath.h"

static void philox(uint32_t x[4], uint32_t k0, uint32_t k1)
{
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)0xD2511F53u * x[0], q = (uint64_t)0xCD9E8D57u * x[2];
    uint32_t y0 = (uint32_t)(q >> 32) ^ x[1] ^ k0, y2 = (uint32_t)(p >> 32) ^ x[3] ^ k1;
    x[0] = y0, x[1] = (uint32_t)q, x[2] = y2, x[3] = (uint32_t)p;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

void rng_block(uint32_t out[4], rng_key key, uint64_t hi, uint64_t lo)
{
  out[0] = (uint32_t)lo, out[1] = (uint32_t)(lo >> 32);
  out[2] = (uint32_t)hi, out[3] = (uint32_t)(hi >> 32);
  philox(out, key.k[0], key.k[1]);
}

static rng_key derive(rng_key key, uint64_t hi, uint64_t lo)
{
  uint32_t x[4];
  rng_block(x, key, hi, lo);
  return (rng_key){{x[0], x[1]}};
}

/* The three ways to derive differ in the top word of the counter, which draws never reach. */
rng_key rng_seed(uint64_t seed)
{
  return derive((rng_key){{(uint32_t)seed, (uint32_t)(seed >> 32)}}, UINT64_MAX, 0);
}

rng_key rng_split(rng_key key, const char *name)
{
  uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
  return derive(key, UINT64_MAX - 1, h);
}

rng_key rng_index(rng_key key, uint64_t i) { return derive(key, UINT64_MAX - 2, i); }

/* Two normals from two words. u1 in (0,1]: never log(0); 24 bits each. */
static void box_muller(float *a, float *b, uint32_t w1, uint32_t w2)
{
  float u1 = ((float)(w1 >> 8) + 1.0f) * 0x1p-24f, u2 = (float)(w2 >> 8) * 0x1p-24f;
  float r = sqrtf(-2.0f * fm_log(u1)), s, c;
  fm_sincos_turn(&s, &c, u2);
  *a = r * c;
  *b = r * s;
}

void rng_normals(float *out, int n, rng_key key, uint64_t hi)
{
  for (int i = 0; i < n; i += 4) {
    uint32_t w[4];
    float z[4];
    rng_block(w, key, hi, (uint64_t)i / 4);
    box_muller(&z[0], &z[1], w[0], w[1]);
    box_muller(&z[2], &z[3], w[2], w[3]);
    for (int j = 0; j < 4 && i + j < n; j++) out[i + j] = z[j];
  }
}

rng_stream rng_stream_of(rng_key key) { return (rng_stream){.key = key}; }

uint32_t rng_u32(rng_stream *s)
{
  uint32_t w[4];
  rng_block(w, s->key, 0, s->at / 4);
  return w[s->at++ % 4];
}

float rng_uniform(rng_stream *s) { return (float)(rng_u32(s) >> 8) * 0x1p-24f; }

double rng_uniform_double(rng_stream *s)
{
  uint64_t hi = rng_u32(s) >> 5, lo = rng_u32(s) >> 6;
  return (double)((hi << 26) | lo) * 0x1p-53;
}

float rng_normal(rng_stream *s)
{
  float a, b;
  uint32_t w1 = rng_u32(s), w2 = rng_u32(s);
  box_muller(&a, &b, w1, w2);
  return a;
}

float rng_truncated_normal(rng_stream *s)
{
  for (;;) {
    float z = rng_normal(s);
    if (fabsf(z) <= 2.0f) return z;
  }
}

uint64_t rng_below(rng_stream *s, uint64_t n)
{
  uint64_t limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
  for (;;) {
    uint64_t hi = rng_u32(s), x = (hi << 32) | rng_u32(s);
    if (x < limit) return x % n;
  }
}

void rng_shuffle(rng_stream *s, uint32_t *a, size_t n)
{
  for (size_t i = n; i > 1; i--) {
    size_t j = (size_t)rng_below(s, i);
    uint32_t t = a[i - 1];
    a[i - 1] = a[j];
    a[j] = t;
  }
}
