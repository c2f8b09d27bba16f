/* test_seam.c - what an agent is handed when a run is set up: the model, where there is one. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/rng.h"
#include "config/config.h"
#include "data/recorder.h"
#include "io/file.h"
#include "train/run.h"

enum { S = 3, A = 2, N = 200 };
static const char DATA[] = "seam.hdf5", OUT[] = "seam_run";

static int write_data(void **state)
{
  (void)state;
  mopo_error err;
  recorder *r = NULL;
  rng_stream s = rng_stream_of(rng_seed(1));
  assert_ok(recorder_open(&r, DATA, S, A, 0, 0, &err), err);
  for (int i = 0; i < N; i++) {
    float obs[S], act[A], next[S];
    for (int j = 0; j < S; j++) obs[j] = rng_normal(&s), next[j] = obs[j] + 0.1f * rng_normal(&s);
    for (int j = 0; j < A; j++) act[j] = 2 * rng_uniform(&s) - 1;
    assert_ok(recorder_add(r, obs, act, obs[0], next, false, i % 50 == 49, NULL, NULL, NULL, &err),
              err);
  }
  assert_ok(recorder_close(r, &err), err);
  return 0;
}

static void assert_handed(const char *algo, bool model)
{
  static const char *const names[] = {"config.ini",
                                      "model.safetensors",
                                      "model.fit.csv",
                                      "model.calibration.csv",
                                      "model.r2.csv",
                                      "progress.csv",
                                      "events.out.tfevents.mopo",
                                      "lock"};
  const char *set[][2] = {{"data", DATA},        {"task", "none"},          {"out", OUT},
                          {"algo", algo},        {"epochs", "1"},           {"hidden", "16"},
                          {"members", "3"},      {"elites", "2"},           {"model-hidden", "16"},
                          {"model-layers", "2"}, {"model-max-epochs", "1"}, {"rollout-batch", "50"},
                          {"threads", "1"}};
  mopo_error err;
  mopo_config c = config_default();
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  run o = {.lock = -1};
  assert_ok(run_set_up(&o, &(run_order){.config = &c, .dir = c.out}, &err), err);
  const imagine *given = o.agent->setup.model;
  if (model) {
    assert_ptr_equal(given->m, o.model);
    assert_ptr_equal(given->task, o.task);
    assert_int_equal(given->m->set.elites, 2);
  } else {
    assert_null(given);
  }
  run_tear_down(&o);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", OUT, names[i]);
    remove(path);
  }
  rmdir(OUT);
}

static void an_agent_is_given_the_model_where_there_is_one(void **state)
{
  (void)state;
  assert_handed("mopo", true);
  assert_handed("td3bc", false);
  remove(DATA);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_agent_is_given_the_model_where_there_is_one)};
  return cmocka_run_group_tests(tests, write_data, NULL);
}
