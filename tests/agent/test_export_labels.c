/* test_export_labels.c - exports of a policy that knows its columns: names, recorded ranges,
 * settings with switches, and the history that it keeps. Leaves labelled.onnx, labelled_obs.f32,
 * labelled_act.f32 and labelled_setting.f32 for tests/oracle/onnx_check.py. */
#include "check.h"

#include "agent/export.h"
#include "base/rng.h"
#include "io/file.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { O = 3, A = 2, K = 4, S = K * O + (K - 1) * A, ROWS = 64 };

static const char *const OBS[S] = {"room 1", "Room-1", "druck */ \xc3\xbc"};
static const char *const ACT[A] = {"pump", "*"};
static const float RANGES[2 * A] = {0, 100, 3, 7};
static const bool SWITCHES[A] = {false, true};

typedef int act_fn(const float *obs, float *act);
typedef void settings_fn(const float *act, float *setting);

static mopo_policy *make(const policy_labels *l, int inputs, bool shifted)
{
  float shift[S], scale[S];
  mopo_policy *p = NULL;
  mopo_error err;
  actor a = {0};
  arena memory = {0};
  actor_shape(&a, kernels_best(), inputs, A, 16, 2, -3.0f, 1.0f);
  mlp_layout(&a.net, &memory);
  assert_true(arena_alloc(&memory));
  mlp_layout(&a.net, &memory);
  mlp_initialise(&a.net, MLP_GLOROT, rng_seed(5));
  for (int i = 0; i < inputs; i++) shift[i] = (float)(i % 5) - 2.0f, scale[i] = 0.5f;
  if (shifted) a.shift = shift, a.scale = scale;
  assert_ok(policy_of(&p, &a, "mopo", "tank", l, &err), err);
  free(memory.base);
  return p;
}

static policy_labels all(const float *seen, int history)
{
  return (policy_labels){history > 1 ? NULL : OBS, ACT, RANGES, seen, SWITCHES, history};
}

/* NAME.c with `more` after it, compiled and opened. */
static void *build(mopo_policy *p, const char *name, mopo_export_format format, const char *more)
{
  char text[512];
  mopo_error err;
  mopo_export_info info;
  snprintf(text, sizeof text, "%s.c", name);
  assert_ok(mopo_policy_export(&info, p, text, format, &err), err);
  FILE *f = fopen(text, "a");
  assert_non_null(f);
  fputs(more, f);
  fclose(f);
  snprintf(text, sizeof text,
           "cc -std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror -O1 -shared -fPIC "
           "-o %s.so %s.c",
           name, name);
  assert_int_equal(system(text), 0);
  snprintf(text, sizeof text, "./%s.so", name);
  void *so = dlopen(text, RTLD_NOW | RTLD_LOCAL);
  if (!so) fail_msg("%s", dlerror());
  int (*test)(void) = NULL;
  *(void **)&test = dlsym(so, "policy_self_test");
  assert_int_equal(test(), 0);
  return so;
}

static void settings_and_ranges(void **state)
{
  static const float seen[2 * O] = {0, 1, -2, 2, 5, 5};
  static const char names[] =
      "int where(void);\n"
      "int where(void) { return OBS_ROOM_1 + 10 * OBS_ROOM_1_n1 + 100 * OBS_DRUCK + "
      "1000 * ACT_PUMP + 10000 * ACT_n1; }\n";
  (void)state;
  policy_labels l = all(seen, 1);
  mopo_policy *p = make(&l, O, true);
  void *so = build(p, "labels_c", MOPO_EXPORT_C, names);
  int (*where)(void) = NULL;
  *(void **)&where = dlsym(so, "where");
  assert_int_equal(where(), 10210);
  int (*in_range)(const float *) = NULL;
  *(void **)&in_range = dlsym(so, "policy_in_range");
  assert_true(in_range((float[]){0, 2, 5}) == 1 && in_range((float[]){1, -2, 5}) == 1);
  assert_true(in_range((float[]){1.001f, 0, 5}) == 0 && in_range((float[]){0, 0, 4.99f}) == 0);
  assert_true(in_range((float[]){NAN, 0, 5}) == 0);
  settings_fn *settings = NULL;
  *(void **)&settings = dlsym(so, "policy_settings");
  float set[A], want[A];
  for (float x = -1.0f; x <= 1.0f; x += 0.25f) {
    const float act[A] = {x, x};
    settings(act, set);
    mopo_policy_settings(p, want, act, 1);
    assert_memory_equal(set, want, sizeof set);
    assert_true(set[1] == (x >= 0.0f ? 7.0f : 3.0f));
  }
  assert_null(dlsym(so, "policy_reset"));
  dlclose(so);
  mopo_policy_free(p);
}

/* ------------------------------------------------------------------ history */

/* What a log's reader makes of the past (data/rules.c), the newest first. */
static void look_back(float *x, const float (*obs)[O], const float (*act)[A], int t)
{
  memcpy(x, obs[t], sizeof obs[t]);
  x += O;
  for (int ago = 1; ago < K; ago++, x += O + A) {
    int then = t - ago < 0 ? 0 : t - ago;
    memcpy(x, obs[then], sizeof obs[then]);
    for (int k = 0; k < A; k++) x[O + k] = t - ago < 0 ? 0.0f : act[t - ago][k];
  }
}

static void play(void *so, mopo_policy *p, uint64_t episode)
{
  act_fn *step = NULL;
  *(void **)&step = dlsym(so, "policy_act");
  float obs[ROWS][O], done[ROWS][A], x[S], want[A], got[A];
  rng_normals(obs[0], ROWS * O, rng_seed(3), episode);
  for (int t = 0; t < ROWS; t++) {
    look_back(x, (const float(*)[O])obs, (const float(*)[A])done, t);
    mopo_policy_act(p, want, x, 1);
    if (t % 5 == 3) assert_int_equal(step((float[O]){0, NAN, 0}, got), -1); /* leaves no trace */
    assert_int_equal(step(obs[t], got), 0);
    for (int k = 0; k < A; k++) assert_true(fabsf(got[k] - want[k]) < 1e-5f);
    done[t][0] = got[0], done[t][1] = got[1] >= 0.0f ? 1.0f : -1.0f;
  }
}

static void the_past_is_kept(void **state)
{
  float seen[2 * S];
  (void)state;
  for (int i = 0; i < 2 * S; i++) seen[i] = i % 2 ? 1.0f : -1.0f;
  policy_labels l = all(seen, K);
  const mopo_export_format formats[] = {MOPO_EXPORT_C, MOPO_EXPORT_C_INT8};
  for (int i = 0; i < 2; i++) {
    mopo_policy *p = make(&l, S, i == 1);
    void *so = build(p, i ? "labels_kept8" : "labels_kept", formats[i],
                     "int sizes(void);\nint sizes(void) { return POLICY_OBS_DIM; }\n");
    int (*sizes)(void) = NULL;
    *(void **)&sizes = dlsym(so, "sizes");
    assert_int_equal(sizes(), O);
    void (*reset)(void) = NULL;
    *(void **)&reset = dlsym(so, "policy_reset");
    play(so, p, 0);
    reset();
    play(so, p, 1);
    int (*in_range)(const float *) = NULL;
    *(void **)&in_range = dlsym(so, "policy_in_range");
    assert_true(in_range((float[O]){1, -1, 0}) == 1 && in_range((float[O]){0, 0, 2}) == 0);
    dlclose(so);
    mopo_policy_free(p);
  }
}

/* ------------------------------------------------------------------ ONNX */

static void write_floats(const char *path, const float *x, size_t n)
{
  mopo_error e;
  assert_ok(file_write(path, x, n * sizeof *x, &e), e);
}

static bool holds(const char *bytes, size_t n, const char *text)
{
  size_t length = strlen(text);
  for (size_t i = 0; i + length <= n; i++)
    if (!memcmp(bytes + i, text, length)) return true;
  return false;
}

static void onnx_has_settings(void **state)
{
  static const float seen[2 * O] = {0, 1, -2, 2, 5, 5};
  static const char *const words[] = {"setting",        "GreaterOrEqual", "is_switch",
                                      "action_ranges",  "0 100\n3 7",     "obs_ranges",
                                      "0 1\n-2 2\n5 5", "obs_names",      "room 1\nRoom-1\n",
                                      "switches",       "act_names",      "pump\n*"};
  float obs[ROWS * O], act[ROWS * A], setting[ROWS * A];
  mopo_error err;
  mopo_export_info info;
  char *bytes = NULL;
  size_t n = 0;
  (void)state;
  policy_labels l = all(seen, 1);
  mopo_policy *p = make(&l, O, true);
  assert_ok(mopo_policy_export(&info, p, "labelled.onnx", MOPO_EXPORT_ONNX, &err), err);
  assert_ok(file_read(&bytes, &n, "labelled.onnx", 1 << 20, &err), err);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!holds(bytes, n, words[i])) fail_msg("no '%s' in the model", words[i]);
  free(bytes);
  export_draw(obs, ROWS, policy_actor(p));
  mopo_policy_act(p, act, obs, ROWS);
  mopo_policy_settings(p, setting, act, ROWS);
  write_floats("labelled_obs.f32", obs, ROWS * O);
  write_floats("labelled_act.f32", act, ROWS * A);
  write_floats("labelled_setting.f32", setting, ROWS * A);
  mopo_policy_free(p);
}

static void onnx_of_unknown_units_has_none(void **state)
{
  mopo_error err;
  mopo_export_info info;
  char *bytes = NULL;
  size_t n = 0;
  (void)state;
  mopo_policy *p = make(NULL, O, false);
  assert_ok(mopo_policy_export(&info, p, "plain.onnx", MOPO_EXPORT_ONNX, &err), err);
  assert_ok(file_read(&bytes, &n, "plain.onnx", 1 << 20, &err), err);
  assert_true(holds(bytes, n, "act") && !holds(bytes, n, "setting"));
  assert_false(holds(bytes, n, "action_ranges"));
  free(bytes);
  mopo_policy_free(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(settings_and_ranges),
      cmocka_unit_test(the_past_is_kept),
      cmocka_unit_test(onnx_has_settings),
      cmocka_unit_test(onnx_of_unknown_units_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
