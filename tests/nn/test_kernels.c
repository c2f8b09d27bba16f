/* test_kernels.c - every table of kernels gives the same bits, and they are right.
 *
 * Beside the tables that this processor runs there is one of 16 lanes without AVX-512, which the
 * compiler splits: so the arrangement of that instruction set is tested on every machine.
 *
 * Bounds. A chain of n fused multiply-adds is off by at most n u sum |terms|, u = 2^-24 (Higham,
 * "Accuracy and Stability of Numerical Algorithms", 3.1); the 16 lanes of a dot product are shorter
 * chains and a tree. Bounds below allow u for each rounding and a last one for double. */
#include "check.h"

#define VL 16
#define TILE 12
#define KERNELS kernels_wide
#define KERNELS_NAME "wide"
extern const struct kernels kernels_wide;
#include "nn/kernels_impl.h"

#include "nn/matrix.h"

static const double U = 0x1p-24;
static const rng_key KEY = {{11, 13}};

/* The wide one first: it is what the others are compared with. */
static const kernels *table_at(int i) { return i == 0 ? &kernels_wide : kernels_at(i - 1); }

/* ------------------------------------------------------------------ product */

enum { EPILOGUES = EP_TANH + 1 };

typedef struct product {
  int rows, K, N;
  epilogue ep;
  bool bias;
  matrix x, aux; /* aux: what the epilogue reads */
  float *w, *b;
} product;

static product product_make(int rows, int K, int N, epilogue ep, rng_stream *s)
{
  product j = {.rows = rows, .K = K, .N = N, .ep = ep, .bias = ep != EP_IF_POS && ep != EP_TIMES};
  j.x = matrix_random(rows, K, s, 1.0f);
  j.aux = matrix_random(rows, N, s, 1.0f);
  for (int r = 0; r < rows; r++) *element(j.aux.p, r, r % N) = 0.0f; /* ReLU's zeros */
  j.w = floats(K * padded(N));
  j.b = floats(N);
  for (int k = 0; k < K; k++)
    for (int c = 0; c < N; c++)
      j.w[c / PANEL * PANEL * K + k * PANEL + c % PANEL] = draw(s, 4.0f / sqrtf((float)K));
  fill(j.b, N, s, 1.0f);
  return j;
}

static void product_free(product j)
{
  matrix_free(j.x), matrix_free(j.aux);
  free(j.w), free(j.b);
}

typedef struct product_result {
  matrix y, aux;
} product_result;

static product_result product_run(const kernels *k, const product *j)
{
  product_result out = {matrix_zero(j->rows, j->N), matrix_zero(j->rows, j->N)};
  panels aux = {0};
  if (j->ep == EP_IF_POS || j->ep == EP_TIMES) aux = j->aux.p;
  if (j->ep == EP_SWISH_GRAD) aux = out.aux.p;
  panels w = {j->w, (size_t)(j->K * PANEL)};
  k->gemm(out.y.p, j->x.p, w, j->bias ? j->b : NULL, aux, j->ep, j->rows, j->K, j->N);
  return out;
}

static void product_result_free(product_result out) { matrix_free(out.y), matrix_free(out.aux); }

/* Value and derivative of x sigmoid(x). */
static double swish(double x) { return x / (1.0 + exp(-x)); }
static double swish_slope(double x)
{
  double s = 1.0 / (1.0 + exp(-x));
  return s + x * s * (1.0 - s);
}

/* Element (r, c) in double. The epilogues' slopes are at most 1.1, that of swish's slope 0.5; their
 * own roundings are a few u of values that are at most |acc| or 1. */
static void check_product_element(const product *j, const product_result *out, int r, int c)
{
  double sum = j->bias ? (double)j->b[c] : 0.0, size = fabs(sum);
  for (int k = 0; k < j->K; k++) {
    double term = (double)*element(j->x.p, r, k) *
                  (double)j->w[c / PANEL * PANEL * j->K + k * PANEL + c % PANEL];
    sum += term;
    size += fabs(term);
  }
  double aux = (double)*element(j->aux.p, r, c), want = sum;
  double bound = 1.1 * (j->K + 1) * U * size + 4.0 * U * fabs(sum);
  switch (j->ep) {
  case EP_NONE:
    break;
  case EP_RELU:
    want = fmax(sum, 0.0);
    break;
  case EP_SWISH:
    want = swish(sum);
    break;
  case EP_SWISH_GRAD:
    want = swish(sum);
    break;
  case EP_IF_POS:
    want = aux > 0.0 ? sum : 0.0;
    break;
  case EP_TIMES:
    want = sum * aux;
    break;
  case EP_TANH:
    want = tanh(sum), bound += 2.0 * U;
    break;
  }
  check_near("gemm", (double)*element(out->y.p, r, c), want, bound);
  if (j->ep == EP_SWISH_GRAD)
    check_near("gemm aux", (double)*element(out->aux.p, r, c), swish_slope(sum), bound + 6.0 * U);
}

static void check_product(int rows, int K, int N, epilogue ep)
{
  rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)(((rows * 512) + K) * 512 + N)));
  product j = product_make(rows, K, N, ep, &s);
  product_result want = product_run(table_at(0), &j);
  check_padding(want.y);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < N; c++) check_product_element(&j, &want, r, c);
  for (int t = 1; table_at(t); t++) {
    product_result got = product_run(table_at(t), &j);
    check_same_matrix(table_at(t)->name, got.y, want.y);
    check_same_matrix(table_at(t)->name, got.aux, want.aux);
    check_padding(got.y);
    product_result_free(got);
  }
  product_result_free(want);
  product_free(j);
}

static void gemm_is_right_and_the_same(void **state)
{
  (void)state;
  int ep = 0;
  for (int K = 1; K <= 40; K++) /* every K with every N, every epilogue in turn */
    for (int N = 1; N <= 40; N++)
      check_product(1 + (K + N) % 7, K, N, (epilogue)(ep++ % EPILOGUES));
  for (int rows = 1; rows <= 70; rows++) /* every number of rows with every epilogue */
    for (int e = 0; e < EPILOGUES; e++)
      check_product(rows, 1 + (rows * 7 + e) % 40, 1 + (rows * 11 + e * 3) % 40, (epilogue)e);
  static const int sizes[][3] = {{1, 200, 256}, {13, 256, 200}, {64, 200, 200}, {70, 256, 256},
                                 {9, 256, 1},   {31, 1, 256},   {17, 200, 23},  {65, 14, 200}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    check_product(sizes[i][0], sizes[i][1], sizes[i][2], (epilogue)(ep++ % EPILOGUES));
}

/* A NaN in an input row stays in that row and reaches every output of it, but for those that a zero
 * gradient of ReLU keeps out. */
static void nan_travels_through_gemm(void **state)
{
  (void)state;
  enum { ROWS = 5, K = 19, N = 21, SICK = 3 };
  for (int t = 0; table_at(t); t++)
    for (int e = 0; e < EPILOGUES; e++) {
      rng_stream s = rng_stream_of(KEY);
      product j = product_make(ROWS, K, N, (epilogue)e, &s);
      *element(j.x.p, SICK, K - 1) = NAN;
      product_result out = product_run(table_at(t), &j);
      for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < N; c++) {
          bool shut = e == EP_IF_POS && *element(j.aux.p, r, c) <= 0.0f;
          assert_int_equal(isnan(*element(out.y.p, r, c)), r == SICK && !shut);
          if (e == EP_SWISH_GRAD) assert_int_equal(isnan(*element(out.aux.p, r, c)), r == SICK);
        }
      product_result_free(out);
      product_free(j);
    }
}

/* A row that was NaN on the way forward is NaN on the way back. */
static void nan_travels_back_through_activations(void **state)
{
  (void)state;
  enum { ROWS = 4, K = 9, N = 18, SICK = 2 };
  static const epilogue back[] = {EP_IF_POS, EP_TIMES};
  for (int t = 0; table_at(t); t++)
    for (int e = 0; e < 2; e++) {
      rng_stream s = rng_stream_of(KEY);
      product j = product_make(ROWS, K, N, back[e], &s);
      *element(j.x.p, SICK, 0) = NAN;
      for (int c = 0; c < N; c++) *element(j.aux.p, SICK, c) = NAN;
      product_result out = product_run(table_at(t), &j);
      for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < N; c++) assert_int_equal(isnan(*element(out.y.p, r, c)), r == SICK);
      product_result_free(out);
      product_free(j);
    }
}

/* ------------------------------------------------------------------ gradient of the weights */

/* The panels of dw [K,N], each followed by its part of db. */
static float *wgrad_run(const kernels *k, matrix x, matrix dy)
{
  int panel = (x.cols + 1) * PANEL, n = padded(dy.cols) / PANEL;
  float *out = floats(n * panel), *db = floats(n * PANEL);
  fill(out, n * panel, &(rng_stream){.key = KEY}, 9.0f); /* nothing is left of it */
  k->wgrad((panels){out, (size_t)panel}, db, x.p, dy.p, x.rows, x.cols, dy.cols);
  for (int p = 0; p < n; p++)
    memcpy(out + (p + 1) * panel - PANEL, db + p * PANEL, PANEL * sizeof *db);
  free(db);
  return out;
}

/* dy has N columns in use; past them all is zero. */
static void check_wgrad(int rows, int K, int N)
{
  rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)(rows * 512 + K)));
  matrix x = matrix_random(rows, K, &s, 1.0f), dy = matrix_random(rows, N, &s, 1.0f);
  float *want = wgrad_run(table_at(0), x, dy);
  for (int k = 0; k <= K; k++)
    for (int o = 0; o < padded(N); o++) {
      double sum = 0.0, size = 0.0;
      for (int r = 0; r < rows; r++) {
        double term = (double)*element(dy.p, r, o) * (k < K ? (double)*element(x.p, r, k) : 1.0);
        sum += term;
        size += fabs(term);
      }
      int at = (o / PANEL * (K + 1) + k) * PANEL + o % PANEL;
      check_near("wgrad", (double)want[at], sum, (rows + 1) * U * size);
    }
  for (int t = 1; table_at(t); t++) {
    float *got = wgrad_run(table_at(t), x, dy);
    check_same(table_at(t)->name, got, want, (K + 1) * padded(N));
    free(got);
  }
  free(want);
  matrix_free(x), matrix_free(dy);
}

static void wgrad_is_right_and_the_same(void **state)
{
  (void)state;
  for (int K = 1; K <= 40; K++)
    for (int N = 1; N <= 3 * PANEL + 1; N++) check_wgrad(1 + (K * 5 + N) % 37, K, N);
  for (int rows = 1; rows <= 70; rows++) check_wgrad(rows, 1 + rows * 7 % 40, 1 + rows % 40);
  static const int sizes[][3] = {
      {127, 17, 8}, {128, 33, 16}, {129, 200, 32}, {256, 256, 25}, {300, 23, 1}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    check_wgrad(sizes[i][0], sizes[i][1], sizes[i][2]);
}

/* ------------------------------------------------------------------ one output */

/* y [rows], dw [padded K], db [1] in one stretch. */
static float *dot_run(const kernels *k, matrix x, matrix dy, const float *w, float bias)
{
  int P = padded(x.cols);
  float *out = floats(x.rows + P + 1);
  matrix y = matrix_zero(x.rows, 1);
  k->dot(y.p.x, x.p, w, bias, x.rows, x.cols);
  check_padding(y);
  for (int r = 0; r < x.rows; r++) out[r] = *element(y.p, r, 0);
  float *dw = floats(P);
  k->dot_wgrad(dw, out + x.rows + P, x.p, dy.p.x, x.rows, x.cols);
  memcpy(out + x.rows, dw, (size_t)P * sizeof *dw);
  free(dw);
  matrix_free(y);
  return out;
}

static void check_dot(int rows, int K)
{
  rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)(rows * 512 + K)));
  matrix x = matrix_random(rows, K, &s, 1.0f), dy = matrix_random(rows, 1, &s, 1.0f);
  float *w = floats(K), bias = draw(&s, 1.0f);
  fill(w, K, &s, 1.0f);
  float *want = dot_run(table_at(0), x, dy, w, bias);
  for (int r = 0; r < rows; r++) {
    double sum = (double)bias, size = fabs(sum);
    for (int k = 0; k < K; k++) {
      double term = (double)w[k] * (double)*element(x.p, r, k);
      sum += term, size += fabs(term);
    }
    check_near("dot", (double)want[r], sum, (padded(K) / PANEL + 6) * U * size);
  }
  for (int k = 0; k <= K; k++) { /* k == K: the bias */
    double sum = 0.0, size = 0.0;
    for (int r = 0; r < rows; r++) {
      double term = (double)*element(dy.p, r, 0) * (k < K ? (double)*element(x.p, r, k) : 1.0);
      sum += term, size += fabs(term);
    }
    int at = rows + (k < K ? k : padded(K));
    check_near("dot_wgrad", (double)want[at], sum, (rows + 1) * U * size);
  }
  for (int k = K; k < padded(K); k++) assert_true(want[rows + k] == 0.0f);
  for (int t = 1; table_at(t); t++) {
    float *got = dot_run(table_at(t), x, dy, w, bias);
    check_same(table_at(t)->name, got, want, rows + padded(K) + 1);
    free(got);
  }
  free(want), free(w);
  matrix_free(x), matrix_free(dy);
}

static void dot_is_right_and_the_same(void **state)
{
  (void)state;
  for (int K = 1; K <= 40; K++) check_dot(1 + K * 5 % 37, K);
  for (int rows = 1; rows <= 70; rows++) check_dot(rows, 1 + rows * 7 % 40);
  check_dot(64, 200);
  check_dot(257, 256);
}

static void nan_travels_through_gradients(void **state)
{
  (void)state;
  enum { ROWS = 6, K = 18 };
  for (int t = 0; table_at(t); t++) {
    rng_stream s = rng_stream_of(KEY);
    matrix x = matrix_random(ROWS, K, &s, 1.0f), dy = matrix_random(ROWS, PANEL, &s, 1.0f);
    matrix dy1 = matrix_random(ROWS, 1, &s, 1.0f);
    float *w = floats(K);
    *element(x.p, 4, 17) = NAN;
    *element(dy.p, 1, 5) = NAN;
    float *g = wgrad_run(table_at(t), x, dy), *d = dot_run(table_at(t), x, dy1, w, 0.0f);
    for (int k = 0; k <= K; k++)
      for (int o = 0; o < PANEL; o++) assert_int_equal(isnan(g[k * PANEL + o]), k == 17 || o == 5);
    for (int r = 0; r < ROWS; r++) assert_int_equal(isnan(d[r]), r == 4);
    for (int k = 0; k < K; k++) assert_int_equal(isnan(d[ROWS + k]), k == 17);
    free(g), free(d), free(w);
    matrix_free(x), matrix_free(dy), matrix_free(dy1);
  }
}

/* ------------------------------------------------------------------ Adam, transpose */

enum { W, M, V, DW, TARGET, ADAM_ARRAYS };

static void adam_run(const kernels *k, float *x, int n, bool with_target, const adam_step *step)
{
  k->adam(x + W * n, x + M * n, x + V * n, x + DW * n, with_target ? x + TARGET * n : NULL, n,
          step);
}

/* The step's numbers are floats: of them everything follows to a few roundings. */
static void check_adam_element(const float *was, const float *now, int n, const adam_step *s)
{
  double w = (double)was[W * n], m = (double)was[M * n], v = (double)was[V * n];
  double g = (double)was[DW * n] + (double)s->decay * w, b1 = (double)s->beta1;
  double b2 = (double)s->beta2, m1 = b1 * m + (1.0 - b1) * g, v1 = b2 * v + (1.0 - b2) * g * g;
  double size =
      b1 * fabs(m) + (1.0 - b1) * (fabs((double)was[DW * n]) + fabs((double)s->decay * w));
  check_near("adam m", (double)now[M * n], m1, 5.0 * U * size);
  check_near("adam v", (double)now[V * n], v1, 8.0 * U * v1);
  double step = (double)s->lr * m1 / (sqrt(v1) + (double)s->eps);
  double w1 = w - step, slack = (double)s->lr * 5.0 * U * size / sqrt(v1) + 8.0 * U * fabs(step);
  check_near("adam w", (double)now[W * n], w1, slack + U * fabs(w1));
  double t = (double)was[TARGET * n], t1 = t + (double)s->tau * (w1 - t);
  check_near("adam target", (double)now[TARGET * n], t1, slack + 3.0 * U * (fabs(t) + fabs(w1)));
}

static void adam_is_right_and_the_same(void **state)
{
  (void)state;
  for (int n = 16; n <= 320; n += 16) {
    adam_step step = {0.9f, 0.999f, 3e-4f, 1e-9f, n % 32 ? 0.01f : 0.0f, 0.005f};
    rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)n));
    float *was = floats(ADAM_ARRAYS * n), *want = floats(ADAM_ARRAYS * n);
    fill(was, ADAM_ARRAYS * n, &s, 1.0f);
    for (int i = 0; i < n; i++) was[V * n + i] *= was[V * n + i];
    size_t bytes = (size_t)(ADAM_ARRAYS * n) * sizeof *was;
    memcpy(want, was, bytes);
    adam_run(table_at(0), want, n, true, &step);
    for (int i = 0; i < n; i++) check_adam_element(was + i, want + i, n, &step);
    for (int t = 1; table_at(t); t++) {
      float *got = floats(ADAM_ARRAYS * n);
      memcpy(got, was, bytes);
      adam_run(table_at(t), got, n, true, &step);
      check_same(table_at(t)->name, got, want, ADAM_ARRAYS * n);
      memcpy(got, was, bytes);
      adam_run(table_at(t), got, n, false, &step); /* no target: the rest is the same */
      check_same(table_at(t)->name, got, want, TARGET * n);
      check_same(table_at(t)->name, got + TARGET * n, was + TARGET * n, n);
      free(got);
    }
    free(was), free(want);
  }
}

/* A weight whose gradient was always zero stays: 0 / (0 + eps). A NaN stays too. */
static void adam_at_zero_and_nan(void **state)
{
  (void)state;
  adam_step step = {0.9f, 0.999f, 3e-4f, 1e-9f, 0.0f, 0.005f};
  for (int t = 0; table_at(t); t++) {
    float *x = floats(ADAM_ARRAYS * PANEL);
    for (int i = 0; i < PANEL; i++) x[i] = (float)i;
    x[DW * PANEL + 3] = NAN;
    adam_run(table_at(t), x, PANEL, true, &step);
    for (int i = 0; i < PANEL; i++) {
      if (i != 3) assert_true(x[i] == (float)i);
      assert_int_equal(isnan(x[i]), i == 3);
      assert_int_equal(isnan(x[TARGET * PANEL + i]), i == 3);
    }
    free(x);
  }
}

static void transpose_is_exact(void **state)
{
  (void)state;
  for (int t = 0; table_at(t); t++)
    for (int K = 1; K <= 70; K++) {
      enum { PANELS = 3 };
      int stride = PANELS * PANEL * PANEL, n = padded(K) / PANEL * stride;
      rng_stream s = rng_stream_of(KEY);
      float *w = floats(K * PANEL), *wt = floats(n);
      fill(w, K * PANEL, &s, 1.0f);
      table_at(t)->transpose(wt, (size_t)stride, w, 1, K);
      for (int k = 0; k < K; k++)
        for (int o = 0; o < PANEL; o++) {
          float *at = wt + k / PANEL * stride + (PANEL + o) * PANEL + k % PANEL;
          assert_true(*at == w[k * PANEL + o]);
          *at = 0.0f;
        }
      for (int i = 0; i < n; i++) assert_true(wt[i] == 0.0f); /* and nothing else was written */
      free(w), free(wt);
    }
}

/* ------------------------------------------------------------------ normals */

/* Places and positions past 32 bits; tests/base/test_rng.c has the small ones against rng.c. */
static void normals_are_the_same(void **state)
{
  (void)state;
  enum { N = 200 };
  static const uint64_t starts[] = {0, 4, 64, UINT64_C(0x3fffffff0), UINT64_C(0x7ffffffffffffff0)};
  for (size_t k = 0; k < sizeof starts / sizeof *starts; k++)
    for (int t = 0; table_at(t); t++) {
      float got[N], want[4];
      table_at(t)->normals(got, N, 5, 6, UINT64_MAX - k, starts[k]);
      for (uint64_t i = 0; i < N; i += 4) {
        uint32_t w[4];
        rng_block(w, (rng_key){{5, 6}}, UINT64_MAX - k, (starts[k] + i) / 4);
        for (int pair = 0; pair < 4; pair += 2) {
          double u = ((double)(w[pair] >> 8) + 1.0) * 0x1p-24;
          double turn = 2.0 * acos(-1.0) * (double)(w[pair + 1] >> 8) * 0x1p-24;
          double r = sqrt(-2.0 * log(u));
          want[pair] = (float)(r * cos(turn)), want[pair + 1] = (float)(r * sin(turn));
        }
        /* r < 5.8, of relative error 2e-7, times a sine of absolute error 8e-8 */
        for (int j = 0; j < 4; j++)
          check_near("normal", (double)got[i + (uint64_t)j], (double)want[j], 2e-6);
      }
      if (t == 0) continue;
      float wide[N];
      table_at(0)->normals(wide, N, 5, 6, UINT64_MAX - k, starts[k]);
      check_same(table_at(t)->name, got, wide, N);
    }
}

/* ------------------------------------------------------------------ heads: the same bits */

enum { MEAN, LS, EPS, DACT, ACT, STD, DMEAN, DLS, LOGP, TANH_ARRAYS };

/* Forward and back of the tanh-Gaussian head; all arrays [A,R], one behind the other. */
static float *tanh_gauss_run(const kernels *k, const float *in, int A, int R)
{
  int n = A * R;
  float *x = floats(TANH_ARRAYS * n);
  memcpy(x, in, (size_t)(ACT * n) * sizeof *x);
  k->tanh_gauss(x + ACT * n, x + LOGP * n, x + STD * n, x + MEAN * n, x + LS * n, x + EPS * n, A, R,
                -5.0f, 2.0f);
  k->tanh_gauss_back(x + DMEAN * n, x + DLS * n, x + DACT * n, 0.3f, x + ACT * n, x + STD * n,
                     x + EPS * n, A, R);
  return x;
}

static void tanh_gauss_is_the_same(void **state)
{
  (void)state;
  for (int A = 1; A <= 9; A++)
    for (int R = 16; R <= 96; R += 16) {
      int n = A * R;
      rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)n));
      float *in = floats(ACT * n);
      fill(in, ACT * n, &s, 4.0f);
      fill(in + LS * n, n, &s, 9.0f); /* some are clipped */
      in[MEAN * n] = NAN, in[LS * n + n - 1] = NAN, in[MEAN * n + n / 2] = 1e30f;
      float *want = tanh_gauss_run(table_at(0), in, A, R);
      assert_true(isnan(want[LOGP * n]) && isnan(want[ACT * n]) && isnan(want[DMEAN * n]));
      assert_true(isnan(want[LOGP * n + R - 1]) && isnan(want[STD * n + n - 1]));
      for (int t = 1; table_at(t); t++) {
        float *got = tanh_gauss_run(table_at(t), in, A, R);
        check_same(table_at(t)->name, got, want, TANH_ARRAYS * n);
        table_at(t)->tanh_gauss(got + ACT * n, NULL, NULL, in, NULL, NULL, A, R, 0.0f, 0.0f);
        table_at(0)->tanh_gauss(got + DMEAN * n, NULL, NULL, in, NULL, NULL, A, R, 0.0f, 0.0f);
        check_same(table_at(t)->name, got + ACT * n, got + DMEAN * n, n);
        free(got);
      }
      free(want), free(in);
    }
}

typedef struct gauss {
  int rows, D;
  matrix raw;
  float *y, *max, *min;
} gauss;

static gauss gauss_make(int rows, int D, rng_stream *s)
{
  gauss j = {rows,      D,        matrix_random(rows, 2 * D, s, 3.0f), floats(rows * (D + 1)),
             floats(D), floats(D)};
  fill(j.y, rows * (D + 1), s, 3.0f);
  for (int d = 0; d < D; d++) j.max[d] = 0.5f + draw(s, 1.0f), j.min[d] = -4.0f + draw(s, 1.0f);
  return j;
}

static void gauss_free(gauss j)
{
  matrix_free(j.raw);
  free(j.y), free(j.max), free(j.min);
}

typedef struct gauss_result {
  matrix delta, var;
  float *sums, *norm2; /* sums: [4,D], without the padding */
} gauss_result;

static void fill_bounds(float *ea, float *eb, const gauss *j)
{
  for (int i = 0; i < padded(2 * j->D); i++) {
    bool variance = i >= j->D && i < 2 * j->D;
    ea[i] = variance ? fm_exp(j->min[i - j->D]) : 0.0f;
    eb[i] = variance ? fm_exp(-j->max[i - j->D]) : INFINITY;
  }
}

static gauss_result gauss_run(const kernels *k, const gauss *j)
{
  int D = j->D, Dp = padded(D);
  gauss_result out = {matrix_zero(j->rows, 2 * D), matrix_zero(j->rows, 2 * D), floats(4 * D),
                      floats(j->rows)};
  float *sums = floats(4 * Dp), *ea = floats(2 * D), *eb = floats(2 * D);
  k->gauss_nll(out.delta.p, sums, j->raw.p, j->y, (size_t)(D + 1), j->max, j->min, 0.125f, j->rows,
               D);
  for (int i = 0; i < 4; i++) memcpy(out.sums + i * D, sums + i * Dp, (size_t)D * sizeof *sums);
  fill_bounds(ea, eb, j);
  for (int r = 0; r < j->rows; r++)
    for (int c = 0; c < 2 * D; c++) *element(out.var.p, r, c) = *element(j->raw.p, r, c);
  k->gauss_var(out.var.p, out.norm2, ea, eb, j->rows, D);
  free(sums), free(ea), free(eb);
  return out;
}

static void gauss_result_free(gauss_result out)
{
  matrix_free(out.delta), matrix_free(out.var);
  free(out.sums), free(out.norm2);
}

static void check_gauss(const gauss *j)
{
  gauss_result want = gauss_run(table_at(0), j);
  for (int t = 0; table_at(t); t++) {
    gauss_result got = gauss_run(table_at(t), j);
    check_same_matrix(table_at(t)->name, got.delta, want.delta);
    check_same_matrix(table_at(t)->name, got.var, want.var);
    check_same(table_at(t)->name, got.sums, want.sums, 4 * j->D);
    check_same(table_at(t)->name, got.norm2, want.norm2, j->rows);
    check_padding(got.delta);
    check_padding(got.var);
    gauss_result_free(got);
  }
  gauss_result_free(want);
}

static void gauss_is_the_same(void **state)
{
  (void)state;
  for (int D = 1; D <= 40; D++)
    for (int rows = 1; rows <= 70; rows += 1 + D % 23) {
      rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)(D * 100 + rows)));
      gauss j = gauss_make(rows, D, &s);
      check_gauss(&j);
      gauss_free(j);
    }
  rng_stream s = rng_stream_of(KEY);
  gauss most = gauss_make(2, GAUSS_MAX, &s);
  check_gauss(&most);
  gauss_free(most);
}

static void nan_travels_through_gauss(void **state)
{
  (void)state;
  enum { ROWS = 4, D = 12, SICK = 5 };
  for (int t = 0; table_at(t); t++)
    for (int which = 0; which < 3; which++) { /* NaN in a mean, a log-variance, a target */
      rng_stream s = rng_stream_of(KEY);
      gauss j = gauss_make(ROWS, D, &s);
      if (which < 2)
        *element(j.raw.p, 2, which * D + SICK) = NAN;
      else
        j.y[2 * (D + 1) + SICK] = NAN;
      gauss_result out = gauss_run(table_at(t), &j);
      for (int r = 0; r < ROWS; r++)
        for (int d = 0; d < D; d++) {
          assert_int_equal(isnan(*element(out.delta.p, r, d)), r == 2 && d == SICK);
          assert_int_equal(isnan(*element(out.delta.p, r, D + d)), r == 2 && d == SICK);
          assert_int_equal(isnan(*element(out.var.p, r, D + d)), which == 1 && r == 2 && d == SICK);
        }
      for (int r = 0; r < ROWS; r++) assert_int_equal(isnan(out.norm2[r]), which == 1 && r == 2);
      for (int d = 0; d < D; d++) assert_int_equal(isnan(out.sums[2 * D + d]), d == SICK);
      gauss_result_free(out);
      gauss_free(j);
    }
}

/* ------------------------------------------------------------------ elementwise */

typedef void elementwise(float *y, const float *x, size_t n);
enum { ELEMENTWISE_COUNT = 5, CHUNK = 1024 };

static elementwise *function_of(const kernels *k, int i)
{
  elementwise *const all[ELEMENTWISE_COUNT] = {k->exp, k->log, k->tanh, k->softplus, k->sigmoid};
  return all[i];
}

static double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }

/* Errors of a chunk against the bounds that fmath.h and vec.h state, divided by those bounds: the
 * worst of each function into worst. Below FM_EXP_MIN everything is a smallest normal number. */
static void measure(double *worst, const kernels *k, const float *x, int n)
{
  float *y = floats(n);
  for (int f = 0; f < ELEMENTWISE_COUNT; f++) {
    function_of(k, f)(y, x, (size_t)n);
    for (int i = 0; i < n; i++) {
      double a = (double)x[i], want = 0.0, bound = 0.0;
      if (isnan(x[i])) assert_true(isnan(y[i]));
      if (!isfinite(x[i])) continue;
      switch (f) {
      case 0:
        want = exp(a), bound = 9e-8 * want;
        break;
      case 1:
        want = log(a), bound = 9e-8 * fabs(want);
        break;
      case 2:
        want = tanh(a), bound = fmin(9e-8, 1.5e-7 * fabs(want));
        break;
      case 3:
        want = softplus(a), bound = 1.1e-7 * fmax(1.0, fabs(a));
        break;
      case 4:
        want = 1.0 / (1.0 + exp(-a)), bound = 1e-7;
        break;
      }
      if (f == 0 && (x[i] > FM_EXP_MAX || x[i] < FM_EXP_MIN)) continue;
      if (f == 1 && x[i] < 1.17549435e-38f) continue;
      /* denormals have fewer bits */
      worst[f] = fmax(worst[f], fabs((double)y[i] - want) / (bound + 0x1p-149));
    }
  }
  free(y);
}

static void elementwise_errors_are_as_documented(void **state)
{
  (void)state;
  enum { STRIDE = 4999 };
  static const char *const name[] = {"exp", "log", "tanh", "softplus", "sigmoid"};
  double worst[ELEMENTWISE_COUNT] = {0};
  float *x = floats(CHUNK);
  for (uint64_t u = 0; u <= UINT32_MAX;) { /* through all exponents */
    for (int i = 0; i < CHUNK; i++, u += STRIDE) x[i] = fm_from_bits((uint32_t)u);
    measure(worst, kernels_best(), x, CHUNK);
  }
  for (int i0 = -20 * 8192; i0 < 20 * 8192; i0 += CHUNK) { /* and where they bend */
    for (int i = 0; i < CHUNK; i++) x[i] = (float)(i0 + i) / 8192.0f;
    measure(worst, kernels_best(), x, CHUNK);
  }
  for (int f = 0; f < ELEMENTWISE_COUNT; f++) {
    print_message("%-8s %.3f of its bound\n", name[f], worst[f]);
    assert_true(worst[f] < 1.0);
  }
  free(x);
}

/* All tables, and the scalar functions of base/fmath.h, over every kind of float; any n. */
static void elementwise_is_the_same(void **state)
{
  (void)state;
  float *x = floats(CHUNK), *want = floats(CHUNK), *got = floats(CHUNK);
  for (uint64_t u = 0; u <= UINT32_MAX;) {
    for (int i = 0; i < CHUNK; i++, u += 40009) x[i] = fm_from_bits((uint32_t)u);
    for (int f = 0; f < ELEMENTWISE_COUNT; f++) {
      function_of(table_at(0), f)(want, x, CHUNK);
      for (int t = 1; table_at(t); t++) {
        function_of(table_at(t), f)(got, x, CHUNK);
        check_same(table_at(t)->name, got, want, CHUNK);
      }
      for (int i = 0; i < CHUNK && f < 2; i++) {
        float scalar = f == 0 ? fm_exp(x[i]) : fm_log(x[i]);
        check_same("scalar", &want[i], &scalar, 1);
      }
    }
  }
  for (int n = 0; n <= 70; n++)
    for (int t = 0; table_at(t); t++) {
      for (int i = 0; i < CHUNK; i++) x[i] = (float)i / 7.0f, got[i] = GUARD;
      table_at(t)->tanh(got, x, (size_t)n);
      table_at(0)->tanh(want, x, CHUNK);
      check_same(table_at(t)->name, got, want, n);
      assert_true(got[padded(n)] == GUARD); /* the last panel's row may be written, no more */
    }
  free(x), free(want), free(got);
}

/* ------------------------------------------------------------------ tables */

static void the_best_comes_first(void **state)
{
  (void)state;
  int n = 0;
  while (kernels_at(n)) n++;
  assert_true(n >= 1);
  assert_ptr_equal(kernels_best(), kernels_at(0));
  assert_string_equal(kernels_at(n - 1)->name, "portable");
  assert_null(kernels_at(n + 1));
  for (int t = 0; table_at(t); t++) print_message("table %s\n", table_at(t)->name);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_comes_first),
      cmocka_unit_test(gemm_is_right_and_the_same),
      cmocka_unit_test(nan_travels_through_gemm),
      cmocka_unit_test(nan_travels_back_through_activations),
      cmocka_unit_test(wgrad_is_right_and_the_same),
      cmocka_unit_test(dot_is_right_and_the_same),
      cmocka_unit_test(nan_travels_through_gradients),
      cmocka_unit_test(adam_is_right_and_the_same),
      cmocka_unit_test(adam_at_zero_and_nan),
      cmocka_unit_test(transpose_is_exact),
      cmocka_unit_test(normals_are_the_same),
      cmocka_unit_test(tanh_gauss_is_the_same),
      cmocka_unit_test(gauss_is_the_same),
      cmocka_unit_test(nan_travels_through_gauss),
      cmocka_unit_test(elementwise_errors_are_as_documented),
      cmocka_unit_test(elementwise_is_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
