/* test_batch.c - what an agent is given to learn from in a whole run: its first rows recorded, the
 * rest imagined, each drawn from all there are and from nothing else. The linker puts a spy in the
 * agent's place (CMakeLists.txt). */
#include "faults/tiny.h"

#include <math.h>

#include "agent/agent.h"
#include "run/metrics.h"
#include "train/rollout.h"

enum {
  EPOCHS = 3,
  UPDATES = 40,
  MOST = 256,
  STARTS = 50,
  H = 2,
  KEEP = 2,
  RING = STARTS * H * KEEP
};
static const char OUT[] = "batch_run", DATA[] = "batch_data.npz";

static struct {
  agent_type type; /* the algorithm's own, but for update */
  const mopo_dataset *data;
  replay *ring; /* NULL before the first rollouts */
  int B;        /* rows of a batch */
  int recorded; /* rows at the head of each batch, as the test expects them */
  int updates, rollouts;
  int of_data[TINY_ROWS], of_ring[RING]; /* draws: since the beginning, since the rollouts */
  const float *first[MOST];              /* the first batch of the epoch */
  float q[MOST];
} spy;

/* Which of `count` rows is it? */
static int place(const float *row, const float *rows, int64_t count)
{
  for (int i = 0; i < count; i++)
    if (row == rows + (size_t)i * (size_t)spy.data->at.width) return i;
  return -1;
}

static int imagined_rows(void) { return STARTS * H * (spy.rollouts < KEEP ? spy.rollouts : KEEP); }

/* Q is 1 of recorded rows, 5 of imagined ones. */
static agent_stats watch_update(agent *a, const batch *b)
{
  (void)a;
  assert_int_equal(b->B, spy.B);
  assert_memory_equal(&b->at, &spy.data->at, sizeof b->at);
  if (spy.ring) assert_int_equal(replay_count(spy.ring), imagined_rows());
  for (int i = 0; i < spy.B; i++) {
    bool recorded = i < spy.recorded;
    int at = recorded ? place(b->row[i], spy.data->rows, spy.data->N)
                      : place(b->row[i], replay_data(spy.ring), replay_count(spy.ring));
    if (at < 0)
      fail_msg("update %d: row %d is not %s", spy.updates, i, recorded ? "recorded" : "imagined");
    (recorded ? spy.of_data : spy.of_ring)[at]++;
    spy.q[i] = recorded ? 1 : 5;
  }
  if (spy.updates++ % UPDATES == 0) { /* no epoch repeats the draws of the one before */
    if (spy.recorded)
      assert_memory_not_equal(b->row, spy.first, (size_t)spy.recorded * sizeof *b->row);
    memcpy(spy.first, b->row, (size_t)spy.B * sizeof *b->row);
  }
  return (agent_stats){.q = spy.q};
}

mopo_status __real_agent_create(agent **out, const agent_type *type, const agent_setup *setup,
                                mopo_error *err);
mopo_status __wrap_agent_create(agent **out, const agent_type *type, const agent_setup *setup,
                                mopo_error *err);
mopo_status __wrap_agent_create(agent **out, const agent_type *type, const agent_setup *setup,
                                mopo_error *err)
{
  spy.data = setup->data;
  return __real_agent_create(out, type, setup, err);
}

const agent_type *__real_agent_find(const char *name);
const agent_type *__wrap_agent_find(const char *name);
const agent_type *__wrap_agent_find(const char *name)
{
  spy.type = *__real_agent_find(name);
  spy.type.update = watch_update;
  return &spy.type;
}

/* Was every one of n rows drawn, and none three times as often as they are on average? */
static void assert_fair(const int *draws, int n)
{
  int sum = 0;
  for (int i = 0; i < n; i++) sum += draws[i];
  for (int i = 0; i < n; i++)
    if (draws[i] == 0 || draws[i] > 3 * sum / n)
      fail_msg("row %d of %d: %d of %d draws", i, n, draws[i], sum);
}

bool __real_rollout_run(rollout *r, rollout_stats *out, replay *into, const mopo_dataset *d,
                        const actor *p, rng_key key, uint64_t epoch, bool (*stop)(void *ctx),
                        void *ctx);
bool __wrap_rollout_run(rollout *r, rollout_stats *out, replay *into, const mopo_dataset *d,
                        const actor *p, rng_key key, uint64_t epoch, bool (*stop)(void *ctx),
                        void *ctx);
bool __wrap_rollout_run(rollout *r, rollout_stats *out, replay *into, const mopo_dataset *d,
                        const actor *p, rng_key key, uint64_t epoch, bool (*stop)(void *ctx),
                        void *ctx)
{
  assert_int_equal(epoch, spy.rollouts);
  assert_int_equal(spy.updates, spy.rollouts * UPDATES);
  assert_int_equal(replay_capacity(into), RING);
  assert_ptr_equal(d, spy.data);
  if (spy.rollouts && spy.recorded < spy.B) assert_fair(spy.of_ring, imagined_rows());
  memset(spy.of_ring, 0, sizeof spy.of_ring);
  spy.ring = into, spy.rollouts++;
  return __real_rollout_run(r, out, into, d, p, key, epoch, stop, ctx);
}

/* All epochs of a run of algo; task none ends no rollout, so that their rows are known. */
static void run(const char *algo, const char *real_ratio, int recorded, const char *batch_size)
{
  const char *const set[][2] = {
      {"task", "none"},           {"epochs", "3"},         {"updates-per-epoch", "40"},
      {"batch-size", batch_size}, {"rollout-batch", "50"}, {"rollout-keep", "2"},
      {"behaviour-term", "0"}, /* its clone learns before the run does */
      {"scaler", "none"}};     /* Q is told as the spy says it */
  mopo_error err;
  mopo_train_result r;
  mopo_config c = tiny_config(OUT);
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) tiny_set(&c, set[i][0], set[i][1]);
  tiny_set(&c, "data", DATA);
  tiny_set(&c, "algo", algo);
  tiny_set(&c, "real-ratio", real_ratio);
  memset(&spy, 0, sizeof spy);
  spy.B = c.batch_size;
  spy.recorded = recorded;
  tiny_remove(OUT);
  assert_ok(mopo_train(&r, &c, false, NULL, &err), err);
  assert_int_equal(spy.updates, EPOCHS * UPDATES);
  if (recorded > 0) assert_fair(spy.of_data, TINY_ROWS);
  if (recorded < spy.B) assert_fair(spy.of_ring, RING);
}

/* q_data_mean of the last epoch. */
static double q_of_data(void)
{
  mopo_error err;
  metrics *m = NULL;
  metrics_row *rows = NULL;
  int n = 0;
  assert_ok(metrics_open(&m, OUT, EPOCHS, &err), err);
  assert_ok(metrics_rows(&rows, &n, m, &err), err);
  metrics_close(m);
  assert_int_equal(n, EPOCHS);
  double q = rows[EPOCHS - 1].q_data_mean;
  free(rows);
  return q;
}

/* 5 % of 256 is 12.8. */
static void twelve_rows_of_a_batch_are_recorded_and_the_rest_imagined(void **state)
{
  (void)state;
  run("mopo", "auto", 12, "256");
  assert_int_equal(spy.rollouts, EPOCHS);
  assert_true(q_of_data() == 1);
}

static void the_share_of_recorded_rows_is_a_setting(void **state)
{
  (void)state;
  run("mopo", "0", 0, "256");
  assert_true(isnan(q_of_data()));
  run("mbpo", "0.5", 128, "256");
  assert_true(q_of_data() == 1);
  run("mopo", "1", 256, "256");
  run("mopo", "0.29", 29, "100"); /* as a double it is a little less */
}

static void without_a_model_all_rows_are_recorded(void **state)
{
  (void)state;
  run("sac", "auto", 256, "256");
  assert_int_equal(spy.rollouts, 0);
}

static int begin(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = tiny_dataset();
  assert_ok(mopo_dataset_save(d, DATA, &err), err);
  mopo_dataset_free(d);
  return 0;
}

static int end(void **state)
{
  (void)state;
  tiny_remove(OUT);
  remove(DATA);
  return 0;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(twelve_rows_of_a_batch_are_recorded_and_the_rest_imagined),
      cmocka_unit_test(the_share_of_recorded_rows_is_a_setting),
      cmocka_unit_test(without_a_model_all_rows_are_recorded),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
