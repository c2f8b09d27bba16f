/* matrix.h - matrices in panels, element by element. Behind each panel is a line that nobody may
 * write. */
#ifndef TESTS_NN_MATRIX_H
#define TESTS_NN_MATRIX_H

#include "check.h"

#include "base/arena.h"
#include "base/rng.h"
#include "nn/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct matrix {
  panels p;
  int rows, cols;
} matrix;

static const float GUARD = 1234.5f;

static inline int padded(int n) { return (n + PANEL - 1) / PANEL * PANEL; }

static inline float *element(panels x, int r, int c)
{
  return x.x + (size_t)(c / PANEL) * x.stride + (size_t)(r * PANEL + c % PANEL);
}

/* n zeros, a whole number of panels' rows of them; free() it. */
static inline float *floats(int n)
{
  size_t bytes = (size_t)padded(n) * sizeof(float);
  float *x = arena_aligned(bytes);
  assert_non_null(x);
  return memset(x, 0, bytes);
}

static inline matrix matrix_zero(int rows, int cols)
{
  int stride = rows * PANEL + PANEL, count = padded(cols) / PANEL;
  matrix m = {{floats(stride * count), (size_t)stride}, rows, cols};
  for (int p = 0; p < count; p++)
    for (int i = rows * PANEL; i < stride; i++) m.p.x[p * stride + i] = GUARD;
  return m;
}

static inline void matrix_free(matrix m) { free(m.p.x); }

/* Uniform in +-size. */
static inline float draw(rng_stream *s, float size)
{
  return size * (2.0f * rng_uniform(s) - 1.0f);
}

static inline void fill(float *x, int n, rng_stream *s, float size)
{
  for (int i = 0; i < n; i++) x[i] = draw(s, size);
}

static inline void matrix_fill(matrix m, rng_stream *s, float size)
{
  for (int r = 0; r < m.rows; r++)
    for (int c = 0; c < m.cols; c++) *element(m.p, r, c) = draw(s, size);
}

static inline matrix matrix_random(int rows, int cols, rng_stream *s, float size)
{
  matrix m = matrix_zero(rows, cols);
  matrix_fill(m, s, size);
  return m;
}

/* Columns past the last are zero and the guards stand. */
static inline void check_padding(matrix m)
{
  for (int c = 0; c < padded(m.cols); c++) {
    if (c >= m.cols)
      for (int r = 0; r < m.rows; r++) assert_true(*element(m.p, r, c) == 0.0f);
    assert_true(*element(m.p, m.rows, c) == GUARD);
  }
}

/* One NaN is as good as another: which operand's survives a sum is the processor's affair. */
static inline bool same_float(float a, float b)
{
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static inline void check_same(const char *what, const float *a, const float *b, int n)
{
  for (int i = 0; i < n; i++)
    if (!same_float(a[i], b[i]))
      fail_msg("%s: element %d is %.9g and %.9g", what, i, (double)a[i], (double)b[i]);
}

static inline void check_same_matrix(const char *what, matrix a, matrix b)
{
  for (int r = 0; r < a.rows; r++)
    for (int c = 0; c < a.cols; c++)
      if (!same_float(*element(a.p, r, c), *element(b.p, r, c)))
        fail_msg("%s [%d,%d]: (%d,%d) is %.9g and %.9g", what, a.rows, a.cols, r, c,
                 (double)*element(a.p, r, c), (double)*element(b.p, r, c));
}

/* |got - want| <= bound, which a NaN fails. */
static inline void check_near(const char *what, double got, double want, double bound)
{
  if (!(fabs(got - want) <= bound)) fail_msg("%s: %.9g, want %.9g +- %.2g", what, got, want, bound);
}

#endif
