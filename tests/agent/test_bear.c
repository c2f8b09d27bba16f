/* test_bear.c - the policy improves within the support of the recorded actions. */
#include "agent/losses.h"
#include "small.h"

enum { N = 5, A = 2 };

typedef struct other {
  double y[N * A];
  bool laplacian;
} other;

static double kernel(const double *x, const double *y, bool laplacian)
{
  double sum = 0.0;
  for (int j = 0; j < A; j++) sum += laplacian ? fabs(x[j] - y[j]) : (x[j] - y[j]) * (x[j] - y[j]);
  return exp(-sum / (2.0 * 2.0));
}

static double mmd(const double *x, const void *ctx)
{
  const other *o = ctx;
  double sum = 0.0;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < N; k++)
      sum += kernel(x + i * A, x + k * A, o->laplacian) +
             kernel(o->y + i * A, o->y + k * A, o->laplacian) -
             2.0 * kernel(x + i * A, o->y + k * A, o->laplacian);
  return sqrt(sum / (N * N) + 1e-6);
}

static void mmd_has_this_gradient(void **state)
{
  (void)state;
  rng_stream r = rng_stream_of(rng_seed(8));
  for (int laplacian = 0; laplacian < 2; laplacian++) {
    other o = {.laplacian = laplacian};
    double x[N * A];
    float fx[N * A], fy[N * A], g[N * A];
    for (int i = 0; i < N * A; i++) {
      x[i] = (double)(fx[i] = rng_normal(&r));
      o.y[i] = (double)(fy[i] = 0.5f + rng_normal(&r));
    }
    small_assert_near((double)loss_mmd(g, fx, fy, N, A, 2.0f, laplacian), mmd(x, &o), 1e-5);
    small_assert_gradient(mmd, &o, x, g, N * A);
    assert_true(loss_mmd(g, fx, fx, N, A, 2.0f, laplacian) < 2e-3f); /* of itself: as good as 0 */
  }
}

/* One latent of the VAE: x = (mean, log-std), behind it a decoder of slope 0.7. */
static double latent(const double *x, const void *ctx)
{
  double eps = *(const double *)ctx, std = exp(x[1]);
  double kl = 0.5 * (x[0] * x[0] + std * std - 1.0 - 2.0 * x[1]);
  return 0.25 * kl + 0.7 * (x[0] + std * eps);
}

static double squashed(const double *u, const void *ctx)
{
  double off = tanh(u[0]) - *(const double *)ctx;
  return off * off;
}

static void vae_has_this_gradient(void **state)
{
  (void)state;
  const double x[][2] = {{0.4, -0.3}, {-1.1, 0.5}}, eps[] = {0.8, -1.3}, a[] = {0.2, -0.9};
  for (int i = 0; i < 2; i++) {
    float g[2] = {0}, du;
    loss_latent(&g[0], &g[1], (float)x[i][0], (float)x[i][1], (float)eps[i], 0.25f, 0.7f);
    small_assert_gradient(latent, &eps[i], x[i], g, 2);
    small_assert_near((double)loss_latent_draw((float)x[i][0], (float)x[i][1], (float)eps[i]),
                      x[i][0] + exp(x[i][1]) * eps[i], 1e-5);
    loss_squashed(&du, (float)x[i][0], (float)a[i]);
    small_assert_gradient(squashed, &a[i], &x[i][0], &du, 1);
  }
}

static mopo_config config(double threshold)
{
  mopo_config c = small_config("bear");
  c.vae_hidden = 32, c.behaviour_lr = 2e-3;
  c.bear_samples = 3, c.bear_match = 5, c.bear_warmup = 300;
  c.bear_threshold = threshold, c.bear_lr = 1e-2;
  return c;
}

static double taught(double threshold, double *beta)
{
  mopo_config c = config(threshold);
  small_run *s = small_begin(&c, small_chain(), 1);
  *beta = small_learn(s, 2000).alpha;
  double x = small_chain_x(s);
  small_end(s);
  return x;
}

/* Q grows beyond all that was recorded: held loosely the policy runs there, held tightly it stays.
 */
static void the_support_is_kept(void **state)
{
  (void)state;
  double beta[2];
  double tight = taught(0.1, &beta[0]), loose = taught(5.0, &beta[1]);
  assert_true(tight > 0.3 && tight < 0.75);
  assert_true(loose > 0.85);
  assert_true(beta[0] > 2.0 && beta[1] < 0.1); /* the dual variable has found out */
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = config(0.05);
  c.bear_warmup = 5;
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mmd_has_this_gradient), cmocka_unit_test(vae_has_this_gradient),
      cmocka_unit_test(the_support_is_kept), cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
