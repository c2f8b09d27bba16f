/* test_bc.c - behaviour cloning finds mean and spread of the recorded actions. */
#include "small.h"

enum { ROWS = 5, A = 2 };

/* An actor that is only an output: values are put where its network would. */
typedef struct head {
  actor p;
  actor_work w;
  mlp_acts acts;
  mlp_grads grads;
  arena memory;
} head;

static void layout(head *h)
{
  actor_work_layout(&h->w, &h->p, &h->memory, ROWS);
  mlp_acts_layout(&h->acts, &h->p.net, &h->memory, ROWS, true);
  mlp_grads_layout(&h->grads, &h->p.net, &h->memory, ROWS);
}

static const double ACTIONS[A] = {0.3, -0.9};

/* Mean over rows of the log-likelihood of ACTIONS; x: outputs [ROWS,2A]. */
static double likelihood(const double *x, const void *ctx)
{
  (void)ctx;
  double sum = 0.0;
  for (int r = 0; r < ROWS; r++)
    for (int j = 0; j < A; j++) {
      double mean = x[r * 2 * A + j], ls = x[r * 2 * A + A + j], a = ACTIONS[j];
      ls = ls < -5.0 ? -5.0 : ls > 2.0 ? 2.0 : ls;
      double z = (atanh(a) - mean) / exp(ls);
      sum += -0.5 * z * z - ls - 0.5 * log(2.0 * 3.14159265358979) - log(1.0 - a * a);
    }
  return sum / ROWS;
}

static void likelihood_has_this_gradient(void **state)
{
  (void)state;
  head h = {0};
  float dlogp[ROWS], g[ROWS * 2 * A];
  double x[ROWS * 2 * A];
  rng_stream r = rng_stream_of(rng_seed(1));
  actor_shape(&h.p, kernels_best(), 3, A, 16, 1, -5.0f, 2.0f);
  layout(&h);
  assert_true(arena_alloc(&h.memory));
  layout(&h);
  float *out = h.acts.h[2].x;
  for (int i = 0; i < ROWS; i++) {
    for (int j = 0; j < 2 * A; j++) x[i * 2 * A + j] = (double)(0.7f * rng_normal(&r));
    if (i == 3) x[i * 2 * A + A] = 2.5; /* clipped: no gradient */
    for (int j = 0; j < 2 * A; j++) out[i * PANEL + j] = (float)x[i * 2 * A + j];
    for (int j = 0; j < A; j++) h.w.act[j * h.w.R + i] = (float)ACTIONS[j];
    dlogp[i] = 1.0f / ROWS;
  }
  actor_likelihood(&h.p, &h.w, &h.acts, 0, ROWS);
  small_assert_near(agent_mean(h.w.logp, ROWS), likelihood(x, NULL), 1e-5);
  actor_likelihood_back(&h.p, &h.w, &h.grads, 0, ROWS, dlogp);
  for (int i = 0; i < ROWS * 2 * A; i++) g[i] = h.grads.g[1].x[i / (2 * A) * PANEL + i % (2 * A)];
  small_assert_gradient(likelihood, NULL, x, g, ROWS * 2 * A);
  free(h.memory.base);
}

/* a = tanh(0.5 s + 0.2 z). */
static void mean_and_spread_are_found(void **state)
{
  (void)state;
  enum { N = 2000 };
  static float obs[N][2], act[N], rew[N];
  static unsigned char end[N];
  rng_stream r = rng_stream_of(rng_seed(2));
  for (int i = 0; i < N; i++) {
    obs[i][0] = rng_normal(&r), obs[i][1] = rng_normal(&r);
    act[i] = tanhf(0.5f * obs[i][0] + 0.2f * rng_normal(&r));
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, N, 2, 1, obs[0], act, rew, obs[0], end, NULL, &err), err);
  mopo_config c = small_config("bc");
  small_run *s = small_begin(&c, d, 1);
  agent_stats stats = small_learn(s, 4000);
  for (float x = -1.5f; x < 2.0f; x += 1.0f)
    small_assert_near(small_act(s, (float[]){x, 0.2f}), tanh(0.5 * (double)x), 0.06);
  /* -E log p: the Gaussian's entropy plus the mean of log(1 - a^2) */
  double want = log(0.2) + 0.5 * log(2.0 * 3.14159265358979) + 0.5;
  for (int i = 0; i < N; i++) want += log(1.0 - (double)(act[i] * act[i])) / N;
  small_assert_near(stats.actor_loss, want, 0.25);
  small_end(s);
}

/* Actions at the very edge have a likelihood. */
static void saturated_actions_are_finite(void **state)
{
  (void)state;
  static float obs[64], act[64], rew[64];
  static unsigned char end[64];
  for (int i = 0; i < 64; i++) act[i] = i % 2 ? 1.0f : -1.0f, obs[i] = act[i];
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, 64, 1, 1, obs, act, rew, obs, end, NULL, &err), err);
  mopo_config c = small_config("bc");
  small_run *s = small_begin(&c, d, 1);
  small_learn(s, 500);
  assert_true(small_act(s, (float[]){1.0f}) > 0.95);
  small_end(s);
}

static void same_bits(void **state)
{
  (void)state;
  mopo_config c = small_config("bc");
  small_assert_same_bits(&c);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(likelihood_has_this_gradient), cmocka_unit_test(mean_and_spread_are_found),
      cmocka_unit_test(saturated_actions_are_finite), cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
