/* test_npz.c - NumPy's archives, whole and damaged. Loading them is tested in data/test_load.c. */
#include "check.h"

#include "io/file.h"
#include "io/npz.h"
#include "io/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARRAYS = 3 };

/* Sums what it is given. */
typedef struct seen {
  int64_t rows;
  double sum;
} seen;

static mopo_status see_shapes(void *ctx, const hdf5_array *a, int n, mopo_error *err)
{
  seen *s = ctx;
  (void)err;
  for (int i = 0; i < n; i++) {
    s->rows += a[i].rows;
    assert_true(a[i].rows >= 0 && a[i].rows < 1 << 20);
  }
  return MOPO_OK;
}

static mopo_status see_rows(void *ctx, int a, int64_t first, int n, const void *values,
                            mopo_error *err)
{
  seen *s = ctx;
  (void)first, (void)err;
  int cols = a == 0 ? 3 : 1;
  for (int i = 0; i < n * cols; i++)
    s->sum += a == 1 ? ((const double *)values)[i] : (double)((const float *)values)[i];
  return MOPO_OK;
}

static mopo_status read_npz(const char *path, seen *s, mopo_error *e)
{
  hdf5_array arrays[ARRAYS] = {{.name = "observations", .as = 'f', .required = true},
                               {.name = "rewards", .as = 'd', .required = true},
                               {.name = "absent", .as = 'f'}};
  hdf5_sink sink = {see_shapes, see_rows, s};
  *s = (seen){0};
  mopo_status st = npz_read(path, arrays, ARRAYS, &sink, e);
  assert_true(st != MOPO_OK || (!arrays[2].present && arrays[0].cols == 3));
  return st;
}

static void reads_values(void **state)
{
  static const char *const names[] = {"stored", "packed", "float64", "big_endian", "int"};
  (void)state;
  double sum = 0.0;
  for (int i = 0; i < 40; i++) sum += 3.0 * i + 3.0 / 8.0 + i / 4.0;
  for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
    char path[1024];
    seen s;
    mopo_error e;
    snprintf(path, sizeof path, FIXTURES "/npz_%s.npz", names[f]);
    assert_ok(read_npz(path, &s, &e), e);
    assert_true(s.rows == 80 && s.sum == sum);
  }
}

/* Truncations are refused; after a flipped bit the file is refused or says the same. */
static void damage(void **state)
{
  static const char *const names[] = {"stored", "packed"};
  (void)state;
  for (int f = 0; f < 2; f++) {
    char path[1024], *bytes = NULL;
    size_t n = 0;
    mopo_error e;
    seen whole, s;
    snprintf(path, sizeof path, FIXTURES "/npz_%s.npz", names[f]);
    assert_ok(read_npz(path, &whole, &e), e);
    assert_ok(file_read(&bytes, &n, path, 1 << 20, &e), e);
    for (size_t k = 0; k < n; k += 29) {
      FILE *out = fopen("npz_damaged.npz", "wb");
      assert_true(out && fwrite(bytes, 1, k, out) == k && fclose(out) == 0);
      assert_true(read_npz("npz_damaged.npz", &s, &e) == MOPO_EFORMAT);
      assert_non_null(strstr(e.msg, "npz_damaged.npz"));
    }
    for (size_t k = 0; k < n; k += 5) {
      bytes[k] = (char)(bytes[k] ^ (1 << k % 8));
      FILE *out = fopen("npz_damaged.npz", "wb");
      assert_true(out && fwrite(bytes, 1, n, out) == n && fclose(out) == 0);
      mopo_status st = read_npz("npz_damaged.npz", &s, &e);
      assert_true(st == MOPO_EFORMAT || st == MOPO_EIO || (st == MOPO_OK && s.sum == whole.sum));
      bytes[k] = (char)(bytes[k] ^ (1 << k % 8));
    }
    free(bytes);
  }
}

/* A million zeros in a thousand bytes: fine for deflate, but not more than that. */
static void claims_too_much(void **state)
{
  char *bytes = NULL;
  size_t n = 0;
  mopo_error e;
  seen s;
  (void)state;
  float *zeros = calloc(3 << 18, sizeof *zeros);
  npz_array arrays[] = {{"observations", 'f', 1 << 18, 3, zeros},
                        {"rewards", 'f', 1 << 18, 0, zeros}};
  assert_ok(npz_write("npz_zeros.npz", arrays, 2, &e), e);
  free(zeros);
  assert_ok(read_npz("npz_zeros.npz", &s, &e), e);
  assert_int_equal(s.rows, 1 << 19);
  assert_ok(file_read(&bytes, &n, "npz_zeros.npz", 1 << 20, &e), e);
  /* The directory says 3 GB of the first array. */
  for (size_t i = 0; i + 46 < n; i++)
    if (!memcmp(bytes + i, "PK\1\2", 4) && !memcmp(bytes + i + 46, "observations", 12))
      memcpy(bytes + i + 24, "\0\0\0\xc0", 4);
  assert_ok(file_write("npz_zeros.npz", bytes, n, &e), e);
  assert_int_equal(read_npz("npz_zeros.npz", &s, &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "claims"));
  free(bytes);
}

static void not_files(void **state)
{
  mopo_error e;
  seen s;
  (void)state;
  assert_int_equal(read_npz("npz_absent.npz", &s, &e), MOPO_EIO);
  assert_int_equal(read_npz("/", &s, &e), MOPO_EIO);
  assert_ok(file_write("npz_text.npz", "not a zip file, though it is long enough", 40, &e), e);
  assert_int_equal(read_npz("npz_text.npz", &s, &e), MOPO_EFORMAT);
  assert_int_equal(npz_write("/dev/null/x.npz", NULL, 0, &e), MOPO_EIO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_values),
      cmocka_unit_test(damage),
      cmocka_unit_test(claims_too_much),
      cmocka_unit_test(not_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
