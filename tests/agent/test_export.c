/* test_export.c - what is exported acts as the policy does. Leaves export_policy.onnx,
 * export_obs.f32 and export_act.f32 for tests/oracle/onnx_check.py. */
#include "check.h"

#include "agent/export.h"
#include "base/rng.h"
#include "io/file.h"
#include "io/safetensors.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { S = 11, A = 3, HIDDEN = 256, ROWS = 10000 };

static const char policy_path[] = "export_policy.safetensors";

typedef int act_fn(const float *obs, float *act);
typedef int self_test_fn(void);

static rng_key key_of(const char *name) { return rng_split(rng_seed(7), name); }

/* A policy whose means are about as large as a trained one's. */
static void save_policy(const char *path, int hidden, int layers)
{
  mopo_error e;
  actor p;
  arena a = {0};
  actor_shape(&p, kernels_best(), S, A, hidden, layers, -5.0f, 2.0f);
  mlp_layout(&p.net, &a);
  assert_true(arena_alloc(&a));
  mlp_layout(&p.net, &a);
  mlp_initialise(&p.net, MLP_GLOROT, key_of("weights"));
  for (int i = 0; i < p.net.layers; i++) {
    const mlp_layer *y = &p.net.layer[i];
    float *w = malloc(sizeof *w * (size_t)(y->in + 1) * (size_t)y->out);
    float *b = w + (size_t)y->in * (size_t)y->out;
    mlp_get(&p.net, i, w, b);
    rng_normals(b, y->out, key_of("biases"), (uint64_t)i);
    for (int k = 0; k < y->out; k++) b[k] *= 0.1f;
    mlp_set(&p.net, i, w, b);
    free(w);
  }
  assert_ok(policy_save(&p, path, "mopo", "hopper", NULL, &e), e);
  free(a.base);
}

static mopo_policy *load(const char *path)
{
  mopo_error e;
  mopo_policy *p = NULL;
  assert_ok(mopo_policy_load(&p, path, &e), e);
  return p;
}

static mopo_export_info export(mopo_policy *p, const char *path, mopo_export_format format)
{
  mopo_error e;
  mopo_export_info info;
  assert_ok(mopo_policy_export(&info, p, path, format, &e), e);
  return info;
}

static float *observations(float scale)
{
  float *obs = malloc(sizeof *obs * ROWS * S);
  rng_normals(obs, ROWS * S, key_of("obs"), 0);
  for (int i = 0; i < ROWS * S; i++) obs[i] *= scale;
  return obs;
}

/* Compiles NAME.c to NAME.so and opens it. */
static void *compile(const char *name, const char *options)
{
  char text[512];
  snprintf(text, sizeof text,
           "cc -std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror %s -shared -fPIC "
           "-o %s.so %s.c",
           options, name, name);
  assert_int_equal(system(text), 0);
  snprintf(text, sizeof text, "./%s.so", name);
  void *so = dlopen(text, RTLD_NOW | RTLD_LOCAL);
  if (!so) fail_msg("%s", dlerror());
  return so;
}

static double worst(void *so, mopo_policy *p, float scale)
{
  act_fn *act = NULL;
  *(void **)&act = dlsym(so, "policy_act");
  float *obs = observations(scale), *want = malloc(sizeof *want * ROWS * A), got[A];
  mopo_policy_act(p, want, obs, ROWS);
  double most = 0.0;
  for (int i = 0; i < ROWS; i++) {
    assert_int_equal(act(obs + i * S, got), 0);
    for (int k = 0; k < A; k++) most = fmax(most, fabs((double)(got[k] - want[i * A + k])));
  }
  free(want);
  free(obs);
  return most;
}

static void check_c(const char *name, mopo_export_format format, int hidden, int layers)
{
  static const char *const options[] = {"-O2", "-Os"};
  char file[64];
  snprintf(file, sizeof file, "%s.c", name);
  save_policy(policy_path, hidden, layers);
  for (size_t i = 0; i < 2; i++) {
    mopo_policy *p = load(policy_path);
    export(p, file, format); /* rounds p for int8, so both are compared with the same weights */
    void *so = compile(name, options[i]);
    self_test_fn *test = NULL;
    *(void **)&test = dlsym(so, "policy_self_test");
    assert_int_equal(test(), 0);
    /* Sums of 256 float32 terms of size 0.1 in another order of rounding: 5e-7 was measured. */
    double most = worst(so, p, 1.0f);
    if (most > 1e-6) fail_msg("%s %s: an action is off by %g, want 1e-6", name, options[i], most);
    assert_true(worst(so, p, 1e3f) < 1e-3); /* saturated for the most part */
    dlclose(so);
    mopo_policy_free(p);
  }
}

static void c_agrees(void **state)
{
  (void)state;
  check_c("export_float", MOPO_EXPORT_C, HIDDEN, 2);
  check_c("export_wide", MOPO_EXPORT_C, 33, 3);
  check_c("export_linear", MOPO_EXPORT_C, HIDDEN, 0);
}

static void int8_agrees(void **state)
{
  (void)state;
  check_c("export_int8", MOPO_EXPORT_C_INT8, HIDDEN, 2);
}

/* An action in the units of the recording. */
static void c_knows_the_ranges(void **state)
{
  static const float range[2 * A] = {0, 100, 0, 1, -2, 2}, act[A] = {-1, 1, 0.5f};
  mopo_error e;
  float setting[A];
  (void)state;
  save_policy(policy_path, 8, 1);
  mopo_policy *p = load(policy_path);
  assert_ok(policy_save(policy_actor(p), policy_path, "mopo", "none",
                        &(policy_labels){.ranges = range}, &e),
            e);
  mopo_policy_free(p);
  p = load(policy_path);
  export(p, "export_range.c", MOPO_EXPORT_C);
  void *so = compile("export_range", "-O2");
  void (*settings)(const float *, float *) = NULL;
  *(void **)&settings = dlsym(so, "policy_settings");
  assert_non_null(settings);
  settings(act, setting);
  assert_true(setting[0] == 0.0f && setting[1] == 1.0f && setting[2] == 1.0f);
  dlclose(so);
  export(p, "export_range.safetensors", MOPO_EXPORT_SAFETENSORS);
  mopo_policy_free(p);
  p = load("export_range.safetensors");
  assert_memory_equal(policy_ranges(p), range, sizeof range);
  mopo_policy_free(p);
}

static void c_refuses_nan(void **state)
{
  (void)state;
  save_policy(policy_path, 8, 1);
  mopo_policy *p = load(policy_path);
  export(p, "export_nan.c", MOPO_EXPORT_C);
  void *so = compile("export_nan", "-O2");
  act_fn *act = NULL;
  *(void **)&act = dlsym(so, "policy_act");
  float got[A] = {7.0f, 7.0f, 7.0f}, bad[3] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++) {
    float obs[S] = {0};
    obs[S - 1] = bad[i];
    assert_int_equal(act(obs, got), -1);
    assert_true(got[0] == 7.0f && got[2] == 7.0f);
  }
  dlclose(so);
  mopo_policy_free(p);
}

static void rounding_is_idempotent(void **state)
{
  mopo_error e;
  mopo_policy_difference d;
  (void)state;
  save_policy(policy_path, HIDDEN, 2);
  mopo_policy *exact = load(policy_path), *once = load(policy_path), *twice = load(policy_path);
  assert_ok(mopo_policy_quantise(once, &e), e);
  assert_ok(mopo_policy_quantise(twice, &e), e);
  assert_ok(mopo_policy_quantise(twice, &e), e);
  assert_ok(mopo_policy_compare(&d, exact, once, NULL, &e), e);
  assert_int_equal(d.rows, 10000);
  assert_true(d.rms > 1e-5 && d.rms < 0.02 && d.max < 0.1);
  assert_ok(mopo_policy_compare(&d, once, twice, NULL, &e), e);
  assert_true(d.max < 1e-6);
  assert_ok(mopo_policy_compare(&d, exact, exact, NULL, &e), e);
  assert_true(d.max == 0.0 && d.rms == 0.0);
  mopo_policy_free(exact);
  mopo_policy_free(once);
  mopo_policy_free(twice);
}

/* Extremes of a row: all zeros, one weight, denormals. */
static void rows_of_int8(void **state)
{
  (void)state;
  signed char q[4];
  assert_true(export_int8(q, (float[]){0.0f, 0.0f}, 2) == 0.0f);
  assert_true(q[0] == 0 && q[1] == 0);
  float scale = export_int8(q, (float[]){-2.54f, 1.27f, 0.009f, 2.54f}, 4);
  assert_true(fabsf(scale - 0.02f) < 1e-8f);
  assert_true(q[0] == -127 && abs(q[1] - 63) <= 1 && q[2] == 0 && q[3] == 127);
  for (float x = 1.4e-45f; x < 1e-40f; x *= 1.7f) {
    export_int8(q, (float[]){x, -x}, 2);
    assert_true(q[0] == -q[1] && q[0] >= 0);
  }
}

/* The smallest of microcontrollers and a common one: it compiles, and wants nothing from a library
 * that has floats of its own. */
static void builds_for_cortex_m(void **state)
{
  (void)state;
  if (system("arm-none-eabi-gcc --version > export_arm.log 2>&1") != 0) {
    print_message("no arm-none-eabi-gcc: install gcc-arm-none-eabi to run this test\n");
    skip();
  }
  save_policy(policy_path, HIDDEN, 2);
  mopo_policy *p = load(policy_path);
  mopo_export_info float32 = export(p, "export_arm_float.c", MOPO_EXPORT_C);
  mopo_export_info int8 = export(p, "export_arm_int8.c", MOPO_EXPORT_C_INT8);
  mopo_policy_free(p);
  size_t weights = S * HIDDEN + HIDDEN * HIDDEN + HIDDEN * A, biases = 2 * HIDDEN + A;
  assert_int_equal(float32.multiply_adds, weights);
  assert_int_equal(float32.constant_bytes, 4 * (weights + biases) + 4 * EXPORT_TESTS * (S + A));
  assert_int_equal(int8.constant_bytes, weights + 8 * biases + 4 * EXPORT_TESTS * (S + A));
  static const char *const names[] = {"export_arm_float", "export_arm_int8"};
  for (int i = 0; i < 2; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "arm-none-eabi-gcc -std=c99 -pedantic -Wall -Wextra -Werror -Os -mthumb "
             "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard -c -o %s.o %s.c && "
             "test -z \"$(arm-none-eabi-nm -u %s.o)\"",
             names[i], names[i], names[i]);
    assert_int_equal(system(text), 0);
    snprintf(text, sizeof text,
             "arm-none-eabi-gcc -std=c99 -Os -mthumb -mcpu=cortex-m0 -c -o %s.o %s.c && "
             "! arm-none-eabi-nm -u %s.o | grep -v __aeabi_",
             names[i], names[i], names[i]);
    assert_int_equal(system(text), 0);
  }
}

/* ------------------------------------------------------------------ ONNX */

/* A field of a message: its number, and its integer or its bytes. */
typedef struct field {
  int number;
  uint64_t x; /* integer, or length of bytes */
  const unsigned char *bytes;
} field;

static uint64_t read_varint(const unsigned char **p, const unsigned char *end)
{
  uint64_t x = 0;
  for (int shift = 0;; shift += 7) {
    assert_true(*p < end && shift < 64);
    x |= (uint64_t)(**p & 0x7f) << shift;
    if (!(*(*p)++ & 0x80)) return x;
  }
}

/* False at the end. */
static bool next_field(field *f, const unsigned char **p, const unsigned char *end)
{
  if (*p == end) return false;
  uint64_t tag = read_varint(p, end);
  *f = (field){.number = (int)(tag >> 3), .x = read_varint(p, end)};
  assert_true((tag & 7) == 0 || (tag & 7) == 2);
  if ((tag & 7) == 0) return true;
  f->bytes = *p;
  assert_true(f->x <= (uint64_t)(end - *p));
  *p += f->x;
  return true;
}

/* The k-th field of that number in a message of n bytes. */
static field get(const unsigned char *p, uint64_t n, int number, int k)
{
  const unsigned char *end = p + n;
  field f;
  while (next_field(&f, &p, end))
    if (f.number == number && k-- == 0) return f;
  fail_msg("field %d is not there", number);
  return (field){0};
}

static field sub(field f, int number, int k) { return get(f.bytes, f.x, number, k); }

static void assert_text(field f, const char *want)
{
  assert_int_equal(f.x, strlen(want));
  assert_memory_equal(f.bytes, want, f.x);
}

static void write_floats(const char *path, const float *x, size_t n)
{
  mopo_error e;
  assert_ok(file_write(path, x, n * sizeof *x, &e), e);
}

static void onnx_is_the_network(void **state)
{
  static const char *const ops[] = {"Gemm", "Relu", "Gemm", "Relu", "Gemm", "Tanh"};
  mopo_error e;
  char *bytes = NULL;
  size_t n = 0;
  (void)state;
  save_policy(policy_path, HIDDEN, 2);
  mopo_policy *p = load(policy_path);
  export(p, "export_policy.onnx", MOPO_EXPORT_ONNX);
  assert_ok(file_read(&bytes, &n, "export_policy.onnx", 1 << 24, &e), e);
  field model = {.x = n, .bytes = (const unsigned char *)bytes};
  assert_int_equal(sub(model, 1, 0).x, 7);
  assert_int_equal(sub(sub(model, 8, 0), 2, 0).x, 13);
  field graph = sub(model, 7, 0);
  for (int i = 0; i < 6; i++) assert_text(sub(sub(graph, 1, i), 4, 0), ops[i]);
  assert_text(sub(sub(graph, 1, 0), 1, 0), "obs");
  assert_text(sub(sub(graph, 1, 5), 2, 0), "act");
  assert_text(sub(sub(graph, 11, 0), 1, 0), "obs");
  assert_text(sub(sub(graph, 12, 0), 1, 0), "act");
  field last = sub(graph, 5, 4), bias = sub(graph, 5, 5);
  assert_text(sub(last, 8, 0), "actor.4.weight");
  assert_true(sub(last, 1, 0).x == A && sub(last, 1, 1).x == HIDDEN); /* the means only */
  assert_int_equal(sub(last, 9, 0).x, A * HIDDEN * sizeof(float));
  assert_true(sub(bias, 1, 0).x == A);
  free(bytes);

  float *obs = observations(1.0f), *act = malloc(sizeof *act * ROWS * A);
  mopo_policy_act(p, act, obs, ROWS);
  write_floats("export_obs.f32", obs, ROWS * S);
  write_floats("export_act.f32", act, ROWS * A);
  free(act);
  free(obs);
  mopo_policy_free(p);
}

static void safetensors_is_a_copy(void **state)
{
  mopo_error e;
  tensor_file *f = NULL;
  (void)state;
  save_policy(policy_path, HIDDEN, 2);
  mopo_policy *p = load(policy_path);
  export(p, "export_copy.safetensors", MOPO_EXPORT_SAFETENSORS);
  mopo_policy_free(p);
  assert_ok(tensor_file_open(&f, "export_copy.safetensors", &e), e);
  assert_string_equal(tensor_file_meta(f, "algo"), "mopo");
  assert_string_equal(tensor_file_meta(f, "task"), "hopper");
  assert_string_equal(tensor_file_meta(f, "log_std_min"), "-5");
  tensor_file_free(f);
  assert_int_equal(system("cmp export_policy.safetensors export_copy.safetensors"), 0);
}

static void bad_path(void **state)
{
  mopo_error e;
  mopo_export_info info;
  (void)state;
  save_policy(policy_path, 8, 1);
  mopo_policy *p = load(policy_path);
  for (int f = 0; f <= MOPO_EXPORT_SAFETENSORS; f++)
    assert_int_equal(mopo_policy_export(&info, p, "/dev/null/x", (mopo_export_format)f, &e),
                     MOPO_EIO);
  assert_int_equal(mopo_policy_export(&info, p, "x", (mopo_export_format)99, &e), MOPO_EINVAL);
  mopo_policy_free(p);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(c_agrees),
      cmocka_unit_test(int8_agrees),
      cmocka_unit_test(c_knows_the_ranges),
      cmocka_unit_test(c_refuses_nan),
      cmocka_unit_test(rounding_is_idempotent),
      cmocka_unit_test(rows_of_int8),
      cmocka_unit_test(builds_for_cortex_m),
      cmocka_unit_test(onnx_is_the_network),
      cmocka_unit_test(safetensors_is_a_copy),
      cmocka_unit_test(bad_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
