/* test_returns.c - what a policy earns depends neither on the units of its log nor on columns that
 * say nothing: measured in the machine that the log is from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "check.h"
#include "config/config.h"

enum { OWN = 2, MOST = 6, N = 1500, LENGTH = 30, SEEDS = 2 };

/* How a log is written: the machine's columns times k plus offset, then `added` others. */
typedef struct writing {
  const char *name;
  double k[OWN], offset[OWN], reward_k, reward_offset;
  int added;
} writing;

static const writing AS_IS = {"as it is", {1, 1}, {0, 0}, 1, 0, 0};
static const writing OTHERS[] = {
    {"in counts and pascal", {1e5, 1e-5}, {3e5, 101325e-5}, 1e3, -5e3, 0},
    {"with columns that say nothing", {1, 1}, {0, 0}, 1, 0, 4},
    {"both", {500, 1e3}, {101325, -1e6}, 1e-3, 7, 4},
};

/* A cart that a push moves: position, speed. The reward. */
static double move(double x[OWN], double push)
{
  double reward = -(x[0] * x[0] + 0.1 * x[1] * x[1]);
  x[1] = 0.9 * x[1] + 0.3 * push, x[0] += 0.3 * x[1];
  return reward;
}

static void start(double x[OWN], rng_stream *r)
{
  for (int j = 0; j < OWN; j++) x[j] = (double)rng_normal(r);
}

/* Constant, nearly constant, two-valued, a sensor with a large offset. */
static void look(float *obs, const double x[OWN], const writing *w, rng_stream *r)
{
  for (int j = 0; j < OWN; j++) obs[j] = (float)(x[j] * w->k[j] + w->offset[j]);
  if (!w->added) return;
  obs[OWN] = 101325.0f;
  obs[OWN + 1] = 7.0f + 1e-6f * rng_normal(r);
  obs[OWN + 2] = rng_uniform(r) < 0.5f ? 0.0f : 1.0f;
  obs[OWN + 3] = (float)(1e5 + 10 * x[0]);
}

/* A poor controller's log: it pushes the right way, weakly, with much noise. */
static mopo_dataset *log_of(const writing *w)
{
  static float obs[N * MOST], next[N * MOST], act[N], rew[N];
  static unsigned char terminal[N], timeout[N];
  const int S = OWN + w->added;
  rng_stream r = rng_stream_of(rng_seed(8)), other = rng_stream_of(rng_seed(9));
  double x[OWN] = {0};
  for (int i = 0; i < N; i++) {
    if (i % LENGTH == 0) start(x, &r);
    look(obs + i * S, x, w, &other);
    double push = -0.4 * x[0] - 0.4 * x[1] + 0.4 * (double)rng_normal(&r);
    act[i] = (float)fmax(-1.0, fmin(1.0, push));
    rew[i] = (float)(move(x, (double)act[i]) * w->reward_k + w->reward_offset);
    look(next + i * S, x, w, &other);
    terminal[i] = 0, timeout[i] = i % LENGTH == LENGTH - 1;
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, N, S, 1, obs, act, rew, next, terminal, timeout, &err),
            err);
  return d;
}

/* Mean return of forty episodes. */
static double earns(mopo_policy *p, const writing *w)
{
  enum { EPISODES = 40 };
  rng_stream r = rng_stream_of(rng_seed(10)), other = rng_stream_of(rng_seed(11));
  double sum = 0.0;
  for (int e = 0; e < EPISODES; e++) {
    double x[OWN];
    start(x, &r);
    for (int t = 0; t < LENGTH; t++) {
      float obs[MOST], act = 0.0f;
      look(obs, x, w, &other);
      if (p) mopo_policy_act(p, &act, obs, 1);
      sum += move(x, (double)act) / EPISODES;
    }
  }
  return sum;
}

static double learned(const char *algo, const char *scaler, const writing *w, int seed)
{
  mopo_error err;
  mopo_dataset *d = log_of(w);
  mopo_policy *p = NULL;
  mopo_train_result r;
  mopo_config *c = NULL;
  char number[12];
  snprintf(number, sizeof number, "%d", seed);
  const char *set[][2] = {{"task", "none"},
                          {"algo", algo},
                          {"scaler", scaler},
                          {"seed", number},
                          {"epochs", "5"},
                          {"hidden", "32"},
                          {"updates-per-epoch", "400"},
                          {"batch-size", "64"},
                          {"members", "3"},
                          {"elites", "2"},
                          {"model-hidden", "32"},
                          {"model-layers", "2"},
                          {"model-batch", "64"},
                          {"rollout-length", "5"},
                          {"rollout-batch", "400"},
                          {"model-max-epochs", "60"},
                          {"model-min-updates", "1"},
                          {"actor-lr", "1e-3"},
                          {"critic-lr", "1e-3"},
                          {"threads", "1"},
                          {"ope", "none"},
                          {"gamma", "0.9"}};
  c = mopo_config_create();
  assert_non_null(c);
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(c, set[i][0], set[i][1], &err), err);
  assert_ok(mopo_learn(&p, &r, d, NULL, NULL, c, NULL, NULL, NULL, NULL, &err), err);
  double ret = earns(p, w);
  mopo_policy_free(p);
  mopo_config_free(c);
  mopo_dataset_free(d);
  return ret;
}

/* The worst of two seeds says how far seeds lie apart; TOLERANCE is a hundredth of what doing
 * nothing costs. */
static void check(const char *algo)
{
  static const double TOLERANCE = 2.0;
  double worst = INFINITY, idle = earns(NULL, &AS_IS);
  for (int seed = 0; seed < SEEDS; seed++)
    worst = fmin(worst, learned(algo, "standard", &AS_IS, seed));
  if (!(worst > 0.1 * idle)) fail_msg("%s earns %g, idle %g", algo, worst, idle);
  for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
    double ret = learned(algo, "standard", &OTHERS[i], 0);
    if (!(ret > worst - TOLERANCE))
      fail_msg("%s, %s: %g, as it is %g or more", algo, OTHERS[i].name, ret, worst);
  }
}

static void mopo_earns_as_much(void **state) { (void)state, check("mopo"); }
static void td3bc_earns_as_much(void **state) { (void)state, check("td3bc"); }
static void iql_earns_as_much(void **state) { (void)state, check("iql"); }
static void bc_earns_as_much(void **state) { (void)state, check("bc"); }

/* Without the scale each fails: the tests above can. */
static void unscaled_it_does_not(void **state)
{
  (void)state;
  static const char *const algos[] = {"mopo", "td3bc", "iql", "bc"};
  for (size_t i = 0; i < sizeof algos / sizeof *algos; i++)
    assert_true(learned(algos[i], "none", &OTHERS[0], 0) < -20.0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mopo_earns_as_much), cmocka_unit_test(td3bc_earns_as_much),
      cmocka_unit_test(iql_earns_as_much), cmocka_unit_test(bc_earns_as_much),
      cmocka_unit_test(unscaled_it_does_not)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
