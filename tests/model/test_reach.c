/* test_reach.c - the threshold is the quantile that was asked for, of a disagreement by hand. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/reach.h"

enum { S = 3, A = 1, D = S + 1, N = 1000 };

/* Steps of spread 2 in column 0, of 1/2 in column 1; column 2 never moves. Rewards of spread 3. */
static mopo_dataset *steps(void)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  assert_ok(dataset_create(&d, N, S, A, "steps", &err), err);
  for (int i = 0; i < N; i++) {
    float *row = d->rows + (size_t)i * (size_t)d->at.width, z[4];
    float sign = i % 2 ? 1 : -1, other = i / 2 % 2 ? 1 : -1;
    rng_normals(z, 4, rng_seed(1), (uint64_t)i);
    row[0] = z[0], row[1] = z[1], row[2] = 101325, row[d->at.act] = tanhf(z[2]);
    row[d->at.rew] = 3 * sign;
    row[d->at.next] = row[0] + 2 * sign, row[d->at.next + 1] = row[1] + 0.5f * other;
    row[d->at.next + 2] = row[2];
  }
  return d;
}

typedef struct asked {
  mopo_dataset *d;
  ensemble *m;
  ensemble_work w;
  arena memory;
  par *pool;
} asked;

static asked ask(int threads)
{
  mopo_error err;
  asked a = {.d = steps()};
  ensemble_settings shape = {3, 2, 16, 2};
  assert_ok(ensemble_create(&a.m, &shape, S, A, rng_seed(2), &err), err);
  for (int e = 0; e < 3; e++)
    mlp_initialise(&a.m->net[e], MLP_GLOROT, rng_index(rng_seed(3), (uint64_t)e));
  for (int j = 0; j < S + A; j++) a.m->inverse_std[j] = j == 2 ? 0 : 1;
  ensemble_work_layout(&a.w, a.m, &a.memory);
  assert_true(arena_alloc(&a.memory));
  ensemble_work_layout(&a.w, a.m, &a.memory);
  assert_ok(par_create(&a.pool, threads, &err), err);
  return a;
}

static void answered(asked *a)
{
  par_free(a->pool);
  free(a->memory.base);
  ensemble_free(a->m);
  mopo_dataset_free(a->d);
}

static float far_of(asked *a, const reach *x, int i)
{
  const float *obs = dataset_row(a->d, i), *act = obs + a->d->at.act;
  ensemble_means(a->m, &a->w, &obs, &act, 1);
  return reach_of(x, a->m, &a->w, 0);
}

static void outputs_count_in_their_recorded_spreads(void **state)
{
  (void)state;
  mopo_error err;
  asked a = ask(1);
  reach *x = NULL;
  assert_ok(reach_create(&x, a.m, a.d, 1, a.pool, &err), err);
  static const double sigma[] = {3, 2, 0.5};
  for (int j = 0; j < 3; j++)
    assert_true(fabs((double)x->weight[j] * D * sigma[j] * sigma[j] - 1) < 1e-3);
  assert_true(x->weight[3] == 0);
  /* members that say 1, 2, 6 of the reward and one thing of the rest: variance 14/3 */
  for (int e = 0; e < 3; e++)
    for (int j = 0; j < D; j++)
      a.w.means[(size_t)(e * ENSEMBLE_ROWS * D + j)] = j ? 7 : (float[]){1, 2, 6}[e];
  assert_true(fabs((double)reach_of(x, a.m, &a.w, 0) - sqrt(14.0 / 3 / 9 / D)) < 1e-5);
  a.w.means[3] = 1e9f; /* of the column that does not move */
  assert_true(fabs((double)reach_of(x, a.m, &a.w, 0) - sqrt(14.0 / 3 / 9 / D)) < 1e-5);
  reach_free(x);
  answered(&a);
}

/* As many recorded rows are beyond it as the quantile leaves, on any number of threads. */
static void the_threshold_is_the_quantile(void **state)
{
  (void)state;
  static const double quantiles[] = {0.5, 0.9, 0.999, 1};
  mopo_error err;
  for (int k = 0; k < 4; k++) {
    asked a = ask(1 + k);
    reach *x = NULL;
    int beyond = 0;
    assert_ok(reach_create(&x, a.m, a.d, quantiles[k], a.pool, &err), err);
    for (int i = 0; i < N; i++) beyond += far_of(&a, x, i) > x->threshold;
    assert_int_equal(beyond, (int)lround((1 - quantiles[k]) * N));
    reach_free(x);
    answered(&a);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_count_in_their_recorded_spreads),
      cmocka_unit_test(the_threshold_is_the_quantile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
