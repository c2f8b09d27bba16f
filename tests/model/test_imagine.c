/* test_imagine.c - the one imagined step against a model whose every answer is known: the two
 * halves of a step, and what an agent gets that asks the model itself. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/imagine.h"

enum { S = 2, A = 1, D = S + 1, MEMBERS = 4, ELITES = 2, ROWS = 40, SAMPLES = 25 };

/* What each member says of [reward, s' - s], whatever it sees. */
static const float MEAN[MEMBERS][D] = {{50, 9, 9}, {1, 0.5f, -0.5f}, {70, 9, 9}, {3, -0.5f, 1}};
static const float SIGMA[MEMBERS][D] = {
    {1, 4, 1}, {0.3f, 0.2f, 0.1f}, {4, 2, 2}, {0.2f, 0.3f, 0.4f}};
static const int ELITE[ELITES] = {3, 1};

typedef struct world {
  ensemble *m;
  imagine g;
  imagine_work w;
  imagined *step;
  arena memory;
  float obs[ROWS][S], act[ROWS][A], next[ROWS][S];
} world;

static void layout(world *x) { imagine_work_layout(&x->w, &x->g, &x->memory); }

static void make(world *x, const char *penalty, const mopo_task *task, const termination *end)
{
  mopo_error err;
  ensemble_settings shape = {MEMBERS, ELITES, 16, 2};
  *x = (world){0};
  assert_ok(ensemble_create(&x->m, &shape, S, A, rng_seed(1), &err), err);
  for (int e = 0; e < MEMBERS; e++) {
    float w[16 * 2 * D] = {0}, b[2 * D];
    for (int d = 0; d < D; d++) b[d] = MEAN[e][d], b[D + d] = 2 * logf(SIGMA[e][d]);
    mlp_set(&x->m->net[e], 2, w, b);
  }
  for (int d = 0; d < D; d++) x->m->min[d] = -30, x->m->max[d] = 30; /* they bend nothing */
  ensemble_bounds_changed(x->m);
  for (int i = 0; i < ELITES; i++) x->m->elite[i] = ELITE[i];
  x->g =
      (imagine){.m = x->m, .task = task, .penalty = penalty_named(penalty), .coef = 2, .end = end};
  assert_ok(imagined_create(&x->step, &x->g, ROWS, &err), err);
  layout(x);
  assert_true(arena_alloc(&x->memory));
  layout(x);
  rng_normals(&x->obs[0][0], ROWS * S, rng_seed(2), 0);
  rng_normals(&x->act[0][0], ROWS * A, rng_seed(2), 1);
  for (int r = 0; r < ROWS; r++)
    x->step->obs[r] = x->obs[r], x->step->act[r] = x->act[r], x->step->next[r] = x->next[r];
}

static void discard(world *x)
{
  imagined_free(x->step);
  ensemble_free(x->m);
  free(x->memory.base);
}

static ensemble_draw draw_at(uint64_t r0)
{
  return (ensemble_draw){rng_seed(3), rng_seed(4), 7, r0};
}

/* ------------------------------------------------------------------ the two halves */

static bool ahead(const float *obs, const float *act, const float *next)
{
  return next[0] > obs[0] + 0.1f * act[0];
}

static void all_ahead(void *ctx, unsigned char *done, const float *obs, const float *act,
                      const float *next, int n)
{
  (void)ctx;
  for (int i = 0; i < n; i++) done[i] = ahead(obs + i * S, act + i * A, next + i * S);
}

static void sum_of_next(void *ctx, float *rew, const float *obs, const float *act,
                        const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  for (int i = 0; i < n; i++) rew[i] = next[i * S] + next[i * S + 1];
}

/* A block of a step has the draws it is told, wherever in the step its rows are. */
static void a_block_takes_the_draws_it_is_told(void **state)
{
  (void)state;
  world x, y;
  make(&x, "aleatoric", task_none(), NULL), make(&y, "aleatoric", task_none(), NULL);
  ensemble_draw whole = draw_at(0), part = draw_at(10);
  imagine_rows(&x.g, &x.w, 0, x.step, 0, ROWS, &whole);
  for (int r = 0; r < 10; r++) y.step->obs[20 + r] = x.obs[10 + r];
  imagine_rows(&y.g, &y.w, 0, y.step, 20, 10, &part);
  for (int r = 0; r < 10; r++) {
    assert_memory_equal(y.next[20 + r], x.next[10 + r], sizeof x.next[0]);
    assert_true(y.step->rew[20 + r] == x.step->rew[10 + r]);
    assert_true(y.step->u[20 + r] == x.step->u[10 + r]);
    assert_true(imagine_cost(&x.g, y.step->u[20 + r]) == 2 * y.step->u[20 + r]);
  }
  discard(&x), discard(&y);
}

/* The end by its rule; the reward by its rule where it has one, the model's where it has none. */
static void the_task_judges_every_row(void **state)
{
  (void)state;
  mopo_error err;
  for (int ruled = 0; ruled < 2; ruled++) {
    world x;
    mopo_task task = {.facts = {.name = "test",
                                .obs_dim = S,
                                .act_dim = A,
                                .done = all_ahead,
                                .reward = ruled ? sum_of_next : NULL}};
    make(&x, "none", &task, NULL);
    ensemble_draw d = draw_at(0);
    int ended = 0;
    imagine_rows(&x.g, &x.w, 0, x.step, 0, ROWS, &d);
    float foretold = x.step->rew[7];
    assert_ok(imagine_judge(&x.g, x.step, ROWS, &err), err);
    for (int r = 0; r < ROWS; r++) {
      assert_int_equal(x.step->done[r], ahead(x.obs[r], x.act[r], x.next[r]));
      assert_true(!ruled || x.step->rew[r] == x.next[r][0] + x.next[r][1]);
      assert_true(x.step->u[r] == 0);
      ended += x.step->done[r];
    }
    assert_true(ended > 0 && ended < ROWS);
    assert_true(ruled || x.step->rew[7] == foretold);
    discard(&x);
  }
}

/* u = 100 thread + obs[0], of a model that it is handed with the elites' means. */
static void by_hand(void *ctx, int thread, float *u, const ensemble *m, const ensemble_work *w,
                    const float *const *obs, const float *const *act, int rows)
{
  int *calls = ctx;
  (void)act;
  (*calls)++;
  for (int r = 0; r < rows; r++) {
    float mean[S];
    ensemble_mean(m, w, mean, obs[r], r);
    assert_true(fabsf(mean[1] - obs[r][1] - 0.25f) < 1e-5f); /* (1 - 0.5) / 2 */
    u[r] = 100 * (float)thread + obs[r][0];
  }
}

static void only_a_penalty_of_the_simulators_is_measured_outside(void **state)
{
  (void)state;
  world x;
  make(&x, "none", task_none(), NULL);
  ensemble_draw d = draw_at(0);
  for (int i = 0; penalty_at(i); i++) {
    int calls = 0;
    x.g.penalty = penalty_at(i), x.g.measure = by_hand, x.g.ctx = &calls;
    imagine_rows(&x.g, &x.w, 3, x.step, 8, 12, &d);
    assert_int_equal(calls, penalty_at(i)->simulator);
    for (int r = 8; calls && r < 20; r++) assert_true(x.step->u[r] == 300 + x.obs[r][0]);
  }
  discard(&x);
}

/* Of a model in scaled units: next and reward stay in the recorded range and half of it beyond, and
 * the rows that would not have are told. */
static void imagined_rows_stay_near_the_log(void **state)
{
  (void)state;
  mopo_error err;
  units *u = NULL;
  world x;
  float raw[ROWS][D];
  make(&x, "none", task_none(), NULL);
  assert_ok(units_create(&u, S, &err), err);
  for (int j = 0; j < S; j++) u->low[j] = -1, u->high[j] = 1, u->step_spread[j + 1] = 1;
  u->step_low[0] = 1, u->step_high[0] = 2, u->step_spread[0] = 1;
  assert_ok(ensemble_set_units(x.m, u, &err), err);
  ensemble_draw d = draw_at(0);
  int out = 0;
  for (int k = 0; k < 2; k++) {
    x.g.margin = k ? 0.5 : (double)INFINITY;
    imagine_rows(&x.g, &x.w, 0, x.step, 0, ROWS, &d);
    for (int r = 0; r < ROWS; r++) {
      float *was = raw[r], now[D] = {x.step->rew[r], x.next[r][0], x.next[r][1]};
      bool bounded = false;
      for (int j = 0; k && j < D; j++) {
        float low = j ? -2 : 0.5f, high = j ? 2 : 2.5f;
        assert_true(now[j] == fminf(fmaxf(was[j], low), high));
        bounded = bounded || now[j] != was[j];
      }
      assert_int_equal(x.step->bounded[r], bounded);
      out += bounded;
      memcpy(raw[r], now, sizeof now);
    }
  }
  assert_true(out > 0 && out < ROWS);
  units_free(u);
  discard(&x);
}

/* A learned end of probability 1/4, whatever the state: it ends a quarter of the rows, whatever the
 * task's rule says; the same rows whenever they are asked, others at another step. */
static void a_learned_end_is_drawn(void **state)
{
  (void)state;
  enum { STEPS = 50 };
  mopo_error err;
  termination *end = NULL;
  world x;
  mopo_task task = {.facts = {.name = "test", .obs_dim = S, .act_dim = A, .done = all_ahead}};
  assert_ok(termination_create(&end, S, A, &err), err);
  end->offset = log(0.25 / 0.75);
  make(&x, "none", &task, end);
  unsigned char first[ROWS] = {0};
  int ended = 0, other = 0;
  for (uint64_t t = 0; t < STEPS; t++) {
    ensemble_draw d = {rng_seed(3), rng_seed(4), t, 0};
    imagine_rows(&x.g, &x.w, 0, x.step, 0, ROWS, &d);
    assert_ok(imagine_judge(&x.g, x.step, ROWS, &err), err);
    for (int r = 0; r < ROWS; r++) ended += x.step->done[r], other += x.step->done[r] != first[r];
    if (t == 0) memcpy(first, x.step->done, sizeof first), other = 0;
  }
  double n = STEPS * ROWS;
  assert_true(fabs(ended - n / 4) < 5 * sqrt(n * 3 / 16));
  assert_true(other > n / 4);
  ensemble_draw part = {rng_seed(3), rng_seed(4), 0, 10};
  imagine_rows(&x.g, &x.w, 0, x.step, 0, 20, &part);
  assert_ok(imagine_judge(&x.g, x.step, 20, &err), err);
  assert_memory_equal(x.step->done, first + 10, 20);
  discard(&x);
  termination_free(end);
}

/* ------------------------------------------------------------------ for agents */

/* Every elite's own Gaussian, best first: 1000 draws a component, means within five standard errors
 * and mean squares, too; no two samples alike; the same whenever they are asked for. */
static void each_elite_answers_for_itself(void **state)
{
  (void)state;
  static float next[ELITES][SAMPLES][ROWS][S], again[ELITES][SAMPLES][ROWS][S];
  world x;
  make(&x, "aleatoric", task_none(), NULL);
  ensemble_draw d = draw_at(0);
  int n = SAMPLES * ROWS;
  imagine_elites(&x.g, &x.w, &next[0][0][0][0], SAMPLES, x.step->obs, x.step->act, ROWS, &d);
  for (int i = 0; i < ELITES; i++)
    for (int j = 0; j < S; j++) {
      double mean = 0, square = 0;
      for (int k = 0; k < n; k++) {
        int r = k % ROWS;
        double z = (double)(next[i][k / ROWS][r][j] - x.obs[r][j] - MEAN[ELITE[i]][j + 1]) /
                   (double)SIGMA[ELITE[i]][j + 1];
        mean += z / n, square += z * z / n;
      }
      assert_true(fabs(mean) < 5 / sqrt(n));
      assert_true(fabs(square - 1) < 5 * sqrt(2.0 / n));
    }
  assert_true(next[0][0][0][0] != next[0][1][0][0]);
  imagine_elites(&x.g, &x.w, &again[0][0][0][0], SAMPLES, x.step->obs, x.step->act, ROWS, &d);
  assert_memory_equal(next, again, sizeof next);
  discard(&x);
}

/* Rows of a batch may be asked for in pieces. */
static void pieces_of_a_batch_are_those_of_the_whole(void **state)
{
  (void)state;
  float next[ELITES][2][ROWS][S], part[ELITES][2][8][S];
  world x;
  make(&x, "aleatoric", task_none(), NULL);
  ensemble_draw whole = draw_at(0), at = draw_at(24);
  imagine_elites(&x.g, &x.w, &next[0][0][0][0], 2, x.step->obs, x.step->act, ROWS, &whole);
  imagine_elites(&x.g, &x.w, &part[0][0][0][0], 2, x.step->obs + 24, x.step->act + 24, 8, &at);
  for (int i = 0; i < ELITES; i++)
    for (int k = 0; k < 2; k++) assert_memory_equal(part[i][k], next[i][k] + 24, sizeof part[i][k]);
  discard(&x);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_block_takes_the_draws_it_is_told),
      cmocka_unit_test(the_task_judges_every_row),
      cmocka_unit_test(only_a_penalty_of_the_simulators_is_measured_outside),
      cmocka_unit_test(imagined_rows_stay_near_the_log),
      cmocka_unit_test(a_learned_end_is_drawn),
      cmocka_unit_test(each_elite_answers_for_itself),
      cmocka_unit_test(pieces_of_a_batch_are_those_of_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
