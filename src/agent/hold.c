/* hold.c - see hold.h. */
#include "agent/hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLONE_BATCH = 256, MEASURED = 10000 };

/* Of five rows the clone learns from four. */
static int64_t learned_rows(int64_t N)
{
  int64_t rest = N % 5;
  return N < 5 ? N : N / 5 * 4 + (rest < 4 ? rest : 4);
}
static int64_t learned_row(int64_t i, int64_t N) { return N < 5 ? i : i / 4 * 5 + i % 4; }
static int64_t measured_rows(int64_t N) { return N < 5 ? N : N / 5; }
static int64_t measured_row(int64_t i, int64_t N) { return N < 5 ? i : 5 * i + 4; }

static void clone(agent *bc, const mopo_dataset *d, rng_key key)
{
  const float *row[CLONE_BATCH];
  uint64_t n = (uint64_t)learned_rows(d->N);
  for (int u = 0; u < BEHAVIOUR_UPDATES; u++) {
    for (int i = 0; i < CLONE_BATCH; i++) {
      uint32_t w[4];
      rng_block(w, key, (uint64_t)u, (uint64_t)i);
      row[i] = dataset_row(d, learned_row((int64_t)rng_word_below(w[0], w[1], n), d->N));
    }
    batch b = {CLONE_BATCH, d->at, row};
    agent_update(bc, &b);
  }
}

/* sigma [A]: mean squares of what the clone leaves. */
static mopo_status leave(double *sigma, const agent *bc, const mopo_dataset *d, mopo_error *err)
{
  const actor *p = agent_policy_inside(bc);
  arena a = {0};
  actor_work w;
  int64_t all = measured_rows(d->N), n = all < MEASURED ? all : MEASURED;
  const int A = p->A;
  actor_work_layout(&w, p, &a, PANEL);
  float *act = arena_floats(&a, (size_t)A);
  if (!arena_alloc(&a)) return error_set(err, MOPO_ENOMEM, "behaviour: no memory to measure it");
  actor_work_layout(&w, p, &a, PANEL);
  act = arena_floats(&a, (size_t)A);
  for (int64_t i = 0; i < n; i++) {
    const float *row = dataset_row(d, measured_row(i * all / n, d->N));
    actor_act(p, &w, act, (size_t)A, row, (size_t)p->S, 1, NULL);
    for (int j = 0; j < A; j++) {
      double off = (double)act[j] - (double)row[d->at.act + j];
      sigma[j] += off * off / (double)n;
    }
  }
  free(a.base);
  return MOPO_OK;
}

mopo_status behaviour_weights(float *c, const agent_setup *setup, mopo_error *err)
{
  agent *bc = NULL;
  double *sigma = calloc((size_t)setup->A, sizeof *sigma);
  mopo_config *config = mopo_config_copy(setup->config);
  mopo_status st = MOPO_OK;
  if (!sigma || !config) st = error_set(err, MOPO_ENOMEM, "behaviour: no memory to measure it");
  if (st == MOPO_OK) {
    config->batch_size = CLONE_BATCH, config->policy_ema = 0.0, config->actor_lr = 1e-3;
    snprintf(config->actor_schedule, sizeof config->actor_schedule, "constant");
    agent_setup own = *setup;
    own.config = config, own.key = rng_split(setup->key, "behaviour"), own.behaviour = NULL;
    st = agent_create(&bc, agent_find("bc"), &own, err);
  }
  if (st == MOPO_OK) {
    clone(bc, setup->data, rng_split(setup->key, "behaviour rows"));
    st = leave(sigma, bc, setup->data, err);
  }
  for (int j = 0; st == MOPO_OK && j < setup->A; j++)
    c[j] = (float)(config_real(setup->config, "behaviour-term") *
                   (sigma[j] > 0.02 ? 0.01 / sigma[j] : 0.5));
  if (bc) agent_free(bc);
  mopo_config_free(config);
  free(sigma);
  return st;
}
