/* test_checkpoint.c - what is saved comes back; what is no place for a run to stand is refused, and
 * a refused file leaves agent and standing as they were. */
#include "check.h"

#include "fuzz/small_run.h"
#include "io/file.h"
#include "io/safetensors.h"

#include <math.h>
#include <unistd.h>

/* Where a value stands in a checkpoint, the value that is put there, and what is said to it. */
typedef struct spoilt {
  const char *tensor;
  int at; /* which number of it; -1: the tensor is left out */
  double value;
  const char *message;
} spoilt;

enum { EPOCH, UPDATE, ROLLED, WALL }; /* of the tensor "standing" */

static const spoilt bad[] = {
    {"standing", EPOCH, NAN, "epoch nan, update 2, want at most 3 and 5"},
    {"standing", EPOCH, -1, "epoch -1"},
    {"standing", EPOCH, 4, "epoch 4"},
    {"standing", EPOCH, 1.5, "epoch 1.5"},
    {"standing", EPOCH, 1e300, "epoch 1e+300"},
    {"standing", UPDATE, -INFINITY, "update -inf"},
    {"standing", UPDATE, 6, "update 6"},
    {"standing", UPDATE, 0.5, "update 0.5"},
    {"standing", ROLLED, 2, "rolled 2"},
    {"standing", ROLLED, NAN, "rolled nan"},
    {"standing", WALL, -1, "wall -1"},
    {"standing", WALL, INFINITY, "wall inf"},
    {"standing", -1, 0, "no tensor 'standing'"},
    {"agent.values", 7, NAN, "a number of the agent is not finite"},
    {"agent.values", -1, 0, "no tensor 'agent.values'"},
    {"agent.scalars", 0, INFINITY, "a number of the agent is not finite"},
    {"agent.scalars", -1, 0, "no tensor 'agent.scalars'"},
    {"ring.place", 0, -1, "ring of -1 rows"},
    {"ring.place", 0, 9, "ring of 9 rows, want at most 8"},
    {"ring.place", 0, 7, "tensor 'ring.rows' is F32 [8,5], want F32 [7,5]"},
    {"ring.place", 1, 8, "replay count 8, head 8 do not fit a ring of 8"},
    {"ring.place", 1, -1, "head -1"},
    {"ring.place", -1, 0, "no tensor 'ring.place'"},
    {"ring.rows", -1, 0, "no tensor 'ring.rows'"},
};

static void put(void *data, tensor_type type, int at, double x)
{
  if (type == TENSOR_F32)
    ((float *)data)[at] = (float)x;
  else if (type == TENSOR_F64)
    ((double *)data)[at] = x;
  else
    ((int64_t *)data)[at] = (int64_t)x;
}

static void write_spoilt(const tensor_file *f, const spoilt *s, const char *format,
                         const char *algo)
{
  mopo_error err;
  tensor_list *l = tensor_list_create();
  void *copy = NULL;
  if (format) assert_ok(tensor_list_meta(l, "format", format, &err), err);
  if (algo) assert_ok(tensor_list_meta(l, "algo", algo, &err), err);
  for (int i = 0; i < tensor_file_count(f); i++) {
    tensor t = *tensor_file_at(f, i);
    if (s && !strcmp(t.name, s->tensor)) {
      if (s->at < 0) continue;
      copy = malloc(tensor_bytes(&t));
      t.data = memcpy(copy, t.data, tensor_bytes(&t));
      put(copy, t.type, s->at, s->value);
    }
    assert_ok(tensor_list_add(l, t.name, t.type, t.rank, t.shape, t.data, &err), err);
  }
  assert_ok(tensor_list_write(l, SMALL_CHECKPOINT, &err), err);
  tensor_list_free(l);
  free(copy);
}

/* Saves a run in the middle of its second epoch. */
static tensor_file *save(run *o)
{
  static const float rows[8 * 5] = {0.5f};
  mopo_error err;
  tensor_file *f = NULL;
  replay_clear(o->ring);
  replay_push(o->ring, rows, 8);
  o->at = (standing){.epoch = 1, .update = 2, .rolled = 1, .wall = 3.5, .alpha = 0.25};
  assert_ok(checkpoint_save(o, &err), err);
  assert_ok(tensor_file_open(&f, SMALL_CHECKPOINT, &err), err);
  return f;
}

static void expect_refused(run *o, const char *message)
{
  mopo_error err = {0};
  agent_memory s = agent_state(o->agent);
  float *before = malloc(s.n_values * sizeof *before);
  memcpy(before, s.values, s.n_values * sizeof *before);
  standing at = o->at;
  mopo_status st = checkpoint_load(o, &err);
  if (st != MOPO_EFORMAT || !strstr(err.msg, message))
    fail_msg("%d '%s', want '%s'", st, err.msg, message);
  assert_memory_equal(before, s.values, s.n_values * sizeof *before);
  assert_memory_equal(&at, &o->at, sizeof at);
  free(before);
}

static void what_is_saved_comes_back(void **state)
{
  mopo_error err;
  run *o = *state;
  tensor_file_free(save(o));
  o->at = (standing){0};
  replay_clear(o->ring);
  agent_memory s = agent_state(o->agent);
  float first = s.values[0];
  s.values[0] = 99.0f;
  assert_ok(checkpoint_load(o, &err), err);
  assert_true(o->at.epoch == 1 && o->at.update == 2 && o->at.rolled == 1 && o->at.wall >= 3.5 &&
              o->at.alpha == 0.25);
  assert_true(s.values[0] == first);
  assert_int_equal(replay_count(o->ring), 8);
  assert_true(replay_row(o->ring, 0)[0] == 0.5f && replay_row(o->ring, 7)[0] == 0.0f);
}

static void nowhere_to_stand(void **state)
{
  run *o = *state;
  tensor_file *f = save(o);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    write_spoilt(f, &bad[i], "mopo.checkpoint.1", "mopo");
    expect_refused(o, bad[i].message);
  }
  write_spoilt(f, NULL, "mopo.checkpoint.0", "mopo");
  expect_refused(o, "format 'mopo.checkpoint.0', want 'mopo.checkpoint.1'");
  write_spoilt(f, NULL, NULL, "mopo");
  expect_refused(o, "format '(none)'");
  write_spoilt(f, NULL, "mopo.checkpoint.1", "cql");
  expect_refused(o, "algo 'cql', want 'mopo'");
  write_spoilt(f, NULL, "mopo.checkpoint.1", NULL);
  expect_refused(o, "algo '(none)'");
  tensor_file_free(f);
}

/* Updates would draw from a ring that holds nothing. */
static void rolled_into_an_empty_ring(void **state)
{
  mopo_error err;
  run *o = *state;
  replay_clear(o->ring);
  o->at = (standing){.epoch = 1, .update = 2, .rolled = 1};
  assert_ok(checkpoint_save(o, &err), err);
  expect_refused(o, "rolled 1");
}

static void truncation_at_every_byte(void **state)
{
  mopo_error err;
  run *o = *state;
  char *bytes = NULL;
  size_t n = 0;
  tensor_file_free(save(o));
  assert_ok(file_read(&bytes, &n, SMALL_CHECKPOINT, 1 << 20, &err), err);
  for (size_t k = 0; k < n; k++) {
    assert_ok(file_write(SMALL_CHECKPOINT, bytes, k, &err), err);
    expect_refused(o, "");
  }
  free(bytes);
}

/* What is not finite is not saved, and the file that was there stays. */
static void nan_is_not_saved(void **state)
{
  mopo_error err;
  run *o = *state;
  tensor_file_free(save(o));
  agent_memory s = agent_state(o->agent);
  float value = s.values[3];
  s.values[3] = NAN;
  assert_int_equal(checkpoint_save(o, &err), MOPO_ENUMERIC);
  assert_non_null(strstr(err.msg, "a weight of actor is nan"));
  s.values[3] = value;
  double scalar = s.scalars[0];
  s.scalars[0] = INFINITY;
  assert_int_equal(checkpoint_save(o, &err), MOPO_ENUMERIC);
  assert_non_null(strstr(err.msg, "scalar 0 of the agent is inf"));
  s.scalars[0] = scalar;
  assert_ok(checkpoint_load(o, &err), err);
}

static int begin(void **state)
{
  *state = small_run(".");
  return 0;
}

/* The data have changed since, or the file does not say what they were. */
static void other_data(void **state)
{
  run *o = *state;
  mopo_error err;
  snprintf(o->digest, sizeof o->digest, "3 rows (0000000000000001)");
  tensor_file *f = save(o);
  assert_ok(checkpoint_load(o, &err), err);
  snprintf(o->digest, sizeof o->digest, "3 rows (0000000000000002)");
  assert_int_equal(checkpoint_load(o, &err), MOPO_EINVAL);
  assert_non_null(strstr(
      err.msg, "from 3 rows (0000000000000001); the data are now 3 rows (0000000000000002)"));
  write_spoilt(f, NULL, tensor_file_meta(f, "format"), tensor_file_meta(f, "algo"));
  assert_ok(checkpoint_load(o, &err), err);
  tensor_file_free(f);
}

static int end(void **state)
{
  run *o = *state;
  agent_free(o->agent);
  replay_free(o->ring);
  par_free(o->pool);
  unlink(SMALL_CHECKPOINT);
  unlink("policy.safetensors");
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_saved_comes_back),  cmocka_unit_test(nowhere_to_stand),
      cmocka_unit_test(rolled_into_an_empty_ring), cmocka_unit_test(truncation_at_every_byte),
      cmocka_unit_test(nan_is_not_saved),          cmocka_unit_test(other_data),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
