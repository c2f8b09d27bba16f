/* test_hdf5.c - what is written is read, bit by bit; what is damaged is one line. */
#include "check.h"

#include "base/rng.h"
#include "io/hdf5.h"
#include "io/hdf5_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ a sink that keeps everything
 */

enum { ARRAYS_MAX = 8 };

typedef struct keeper {
  const io_array *arrays;
  int begun;
  int last; /* array whose rows came last */
  int64_t rows[ARRAYS_MAX];
  char *values[ARRAYS_MAX];
  mopo_status refuse_begin, refuse_rows;
} keeper;

static mopo_status keep_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  keeper *k = ctx;
  k->arrays = arrays;
  k->begun++;
  for (int i = 0; i < n; i++)
    if (arrays[i].present)
      k->values[i] =
          malloc((size_t)arrays[i].rows * (size_t)arrays[i].cols * io_cell(arrays[i].as) + 1);
  return k->refuse_begin ? error_set(err, k->refuse_begin, "the sink refused") : MOPO_OK;
}

static mopo_status keep_rows(void *ctx, int a, int64_t first, int n, const void *values,
                             mopo_error *err)
{
  keeper *k = ctx;
  size_t row = (size_t)k->arrays[a].cols * io_cell(k->arrays[a].as);
  assert_int_equal(k->begun, 1);
  assert_true(a >= k->last && first == k->rows[a] && n > 0 && (size_t)n * row <= IO_BLOCK);
  memcpy(k->values[a] + (size_t)first * row, values, (size_t)n * row);
  k->rows[a] += n;
  k->last = a;
  return k->refuse_rows ? error_set(err, k->refuse_rows, "the sink refused") : MOPO_OK;
}

static void forget(keeper *k)
{
  for (int i = 0; i < ARRAYS_MAX; i++) free(k->values[i]);
}

typedef mopo_status read_fn(const char *path, io_array *arrays, int n, const io_sink *sink,
                            mopo_error *err);

/* In the guarded process and in this one. */
static read_fn *const readers[] = {hdf5_read, hdf5_parse};

/* ------------------------------------------------------------------ round trips */

/* n random bit patterns of finite floats. */
static float *random_floats(int64_t n, uint64_t seed)
{
  rng_stream s = rng_stream_of(rng_seed(seed));
  float *x = malloc((size_t)(n ? n : 1) * sizeof *x);
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits = rng_u32(&s);
    if ((bits >> 23 & 255) == 255) bits ^= 1u << 23;
    memcpy(&x[i], &bits, sizeof bits);
  }
  return x;
}

/* Floats, doubles and flags of N rows, appended in pieces of up to `piece`. */
static void write_three(const char *path, int64_t N, int cols, int piece, const float *x,
                        const double *y, const unsigned char *z)
{
  mopo_error e;
  hdf5_out *o;
  int c[3];
  assert_ok(hdf5_out_create(&o, path, &e), e);
  assert_ok(hdf5_out_column(o, &c[0], "floats", 'f', cols, &e), e);
  assert_ok(hdf5_out_column(o, &c[1], "deep/down/doubles", 'd', 0, &e), e);
  assert_ok(hdf5_out_column(o, &c[2], "flags", 'b', 0, &e), e);
  for (int64_t i = 0; i < N; i += piece) {
    int n = (int)(N - i < piece ? N - i : piece);
    assert_ok(hdf5_out_append(o, c[0], x + i * (cols ? cols : 1), n, &e), e);
    assert_ok(hdf5_out_append(o, c[1], y + i, n, &e), e);
    assert_ok(hdf5_out_append(o, c[2], z + i, n, &e), e);
  }
  assert_ok(hdf5_out_close(o, &e), e);
}

static void check_three(const char *path, int64_t N, int cols, const float *x, const double *y,
                        const unsigned char *z, read_fn *read)
{
  int width = cols ? cols : 1;
  mopo_error e;
  io_array a[4] = {{.name = "floats", .as = 'f', .required = true},
                   {.name = "absent", .as = 'f'},
                   {.name = "deep/down/doubles", .as = 'd', .required = true},
                   {.name = "flags", .as = 'f', .required = true}};
  keeper k = {0};
  io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
  assert_ok(read(path, a, 4, &sink, &e), e);
  assert_true(a[0].present && a[0].cols == width && a[0].rows == N && !a[1].present);
  assert_true(k.begun == 1 && k.rows[0] == N && k.rows[1] == 0 && k.rows[2] == N && k.rows[3] == N);
  assert_memory_equal(k.values[0], x, (size_t)(N * width) * sizeof *x);
  assert_memory_equal(k.values[2], y, (size_t)N * sizeof *y);
  for (int64_t i = 0; i < N; i++) assert_true(((float *)(void *)k.values[3])[i] == (float)z[i]);
  forget(&k);
}

static void any_size_comes_back(void **state)
{
  static const int64_t Ns[] = {0, 1, 2, 7, 8191, 8192, 8193, 50000};
  static const int widths[] = {0, 1, 3, 17}, pieces[] = {1000000, 8192, 977};
  (void)state;
  for (int a = 0; a < 8; a++)
    for (int b = 0; b < 4; b++) {
      int64_t N = Ns[a];
      int width = widths[b] ? widths[b] : 1;
      float *x = random_floats(N * width, (uint64_t)(a * 10 + b));
      double *y = malloc((size_t)(N + 1) * sizeof *y);
      unsigned char *z = malloc((size_t)(N + 1));
      for (int64_t i = 0; i < N; i++) {
        y[i] = (double)i / 3.0;
        z[i] = i % 7 == 3;
      }
      write_three("hdf5_three.hdf5", N, widths[b], pieces[(a + b) % 3], x, y, z);
      for (int r = 0; r < 2; r++) check_three("hdf5_three.hdf5", N, widths[b], x, y, z, readers[r]);
      free(x);
      free(y);
      free(z);
    }
}

static void wide_rows_come_in_small_blocks(void **state)
{
  (void)state;
  enum { COLS = 65535 };
  mopo_error e;
  float *x = random_floats(COLS * 9, 1);
  hdf5_out *o;
  assert_ok(hdf5_out_create(&o, "hdf5_wide.hdf5", &e), e);
  assert_ok(hdf5_out_floats(o, "x", x, 9, COLS, &e), e);
  assert_ok(hdf5_out_close(o, &e), e);
  for (int r = 0; r < 2; r++) {
    io_array a = {.name = "x", .as = 'f', .required = true};
    keeper k = {0};
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_ok(readers[r]("hdf5_wide.hdf5", &a, 1, &sink, &e), e);
    assert_true(k.rows[0] == 9);
    assert_memory_equal(k.values[0], x, COLS * 9 * sizeof *x);
    forget(&k);
  }
  free(x);
}

static void texts_are_cut_and_cleaned(void **state)
{
  (void)state;
  char longer[600];
  memset(longer, 'x', sizeof longer);
  longer[sizeof longer - 1] = '\0';
  const char *texts[] = {"", "medium", "two\nlines\x1b[2J", longer};
  const char *wants[] = {"", "medium", "two?lines?[2J", NULL};
  for (int t = 0; t < 4; t++) {
    mopo_error e;
    hdf5_out *o;
    assert_ok(hdf5_out_create(&o, "hdf5_text.hdf5", &e), e);
    assert_ok(hdf5_out_text(o, "metadata/kind", texts[t], &e), e);
    assert_ok(hdf5_out_number(o, "metadata/n", 3.25, &e), e);
    assert_ok(hdf5_out_close(o, &e), e);
    io_array a = {.name = "metadata/kind", .as = 's', .required = true};
    keeper k = {0};
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_ok(hdf5_read("hdf5_text.hdf5", &a, 1, &sink, &e), e);
    assert_true(k.rows[0] == 1);
    if (wants[t])
      assert_string_equal(k.values[0], wants[t]);
    else
      assert_int_equal(strlen(k.values[0]), IO_TEXT - 1);
    forget(&k);
    a.name = "metadata/n";
    assert_int_equal(hdf5_read("hdf5_text.hdf5", &a, 1, &sink, &e), MOPO_EFORMAT);
    assert_string_equal(e.msg, "hdf5_text.hdf5: 'metadata/n' is not one text");
    a.as = 'f';
    assert_int_equal(hdf5_read("hdf5_text.hdf5", &a, 1, &sink, &e), MOPO_EFORMAT);
    assert_string_equal(e.msg, "hdf5_text.hdf5: 'metadata/n' has 0 dimensions, want 1 or 2");
  }
}

static void the_sink_can_refuse(void **state)
{
  (void)state;
  for (int r = 0; r < 4; r++) {
    mopo_error e = {0};
    io_array a = {.name = "observations", .as = 'd', .required = true};
    keeper k = {0};
    *(r < 2 ? &k.refuse_begin : &k.refuse_rows) = MOPO_EDATA;
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_int_equal(readers[r % 2](FIXTURES "/h5py_plain.hdf5", &a, 1, &sink, &e), MOPO_EDATA);
    assert_string_equal(e.msg, "the sink refused");
    assert_true(k.rows[0] == (r < 2 ? 0 : 40));
    forget(&k);
  }
}

static void long_paths_leave_room_for_the_reason(void **state)
{
  (void)state;
  char path[2000];
  memset(path, 'p', sizeof path);
  memcpy(path + sizeof path - 6, ".hdf5", 6);
  mopo_error e;
  io_array a = {.name = "observations", .as = 'f', .required = true};
  io_sink sink = {keep_shapes, keep_rows, NULL, NULL, NULL};
  assert_int_equal(hdf5_read(path, &a, 1, &sink, &e), MOPO_EIO);
  assert_non_null(strstr(e.msg, "p.hdf5: File name too long"));
  hdf5_out *o = NULL;
  assert_int_equal(hdf5_out_create(&o, path, &e), MOPO_EINVAL);
  assert_non_null(strstr(e.msg, "p.hdf5: File name too long"));
  assert_null(o);
}

static void columns_run_out(void **state)
{
  (void)state;
  mopo_error e;
  hdf5_out *o;
  int c;
  char name[8] = "c?";
  assert_ok(hdf5_out_create(&o, "hdf5_columns.hdf5", &e), e);
  for (int i = 0; i < 16; i++) {
    name[1] = (char)('a' + i);
    assert_ok(hdf5_out_column(o, &c, name, 'f', 0, &e), e);
  }
  assert_int_equal(hdf5_out_column(o, &c, "more", 'f', 0, &e), MOPO_EINVAL);
  assert_string_equal(e.msg, "hdf5_columns.hdf5: 'more' is array 17, want at most 16");
  assert_ok(hdf5_out_close(o, &e), e);
  assert_ok(hdf5_out_close(NULL, &e), e);
}

/* ------------------------------------------------------------------ damage */

static char *read_bytes(const char *path, size_t *n)
{
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  char *bytes = malloc(*n);
  assert_int_equal(fread(bytes, 1, *n, f), *n);
  fclose(f);
  return bytes;
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

/* Everything that a data set is made of. */
static mopo_status read_damaged(const char *path, mopo_error *err)
{
  io_array a[] = {{.name = "observations", .as = 'f', .required = true},
                  {.name = "rewards", .as = 'd', .required = true},
                  {.name = "terminals", .as = 'f', .required = true},
                  {.name = "metadata/kind", .as = 's'}};
  keeper k = {0};
  io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
  mopo_status st = hdf5_read(path, a, 4, &sink, err);
  forget(&k);
  return st;
}

static void every_truncation_is_one_line(void **state)
{
  (void)state;
  size_t n = 0;
  char *bytes = read_bytes(FIXTURES "/h5py_plain.hdf5", &n);
  for (size_t k = 0; k < 200; k++) {
    mopo_error e = {0};
    write_bytes("hdf5_cut.hdf5", bytes, k * n / 200);
    assert_int_equal(read_damaged("hdf5_cut.hdf5", &e), MOPO_EFORMAT);
    assert_string_equal(e.msg, "hdf5_cut.hdf5: not an HDF5 file, or a truncated one");
  }
  free(bytes);
}

/* A bit changed anywhere: other values perhaps, or one line; never a crash here. */
static void every_flipped_bit_is_survived(void **state)
{
  static const char *const names[] = {"odd_chunks", "uint8", "kind_text", "bad_virtual"};
  (void)state;
  rng_stream s = rng_stream_of(rng_seed(1));
  for (int f = 0; f < 4; f++) {
    char path[1024];
    snprintf(path, sizeof path, FIXTURES "/h5py_%s.hdf5", names[f]);
    size_t n = 0;
    char *bytes = read_bytes(path, &n);
    for (int k = 0; k < 150; k++) {
      size_t at = rng_below(&s, k % 2 ? n : 3000); /* half of them where the structure is */
      char old = bytes[at];
      bytes[at] = (char)(old ^ (1 << (k % 8)));
      write_bytes("hdf5_flip.hdf5", bytes, n);
      bytes[at] = old;
      mopo_error e = {0};
      mopo_status st = read_damaged("hdf5_flip.hdf5", &e);
      if (st == MOPO_OK) continue;
      assert_true(st == MOPO_EFORMAT || st == MOPO_ENOMEM);
      assert_true(strstr(e.msg, "hdf5_flip.hdf5: ") == e.msg && !strchr(e.msg, '\n'));
    }
    free(bytes);
  }
}

/* A file of the caller's making, for the next tests. */
static void write_numbered(const char *path, const char *const *names, int n)
{
  mopo_error e;
  hdf5_out *o;
  assert_ok(hdf5_out_create(&o, path, &e), e);
  for (int i = 0; i < n; i++) {
    const float x[6] = {(float)i, 10 + (float)i, 20 + (float)i, 30 + (float)i, 40, 50};
    assert_ok(hdf5_out_floats(o, names[i], x, 3, 2, &e), e);
  }
  assert_ok(hdf5_out_close(o, &e), e);
}

/* Every number that is there, in its order; a gap ends nothing. */
static void numbers_with_gaps(void **state)
{
  static const char *const names[] = {"data/demo_10/x", "data/demo_0/x", "data/demo_007/x",
                                      "data/demo_2/x", "data/demo_x/x"};
  (void)state;
  write_numbered("hdf5_numbered.hdf5", names, 5);
  for (int r = 0; r < 2; r++) {
    mopo_error e;
    io_array a[] = {{.name = "data/demo_#/x", .as = 'n'},
                    {.name = "data/demo_#/x", .as = 'i'},
                    {.name = "data/demo_#/x", .as = 'f', .required = true},
                    {.name = "none/demo_#/x", .as = 'f'},
                    {.as = 'l', .name = ""}};
    keeper k = {0};
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_ok(readers[r]("hdf5_numbered.hdf5", a, 5, &sink, &e), e);
    const double *rows = (void *)k.values[0], *number = (void *)k.values[1];
    const float *x = (void *)k.values[2];
    assert_true(k.rows[0] == 3 && k.rows[1] == 3 && k.rows[2] == 9);
    assert_true(rows[0] == 3 && rows[2] == 3);
    assert_true(number[0] == 0 && number[1] == 2 && number[2] == 10);
    assert_true(x[0] == 1 && x[6] == 3 && x[12] == 0);
    assert_false(a[3].present || a[4].present); /* groups are no arrays at the top */
    forget(&k);
  }
  write_numbered("hdf5_numbered.hdf5", (const char *[]){"e_0/x", "e_0/y", "e_1/x"}, 3);
  mopo_error e;
  io_array a = {.name = "e_#/y", .as = 'f'};
  keeper k = {0};
  io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
  assert_int_equal(hdf5_read("hdf5_numbered.hdf5", &a, 1, &sink, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "hdf5_numbered.hdf5: no array 'e_1/y', want one");
}

/* A dictionary: its arrays side by side, in the order of their keys, numbers by their size. */
static void groups_are_flattened(void **state)
{
  static const char *const names[] = {"obs/b", "obs/a_10", "obs/a_9/z", "obs/a_9/y", "top"};
  (void)state;
  write_numbered("hdf5_group.hdf5", names, 5);
  for (int r = 0; r < 2; r++) {
    mopo_error e;
    io_array a[] = {{.name = "obs", .as = 'f', .required = true}, {.as = 'l', .name = ""}};
    keeper k = {0};
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_ok(readers[r]("hdf5_group.hdf5", a, 2, &sink, &e), e);
    const float *x = (void *)k.values[0];
    assert_true(a[0].cols == 8 && k.rows[0] == 3);
    assert_true(x[0] == 3 && x[2] == 2 && x[4] == 1 && x[6] == 0); /* y z a_10 b */
    assert_true(x[8] == 23 && x[9] == 33 && x[14] == 20);
    assert_string_equal(k.values[1], "top");
    forget(&k);
    a[0].as = 's';
    assert_int_equal(readers[r]("hdf5_group.hdf5", a, 1, &sink, &e), MOPO_EFORMAT);
  }
}

static void texts_in_a_list(void **state)
{
  static const char *const texts[] = {"pressure", "", "temperature of the \xc3\xb6l"};
  (void)state;
  mopo_error e;
  hdf5_out *o;
  assert_ok(hdf5_out_create(&o, "hdf5_texts.hdf5", &e), e);
  assert_ok(hdf5_out_texts(o, "metadata/names", texts, 3, &e), e);
  assert_ok(hdf5_out_close(o, &e), e);
  for (int r = 0; r < 2; r++) {
    io_array a = {.name = "metadata/names", .as = 's', .required = true};
    keeper k = {.values = {NULL}};
    io_sink sink = {keep_shapes, keep_rows, NULL, &k, NULL};
    assert_ok(readers[r]("hdf5_texts.hdf5", &a, 1, &sink, &e), e);
    assert_true(k.rows[0] == 3);
    for (int i = 0; i < 3; i++) assert_string_equal(k.values[0] + i * IO_TEXT, texts[i]);
    forget(&k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_size_comes_back),
      cmocka_unit_test(wide_rows_come_in_small_blocks),
      cmocka_unit_test(texts_are_cut_and_cleaned),
      cmocka_unit_test(the_sink_can_refuse),
      cmocka_unit_test(long_paths_leave_room_for_the_reason),
      cmocka_unit_test(columns_run_out),
      cmocka_unit_test(numbers_with_gaps),
      cmocka_unit_test(groups_are_flattened),
      cmocka_unit_test(texts_in_a_list),
      cmocka_unit_test(every_truncation_is_one_line),
      cmocka_unit_test(every_flipped_bit_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
