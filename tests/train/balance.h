/* balance.h - a machine that can fail: an unstable position and velocity, which one action pushes.
 * It pays 1 for each step that it stands, and fails where the position passes 1. */
#ifndef TESTS_TRAIN_BALANCE_H
#define TESTS_TRAIN_BALANCE_H

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/rng.h"
#include "check.h"
#include "data/recorder.h"

enum { BALANCE_S = 2, BALANCE_A = 1, BALANCE_STEPS = 500 };

/* True: it fails. */
static inline bool balance_step(float next[BALANCE_S], const float obs[BALANCE_S], float act)
{
  double v = (double)obs[1] + 0.05 * (4 * (double)obs[0] + 3 * (double)act);
  double x = (double)obs[0] + 0.05 * v;
  next[0] = (float)x, next[1] = (float)v;
  return fabs(x) > 1;
}

static inline void balance_start(float obs[BALANCE_S], rng_stream *s)
{
  for (int j = 0; j < BALANCE_S; j++) obs[j] = 0.6f * rng_uniform(s) - 0.3f;
}

/* `rows` rows of a random policy that holds its action for four steps. */
static inline void balance_write(const char *path, int rows)
{
  mopo_error err;
  recorder *r = NULL;
  rng_stream s = rng_stream_of(rng_seed(11));
  float obs[BALANCE_S], next[BALANCE_S], act = 0;
  assert_ok(recorder_open(&r, path, BALANCE_S, BALANCE_A, 0, 0, &err), err);
  balance_start(obs, &s);
  for (int i = 0, t = 0; i < rows; i++, t++) {
    if (t % 4 == 0) act = 2 * rng_uniform(&s) - 1;
    bool fails = balance_step(next, obs, act), cut = !fails && t == BALANCE_STEPS - 1;
    assert_ok(recorder_add(r, obs, &act, 1, next, fails, cut, NULL, NULL, NULL, &err), err);
    memcpy(obs, next, sizeof obs);
    if (fails || cut) balance_start(obs, &s), t = -1;
  }
  assert_ok(recorder_close(r, &err), err);
}

/* Mean steps, at most BALANCE_STEPS, of the policy in a file from twenty starts. */
static inline double balance_stands(const char *path)
{
  mopo_error err;
  mopo_policy *p = NULL;
  rng_stream s = rng_stream_of(rng_seed(12));
  double steps = 0;
  assert_ok(mopo_policy_load(&p, path, &err), err);
  for (int e = 0; e < 20; e++) {
    float obs[BALANCE_S], next[BALANCE_S], act;
    bool fails = false;
    balance_start(obs, &s);
    for (int t = 0; t < BALANCE_STEPS && !fails; t++, steps++) {
      mopo_policy_act(p, &act, obs, 1);
      fails = balance_step(next, obs, act);
      memcpy(obs, next, sizeof obs);
    }
  }
  mopo_policy_free(p);
  return steps / 20;
}

/* Settings with which a few seconds are enough. */
static inline mopo_config balance_config(const char *data, const char *out)
{
  const char *set[][2] = {{"data", data},
                          {"task", "none"},
                          {"out", out},
                          {"epochs", "10"},
                          {"updates-per-epoch", "800"},
                          {"rollout-batch", "1000"},
                          {"hidden", "32"},
                          {"batch-size", "64"},
                          {"members", "3"},
                          {"elites", "2"},
                          {"model-hidden", "32"},
                          {"model-layers", "2"},
                          {"model-max-epochs", "25"},
                          {"actor-lr", "1e-3"},
                          {"critic-lr", "1e-3"},
                          {"alpha-lr", "1e-3"},
                          {"alpha-init", "0.2"},
                          {"tau", "0.02"},
                          {"ope", "none"},
                          {"gamma", "0.97"},
                          {"threads", "1"}};
  mopo_error err;
  mopo_config c = config_default();
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

static inline void balance_remove(const char *dir)
{
  static const char *const names[] = {"config.ini",
                                      "progress.csv",
                                      "events.out.tfevents.mopo",
                                      "model.safetensors",
                                      "model.fit.csv",
                                      "model.fit.safetensors",
                                      "model.calibration.csv",
                                      "model.r2.csv",
                                      "policy.safetensors",
                                      "checkpoint.safetensors",
                                      "result.json",
                                      "lock"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    remove(path);
  }
  rmdir(dir);
}

/* The lines that a run tells, one after the other. */
typedef struct balance_lines {
  char text[8192];
} balance_lines;

static inline void balance_line(void *ctx, const char *text)
{
  balance_lines *l = ctx;
  size_t n = strlen(l->text);
  snprintf(l->text + n, sizeof l->text - n, "%s\n", text);
}

#endif
