/* test_units.c - one affine scale for every log: what a column's units, spikes and stillness do. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "check.h"
#include "data/units.h"

enum { N = 4000, S = 7 };
enum { PRESSURE, STILL, GRID, HUM, SWITCH, SPIKY, RARE };

/* reward: -1 +- 0.5; ends: now and then the last row of an episode is terminal. */
static mopo_dataset *recorded(bool ends)
{
  static float obs[N][S], next[N][S], act[N], rew[N];
  static unsigned char terminal[N], timeout[N];
  rng_stream r = rng_stream_of(rng_seed(2));
  for (int i = 0; i <= N; i++) {
    float x[S] = {101325.0f + 250.0f * rng_normal(&r), 101325.0f,
                  7.0f + 1e-6f * rng_normal(&r),       7.0f + 1e-3f * rng_normal(&r),
                  i / 50 % 2 ? 12.0f : 3.0f,           rng_normal(&r),
                  i % 1000 == 7 ? 1.0f : 0.0f};
    for (int j = 0; j < S; j++) {
      if (i < N) obs[i][j] = x[j];
      if (i) next[i - 1][j] = x[j];
    }
    if (i == N) break;
    rew[i] = -1.0f + 0.5f * rng_normal(&r);
    act[i] = 0.0f, timeout[i] = i % 100 == 99, terminal[i] = ends && i % 500 == 499;
  }
  obs[77][SPIKY] = next[76][SPIKY] = 1e30f;
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(
      mopo_dataset_from_arrays(&d, N, S, 1, obs[0], act, rew, next[0], terminal, timeout, &err),
      err);
  return d;
}

static void assert_near(double x, double want, double tolerance)
{
  if (!(fabs(x - want) <= tolerance)) fail_msg("%g, want %g +- %g", x, want, tolerance);
}

static void columns(void **state)
{
  (void)state;
  mopo_error err;
  units *u = NULL;
  mopo_dataset *d = recorded(false), *in = NULL;
  assert_ok(units_fit(&u, d, false, &err), err);
  assert_near((double)u->centre[PRESSURE], 101325, 15);
  assert_near((double)u->spread[PRESSURE], 250, 10);
  assert_true(u->spread[STILL] == 0.0f && u->inverse[STILL] == 0.0f);
  assert_true(u->spread[GRID] == 0.0f); /* 1e-6 is two steps of float32 at 7 */
  assert_near((double)u->spread[HUM], 1e-3, 5e-5);
  assert_near((double)u->centre[SWITCH], 7.5, 0.1);
  assert_near((double)u->spread[SWITCH], 4.5, 0.01);
  assert_near((double)u->spread[SPIKY], 1.0, 0.15); /* one cell of 1e30 at the fence, at most */
  assert_true(u->high[SPIKY] < 40.0f);
  assert_near((double)u->spread[RARE], 0.0316, 1e-3); /* sqrt(p (1 - p)) */
  assert_ok(units_dataset(&in, u, d, &err), err);
  for (int64_t i = 0; i < N; i++) {
    const float *x = dataset_row(d, i), *y = dataset_row(in, i);
    float back[S];
    units_obs_back(u, back, y);
    for (int j = 0; j < S; j++) {
      double tolerance = (double)u->spread[j] * 1e-6 + 1e-6 * fabs((double)x[j]);
      if (!(j == SPIKY && i == 77)) assert_near((double)back[j], (double)x[j], tolerance);
    }
    assert_true(y[STILL] == 0.0f && y[GRID] == 0.0f && y[d->at.next + STILL] == 0.0f);
    assert_near(units_reward_back(u, (double)y[d->at.rew]), (double)x[d->at.rew], 1e-5);
  }
  mopo_dataset_free(in);
  mopo_dataset_free(d);
  units_free(u);
}

/* The zero of the reward says whether living on is worth it: it stays where episodes end. */
static void rewards(void **state)
{
  (void)state;
  mopo_error err;
  units *u = NULL;
  for (int ends = 0; ends < 2; ends++) {
    mopo_dataset *d = recorded(ends);
    assert_ok(units_fit(&u, d, ends, &err), err);
    assert_near((double)u->reward_centre, ends ? 0.0 : -1.0, 0.05);
    assert_near((double)u->reward_spread, ends ? sqrt(1.25) : 0.5, 0.05);
    assert_near((double)u->step_spread[0], ends ? 0.5 / sqrt(1.25) : 1.0, 0.03);
    double c = (double)u->reward_centre, s = (double)u->reward_spread;
    assert_near(units_value_back(u, 3.0, 0.9), 3.0 * s + 10.0 * c, 1e-5);
    units_free(u);
    mopo_dataset_free(d);
  }
}

/* Powers of two lose nothing: the rows inside are the same to the bit. */
static void units_do_not_matter(void **state)
{
  (void)state;
  mopo_error err;
  units *u = NULL, *v = NULL;
  mopo_dataset *d = recorded(false), *in = NULL, *in_other = NULL;
  mopo_dataset *other = recorded(false);
  for (int64_t i = 0; i < N; i++) {
    float *x = other->rows + i * d->at.width;
    for (int j = 0; j < S; j++) {
      float k = ldexpf(1.0f, j * 5 - 15);
      x[j] *= k, x[d->at.next + j] *= k;
    }
    x[d->at.rew] *= 1024.0f;
  }
  assert_ok(units_fit(&u, d, false, &err), err);
  assert_ok(units_fit(&v, other, false, &err), err);
  assert_ok(units_dataset(&in, u, d, &err), err);
  assert_ok(units_dataset(&in_other, v, other, &err), err);
  assert_memory_equal(in->rows, in_other->rows, (size_t)N * (size_t)d->at.width * sizeof(float));
  mopo_dataset *all[] = {d, other, in, in_other};
  for (int i = 0; i < 4; i++) mopo_dataset_free(all[i]);
  units_free(u);
  units_free(v);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(columns), cmocka_unit_test(rewards),
                                     cmocka_unit_test(units_do_not_matter)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
