/* test_policy_memory.c - a policy as bytes in memory, its sampled actions, and its actions in the
 * units of the log. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "io/file.h"

enum { S = 7, A = 2, B = 100 };
static const char PATH[] = "policy_memory.safetensors";
static const float RANGES[2 * A] = {-1, 1, 10, 30};

static mopo_policy *make(const float *ranges)
{
  mopo_policy *p = NULL;
  mopo_error err;
  actor a = {0};
  arena memory = {0};
  actor_shape(&a, kernels_best(), S, A, 24, 2, -3.0f, 1.0f);
  mlp_layout(&a.net, &memory);
  assert_true(arena_alloc(&memory));
  mlp_layout(&a.net, &memory);
  mlp_initialise(&a.net, MLP_GLOROT, rng_seed(5));
  assert_ok(policy_of(&p, &a, "mopo", "tank", &(policy_labels){.ranges = ranges}, &err), err);
  free(memory.base);
  return p;
}

static void fill(float *obs)
{
  for (int i = 0; i < B * S; i++) obs[i] = sinf((float)i);
}

static void bytes_are_the_file(void **state)
{
  (void)state;
  mopo_error err;
  mopo_policy *p = make(RANGES), *q = NULL;
  void *bytes = NULL;
  char *file = NULL;
  size_t n = 0, size = 0;
  float obs[B * S], x[B * A], y[B * A];
  fill(obs);
  assert_ok(mopo_policy_to_bytes(&bytes, &n, p, &err), err);
  assert_ok(mopo_policy_save(p, PATH, &err), err);
  assert_ok(file_read(&file, &size, PATH, 1 << 20, &err), err);
  assert_int_equal(n, size);
  assert_memory_equal(bytes, file, n);
  assert_ok(mopo_policy_from_bytes(&q, bytes, n, &err), err);
  mopo_policy_act(p, x, obs, B), mopo_policy_act(q, y, obs, B);
  assert_memory_equal(x, y, sizeof x);
  assert_string_equal(mopo_policy_task(q), "tank");
  assert_memory_equal(mopo_policy_action_ranges(q), RANGES, sizeof RANGES);
  mopo_policy_free(q);
  for (size_t cut = 0; cut < n; cut += n / 50 + 1) {
    assert_int_equal(mopo_policy_from_bytes(&q, bytes, cut, &err), MOPO_EFORMAT);
    assert_null(q);
  }
  free(file);
  mopo_bytes_free(bytes);
  mopo_policy_free(p);
}

static void a_sample_is_of_seed_and_row(void **state)
{
  (void)state;
  mopo_policy *p = make(NULL);
  float obs[B * S], x[B * A], y[B * A], mean[B * A];
  fill(obs);
  mopo_policy_sample(p, x, obs, B, 1), mopo_policy_sample(p, y, obs, B, 1);
  assert_memory_equal(x, y, sizeof x);
  mopo_policy_sample(p, y, obs, B, 2);
  mopo_policy_act(p, mean, obs, B);
  int moved = 0;
  double middle = 0.0;
  for (int i = 0; i < B * A; i++) {
    assert_true(fabsf(x[i]) <= 1.0f);
    moved += x[i] != y[i] && x[i] != mean[i];
    middle += (double)(x[i] + y[i]) / 2.0 - (double)mean[i];
  }
  assert_int_equal(moved, B * A);
  assert_true(fabs(middle) / (B * A) < 0.15); /* a std of at most 1, 400 draws: three deviations */
  mopo_policy_free(p);
}

static void settings_are_in_the_units_of_the_log(void **state)
{
  (void)state;
  mopo_policy *p = make(RANGES), *q = make(NULL);
  const float act[3 * A] = {-1, -1, 0, 0, 1, 1}, want[3 * A] = {-1, 10, 0, 20, 1, 30};
  float set[3 * A];
  mopo_policy_settings(p, set, act, 3);
  assert_memory_equal(set, want, sizeof set);
  mopo_policy_settings(q, set, act, 3);
  assert_memory_equal(set, act, sizeof set);
  assert_null(mopo_policy_action_ranges(q));
  mopo_policy_free(p), mopo_policy_free(q);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_are_the_file),
      cmocka_unit_test(a_sample_is_of_seed_and_row),
      cmocka_unit_test(settings_are_in_the_units_of_the_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
