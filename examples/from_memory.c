/* from_memory.c - a log in arrays becomes a policy that acts; no file is read or written.
 *   cc from_memory.c $(pkg-config --cflags --libs mopo) -o from_memory
 *
 * The machine: a cart on a rail. Observed are its position x and speed v, set is a force between
 * -1 and 1. It should stand at 0; at |x| > 2 it falls off. The log is of random pushes. */
#include <mopo/mopo.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 2000, S = 2, A = 1, STEPS = 40 };

/* What happens in a fifth of a second. Learning does not see this. */
static void move(float *next, const float *obs, float force)
{
  next[0] = obs[0] + 0.2f * obs[1];
  next[1] = 0.9f * obs[1] + 0.4f * force;
}

/* When it ends and what it pays, which is known: for n steps at a time. */
static void done(void *ctx, unsigned char *ends, const float *obs, const float *act,
                 const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  for (int i = 0; i < n; i++) ends[i] = next[i * S] > 2.0f || next[i * S] < -2.0f;
}

static void reward(void *ctx, float *rew, const float *obs, const float *act, const float *next,
                   int n)
{
  (void)ctx, (void)obs;
  for (int i = 0; i < n; i++) {
    double x = (double)next[i * S], force = (double)act[i];
    rew[i] = (float)(1.0 - x * x - 0.1 * force * force);
  }
}

typedef struct recording {
  float obs[ROWS * S], act[ROWS * A], rew[ROWS], next[ROWS * S];
  unsigned char terminal[ROWS], timeout[ROWS];
} recording;

static float uniform(unsigned *state) /* -1 .. 1 */
{
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static void record(recording *r)
{
  unsigned state = 7;
  float now[S] = {0};
  for (int i = 0, t = 0; i < ROWS; i++) {
    float *next = r->next + i * S;
    if (t == 0) now[0] = uniform(&state), now[1] = uniform(&state);
    r->obs[i * S] = now[0], r->obs[i * S + 1] = now[1];
    r->act[i] = uniform(&state);
    move(next, now, r->act[i]);
    done(NULL, &r->terminal[i], now, &r->act[i], next, 1);
    reward(NULL, &r->rew[i], now, &r->act[i], next, 1);
    t = r->terminal[i] || t == STEPS - 1 ? 0 : t + 1;
    r->timeout[i] = t == 0 && !r->terminal[i];
    now[0] = next[0], now[1] = next[1];
  }
}

static const char *const SETTINGS[][2] = {{"epochs", "3"},         {"updates-per-epoch", "150"},
                                          {"batch-size", "64"},    {"hidden", "32"},
                                          {"gamma", "0.95"},       {"actor-lr", "1e-3"},
                                          {"critic-lr", "1e-3"},   {"members", "3"},
                                          {"elites", "2"},         {"model-hidden", "32"},
                                          {"model-layers", "2"},   {"model-max-epochs", "8"},
                                          {"model-lr", "3e-3"},    {"rollout-batch", "500"},
                                          {"rollout-length", "5"}, {"penalty-coef", "0.5"},
                                          {"threads", "1"}};

static const char *const OBS[] = {"x", "v"}, *const ACT[] = {"force"};

/* From arrays to a policy. */
static mopo_status learn(mopo_policy **policy, const recording *r, mopo_error *err)
{
  const mopo_task_facts facts = {.size = sizeof facts,
                                 .name = "cart",
                                 .obs_dim = S,
                                 .act_dim = A,
                                 .horizon = STEPS,
                                 .obs_names = OBS,
                                 .act_names = ACT,
                                 .done = done,
                                 .reward = reward};
  mopo_task *task = NULL;
  mopo_dataset *data = NULL;
  mopo_config *config = mopo_config_create();
  mopo_status st = mopo_task_create(&task, &facts, err);
  for (size_t i = 0; st == MOPO_OK && i < sizeof SETTINGS / sizeof *SETTINGS; i++)
    st = mopo_config_set(config, SETTINGS[i][0], SETTINGS[i][1], err);
  if (st == MOPO_OK)
    st = mopo_dataset_from_arrays(&data, ROWS, S, A, r->obs, r->act, r->rew, r->next, r->terminal,
                                  r->timeout, err);
  if (st == MOPO_OK)
    st = mopo_learn(policy, NULL, data, task, NULL, config, NULL, NULL, NULL, NULL, err);
  mopo_dataset_free(data);
  mopo_config_free(config);
  mopo_task_free(task);
  return st;
}

/* What a start at x pays within an episode; push: without a policy. */
static double play(mopo_policy *policy, float x)
{
  float obs[S] = {x, 0.0f}, next[S], act[A] = {0.0f}, rew;
  double sum = 0.0;
  unsigned char ends = 0;
  for (int t = 0; t < STEPS && !ends; t++) {
    if (policy) mopo_policy_act(policy, act, obs, 1);
    move(next, obs, act[0]);
    done(NULL, &ends, obs, act, next, 1);
    reward(NULL, &rew, obs, act, next, 1);
    sum += (double)rew;
    obs[0] = next[0], obs[1] = next[1];
  }
  return sum;
}

int main(void)
{
  mopo_error err;
  mopo_policy *policy = NULL;
  recording *r = calloc(1, sizeof *r);
  if (!r) return 1;
  record(r);
  mopo_status st = learn(&policy, r, &err);
  free(r);
  if (st != MOPO_OK) {
    fprintf(stderr, "from_memory: %s\n", err.msg);
    return 1;
  }
  double left = play(policy, -1.0f), right = play(policy, 1.0f), idle = play(NULL, 1.0f);
  printf("return of the policy %.1f and %.1f, of doing nothing %.1f\n", left, right, idle);
  mopo_policy_free(policy);
  return left > idle && right > idle ? 0 : 1;
}
