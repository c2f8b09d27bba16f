/* test_npz_hostile.c - archives of which one record, one zip64 field or one array's header is
 * another than it should be: each refused with the line that says so. */
#include "small_npz.h"

/* One field of the archive's own records is another. */
static void hostile_records(void **state)
{
  static const uint64_t NEAR_END =
      UINT64_MAX; /* 29 bytes before the file's: no room for a header */
  static const char LOCAL[] = "PK\3\4", CENTRAL[] = "PK\1\2", END[] = "PK\5\6";
  static const struct {
    const char *signature;
    int which, at, size; /* of the record; the field's place and bytes */
    uint64_t value;
    const char *message;
  } bad[] = {
      {CENTRAL, 0, 8, 2, 1, "'observations.npy' is encrypted"},
      {CENTRAL, 0, 10, 2, 12, "packed by method 12"},
      {CENTRAL, 0, 16, 4, 1, "'observations.npy' has a wrong checksum"},
      {CENTRAL, 0, 20, 4, 0xfffffffe, "an entry is not in it"},
      {CENTRAL, 0, 20, 4, 3, "cannot be unpacked"},
      {CENTRAL, 0, 24, 4, 4, "is no NumPy array"},
      {CENTRAL, 0, 24, 4, 0xfffffffe, "claims 4294967294 bytes"},
      {CENTRAL, 0, 28, 2, 65535, "damaged directory"},
      {CENTRAL, 0, 30, 2, 65535, "damaged directory"},
      {CENTRAL, 0, 32, 2, 65535, "damaged directory"},
      {CENTRAL, 0, 42, 4, 0xfffffff0, "an entry is not in it"},
      {CENTRAL, 0, 42, 4, 1, "an entry is not in it"},
      {CENTRAL, 0, 42, 4, UINT64_MAX, "an entry is not in it"},
      {CENTRAL, 0, 0, 4, 0, "damaged directory"},
      {CENTRAL, 0, 10, 2, 0, "claims"}, /* stored: as many bytes as unpacked */
      {LOCAL, 0, 26, 2, 65535, "an entry is not in it"},
      {LOCAL, 0, 28, 2, 65535, "an entry is not in it"},
      {END, 0, 10, 2, 3, "damaged directory"},
      {END, 0, 12, 4, 0xfffffff0, "its directory is not in it"},
      {END, 0, 12, 4, 10, "damaged directory"},
      {END, 0, 16, 4, 0xfffffff0, "its directory is not in it"},
      {END, 0, 20, 2, 7, "no end record"},
      {END, 0, 10, 2, 0, "no array 'observations'"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t n = 0;
    seen s;
    mopo_error e = {0};
    char *bytes = small("npz_hostile.npz", &n);
    char *at = record(bytes, n, bad[i].signature, bad[i].which);
    put(at + bad[i].at, bad[i].value == NEAR_END ? n - 29 : bad[i].value, (size_t)bad[i].size);
    assert_ok(file_write("npz_hostile.npz", bytes, n, &e), e);
    mopo_status st = read_npz("npz_hostile.npz", &s, &e);
    if (st != MOPO_EFORMAT || !strstr(e.msg, bad[i].message))
      fail_msg("case %zu: %d '%s', want '%s'", i, st, e.msg, bad[i].message);
    free(bytes);
  }
}

/* ------------------------------------------------------------------ zip64 */

/* The small archive as NumPy writes one of 4 GB: what is true of it stands in the zip64 records and
 * fields alone. Each entry also has a field of another kind, which is to be passed over. */
static char *small64(size_t *n)
{
  enum { CENTRAL_BYTES = 46, END_BYTES = 22, FIELDS = 7 + 4 + 24 };
  size_t old = 0, head = 0, name = 0;
  char *bytes = small("npz_hostile.npz", &old), *from = record(bytes, old, "PK\1\2", 0);
  char *end = bytes + old - END_BYTES, *out = calloc(1, old + 2 * FIELDS + 56 + 20), *at = out;
  assert_non_null(out);
  head = (size_t)(from - bytes);
  memcpy(out, bytes, head);
  for (at += head; from < end; from += name) {
    name = (size_t)CENTRAL_BYTES + (unsigned char)from[28];
    memcpy(at, from, name);
    put(at + 20, UINT64_MAX, 8);
    put(at + 30, FIELDS, 2);
    put(at + 42, UINT32_MAX, 4);
    at = put(put(put(at + name, 0x7075, 2), 3, 2), 0, 3);
    at = put(put(at, 1, 2), 24, 2);
    for (int k = 0; k < 3; k++, at += 8) memcpy(at, from + (int[]){24, 20, 42}[k], 4);
  }
  size_t place = (size_t)(at - out);
  at = put(put(put(at, 0x06064b50, 4), 44, 8), 45 | 45 << 16, 4); /* the end record ... */
  at = put(put(put(put(put(at, 0, 8), 2, 8), 2, 8), place - head, 8), head, 8);
  at = put(put(put(put(at, 0x07064b50, 4), 0, 4), place, 8), 1, 4); /* ... and where it is */
  memcpy(at, end, END_BYTES);
  put(put(at + 8, UINT32_MAX, 4), UINT64_MAX, 8);
  *n = (size_t)(at - out) + END_BYTES;
  free(bytes);
  return out;
}

static void reads_zip64(void **state)
{
  size_t n = 0;
  seen s;
  mopo_error e;
  (void)state;
  char *bytes = small64(&n);
  assert_ok(file_write("npz_zip64.npz", bytes, n, &e), e);
  assert_ok(read_npz("npz_zip64.npz", &s, &e), e);
  assert_true(s.rows == 4 && s.sum == 36.0);
  for (size_t k = 0; k < n; k++) {
    assert_ok(file_write("npz_zip64.npz", bytes, k, &e), e);
    assert_int_equal(read_npz("npz_zip64.npz", &s, &e), MOPO_EFORMAT);
  }
  free(bytes);
}

static void hostile_zip64(void **state)
{
  static const char CENTRAL[] = "PK\1\2", END64[] = "PK\6\6", LOCATOR64[] = "PK\6\7";
  static const uint64_t NEAR_END = UINT64_MAX - 1; /* 55 bytes before the end of the file */
  enum { EXTRA = 46 + 16 };                        /* after "observations.npy" */
  static const struct {
    const char *signature;
    int at, size;
    uint64_t value;
    const char *message;
  } bad[] = {
      {LOCATOR64, 8, 8, UINT64_MAX, "bad zip64 record"},
      {LOCATOR64, 8, 8, 0, "bad zip64 record"},
      {LOCATOR64, 8, 8, UINT64_MAX - 1, "bad zip64 record"},
      {LOCATOR64, 0, 4, 0, "its directory is not in it"}, /* the short fields count */
      {END64, 0, 4, 0, "bad zip64 record"},
      {END64, 32, 8, UINT64_MAX, "damaged directory"},
      {END64, 32, 8, 0, "no array 'observations'"},
      {END64, 40, 8, UINT64_MAX, "its directory is not in it"},
      {END64, 40, 8, 60, "damaged directory"},
      {END64, 48, 8, UINT64_MAX, "its directory is not in it"},
      {CENTRAL, EXTRA + 2, 2, 200, "damaged directory"},   /* a field longer than all of them */
      {CENTRAL, EXTRA + 9, 2, 23, "damaged directory"},    /* too short for three numbers */
      {CENTRAL, EXTRA + 7, 2, 2, "an entry is not in it"}, /* absent: the short ones count */
      {CENTRAL, EXTRA + 11, 8, UINT64_MAX, "claims 18446744073709551615 bytes"},
      {CENTRAL, EXTRA + 19, 8, UINT64_MAX, "an entry is not in it"},
      {CENTRAL, EXTRA + 27, 8, UINT64_MAX, "an entry is not in it"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    size_t n = 0;
    seen s;
    mopo_error e = {0};
    char *bytes = small64(&n);
    uint64_t value = bad[i].value == NEAR_END ? n - 55 : bad[i].value;
    put(record(bytes, n, bad[i].signature, 0) + bad[i].at, value, (size_t)bad[i].size);
    assert_ok(file_write("npz_zip64.npz", bytes, n, &e), e);
    mopo_status st = read_npz("npz_zip64.npz", &s, &e);
    if (st != MOPO_EFORMAT || !strstr(e.msg, bad[i].message))
      fail_msg("case %zu: %d '%s', want '%s'", i, st, e.msg, bad[i].message);
    free(bytes);
  }
}

/* Two entries of one name: readers differ on which of them counts. */
static void names_given_twice(void **state)
{
  seen s;
  mopo_error e;
  const npz_array arrays[] = {{"observations", 'f', 2, 3, small_obs},
                              {"rewards", 'f', 2, 0, small_rew},
                              {"rewards", 'f', 2, 0, small_obs}};
  (void)state;
  assert_ok(npz_write("npz_hostile.npz", arrays, 3, &e), e);
  assert_int_equal(read_npz("npz_hostile.npz", &s, &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "two entries of one name"));
}

/* An archive of one array with the header given, version 1.0 or 2.0, and 24 bytes of values. */
static void write_header(const char *text, int version, size_t length)
{
  mopo_error e;
  unsigned char head[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', (unsigned char)version, 0};
  for (int i = 0; i < 4; i++) head[8 + i] = (unsigned char)(length >> (8 * i));
  zip_out out = {0};
  zip_out_entry(&out, "observations.npy",
                (const file_piece[]){{head, version == 1 ? 10 : 12},
                                     {text, strlen(text)},
                                     {small_obs, sizeof small_obs}},
                3);
  assert_ok(zip_out_write(&out, "npz_header.npz", &e), e);
}

static void hostile_headers(void **state)
{
#define ARRAY(type, order, shape) \
  "{'descr': " type ", 'fortran_order': " order ", 'shape': " shape ", }"
  static const struct {
    const char *text, *message;
  } bad[] = {
      {"", "does not hold numbers"},
      {"{'descr' '<f4'}", "does not hold numbers"},
      {"{'descr': '", "does not hold numbers"}, /* the text ends within the type */
      {"{'descr': '<", "does not hold numbers"},
      {"{'descr': '<f4", "does not hold numbers"},
      {ARRAY("'<f4", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<f16'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<f2'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<b2'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<i3'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<c8'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'!f4'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<f9'", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("[('a', '<f4')]", "False", "(2, 3)"), "does not hold numbers"},
      {ARRAY("'<f4'", "True", "(2, 3)"), "stored by columns"},
      {"{'descr': '<f4', 'shape': (2, 3), }", "stored by columns"},
      {ARRAY("'<f4'", "False", "()"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "2, 3"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(2, 3"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(2, -3)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(1, 2, 3)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(6, 0)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(0, 65536)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(9223372036854775807, 2)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(4611686018427387904,)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(99999999999999999999, 3)"), "one or two dimensions"},
      {ARRAY("'<f4'", "False", "(17179869184, 65535)"), "claims 17179869184 x 65535"},
      {ARRAY("'<f4'", "False", "(2, 4)"), "claims 2 x 4 values of 4 bytes, has 24 bytes"},
      {ARRAY("'<f4'", "False", "(2, 3), 'shape': (3, 2)"), "one or two dimensions"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    seen s;
    mopo_error e = {0};
    write_header(bad[i].text, 1 + (int)(i % 3), strlen(bad[i].text));
    mopo_status st = read_npz("npz_header.npz", &s, &e);
    if (st != MOPO_EFORMAT || !strstr(e.msg, bad[i].message))
      fail_msg("case %zu: %d '%s', want '%s'", i, st, e.msg, bad[i].message);
  }
  static const char sound[] = ARRAY("\"<f4\"", "False", "(2, 3)");
  static const size_t lengths[] = {UINT32_MAX, 65537, sizeof sound + 24};
  seen s;
  mopo_error e = {0};
  for (size_t i = 0; i < 3; i++) {
    write_header(sound, 2, lengths[i]);
    assert_int_equal(read_npz("npz_header.npz", &s, &e), MOPO_EFORMAT);
    assert_non_null(strstr(e.msg, "has a header too long"));
  }
  write_header(sound, 4, strlen(sound));
  assert_int_equal(read_npz("npz_header.npz", &s, &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "is no NumPy array"));
  write_header(sound, 3, strlen(sound)); /* this one is well; what is wrong is that it is alone */
  assert_int_equal(read_npz("npz_header.npz", &s, &e), MOPO_EFORMAT);
  assert_non_null(strstr(e.msg, "no array 'rewards'"));
#undef ARRAY
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hostile_records), cmocka_unit_test(reads_zip64),
      cmocka_unit_test(hostile_zip64),   cmocka_unit_test(names_given_twice),
      cmocka_unit_test(hostile_headers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
