/* test_npz.c - NumPy's archives, whole and damaged. Those that lie are in test_npz_hostile.c;
 * loading them is tested in data/test_load.c. */
#include "small_npz.h"

#include <unistd.h>

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

static void truncation_at_every_byte(void **state)
{
  size_t n = 0;
  seen s;
  mopo_error e;
  (void)state;
  char *bytes = small("npz_small.npz", &n);
  for (size_t k = 0; k < n; k++) {
    assert_ok(file_write("npz_small.npz", bytes, k, &e), e);
    assert_int_equal(read_npz("npz_small.npz", &s, &e), MOPO_EFORMAT);
  }
  free(bytes);
}

/* Moves all but the first entry 8 KB further down, so that they are not read together. */
static void write_stretched(const char *path)
{
  enum { GAP = 8192 };
  static const char gap[GAP] = {0};
  char *bytes = NULL;
  size_t n = 0;
  mopo_error e;
  assert_ok(file_read(&bytes, &n, FIXTURES "/npz_stored.npz", 1 << 20, &e), e);
  size_t first = (size_t)(record(bytes, n, "PK\3\4", 1) - bytes);
  for (size_t i = 0; i + 4 <= n; i++) {
    size_t field = !memcmp(bytes + i, "PK\1\2", 4)   ? i + 42
                   : !memcmp(bytes + i, "PK\5\6", 4) ? i + 16
                                                     : 0;
    uint32_t offset = 0;
    if (!field) continue;
    memcpy(&offset, bytes + field, 4);
    if (offset >= first) offset += GAP;
    memcpy(bytes + field, &offset, 4);
  }
  const file_piece pieces[] = {{bytes, first}, {gap, GAP}, {bytes + first, n - first}};
  assert_ok(file_write_pieces(path, pieces, 3, &e), e);
  free(bytes);
}

/* What happens to the file between its shapes and its values. */
typedef enum change { CUT, SPOILT, RESHAPED } change;

static mopo_status exchange(void *ctx, const io_array *a, int n, mopo_error *err)
{
  char bytes[1024];
  const change *how = ctx;
  (void)n, (void)err;
  assert_true(a[0].rows == 40 && a[0].cols == 3 && a[1].rows == 40);
  if (*how == CUT) {
    assert_int_equal(truncate("npz_small.npz", 300), 0);
    return MOPO_OK;
  }
  FILE *f = fopen("npz_small.npz", "r+b");
  assert_true(f && fread(bytes, 1, sizeof bytes, f) == sizeof bytes);
  char *header = record(bytes, sizeof bytes, "{'de", 0);
  if (*how == RESHAPED) memcpy(strstr(header, "(40, 3)"), "(60, 2)", 7);
  if (*how == SPOILT) strchr(header, '\n')[1] ^= 1;
  rewind(f);
  assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
  assert_int_equal(fclose(f), 0);
  return MOPO_OK;
}

static mopo_status ignore_rows(void *ctx, int a, int64_t first, int n, const void *values,
                               mopo_error *err)
{
  (void)ctx, (void)a, (void)first, (void)values, (void)err;
  assert_true(n <= 40); /* of the shape that was told */
  return MOPO_OK;
}

/* Headers are read once, so that shapes stay what was told; other values fail their checksum. */
static void files_that_change_while_they_are_read(void **state)
{
  static const struct {
    change how;
    mopo_status status;
    const char *message;
  } all[] = {{CUT, MOPO_EIO, "npz_small.npz: it ends too early"},
             {SPOILT, MOPO_EFORMAT, "'observations.npy' has a wrong checksum"},
             {RESHAPED, MOPO_OK, ""}};
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    mopo_error e = {0};
    change how = all[i].how;
    io_array a[] = {{.name = "observations", .as = 'f', .required = true},
                    {.name = "timeouts", .as = 'f', .required = true}};
    io_sink sink = {exchange, ignore_rows, NULL, &how, NULL};
    write_stretched("npz_small.npz");
    mopo_status st = npz_read("npz_small.npz", a, 2, &sink, &e);
    if (st != all[i].status || !strstr(e.msg, all[i].message))
      fail_msg("case %zu: %d '%s', want '%s'", i, st, e.msg, all[i].message);
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
      cmocka_unit_test(truncation_at_every_byte),
      cmocka_unit_test(files_that_change_while_they_are_read),
      cmocka_unit_test(claims_too_much),
      cmocka_unit_test(not_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
