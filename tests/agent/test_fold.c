/* test_fold.c - a policy learned in scaled units takes raw observations: what is handed out, saved,
 * loaded and exported acts as what was learned. */
#include "small.h"

#include <dlfcn.h>
#include <stdio.h>

#include "agent/export.h"
#include "agent/policy.h"
#include "data/units.h"

enum { S = 5, N = 1200 };

typedef int act_fn(const float *obs, float *act);
typedef int self_test_fn(void);

/* offset: of the columns, in their spreads; column 3 stands still there. */
static mopo_dataset *recorded(double offset)
{
  static float obs[N][S], next[N][S], act[N], rew[N];
  static unsigned char end[N];
  static const double spread[S] = {1.0, 1e-5, 1e5, 0.0, 250.0};
  rng_stream r = rng_stream_of(rng_seed(6));
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < S; j++) {
      double centre = j == 3 ? 101325.0 * (offset > 0.0) : offset * spread[j];
      obs[i][j] = (float)(centre + spread[j] * (double)rng_normal(&r));
      next[i][j] = (float)(centre + spread[j] * (double)rng_normal(&r));
    }
    act[i] = 2.0f * rng_uniform(&r) - 1.0f, rew[i] = act[i], end[i] = i % 7 == 0;
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(mopo_dataset_from_arrays(&d, N, S, 1, obs[0], act, rew, next[0], end, NULL, &err), err);
  return d;
}

typedef struct learned {
  small_run run;
  mopo_dataset *log, *in;
  units *u;
} learned;

static void learn(learned *l, const char *algo, double offset, double ema)
{
  mopo_error err;
  *l = (learned){.log = recorded(offset)};
  assert_ok(units_fit(&l->u, l->log, true, &err), err);
  assert_ok(units_dataset(&l->in, l->u, l->log, &err), err);
  small_run *s = &l->run;
  s->c = small_config(algo), s->data = l->in;
  s->c.policy_ema = ema;
  assert_ok(mopo_config_resolve(&s->c, "hopper", "", 1, &err), err);
  assert_ok(mopo_dataset_describe(&s->info, l->in, &err), err);
  assert_ok(par_create(&s->pool, 1, &err), err);
  agent_setup setup = {.config = &s->c,
                       .S = S,
                       .A = 1,
                       .pool = s->pool,
                       .key = rng_seed(5),
                       .data = l->in,
                       .info = &s->info,
                       .units = l->u};
  assert_ok(agent_create(&s->agent, agent_find(algo), &setup, &err), err);
  small_learn(s, 60);
}

static void forget(learned *l)
{
  agent_free(l->run.agent);
  par_free(l->run.pool);
  mopo_dataset_free(l->log);
  mopo_dataset_free(l->in);
  units_free(l->u);
}

/* Actions at all rows of d. */
static void act_at(float act[N], const actor *p, const mopo_dataset *d)
{
  arena a = {0};
  actor_work w;
  actor_work_layout(&w, p, &a, 16);
  assert_true(arena_alloc(&a));
  actor_work_layout(&w, p, &a, 16);
  for (int i = 0; i < N; i++) actor_act(p, &w, act + i, 1, dataset_row(d, i), S, 1, NULL);
  free(a.base);
}

static double farthest(const float *a, const float *b)
{
  double most = 0.0;
  for (int i = 0; i < N; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
  return most;
}

static void check_c(const learned *l, mopo_policy *p, const float *want)
{
  mopo_error err;
  mopo_export_info info;
  float got[N];
  assert_ok(mopo_policy_export(&info, p, "fold.c", MOPO_EXPORT_C, &err), err);
  assert_int_equal(system("cc -std=c99 -pedantic -Wall -Wextra -Wconversion -Werror -O2 -shared "
                          "-fPIC -o fold.so fold.c"),
                   0);
  void *so = dlopen("./fold.so", RTLD_NOW | RTLD_LOCAL);
  assert_non_null(so);
  act_fn *act = NULL;
  self_test_fn *test = NULL;
  *(void **)&act = dlsym(so, "policy_act");
  *(void **)&test = dlsym(so, "policy_self_test");
  assert_int_equal(test(), 0);
  for (int i = 0; i < N; i++) assert_int_equal(act(dataset_row(l->log, i), got + i), 0);
  assert_true(farthest(got, want) < 1e-5);
  dlclose(so);
}

/* kept: the subtraction has to stay outside. */
static void check(const char *algo, double offset, double ema, bool kept)
{
  learned l;
  mopo_error err;
  mopo_policy *p = NULL;
  float want[N], got[N];
  learn(&l, algo, offset, ema);
  act_at(want, agent_policy_inside(l.run.agent), l.in);
  const actor *out = agent_policy(l.run.agent);
  assert_int_equal(out->shift != NULL, kept);
  act_at(got, out, l.log);
  assert_true(farthest(got, want) < 1e-5);
  assert_ok(policy_save(out, "fold.safetensors", algo, "none", NULL, &err), err);
  assert_ok(mopo_policy_load(&p, "fold.safetensors", &err), err);
  act_at(got, policy_actor(p), l.log);
  assert_true(farthest(got, want) < 1e-5);
  check_c(&l, p, want);
  mopo_policy_free(p);
  forget(&l);
}

static void folds(void **state)
{
  (void)state;
  check("bc", 0.0, 0.0, false);
  check("td3bc", 0.5, 0.0, false);
}

static void subtracts_first(void **state)
{
  (void)state;
  check("td3bc", 400.0, 0.0, true);
  check("sac", 1e4, 0.0, true);
  check("iql", 1e4, 0.9, true);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(folds), cmocka_unit_test(subtracts_first)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
