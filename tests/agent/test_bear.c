/* test_bear.c - the policy improves within the support of the recorded actions; updates beside
 * their equations. */
#include "agent/losses.h"
#include "update.h"

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

/* Of a latent whose log-std is beyond its bounds, [-4, 15], the draw has the bound's. */
static void latents_are_clipped(void **state)
{
  (void)state;
  const double ls[] = {-9.0, 16.0}, bound[] = {-4.0, 15.0};
  for (int i = 0; i < 2; i++) {
    float g[2], eps = (float)exp(-bound[i]);
    small_assert_near((double)loss_latent_draw(0.3f, (float)ls[i], eps), 1.3, 1e-5);
    loss_latent(&g[0], &g[1], 0.3f, (float)ls[i], eps, 0.25f, 0.7f);
    assert_true(g[1] == 0.0f);
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
  config_put(&c, "vae-hidden", 32), config_put(&c, "behaviour-lr", 2e-3);
  config_put(&c, "bear-samples", 3), config_put(&c, "bear-match", 5),
      config_put(&c, "bear-warmup", 300);
  config_put(&c, "bear-threshold", threshold), config_put(&c, "bear-lr", 1e-2);
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

/* ------------------------------------------------------------------ one update */

enum { ENCODER = CRITIC_2 + 1, DECODER, SAMPLES = 3, L = 2 * A };

typedef struct bear_update {
  update u;
  bool warm;
  double beta;
  other vae[UPDATE_B]; /* samples of the model, before the tanh; the kernel */
} bear_update;

static double latent_clip(double ls) { return fmax(-4.0, fmin(15.0, ls)); }

/* g(s, z) [A], before the tanh. */
static void decode(ref_net *decoder, double *y, const double *s, const double *z)
{
  double x[UPDATE_S + L];
  memcpy(x, s, UPDATE_S * sizeof *x);
  memcpy(x + UPDATE_S, z, L * sizeof *x);
  ref_forward(decoder, y, x);
}

/* The encoder tells m and l of (s, a), the decoder is right if it gives a back. */
static double model_loss(void *ctx)
{
  update *u = &((bear_update *)ctx)->u;
  float eps[L * UPDATE_PADDED];
  double sum = 0.0;
  update_noise(u, eps, L, rng_split(u->agent->setup.key, "latent"));
  for (int r = 0; r < UPDATE_B; r++) {
    double x[UPDATE_S + A], y[2 * L], z[L], g[A];
    memcpy(x, u->row[r].s, sizeof u->row[r].s);
    memcpy(x + UPDATE_S, u->row[r].a, sizeof u->row[r].a);
    ref_forward(&u->before.net[ENCODER], y, x);
    for (int j = 0; j < L; j++) {
      double m = y[j], l = latent_clip(y[L + j]);
      z[j] = m + exp(l) * (double)eps[j * UPDATE_PADDED + r];
      sum += 0.25 * (m * m + exp(2.0 * l) - 1.0 - 2.0 * l) / (UPDATE_B * L);
    }
    decode(&u->before.net[DECODER], g, u->row[r].s, z);
    for (int j = 0; j < A; j++) sum += squashed(&g[j], &u->row[r].a[j]) / (UPDATE_B * A);
  }
  return sum;
}

/* From the decoder that has taken its step. */
static void sample_model(bear_update *x)
{
  update *u = &x->u;
  float eps[L * UPDATE_PADDED];
  for (int m = 0; m < N; m++) {
    update_noise(u, eps, L, rng_index(rng_split(u->agent->setup.key, "decode"), (uint64_t)m));
    for (int r = 0; r < UPDATE_B; r++) {
      double z[L];
      for (int j = 0; j < L; j++) z[j] = fmax(-0.5, fmin(0.5, (double)eps[j * UPDATE_PADDED + r]));
      decode(&u->after.net[DECODER], x->vae[r].y + m * A, u->row[r].s, z);
    }
  }
}

static void fill_targets(update *u)
{
  for (int r = 0; r < UPDATE_B; r++) {
    const double *next = u->row[r].next;
    double best = -INFINITY;
    for (int i = 0; i < SAMPLES; i++) {
      sampled d = update_sample(u, &u->before.target[ACTOR], next, r, i);
      double a = update_q(&u->before.target[CRITIC_1], next, d.a);
      double b = update_q(&u->before.target[CRITIC_2], next, d.a);
      best = fmax(best, 0.75 * fmin(a, b) + 0.25 * fmax(a, b));
    }
    u->y[r] = update_discount(u, &u->row[r], best);
  }
}

/* MMD(s) of row r; *first: the sample that the critics judge. */
static double row_mmd(bear_update *x, sampled *first, int r)
{
  update *u = &x->u;
  double pi[N * A];
  for (int m = N - 1; m >= 0; m--) {
    *first = update_sample(u, &u->before.net[ACTOR], u->row[r].s, r, SAMPLES + m);
    memcpy(pi + m * A, first->u, sizeof first->u);
  }
  return mmd(pi, &x->vae[r]);
}

/* The critics have taken their step. */
static double actor_loss(void *ctx)
{
  bear_update *x = ctx;
  update *u = &x->u;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    sampled d;
    sum += x->beta * (row_mmd(x, &d, r) - config_real(&u->run->c, "bear-threshold"));
    if (x->warm) sum -= update_least_q(u, u->after.net, u->row[r].s, d.a);
  }
  return sum / UPDATE_B;
}

static double mean_mmd(bear_update *x)
{
  sampled d;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) sum += row_mmd(x, &d, r) / UPDATE_B;
  return sum;
}

static void step_and_check(bear_update *x, bool warm)
{
  update *u = &x->u;
  const double *log_beta = u->agent->scalars, m0 = log_beta[1];
  x->beta = exp(log_beta[0]), x->warm = warm;
  update_step(u);
  fill_targets(u);
  sample_model(x);
  check_figure("critic loss", u->stats.critic_loss, update_td_loss(u));
  check_figure("actor loss", u->stats.actor_loss, actor_loss(x));
  check_gradient(u, ENCODER, model_loss);
  check_gradient(u, DECODER, model_loss);
  for (int k = CRITIC_1; k <= CRITIC_2; k++) check_gradient(u, k, update_td_loss);
  check_gradient(u, ACTOR, actor_loss);
  for (int i = ACTOR; i <= CRITIC_2; i++) check_follows(u, i, u->run->c.tau);
  check_figure("slope of log beta", (log_beta[1] - 0.9 * m0) / 0.1,
               -x->beta * (mean_mmd(x) - config_real(&u->run->c, "bear-threshold")));
}

static mopo_config one_update(const char *name)
{
  mopo_config c = update_config("bear");
  config_put(&c, "vae-hidden", 16), config_put(&c, "bear-samples", SAMPLES),
      config_put(&c, "bear-match", N), config_put(&c, "bear-warmup", 1);
  config_put(&c, "bear-threshold", 0.3), config_put(&c, "bear-sigma", 2.0),
      config_put(&c, "bear-lr", 1e-2); /* sigma: kernel's */
  assert_int_equal(mopo_config_set(&c, "bear-kernel", name, NULL), MOPO_OK);
  return c;
}

/* The first update without Q, the second with it. */
static void two_updates_are_the_equations(void **state)
{
  (void)state;
  static const char *const names[] = {"gaussian", "laplacian"};
  for (int i = 0; i < 2; i++) {
    bear_update x;
    update *u = &x.u;
    mopo_config c = one_update(names[i]);
    update_begin(u, &c);
    for (int r = 0; r < UPDATE_B; r++) x.vae[r].laplacian = i == 1;
    u->agent->scalars[0] = 0.4;
    u->agent->learner[ENCODER].net->layer[2].b[L] -= 6.0f; /* one log-std below its least */
    step_and_check(&x, false);
    check_step(u, ACTOR, c.actor_lr);
    check_step(u, CRITIC_1, c.critic_lr), check_step(u, CRITIC_2, c.critic_lr);
    check_step(u, ENCODER, config_real(&c, "behaviour-lr")),
        check_step(u, DECODER, config_real(&c, "behaviour-lr"));
    step_and_check(&x, true);
    update_end(u);
  }
}

/* log beta, less than a step away from a bound, stays within [-5, 10]. */
static void the_multiplier_has_bounds(void **state)
{
  (void)state;
  const double from[] = {-5.0 + 1e-3, 10.0 - 1e-3}, to[] = {-5.0, 10.0}, threshold[] = {100.0, 0.0};
  for (int i = 0; i < 2; i++) {
    update u;
    mopo_config c = one_update("laplacian");
    config_put(&c, "bear-threshold", threshold[i]);
    update_begin(&u, &c);
    u.agent->scalars[0] = from[i];
    update_step(&u);
    assert_true(u.agent->scalars[0] == to[i]);
    update_end(&u);
  }
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = config(0.05);
  config_put(&c, "bear-warmup", 5);
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(mmd_has_this_gradient),
                                     cmocka_unit_test(vae_has_this_gradient),
                                     cmocka_unit_test(latents_are_clipped),
                                     cmocka_unit_test(the_support_is_kept),
                                     cmocka_unit_test(two_updates_are_the_equations),
                                     cmocka_unit_test(the_multiplier_has_bounds),
                                     cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
