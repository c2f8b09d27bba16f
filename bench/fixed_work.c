/* fixed_work.c - some updates, ensemble steps and imagined steps of fixed size, on one thread:
 * always the same instructions. What is counted is the difference between `fixed_work 3` and
 * `fixed_work 1`, so that setting up does not count. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "config/config.h"
#include "model/fit.h"
#include "train/rollout.h"

enum { S = 11, A = 3, ROWS = 2000 };

static bool stop_after(void *ctx, int64_t done, int64_t total)
{
  (void)total;
  return done >= 64 * (int64_t)(*(int *)ctx - 1);
}

static mopo_dataset *data(void)
{
  static float obs[ROWS * S], act[ROWS * A], rew[ROWS];
  static unsigned char end[ROWS];
  rng_normals(obs, ROWS * S, rng_seed(1), 0);
  rng_normals(rew, ROWS, rng_seed(2), 0);
  for (int i = 0; i < ROWS; i++) obs[i * S] += 1.3f;
  mopo_dataset *d = NULL;
  return mopo_dataset_from_arrays(&d, ROWS, S, A, obs, act, rew, obs, end, NULL, NULL) == MOPO_OK
             ? d
             : NULL;
}

static bool work(mopo_dataset *d, int n)
{
  par *pool = NULL;
  agent *a = NULL;
  ensemble *m = NULL;
  rollout *r = NULL;
  replay *ring = NULL;
  mopo_config c = config_default();
  ensemble_settings shape = {7, 5, 200, 4};
  rollout_settings set = {.rows = 96, .length = n};
  fit_settings fit = {.batch = 64,
                      .patience = 5,
                      .max_epochs = 1,
                      .holdout_max = 1000,
                      .lr = 1e-3,
                      .decay = 1.0,
                      .improvement = 0.01,
                      .holdout_ratio = 0.2};
  fit_watch watch = {NULL, stop_after, &n};
  fit_result fitted;
  rollout_stats stats;
  imagine g = {
      .task = mopo_task_find("hopper"), .penalty = penalty_named("aleatoric"), .coef = 1.0};
  bool ok = mopo_config_resolve(&c, "hopper", "", A, NULL) == MOPO_OK &&
            par_create(&pool, 1, NULL) == MOPO_OK;
  agent_setup setup = {.config = &c, .S = S, .A = A, .pool = pool, .key = rng_seed(3)};
  ok = ok && agent_create(&a, agent_find("mopo"), &setup, NULL) == MOPO_OK &&
       ensemble_create(&m, &shape, S, A, rng_seed(4), NULL) == MOPO_OK;
  g.m = m;
  ok = ok && rollout_create(&r, &set, &g, agent_policy(a), pool, NULL) == MOPO_OK &&
       replay_create(&ring, 10000, d->at, NULL) == MOPO_OK;
  const float *rows[256];
  for (int i = 0; i < 256; i++) rows[i] = dataset_row(d, i);
  batch b = {256, d->at, rows};
  for (int i = 0; ok && i < n; i++) agent_update(a, &b);
  ok = ok && ensemble_fit(m, &fitted, d, &fit, pool, rng_seed(5), &watch, NULL) == MOPO_ESTOPPED;
  ok = ok && rollout_run(r, &stats, ring, d, agent_policy(a), rng_seed(6), 0, NULL, NULL, NULL) ==
                 MOPO_OK;
  replay_free(ring);
  rollout_free(r);
  ensemble_free(m);
  if (a) agent_free(a);
  par_free(pool);
  return ok;
}

int main(int argc, char **argv)
{
  int n = argc > 1 ? atoi(argv[1]) : 1;
  mopo_dataset *d = data();
  bool ok = d && work(d, n);
  mopo_dataset_free(d);
  printf("%s\n", ok ? "done" : "failed");
  return ok ? 0 : 1;
}
