/* test_quality.c - how much of each step a model explains, and what it does not count as doubt; a
 * model in scaled units as a file. */
#include "linear.h"

#include <math.h>
#include <string.h>

#include "data/units.h"
#include "model/fit.h"
#include "model/imagine.h"

static const fit_settings SET = {.batch = 64,
                                 .patience = 5,
                                 .max_epochs = 25,
                                 .holdout_max = 1000,
                                 .lr = 1e-3,
                                 .decay = 1,
                                 .improvement = 0.01,
                                 .holdout_ratio = 0.2};
static const ensemble_settings SHAPE = {3, 2, 24, 2};

/* Variance of each output over obs N(0, 1) and act uniform in -1..1, noise left out. */
static const double MOVES[] = {1.0 + 1.0 / 3, 0.0125 + 1.0 / 300, 0.0104 + 1.0 / 300,
                               0.0043 + 2.0 / 300};

/* The linear dataset with column 2 in pascal; scaled: in the units that it was fitted to. */
static ensemble *fitted(fit_result *r, units **u, bool scaled)
{
  mopo_error err;
  par *pool = NULL;
  ensemble *m = NULL;
  mopo_dataset *d = linear_dataset(5000, 7), *in = d;
  for (int64_t i = 0; scaled && i < d->N; i++) {
    float *x = d->rows + i * d->at.width;
    x[1] = 101325.0f + 500.0f * x[1];
    x[d->at.next + 1] = 101325.0f + 500.0f * x[d->at.next + 1];
  }
  assert_ok(par_create(&pool, 2, &err), err);
  assert_ok(ensemble_create(&m, &SHAPE, LINEAR_S, LINEAR_A, rng_seed(1), &err), err);
  if (scaled) {
    assert_ok(units_fit(u, d, false, &err), err);
    assert_ok(units_dataset(&in, *u, d, &err), err);
    assert_ok(ensemble_set_units(m, *u, &err), err);
  }
  assert_ok(ensemble_fit(m, r, in, &SET, pool, rng_seed(2), NULL, &err), err);
  if (in != d) mopo_dataset_free(in);
  mopo_dataset_free(d);
  par_free(pool);
  return m;
}

/* r2 is 1 - noise / (moves + noise), less what the fit misses. */
static void check_r2(const double *r2)
{
  for (int d = 0; d <= LINEAR_S; d++) {
    double noise = (double)LINEAR_NOISE * (double)LINEAR_NOISE;
    double want = 1.0 - noise / (MOVES[d] + noise);
    if (!(r2[d] < want + 0.03 && r2[d] > want - 0.08)) fail_msg("%d: %g, want %g", d, r2[d], want);
  }
}

static void explains(void **state)
{
  (void)state;
  fit_result r;
  units *u = NULL;
  ensemble *m = fitted(&r, NULL, false);
  check_r2(r.r2);
  for (int d = 0; d <= LINEAR_S; d++) assert_true(m->known[d] == 0.0f);
  ensemble_free(m);
  m = fitted(&r, &u, true);
  check_r2(r.r2);
  for (int d = 0; d <= LINEAR_S; d++) { /* the noise as a share of the step; the reward's is tiny */
    double share = (double)m->known[d] / (1.0 - r.r2[d]);
    if (d && !(share > 0.7 && share < 1.5)) fail_msg("%d: %g of the error is known", d, share);
  }
  ensemble_free(m);
  units_free(u);
}

typedef struct said {
  float next[LINEAR_S], rew, u;
} said;

static said step(const ensemble *m, const float *obs)
{
  said s;
  arena a = {0};
  ensemble_work w;
  const float act[LINEAR_A] = {0.1f, -0.2f}, *act_at = act;
  float *next = s.next;
  ensemble_draw draw = {rng_seed(4), rng_seed(5), 0, 0};
  ensemble_work_layout(&w, m, &a);
  assert_true(arena_alloc(&a));
  ensemble_work_layout(&w, m, &a);
  ensemble_step(m, &w, &next, &s.rew, &s.u, &obs, &act_at, 1, penalty_named("aleatoric"), &draw);
  free(a.base);
  return s;
}

static void is_a_file(void **state)
{
  (void)state;
  mopo_error err;
  fit_result r;
  units *u = NULL;
  ensemble *m = fitted(&r, &u, true), *back = NULL;
  const float here[LINEAR_S] = {0.2f, -0.1f, 0.3f};
  assert_ok(ensemble_save(m, "quality_model.safetensors", &err), err);
  assert_ok(ensemble_load(&back, "quality_model.safetensors", &err), err);
  said a = step(m, here), b = step(back, here);
  assert_memory_equal(&a, &b, sizeof a);
  memset(back->known, 0, (size_t)SHAPE.members * (LINEAR_S + 1) * sizeof *back->known);
  assert_true(a.u < 0.8f * step(back, here).u); /* the log's own noise is no doubt */
  assert_true(fabsf(a.next[1] - here[1]) < 1.0f && fabsf(a.rew) < 3.0f);
  ensemble_free(m);
  ensemble_free(back);
  units_free(u);
}

/* The greatest distance of what is imagined 90 spreads away from the log's range, in ranges. */
static double beyond(const ensemble *m, double margin)
{
  mopo_error err;
  imagine g = {
      .m = m, .task = mopo_task_find("none"), .penalty = penalty_named("none"), .margin = margin};
  imagine_work w;
  imagined *s = NULL;
  arena a = {0};
  const float obs[LINEAR_S] = {90.0f, -70.0f, 80.0f}, act[LINEAR_A] = {0};
  float next[LINEAR_S];
  ensemble_draw draw = {rng_seed(4), rng_seed(5), 0, 0};
  imagine_work_layout(&w, &g, &a);
  assert_true(arena_alloc(&a));
  imagine_work_layout(&w, &g, &a);
  assert_ok(imagined_create(&s, &g, 1, &err), err);
  s->obs[0] = obs, s->act[0] = act, s->next[0] = next;
  imagine_rows(&g, &w, 0, s, 0, 1, &draw);
  double most = 0.0;
  for (int j = 0; j < LINEAR_S; j++) {
    double low = (double)m->units->low[j], high = (double)m->units->high[j];
    most = fmax(most, fmax((double)next[j] - high, low - (double)next[j]) / (high - low));
  }
  imagined_free(s);
  free(a.base);
  return most;
}

static void stays_near_the_log(void **state)
{
  (void)state;
  fit_result r;
  units *u = NULL;
  ensemble *m = fitted(&r, &u, true);
  double near = beyond(m, 0.5), edge = beyond(m, 0.0), free_of = beyond(m, (double)INFINITY);
  assert_true(fabs(near - 0.5) < 1e-5 && fabs(edge) < 1e-5 && free_of > 5.0);
  ensemble_free(m);
  units_free(u);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(explains), cmocka_unit_test(is_a_file),
                                     cmocka_unit_test(stays_near_the_log)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
