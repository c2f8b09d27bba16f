/* seeds.c - writes a first input for each fuzz target to DIR/NAME/: small files as the library
 * itself writes them. `fuzz_seeds DIR`; the directories are made. */
#include "small_run.h"

#include "agent/policy.h"
#include "io/file.h"
#include "io/npz.h"
#include "io/tfevents.h"
#include "model/ensemble.h"

#include <math.h>
#include <unistd.h>

static void ok(mopo_status st, const mopo_error *err)
{
  if (st == MOPO_OK) return;
  fprintf(stderr, "fuzz_seeds: %s\n", err->msg);
  exit(1);
}

/* Goes to root/name. */
static void enter(const char *root, const char *name)
{
  char path[4096];
  mopo_error err;
  snprintf(path, sizeof path, "%s/%s", root, name);
  ok(file_make_dir(path, &err), &err);
  fuzz_want(chdir(path) == 0);
}

static void text(const char *name, const char *bytes)
{
  mopo_error err;
  ok(file_write(name, bytes, strlen(bytes), &err), &err);
}

static void arrays(void)
{
  static const float obs[] = {1, 2, 3, 4, 5, 6}, act[] = {0.5f, -0.5f, 1}, rew[] = {1, 0, -1};
  static const float next[] = {3, 4, 5, 6, 7, 8}, index[] = {0, 2};
  static const unsigned char end[] = {0, 1, 0};
  const npz_array d4rl[] = {
      {"observations", 'f', 3, 2, obs}, {"actions", 'f', 3, 1, act},
      {"rewards", 'f', 3, 0, rew},      {"next_observations", 'f', 3, 2, next},
      {"terminals", 'b', 3, 0, end},    {"timeouts", 'b', 3, 0, end}};
  const npz_array neorl[] = {{"obs", 'f', 3, 2, obs},       {"action", 'f', 3, 1, act},
                             {"reward", 'f', 3, 1, rew},    {"done", 'b', 3, 1, end},
                             {"next_obs", 'f', 3, 2, next}, {"index", 'f', 2, 0, index}};
  mopo_error err;
  ok(npz_write("d4rl", d4rl, 6, &err), &err);
  ok(npz_write("neorl", neorl, 6, &err), &err);
}

static void tables(void)
{
  text("names", "\nobs_0,obs_1,act_0,reward,terminal,timeout,episode,note\n"
                "1,2,0.5,1,0,0,7,a\n3,4,-1,2e0,1,0,7,\"b, c\"\n\n5,6,0,-3,false,True,8,\n"
                "7,8,0,1,0,0,8,\n");
  text("columns", "obs=x,y;act=u;reward=r;next_obs=z,w\n\xef\xbb\xbf\"x\" , y,u,r,z,w\r\n"
                  " 1 ,2,0,1,3,4\r\n");
  text("runs",
       "!obs=x;act=u;reward=r;episode=e;time=t\nt,x,u,r,e\n2026-11-28 10:00:00,1,0,1,\"a\"\"b\"\n"
       "2026-11-28T10:00:01.5Z,2,1.05,1,\"a\"\"b\"\n1764324002,,0,1,7\n1764324003,3,0\n"
       "2026/11/28 10:00+02:00,4,0,1,\"c\nd\"\n5,5,0,1,\"c\nd\"\n6,6,0,1,\"c\nd\"\n");
}

static void spaces(void)
{
  text("dict",
       "{\"dataset_id\": \"mujoco/hopper/medium-v0\", \"total_episodes\": 6, \"data_format\": "
       "\"hdf5\","
       "\"env_spec\": \"{\\\"id\\\": \\\"Hopper-v5\\\", \\\"max_episode_steps\\\": 1000}\","
       "\"observation_space\": \"{\\\"type\\\": \\\"Dict\\\", \\\"subspaces\\\": {\\\"a\\\": "
       "{\\\"type\\\": \\\"Box\\\", \\\"shape\\\": [2, 1], \\\"low\\\": [[-1.0], [-Infinity]], "
       "\\\"high\\\": [[1.0], [2]]}}}\"}");
  text("discrete", "{\"action_space\": \"{\\\"type\\\": \\\"Tuple\\\", \\\"subspaces\\\": "
                   "[{\\\"type\\\": \\\"Discrete\\\", \\\"n\\\": 3}]}\"}");
}

static void curves(void)
{
  mopo_error err;
  metrics *m = NULL;
  tfevents *w = NULL;
  ok(metrics_open(&m, ".", 0, &err), &err);
  for (int e = 1; e <= 3; e++) {
    metrics_row row = {.epoch = e, .updates = 10 * e, .return_mean = NAN, .alpha = 0.1};
    ok(metrics_add(m, &row, &err), &err);
  }
  metrics_close(m);
  unlink("events.out.tfevents.mopo");
  fuzz_want(chdir("../tfevents") == 0);
  ok(tfevents_open(&w, "events", -1, &err), &err);
  for (int e = 1; e <= 7; e += 3) ok(tfevents_scalar(w, "score", e, 1.5, 1e9, &err), &err);
  tfevents_close(w);
}

static void networks(const char *root)
{
  mopo_error err;
  ensemble *m = NULL;
  run *o = small_run(".");
  enter(root, "checkpoint");
  ok(checkpoint_save(o, &err), &err);
  unlink("policy.safetensors");
  static const float rows[8 * 5] = {0};
  replay_push(o->ring, rows, 8);
  o->at.rolled = 1, o->at.update = 2, o->at.epoch = 1;
  fuzz_want(rename(SMALL_CHECKPOINT, "begun") == 0);
  ok(checkpoint_save(o, &err), &err);
  unlink("policy.safetensors");
  fuzz_want(rename(SMALL_CHECKPOINT, "rolled") == 0);
  enter(root, "policy");
  ok(policy_save(agent_policy(o->agent), "policy", "mopo", "hopper", NULL, &err), &err);
  enter(root, "model");
  ensemble_settings set = {2, 1, 2, 1};
  ok(ensemble_create(&m, &set, 1, 1, rng_seed(1), &err), &err);
  ok(ensemble_save(m, "model", &err), &err);
  ensemble_free(m);
  enter(root, "safetensors");
  ok(policy_save(agent_policy(o->agent), "policy", "mopo", "hopper", NULL, &err), &err);
}

int main(int argc, char **argv)
{
  if (argc != 2) return fprintf(stderr, "fuzz_seeds DIR\n"), 2;
  mopo_error err;
  ok(file_make_dir(argv[1], &err), &err);
  char *root = realpath(argv[1], NULL);
  fuzz_want(root != NULL);
  networks(root);
  enter(root, "npz"), arrays();
  enter(root, "table"), tables();
  enter(root, "minari"), spaces();
  enter(root, "tfevents"), enter(root, "progress"), curves();
  enter(root, "config");
  text("some", "; a comment\n[mopo]\nseed = 7\ngamma = 0.99 ; another\nalgo = mopo\n"
               "penalty-coef = auto\ndata = a b.hdf5\n");
  free(root);
  return 0;
}
