/* kernels.h - the inner loops, in one table for each instruction set.
 *
 * Matrices of activations [rows, cols] are stored in panels of 16 columns: panel p holds columns
 * 16p .. 16p+15 of all rows, row after row, so that element (r, c) is at
 * x[(c / 16) * stride + r * 16 + c % 16]. `stride` (floats from panel to panel) is at least
 * 16 rows. Columns past the last one are zero. Weights W [in, out] are stored the same way with
 * `in` rows: panel p is what turns an input row into outputs 16p .. 16p+15.
 *
 * Bits. Each output of a product is one chain of fused multiply-adds over k in ascending order,
 * starting from the bias (or 0); sums over rows run in ascending rows; a sum over the columns of a
 * row runs over 16 fixed lanes which are then added as a fixed tree. So every table gives the same
 * bits as every other, however the rows or panels are shared out among threads. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PANEL = 16, GAUSS_MAX = 512 };

/* A matrix in panels; `x` points at the first row wanted. */
typedef struct panels {
  float *x;
  size_t stride;
} panels;

/* What happens to a product before it is stored. */
typedef enum epilogue {
  EP_NONE,
  EP_RELU,       /* y = max(acc, 0) */
  EP_SWISH,      /* y = acc sigmoid(acc) */
  EP_SWISH_GRAD, /* the same, and aux = dy/dacc, for the way back */
  EP_IF_POS,     /* y = aux <= 0 ? 0 : acc     (back through ReLU; aux = its output) */
  EP_TIMES,      /* y = acc aux                (back through swish; aux = dy/dacc) */
  EP_TANH,       /* y = tanh(acc) */
} epilogue;

typedef struct adam_step {
  float beta1, beta2; /* decay of the moments */
  float lr;           /* lr sqrt(1 - beta2^t) / (1 - beta1^t) */
  float eps;          /* eps sqrt(1 - beta2^t) */
  float decay;        /* gradient += decay * weight (0: none) */
  float tau;          /* target += tau (weight - target), after the step */
} adam_step;

typedef struct kernels {
  const char *name;

  /* y [rows,N] = epilogue(x [rows,K] w [K,N] + bias [N]); bias [padded N] or NULL: 0. aux as the
   * epilogue says, else {0}. */
  void (*gemm)(panels y, panels x, panels w, const float *bias, panels aux, epilogue ep, int rows,
               int K, int N);
  /* dw [K,N] = x [rows,K]^T dy [rows,N], whole panels of it (dy is zero past column N);
   * db [padded N] = column sums of dy. */
  void (*wgrad)(panels dw, float *db, panels x, panels dy, int rows, int K, int N);
  /* The case N = 1. y [rows] = x [rows,K] w [K] + bias; w and dw padded to whole panels; row r's y
   * and dy are at y[16 r] (column 0 of a panel). */
  void (*dot)(float *y, panels x, const float *w, float bias, int rows, int K);
  void (*dot_wgrad)(float *dw, float *db, panels x, const float *dy, int rows, int K);
  /* Adam (Kingma & Ba 2015) on n weights, n a multiple of 16; target NULL: none. */
  void (*adam)(float *w, float *m, float *v, const float *dw, float *target, int n,
               const adam_step *s);
  /* wt (panels over k, stride 16 N_rows) = transpose of panel p of w [K,16]. */
  void (*transpose)(float *wt, size_t wt_stride, const float *w, int p, int K);
  /* Standard normals: element i of the endless array of place `hi` under the key, as rng_normals
   * draws it, for i = i0 .. i0+n-1; i0 and n multiples of 4. */
  void (*normals)(float *out, size_t n, uint32_t key0, uint32_t key1, uint64_t hi, uint64_t i0);

  /* Tanh-Gaussian head, by columns [A,R], R a multiple of 16: u = mean + exp(ls) eps, act =
   * tanh(u), logp [R] = sum_a log N(u; mean, std) - log(1 - act^2). ls is clipped to [lo, hi]
   * first; std keeps exp(ls), negative where the clip cut (for the way back). eps NULL: act =
   * tanh(mean) and nothing else is written. */
  void (*tanh_gauss)(float *act, float *logp, float *std, const float *mean, const float *ls,
                     const float *eps, int A, int R, float lo, float hi);
  /* dmean, dls [A,R] from dact [A,R] and the one number dlogp = dL/dlogp of every row. */
  void (*tanh_gauss_back)(float *dmean, float *dls, const float *dact, float dlogp,
                          const float *act, const float *std, const float *eps, int A, int R);

  /* Gaussian head with learned soft bounds on the log-variance. raw [rows,2D]: mean, then lv0.
   *   lv = min + softplus(max - softplus(max - lv0) - min)
   * delta [rows,2D] = dL/draw of L = scale sum_rows sum_d [(mean - y)^2 exp(-lv) + lv];
   * y [rows,D] with y_stride floats from row to row; sums [4][padded D]: adds the sums over rows of
   * dL/dmax, dL/dmin, the terms of L / scale, and (mean - y)^2. D <= GAUSS_MAX. */
  void (*gauss_nll)(panels delta, float *sums, panels raw, const float *y, size_t y_stride,
                    const float *max, const float *min, float scale, int rows, int D);
  /* In place: columns D..2D-1 of out become exp(lv) = variances; norm2 [rows] = their sum. ea, eb
   * [padded 2D]: var = ea + 1 / (eb + exp(-lv0)); ea = exp(min), eb = exp(-max) there and
   * 0, infinity for every other column. */
  void (*gauss_var)(panels out, float *norm2, const float *ea, const float *eb, int rows, int D);

  /* n rounds of independent multiply-adds in registers: what the arithmetic allows. Gives the
   * floating-point operations done; sink [16] keeps the compiler honest. */
  double (*peak)(float *sink, long n);

  /* Elementwise on n values (any n; arrays aligned to 64, capacity a multiple of 16). */
  void (*exp)(float *y, const float *x, size_t n);
  void (*log)(float *y, const float *x, size_t n);
  void (*tanh)(float *y, const float *x, size_t n);
  void (*softplus)(float *y, const float *x, size_t n);
  void (*sigmoid)(float *y, const float *x, size_t n);
} kernels;

/* The best this processor runs. */
const kernels *kernels_best(void);
/* The i-th that this processor runs (for tests and timing), NULL past the last. */
const kernels *kernels_at(int i);

#endif
