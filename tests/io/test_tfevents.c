/* test_tfevents.c - frames and messages, decoded here by hand. */
#include "check.h"
#include "io/file.h"
#include "io/tfevents.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = "test_tfevents.tmp";

static void test_crc_known_answers(void **state)
{
  (void)state;
  unsigned char zeros[32] = {0};
  assert_int_equal(tfevents_crc32c("123456789", 9), 0xe3069283);
  assert_int_equal(tfevents_crc32c(zeros, sizeof zeros), 0x8a9136aa); /* RFC 3720, B.4 */
  assert_int_equal(tfevents_crc32c("", 0), 0);
}

static void write_points(int first, int last, int64_t keep)
{
  mopo_error err;
  tfevents *w = NULL;
  assert_ok(tfevents_open(&w, path, keep, &err), err);
  for (int i = first; i <= last; i++)
    assert_ok(tfevents_scalar(w, "return_mean", i, 0.5 * i, 1000.25 + i, &err), err);
  assert_ok(tfevents_flush(w, &err), err);
  tfevents_close(w);
}

static uint32_t masked(const void *bytes, size_t n)
{
  uint32_t crc = tfevents_crc32c(bytes, n);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* Takes one frame off *at and returns its body. */
static const unsigned char *frame(const unsigned char **at, const unsigned char *end, size_t *n)
{
  uint64_t size = 0;
  uint32_t crc = 0;
  assert_true(end - *at >= 16);
  memcpy(&size, *at, 8);
  memcpy(&crc, *at + 8, 4);
  assert_int_equal(crc, masked(*at, 8));
  assert_true(size + 16 <= (size_t)(end - *at));
  const unsigned char *body = *at + 12;
  memcpy(&crc, body + size, 4);
  assert_int_equal(crc, masked(body, (size_t)size));
  *n = (size_t)size;
  *at = body + size + 4;
  return body;
}

/* The bytes that protocol buffers prescribe for one point, field by field. */
static void expect_point(const unsigned char *body, size_t n, int step)
{
  double wall_time = 1000.25 + step;
  float value = 0.5f * (float)step;
  unsigned char want[64] = {0x09};
  memcpy(want + 1, &wall_time, 8); /* 1: wall_time */
  size_t at = 9;
  want[at++] = 0x10; /* 2: step, a varint of two bytes from 128 on */
  want[at++] = (unsigned char)(step < 128 ? step : (step & 0x7f) | 0x80);
  if (step >= 128) want[at++] = (unsigned char)(step >> 7);
  static const unsigned char summary[] = {0x2a, 20, 0x0a, 18, 0x0a, 11};
  memcpy(want + at, summary, sizeof summary); /* 5: summary; 1: value; 1: tag */
  at += sizeof summary;
  memcpy(want + at, "return_mean", 11);
  at += 11;
  want[at++] = 0x15; /* 2: simple_value */
  memcpy(want + at, &value, 4);
  at += 4;
  assert_int_equal(n, at);
  assert_memory_equal(body, want, n);
}

static void expect_points(int last)
{
  mopo_error err;
  char *bytes = NULL;
  size_t size = 0, n = 0;
  assert_ok(file_read(&bytes, &size, path, 1 << 20, &err), err);
  const unsigned char *at = (unsigned char *)bytes, *end = at + size;
  const unsigned char *body = frame(&at, end, &n);
  assert_memory_equal(body + n - 15,
                      "\x1a\x0d"
                      "brain.Event:2",
                      15); /* 3: file_version */
  for (int i = 1; i <= last; i++) {
    body = frame(&at, end, &n);
    expect_point(body, n, i);
  }
  assert_true(at == end);
  free(bytes);
}

static void test_frames_and_messages(void **state)
{
  (void)state;
  write_points(1, 200, -1);
  expect_points(200);
}

static void test_going_on(void **state)
{
  (void)state;
  write_points(1, 9, -1);
  write_points(5, 12, 4);
  expect_points(12);
  write_points(13, 13, 100);
  expect_points(13);
  write_points(1, 2, -1);
  expect_points(2);
  unlink(path);
  write_points(1, 2, 7);
  expect_points(2);
}

/* Whatever length the file was cut to, going on mends it. */
static void test_torn_file(void **state)
{
  (void)state;
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  write_points(1, 3, -1);
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  for (size_t k = 0; k < n; k++) {
    assert_ok(file_write(path, bytes, k, &err), err);
    write_points(1, 3, 0);
    expect_points(3);
  }
  bytes[n - 1] ^= 1; /* a checksum that does not hold */
  assert_ok(file_write(path, bytes, n, &err), err);
  write_points(3, 4, 100);
  expect_points(4);
  free(bytes);
}

/* A record around a message, its checksums right. */
static void add_record(buffer *b, const char *body, size_t n)
{
  uint64_t size = n;
  uint32_t crc_size = masked(&size, sizeof size), crc = masked(body, n);
  buffer_add(b, &size, sizeof size);
  buffer_add(b, &crc_size, sizeof crc_size);
  buffer_add(b, body, n);
  buffer_add(b, &crc, sizeof crc);
}

/* After a sound record comes one whose checksums hold, whatever its message is: it stays if it is
 * an event of step 100 or before, and nothing is read beyond it. */
static void test_hostile_messages(void **state)
{
#define BODY(text) text, sizeof text - 1
  static const struct {
    const char *body;
    size_t n;
    bool stays;
  } all[] = {
      {BODY(""), true},                                              /* an event of step 0 */
      {BODY("\x10\x64"), true},                                      /* step 100 */
      {BODY("\x10\x65"), false},                                     /* step 101 */
      {BODY("\x18\x65"), true},                                      /* another field's varint */
      {BODY("\x10\x65\x10\x05"), true},                              /* the last one counts */
      {BODY("\x80"), false},                                         /* half a key */
      {BODY("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), false}, /* a key of 77 bits */
      {BODY("\x10"), false},                                         /* no value */
      {BODY("\x10\xff"), false},                                     /* half a value */
      {BODY("\x0d\1\2\3\4"), true},                                  /* 4 bytes */
      {BODY("\x0d\1\2\3"), false},                                   /* of which there are 3 */
      {BODY("\x09\1\2\3\4\5\6\7\x08"), true},                        /* 8 bytes */
      {BODY("\x09\1\2\3\4\5\6\7"), false},                           /* of which there are 7 */
      {BODY("\x1a\x02xy"), true},                                    /* a text */
      {BODY("\x1a\x03xy"), false},                                   /* longer than the message */
      {BODY("\x1a\x80"), false},                                 /* of a length that is cut off */
      {BODY("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), false}, /* of 2^63 bytes */
      {BODY("\x0b"), false},                                     /* wire types that there are not */
      {BODY("\x0c"), false},
      {BODY("\x0e"), false},
      {BODY("\x0f"), false},
  };
#undef BODY
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    mopo_error err;
    tfevents *w = NULL;
    buffer b = {0};
    add_record(&b, "\x10\x01", 2);
    size_t first = b.n;
    add_record(&b, all[i].body, all[i].n);
    assert_ok(buffer_write(&b, path, &err), err);
    assert_ok(tfevents_open(&w, path, 100, &err), err);
    tfevents_close(w);
    char *bytes = NULL;
    size_t n = 0;
    assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
    if (n != (all[i].stays ? b.n : first)) fail_msg("case %zu: %zu bytes stay", i, n);
    assert_memory_equal(bytes, b.bytes, n);
    free(bytes);
    buffer_free(&b);
  }
}

/* A length that the file does not have, with the right checksum. */
static void test_a_record_longer_than_the_file(void **state)
{
  static const uint64_t sizes[] = {3, 1 << 20, UINT64_MAX, UINT64_MAX - 15};
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    mopo_error err;
    tfevents *w = NULL;
    buffer b = {0};
    uint32_t crc = masked(&sizes[i], 8);
    add_record(&b, "\x10\x01", 2);
    size_t first = b.n;
    buffer_add(&b, &sizes[i], 8);
    buffer_add(&b, &crc, 4);
    buffer_add(&b, "\x10\x02....", 6);
    assert_ok(buffer_write(&b, path, &err), err);
    assert_ok(tfevents_open(&w, path, 100, &err), err);
    tfevents_close(w);
    char *bytes = NULL;
    size_t n = 0;
    assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
    assert_int_equal(n, first);
    free(bytes);
    buffer_free(&b);
  }
}

/* Takes field `number` off a message; a fixed one is its 4 or 8 bytes. */
static const unsigned char *field(const unsigned char **at, int number, size_t *n)
{
  static const size_t fixed[] = {[1] = 8, [5] = 4};
  const unsigned char *p = *at;
  assert_int_equal(*p >> 3, number);
  int wire = *p++ & 7;
  *n = wire == 1 || wire == 5 ? fixed[wire] : 0;
  for (int shift = 0; wire == 2 || wire == 0; shift += 7, p++) {
    *n |= (size_t)(*p & 0x7f) << shift;
    if (!(*p & 0x80)) break;
  }
  p += wire == 2 || wire == 0;
  *at = p + (wire == 0 ? 0 : *n);
  return p;
}

/* The Value in the event of the file's second record. */
static const unsigned char *second_value(char **bytes)
{
  mopo_error err;
  size_t size = 0, n = 0;
  assert_ok(file_read(bytes, &size, path, 1 << 20, &err), err);
  const unsigned char *at = (unsigned char *)*bytes, *end = at + size;
  frame(&at, end, &n);
  const unsigned char *body = frame(&at, end, &n);
  assert_true(at == end);
  field(&body, 1, &n);
  field(&body, 2, &n);
  assert_int_equal(n, 7); /* the step */
  body = field(&body, 5, &n);
  return field(&body, 1, &n);
}

static void test_histogram(void **state)
{
  (void)state;
  mopo_error err;
  tfevents *w = NULL;
  double x[] = {1, 4, (double)NAN, 1.5, -2, 4, (double)INFINITY};
  histogram h = histogram_of(x, 7);
  assert_true(h.n == 5 && h.min == -2 && h.max == 4);
  assert_true(h.sum == 8.5 && h.sum_squares == 39.25);
  assert_true(h.bin[0] == 1 && h.bin[15] == 1 && h.bin[17] == 1 && h.bin[29] == 2);
  histogram same = histogram_of(x + 1, 1), none = histogram_of(x + 2, 1);
  assert_true(same.n == 1 && same.bin[0] == 1 && same.min == 4 && same.max == 4);
  assert_true(none.n == 0);

  assert_ok(tfevents_open(&w, path, -1, &err), err);
  assert_ok(tfevents_histogram(w, "q", 7, &h, 1, &err), err);
  tfevents_close(w);
  char *bytes = NULL;
  size_t n = 0;
  const unsigned char *value = second_value(&bytes);
  assert_memory_equal(field(&value, 1, &n), "q", 1);
  value = field(&value, 5, &n);
  const double want[] = {h.min, h.max, h.n, h.sum, h.sum_squares};
  for (int i = 0; i < 5; i++) assert_memory_equal(field(&value, i + 1, &n), &want[i], 8);
  double limits[HISTOGRAM_BINS];
  memcpy(limits, field(&value, 6, &n), sizeof limits);
  assert_int_equal(n, sizeof limits);
  assert_true(limits[0] == -1.8 && limits[HISTOGRAM_BINS - 1] == 4);
  assert_memory_equal(field(&value, 7, &n), h.bin, sizeof h.bin);
  free(bytes);
}

static void test_image(void **state)
{
  (void)state;
  mopo_error err;
  tfevents *w = NULL;
  buffer png = {0};
  for (int i = 0; i < 1000; i++) buffer_print(&png, "%d", i);
  assert_ok(tfevents_open(&w, path, -1, &err), err);
  assert_ok(tfevents_image(w, "film", 7, &png, 320, 240, 1, &err), err);
  tfevents_close(w);
  char *bytes = NULL;
  size_t n = 0;
  const unsigned char *value = second_value(&bytes);
  assert_memory_equal(field(&value, 1, &n), "film", 4);
  value = field(&value, 4, &n);
  const size_t want[] = {240, 320, 3};
  for (int i = 0; i < 3; i++) {
    field(&value, i + 1, &n);
    assert_int_equal(n, want[i]);
  }
  assert_memory_equal(field(&value, 4, &n), png.bytes, png.n);
  assert_int_equal(n, png.n);
  buffer_free(&png);
  free(bytes);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_crc_known_answers),
      cmocka_unit_test(test_frames_and_messages),
      cmocka_unit_test(test_going_on),
      cmocka_unit_test(test_torn_file),
      cmocka_unit_test(test_histogram),
      cmocka_unit_test(test_image),
      cmocka_unit_test(test_hostile_messages),
      cmocka_unit_test(test_a_record_longer_than_the_file),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
