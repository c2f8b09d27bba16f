/* png.c - see png.h. Each row says how it differs from the one above it (filter "Up"), all rows are
 * deflated together. */
#include "io/png.h"

#include <stdlib.h>
#include <zlib.h>

enum { UP = 2, BITS = 8, RGB = 2 };

static void put_u32(unsigned char *p, uint32_t x)
{
  for (int i = 0; i < 4; i++) p[i] = (unsigned char)(x >> (24 - 8 * i));
}

/* Length, kind, bytes, and a checksum of the last two. */
static void add_chunk(buffer *b, const char *kind, const void *bytes, size_t n)
{
  unsigned char word[4];
  uLong crc = crc32(0, (const Bytef *)kind, 4);
  if (n) crc = crc32_z(crc, bytes, n);
  put_u32(word, (uint32_t)n);
  buffer_add(b, word, 4);
  buffer_add(b, kind, 4);
  buffer_add(b, bytes, n);
  put_u32(word, (uint32_t)crc);
  buffer_add(b, word, 4);
}

/* rows [height, 1 + 3 width]: the filter's number, then the differences. */
static void filter(unsigned char *rows, const unsigned char *rgb, int width, int height)
{
  size_t n = 3 * (size_t)width;
  for (int y = 0; y < height; y++) {
    const unsigned char *row = rgb + (size_t)y * n;
    *rows++ = UP;
    for (size_t i = 0; i < n; i++) *rows++ = (unsigned char)(row[i] - (y ? row[i - n] : 0));
  }
}

void png_add(buffer *b, const unsigned char *rgb, int width, int height)
{
  static const unsigned char signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  unsigned char head[13] = {[8] = BITS, [9] = RGB};
  put_u32(head, (uint32_t)width);
  put_u32(head + 4, (uint32_t)height);
  size_t n = (1 + 3 * (size_t)width) * (size_t)height;
  uLongf packed_n = compressBound((uLong)n);
  unsigned char *rows = malloc(n), *packed = malloc(packed_n);
  bool ok = rows && packed;
  if (ok) {
    filter(rows, rgb, width, height);
    ok = compress2(packed, &packed_n, rows, (uLong)n, Z_BEST_COMPRESSION) == Z_OK;
  }
  if (ok) {
    buffer_add(b, signature, sizeof signature);
    add_chunk(b, "IHDR", head, sizeof head);
    add_chunk(b, "IDAT", packed, packed_n);
    add_chunk(b, "IEND", NULL, 0);
  }
  b->failed = b->failed || !ok;
  free(rows);
  free(packed);
}
