/* linear.h - a dataset whose dynamics are known: linear with Gaussian noise of a known size.
 *   next - obs = 0.1 M [obs, act] + NOISE z,   rew = obs[0] - act[0] + NOISE z */
#ifndef TESTS_MODEL_LINEAR_H
#define TESTS_MODEL_LINEAR_H

#include <stdlib.h>

#include "base/rng.h"
#include "check.h"

enum { LINEAR_S = 3, LINEAR_A = 2 };
static const float LINEAR_NOISE = 0.05f;

static inline void linear_truth(float *delta, float *rew, const float *obs, const float *act)
{
  static const float M[3][5] = {{0.0f, 1.0f, 0.5f, 1.0f, 0.0f},
                                {-1.0f, 0.0f, 0.2f, 0.0f, 1.0f},
                                {0.3f, 0.3f, -0.5f, 1.0f, 1.0f}};
  for (int i = 0; i < LINEAR_S; i++) {
    delta[i] = 0.0f;
    for (int j = 0; j < LINEAR_S; j++) delta[i] += 0.1f * M[i][j] * obs[j];
    for (int j = 0; j < LINEAR_A; j++) delta[i] += 0.1f * M[i][LINEAR_S + j] * act[j];
  }
  *rew = obs[0] - act[0];
}

static inline mopo_dataset *linear_dataset(int N, uint64_t seed)
{
  size_t n = (size_t)N;
  float *obs = calloc(n * LINEAR_S, sizeof *obs), *next = calloc(n * LINEAR_S, sizeof *next);
  float *act = calloc(n * LINEAR_A, sizeof *act), *rew = calloc(n, sizeof *rew);
  unsigned char *end = calloc(n, 1);
  rng_stream r = rng_stream_of(rng_seed(seed));
  for (size_t i = 0; i < n; i++) {
    float delta[LINEAR_S];
    for (int j = 0; j < LINEAR_S; j++) obs[i * LINEAR_S + (size_t)j] = rng_normal(&r);
    for (int j = 0; j < LINEAR_A; j++)
      act[i * LINEAR_A + (size_t)j] = 2.0f * rng_uniform(&r) - 1.0f;
    linear_truth(delta, &rew[i], obs + i * LINEAR_S, act + i * LINEAR_A);
    rew[i] += LINEAR_NOISE * rng_normal(&r);
    for (int j = 0; j < LINEAR_S; j++)
      next[i * LINEAR_S + (size_t)j] =
          obs[i * LINEAR_S + (size_t)j] + delta[j] + LINEAR_NOISE * rng_normal(&r);
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(
      mopo_dataset_from_arrays(&d, N, LINEAR_S, LINEAR_A, obs, act, rew, next, end, NULL, &err),
      err);
  free(obs), free(next), free(act), free(rew), free(end);
  return d;
}

#endif
