/* small_npz.h - an archive of two small arrays, and what is read of it. */
#ifndef TESTS_SMALL_NPZ_H
#define TESTS_SMALL_NPZ_H

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

static inline mopo_status see_shapes(void *ctx, const io_array *a, int n, mopo_error *err)
{
  seen *s = ctx;
  (void)err;
  for (int i = 0; i < n; i++) {
    s->rows += a[i].rows;
    assert_true(a[i].rows >= 0 && a[i].rows < 1 << 20);
  }
  return MOPO_OK;
}

static inline mopo_status see_rows(void *ctx, int a, int64_t first, int n, const void *values,
                                   mopo_error *err)
{
  seen *s = ctx;
  (void)first, (void)err;
  int cols = a == 0 ? 3 : 1;
  for (int i = 0; i < n * cols; i++)
    s->sum += a == 1 ? ((const double *)values)[i] : (double)((const float *)values)[i];
  return MOPO_OK;
}

static inline mopo_status read_npz(const char *path, seen *s, mopo_error *e)
{
  io_array arrays[ARRAYS] = {{.name = "observations", .as = 'f', .required = true},
                             {.name = "rewards", .as = 'd', .required = true},
                             {.name = "absent", .as = 'f'}};
  io_sink sink = {see_shapes, see_rows, NULL, s, NULL};
  *s = (seen){0};
  mopo_status st = npz_read(path, arrays, ARRAYS, &sink, e);
  assert_true(st != MOPO_OK || (!arrays[2].present && arrays[0].cols == 3));
  return st;
}

/* An archive of two arrays, and what becomes of it when one thing is changed. */
static const float small_obs[6] = {1, 2, 3, 4, 5, 6}, small_rew[2] = {7, 8};

/* Written to `path`, and its bytes; free() them. */
static inline char *small(const char *path, size_t *n)
{
  mopo_error e;
  char *bytes = NULL;
  const npz_array arrays[] = {{"observations", 'f', 2, 3, small_obs},
                              {"rewards", 'f', 2, 0, small_rew}};
  assert_ok(npz_write(path, arrays, 2, &e), e);
  assert_ok(file_read(&bytes, n, path, 1 << 20, &e), e);
  return bytes;
}

/* The k-th record that begins with the signature. */
static inline char *record(char *bytes, size_t n, const char *signature, int k)
{
  for (size_t i = 0; i + 4 <= n; i++)
    if (!memcmp(bytes + i, signature, 4) && k-- == 0) return bytes + i;
  fail_msg("no such record");
  return NULL;
}

static inline char *put(char *at, uint64_t value, size_t bytes)
{
  memcpy(at, &value, bytes);
  return at + bytes;
}

#endif
