/* test_sac.c - updates of soft actor-critic beside PyTorch in float64, in both orders; the same
 * bits from any number of threads and after any interruption; a bandit whose answer is known. */
#include "agent/agent.h"
#include "agent/sac.h"
#include "agent/small.h"
#include "config/config.h"
#include "nn/fixture.h"

/* ------------------------------------------------------------------ beside PyTorch */

/* As in tests/oracle/torch_fixture.py. */
enum { S = 11, A = 3, B = 20, W = 2 * S + A + 2, UPDATES = 3, STATS = 5, NETS = 3 };
static const rng_key KEY = {{0x01234567u, 0x89abcdefu}};
static const char *const NET[NETS] = {"actor", "critic1", "critic2"};

/* See tests/nn/test_torch.c for the size: sums of a few dozen products, there and back. */
static const double CLOSE = 1e-5;

static mopo_config torch_config(bool joint)
{
  mopo_config c = config_default();
  c.batch_size = B, c.hidden = 32, c.layers = 2;
  c.gamma = 0.99, c.tau = 0.005;
  c.actor_lr = joint ? 3e-4 : 1e-4, c.critic_lr = 3e-4, c.alpha_lr = joint ? 3e-4 : 1e-4;
  c.alpha_init = 1.0, c.alpha_max = 1.0, c.target_entropy = -3.0;
  c.log_std_min = joint ? -20.0 : -5.0, c.log_std_max = 2.0;
  c.critic_loss_weight = joint ? 0.5 : 1.0;
  strcpy(c.actor_schedule, "constant"), strcpy(c.init, "fan-in");
  strcpy(c.update_order, joint ? "joint" : "critic-first");
  return c;
}

static agent *torch_agent(const mopo_config *c, par *pool, fixture f)
{
  mopo_error e;
  agent *a = NULL;
  agent_setup setup = {.config = c, .S = S, .A = A, .pool = pool, .key = KEY};
  assert_ok(agent_create(&a, agent_find("mopo"), &setup, &e), e);
  agent *k = (agent *)(void *)a;
  for (int i = 0; i < NETS; i++) fixture_set(k->learner[i].net, f, NET[i]);
  fixture_set(k->learner[1].target, f, "target1");
  fixture_set(k->learner[2].target, f, "target2");
  agent_restored(a);
  return a;
}

static void check_stats(const agent_stats *got, const float *want)
{
  const double mine[STATS] = {got->critic_loss, got->actor_loss, got->alpha, got->entropy,
                              got->q_mean};
  for (int i = 0; i < STATS; i++)
    check_near("figure of an update", mine[i], (double)want[i],
               CLOSE * (1.0 + fabs((double)want[i])));
}

/* The first moments after the first step are 1 - beta1 = 0.1 of its gradients. */
static void check_gradients(const agent *k, fixture f)
{
  static const char *const grad[NETS] = {"grad.actor", "grad.critic1", "grad.critic2"};
  for (int i = 0; i < NETS; i++)
    check_block(k->learner[i].net, k->learner[i].opt.m, 10.0, f, grad[i], CLOSE);
}

/* A target moves by tau of what its critic moves; three updates on end add up. */
static void check_after(const agent *k, fixture f, double tau)
{
  static const char *const after[NETS] = {"after.actor", "after.critic1", "after.critic2"};
  static const char *const target[NETS] = {NULL, "after.target1", "after.target2"};
  for (int i = 0; i < NETS; i++) {
    const learner *l = &k->learner[i];
    check_steps(l->net, l->net->params, &l->opt, UPDATES, 1.0, f, after[i]);
    if (l->target)
      check_steps(l->net, l->target->params, &l->opt, UPDATES, UPDATES * tau, f, target[i]);
  }
  double log_alpha = (double)fixture_number(f, "after.log_alpha");
  check_near("log alpha", k->scalars[SAC_LOG_ALPHA], log_alpha, CLOSE * fabs(log_alpha));
}

static void follow_pytorch(const char *path, bool joint, int threads)
{
  mopo_error e;
  par *pool = NULL;
  fixture f = fixture_open(path);
  mopo_config c = torch_config(joint);
  assert_ok(par_create(&pool, threads, &e), e);
  agent *a = torch_agent(&c, pool, f);
  const float *rows = fixture_get(f, "batch", UPDATES * B * W);
  const float *stats = fixture_get(f, "stats", UPDATES * STATS);
  for (int u = 0; u < UPDATES; u++) {
    const float *row[B];
    for (int r = 0; r < B; r++) row[r] = rows + (u * B + r) * W;
    agent_stats got = agent_update(a, &(batch){B, row_layout_of(S, A), row});
    check_stats(&got, stats + u * STATS);
    if (u == 0) check_gradients((agent *)(void *)a, f);
  }
  check_after((agent *)(void *)a, f, c.tau);
  agent_free(a);
  par_free(pool);
  fixture_close(f);
}

static void joint_updates_are_pytorchs(void **state)
{
  (void)state;
  for (int threads = 1; threads <= 3; threads++)
    follow_pytorch(FIXTURES "/torch_sac_joint.safetensors", true, threads);
}

static void critic_first_updates_are_pytorchs(void **state)
{
  (void)state;
  for (int threads = 1; threads <= 3; threads++)
    follow_pytorch(FIXTURES "/torch_sac_critic_first.safetensors", false, threads);
}

/* What rng.h promises of place and key, drawn by a Philox of its own in Python. */
static void noise_is_philoxs(void **state)
{
  (void)state;
  enum { PADDED = 32 };
  fixture f = fixture_open(FIXTURES "/torch_sac_joint.safetensors");
  const float *want = fixture_get(f, "noise", UPDATES * 2 * A * B);
  for (int u = 0; u < UPDATES; u++) {
    float got[2 * A * PADDED];
    rng_normals(got, 2 * A * PADDED, KEY, (uint64_t)u);
    for (int j = 0; j < 2 * A; j++)
      for (int r = 0; r < B; r++) /* Box-Muller in float: tests/nn/test_kernels.c */
        check_near("noise", (double)got[j * PADDED + r], (double)want[(u * 2 * A + j) * B + r],
                   2e-6);
  }
  fixture_close(f);
}

/* ------------------------------------------------------------------ the same bits */

static small_run *chain_run(int batch_size, const char *order, int threads)
{
  mopo_config c = small_config("sac");
  mopo_error e;
  char size[16];
  snprintf(size, sizeof size, "%d", batch_size);
  assert_ok(mopo_config_set(&c, "batch-size", size, &e), e);
  assert_ok(mopo_config_set(&c, "update-order", order, &e), e);
  return small_begin(&c, small_chain(), threads);
}

static void threads_do_not_show(void **state)
{
  (void)state;
  static const int sizes[] = {1, 17, 100, 256}, threads[] = {2, 3, 8};
  static const char *const orders[] = {"joint", "critic-first"};
  for (int i = 0; i < 4; i++)
    for (int o = 0; o < 2; o++) {
      small_run *one = chain_run(sizes[i], orders[o], 1);
      small_learn(one, 8);
      for (int t = 0; t < 3; t++) {
        small_run *more = chain_run(sizes[i], orders[o], threads[t]);
        small_learn(more, 8);
        small_assert_same_state(one, more);
        small_end(more);
      }
      small_end(one);
    }
}

static void carried_over_it_goes_on(void **state)
{
  (void)state;
  mopo_config c = small_config("sac");
  small_assert_same_bits(&c);
  strcpy(c.update_order, "joint");
  config_mark(&c, "update-order");
  small_assert_same_bits(&c);
}

/* ------------------------------------------------------------------ a bandit */

/* One state, one step: r = - (a - 0.5)^2, actions drawn over all of [-1, 1]. */
static mopo_dataset *bandit(void)
{
  enum { N = 2000 };
  static float obs[N], act[N], rew[N];
  static unsigned char end[N];
  rng_stream s = rng_stream_of(rng_seed(2));
  for (int i = 0; i < N; i++) {
    act[i] = draw(&s, 1.0f);
    rew[i] = -(act[i] - 0.5f) * (act[i] - 0.5f);
    obs[i] = 1.0f, end[i] = 1;
  }
  mopo_dataset *d = NULL;
  mopo_error e;
  assert_ok(mopo_dataset_from_arrays(&d, N, 1, 1, obs, act, rew, obs, end, NULL, &e), e);
  return d;
}

/* Bounds. Q: a hundredth of the range of r, for networks this small at learning rates this high. An
 * action that Q prefers by mistake earns at most twice Q's error less than the best: its distance
 * from it is at most the root of that. The entropy is held at -3, once the temperature has fallen
 * from 1, in steps of 0.003 of its logarithm, to what balances that bend of Q: exp(-7.5), so after
 * 2500 updates at the earliest; 72 samples show it to 0.1, and the chase of it goes on. */
static void bandit_is_solved(void **state)
{
  (void)state;
  static const char *const orders[] = {"joint", "critic-first"};
  for (int o = 0; o < 2; o++) {
    mopo_config c = small_config("sac");
    mopo_error e;
    assert_ok(mopo_config_set(&c, "update-order", orders[o], &e), e);
    assert_ok(mopo_config_set(&c, "target-entropy", "-3", &e), e);
    assert_ok(mopo_config_set(&c, "alpha-lr", "3e-3", &e), e);
    small_run *s = small_begin(&c, bandit(), 1);
    small_learn(s, 5000);
    const float *rows[256];
    for (int r = 0; r < s->c.batch_size; r++) rows[r] = dataset_row(s->data, r);
    batch b = {s->c.batch_size, s->data->at, rows};
    agent_stats stats = agent_update(s->agent, &b);
    double error = 0.0;
    for (int r = 0; r < b.B; r++)
      error = fmax(error, fabs((double)(stats.q[r] - rows[r][b.at.rew])));
    double act = small_act(s, (float[]){1.0f});
    print_message("%-12s action %.3f, Q off by %.3f, alpha %.2g, entropy %.2f\n", orders[o], act,
                  error, stats.alpha, stats.entropy);
    check_near("Q", error, 0.0, 0.0225);
    check_near("action", act, 0.5, sqrt(2.0 * error));
    check_near("entropy", stats.entropy, -3.0, 0.5);
    small_end(s);
  }
}

/* ------------------------------------------------------------------ the rest of an agent */

/* A reward that is no number shows in the figures of the same update. */
static void nan_is_reported(void **state)
{
  (void)state;
  small_run *s = chain_run(72, "critic-first", 1);
  const float *rows[72];
  float sick[2 * SMALL_S + SMALL_A + 2];
  for (int r = 0; r < 72; r++) rows[r] = dataset_row(s->data, r);
  memcpy(sick, rows[40], sizeof sick);
  sick[s->data->at.rew] = NAN;
  rows[40] = sick;
  agent_stats stats = agent_update(s->agent, &(batch){72, s->data->at, rows});
  assert_true(isnan(stats.critic_loss));
  small_end(s);
}

static void actor_lr_follows_its_schedule(void **state)
{
  (void)state;
  static const char *const schedules[] = {"constant", "cosine"};
  for (int cosine = 0; cosine < 2; cosine++) {
    mopo_config c = small_config("sac");
    mopo_error e;
    assert_ok(mopo_config_set(&c, "actor-schedule", schedules[cosine], &e), e);
    small_run *s = small_begin(&c, small_chain(), 1);
    for (int i = 0; i <= 10; i++) {
      double done = i / 10.0, part = cosine ? 0.5 * (1.0 + cos(acos(-1.0) * done)) : 1.0;
      agent_progress(s->agent, done);
      check_near("learning rate", agent_actor_lr(s->agent), 1e-3 * part, 1e-9);
    }
    small_end(s);
  }
}

/* As many hidden layers as the settings allow are as many as there is room for. */
static void deepest_networks_fit(void **state)
{
  (void)state;
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    if (strcmp(s->name, "layers") == 0 || strcmp(s->name, "model-layers") == 0)
      assert_true(s->max == MLP_LAYERS - 1);
  }
  mopo_config c = small_config("sac");
  mopo_error e;
  assert_ok(mopo_config_set(&c, "layers", "7", &e), e);
  small_run *s = small_begin(&c, small_chain(), 2);
  small_learn(s, 3);
  small_end(s);
  assert_int_equal(mopo_config_set(&c, "layers", "8", &e), MOPO_EINVAL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(noise_is_philoxs),
      cmocka_unit_test(joint_updates_are_pytorchs),
      cmocka_unit_test(critic_first_updates_are_pytorchs),
      cmocka_unit_test(threads_do_not_show),
      cmocka_unit_test(carried_over_it_goes_on),
      cmocka_unit_test(bandit_is_solved),
      cmocka_unit_test(nan_is_reported),
      cmocka_unit_test(actor_lr_follows_its_schedule),
      cmocka_unit_test(deepest_networks_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
