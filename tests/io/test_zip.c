/* test_zip.c - archives by themselves. What NumPy's say, and what is wrong with them, is tested in
 * test_npz.c. */
#include "check.h"
#include "io/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry gives no more than it has, and its checksum only at its end. */
static void an_entry_ends_where_it_ends(void **state)
{
  mopo_error e;
  zip_file *z = NULL;
  zip_reader *r = NULL;
  char text[6] = "";
  (void)state;
  zip_out out = {0};
  zip_out_entry(&out, "a", &(file_piece){"hello", 5}, 1);
  assert_ok(zip_out_write(&out, "zip.zip", &e), e);
  assert_ok(zip_file_open(&z, "zip.zip", &e), e);
  assert_ok(zip_open(&r, z, "b", &e), e);
  assert_null(r);
  assert_ok(zip_open(&r, z, "a", &e), e);
  assert_int_equal(zip_rest(r), 5);
  assert_ok(zip_read(r, text, 3, &e), e);
  assert_int_equal(zip_check(r, &e), MOPO_EFORMAT);
  assert_int_equal(zip_read(r, text, 3, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "zip.zip: 'a' ends too early");
  assert_ok(zip_read(r, text + 3, 2, &e), e);
  assert_ok(zip_check(r, &e), e);
  assert_string_equal(text, "hello");
  zip_close(r);
  zip_file_close(z);
}

/* Nothing in it, not even room for a zip64 record before its end. */
static void an_archive_of_nothing(void **state)
{
  mopo_error e;
  zip_file *z = NULL;
  zip_reader *r = NULL;
  zip_out out = {0};
  char *bytes = NULL;
  size_t n = 0;
  (void)state;
  assert_ok(zip_out_write(&out, "zip.zip", &e), e);
  assert_ok(file_read(&bytes, &n, "zip.zip", 1 << 20, &e), e);
  assert_int_equal(n, 22);
  free(bytes);
  assert_ok(zip_file_open(&z, "zip.zip", &e), e);
  assert_ok(zip_open(&r, z, "a", &e), e);
  assert_null(r);
  zip_file_close(z);
}

/* A directory of 65 MB, of which a file system with holes stores next to nothing. */
static void a_directory_too_large(void **state)
{
  enum { SIZE = 65 << 20 };
  unsigned char end[22] = "PK\5\6";
  mopo_error e;
  zip_file *z = NULL;
  (void)state;
  memcpy(end + 12, &(uint32_t){SIZE}, 4);
  FILE *f = fopen("zip.zip", "wb");
  assert_true(f && fseek(f, SIZE, SEEK_SET) == 0 && fwrite(end, 1, 22, f) == 22 && fclose(f) == 0);
  assert_int_equal(zip_file_open(&z, "zip.zip", &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "its directory is not in it"));
  assert_null(z);
  remove("zip.zip");
}

/* What deflate makes of noise is longer than the block that it is written by. */
static void noise_comes_back(void **state)
{
  enum { N = 100000 };
  (void)state;
  mopo_error e;
  zip_file *z = NULL;
  zip_reader *r = NULL;
  uint32_t *x = malloc(2 * N * sizeof *x), *y = x + N, s = 1;
  assert_non_null(x);
  for (int i = 0; i < N; i++) x[i] = s = s * 1664525u + 1013904223u;
  zip_out out = {0};
  zip_out_entry(&out, "noise", &(file_piece){x, N * sizeof *x}, 1);
  assert_ok(zip_out_write(&out, "zip.zip", &e), e);
  assert_ok(zip_file_open(&z, "zip.zip", &e), e);
  assert_ok(zip_open(&r, z, "noise", &e), e);
  assert_ok(zip_read(r, y, N * sizeof *y, &e), e);
  assert_ok(zip_check(r, &e), e);
  assert_memory_equal(x, y, N * sizeof *x);
  zip_close(r);
  zip_file_close(z);
  free(x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_entry_ends_where_it_ends),
      cmocka_unit_test(an_archive_of_nothing),
      cmocka_unit_test(a_directory_too_large),
      cmocka_unit_test(noise_comes_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
