/* test_policy.c - a policy in a file acts as it did in memory, here and in PyTorch; a bad file is
 * refused with one line. */
#include "check.h"

#include "agent/policy.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "nn/matrix.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const rng_key KEY = {{8, 13}};
static const char PATH[] = "test_policy.safetensors";
enum { S = 11, A = 3, HIDDEN = 40, ROWS = 150 };

typedef struct policy {
  actor actor;
  actor_work work;
  arena memory;
} policy;

static void layout(policy *p, arena *a)
{
  mlp_layout(&p->actor.net, a);
  actor_work_layout(&p->work, &p->actor, a, ROWS);
}

static policy *policy_make(int hidden, int layers)
{
  policy *p = calloc(1, sizeof *p);
  assert_non_null(p);
  actor_shape(&p->actor, kernels_best(), S, A, hidden, layers, -5.25f, 1.5f);
  layout(p, &p->memory);
  assert_true(arena_alloc(&p->memory));
  layout(p, &p->memory);
  mlp_initialise(&p->actor.net, MLP_GLOROT, KEY);
  for (int i = 0; i < p->actor.net.layers; i++) { /* biases that matter */
    rng_stream s = rng_stream_of(rng_index(KEY, (uint64_t)i));
    fill(p->actor.net.layer[i].b, p->actor.net.layer[i].out, &s, 0.5f);
  }
  return p;
}

static void policy_free(policy *p)
{
  free(p->memory.base);
  free(p);
}

static void save(const policy *p)
{
  mopo_error e;
  assert_ok(policy_save(&p->actor, PATH, "mopo", "hopper", NULL, &e), e);
}

static mopo_policy *load(void)
{
  mopo_error e;
  mopo_policy *p = NULL;
  assert_ok(mopo_policy_load(&p, PATH, &e), e);
  return p;
}

static void fill_obs(float *obs)
{
  rng_stream s = rng_stream_of(KEY);
  fill(obs, ROWS * S, &s, 3.0f);
}

/* ------------------------------------------------------------------ what was saved */

static void loaded_policy_acts_the_same(void **state)
{
  (void)state;
  static const int shapes[][2] = {{HIDDEN, 2}, {256, 2}, {1, 1}, {16, 1}, {23, 7}};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    policy *p = policy_make(shapes[k][0], shapes[k][1]);
    save(p);
    mopo_policy *back = load();
    assert_int_equal(mopo_policy_obs_dim(back), S);
    assert_int_equal(mopo_policy_act_dim(back), A);
    assert_string_equal(mopo_policy_task(back), "hopper");
    assert_true(policy_actor(back)->lo == -5.25f && policy_actor(back)->hi == 1.5f);
    assert_memory_equal(policy_actor(back)->net.params, p->actor.net.params,
                        p->actor.net.size * sizeof(float));
    float obs[ROWS * S], want[ROWS * A], got[ROWS * A];
    fill_obs(obs);
    actor_act(&p->actor, &p->work, want, A, obs, S, ROWS, NULL);
    for (int B = 0; B <= ROWS; B += B < 4 ? 1 : 73) { /* in the blocks that it cuts itself */
      mopo_policy_act(back, got, obs, B);
      assert_memory_equal(got, want, (size_t)(B * A) * sizeof *got);
    }
    mopo_policy_free(back);
    policy_free(p);
  }
  mopo_policy_free(NULL);
  unlink(PATH);
}

static void names_are_torch_sequentials(void **state)
{
  (void)state;
  policy *p = policy_make(HIDDEN, 2);
  save(p);
  mopo_error e;
  tensor_file *f = NULL;
  const void *w;
  assert_ok(tensor_file_open(&f, PATH, &e), e);
  assert_int_equal(tensor_file_count(f), 6);
  assert_ok(tensor_file_get(f, &w, "actor.0.weight", TENSOR_F32, 2, (int64_t[]){HIDDEN, S}, &e), e);
  assert_ok(
      tensor_file_get(f, &w, "actor.2.weight", TENSOR_F32, 2, (int64_t[]){HIDDEN, HIDDEN}, &e), e);
  assert_ok(tensor_file_get(f, &w, "actor.4.weight", TENSOR_F32, 2, (int64_t[]){2 * A, HIDDEN}, &e),
            e);
  assert_ok(tensor_file_get(f, &w, "actor.4.bias", TENSOR_F32, 1, (int64_t[]){2 * A}, &e), e);
  static const char *const meta[][2] = {
      {"format", "mopo.policy.1"}, {"algo", "mopo"},         {"task", "hopper"},
      {"obs_dim", "11"},           {"act_dim", "3"},         {"action_low", "-1"},
      {"action_high", "1"},        {"log_std_min", "-5.25"}, {"log_std_max", "1.5"}};
  for (size_t i = 0; i < sizeof meta / sizeof *meta; i++)
    assert_string_equal(tensor_file_meta(f, meta[i][0]), meta[i][1]);
  tensor_file_free(f);
  policy_free(p);
  unlink(PATH);
}

static void ranges_are_kept(void **state)
{
  static const float range[2 * A] = {0, 100, 0, 1, -2.5f, 2.5f}, bad[2 * A] = {0, 1, 0, 1, 3, 3};
  (void)state;
  mopo_error e;
  mopo_policy *back = NULL;
  policy *p = policy_make(4, 1);
  save(p);
  back = load();
  assert_null(policy_ranges(back));
  mopo_policy_free(back);
  assert_ok(policy_save(&p->actor, PATH, "mopo", "none", &(policy_labels){.ranges = range}, &e), e);
  back = load();
  assert_memory_equal(policy_ranges(back), range, sizeof range);
  mopo_policy_free(back);
  assert_ok(policy_save(&p->actor, PATH, "mopo", "none", &(policy_labels){.ranges = bad}, &e), e);
  assert_int_equal(mopo_policy_load(&back, PATH, &e), MOPO_EFORMAT);
  assert_string_equal(e.msg,
                      "test_policy.safetensors: action_ranges 3..3, want finite and ascending");
  policy_free(p);
  unlink(PATH);
}

/* ------------------------------------------------------------------ PyTorch */

static void write_floats(const char *path, const float *x, size_t n)
{
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(x, sizeof *x, n, f), n);
  assert_int_equal(fclose(f), 0);
}

/* tests/oracle/torch_policy.py looks at the largest difference itself. */
static void pytorch_acts_the_same(void **state)
{
  (void)state;
  policy *p = policy_make(256, 2);
  save(p);
  mopo_policy *back = load();
  float obs[ROWS * S], act[ROWS * A];
  fill_obs(obs);
  mopo_policy_act(back, act, obs, ROWS);
  write_floats("test_policy_obs.f32", obs, ROWS * S);
  write_floats("test_policy_act.f32", act, ROWS * A);
  int status = system("/usr/bin/python3 " SOURCE_DIR "/tests/oracle/torch_policy.py "
                      "test_policy.safetensors test_policy_obs.f32 test_policy_act.f32");
  mopo_policy_free(back);
  policy_free(p);
  unlink(PATH), unlink("test_policy_obs.f32"), unlink("test_policy_act.f32");
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) skip(); /* no PyTorch, no Python */
  assert_int_equal(code, 0);
}

/* ------------------------------------------------------------------ bad files */

static void expect_refused(mopo_status want, const char *message)
{
  mopo_error e = {0};
  mopo_policy *p = NULL;
  mopo_status st = mopo_policy_load(&p, PATH, &e);
  if (st != want || !strstr(e.msg, message) || !strstr(e.msg, PATH) || strchr(e.msg, '\n'))
    fail_msg("status %d, '%s', want '%s'", (int)st, e.msg, message);
  assert_null(p);
}

/* A policy of S -> H -> 2A with one thing wrong. */
typedef struct damage {
  const char *format;    /* NULL: none */
  const char *first;     /* name of the first layer's weights */
  tensor_type type;      /* of them */
  int64_t out[2], in[2]; /* of the layers' weights */
  int64_t bias;          /* length of the first */
  int rank;              /* of the second's weights */
  float weight;          /* what every weight is */
} damage;

static const damage SOUND = {
    "mopo.policy.1", "actor.0.weight", TENSOR_F32, {4, 6}, {5, 4}, 4, 2, 0.5f};

static void write_damaged(const damage *d)
{
  enum { ROOM = 256 };
  float w[ROOM];
  for (int i = 0; i < ROOM; i++) w[i] = d->weight;
  mopo_error e;
  tensor_list *l = tensor_list_create();
  assert_non_null(l);
  if (d->format) assert_ok(tensor_list_meta(l, "format", d->format, &e), e);
  assert_ok(tensor_list_add(l, d->first, d->type, 2, (int64_t[]){d->out[0], d->in[0]}, w, &e), e);
  assert_ok(tensor_list_add(l, "actor.0.bias", TENSOR_F32, 1, &d->bias, w, &e), e);
  assert_ok(tensor_list_add(l, "actor.2.weight", TENSOR_F32, d->rank,
                            (int64_t[]){d->out[1], d->in[1], 1}, w, &e),
            e);
  assert_ok(tensor_list_add(l, "actor.2.bias", TENSOR_F32, 1, &d->out[1], w, &e), e);
  assert_ok(tensor_list_write(l, PATH, &e), e);
  tensor_list_free(l);
}

static void damaged_policies_are_refused(void **state)
{
  (void)state;
  damage d = SOUND;
  write_damaged(&d);
  mopo_policy_free(load()); /* this one is well */

  d = SOUND, d.format = "mopo.policy.2", write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "format 'mopo.policy.2', want 'mopo.policy.1'");
  d = SOUND, d.first = "actor.1.weight", write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "no 'actor.0.weight': not a policy");
  d = SOUND, d.out[1] = 5, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "5 outputs, want means and log-stds: an even number");
  d = SOUND, d.in[1] = 3, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "'actor.2.weight' takes 3 inputs, the layer before gives 4");
  d = SOUND, d.bias = 5, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "tensor 'actor.0.bias' is F32 [5], want F32 [4]");
  d = SOUND, d.rank = 3, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "'actor.2.weight' is not a matrix of at most");
  d = SOUND, d.out[0] = 0, d.in[1] = 0, d.bias = 0, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "'actor.0.weight' is not a matrix of at most");
  d = SOUND, d.in[0] = 0, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "'actor.0.weight' is not a matrix of at most");
  d = SOUND, d.type = TENSOR_U32, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "tensor 'actor.0.weight' is U32 [4,5], want F32 [4,5]");
  d = SOUND, d.weight = NAN, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "a weight is not finite");
  d = SOUND, d.weight = -INFINITY, write_damaged(&d);
  expect_refused(MOPO_EFORMAT, "a weight is not finite");
  unlink(PATH);
}

/* Small matrices that claim, one after the other, a network of 16 GB. */
static void layers_that_do_not_meet_take_no_memory(void **state)
{
  (void)state;
  enum { WIDE = 65536 };
  static float w[2 * WIDE];
  mopo_error e;
  for (int tall = 0; tall < 2; tall++) { /* one more than there may be, either way */
    tensor_list *only = tensor_list_create();
    int64_t shape[] = {tall ? WIDE + 1 : 1, tall ? 1 : WIDE + 1};
    assert_ok(tensor_list_add(only, "actor.0.weight", TENSOR_F32, 2, shape, w, &e), e);
    assert_ok(tensor_list_write(only, PATH, &e), e);
    tensor_list_free(only);
    expect_refused(MOPO_EFORMAT, "is not a matrix of at most 65536 x 65536");
  }
  tensor_list *l = tensor_list_create();
  assert_ok(tensor_list_add(l, "actor.0.weight", TENSOR_F32, 2, (int64_t[]){1, WIDE}, w, &e), e);
  assert_ok(tensor_list_add(l, "actor.2.weight", TENSOR_F32, 2, (int64_t[]){2, WIDE}, w, &e), e);
  assert_ok(tensor_list_write(l, PATH, &e), e);
  tensor_list_free(l);
  expect_refused(MOPO_EFORMAT, "takes 65536 inputs, the layer before gives 1");
}

static void bounds_of_the_log_std_are_checked(void **state)
{
  static const char *const bad[][2] = {
      {"nan", "2"}, {"-20", "inf"}, {"-1e99", "2"}, {"2", "2"}, {"3", "-3"}};
  (void)state;
  policy *p = policy_make(4, 1);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    mopo_error e;
    tensor_file *f = NULL;
    save(p);
    assert_ok(tensor_file_open(&f, PATH, &e), e);
    tensor_list *l = tensor_list_create();
    for (int k = 0; k < tensor_file_count(f); k++) {
      const tensor *t = tensor_file_at(f, k);
      assert_ok(tensor_list_add(l, t->name, t->type, t->rank, t->shape, t->data, &e), e);
    }
    assert_ok(tensor_list_meta(l, "log_std_min", bad[i][0], &e), e);
    assert_ok(tensor_list_meta(l, "log_std_max", bad[i][1], &e), e);
    assert_ok(tensor_list_write(l, PATH, &e), e);
    tensor_list_free(l);
    tensor_file_free(f);
    expect_refused(MOPO_EFORMAT, "want finite and ascending");
  }
  policy_free(p);
  unlink(PATH);
}

static void nine_layers_are_refused(void **state)
{
  (void)state;
  enum { LAYERS = MLP_LAYERS + 1 };
  float w[4] = {0};
  mopo_error e;
  tensor_list *l = tensor_list_create();
  for (int i = 0; i < LAYERS; i++) {
    char name[32];
    snprintf(name, sizeof name, "actor.%d.weight", 2 * i);
    assert_ok(tensor_list_add(l, name, TENSOR_F32, 2, (int64_t[]){2, 2}, w, &e), e);
    snprintf(name, sizeof name, "actor.%d.bias", 2 * i);
    assert_ok(tensor_list_add(l, name, TENSOR_F32, 1, (int64_t[]){2}, w, &e), e);
  }
  assert_ok(tensor_list_write(l, PATH, &e), e);
  tensor_list_free(l);
  expect_refused(MOPO_EFORMAT, "more than 8 layers");
  unlink(PATH);
}

static void no_file_and_no_policy(void **state)
{
  (void)state;
  unlink(PATH);
  expect_refused(MOPO_EIO, "No such file");
  write_floats(PATH, (float[100]){0}, 100);
  expect_refused(MOPO_EFORMAT, "");
}

/* Whatever is missing at its end, a part of a file is no policy. */
static void truncation_at_every_byte_is_refused(void **state)
{
  (void)state;
  write_damaged(&SOUND);
  mopo_error e;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, PATH, 1 << 20, &e), e);
  for (size_t k = 0; k < n; k++) {
    FILE *f = fopen(PATH, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, k, f), k);
    assert_int_equal(fclose(f), 0);
    expect_refused(MOPO_EFORMAT, "");
  }
  free(bytes);
  unlink(PATH);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loaded_policy_acts_the_same),
      cmocka_unit_test(names_are_torch_sequentials),
      cmocka_unit_test(ranges_are_kept),
      cmocka_unit_test(pytorch_acts_the_same),
      cmocka_unit_test(damaged_policies_are_refused),
      cmocka_unit_test(layers_that_do_not_meet_take_no_memory),
      cmocka_unit_test(bounds_of_the_log_std_are_checked),
      cmocka_unit_test(nine_layers_are_refused),
      cmocka_unit_test(no_file_and_no_policy),
      cmocka_unit_test(truncation_at_every_byte_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
