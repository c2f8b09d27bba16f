/* test_labels.c - what a policy's columns mean stays with it: in its file, in memory, and where its
 * actions become settings. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "io/safetensors.h"

enum { S = 5, A = 2 };
static const char PATH[] = "labels.safetensors";
static const char *const OBS[S] = {"level", "temp, \"C\"", "Pegel \xc3\xbc", "bad\nline", "\xff"};
static const char *const ACT[A] = {"pump", "heater"};
static const float RANGES[2 * A] = {0, 100, 3, 7};
static const float SEEN[2 * S] = {0, 1, -1.5f, 1e30f, 4, 4, 0.1f, 0.2f, -3, -2};
static const bool SWITCHES[A] = {false, true};

static mopo_policy *make(const policy_labels *l, int inputs, int actions)
{
  mopo_policy *p = NULL;
  mopo_error err;
  actor a = {0};
  arena memory = {0};
  actor_shape(&a, kernels_best(), inputs, actions, 8, 1, -3.0f, 1.0f);
  mlp_layout(&a.net, &memory);
  assert_true(arena_alloc(&memory));
  mlp_layout(&a.net, &memory);
  mlp_initialise(&a.net, MLP_GLOROT, rng_seed(5));
  assert_ok(policy_of(&p, &a, "mopo", "tank", l, &err), err);
  free(memory.base);
  return p;
}

static policy_labels all(void) { return (policy_labels){OBS, ACT, RANGES, SEEN, SWITCHES, 1}; }

static void check_all(const mopo_policy *p)
{
  const char *const clean[S] = {OBS[0], OBS[1], OBS[2], "bad?line", "?"};
  const policy_labels *l = policy_labels_of(p);
  assert_non_null(l);
  for (int i = 0; i < S; i++) assert_string_equal(l->obs[i], clean[i]);
  for (int i = 0; i < A; i++) assert_string_equal(l->act[i], ACT[i]);
  assert_memory_equal(l->ranges, RANGES, sizeof RANGES);
  assert_memory_equal(l->seen, SEEN, sizeof SEEN);
  assert_true(!l->is_switch[0] && l->is_switch[1]);
}

static void they_stay(void **state)
{
  (void)state;
  mopo_error err;
  mopo_export_info info;
  void *bytes = NULL;
  size_t n = 0;
  policy_labels l = all();
  mopo_policy *p = make(&l, S, A), *q = NULL;
  check_all(p);
  assert_ok(mopo_policy_save(p, PATH, &err), err);
  assert_ok(mopo_policy_load(&q, PATH, &err), err);
  check_all(q);
  mopo_policy_free(p);
  assert_ok(mopo_policy_to_bytes(&bytes, &n, q, &err), err);
  assert_ok(mopo_policy_from_bytes(&p, bytes, n, &err), err);
  check_all(p);
  mopo_bytes_free(bytes);
  mopo_policy_free(q);
  assert_ok(mopo_policy_quantise(p, &err), err);
  check_all(p);
  assert_ok(mopo_policy_export(&info, p, PATH, MOPO_EXPORT_SAFETENSORS, &err), err);
  mopo_policy_free(p);
  assert_ok(mopo_policy_load(&p, PATH, &err), err);
  check_all(p);
  mopo_policy_free(p);
}

/* Every tensor is one of the network, as README's PyTorch reads it. */
static void they_are_no_tensors(void **state)
{
  (void)state;
  mopo_error err;
  tensor_file *f = NULL;
  policy_labels l = all();
  mopo_policy *p = make(&l, S, A);
  assert_ok(mopo_policy_save(p, PATH, &err), err);
  mopo_policy_free(p);
  assert_ok(tensor_file_open(&f, PATH, &err), err);
  assert_int_equal(tensor_file_count(f), 4);
  for (int i = 0; i < 4; i++) assert_memory_equal(tensor_file_at(f, i)->name, "actor.", 6);
  assert_string_equal(tensor_file_meta(f, "action_ranges"), "0 100\n3 7");
  assert_string_equal(tensor_file_meta(f, "switches"), "0\n1");
  assert_string_equal(tensor_file_meta(f, "act_names"), "pump\nheater");
  assert_null(tensor_file_meta(f, "history"));
  tensor_file_free(f);
}

static void nothing_is_known(void **state)
{
  (void)state;
  mopo_error err;
  tensor_file *f = NULL;
  mopo_policy *p = make(NULL, S, A), *q = NULL;
  assert_ok(mopo_policy_save(p, PATH, &err), err);
  assert_ok(mopo_policy_load(&q, PATH, &err), err);
  assert_null(policy_labels_of(q));
  mopo_policy_free(p), mopo_policy_free(q);
  assert_ok(tensor_file_open(&f, PATH, &err), err);
  assert_null(tensor_file_meta(f, "obs_names"));
  assert_null(tensor_file_meta(f, "action_ranges"));
  tensor_file_free(f);
}

/* ------------------------------------------------------------------ files of others */

/* A policy's file, with one more key of metadata or one more tensor. */
static mopo_status read_with(const char *key, const char *value, const float *block,
                             mopo_policy **q, mopo_error *err)
{
  const float w[2 * A * S] = {0}, b[2 * A] = {0};
  void *bytes = NULL;
  size_t n = 0;
  tensor_list *l = tensor_list_create();
  assert_non_null(l);
  assert_int_equal(
      tensor_list_add(l, "actor.0.weight", TENSOR_F32, 2, (int64_t[]){2 * A, S}, w, err), 0);
  assert_int_equal(tensor_list_add(l, "actor.0.bias", TENSOR_F32, 1, (int64_t[]){2 * A}, b, err),
                   0);
  if (value) assert_int_equal(tensor_list_meta(l, key, value, err), 0);
  if (block)
    assert_int_equal(tensor_list_add(l, key, TENSOR_F32, 2, (int64_t[]){A, 2}, block, err), 0);
  assert_int_equal(tensor_list_bytes(&bytes, &n, l, err), 0);
  tensor_list_free(l);
  mopo_status st = mopo_policy_from_bytes(q, bytes, n, err);
  free(bytes);
  return st;
}

static void a_tensor_of_ranges_is_read(void **state)
{
  (void)state;
  mopo_error err;
  mopo_policy *q = NULL;
  assert_ok(read_with("action_ranges", NULL, RANGES, &q, &err), err);
  assert_memory_equal(mopo_policy_action_ranges(q), RANGES, sizeof RANGES);
  mopo_policy_free(q);
}

static void bad_labels_are_refused(void **state)
{
  static const struct {
    const char *key, *value, *want;
  } bad[] = {
      {"obs_names", "a\nb", "policy: obs_names: 2 lines, want 5"},
      {"action_ranges", "0 1\n3 3", "policy: action_ranges 3..3, want finite and ascending"},
      {"action_ranges", "0 1\n3 x", "policy: action_ranges '3 x', want two numbers"},
      {"action_ranges", "0 1\n3 4 5", "policy: action_ranges '3 4 5', want two numbers"},
      {"obs_ranges", "0 1\n0 1\n2 1\n0 1\n0 1",
       "policy: obs_ranges 2..1, want finite and ascending"},
      {"switches", "0\n2", "policy: switches '2', want 0 or 1"},
      {"history", "2", "policy: history '2', want that of 5 inputs and 2 actions"},
      {"history", "7", "policy: history '7', want that of 5 inputs and 2 actions"},
      {"history", "1e9", "policy: history '1e9', want that of 5 inputs and 2 actions"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mopo_error err;
    mopo_policy *q = NULL;
    assert_int_equal(read_with(bad[i].key, bad[i].value, NULL, &q, &err), MOPO_EFORMAT);
    assert_null(q);
    assert_string_equal(err.msg, bad[i].want);
  }
}

/* ------------------------------------------------------------------ settings */

static void a_switch_takes_the_nearer(void **state)
{
  (void)state;
  const float act[4 * A] = {-1, -1, 0, -1e-6f, 0.5f, 0, 1, 0.9f};
  const float want[4 * A] = {0, 3, 50, 3, 75, 7, 100, 7};
  float set[4 * A];
  policy_labels l = all();
  mopo_policy *p = make(&l, S, A);
  mopo_policy_settings(p, set, act, 4);
  assert_memory_equal(set, want, sizeof set);
  mopo_policy_free(p);
}

static void history_counts(void **state)
{
  (void)state;
  policy_labels l = {.history = 3};
  assert_int_equal(labels_observed(&l, 3 * 4 + 2 * 2, 2), 4);
  assert_int_equal(labels_observed(NULL, 7, 2), 7);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_stay),
      cmocka_unit_test(they_are_no_tensors),
      cmocka_unit_test(nothing_is_known),
      cmocka_unit_test(a_tensor_of_ranges_is_read),
      cmocka_unit_test(bad_labels_are_refused),
      cmocka_unit_test(a_switch_takes_the_nearer),
      cmocka_unit_test(history_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
