/* small_run.h - as much of a run as a checkpoint holds: a tiny agent and a ring of eight rows. */
#ifndef TESTS_FUZZ_SMALL_RUN_H
#define TESTS_FUZZ_SMALL_RUN_H

#include "config/config.h"
#include "data/dataset.h"
#include "fuzz.h"
#include "train/run.h"

#define SMALL_CHECKPOINT "checkpoint.safetensors"

/* Never freed: a fuzz target keeps it to its end. */
static inline run *small_run(const char *out)
{
  static mopo_dataset data; /* of which a checkpoint asks for the ranges of actions alone */
  static run o = {.lock = -1, .data = &data};
  const char *const set[][2] = {
      {"out", out},        {"algo", "mopo"}, {"hidden", "1"},           {"layers", "1"},
      {"batch-size", "4"}, {"epochs", "3"},  {"updates-per-epoch", "5"}};
  mopo_error err;
  o.c = config_default();
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    fuzz_want(mopo_config_set(&o.c, set[i][0], set[i][1], &err) == MOPO_OK);
  fuzz_want(mopo_config_resolve(&o.c, "hopper", "", 1, &err) == MOPO_OK);
  o.dir = o.c.out;
  o.task = mopo_task_find("hopper");
  fuzz_want(par_create(&o.pool, 1, &err) == MOPO_OK);
  agent_setup setup = {.config = &o.c, .S = 1, .A = 1, .pool = o.pool, .key = rng_seed(1)};
  fuzz_want(agent_create(&o.agent, agent_find(o.c.algo), &setup, &err) == MOPO_OK);
  fuzz_want(replay_create(&o.ring, 8, row_layout_of(1, 1), &err) == MOPO_OK);
  return &o;
}

#endif
