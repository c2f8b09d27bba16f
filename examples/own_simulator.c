/* own_simulator.c - a simulator of one's own evaluates the policy after each epoch.
 *   cc own_simulator.c $(pkg-config --cflags --libs mopo) -lm -o own_simulator
 *
 * The simulator: a room that a heater should hold at 20 degrees. Observed are the temperature and
 * that outside, in tens of degrees; the heater runs from -1, off, to 1. */
#include <math.h>
#include <mopo/mopo.h>
#include <stdio.h>
#include <stdlib.h>

enum { S = 2, A = 1, ROWS = 2000, STEPS = 48 };

typedef struct room {
  double inside, outside; /* degrees */
  int t;                  /* half hours */
} room;

static void look(float *obs, const room *r)
{
  obs[0] = (float)(r->inside / 10.0), obs[1] = (float)(r->outside / 10.0);
}

static void reset(void *ctx, uint64_t seed, float *obs)
{
  room *r = ctx;
  *r = (room){.inside = 10.0 + (double)(seed % 15), .outside = -5.0 + (double)(seed / 15 % 15)};
  look(obs, r);
}

static void step(void *ctx, const float *act, float *obs, double *rew, bool *terminal,
                 bool *timeout)
{
  room *r = ctx;
  r->inside += 0.2 * (r->outside - r->inside) + 4.0 * ((double)act[0] + 1.0);
  r->t++;
  *rew = -fabs(r->inside - 20.0) / 10.0;
  *terminal = r->inside > 45.0; /* the fuse blows */
  *timeout = r->t == STEPS;
  look(obs, r);
}

/* A log: the simulator, and a heater that is set at random. */
static mopo_status record(mopo_dataset **data, mopo_error *err)
{
  static float obs[ROWS * S], act[ROWS], rew[ROWS], next[ROWS * S];
  static unsigned char terminal[ROWS], timeout[ROWS];
  unsigned state = 1;
  room r;
  bool ends = true;
  for (int i = 0; i < ROWS; i++) {
    double pays = 0.0;
    bool fell = false, cut = false;
    if (ends) reset(&r, (uint64_t)i, obs + i * S);
    look(obs + i * S, &r);
    state = state * 1664525u + 1013904223u;
    act[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    step(&r, act + i, next + i * S, &pays, &fell, &cut);
    rew[i] = (float)pays, terminal[i] = fell, timeout[i] = cut;
    ends = fell || cut;
  }
  return mopo_dataset_from_arrays(data, ROWS, S, A, obs, act, rew, next, terminal, timeout, err);
}

static bool after_epoch(void *ctx, const mopo_epoch *e, mopo_policy *now)
{
  double *best = ctx;
  (void)now;
  printf("epoch %d of %d: return %.1f, model says %.1f\n", e->epoch, e->epochs, e->return_mean,
         e->model_return);
  if (e->return_mean > *best) *best = e->return_mean;
  return true; /* false would stop here */
}

static mopo_status learn(mopo_train_result *result, double *best, const mopo_dataset *data,
                         mopo_error *err)
{
  static const char *const settings[][2] = {{"epochs", "4"},          {"updates-per-epoch", "150"},
                                            {"batch-size", "64"},     {"hidden", "32"},
                                            {"gamma", "0.9"},         {"actor-lr", "1e-3"},
                                            {"critic-lr", "1e-3"},    {"members", "3"},
                                            {"elites", "2"},          {"model-hidden", "32"},
                                            {"model-layers", "2"},    {"model-max-epochs", "6"},
                                            {"rollout-batch", "200"}, {"rollout-length", "3"},
                                            {"penalty-coef", "0.5"},  {"eval-every", "1"},
                                            {"eval-episodes", "10"},  {"threads", "1"}};
  const mopo_task_facts facts = {
      .size = sizeof facts, .name = "room", .obs_dim = S, .act_dim = A, .horizon = STEPS};
  room state;
  const mopo_simulator simulator = {
      .size = sizeof simulator, .ctx = &state, .reset = reset, .step = step};
  const mopo_hooks hooks = {.size = sizeof hooks, .ctx = best, .epoch = after_epoch};
  mopo_task *task = NULL;
  mopo_config *config = mopo_config_create();
  mopo_status st = mopo_task_create(&task, &facts, err);
  for (size_t i = 0; st == MOPO_OK && i < sizeof settings / sizeof *settings; i++)
    st = mopo_config_set(config, settings[i][0], settings[i][1], err);
  if (st == MOPO_OK)
    st = mopo_learn(NULL, result, data, task, NULL, config, NULL, &simulator, &hooks, NULL, err);
  mopo_config_free(config);
  mopo_task_free(task);
  return st;
}

int main(void)
{
  mopo_error err;
  mopo_dataset *data = NULL;
  mopo_train_result result = {0};
  double best = -INFINITY;
  mopo_status st = record(&data, &err);
  if (st == MOPO_OK) st = learn(&result, &best, data, &err);
  mopo_dataset_free(data);
  if (st != MOPO_OK) {
    fprintf(stderr, "own_simulator: %s\n", err.msg);
    return 1;
  }
  printf("return %.1f after %d epochs; the log's runs had %.1f\n", result.return_mean,
         result.epochs, result.batch_return_mean);
  return best > result.batch_return_mean ? 0 : 1;
}
