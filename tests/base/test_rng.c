/* test_rng.c - Philox against its authors' vectors; each kind of draw against its distribution. */
#include "check.h"

#include "base/rng.h"
#include "base/stats.h"
#include "nn/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const rng_key KEY = {{0x12345678u, 0x9abcdef0u}};

/* ------------------------------------------------------------------ words and keys */

/* kat_vectors of Random123 (Salmon et al. 2011): philox4x32, 10 rounds. */
static void words_are_philox(void **state)
{
  (void)state;
  static const struct {
    rng_key key;
    uint64_t hi, lo;
    uint32_t want[4];
  } known[] = {
      {{{0, 0}}, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{{0xffffffff, 0xffffffff}},
       UINT64_MAX,
       UINT64_MAX,
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{{0xa4093822, 0x299f31d0}},
       0x0370734413198a2e,
       0x85a308d3243f6a88,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    uint32_t got[4];
    rng_block(got, known[i].key, known[i].hi, known[i].lo);
    assert_memory_equal(got, known[i].want, sizeof got);
  }
}

static int by_value(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static uint64_t packed(rng_key k) { return (uint64_t)k.k[0] << 32 | k.k[1]; }

/* A key for each seed, name and index, and none twice. */
static void keys_are_all_different(void **state)
{
  (void)state;
  static const char *const names[] = {"agent", "batch", "model", "rollout", "eval", "noise",
                                      "",      "a",     "b",     "ab",      "ba",   "critic 1"};
  enum { NAMES = sizeof names / sizeof *names, EACH = 20000, ALL = 2 * EACH + 2 * NAMES + 1 };
  uint64_t *keys = malloc(ALL * sizeof *keys);
  assert_non_null(keys);
  size_t n = 0;
  keys[n++] = packed(KEY);
  for (uint64_t i = 0; i < EACH; i++) {
    keys[n++] = packed(rng_seed(i));
    keys[n++] = packed(rng_index(KEY, i));
  }
  for (int i = 0; i < NAMES; i++) {
    keys[n++] = packed(rng_split(KEY, names[i]));
    keys[n++] = packed(rng_split(rng_split(KEY, "a"), names[i]));
  }
  assert_int_equal(n, ALL);
  qsort(keys, n, sizeof *keys, by_value);
  for (size_t i = 1; i < n; i++) assert_true(keys[i] != keys[i - 1]);
  free(keys);
}

/* Streams of neighbouring keys share no bit beyond chance: each bit of the exclusive or of their
 * first words is 1 half of the time. */
static void neighbouring_keys_are_unrelated(void **state)
{
  (void)state;
  enum { N = 20000 };
  uint32_t ones[2][32] = {{0}};
  for (uint64_t i = 0; i < N; i++) {
    rng_stream a = rng_stream_of(rng_index(KEY, i)), b = rng_stream_of(rng_index(KEY, i + 1));
    rng_stream c = rng_stream_of(rng_seed(i)), d = rng_stream_of(rng_seed(i + 1));
    uint32_t x = rng_u32(&a) ^ rng_u32(&b), y = rng_u32(&c) ^ rng_u32(&d);
    for (int bit = 0; bit < 32; bit++) ones[0][bit] += x >> bit & 1, ones[1][bit] += y >> bit & 1;
  }
  for (int bit = 0; bit < 32; bit++) {
    check_mean("indices", (double)ones[0][bit] / N, 0.5, 0.5, N);
    check_mean("seeds", (double)ones[1][bit] / N, 0.5, 0.5, N);
  }
}

/* A stream is the words of the blocks (0, 0), (0, 1), ... and its two fields are all of it. */
static void stream_is_its_key_and_position(void **state)
{
  (void)state;
  rng_stream s = rng_stream_of(KEY);
  for (uint64_t i = 0; i < 40; i++) {
    uint32_t w[4];
    rng_block(w, KEY, 0, i / 4);
    assert_int_equal(s.at, i);
    rng_stream copy = {KEY, i};
    assert_int_equal(rng_u32(&copy), w[i % 4]);
    assert_int_equal(rng_u32(&s), w[i % 4]);
  }
}

/* ------------------------------------------------------------------ distributions */

/* Mean and variance of uniform, and 64 cells of [0, 1). */
static void check_uniform(const char *what, double (*draw)(rng_stream *))
{
  enum { N = 400000, CELLS = 64 };
  rng_stream s = rng_stream_of(rng_split(KEY, what));
  double sum = 0.0, squares = 0.0;
  int count[CELLS] = {0};
  for (int i = 0; i < N; i++) {
    double u = draw(&s);
    assert_true(u >= 0.0 && u < 1.0);
    sum += u;
    squares += (u - 0.5) * (u - 0.5);
    count[(int)(u * CELLS)]++;
  }
  check_mean(what, sum / N, 0.5, sqrt(1.0 / 12.0), N);
  check_mean(what, squares / N, 1.0 / 12.0, sqrt(1.0 / 180.0), N);
  check_equal_chances(what, count, CELLS);
}

static double draw_float(rng_stream *s) { return (double)rng_uniform(s); }

static void uniform_is_uniform(void **state)
{
  (void)state;
  check_uniform("uniform", draw_float);
  check_uniform("uniform double", rng_uniform_double);
  /* All 53 bits are in use: the lowest is 1 half of the time. */
  rng_stream s = rng_stream_of(KEY);
  enum { N = 10000 };
  int odd = 0;
  for (int i = 0; i < N; i++) odd += (int)((uint64_t)(rng_uniform_double(&s) * 0x1p53) & 1);
  check_mean("lowest bit", (double)odd / N, 0.5, 0.5, N);
}

/* Moments 1 to 4 and cells of equal chance of n draws from the normal cut off at `cut`. */
static void check_normal(const char *what, const float *z, int n, double cut)
{
  enum { CELLS = 64 };
  int count[CELLS] = {0};
  double m[5] = {0}, below = normal_below(-cut), inside = 1.0 - 2.0 * below;
  for (int i = 0; i < n; i++) {
    double x = (double)z[i], power = 1.0;
    assert_true(fabs(x) <= cut);
    for (int k = 1; k <= 4; k++) m[k] += (power *= x) / n;
    int cell = (int)((normal_below(x) - below) / inside * CELLS);
    count[cell < CELLS ? cell : CELLS - 1]++;
  }
  /* E x^2k of the cut normal, by parts: E x^(k+2) = (k+1) E x^k - 2 cut^(k+1) phi(cut) / inside. */
  double edge = 2.0 * exp(-cut * cut / 2.0) / sqrt(2.0 * acos(-1.0)) / inside, even[5] = {1.0};
  for (int k = 0; k < 4; k++)
    even[k + 1] = (2.0 * k + 1.0) * even[k] - edge * pow(cut, 2.0 * k + 1.0);
  check_mean(what, m[1], 0.0, sqrt(even[1]), n);
  check_mean(what, m[2], even[1], sqrt(even[2] - even[1] * even[1]), n);
  check_mean(what, m[3], 0.0, sqrt(even[3]), n);
  check_mean(what, m[4], even[2], sqrt(even[4] - even[2] * even[2]), n);
  check_equal_chances(what, count, CELLS);
}

/* Box-Muller from 24 bits ends at sqrt(-2 log 2^-24) = 5.77. */
static void normal_is_normal(void **state)
{
  (void)state;
  enum { N = 400000 };
  float *z = malloc(N * sizeof *z);
  assert_non_null(z);
  rng_normals(z, N, KEY, 7);
  check_normal("normals", z, N, 5.8);
  rng_stream s = rng_stream_of(rng_split(KEY, "normal"));
  for (int i = 0; i < N; i++) z[i] = rng_normal(&s);
  check_normal("normal", z, N, 5.8);
  for (int i = 0; i < N; i++) z[i] = rng_truncated_normal(&s);
  check_normal("truncated normal", z, N, 2.0);
  free(z);
}

/* Neither the two of a pair nor neighbouring places have anything in common. */
static void normals_are_independent(void **state)
{
  (void)state;
  enum { N = 100000 };
  float *z = malloc(2 * N * sizeof *z), *place = z + N;
  assert_non_null(z);
  rng_normals(z, N, KEY, 1);
  rng_normals(place, N, KEY, 2);
  for (int lag = 1; lag <= 5; lag++) {
    double product = 0.0, squares = 0.0;
    for (int i = 0; i < N; i++) {
      double a = (double)z[i], b = (double)z[(i + lag) % N];
      product += a * b / N;
      squares += (a * a - 1.0) * (b * b - 1.0) / N;
    }
    check_mean("lag", product, 0.0, 1.0, N);
    check_mean("squares", squares, 0.0, 2.0, N);
  }
  double product = 0.0;
  for (int i = 0; i < N; i++) product += (double)z[i] * (double)place[i] / N;
  check_mean("places", product, 0.0, 1.0, N);
  free(z);
}

/* ------------------------------------------------------------------ integers */

static void below_has_no_bias(void **state)
{
  (void)state;
  static const uint64_t sizes[] = {1, 2, 3, 7, 10, 24, 1000};
  enum { MOST = 1000 };
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    int count[MOST] = {0};
    rng_stream s = rng_stream_of(rng_index(KEY, sizes[k]));
    for (int i = 0; i < 100000; i++) {
      uint64_t x = rng_below(&s, sizes[k]);
      assert_true(x < sizes[k]);
      count[x]++;
    }
    check_equal_chances("below", count, (int)sizes[k]);
  }
}

/* For n = 3/4 of 2^64 a plain remainder would give the lowest third twice as often. */
static void below_has_no_bias_for_huge_n(void **state)
{
  (void)state;
  uint64_t third = UINT64_C(1) << 62;
  int count[3] = {0};
  rng_stream s = rng_stream_of(KEY);
  for (int i = 0; i < 30000; i++) count[rng_below(&s, 3 * third) / third]++;
  check_equal_chances("thirds", count, 3);
}

static void word_below_covers_its_range(void **state)
{
  (void)state;
  enum { N = 7 };
  assert_int_equal(rng_word_below(0, 0, N), 0);
  assert_int_equal(rng_word_below(UINT32_MAX, UINT32_MAX, N), N - 1);
  int count[N] = {0};
  for (uint64_t i = 0; i < 70000; i++) {
    uint32_t w[4];
    rng_block(w, KEY, 3, i);
    count[rng_word_below(w[0], w[1], N)]++;
  }
  check_equal_chances("word below", count, N);
}

static void shuffle_is_a_permutation(void **state)
{
  (void)state;
  static const size_t sizes[] = {0, 1, 2, 3, 17, 1000};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    uint32_t a[1000];
    int seen[1000] = {0};
    for (size_t i = 0; i < sizes[k]; i++) a[i] = (uint32_t)i;
    rng_stream s = rng_stream_of(KEY);
    rng_shuffle(&s, a, sizes[k]);
    for (size_t i = 0; i < sizes[k]; i++) {
      assert_true(a[i] < sizes[k]);
      assert_int_equal(seen[a[i]]++, 0);
    }
  }
}

/* All 24 orders of four things are equally likely. */
static void shuffle_prefers_no_order(void **state)
{
  (void)state;
  int count[256] = {0}, orders[24], n = 0;
  rng_stream s = rng_stream_of(KEY);
  for (int i = 0; i < 48000; i++) {
    uint32_t a[4] = {0, 1, 2, 3};
    rng_shuffle(&s, a, 4);
    count[a[0] << 6 | a[1] << 4 | a[2] << 2 | a[3]]++;
  }
  for (int i = 0; i < 256; i++)
    if (count[i]) {
      assert_true(n < 24);
      orders[n++] = count[i];
    }
  assert_int_equal(n, 24);
  check_equal_chances("orders", orders, 24);
}

/* ------------------------------------------------------------------ the kernels' normals */

static void kernels_draw_the_same_normals(void **state)
{
  (void)state;
  static const uint64_t places[] = {0, 1, UINT64_C(0x123456789), UINT64_MAX - 3};
  enum { N = 400 };
  float want[N], got[N + 4];
  for (int t = 0; kernels_at(t); t++)
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
      rng_normals(want, N, KEY, places[k]);
      for (int i0 = 0; i0 < 100; i0 += 4)
        for (int n = 0; n <= N - i0; n += n < 140 ? 4 : 52) {
          got[n] = 99.0f; /* none is written past the end */
          kernels_at(t)->normals(got, (size_t)n, KEY.k[0], KEY.k[1], places[k], (uint64_t)i0);
          assert_memory_equal(got, want + i0, (size_t)n * sizeof *got);
          assert_true(got[n] == 99.0f);
        }
    }
}

/* Any stretch of rng_normals is the start of the whole. */
static void fewer_normals_are_the_same(void **state)
{
  (void)state;
  float want[40], got[40];
  rng_normals(want, 40, KEY, 5);
  for (int n = 0; n <= 40; n++) {
    rng_normals(got, n, KEY, 5);
    assert_memory_equal(got, want, (size_t)n * sizeof *got);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_philox),
      cmocka_unit_test(keys_are_all_different),
      cmocka_unit_test(neighbouring_keys_are_unrelated),
      cmocka_unit_test(stream_is_its_key_and_position),
      cmocka_unit_test(uniform_is_uniform),
      cmocka_unit_test(normal_is_normal),
      cmocka_unit_test(normals_are_independent),
      cmocka_unit_test(below_has_no_bias),
      cmocka_unit_test(below_has_no_bias_for_huge_n),
      cmocka_unit_test(word_below_covers_its_range),
      cmocka_unit_test(shuffle_is_a_permutation),
      cmocka_unit_test(shuffle_prefers_no_order),
      cmocka_unit_test(kernels_draw_the_same_normals),
      cmocka_unit_test(fewer_normals_are_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
