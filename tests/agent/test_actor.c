/* test_actor.c - what the policy does at an observation, and that a row does not know which others
 * stand beside it. */
#include "check.h"

#include "agent/actor.h"
#include "base/stats.h"
#include "nn/reference.h"

static const rng_key KEY = {{3, 5}};
enum { S = 17, A = 3, HIDDEN = 40, LAYERS = 2, R = 64 };
static const float LO = -5.0f, HI = 2.0f;

typedef struct policy {
  actor actor;
  actor_work work;
  arena memory;
} policy;

static void layout(policy *p, arena *a)
{
  mlp_layout(&p->actor.net, a);
  actor_work_layout(&p->work, &p->actor, a, R);
}

static policy *policy_make(void)
{
  policy *p = calloc(1, sizeof *p);
  assert_non_null(p);
  actor_shape(&p->actor, kernels_best(), S, A, HIDDEN, LAYERS, LO, HI);
  layout(p, &p->memory);
  assert_true(arena_alloc(&p->memory));
  layout(p, &p->memory);
  mlp_initialise(&p->actor.net, MLP_FAN_IN, KEY);
  return p;
}

static void policy_free(policy *p)
{
  free(p->memory.base);
  free(p);
}

static void fill_obs(float *obs, int rows)
{
  rng_stream s = rng_stream_of(KEY);
  fill(obs, rows * S, &s, 2.0f);
}

/* ------------------------------------------------------------------ one action */

/* Bound: tests/nn/test_mlp.c's of a network of this size, 1e-5; tanh's slope is at most 1. */
static void deterministic_action_is_tanh_of_the_mean(void **state)
{
  (void)state;
  enum { ROWS = 37 };
  policy *p = policy_make();
  ref_net ref = ref_of(&p->actor.net);
  float obs[ROWS * S], act[ROWS * A];
  fill_obs(obs, ROWS);
  actor_act(&p->actor, &p->work, act, A, obs, S, ROWS, NULL);
  for (int r = 0; r < ROWS; r++) {
    double x[S], y[2 * A];
    for (int c = 0; c < S; c++) x[c] = (double)obs[r * S + c];
    ref_forward(&ref, y, x);
    for (int a = 0; a < A; a++) check_near("action", (double)act[r * A + a], tanh(y[a]), 1e-5);
  }
  ref_free(&ref);
  policy_free(p);
}

/* Strides: observations out of wider rows, actions into wider rows, nothing beside them touched. */
static void strides_are_kept(void **state)
{
  (void)state;
  enum { ROWS = 5, WIDE = S + 4, ROOM = A + 2 };
  policy *p = policy_make();
  float obs[ROWS * S], act[ROWS * A], wide[ROWS * WIDE], room[ROWS * ROOM];
  fill_obs(obs, ROWS);
  for (int i = 0; i < ROWS * WIDE; i++) wide[i] = NAN;
  for (int i = 0; i < ROWS * ROOM; i++) room[i] = GUARD;
  for (int r = 0; r < ROWS; r++) memcpy(wide + r * WIDE, obs + r * S, S * sizeof *obs);
  actor_act(&p->actor, &p->work, act, A, obs, S, ROWS, NULL);
  actor_act(&p->actor, &p->work, room, ROOM, wide, WIDE, ROWS, NULL);
  for (int r = 0; r < ROWS; r++) {
    assert_memory_equal(room + r * ROOM, act + r * A, A * sizeof *act);
    for (int i = A; i < ROOM; i++) assert_true(room[r * ROOM + i] == GUARD);
  }
  policy_free(p);
}

/* ------------------------------------------------------------------ samples */

/* A component's draws u = atanh(a) at one observation: are they normal with its mean and std? */
static void check_component(const float *act, int n, double mean, double std)
{
  enum { CELLS = 32 };
  int count[CELLS] = {0};
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < n; i++) {
    double z = (atanh((double)act[i * A]) - mean) / std;
    sum += z / n;
    squares += z * z / n;
    int cell = (int)(normal_below(z) * CELLS);
    count[cell < CELLS ? cell : CELLS - 1]++;
  }
  check_mean("mean of samples", sum, 0.0, 1.0, n);
  check_mean("variance of samples", squares, 1.0, sqrt(2.0), n);
  check_equal_chances("samples", count, CELLS);
}

/* 64 000 samples at one observation, in blocks of 64 of as many updates. */
static void samples_follow_the_gaussian(void **state)
{
  (void)state;
  enum { BLOCKS = 1000, N = BLOCKS * R };
  policy *p = policy_make();
  float obs[R * S], *act = floats(N * A);
  fill_obs(obs, 1);
  for (int r = 1; r < R; r++) memcpy(obs + r * S, obs, S * sizeof *obs);
  for (int b = 0; b < BLOCKS; b++) {
    actor_noise_at noise = {.key = KEY, .hi = (uint64_t)b, .B = R, .r0 = 0};
    actor_act(&p->actor, &p->work, act + b * R * A, A, obs, S, R, &noise);
  }
  ref_net ref = ref_of(&p->actor.net);
  double x[S], y[2 * A];
  for (int c = 0; c < S; c++) x[c] = (double)obs[c];
  ref_forward(&ref, y, x);
  for (int a = 0; a < A; a++)
    check_component(act + a, N, y[a], exp(fmin(fmax(y[A + a], (double)LO), (double)HI)));

  double product = 0.0; /* components have nothing in common */
  for (int i = 0; i < N; i++) {
    double z0 = (atanh((double)act[i * A]) - y[0]) / exp(y[A]);
    double z1 = (atanh((double)act[i * A + 1]) - y[1]) / exp(y[A + 1]);
    product += z0 * z1 / N;
  }
  check_mean("components", product, 0.0, 1.0, N);
  ref_free(&ref);
  free(act);
  policy_free(p);
}

/* Actions of B rows in pieces of `step`. */
static void act_in_pieces(policy *p, float *act, const float *obs, int B, int step, bool sample)
{
  for (int r = 0; r < B; r += step) {
    actor_noise_at noise = {.key = KEY, .hi = 9, .B = padded(B), .r0 = r};
    actor_act(&p->actor, &p->work, act + r * A, A, obs + r * S, S, B - r < step ? B - r : step,
              sample ? &noise : NULL);
  }
}

/* Pieces of 64, 32 and 16 rows, the last one shorter: the same bits. */
static void cuts_do_not_show(void **state)
{
  (void)state;
  enum { MOST = 256 };
  static const int sizes[] = {1, 16, 64, 100, 250, MOST};
  policy *p = policy_make();
  float *obs = floats(MOST * S), *want = floats(MOST * A), *got = floats(MOST * A);
  fill_obs(obs, MOST);
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    for (int sample = 0; sample < 2; sample++) {
      act_in_pieces(p, want, obs, sizes[k], 64, sample);
      for (int step = 16; step <= 32; step *= 2) {
        act_in_pieces(p, got, obs, sizes[k], step, sample);
        assert_memory_equal(got, want, (size_t)(sizes[k] * A) * sizeof *got);
      }
    }
  free(obs), free(want), free(got);
  policy_free(p);
}

/* What a larger call left in the workspace does not reach a smaller one. */
static void leftovers_do_not_show(void **state)
{
  (void)state;
  policy *fresh = policy_make(), *used = policy_make();
  float obs[R * S], sick[R * S], want[R * A], got[R * A];
  fill_obs(obs, R);
  for (int i = 0; i < R * S; i++) sick[i] = NAN;
  for (int rows = 1; rows <= 33; rows += 4) {
    actor_noise_at noise = {.key = KEY, .hi = 4, .B = 48, .r0 = 0};
    actor_act(&used->actor, &used->work, got, A, sick, S, R, &noise);
    for (int sample = 0; sample < 2; sample++) {
      actor_act(&fresh->actor, &fresh->work, want, A, obs, S, rows, sample ? &noise : NULL);
      actor_act(&used->actor, &used->work, got, A, obs, S, rows, sample ? &noise : NULL);
      assert_memory_equal(got, want, (size_t)(rows * A) * sizeof *got);
    }
  }
  policy_free(fresh), policy_free(used);
}

/* ------------------------------------------------------------------ panels */

static void values_are_put_across_panels(void **state)
{
  (void)state;
  enum { ROWS = 6, COLS = 50, N = 23 };
  for (int c0 = 0; c0 + N <= COLS; c0++) {
    matrix m = matrix_zero(ROWS, COLS), by_column = matrix_zero(ROWS, COLS);
    float values[ROWS][N + 2], columns[N * ROWS];
    const float *row[ROWS];
    for (int r = 0; r < ROWS; r++) {
      row[r] = values[r];
      for (int c = 0; c < N + 2; c++) values[r][c] = (float)(100 * r + c + 1);
      for (int c = 0; c < N; c++) columns[c * ROWS + r] = values[r][c + 2];
    }
    panels_put(m.p, 1, c0, row + 1, 2, ROWS - 1, N);
    panels_put_columns(by_column.p, 0, c0, columns, ROWS, ROWS, N);
    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < COLS; c++) {
        bool inside = c >= c0 && c < c0 + N;
        float want = inside ? values[r][c - c0 + 2] : 0.0f;
        assert_true(*element(by_column.p, r, c) == want);
        assert_true(*element(m.p, r, c) == (r ? want : 0.0f));
      }
    check_padding(m);
    matrix_free(m), matrix_free(by_column);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(deterministic_action_is_tanh_of_the_mean),
      cmocka_unit_test(strides_are_kept),
      cmocka_unit_test(samples_follow_the_gaussian),
      cmocka_unit_test(cuts_do_not_show),
      cmocka_unit_test(leftovers_do_not_show),
      cmocka_unit_test(values_are_put_across_panels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
