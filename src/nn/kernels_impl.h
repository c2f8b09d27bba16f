/* kernels_impl.h - the kernels, in vectors of VL floats. Each kernels_*.c sets VL, the tallest tile
 * TILE and the table's name, and includes this. See kernels.h for layouts and the order of sums. */
#include "nn/kernels.h"
#include "nn/vec.h"

/* A strip of columns is one panel wide, or two where a vector is as wide as a panel (what is
 * fetched of x then serves two multiply-adds): NV vectors. The last strip is half as wide if that
 * is all that is left; or, of whole panels, three rather than two and one: WIDEST. */
enum {
  STRIP = 2 * VL > PANEL ? 2 * VL : PANEL,
  NV = STRIP / VL,
  WIDEST = VL == PANEL ? 3 : NV,
  PV = PANEL / VL,
  LOW = TILE > 8 ? 8 : TILE /* rows of the widest tiles: their sums fill the registers */
};

/* The vectors of the next strip when so many columns are left. */
static int strip_vectors(int left)
{
  if (VL == PANEL && left > 2 * PANEL && left <= 3 * PANEL) return WIDEST;
  return left > STRIP / 2 ? NV : (NV + 1) / 2;
}

/* Loops over a tile must be gone before registers are given out: the sums live in them. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ------------------------------------------------------------- product, forward and backward */

typedef struct gemm_job {
  panels y, x, w, aux;
  const float *bias;
  int K;
  epilogue ep;
} gemm_job;

/* What is done to a sum in its register. */
INLINE vf finish(vf a, const float *aux, epilogue ep)
{
  if (ep == EP_RELU) return v_at_least(v_set(0.0f), a); /* NaN travels, here and back */
  if (ep == EP_IF_POS) return v_if(v_load(aux) <= v_set(0.0f), v_set(0.0f), a);
  if (ep == EP_TIMES) return a * v_load(aux);
  return a;
}

/* n floats of a panel that the products have left become what they are curved to. */
INLINE void curve(float *y, float *aux, epilogue ep, int n)
{
  for (int i = 0; i < n; i += VL) {
    vf a = v_load(y + i);
    if (ep == EP_TANH) {
      v_store(y + i, v_tanh(a));
      continue;
    }
    vf s = v_sigmoid(a);
    v_store(y + i, a * s);
    if (ep == EP_SWISH_GRAD) v_store(aux + i, v_fma(a * s, v_set(1.0f) - s, s));
  }
}

/* Where vector c of a tile's row begins. */
INLINE size_t vector_at(int c, size_t stride)
{
  return (size_t)(c * VL / PANEL) * stride + (size_t)(c * VL % PANEL);
}

INLINE void store_tile(const gemm_job *j, vf acc[][WIDEST], int m, int nv, epilogue ep)
{
  UNROLL for (int r = 0; r < m; r++)
  {
    UNROLL for (int c = 0; c < nv; c++)
    {
      size_t row = (size_t)r * PANEL;
      v_store(j->y.x + row + vector_at(c, j->y.stride),
              finish(acc[r][c], j->aux.x + row + vector_at(c, j->aux.stride), ep));
    }
  }
}

/* m rows by nv vectors of a strip; m and nv are constants where this is called. */
INLINE void tile(const gemm_job *j, int m, int nv)
{
  vf acc[TILE][WIDEST];
  UNROLL for (int c = 0; c < nv; c++)
  {
    vf b = j->bias ? v_load(j->bias + c * VL) : v_set(0.0f);
    UNROLL for (int r = 0; r < m; r++) acc[r][c] = b;
  }
  const float *w = j->w.x;
  for (int k0 = 0; k0 < j->K; k0 += PANEL) {
    const float *x = j->x.x + (size_t)(k0 / PANEL) * j->x.stride;
    int n = j->K - k0 < PANEL ? j->K - k0 : PANEL;
    for (int k = 0; k < n; k++, w += PANEL) {
      vf b[WIDEST];
      UNROLL for (int c = 0; c < nv; c++) b[c] = v_load(w + vector_at(c, j->w.stride));
      UNROLL for (int r = 0; r < m; r++)
      {
        vf a = v_set(x[r * PANEL + k]);
        UNROLL for (int c = 0; c < nv; c++) acc[r][c] = v_fma(a, b[c], acc[r][c]);
      }
    }
  }
  switch (j->ep) {
  case EP_RELU:
    store_tile(j, acc, m, nv, EP_RELU);
    break;
  case EP_IF_POS:
    store_tile(j, acc, m, nv, EP_IF_POS);
    break;
  case EP_TIMES:
    store_tile(j, acc, m, nv, EP_TIMES);
    break;
  default:
    store_tile(j, acc, m, nv, EP_NONE);
  }
}

#define TILE_CASE(M)                        \
  case M:                                   \
    if (WIDEST > NV && M <= LOW && nv > NV) \
      tile(j, M, WIDEST);                   \
    else if (nv >= NV)                      \
      tile(j, M, NV);                       \
    else                                    \
      tile(j, M, (NV + 1) / 2);             \
    break;

static void tile_of(const gemm_job *j, int m, int nv)
{
  switch (m) {
    TILE_CASE(1)
    TILE_CASE(2)
    TILE_CASE(3)
    TILE_CASE(4)
#if TILE >= 6
    TILE_CASE(5)
    TILE_CASE(6)
#endif
#if TILE >= 12
    TILE_CASE(7)
    TILE_CASE(8)
    TILE_CASE(9)
    TILE_CASE(10)
    TILE_CASE(11)
    TILE_CASE(12)
#endif
  }
}

/* A strip of columns of all rows. Rows are shared out evenly over the least number of tiles: 64 =
 * 9 x 6 + 2 x 5, so that no tile is so low that its multiply-adds wait for each other. */
static void strip_of(gemm_job j, int rows, int nv)
{
  int tall = nv > NV ? LOW : TILE, tiles = (rows + tall - 1) / tall;
  gemm_job at = j;
  for (int t = 0, left = rows; t < tiles; t++) {
    int m = (left + tiles - t - 1) / (tiles - t);
    tile_of(&at, m, nv);
    size_t step = (size_t)m * PANEL;
    at.x.x += step, at.y.x += step, left -= m;
    if (at.aux.x) at.aux.x += step;
  }
  if (j.ep != EP_SWISH && j.ep != EP_SWISH_GRAD && j.ep != EP_TANH) return;
  for (int c = 0; c < nv; c += PV)
    curve(j.y.x + vector_at(c, j.y.stride), j.aux.x + vector_at(c, j.aux.stride), j.ep,
          rows * PANEL);
}

static void gemm(panels y, panels x, panels w, const float *bias, panels aux, epilogue ep, int rows,
                 int K, int N)
{
  for (int c = 0, nv; c < N; c += nv * VL) {
    size_t p = (size_t)(c / PANEL);
    gemm_job j = {.y = {y.x + p * y.stride, y.stride},
                  .x = x,
                  .w = {w.x + p * w.stride, w.stride},
                  .aux = {aux.x ? aux.x + p * aux.stride : NULL, aux.stride},
                  .bias = bias ? bias + c : NULL,
                  .K = K,
                  .ep = ep};
    nv = strip_vectors(N - c);
    strip_of(j, rows, nv);
  }
}

/* ------------------------------------------------------------- gradient of the weights */

/* m inputs (of one panel) by the first nv vectors of a strip of outputs, summed over the rows; on
 * top of what is in dw, if these are not the first rows. */
INLINE void wgrad_tile(panels dw, const float *x, panels dy, int rows, bool first, int m, int nv)
{
  vf acc[TILE][WIDEST];
  UNROLL for (int r = 0; r < m; r++)
  {
    UNROLL for (int c = 0; c < nv; c++) acc[r][c] =
        first ? v_set(0.0f) : v_load(dw.x + r * PANEL + vector_at(c, dw.stride));
  }
  const float *g = dy.x;
  for (int b = 0; b < rows; b++, x += PANEL, g += PANEL) {
    vf d[WIDEST];
    UNROLL for (int c = 0; c < nv; c++) d[c] = v_load(g + vector_at(c, dy.stride));
    UNROLL for (int r = 0; r < m; r++)
    {
      vf a = v_set(x[r]);
      UNROLL for (int c = 0; c < nv; c++) acc[r][c] = v_fma(a, d[c], acc[r][c]);
    }
  }
  UNROLL for (int r = 0; r < m; r++)
  {
    UNROLL for (int c = 0; c < nv; c++)
        v_store(dw.x + r * PANEL + vector_at(c, dw.stride), acc[r][c]);
  }
}

#define WGRAD_CASE(M)                                      \
  case M:                                                  \
    if (WIDEST > NV && nv > NV)                            \
      wgrad_tile(dw, x, dy, rows, first, M, WIDEST);       \
    else if (nv == NV)                                     \
      wgrad_tile(dw, x, dy, rows, first, M, NV);           \
    else                                                   \
      wgrad_tile(dw, x, dy, rows, first, M, (NV + 1) / 2); \
    break;

static void wgrad_tile_of(panels dw, const float *x, panels dy, int rows, bool first, int m, int nv)
{
  switch (m) {
    WGRAD_CASE(1)
    WGRAD_CASE(2)
    WGRAD_CASE(3)
    WGRAD_CASE(4)
#if TILE >= 6
    WGRAD_CASE(5)
    WGRAD_CASE(6)
#endif
#if TILE >= 12
    WGRAD_CASE(7)
    WGRAD_CASE(8)
#endif
  }
}

enum { WGRAD_ROWS = 128, WGRAD_TILE = LOW }; /* pieces of 8 KB stay in L1 */

/* A strip of outputs; all inputs, the rows in pieces. */
static void wgrad_strip(panels dw, panels x, panels dy, int rows, int K, int nv)
{
  for (int b0 = 0; b0 < rows; b0 += WGRAD_ROWS) {
    int n = rows - b0 < WGRAD_ROWS ? rows - b0 : WGRAD_ROWS;
    panels dyb = {dy.x + b0 * PANEL, dy.stride};
    for (int k0 = 0; k0 < K; k0 += PANEL) {
      const float *xb = x.x + (size_t)(k0 / PANEL) * x.stride + (size_t)b0 * PANEL;
      int cols = K - k0 < PANEL ? K - k0 : PANEL, tiles = (cols + WGRAD_TILE - 1) / WGRAD_TILE;
      for (int t = 0, k = 0; t < tiles; t++) {
        int m = (cols - k + tiles - t - 1) / (tiles - t);
        panels dwk = {dw.x + (size_t)(k0 + k) * PANEL, dw.stride};
        wgrad_tile_of(dwk, xb + k, dyb, n, b0 == 0, m, nv);
        k += m;
      }
    }
  }
}

/* Sums of the columns of a strip. */
INLINE void column_sums(float *db, panels dy, int rows, int nv)
{
  vf sum[WIDEST];
  UNROLL for (int c = 0; c < nv; c++) sum[c] = v_set(0.0f);
  for (int b = 0; b < rows; b++)
    UNROLL for (int c = 0; c < nv; c++) sum[c] +=
        v_load(dy.x + b * PANEL + vector_at(c, dy.stride));
  UNROLL for (int c = 0; c < nv; c++) v_store(db + c * VL, sum[c]);
}

/* The other half of a panel of which half a strip is enough. */
static void zero_other_half(float *dw, float *db, int K)
{
  for (int k = 0; k < K; k++)
    for (int c = PV / 2; c < PV; c++) v_store(dw + k * PANEL + c * VL, v_set(0.0f));
  for (int c = PV / 2; c < PV; c++) v_store(db + c * VL, v_set(0.0f));
}

static void wgrad(panels dw, float *db, panels x, panels dy, int rows, int K, int N)
{
  for (int c = 0, nv; c < N; c += nv * VL) {
    size_t p = (size_t)(c / PANEL);
    panels dws = {dw.x + p * dw.stride, dw.stride}, dys = {dy.x + p * dy.stride, dy.stride};
    nv = strip_vectors(N - c);
    wgrad_strip(dws, x, dys, rows, K, nv);
    if (WIDEST > NV && nv > NV)
      column_sums(db + c, dys, rows, WIDEST);
    else if (nv == NV)
      column_sums(db + c, dys, rows, NV);
    else
      column_sums(db + c, dys, rows, (NV + 1) / 2);
    if (nv * VL < PANEL) zero_other_half(dws.x, db + c, K);
  }
}

/* ------------------------------------------------------------- one output */

/* The 16 lanes of a sum, added as a tree: i with i + 8, then + 4, + 2, + 1. */
INLINE float lane_sum(const vf *acc)
{
  float t[PANEL];
  for (int c = 0; c < PV; c++) __builtin_memcpy(t + c * VL, &acc[c], sizeof acc[c]);
  for (int half = PANEL / 2; half; half /= 2)
    for (int i = 0; i < half; i++) t[i] += t[i + half];
  return t[0];
}

typedef float v4 __attribute__((vector_size(16)));
INLINE v4 v4_load(const float *p) { return *(const v4 *)(const void *)p; }

/* Columns become rows: a, b, c, d are the rows of a matrix of four by four. */
INLINE void transpose_4x4(v4 *a, v4 *b, v4 *c, v4 *d)
{
  v4 ab0 = __builtin_shufflevector(*a, *b, 0, 4, 1, 5),
     ab1 = __builtin_shufflevector(*a, *b, 2, 6, 3, 7);
  v4 cd0 = __builtin_shufflevector(*c, *d, 0, 4, 1, 5),
     cd1 = __builtin_shufflevector(*c, *d, 2, 6, 3, 7);
  *a = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
  *b = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
  *c = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
  *d = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
}

/* Four such trees at once. */
INLINE v4 lane_sums(vf acc[4][PV])
{
  v4 s[4];
  UNROLL for (int r = 0; r < 4; r++)
  {
    float t[PANEL] __attribute__((aligned(64)));
    UNROLL for (int c = 0; c < PV; c++) v_store(t + c * VL, acc[r][c]);
    s[r] = (v4_load(t) + v4_load(t + 8)) + (v4_load(t + 4) + v4_load(t + 12));
  }
  transpose_4x4(&s[0], &s[1], &s[2], &s[3]);
  return (s[0] + s[2]) + (s[1] + s[3]);
}

/* n rows (1 or 4) abreast. */
INLINE void dot_rows(float *y, const float *x, size_t stride, const float *w, float bias, int P,
                     int n)
{
  vf acc[4][PV];
  UNROLL for (int r = 0; r < n; r++)
  {
    UNROLL for (int c = 0; c < PV; c++) acc[r][c] = v_set(0.0f);
  }
  for (int p = 0; p < P; p++, x += stride, w += PANEL) UNROLL for (int c = 0; c < PV; c++)
    {
      vf wc = v_load(w + c * VL);
      UNROLL for (int r = 0; r < n; r++) acc[r][c] =
          v_fma(v_load(x + r * PANEL + c * VL), wc, acc[r][c]);
    }
  if (n == 1) {
    y[0] = lane_sum(acc[0]) + bias;
    return;
  }
  v4 sums = lane_sums(acc);
  UNROLL for (int r = 0; r < 4; r++) y[r * PANEL] = sums[r] + bias;
}

static void dot(float *y, panels x, const float *w, float bias, int rows, int K)
{
  int P = (K + PANEL - 1) / PANEL, r = 0;
  for (; r + 4 <= rows; r += 4) dot_rows(y + r * PANEL, x.x + r * PANEL, x.stride, w, bias, P, 4);
  for (; r < rows; r++) dot_rows(y + r * PANEL, x.x + r * PANEL, x.stride, w, bias, P, 1);
}

/* n panels (1 or 4) of inputs abreast. */
INLINE void dot_wgrad_panels(float *dw, panels x, const float *dy, int rows, int n)
{
  vf acc[4][PV];
  UNROLL for (int p = 0; p < n; p++)
  {
    UNROLL for (int c = 0; c < PV; c++) acc[p][c] = v_set(0.0f);
  }
  for (int b = 0; b < rows; b++) {
    vf d = v_set(dy[b * PANEL]);
    UNROLL for (int p = 0; p < n; p++)
    {
      const float *xp = x.x + (size_t)p * x.stride + (size_t)b * PANEL;
      UNROLL for (int c = 0; c < PV; c++) acc[p][c] = v_fma(d, v_load(xp + c * VL), acc[p][c]);
    }
  }
  UNROLL for (int p = 0; p < n; p++)
  {
    UNROLL for (int c = 0; c < PV; c++) v_store(dw + p * PANEL + c * VL, acc[p][c]);
  }
}

static void dot_wgrad(float *dw, float *db, panels x, const float *dy, int rows, int K)
{
  float sum = 0.0f;
  for (int b = 0; b < rows; b++) sum += dy[b * PANEL];
  *db = sum;
  int P = (K + PANEL - 1) / PANEL, p = 0;
  for (; p < P; p += P - p >= 4 ? 4 : 1) {
    panels xp = {x.x + (size_t)p * x.stride, x.stride};
    if (P - p >= 4)
      dot_wgrad_panels(dw + p * PANEL, xp, dy, rows, 4);
    else
      dot_wgrad_panels(dw + p * PANEL, xp, dy, rows, 1);
  }
}

#include "nn/kernels_adam.h"

/* ------------------------------------------------------------- what the arithmetic allows */

/* Ten chains hide the latency of two units and fit every register file with 16 registers. */
static double peak(float *sink, long n)
{
  enum { CHAINS = 10 };
  vf acc[CHAINS], b = v_set(0.999f), c = v_set(0.001f);
  UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = v_set((float)i);
  for (long k = 0; k < n; k++) UNROLL for (int i = 0; i < CHAINS; i++) acc[i] = v_fma(acc[i], b, c);
  for (int i = 1; i < CHAINS; i++) acc[0] += acc[i];
  v_store(sink, acc[0]);
  return 2.0 * CHAINS * VL * (double)n;
}

#include "nn/kernels_heads.h"

/* ------------------------------------------------------------- elementwise */

#define ELEMENTWISE(name)                                                       \
  static void name##_array(float *y, const float *x, size_t n)                  \
  {                                                                             \
    for (size_t i = 0; i < n; i += VL) v_store(y + i, v_##name(v_load(x + i))); \
  }
ELEMENTWISE(exp)
ELEMENTWISE(log)
ELEMENTWISE(tanh)
ELEMENTWISE(softplus)
ELEMENTWISE(sigmoid)

const kernels KERNELS = {.name = KERNELS_NAME,
                         .gemm = gemm,
                         .wgrad = wgrad,
                         .dot = dot,
                         .dot_wgrad = dot_wgrad,
                         .adam = adam,
                         .transpose = transpose,
                         .normals = normals,
                         .tanh_gauss = tanh_gauss,
                         .tanh_gauss_back = tanh_gauss_back,
                         .gauss_nll = gauss_nll,
                         .gauss_var = gauss_var,
                         .peak = peak,
                         .exp = exp_array,
                         .log = log_array,
                         .tanh = tanh_array,
                         .softplus = softplus_array,
                         .sigmoid = sigmoid_array};
