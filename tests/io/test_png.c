/* test_png.c - the bytes of a PNG, taken apart by hand: chunks, checksums, the picture. */
#include "check.h"
#include "io/png.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t u32(const unsigned char *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Takes one chunk off *at; its body of *n bytes. */
static const unsigned char *chunk(const unsigned char **at, const char *kind, size_t *n)
{
  const unsigned char *p = *at;
  *n = u32(p);
  assert_memory_equal(p + 4, kind, 4);
  assert_int_equal(u32(p + 8 + *n), crc32(0, p + 4, (uInt)(4 + *n)));
  *at = p + 12 + *n;
  return p + 8;
}

/* What a reader of PNG sees: rows whose filter is "Up" (2). */
static void expect_picture(const buffer *b, const unsigned char *rgb, int width, int height)
{
  const unsigned char *at = (const unsigned char *)b->bytes, *end = at + b->n;
  size_t n = 0, row = 3 * (size_t)width, size = (row + 1) * (size_t)height;
  assert_memory_equal(at, "\x89PNG\r\n\x1a\n", 8);
  at += 8;
  const unsigned char *head = chunk(&at, "IHDR", &n);
  assert_int_equal(n, 13);
  assert_int_equal(u32(head), width);
  assert_int_equal(u32(head + 4), height);
  assert_memory_equal(head + 8, "\x08\x02\0\0\0", 5); /* 8 bits, RGB, nothing special */
  const unsigned char *packed = chunk(&at, "IDAT", &n);
  unsigned char *rows = malloc(size);
  uLongf got = (uLongf)size;
  assert_non_null(rows);
  assert_int_equal(uncompress(rows, &got, packed, (uLong)n), Z_OK);
  assert_int_equal(got, size);
  for (int y = 0; y < height; y++) {
    const unsigned char *line = rows + (size_t)y * (row + 1);
    assert_int_equal(line[0], 2);
    for (size_t i = 0; i < row; i++) {
      unsigned above = y ? rgb[(size_t)(y - 1) * row + i] : 0;
      assert_int_equal((above + line[1 + i]) & 0xff, rgb[(size_t)y * row + i]);
    }
  }
  chunk(&at, "IEND", &n);
  assert_int_equal(n, 0);
  assert_true(at == end);
  free(rows);
}

static void test_pictures(void **state)
{
  (void)state;
  enum { W = 37, H = 23 };
  unsigned char rgb[3 * W * H];
  for (int i = 0; i < 3 * W * H; i++) rgb[i] = (unsigned char)(i * i / 7);
  const int sizes[][2] = {{W, H}, {1, 1}, {1, H}, {W, 1}};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    buffer b = {0};
    png_add(&b, rgb, sizes[k][0], sizes[k][1]);
    assert_false(b.failed);
    expect_picture(&b, rgb, sizes[k][0], sizes[k][1]);
    buffer_free(&b);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pictures)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
