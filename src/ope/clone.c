/* clone.c - see clone.h. */
#include "ope/clone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

enum { BATCH = 256, ROWS = 64, MEASURED = 20000 /* rows that the noise is measured on */ };

static mopo_status create(clone *c, const standard *s, par *pool, rng_key key, mopo_error *err)
{
  mopo_config set = config_default();
  mopo_status st = mopo_config_set(&set, "algo", "bc", err);
  if (st == MOPO_OK) st = mopo_config_set(&set, "hidden", "128", err);
  if (st == MOPO_OK) st = mopo_config_set(&set, "actor-lr", "0.001", err);
  if (st == MOPO_OK) st = mopo_config_set(&set, "actor-schedule", "cosine", err);
  if (st == MOPO_OK) st = mopo_config_resolve(&set, "none", "", s->A, err);
  agent_setup setup = {
      .config = &set, .S = s->S, .A = s->A, .pool = pool, .key = key, .data = s->d};
  if (st == MOPO_OK) st = agent_create(&c->agent, agent_find("bc"), &setup, err);
  return st;
}

static mopo_status learn(clone *c, const standard *s, int updates, rng_key key,
                         const volatile sig_atomic_t *stop, mopo_error *err)
{
  const float *row[BATCH];
  for (int u = 0; u < updates; u++) {
    for (int i = 0; i < BATCH; i++) {
      uint32_t w[4];
      rng_block(w, key, (uint64_t)u, (uint64_t)i);
      row[i] = dataset_row(s->d, (int64_t)rng_word_below(w[0], w[1], (uint64_t)s->d->N));
    }
    agent_progress(c->agent, (double)u / updates);
    batch b = {BATCH, s->d->at, row};
    agent_stats stats = agent_update(c->agent, &b);
    if (!isfinite(stats.actor_loss))
      return error_set(err, MOPO_ENUMERIC, "ope: the clone's loss is %g in update %d",
                       stats.actor_loss, u + 1);
    if (stop && *stop) return error_set(err, MOPO_ESTOPPED, "stopped while cloning the log");
  }
  return MOPO_OK;
}

/* Rows spread evenly over the record. */
static mopo_status measure(clone *c, const standard *s, mopo_error *err)
{
  const actor *p = agent_policy(c->agent);
  int64_t N = s->d->N, n = N < MEASURED ? N : MEASURED;
  size_t S = (size_t)s->S, A = (size_t)s->A;
  arena a = {0};
  actor_work w;
  float *x = NULL, *act = NULL;
  double *sum = calloc(A, sizeof *sum);
  for (int placed = 0; placed < 2; placed++) {
    actor_work_layout(&w, p, &a, ROWS);
    x = arena_floats(&a, ROWS * S), act = arena_floats(&a, ROWS * A);
    if (!placed && (!sum || !arena_alloc(&a))) {
      free(sum);
      return error_set(err, MOPO_ENOMEM, "ope: no memory to measure the clone");
    }
  }
  for (int64_t i = 0; i < n; i += ROWS) {
    int rows = n - i < ROWS ? (int)(n - i) : ROWS;
    for (int r = 0; r < rows; r++)
      memcpy(x + (size_t)r * S, dataset_row(s->d, (i + r) * N / n), S * sizeof *x);
    actor_act(p, &w, act, A, x, S, rows, NULL);
    for (int r = 0; r < rows; r++)
      for (size_t k = 0; k < A; k++) {
        const float *row = dataset_row(s->d, (i + r) * N / n);
        double e = (double)row[s->d->at.act + (int)k] - (double)act[(size_t)r * A + k];
        sum[k] += e * e;
      }
  }
  for (size_t k = 0; k < A; k++) c->noise[k] = (float)sqrt(sum[k] / (double)n);
  free(sum);
  free(a.base);
  return MOPO_OK;
}

mopo_status clone_create(clone *out, const standard *s, int updates, par *pool, rng_key key,
                         const volatile sig_atomic_t *stop, mopo_error *err)
{
  *out = (clone){.noise = calloc((size_t)s->A, sizeof *out->noise)};
  if (!out->noise) return error_set(err, MOPO_ENOMEM, "ope: no memory for the clone");
  mopo_status st = create(out, s, pool, rng_split(key, "agent"), err);
  if (st == MOPO_OK) st = learn(out, s, updates, rng_split(key, "batch"), stop, err);
  if (st == MOPO_OK) st = measure(out, s, err);
  if (st != MOPO_OK) clone_free(out);
  return st;
}

void clone_free(clone *c)
{
  if (c->agent) agent_free(c->agent);
  free(c->noise);
  *c = (clone){0};
}
