/* test_behaviour.c - the term that holds a policy to a controller's actions: its gradient is that
 * of its equation, its weights are those of the recorded noise, and it holds. */
#include <stdio.h>

#include "update.h"

#include "agent/hold.h"

static const float WEIGHT[UPDATE_A] = {0.5f, 0.1f};

/* k of hold.h at the parameters before the update. */
static double size_of(update *u)
{
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    sampled d = update_sample(u, &u->before.net[ACTOR], u->row[r].s, r, 1);
    sum += fabs(update_least_q(u, u->before.net, u->row[r].s, d.a)) / UPDATE_B;
  }
  return fmax(sum, 1.0);
}

typedef struct held {
  update u;
  double k; /* a constant of the loss */
} held;

/* mean (alpha log pi - min Q) + k mean sum_j c_j (tanh m_j - a_j)^2; alpha is 1 at the start. */
static double loss(void *ctx)
{
  held *h = (held *)ctx;
  update *u = &h->u;
  double sum = 0.0;
  for (int r = 0; r < UPDATE_B; r++) {
    sampled d = update_sample(u, &u->before.net[ACTOR], u->row[r].s, r, 1);
    sum += (d.logp - update_least_q(u, u->before.net, u->row[r].s, d.a)) / UPDATE_B;
  }
  const mopo_dataset *data = u->run->data;
  for (int i = 0; i < BEHAVIOUR_ROWS; i++) {
    uint32_t w[4];
    double s[UPDATE_S], mean[UPDATE_A], ls[UPDATE_A];
    rng_block(w, rng_split(u->agent->setup.key, "recorded"), u->at, (uint64_t)i);
    const float *row = dataset_row(data, (int64_t)rng_word_below(w[0], w[1], UPDATE_N));
    for (int j = 0; j < UPDATE_S; j++) s[j] = (double)row[j];
    update_policy(u, &u->before.net[ACTOR], mean, ls, s);
    for (int j = 0; j < UPDATE_A; j++) {
      double off = tanh(mean[j]) - (double)row[data->at.act + j];
      sum += h->k * (double)WEIGHT[j] * off * off / BEHAVIOUR_ROWS;
    }
  }
  return sum;
}

/* lift: added to the critics, so that k is more than 1. */
static void check_term(float lift)
{
  held h;
  mopo_config c = update_config("mopo");
  snprintf(c.update_order, sizeof c.update_order, "joint");
  update_begin_held(&h.u, &c, WEIGHT);
  for (int i = CRITIC_1; i <= CRITIC_2; i++) {
    const mlp *net = h.u.agent->learner[i].net;
    net->layer[net->layers - 1].b[0] += lift;
  }
  update_step(&h.u);
  h.k = size_of(&h.u);
  assert_true(lift > 0.0f ? h.k > 2.0 : h.k < 2.0);
  check_figure("actor loss", h.u.stats.actor_loss, loss(&h));
  check_gradient(&h.u, ACTOR, loss);
  h.u.least[1][0] = h.u.least[1][1] = 0; /* the targets are another test's */
  update_end(&h.u);
}

static void the_term_is_its_equation(void **state)
{
  (void)state;
  check_term(0.0f);
  check_term(4.0f);
}

/* Of a state in [-1, 1]: a feedback, the same with noise of 0.5, nothing but noise. */
static mopo_dataset *controlled(void)
{
  enum { N = 4000 };
  static float obs[N], next[N], act[N][3], rew[N];
  static unsigned char end[N];
  rng_stream r = rng_stream_of(rng_seed(4));
  for (int i = 0; i < N; i++) {
    obs[i] = next[i] = 2.0f * rng_uniform(&r) - 1.0f;
    act[i][0] = -0.6f * obs[i];
    act[i][1] = fmaxf(-1.0f, fminf(1.0f, -0.4f * obs[i] + 0.25f * rng_normal(&r)));
    act[i][2] = 2.0f * rng_uniform(&r) - 1.0f;
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 3, obs, act[0], rew, next, end, NULL, &err), err);
  return d;
}

static void weights_are_the_noises(void **state)
{
  (void)state;
  mopo_error err;
  float weight[2][3];
  mopo_config c = small_config("mopo");
  mopo_dataset *d = controlled();
  assert_ok(mopo_config_resolve(&c, "hopper", "", 3, &err), err);
  for (int threads = 1; threads <= 2; threads++) {
    agent_setup setup = {.config = &c, .S = 1, .A = 3, .key = rng_seed(5), .data = d};
    assert_ok(par_create(&setup.pool, threads, &err), err);
    assert_ok(mopo_config_set(&c, "behaviour-term", "1", &err), err);
    assert_ok(behaviour_weights(weight[threads - 1], &setup, &err), err);
    par_free(setup.pool);
  }
  const float *w = weight[0];
  assert_memory_equal(weight[0], weight[1], sizeof weight[0]);
  small_assert_near((double)w[0], 0.5, 1e-6);
  small_assert_near((double)w[1], 0.01 / 0.0625, 0.03);
  small_assert_near((double)w[2], 0.03, 0.006); /* 0.01 / (1/3) */
  mopo_dataset_free(d);
}

/* With the term a policy stays at the recorded action where Q has nothing to say. */
static void it_holds(void **state)
{
  (void)state;
  double off[2];
  const float weight[3] = {0.5f, 0.5f, 0.0f};
  for (int on = 0; on < 2; on++) {
    mopo_config c = small_config("mopo");
    small_run *s = small_begin_held(&c, controlled(), 1, on ? weight : NULL);
    small_learn(s, 600);
    off[on] = fabs(small_act(s, (float[]){0.8f}) + 0.6 * 0.8) +
              fabs(small_act(s, (float[]){-0.8f}) - 0.6 * 0.8);
    small_end(s);
  }
  if (!(off[1] < 0.15 && off[1] < off[0])) fail_msg("%g away, %g without it", off[1], off[0]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_term_is_its_equation),
                                     cmocka_unit_test(weights_are_the_noises),
                                     cmocka_unit_test(it_holds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
