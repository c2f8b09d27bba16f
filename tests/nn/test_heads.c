/* test_heads.c - the distributions at the end of the networks, in double: values by their formulas,
 * gradients by central differences; and what becomes of them far out. */
#include "check.h"

#include "nn/kernels.h"
#include "nn/reference.h"

static const rng_key KEY = {{55, 89}};
static const double U = 0x1p-24, LOG_2PI = 1.8378770664093453;

static double softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }

/* ------------------------------------------------------------------ tanh-Gaussian */

enum { A = 3, R = 32, N = A * R };
static const float LO = -5.0f, HI = 2.0f;

typedef struct policy_head {
  float mean[N], ls[N], eps[N], dact[N], act[N], std[N], dmean[N], dls[N], logp[R];
} policy_head;

static policy_head *head_make(double spread)
{
  policy_head *h = arena_aligned(sizeof *h); /* every array is a whole number of lines */
  assert_non_null(h);
  rng_stream s = rng_stream_of(KEY);
  for (int i = 0; i < N; i++) {
    h->mean[i] = draw(&s, (float)spread), h->ls[i] = draw(&s, 3.0f);
    h->eps[i] = rng_normal(&s), h->dact[i] = draw(&s, 1.0f);
  }
  return h;
}

static void head_run(policy_head *h, float dlogp)
{
  const kernels *k = kernels_best();
  k->tanh_gauss(h->act, h->logp, h->std, h->mean, h->ls, h->eps, A, R, LO, HI);
  k->tanh_gauss_back(h->dmean, h->dls, h->dact, dlogp, h->act, h->std, h->eps, A, R);
}

/* log pi(tanh u) of one component, without a detour over tanh: log(1 - tanh^2 u) =
 * 2 (log 2 - |u| - log(1 + exp(-2 |u|))). */
static double component_logp(double mean, double ls, double eps, double *u)
{
  double l = fmin(fmax(ls, (double)LO), (double)HI);
  *u = mean + exp(l) * eps;
  return -0.5 * eps * eps - l - 0.5 * LOG_2PI -
         2.0 * (log(2.0) - fabs(*u) - log1p(exp(-2.0 * fabs(*u))));
}

/* Bounds. u carries the roundings of exp (9e-8) and of a product, tanh its own 9e-8; log pi is a
 * sum of a handful of terms, the largest of them 4 |u| (2 u inside softplus, doubled), each known
 * to two units. */
static void check_head_values(const policy_head *h)
{
  for (int r = 0; r < R; r++) {
    double logp = 0.0, bound = 0.0;
    for (int a = 0; a < A; a++) {
      int i = a * R + r;
      double u, e = (double)h->eps[i];
      logp += component_logp((double)h->mean[i], (double)h->ls[i], e, &u);
      double du = 4.0 * U * (fabs(u) + fabs(u - (double)h->mean[i]));
      check_near("action", (double)h->act[i], tanh(u), du + 2.0 * U);
      bound += 2.0 * du + 4.0 * U * (4.0 * fabs(u) + e * e + 8.0);
    }
    check_near("log pi", (double)h->logp[r], logp, bound);
  }
}

static void log_pi_is_right(void **state)
{
  (void)state;
  static const double spread[] = {0.1, 1.0, 4.0, 12.0, 100.0};
  for (size_t k = 0; k < sizeof spread / sizeof *spread; k++) {
    policy_head *h = head_make(spread[k]);
    head_run(h, 0.5f);
    check_head_values(h);
    for (int i = 0; i < N; i++) assert_true(fabsf(h->act[i]) <= 1.0f);
    free(h);
  }
}

/* At the bounds, past them, and where exp alone would overflow. */
static void log_std_is_clipped(void **state)
{
  (void)state;
  static const float ls[] = {-INFINITY, -80.0f, -5.001f, -5.0f, 2.0f, 2.001f, 80.0f, INFINITY};
  policy_head *h = head_make(1.0);
  for (int i = 0; i < N; i++) h->ls[i] = ls[i % 8];
  head_run(h, 0.5f);
  check_head_values(h);
  for (int i = 0; i < N; i++) {
    bool clipped = h->ls[i] < LO || h->ls[i] > HI;
    assert_int_equal(h->std[i] < 0.0f, clipped);
    assert_int_equal(h->dls[i] == 0.0f, clipped);
    assert_true(isfinite(h->dmean[i]) && isfinite(h->dls[i]));
  }
  free(h);
}

/* L = sum dact act + dlogp sum log pi at component i, as a function of its mean or log-std. */
typedef struct head_loss {
  double mean, ls, eps, dact, dlogp;
} head_loss;

static double loss_of_head(void *ctx)
{
  const head_loss *l = ctx;
  double u, logp = component_logp(l->mean, l->ls, l->eps, &u);
  return l->dact * tanh(u) + l->dlogp * logp;
}

/* Bound: the action is known to 2 U, and the slopes hold 1 - act^2 and 2 act; du/dls = std eps
 * multiplies them. Differences: 1e-10 of the loss's size over the step. */
static void head_gradient_is_the_slope(void **state)
{
  (void)state;
  static const float dlogp[] = {0.0f, 0.5f, -2.0f};
  for (int k = 0; k < 3; k++) {
    policy_head *h = head_make(1.5);
    for (int i = 0; i < N; i += 5) h->ls[i] = i % 2 ? 2.5f : -6.0f; /* clipped: no slope */
    head_run(h, dlogp[k]);
    for (int i = 0; i < N; i++) {
      head_loss l = {(double)h->mean[i], (double)h->ls[i], (double)h->eps[i], (double)h->dact[i],
                     (double)dlogp[k]};
      double dmean = slope(loss_of_head, &l, &l.mean, 1e-5);
      double dls = slope(loss_of_head, &l, &l.ls, 1e-5);
      double spread = fabs((double)h->std[i] * l.eps), size = fabs(l.dact) + 2.0 * fabs(l.dlogp);
      double bound = 16.0 * U * size * (1.0 + spread) + 1e-8;
      check_near("dmean", (double)h->dmean[i], dmean, bound);
      check_near("dls", (double)h->dls[i], dls, bound * (1.0 + spread) + 4.0 * U * fabs(l.dlogp));
    }
    free(h);
  }
}

/* ------------------------------------------------------------------ Gaussian with bounds */

enum { D = 12, ROWS = 9 };

typedef struct gauss_head {
  double mean[ROWS][D], lv0[ROWS][D], y[ROWS][D], max[D], min[D];
  double scale;
} gauss_head;

static double bounded(double lv0, double max, double min)
{
  double t = max - softplus(max - lv0);
  return min + softplus(t - min);
}

static double loss_of_gauss(void *ctx)
{
  const gauss_head *g = ctx;
  double sum = 0.0;
  for (int r = 0; r < ROWS; r++)
    for (int d = 0; d < D; d++) {
      double lv = bounded(g->lv0[r][d], g->max[d], g->min[d]), res = g->mean[r][d] - g->y[r][d];
      sum += res * res * exp(-lv) + lv;
    }
  return g->scale * sum;
}

static gauss_head gauss_make(float lv_center, float lv_spread)
{
  gauss_head g = {.scale = 0.125};
  rng_stream s = rng_stream_of(KEY);
  for (int r = 0; r < ROWS; r++)
    for (int d = 0; d < D; d++) {
      g.mean[r][d] = (double)draw(&s, 2.0f), g.y[r][d] = (double)draw(&s, 2.0f);
      g.lv0[r][d] = (double)(lv_center + draw(&s, lv_spread));
    }
  for (int d = 0; d < D; d++) {
    g.max[d] = (double)(0.5f + draw(&s, 0.5f));
    g.min[d] = (double)(-10.0f + draw(&s, 2.0f));
  }
  return g;
}

typedef struct gauss_out {
  matrix delta;
  float sums[4][PANEL];
} gauss_out;

/* In blocks of `block` rows, one after the other. */
static gauss_out gauss_run(const gauss_head *g, int block)
{
  gauss_out out = {matrix_zero(ROWS, 2 * D), {{0}}};
  matrix raw = matrix_zero(ROWS, 2 * D);
  float *y = floats(ROWS * D), *max = floats(D), *min = floats(D), *sums = floats(4 * PANEL);
  for (int r = 0; r < ROWS; r++)
    for (int d = 0; d < D; d++) {
      *element(raw.p, r, d) = (float)g->mean[r][d];
      *element(raw.p, r, D + d) = (float)g->lv0[r][d];
      y[r * D + d] = (float)g->y[r][d];
    }
  for (int d = 0; d < D; d++) max[d] = (float)g->max[d], min[d] = (float)g->min[d];
  for (int r = 0; r < ROWS; r += block) {
    panels from = {raw.p.x + r * PANEL, raw.p.stride};
    panels to = {out.delta.p.x + r * PANEL, out.delta.p.stride};
    kernels_best()->gauss_nll(to, sums, from, y + r * D, D, max, min, (float)g->scale, block, D);
  }
  memcpy(out.sums, sums, sizeof out.sums);
  free(y), free(max), free(min), free(sums);
  matrix_free(raw);
  return out;
}

/* Bound: weights exp(-lv) are known to 1e-6 (three exponentials and divisions of 1e-7 each), the
 * sigmoids by 1 - x to 1e-7 of 1; a slope is dL/dlv = scale (1 - q) times sigmoids. */
static void nll_is_right_and_its_slopes(void **state)
{
  (void)state;
  static const float centers[] = {-12.0f, -8.0f, -4.0f, 0.0f, 3.0f};
  for (size_t k = 0; k < sizeof centers / sizeof *centers; k++) {
    gauss_head g = gauss_make(centers[k], 3.0f);
    gauss_out out = gauss_run(&g, ROWS);
    double loss = 0.0, squares = 0.0, size = 0.0, square_sum = 0.0;
    for (int d = 0; d < D; d++) loss += (double)out.sums[2][d], squares += (double)out.sums[3][d];
    for (int d = 0; d < D; d++) {
      double dlv_size = 0.0;
      for (int r = 0; r < ROWS; r++) {
        double lv = bounded(g.lv0[r][d], g.max[d], g.min[d]), res = g.mean[r][d] - g.y[r][d];
        double q = res * res * exp(-lv), bound = 2e-6 * g.scale * (1.0 + q);
        double dmean = 2.0 * g.scale * res * exp(-lv);
        check_near("dmean", (double)*element(out.delta.p, r, d), dmean, 2e-6 * fabs(dmean));
        double dlv0 = slope(loss_of_gauss, &g, &g.lv0[r][d], 1e-4);
        check_near("dlv0", (double)*element(out.delta.p, r, D + d), dlv0, bound + 1e-8 * (1.0 + q));
        size += q + fabs(lv), square_sum += res * res;
        dlv_size += g.scale * (1.0 + q);
      }
      double dmax = slope(loss_of_gauss, &g, &g.max[d], 1e-4);
      double dmin = slope(loss_of_gauss, &g, &g.min[d], 1e-4);
      check_near("dmax", (double)out.sums[0][d], dmax, 2e-6 * dlv_size + 1e-8 * (1.0 + fabs(dmax)));
      check_near("dmin", (double)out.sums[1][d], dmin, 2e-6 * dlv_size + 1e-8 * (1.0 + fabs(dmin)));
    }
    check_near("loss", loss * g.scale, loss_of_gauss(&g), 2e-6 * g.scale * size);
    check_near("squares", squares, square_sum, 1e-6 * square_sum);
    matrix_free(out.delta);
  }
}

/* Slopes of the bounded log-variance, by hand: sigmoids, which central differences cannot follow
 * where they are below 1e-12. */
static void nll_far_out(void **state)
{
  (void)state;
  static const double far[] = {-INFINITY, -1e30, -200.0, -80.0, -61.0,
                               -59.0,     80.0,  200.0,  1e30,  INFINITY};
  gauss_head g = gauss_make(0.0f, 1.0f);
  for (int r = 0; r < ROWS; r++)
    for (int d = 0; d < D; d++) g.lv0[r][d] = far[(r * D + d) % 10];
  gauss_out out = gauss_run(&g, ROWS);
  for (int r = 0; r < ROWS; r++)
    for (int d = 0; d < D; d++) {
      double x = g.lv0[r][d], res = g.mean[r][d] - g.y[r][d];
      double var = exp(g.min[d]) + 1.0 / (exp(-g.max[d]) + exp(-x)); /* = exp of the bounded */
      double q = res * res / var;
      double inner = 1.0 / (1.0 + exp(x - g.max[d])); /* 1 - sigmoid(lv0 - max) */
      double outer = 1.0 / (1.0 + exp(g.min[d]) * (exp(-g.max[d]) + exp(-x)));
      double want = g.scale * (1.0 - q) * inner * outer;
      check_near("dmean", (double)*element(out.delta.p, r, d), 2.0 * g.scale * res / var,
                 2e-6 * fabs(2.0 * g.scale * res / var));
      check_near("dlv0", (double)*element(out.delta.p, r, D + d), want, 2e-6 * g.scale * (1.0 + q));
      assert_true(isfinite(*element(out.delta.p, r, D + d)));
    }
  for (int i = 0; i < 4; i++)
    for (int d = 0; d < D; d++) assert_true(isfinite(out.sums[i][d]));
  matrix_free(out.delta);
}

/* Sums are added to, so that blocks of rows can follow each other. */
static void sums_are_added_up(void **state)
{
  (void)state;
  gauss_head g = gauss_make(-3.0f, 2.0f);
  gauss_out once = gauss_run(&g, ROWS), blocks = gauss_run(&g, ROWS / 3);
  for (int i = 0; i < 4; i++) check_same("sums", blocks.sums[i], once.sums[i], D);
  check_same_matrix("delta", blocks.delta, once.delta);
  matrix_free(once.delta), matrix_free(blocks.delta);
}

/* ------------------------------------------------------------------ variances */

/* exp(lv) of one row of log-variances with the same bounds. */
static void run_var(float *var, float *norm2, float *mean, const double *lv0, int n, double max,
                    double min)
{
  matrix x = matrix_zero(1, 2 * n);
  float *ea = floats(2 * n), *eb = floats(2 * n), *norm = floats(1);
  for (int i = 0; i < padded(2 * n); i++) {
    bool variance = i >= n && i < 2 * n;
    ea[i] = variance ? (float)exp(min) : 0.0f, eb[i] = variance ? (float)exp(-max) : INFINITY;
  }
  for (int i = 0; i < n; i++)
    *element(x.p, 0, i) = (float)i, *element(x.p, 0, n + i) = (float)lv0[i];
  kernels_best()->gauss_var(x.p, norm, ea, eb, 1, n);
  for (int i = 0; i < n; i++) mean[i] = *element(x.p, 0, i), var[i] = *element(x.p, 0, n + i);
  *norm2 = norm[0];
  check_padding(x);
  free(ea), free(eb), free(norm);
  matrix_free(x);
}

/* exp(bounded log-variance), to three roundings and two exponentials; means stay as they are. From
 * -60 down the variance is that of -60, 1e-26 above exp(min). */
static void variances_are_right(void **state)
{
  (void)state;
  static const double lv0[] = {-INFINITY, -1e30, -100.0, -80.0, -60.0, -30.0, -10.5,
                               -10.0,     -9.0,  -5.0,   -1.0,  0.0,   0.4,   0.5,
                               0.6,       2.0,   10.0,   80.0,  100.0, 1e30,  INFINITY};
  enum { MOST = sizeof lv0 / sizeof *lv0 };
  static const double bounds[][2] = {{0.5, -10.0}, {2.0, -3.0}, {-4.0, -12.0}, {10.0, -40.0}};
  for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)
    for (int n = 1; n <= MOST; n++) {
      double max = bounds[b][0], min = bounds[b][1], sum = 0.0;
      float var[MOST], mean[MOST], norm2;
      run_var(var, &norm2, mean, lv0 + MOST - n, n, max, min);
      for (int i = 0; i < n; i++) {
        double x = fmin(fmax(lv0[MOST - n + i], -60.0), 1e3), want = exp(bounded(x, max, min));
        check_near("variance", (double)var[i], want, 1e-6 * want);
        assert_true(mean[i] == (float)i);
        sum += (double)var[i];
      }
      check_near("sum of variances", (double)norm2, sum, n * U * sum);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(log_pi_is_right),
      cmocka_unit_test(log_std_is_clipped),
      cmocka_unit_test(head_gradient_is_the_slope),
      cmocka_unit_test(nll_is_right_and_its_slopes),
      cmocka_unit_test(nll_far_out),
      cmocka_unit_test(sums_are_added_up),
      cmocka_unit_test(variances_are_right),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
