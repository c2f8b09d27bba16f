/* test_safetensors.c - what is written is read back; what is broken is refused with one line. */
#include "check.h"
#include "io/checksum.h"
#include "io/file.h"
#include "io/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = "test_safetensors.tmp";

/* A file of a JSON header and n_data zero bytes. free() it. */
static char *make(size_t *n, const char *header, size_t n_data)
{
  uint64_t length = strlen(header);
  *n = sizeof length + (size_t)length + n_data;
  char *bytes = calloc(1, *n);
  assert_non_null(bytes);
  memcpy(bytes, &length, sizeof length);
  memcpy(bytes + sizeof length, header, (size_t)length);
  return bytes;
}

static void expect_refused(const char *header, size_t n_data, const char *message)
{
  size_t n = 0;
  char *bytes = make(&n, header, n_data);
  tensor_file *f = NULL;
  mopo_error err = {0};
  mopo_status st = tensor_file_parse(&f, "x", bytes, n, &err);
  if (st != MOPO_EFORMAT || !strstr(err.msg, message))
    fail_msg("%s: status %d, '%s', want '%s'", header, (int)st, err.msg, message);
  assert_null(f);
  free(bytes);
}

static void write_sample(void)
{
  static const float w[6] = {1, 2, 3, 4, 5, 6.5f};
  static const unsigned char mask[3] = {1, 0, 255};
  static const double scalar = -0.1;
  static const int64_t steps[2] = {INT64_MIN, INT64_MAX};
  static const uint32_t counter[1] = {0xdeadbeef};
  mopo_error err;
  tensor_list *l = tensor_list_create();
  assert_ok(tensor_list_add(l, "w", TENSOR_F32, 2, (int64_t[]){2, 3}, w, &err), err);
  assert_ok(tensor_list_add(l, "mask", TENSOR_U8, 1, (int64_t[]){3}, mask, &err), err);
  assert_ok(tensor_list_add(l, "scalar", TENSOR_F64, 0, NULL, &scalar, &err), err);
  assert_ok(tensor_list_add(l, "empty", TENSOR_F32, 2, (int64_t[]){0, 7}, NULL, &err), err);
  assert_ok(tensor_list_add(l, "steps", TENSOR_I64, 1, (int64_t[]){2}, steps, &err), err);
  assert_ok(tensor_list_add(l, "counter", TENSOR_U32, 1, (int64_t[]){1}, counter, &err), err);
  assert_ok(tensor_list_meta(l, "task", "hopper", &err), err);
  assert_ok(tensor_list_meta(l, "note", "a \"quoted\"\nline \xc3\xa9", &err), err);
  assert_ok(tensor_list_write(l, path, &err), err);
  tensor_list_free(l);
}

static void test_round_trip(void **state)
{
  (void)state;
  write_sample();
  mopo_error err;
  tensor_file *f = NULL;
  assert_ok(tensor_file_open(&f, path, &err), err);
  assert_int_equal(tensor_file_count(f), 6);
  assert_string_equal(tensor_file_at(f, 0)->name, "w");
  assert_null(tensor_file_at(f, 6));
  assert_null(tensor_file_at(f, -1));
  assert_string_equal(tensor_file_meta(f, "task"), "hopper");
  assert_string_equal(tensor_file_meta(f, "note"), "a \"quoted\"\nline \xc3\xa9");
  assert_null(tensor_file_meta(f, "absent"));
  assert_null(tensor_file_find(f, "absent"));

  const void *data = NULL;
  assert_ok(tensor_file_get(f, &data, "w", TENSOR_F32, 2, (int64_t[]){2, 3}, &err), err);
  assert_true(((const float *)data)[5] == 6.5f);
  assert_ok(tensor_file_get(f, &data, "scalar", TENSOR_F64, 0, NULL, &err), err);
  assert_true(*(const double *)data == -0.1);
  assert_ok(tensor_file_get(f, &data, "steps", TENSOR_I64, 1, (int64_t[]){2}, &err), err);
  assert_true(((const int64_t *)data)[0] == INT64_MIN);
  assert_ok(tensor_file_get(f, &data, "counter", TENSOR_U32, 1, (int64_t[]){1}, &err), err);
  assert_true(*(const uint32_t *)data == 0xdeadbeef);
  assert_int_equal(tensor_bytes(tensor_file_find(f, "empty")), 0);
  for (int i = 0; i < tensor_file_count(f); i++)
    assert_int_equal((uintptr_t)tensor_file_at(f, i)->data % 8, 0);

  assert_int_equal(tensor_file_get(f, &data, "w", TENSOR_F32, 2, (int64_t[]){3, 2}, &err),
                   MOPO_EFORMAT);
  assert_string_equal(err.msg, "test_safetensors.tmp: tensor 'w' is F32 [2,3], want F32 [3,2]");
  assert_int_equal(tensor_file_get(f, &data, "w", TENSOR_F64, 2, (int64_t[]){2, 3}, &err),
                   MOPO_EFORMAT);
  assert_string_equal(err.msg, "test_safetensors.tmp: tensor 'w' is F32 [2,3], want F64 [2,3]");
  assert_int_equal(tensor_file_get(f, &data, "w", TENSOR_F32, 1, (int64_t[]){2}, &err),
                   MOPO_EFORMAT);
  assert_string_equal(err.msg, "test_safetensors.tmp: tensor 'w' is F32 [2,3], want F32 [2]");
  assert_int_equal(tensor_file_get(f, &data, "v", TENSOR_F32, 0, NULL, &err), MOPO_EFORMAT);
  tensor_file_free(f);
}

static void test_data_begin_at_a_multiple_of_8(void **state)
{
  (void)state;
  write_sample();
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  uint64_t length = 0;
  memcpy(&length, bytes, sizeof length);
  assert_int_equal(length % 8, 0);
  free(bytes);
}

static void test_truncation_at_every_byte(void **state)
{
  (void)state;
  write_sample();
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  for (size_t k = 0; k < n; k++) {
    char *cut = malloc(k ? k : 1); /* its own block, so that a sanitizer sees a read past it */
    assert_non_null(cut);
    memcpy(cut, bytes, k);
    tensor_file *f = NULL;
    assert_int_equal(tensor_file_parse(&f, "cut", cut, k, &err), MOPO_EFORMAT);
    assert_null(f);
    free(cut);
  }
  free(bytes);
}

/* Every byte of the file set to other values: refused or read, but in bounds. */
static void test_flipped_bytes(void **state)
{
  (void)state;
  write_sample();
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  static const char values[] = {0, '"', '{', '9', '-', (char)0xff};
  for (size_t k = 0; k < n; k++) {
    for (size_t v = 0; v < sizeof values; v++) {
      char was = bytes[k];
      bytes[k] = values[v];
      tensor_file *f = NULL;
      if (tensor_file_parse(&f, "flipped", bytes, n, &err) == MOPO_OK) tensor_file_free(f);
      bytes[k] = was;
    }
  }
  free(bytes);
}

/* The values that were written, in the types of the sample's tensors. */
static bool says_the_same(const tensor_file *a, const tensor_file *b)
{
  if (tensor_file_count(a) != tensor_file_count(b)) return false;
  for (int i = 0; i < tensor_file_count(a); i++) {
    const tensor *x = tensor_file_at(a, i), *y = tensor_file_find(b, x->name);
    if (!y || y->type != x->type || y->rank != x->rank || tensor_bytes(x) != tensor_bytes(y) ||
        memcmp(x->shape, y->shape, sizeof *x->shape * (size_t)x->rank) != 0 ||
        memcmp(x->data, y->data, tensor_bytes(x)) != 0)
      return false;
  }
  const char *task = tensor_file_meta(b, "task");
  return task && !strcmp(task, tensor_file_meta(a, "task"));
}

/* Every flipped bit is told, or was of the word 'checksum' and changes nothing that is read. */
static void test_flipped_bits(void **state)
{
  (void)state;
  write_sample();
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0, refused = 0;
  tensor_file *whole = NULL;
  assert_ok(file_read(&bytes, &n, path, 1 << 20, &err), err);
  assert_ok(tensor_file_parse(&whole, "whole", bytes, n, &err), err);
  assert_non_null(tensor_file_meta(whole, "checksum"));
  for (size_t k = 0; k < 8 * n; k++) {
    tensor_file *f = NULL;
    bytes[k / 8] = (char)(bytes[k / 8] ^ 1 << k % 8);
    if (tensor_file_parse(&f, "flipped", bytes, n, &err) != MOPO_OK)
      refused++;
    else if (!says_the_same(whole, f))
      fail_msg("bit %zu of %zu: another file is read", k, 8 * n);
    tensor_file_free(f);
    bytes[k / 8] = (char)(bytes[k / 8] ^ 1 << k % 8);
  }
  assert_true(refused + 8 * strlen("checksum") >= 8 * n);
  tensor_file_free(whole);
  free(bytes);
}

/* A file of another program has no checksum, and one that changed a file of ours leaves it out. */
static void test_without_a_checksum(void **state)
{
  static const char header[] = "{\"__metadata__\":{\"checksums\":\"0123456789abcdef0\"}}";
  (void)state;
  char bytes[8 + sizeof header] = {sizeof header - 1};
  memcpy(bytes + 8, header, sizeof header - 1);
  mopo_error err;
  tensor_file *f = NULL;
  assert_ok(tensor_file_parse(&f, "x", bytes, 8 + sizeof header - 1, &err), err);
  tensor_file_free(f);
}

/* The same sum however the bytes come. */
static void test_checksum_of_pieces(void **state)
{
  (void)state;
  unsigned char bytes[200];
  for (int i = 0; i < 200; i++) bytes[i] = (unsigned char)(i * 37);
  for (size_t n = 0; n <= sizeof bytes; n++) {
    checksum whole = checksum_begin(), cut = checksum_begin();
    checksum_add(&whole, bytes, n);
    for (size_t i = 0, k = 1; i < n; i += k, k = k % 41 + 3)
      checksum_add(&cut, bytes + i, n - i < k ? n - i : k);
    uint64_t sum = checksum_end(&whole);
    assert_true(sum == checksum_end(&cut));
    checksum longer = checksum_begin(); /* zeros at the end count */
    checksum_add(&longer, bytes, n);
    checksum_add(&longer, "", 1);
    assert_true(sum != checksum_end(&longer));
  }
}

#define ENTRY(dtype, shape, offsets) \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_hostile_headers(void **state)
{
  (void)state;
  expect_refused("", 0, "header");
  expect_refused("[]", 0, "not a JSON object");
  expect_refused("{} x", 0, "header");
  expect_refused("{}", 1, "end at byte 0 of 1");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"a\":" ENTRY("F32", "[1]", "[4,8]") "}",
                 8, "duplicate");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"b\":" ENTRY("F32", "[1]", "[2,6]") "}",
                 6, "overlap");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4]") ",\"b\":" ENTRY("F32", "[1]", "[8,12]") "}",
                 12, "gap");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4]") "}", 3, "want 4 bytes within the 3");
  expect_refused("{\"a\":" ENTRY("F32", "[2]", "[0,4]") "}", 4, "want 8 bytes");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[4,0]") "}", 4, "want 4 bytes");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[-4,0]") "}", 4, "data_offsets");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0]") "}", 4, "data_offsets");
  expect_refused("{\"a\":" ENTRY("F32", "[1]", "[0,4.0]") "}", 4, "data_offsets");
  expect_refused("{\"a\":" ENTRY("F16", "[2]", "[0,4]") "}", 4, "F16");
  expect_refused("{\"a\":" ENTRY("F32", "[-1]", "[0,4]") "}", 4, "whole number");
  expect_refused("{\"a\":" ENTRY("F32", "[1,1,1,1,1]", "[0,4]") "}", 4, "at most 4");
  expect_refused("{\"a\":" ENTRY("F32", "1", "[0,4]") "}", 4, "shape");
  expect_refused("{\"a\":" ENTRY("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "too large");
  expect_refused("{\"a\":" ENTRY("F32", "[4611686018427387904]", "[0,0]") "}", 0, "too large");
  expect_refused("{\"a\":" ENTRY("F64", "[4294967295,4294967297]", "[0,0]") "}", 0, "too large");
  expect_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "want dtype");
  expect_refused("{\"a\":3}", 0, "want dtype");
  expect_refused("{\"__metadata__\":[]}", 0, "not an object");
  expect_refused("{\"__metadata__\":{\"k\":1}}", 0, "not a string");
}

static void test_hostile_lengths(void **state)
{
  (void)state;
  static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    char bytes[10] = {0};
    memcpy(bytes, &lengths[i], 8);
    bytes[8] = '{';
    bytes[9] = '}';
    tensor_file *f = NULL;
    mopo_error err;
    assert_int_equal(tensor_file_parse(&f, "x", bytes, sizeof bytes, &err), MOPO_EFORMAT);
  }
}

static void test_long_names_are_refused(void **state)
{
  (void)state;
  char header[400], name[120];
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = 0;
  snprintf(header, sizeof header, "{\"%s\":" ENTRY("F32", "[1]", "[0,4]") "}", name);
  expect_refused(header, 4, "name below 96 bytes");
  mopo_error err;
  tensor_list *l = tensor_list_create();
  assert_int_equal(tensor_list_add(l, name, TENSOR_F32, 0, NULL, name, &err), MOPO_EINVAL);
  assert_int_equal(tensor_list_add(l, "__metadata__", TENSOR_F32, 0, NULL, name, &err),
                   MOPO_EINVAL);
  assert_ok(tensor_list_add(l, "a", TENSOR_F32, 0, NULL, name, &err), err);
  assert_int_equal(tensor_list_add(l, "a", TENSOR_F32, 0, NULL, name, &err), MOPO_EINVAL);
  assert_int_equal(tensor_list_meta(l, "k", "\xff", &err), MOPO_EINVAL);
  tensor_list_free(l);
}

/* What the header's JSON cannot hold is refused before it is written; its neighbours are not. */
static void test_names_are_utf8(void **state)
{
  static const char *const bad[] = {"\x80",         "\xc1\xbf",         "\xc3",
                                    "\xc3(",        "\xe0\x9f\xbf",     "\xe2\x82",
                                    "\xed\xa0\x80", "\xed\xbf\xbf",     "\xf0\x8f\xbf\xbf",
                                    "\xf0\x9f(",    "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"};
  static const char *const good[] = {
      "\x7f",         "\xc2\x80",     "\xe0\xa0\x80",     "\xed\x9f\xbf",
      "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  (void)state;
  mopo_error err;
  tensor_file *f = NULL;
  tensor_list *l = tensor_list_create();
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(tensor_list_add(l, bad[i], TENSOR_U8, 0, NULL, "", &err), MOPO_EINVAL);
    assert_int_equal(tensor_list_meta(l, bad[i], "", &err), MOPO_EINVAL);
    assert_int_equal(tensor_list_meta(l, "k", bad[i], &err), MOPO_EINVAL);
  }
  assert_int_equal(tensor_list_add(l, "", TENSOR_U8, 0, NULL, "", &err), MOPO_EINVAL);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_ok(tensor_list_add(l, good[i], TENSOR_U8, 0, NULL, "", &err), err);
  assert_ok(tensor_list_write(l, path, &err), err);
  tensor_list_free(l);
  assert_ok(tensor_file_open(&f, path, &err), err);
  assert_int_equal(tensor_file_count(f), sizeof good / sizeof *good);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_non_null(tensor_file_find(f, good[i]));
  tensor_file_free(f);
}

static void test_shapes_that_cannot_be_written(void **state)
{
  static const int64_t large[] = {(int64_t)1 << 40, (int64_t)1 << 40}, negative[] = {-1};
  (void)state;
  mopo_error err;
  tensor_list *l = tensor_list_create();
  assert_int_equal(tensor_list_add(l, "a", TENSOR_F32, 2, large, NULL, &err), MOPO_EINVAL);
  assert_string_equal(err.msg, "'a': its shape is too large");
  assert_int_equal(tensor_list_add(l, "a", TENSOR_F32, 1, negative, NULL, &err), MOPO_EINVAL);
  assert_int_equal(tensor_list_add(l, "a", TENSOR_F32, -1, NULL, NULL, &err), MOPO_EINVAL);
  assert_string_equal(err.msg, "'a': rank = -1, want 0..4");
  assert_int_equal(tensor_list_add(l, "a", TENSOR_F32, 5, large, NULL, &err), MOPO_EINVAL);
  tensor_list_free(l);
}

/* More than the list first has room for; read in any order of the header. */
static void test_many_tensors(void **state)
{
  enum { MANY = 70 };
  (void)state;
  mopo_error err;
  uint32_t x[MANY];
  tensor_file *f = NULL;
  tensor_list *l = tensor_list_create();
  for (uint32_t i = 0; i < MANY; i++) {
    char name[16];
    x[i] = i;
    snprintf(name, sizeof name, "t%u", i);
    assert_ok(tensor_list_add(l, name, TENSOR_U32, 0, NULL, &x[i], &err), err);
  }
  assert_ok(tensor_list_write(l, path, &err), err);
  tensor_list_free(l);
  assert_ok(tensor_file_open(&f, path, &err), err);
  assert_int_equal(tensor_file_count(f), MANY);
  for (int i = 0; i < MANY; i++) assert_memory_equal(tensor_file_at(f, i)->data, &x[i], 4);
  tensor_file_free(f);

  static const char backwards[] = "{\"c\":" ENTRY("U8", "[1]", "[2,3]") ",\"b\":" ENTRY(
      "U8", "[2]", "[0,2]") ",\"a\":" ENTRY("U8", "[0]", "[0,0]") "}";
  size_t n = 0;
  char *bytes = make(&n, backwards, 3);
  assert_ok(tensor_file_parse(&f, "backwards", bytes, n, &err), err);
  assert_string_equal(tensor_file_at(f, 0)->name, "a");
  assert_string_equal(tensor_file_at(f, 2)->name, "c");
  tensor_file_free(f);
  free(bytes);
}

static void test_a_file_that_is_not_there(void **state)
{
  (void)state;
  tensor_file *f = NULL;
  mopo_error err;
  assert_int_equal(tensor_file_open(&f, "no/such/file", &err), MOPO_EIO);
  assert_string_equal(err.msg, "no/such/file: No such file or directory");
  assert_null(f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_data_begin_at_a_multiple_of_8),
      cmocka_unit_test(test_truncation_at_every_byte),
      cmocka_unit_test(test_flipped_bytes),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_without_a_checksum),
      cmocka_unit_test(test_checksum_of_pieces),
      cmocka_unit_test(test_hostile_headers),
      cmocka_unit_test(test_hostile_lengths),
      cmocka_unit_test(test_long_names_are_refused),
      cmocka_unit_test(test_names_are_utf8),
      cmocka_unit_test(test_shapes_that_cannot_be_written),
      cmocka_unit_test(test_many_tensors),
      cmocka_unit_test(test_a_file_that_is_not_there),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
