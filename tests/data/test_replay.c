/* test_replay.c - the ring against an oracle that keeps everything ever pushed. */
#include "check.h"

#include "base/rng.h"
#include "data/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { S = 2, A = 1, W = 2 * S + A + 2 };

/* Row number `id` of all that are ever pushed. */
static void make_row(float *row, int64_t id)
{
  for (int k = 0; k < W; k++) row[k] = (float)(id * W + k);
}

static replay *make_ring(int64_t capacity)
{
  mopo_error e;
  replay *r = NULL;
  assert_ok(replay_create(&r, capacity, row_layout_of(S, A), &e), e);
  /* Whoever samples a row that was never written gets a NaN. */
  for (int64_t i = 0; i < capacity * W; i++) replay_data(r)[i] = NAN;
  return r;
}

static void push(replay *r, int64_t first, int64_t n)
{
  float *rows = malloc((size_t)(n ? n : 1) * W * sizeof *rows);
  for (int64_t i = 0; i < n; i++) make_row(rows + i * W, first + i);
  replay_push(r, rows, n);
  free(rows);
}

/* The ring holds exactly the newest rows of `pushed`, oldest first: none that is older, none that
 * was never written. */
static void check_ring(const replay *r, int64_t pushed)
{
  int64_t capacity = replay_capacity(r), count = pushed < capacity ? pushed : capacity;
  assert_int_equal(replay_count(r), count);
  assert_int_equal(replay_head(r), pushed % capacity);
  for (int64_t i = 0; i < count; i++) {
    float want[W];
    make_row(want, pushed - count + i);
    assert_memory_equal(replay_row(r, i), want, sizeof want);
  }
}

static void layout_has_no_gaps(void **state)
{
  (void)state;
  row_layout at = row_layout_of(11, 3);
  assert_true(at.S == 11 && at.A == 3 && at.act == 11 && at.rew == 14 && at.next == 15);
  assert_true(at.done == 26 && at.width == 27);
}

static void keeps_the_newest_rows(void **state)
{
  (void)state;
  rng_stream s = rng_stream_of(rng_seed(3));
  for (int64_t capacity = 1; capacity <= 40; capacity++) {
    replay *r = make_ring(capacity);
    int64_t pushed = 0;
    check_ring(r, 0);
    for (int k = 0; k < 60; k++) {
      /* from nothing to more than twice the ring in one go */
      int64_t n = (int64_t)rng_below(&s, k % 5 ? 6 : (uint64_t)capacity * 2 + 3);
      push(r, pushed, n);
      pushed += n;
      check_ring(r, pushed);
    }
    replay_clear(r);
    check_ring(r, 0);
    push(r, 0, capacity + 1);
    check_ring(r, capacity + 1);
    replay_free(r);
  }
}

/* A ring rebuilt from a checkpoint goes on as the first would have. */
static void restored_ring_goes_on(void **state)
{
  (void)state;
  for (int64_t pushed = 0; pushed < 30; pushed++) {
    mopo_error e;
    replay *a = make_ring(10), *b = make_ring(10);
    push(a, 0, pushed);
    memcpy(replay_data(b), replay_data(a), (size_t)replay_count(a) * W * sizeof(float));
    assert_ok(replay_restore(b, replay_count(a), replay_head(a), &e), e);
    check_ring(b, pushed);
    push(b, pushed, 7);
    check_ring(b, pushed + 7);
    replay_free(a);
    replay_free(b);
  }
}

static void refuses_impossible_states(void **state)
{
  static const int64_t bad[][2] = {{-1, 0}, {0, 1}, {3, 2}, {3, 4}, {10, 10}, {10, -1}, {11, 0}};
  (void)state;
  mopo_error e = {0};
  replay *r = make_ring(10);
  push(r, 0, 4);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_int_equal(replay_restore(r, bad[i][0], bad[i][1], &e), MOPO_EFORMAT);
  assert_string_equal(e.msg, "replay count 11, head 0 do not fit a ring of 10");
  check_ring(r, 4);
  replay_free(r);
}

static void refuses_impossible_sizes(void **state)
{
  (void)state;
  mopo_error e = {0};
  replay *r = NULL;
  assert_int_equal(replay_create(&r, 0, row_layout_of(S, A), &e), MOPO_EINVAL);
  assert_int_equal(replay_create(&r, INT64_MAX, row_layout_of(S, A), &e), MOPO_ENOMEM);
  assert_int_equal(replay_create(&r, INT64_MAX / (W * 4) + 1, row_layout_of(S, A), &e),
                   MOPO_ENOMEM);
  assert_null(r);
  replay_free(NULL);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layout_has_no_gaps),       cmocka_unit_test(keeps_the_newest_rows),
      cmocka_unit_test(restored_ring_goes_on),    cmocka_unit_test(refuses_impossible_states),
      cmocka_unit_test(refuses_impossible_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
