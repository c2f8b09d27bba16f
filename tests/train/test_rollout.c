/* test_rollout.c - the rows that imagination leaves in the ring, against models whose every answer
 * is known: (s, a, r - lambda u, s', done), Yu et al. 2020, algorithm 2. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "task/task.h"
#include "train/rollout.h"

enum {
  S = 3,
  A = 2,
  D = S + 1,
  MEMBERS = 4,
  ELITES = 2,
  N = 20,       /* recorded rows */
  STARTS = 250, /* three blocks, the last of them not full */
  H = 3
};

/* What each member says of [reward, s' - s], whatever it sees. The elites, 1 and 3, differ by many
 * deviations in each. The norms of the deviations are sqrt(19), 0.5, 5 and 0.5: the greatest is
 * that of no elite, it is not that of the greatest deviations (sqrt(37)), and without the reward
 * another would be. */
static const float MEAN[MEMBERS][D] = {
    {50, 9, 9, 9}, {10, 0.5f, -0.5f, 1}, {70, 9, 9, 9}, {30, -0.5f, 1, 0}};
static const float SIGMA[MEMBERS][D] = {
    {1, 4, 1, 1}, {0.3f, 0.2f, 0.2f, 0.2828427f}, {4, 2, 2, 1}, {0.2f, 0.3f, 0.2828427f, 0.2f}};
static const double U = 5.0;

static const double GAMMA = 0.9;
static const float LOG_STD = -1; /* of the policy's actions before the tanh */

static void always(void *ctx, unsigned char *done, const float *obs, const float *act,
                   const float *next, int n)
{
  (void)ctx, (void)obs, (void)act, (void)next;
  memset(done, 1, (size_t)n);
}
/* Looks at all it is given. */
static bool passes(const float *obs, const float *act, const float *next)
{
  return next[0] > 0.5f + act[1] * obs[2];
}
static void sometimes(void *ctx, unsigned char *done, const float *obs, const float *act,
                      const float *next, int n)
{
  (void)ctx;
  for (int i = 0; i < n; i++) done[i] = passes(obs + i * S, act + i * A, next + i * S);
}

typedef struct world {
  mopo_dataset *data;
  ensemble *m;
  actor p;
  arena memory; /* of p */
} world;

static ensemble *known_model(void)
{
  mopo_error err;
  ensemble *m = NULL;
  ensemble_settings shape = {MEMBERS, ELITES, 16, 2};
  assert_ok(ensemble_create(&m, &shape, S, A, rng_seed(1), &err), err);
  for (int e = 0; e < MEMBERS; e++) {
    float w[16 * 2 * D] = {0}, b[2 * D];
    for (int d = 0; d < D; d++) b[d] = MEAN[e][d], b[D + d] = 2 * logf(SIGMA[e][d]);
    mlp_set(&m->net[e], 2, w, b);
  }
  for (int d = 0; d < D; d++) m->min[d] = -30, m->max[d] = 30; /* they bend nothing */
  ensemble_bounds_changed(m);
  m->elite[0] = 3, m->elite[1] = 1, m->elite[2] = 0, m->elite[3] = 2;
  return m;
}

static world make_world(ensemble *m)
{
  static float obs[N * S], act[N * A], rew[N];
  static unsigned char end[N];
  mopo_error err;
  world w = {.m = m};
  rng_normals(obs, N * S, rng_seed(2), 0);
  assert_ok(mopo_dataset_from_arrays(&w.data, N, S, A, obs, act, rew, obs, end, NULL, &err), err);
  actor_shape(&w.p, kernels_best(), S, A, 16, 1, -5, 2);
  mlp_layout(&w.p.net, &w.memory);
  assert_true(arena_alloc(&w.memory));
  mlp_layout(&w.p.net, &w.memory);
  mlp_initialise(&w.p.net, MLP_GLOROT, rng_seed(3));
  actor_fix_std(&w.p.net, A, LOG_STD);
  return w;
}

static void free_world(world *w)
{
  mopo_dataset_free(w->data);
  ensemble_free(w->m);
  free(w->memory.base);
}

typedef struct rolled {
  replay *ring;
  rollout_stats stats;
  double last[STARTS]; /* penalties of the last step */
  int n_last;
} rolled;

typedef void done_fn(void *ctx, unsigned char *done, const float *obs, const float *act,
                     const float *next, int n);

/* Where rollouts are cut, and what follows. */
typedef struct limits {
  const reach *reach;
  double cut_value;
  int threads;
} limits;

static rolled roll_task(const mopo_task *task, limits to, const world *w,
                        const penalty_type *penalty, double coef, uint64_t epoch)
{
  mopo_error err;
  par *pool = NULL;
  rollout *r = NULL;
  rolled out;
  rollout_settings set = {.rows = STARTS, .length = H, .cut_value = to.cut_value, .gamma = GAMMA};
  imagine g = {.m = w->m, .task = task, .penalty = penalty, .coef = coef, .reach = to.reach};
  assert_ok(par_create(&pool, to.threads, &err), err);
  assert_ok(replay_create(&out.ring, 2 * STARTS * H, w->data->at, &err), err);
  assert_ok(rollout_create(&r, &set, &g, &w->p, pool, &err), err);
  assert_ok(
      rollout_run(r, &out.stats, out.ring, w->data, &w->p, rng_seed(4), epoch, NULL, NULL, &err),
      err);
  const double *last = rollout_penalties(r, &out.n_last);
  memcpy(out.last, last, (size_t)out.n_last * sizeof *last);
  rollout_free(r);
  par_free(pool);
  assert_int_equal(out.stats.rows, replay_count(out.ring));
  return out;
}

static rolled roll_within(limits to, const world *w, done_fn *done, const penalty_type *penalty,
                          double coef, uint64_t epoch)
{
  mopo_task task = {
      .facts = {.name = "test", .obs_dim = S, .act_dim = A, .horizon = 1000, .done = done}};
  return roll_task(&task, to, w, penalty, coef, epoch);
}

static rolled roll(const world *w, done_fn *done, const penalty_type *penalty, double coef,
                   uint64_t epoch)
{
  return roll_within((limits){NULL, NAN, 2}, w, done, penalty, coef, epoch);
}

static bool near(double a, double b) { return fabs(a - b) < 1e-5 * fabs(b); }

static double mean_product(const double *a, const double *b, int n)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i] / n;
  return sum;
}

/* Are n pairs of standard normals independent? Five standard errors, as below. */
static void assert_unrelated(const double *a, const double *b, int n)
{
  assert_true(fabs(mean_product(a, b, n)) < 5 / sqrt(n));
}

/* Are z [n], of all rows in their order, draws from a standard normal, and none of them that of the
 * next row, block or step? */
static void assert_draws(const double *z, int n)
{
  static const int lags[] = {1, ENSEMBLE_ROWS, STARTS};
  double mean = 0;
  for (int i = 0; i < n; i++) mean += z[i] / n;
  assert_true(fabs(mean) < 5 / sqrt(n));
  assert_true(fabs(mean_product(z, z, n) - 1) < 5 * sqrt(2.0 / n));
  for (int k = 0; k < 3; k++) assert_unrelated(z, z + lags[k], n - lags[k]);
}

/* ------------------------------------------------------------------ r - lambda u */

/* lambda changes the reward alone: by lambda times the greatest norm of all members, downwards. */
static void the_reward_is_less_by_lambda_u(void **state)
{
  (void)state;
  static const double coefs[] = {0.5, 4};
  world w = make_world(known_model());
  row_layout at = w.data->at;
  rolled free_of_it = roll(&w, NULL, penalty_named("aleatoric"), 0, 0);
  assert_true(free_of_it.stats.penalty_mean == 0);
  for (int k = 0; k < 2; k++) {
    rolled r = roll(&w, NULL, penalty_named("aleatoric"), coefs[k], 0);
    assert_int_equal(r.stats.rows, free_of_it.stats.rows);
    for (int i = 0; i < r.stats.rows; i++) {
      const float *x = replay_row(r.ring, i), *y = replay_row(free_of_it.ring, i);
      assert_memory_equal(x, y, (size_t)at.rew * sizeof *x);
      assert_memory_equal(x + at.next, y + at.next, (size_t)(at.width - at.next) * sizeof *x);
      if (!near((double)y[at.rew] - (double)x[at.rew], coefs[k] * U))
        fail_msg("row %d: %g, without a penalty %g", i, (double)x[at.rew], (double)y[at.rew]);
    }
    assert_true(near(r.stats.penalty_mean, coefs[k] * U));
    assert_true(r.stats.reward_mean == free_of_it.stats.reward_mean);
    assert_int_equal(r.n_last, STARTS);
    for (int i = 0; i < STARTS; i++) assert_true(near(r.last[i], coefs[k] * U));
    replay_free(r.ring);
  }
  replay_free(free_of_it.ring);
  free_world(&w);
}

static void a_kind_without_a_penalty_has_none(void **state)
{
  (void)state;
  world w = make_world(known_model());
  rolled none = roll(&w, NULL, penalty_named("none"), 4, 0);
  rolled zero = roll(&w, NULL, penalty_named("aleatoric"), 0, 0);
  assert_memory_equal(replay_data(none.ring), replay_data(zero.ring),
                      (size_t)none.stats.rows * (size_t)w.data->at.width * sizeof(float));
  replay_free(none.ring), replay_free(zero.ring);
  free_world(&w);
}

/* Each row takes reward and next state from one and the same elite, as often the one as the other:
 * the rewards tell which. Without a penalty they are the draws themselves. */
static void rewards_and_next_states_are_an_elites_draws(void **state)
{
  (void)state;
  world w = make_world(known_model());
  row_layout at = w.data->at;
  rolled r = roll(&w, NULL, penalty_named("aleatoric"), 0, 0);
  int n = STARTS * H, of_3 = 0;
  double z[D][STARTS * H], reward = 0;
  assert_int_equal(r.stats.rows, n);
  for (int i = 0; i < n; i++) {
    const float *x = replay_row(r.ring, i);
    int e = x[at.rew] > 20 ? 3 : 1;
    for (int d = 0; d < D; d++) {
      float y = d ? x[at.next + d - 1] - x[d - 1] : x[at.rew];
      z[d][i] = ((double)y - (double)MEAN[e][d]) / (double)SIGMA[e][d];
    }
    of_3 += e == 3, reward += (double)x[at.rew] / n;
  }
  for (int d = 0; d < D; d++) assert_draws(z[d], n);
  for (int d = 1; d < D; d++) assert_unrelated(z[d - 1], z[d], n);
  assert_true(fabs(of_3 - 0.5 * n) < 5 * 0.5 * sqrt(n));
  assert_true(near(r.stats.reward_mean, reward));
  replay_free(r.ring);
  free_world(&w);
}

/* A model that sees: two members of random weights, hardly any noise, u the distance of the elite's
 * mean from the mean of both. */
static ensemble *seeing_model(void)
{
  mopo_error err;
  ensemble *m = NULL;
  ensemble_settings shape = {2, 1, 16, 2};
  assert_ok(ensemble_create(&m, &shape, S, A, rng_seed(5), &err), err);
  for (int e = 0; e < 2; e++)
    mlp_initialise(&m->net[e], MLP_GLOROT, rng_index(rng_seed(6), (uint64_t)e));
  for (int d = 0; d < D; d++) m->min[d] = -60, m->max[d] = -30;
  ensemble_bounds_changed(m);
  return m;
}

/* In whichever block a row was, its model and its penalty are those of its own state and action. */
static void every_row_is_imagined_from_its_own_state_and_action(void **state)
{
  (void)state;
  const double coef = 2;
  world w = make_world(seeing_model());
  row_layout at = w.data->at;
  ensemble_work work;
  arena memory = {0};
  ensemble_work_layout(&work, w.m, &memory);
  assert_true(arena_alloc(&memory));
  ensemble_work_layout(&work, w.m, &memory);
  rolled r = roll(&w, NULL, penalty_named("ensemble-diff"), coef, 0);
  double least = INFINITY, most = 0, mean = 0;
  for (int i = 0; i < r.stats.rows; i++) {
    const float *x = replay_row(r.ring, i), *act = x + at.act;
    float next[S], *to = next, rew, u;
    ensemble_draw draw = {rng_seed(7), rng_seed(8), 0, 0};
    ensemble_step(w.m, &work, &to, &rew, &u, &x, &act, 1, penalty_named("ensemble-diff"), &draw);
    for (int j = 0; j < S; j++) assert_true(fabsf(x[at.next + j] - next[j]) < 1e-5f);
    assert_true(fabs((double)x[at.rew] - ((double)rew - coef * (double)u)) < 1e-5);
    least = fmin(least, (double)u), most = fmax(most, (double)u);
    mean += coef * (double)u / (double)r.stats.rows;
  }
  assert_true(most - least > 0.1); /* no row could stand for another */
  assert_true(near(r.stats.penalty_mean, mean));
  free(memory.base);
  replay_free(r.ring);
  free_world(&w);
}

/* ------------------------------------------------------------------ s, a, done */

/* Rows of a step are those of the step before that went on, in their order, each where it came to;
 * h steps, fewer where none is left. */
static void steps_are_chained_until_the_task_ends(void **state)
{
  (void)state;
  world w = make_world(known_model());
  row_layout at = w.data->at;
  rolled r = roll(&w, sometimes, penalty_named("aleatoric"), 1, 0);
  const float *from[STARTS] = {NULL}; /* where the live rows are; NULL: wherever they began */
  int live = STARTS, before = 0;
  int64_t row = 0, ended = 0;
  for (int t = 0; t < H; t++) {
    int n = before = live;
    live = 0;
    assert_true(row + n <= r.stats.rows);
    for (int i = 0; i < n; i++) {
      const float *x = replay_row(r.ring, row++), *next = x + at.next;
      if (from[i]) assert_memory_equal(x, from[i], S * sizeof *x);
      bool done = passes(x, x + at.act, next);
      assert_true(x[at.done] == (done ? 1.0f : 0.0f));
      ended += done;
      if (!done) from[live++] = next; /* live <= i: the places still to be compared are beyond */
    }
    assert_true(live > 0 && live < n); /* some end, some go on */
  }
  assert_int_equal(r.stats.rows, row);
  assert_int_equal(r.stats.terminals, ended);
  assert_int_equal(r.n_last, before);
  replay_free(r.ring);

  r = roll(&w, always, penalty_named("aleatoric"), 1, 0);
  assert_int_equal(r.stats.rows, STARTS);
  assert_int_equal(r.stats.terminals, STARTS);
  assert_true(near(r.stats.penalty_mean, U));
  replay_free(r.ring);

  r = roll(&w, NULL, penalty_named("aleatoric"), 1, 0);
  assert_int_equal(r.stats.rows, STARTS * H);
  assert_int_equal(r.stats.terminals, 0);
  replay_free(r.ring);
  free_world(&w);
}

/* Which recorded row is it? */
static int recorded(const mopo_dataset *d, const float *obs)
{
  for (int i = 0; i < N; i++)
    if (!memcmp(dataset_row(d, i), obs, S * sizeof *obs)) return i;
  return -1;
}

/* 12.5 starts from each of 20 rows; the chance that one has none is 20 e^-12.5. An epoch has its
 * own draws, the same whenever it is asked. */
static void rollouts_start_from_recorded_states(void **state)
{
  (void)state;
  world w = make_world(known_model());
  rolled r[3];
  size_t bytes = (size_t)(STARTS * H * w.data->at.width) * sizeof(float);
  int starts[N] = {0}, other = 0;
  for (int k = 0; k < 3; k++) r[k] = roll(&w, NULL, penalty_named("aleatoric"), 1, k == 1);
  for (int i = 0; i < STARTS; i++) {
    int from = recorded(w.data, replay_row(r[0].ring, i));
    assert_true(from >= 0);
    starts[from]++;
    other += from != recorded(w.data, replay_row(r[1].ring, i));
  }
  for (int i = 0; i < N; i++) assert_true(starts[i] > 0 && starts[i] < 3 * STARTS / N);
  assert_true(other > STARTS / 2);
  assert_memory_equal(replay_data(r[0].ring), replay_data(r[2].ring), bytes);
  for (int k = 0; k < 3; k++) replay_free(r[k].ring);
  free_world(&w);
}

/* a = tanh(mean(s) + std eps), eps anew for every row, step and component. */
static void actions_are_the_policys_own(void **state)
{
  (void)state;
  world w = make_world(known_model());
  row_layout at = w.data->at;
  actor_work work;
  arena memory = {0};
  actor_work_layout(&work, &w.p, &memory, 1);
  assert_true(arena_alloc(&memory));
  actor_work_layout(&work, &w.p, &memory, 1);
  rolled r = roll(&w, NULL, penalty_named("aleatoric"), 1, 0);
  int n = STARTS * H;
  double z[A][STARTS * H];
  assert_int_equal(r.stats.rows, n);
  for (int i = 0; i < n; i++) {
    const float *x = replay_row(r.ring, i);
    float mean[A];
    actor_act(&w.p, &work, mean, A, x, S, 1, NULL);
    for (int j = 0; j < A; j++) {
      double a = (double)x[at.act + j];
      assert_true(a >= -1 && a <= 1);
      z[j][i] = (atanh(a) - atanh((double)mean[j])) / exp((double)LOG_STD);
    }
  }
  for (int j = 0; j < A; j++) assert_draws(z[j], n);
  assert_unrelated(z[0], z[1], n);
  free(memory.base);
  replay_free(r.ring);
  free_world(&w);
}

/* ------------------------------------------------------------------ the model's reach */

static bool same_state(const float *a, const float *b) { return !memcmp(a, b, S * sizeof *a); }

/* Every step is of all rows. A place goes on where its row came to, unless that is terminal or
 * beyond the reach: then at a recorded state. */
static void a_place_that_is_cut_or_ended_begins_anew(void **state)
{
  (void)state;
  world w = make_world(seeing_model());
  row_layout at = w.data->at;
  float weight[D] = {1, 0.5f, 0, 2};
  reach x = {.weight = weight, .threshold = 0.3f};
  ensemble_work work;
  arena memory = {0};
  ensemble_work_layout(&work, w.m, &memory);
  assert_true(arena_alloc(&memory));
  ensemble_work_layout(&work, w.m, &memory);
  x.threshold = 0;
  for (int i = 0; i < N; i++) { /* the mean of the recorded rows */
    const float *row = dataset_row(w.data, i), *act = row + at.act;
    ensemble_means(w.m, &work, &row, &act, 1);
    x.threshold += reach_of(&x, w.m, &work, 0) / N;
  }
  rolled r = roll_within((limits){&x, NAN, 2}, &w, sometimes, penalty_named("aleatoric"), 1, 0);
  assert_int_equal(r.stats.rows, STARTS * H);
  int cut = 0, ended = 0, anew = 0;
  for (int i = 0; i < STARTS * H; i++) {
    const float *row = replay_row(r.ring, i), *act = row + at.act;
    bool done = passes(row, act, row + at.next);
    ensemble_means(w.m, &work, &row, &act, 1);
    bool far = reach_of(&x, w.m, &work, 0) > x.threshold;
    assert_true(row[at.done] == (done ? 1.0f : 0.0f)); /* a cut row bootstraps */
    cut += far && !done, ended += done;
    if (i >= STARTS * (H - 1)) continue;
    const float *then = replay_row(r.ring, i + STARTS);
    anew += far || done;
    if (far || done)
      assert_true(recorded(w.data, then) >= 0);
    else
      assert_true(same_state(then, row + at.next));
  }
  assert_true(cut > STARTS / 4 && cut + ended < STARTS * H - STARTS / 4 && ended > 0);
  assert_int_equal(r.stats.cut, cut);
  assert_int_equal(r.stats.terminals, ended);
  assert_true(r.stats.begun >= STARTS + anew);
  free(memory.base);
  replay_free(r.ring);
  free_world(&w);
}

/* Nothing is beyond an infinite reach, and then the rows are those of rollouts without one. */
static void a_reach_without_end_changes_nothing(void **state)
{
  (void)state;
  world w = make_world(known_model());
  float weight[D] = {1, 1, 1, 1};
  reach x = {.weight = weight, .threshold = INFINITY};
  rolled within = roll_within((limits){&x, -5, 2}, &w, NULL, penalty_named("aleatoric"), 1, 0);
  rolled plain = roll(&w, NULL, penalty_named("aleatoric"), 1, 0);
  assert_memory_equal(replay_data(within.ring), replay_data(plain.ring),
                      (size_t)plain.stats.rows * (size_t)w.data->at.width * sizeof(float));
  assert_int_equal(within.stats.cut, 0);
  assert_true(near(within.stats.u_young, U) && near(within.stats.u_old, U));
  replay_free(within.ring), replay_free(plain.ring);
  free_world(&w);
}

/* A cut row bootstraps, or is terminal and worth what is said: nothing else is other. */
static void a_cut_row_may_be_worth_the_least(void **state)
{
  (void)state;
  world w = make_world(known_model());
  row_layout at = w.data->at;
  float weight[D] = {1, 1, 1, 1};
  reach x = {.weight = weight, .threshold = 0};
  rolled open = roll_within((limits){&x, NAN, 2}, &w, NULL, penalty_named("aleatoric"), 1, 0);
  rolled least = roll_within((limits){&x, -40, 2}, &w, NULL, penalty_named("aleatoric"), 1, 0);
  assert_int_equal(open.stats.cut, STARTS * H);
  assert_int_equal(open.stats.begun, STARTS * H + STARTS);
  assert_true(open.stats.reward_mean == least.stats.reward_mean);
  for (int i = 0; i < STARTS * H; i++) {
    const float *a = replay_row(open.ring, i), *b = replay_row(least.ring, i);
    assert_memory_equal(a, b, (size_t)at.rew * sizeof *a);
    assert_true(a[at.done] == 0 && b[at.done] == 1);
    assert_true(fabs((double)(a[at.rew] - b[at.rew]) - 40 * GAMMA) < 1e-4);
    assert_true(recorded(w.data, a) >= 0);
  }
  replay_free(open.ring), replay_free(least.ring);
  free_world(&w);
}

static void refilled_rollouts_have_the_same_bits_on_any_threads(void **state)
{
  (void)state;
  world w = make_world(seeing_model());
  float weight[D] = {1, 0.5f, 0, 2};
  reach x = {.weight = weight, .threshold = 0.3f};
  rolled one = roll_within((limits){&x, NAN, 1}, &w, sometimes, penalty_named("aleatoric"), 1, 3);
  assert_true(one.stats.cut > 0 && one.stats.cut < STARTS * H);
  for (int threads = 2; threads < 5; threads++) {
    rolled r =
        roll_within((limits){&x, NAN, threads}, &w, sometimes, penalty_named("aleatoric"), 1, 3);
    assert_memory_equal(replay_data(r.ring), replay_data(one.ring),
                        (size_t)(STARTS * H * w.data->at.width) * sizeof(float));
    assert_memory_equal(&r.stats, &one.stats, sizeof r.stats);
    replay_free(r.ring);
  }
  replay_free(one.ring);
  free_world(&w);
}

/* A task file's switch is -1 or 1 in every imagined row, the other action in between, and passing
 * its limit ends a row with the least reward. */
static void a_task_file_is_followed(void **state)
{
  static const char text[] = "[task]\nname = t\nobservations = a, b, c\nactions = p, q\n"
                             "q = off, on\nlimit = a < before.a + 0.5\n";
  (void)state;
  mopo_error err;
  mopo_task *t = NULL;
  world w = make_world(known_model());
  assert_ok(task_parse(&t, text, sizeof text - 1, "t.ini", &err), err);
  task_end_at_limit(t, -77.0f);
  rolled r = roll_task(t, (limits){NULL, NAN, 2}, &w, penalty_named("none"), 0, 0);
  int on = 0, between = 0, passed = 0, n = (int)replay_count(r.ring);
  for (int i = 0; i < n; i++) {
    const float *x = replay_row(r.ring, i);
    const row_layout at = w.data->at;
    assert_true(x[at.act + 1] == 1.0f || x[at.act + 1] == -1.0f);
    on += x[at.act + 1] == 1.0f, between += fabsf(x[at.act]) < 1.0f;
    bool over = !((double)x[at.next] < (double)x[0] + 0.5);
    assert_true(x[at.done] == (over ? 1.0f : 0.0f));
    if (over) assert_true(x[at.rew] == -77.0f);
    passed += over;
  }
  assert_true(on > 0 && on < n && between == n && passed > 0 && passed < n);
  replay_free(r.ring);
  mopo_task_free(t);
  free_world(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_reward_is_less_by_lambda_u),
      cmocka_unit_test(a_kind_without_a_penalty_has_none),
      cmocka_unit_test(rewards_and_next_states_are_an_elites_draws),
      cmocka_unit_test(every_row_is_imagined_from_its_own_state_and_action),
      cmocka_unit_test(steps_are_chained_until_the_task_ends),
      cmocka_unit_test(rollouts_start_from_recorded_states),
      cmocka_unit_test(actions_are_the_policys_own),
      cmocka_unit_test(a_place_that_is_cut_or_ended_begins_anew),
      cmocka_unit_test(a_task_file_is_followed),
      cmocka_unit_test(a_reach_without_end_changes_nothing),
      cmocka_unit_test(a_cut_row_may_be_worth_the_least),
      cmocka_unit_test(refilled_rollouts_have_the_same_bits_on_any_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
