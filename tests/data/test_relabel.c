/* test_relabel.c - relabelled rewards are the simulator's own on the same transitions. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/recorder.h"
#include "sim/sim.h"
#include "task/task.h"

#ifdef MOPO_HAVE_MUJOCO

enum { ROWS = 700, CUT = 150 /* rows of an episode */, MAX_COLS = 111 };

/* What the simulator itself said of each row. */
static float rewards[ROWS], observed[ROWS][2][TASK_MAX_OBS];
static bool ends[ROWS], last[ROWS];
static double reach; /* greatest |position| */

/* How D4RL's file of the same body differs from ours. */
typedef struct form {
  int cols;     /* of an observation */
  bool rounded; /* positions are float32 */
  bool next;    /* has infos/next_qpos; else only qpos, under its name */
} form;

/* The observation as that file has it. */
static void put(float *to, const float *obs, int S, int cols)
{
  memset(to, 0, MAX_COLS * sizeof *to);
  memcpy(to, obs, (size_t)S * sizeof *to);
  if (cols == S - 1) memmove(to + 8, to + 9, 9 * sizeof *to); /* without the torso's height */
}

static void round_all(double *x, int n)
{
  for (int i = 0; i < n; i++) x[i] = (float)x[i];
}

/* Random actions in `task`, with rewards that are not its own. */
static void record(const char *path, const mopo_task *task, form f)
{
  mopo_error err;
  sim_world *w;
  sim *s;
  recorder *r;
  rng_stream rng = rng_stream_of(rng_seed(17));
  double qpos[TASK_MAX_OBS], qvel[TASK_MAX_OBS], after[TASK_MAX_OBS];
  float obs[TASK_MAX_OBS], next[TASK_MAX_OBS], act[TASK_MAX_ACT], wide[2][MAX_COLS];
  assert_ok(sim_world_create(&w, task, SIM_D4RL, &err), err);
  assert_ok(sim_create(&s, w, &err), err);
  assert_ok(recorder_open(&r, path, f.cols, mopo_task_facts_of(task)->act_dim, sim_nq(w), sim_nv(w),
                          &err),
            err);
  reach = 0;
  sim_reset(s, obs, &rng);
  for (int i = 0, t = 1; i < ROWS; i++, t++) {
    double rew;
    for (int j = 0; j < mopo_task_facts_of(task)->act_dim; j++) act[j] = 2 * rng_uniform(&rng) - 1;
    sim_get_state(s, qpos, qvel);
    assert_true(sim_step(s, next, &rew, &ends[i], act));
    sim_get_state(s, after, NULL);
    rewards[i] = (float)rew, last[i] = ends[i] || t == CUT || i == ROWS - 1;
    memcpy(observed[i][0], obs, sizeof obs), memcpy(observed[i][1], next, sizeof next);
    for (int j = 0; j < 3; j++) reach = fmax(reach, fmax(fabs(qpos[j]), fabs(after[j])));
    if (f.rounded) round_all(qpos, sim_nq(w)), round_all(after, sim_nq(w));
    put(wide[0], obs, mopo_task_facts_of(task)->obs_dim, f.cols),
        put(wide[1], next, mopo_task_facts_of(task)->obs_dim, f.cols);
    assert_ok(recorder_add(r, wide[0], act, -5.0f, wide[1], ends[i], last[i] && !ends[i], qpos,
                           qvel, after, &err),
              err);
    memcpy(obs, next, sizeof obs);
    if (!last[i]) continue;
    t = 0;
    sim_reset(s, obs, &rng);
  }
  assert_ok(recorder_text(r, "task", mopo_task_facts_of(task_behaviour(task))->name, &err), err);
  assert_ok(recorder_close(r, &err), err);
  sim_free(s);
  sim_world_free(w);
}

/* Every row has what the simulator said, the reward to `within`. */
static void check(const char *path, const mopo_task *task, double within)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_relabel(&d, path, task, &err), err);
  assert_int_equal(mopo_dataset_rows(d), ROWS);
  assert_string_equal(mopo_dataset_task(d), mopo_task_facts_of(task)->name);
  for (int i = 0; i < ROWS; i++) {
    const float *x = dataset_row(d, i);
    if (!(fabs((double)x[d->at.rew] - (double)rewards[i]) <= within))
      fail_msg("%s row %d: %.9g, the simulator said %.9g", mopo_task_facts_of(task)->name, i,
               (double)x[d->at.rew], (double)rewards[i]);
    for (int j = 0; j < mopo_task_facts_of(task)->obs_dim;
         j++) { /* float32 of a float32 plus 0.7: an ulp off */
      double ulp = within > 0 && j == 8 ? 0x1p-23 : 0;
      assert_true(fabs((double)(x[j] - observed[i][0][j])) <= ulp);
      assert_true(fabs((double)(x[d->at.next + j] - observed[i][1][j])) <= ulp);
    }
    assert_int_equal(x[d->at.done] != 0.0f, ends[i]);
    assert_int_equal(d->ends[i], last[i]);
  }
  mopo_dataset_free(d);
}

/* Positions in float64: the same arithmetic on the same numbers, so the same bits. */
static void own_recordings_agree_to_the_bit(void **state)
{
  (void)state;
  static const char *const names[] = {"halfcheetah-jump", "ant-angle", "hopper", "halfcheetah",
                                      "walker2d"};
  for (int k = 0; k < 5; k++) {
    const mopo_task *task = mopo_task_find(names[k]);
    record("relabel.hdf5", task, (form){mopo_task_facts_of(task)->obs_dim, false, true});
    check("relabel.hdf5", task, 0);
  }
}

/* ant's own reward takes the torso's frame, which a step leaves slightly before its joint: the two
 * displacements differ by what that lag changes in a step. */
static void ant_agrees_but_for_the_lag(void **state)
{
  (void)state;
  const mopo_task *task = mopo_task_find("ant");
  mopo_error err;
  mopo_dataset *d = NULL;
  double sum = 0, lag = 0;
  record("relabel.hdf5", task, (form){27, false, true});
  assert_ok(mopo_dataset_relabel(&d, "relabel.hdf5", task, &err), err);
  for (int i = 0; i < ROWS; i++) {
    double diff = (double)dataset_row(d, i)[d->at.rew] - (double)rewards[i];
    sum += diff, lag = fmax(lag, fabs(diff));
  }
  assert_true(lag > 0 && fabs(sum / ROWS) < 1e-2);
  mopo_dataset_free(d);
}

/* D4RL's observations, positions in float32. Half an ulp at either end of a displacement, and
 * 15 times that of the height twice. */
static void d4rl_recordings_agree_to_their_rounding(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    int cols;
  } of[] = {{"halfcheetah-jump", 17}, {"ant-angle", 111}};
  for (int k = 0; k < 2; k++) {
    const mopo_task *task = mopo_task_find(of[k].name);
    record("relabel.hdf5", task, (form){of[k].cols, true, true});
    double half_ulp = reach * 0x1p-24,
           at_most = 2 * half_ulp * (2 / mopo_task_facts_of(task)->dt) + 15 * 2 * half_ulp;
    check("relabel.hdf5", task, at_most + 4e-7 * 10 /* of the reward's own rounding */);
  }
}

static void wrong_files_are_refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = NULL;
  const mopo_task *jump = mopo_task_find("halfcheetah-jump");
  assert_int_equal(
      mopo_dataset_relabel(&d, SOURCE_DIR "/data/hopper-medium-replay-sample.hdf5", jump, &err),
      MOPO_EDATA);
  assert_null(d);
  record("relabel.hdf5", mopo_task_find("ant"), (form){27, false, true});
  assert_int_equal(mopo_dataset_relabel(&d, "relabel.hdf5", jump, &err), MOPO_EDATA);
  assert_non_null(strstr(err.msg, "27"));
  assert_int_equal(mopo_dataset_relabel(&d, "relabel.hdf5", mopo_task_find("none"), &err),
                   MOPO_EINVAL);
  assert_ok(mopo_dataset_relabel(&d, "relabel.hdf5", mopo_task_find("ant"), &err), err);
  /* What is written after relabelling has no positions. */
  assert_ok(mopo_dataset_save(d, "relabelled.hdf5", &err), err);
  mopo_dataset_free(d);
  assert_int_equal(mopo_dataset_relabel(&d, "relabelled.hdf5", mopo_task_find("ant"), &err),
                   MOPO_EDATA);
  assert_non_null(strstr(err.msg, "infos/qpos"));
}

/* Nobody learns by the behaviour's rewards, or by another task's, without noticing. */
static void rewards_of_another_task_are_refused(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = NULL;
  const mopo_task *jump = mopo_task_find("halfcheetah-jump");
  record("relabel.hdf5", jump, (form){18, false, true});
  assert_int_equal(mopo_dataset_load(&d, "relabel.hdf5", jump, &err), MOPO_EDATA);
  assert_non_null(strstr(err.msg, "relabel"));
  assert_ok(mopo_dataset_load(&d, "relabel.hdf5", task_behaviour(jump), &err), err);
  mopo_dataset_free(d);
  assert_ok(mopo_dataset_relabel(&d, "relabel.hdf5", jump, &err), err);
  assert_ok(mopo_dataset_save(d, "relabelled.hdf5", &err), err);
  mopo_dataset_free(d);
  assert_ok(mopo_dataset_load(&d, "relabelled.hdf5", jump, &err), err);
  mopo_dataset *raw = NULL, *both = NULL;
  assert_ok(mopo_dataset_load(&raw, "relabel.hdf5", NULL, &err), err);
  assert_int_equal(mopo_dataset_save(raw, "relabel.npz", &err), MOPO_EINVAL);
  assert_ok(mopo_dataset_save(d, "relabel.npz", &err), err);
  assert_int_equal(mopo_dataset_merge(&both, (const mopo_dataset *const[]){d, raw}, 2, &err),
                   MOPO_EDATA);
  mopo_dataset_free(d);
  mopo_dataset_free(raw);
}

static mopo_agreement agree(mopo_dataset **d, const char *path, const mopo_task *task)
{
  mopo_error err;
  mopo_dataset *relabelled = NULL;
  mopo_agreement a;
  if (!*d) assert_ok(mopo_dataset_load(d, path, NULL, &err), err);
  assert_ok(mopo_dataset_relabel(&relabelled, path, task, &err), err);
  assert_ok(mopo_dataset_agree(&a, *d, relabelled, task, &err), err);
  mopo_dataset_free(relabelled);
  return a;
}

/* A file whose episodes lack their last step in one of the two, or in both: rows are compared with
 * themselves, and what differs is counted. */
static void what_is_recorded_is_compared(void **state)
{
  (void)state;
  enum { N = 20000, EPISODES = 217 };
  static const char sample[] = SOURCE_DIR "/data/hopper-medium-replay-sample.hdf5";
  mopo_error err;
  const mopo_task *task = mopo_task_find("hopper");
  mopo_dataset *d = NULL;
  mopo_agreement a = agree(&d, sample, task);
  assert_true(a.reward_rows == N - EPISODES && a.rewards == 0 && a.reward_most < 1e-3);
  assert_true(a.end_rows == N && a.ends == 0);
  float *row = d->rows + 1000 * d->at.width;
  row[d->at.rew] += 7.0f, row[d->at.done] = 1.0f;
  a = agree(&d, sample, task);
  assert_true(a.rewards == 1 && fabs(a.reward_most - 7.0) < 1e-3 && a.ends == 1);
  assert_int_equal(a.first_end, 1000);
  assert_ok(mopo_dataset_agree(&a, d, NULL, mopo_task_find("ant"), &err), err); /* nothing fits */
  assert_true(a.reward_rows == 0 && a.end_rows == 0);
  mopo_dataset_free(d), d = NULL;

  /* The name still stands where the file's order of names has it. */
  assert_int_equal(system("LC_ALL=C sed s/next_observations/nexz_observations/ " SOURCE_DIR
                          "/data/hopper-medium-replay-sample.hdf5 > relabel_blind.hdf5"),
                   0);
  a = agree(&d, "relabel_blind.hdf5", task);
  assert_true(d->n_blind > 0);
  assert_true(a.reward_rows == N - EPISODES && a.rewards == 0 && a.reward_most < 1e-3);
  assert_true(a.end_rows == d->N - d->n_blind && a.ends == 0);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_recordings_agree_to_the_bit),
      cmocka_unit_test(ant_agrees_but_for_the_lag),
      cmocka_unit_test(d4rl_recordings_agree_to_their_rounding),
      cmocka_unit_test(wrong_files_are_refused),
      cmocka_unit_test(rewards_of_another_task_are_refused),
      cmocka_unit_test(what_is_recorded_is_compared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; }

#endif
