/* model_step.c - the model alone: fitted to a log, asked what would happen and how sure it is.
 *   cc model_step.c $(pkg-config --cflags --libs mopo) -lm -o model_step
 *
 * The log: a swing that is pushed at random, never further than 1 rad. */
#include <math.h>
#include <mopo/mopo.h>
#include <stdio.h>
#include <stdlib.h>

enum { S = 2, A = 1, ROWS = 4000 };

static void swing(float *next, const float *obs, float push)
{
  next[1] = obs[1] - 0.3f * sinf(obs[0]) + 0.1f * push;
  next[0] = obs[0] + 0.1f * next[1];
}

static mopo_status record(mopo_dataset **data, mopo_error *err)
{
  static float obs[ROWS * S], act[ROWS], rew[ROWS], next[ROWS * S];
  static unsigned char terminal[ROWS], timeout[ROWS];
  unsigned state = 3;
  for (int i = 0; i < ROWS; i++) {
    for (int k = 0; k < 3; k++) {
      state = state * 1664525u + 1013904223u;
      float x = (float)(state >> 8) / 8388608.0f - 1.0f;
      *(k < S ? &obs[i * S + k] : &act[i]) = x;
    }
    swing(next + i * S, obs + i * S, act[i]);
    rew[i] = -obs[i * S] * obs[i * S];
    timeout[i] = 1; /* each row stands alone */
  }
  return mopo_dataset_from_arrays(data, ROWS, S, A, obs, act, rew, next, terminal, timeout, err);
}

static mopo_status fit(mopo_model **model, const mopo_dataset *data, mopo_error *err)
{
  static const char *const settings[][2] = {{"members", "4"},           {"elites", "3"},
                                            {"model-hidden", "32"},     {"model-layers", "2"},
                                            {"model-max-epochs", "30"}, {"model-lr", "3e-3"},
                                            {"penalty", "ensemble-std"}};
  mopo_config *config = mopo_config_create();
  mopo_status st = MOPO_OK;
  for (size_t i = 0; st == MOPO_OK && i < sizeof settings / sizeof *settings; i++)
    st = mopo_config_set(config, settings[i][0], settings[i][1], err);
  if (st == MOPO_OK) st = mopo_model_fit(model, data, mopo_task_find("none"), config, NULL, err);
  mopo_config_free(config);
  return st;
}

/* The step from an angle as it is, as the best member says, and how sure all of them are. */
static mopo_status ask(float *u, mopo_model *model, float angle, mopo_error *err)
{
  const float obs[S] = {angle, 0.0f}, act[A] = {0.5f};
  float truth[S], next[S], rew, mean[1 + S], std[1 + S];
  swing(truth, obs, act[0]);
  mopo_status st = mopo_model_step(model, next, &rew, NULL, u, obs, act, 1, 1, err);
  if (st == MOPO_OK)
    st = mopo_model_predict(model, mean, std, mopo_model_elite(model, 0), obs, act, 1, err);
  if (st == MOPO_OK)
    printf("at %.1f rad: speed after the step %.3f; sampled %.3f, mean %.3f +- %.3f; unsure by "
           "%.4f\n",
           (double)angle, (double)truth[1], (double)next[1], (double)mean[2], (double)std[2],
           (double)*u);
  return st;
}

int main(void)
{
  mopo_error err;
  mopo_dataset *data = NULL;
  mopo_model *model = NULL;
  float known = 0.0f, unknown = 0.0f;
  mopo_status st = record(&data, &err);
  if (st == MOPO_OK) st = fit(&model, data, &err);
  if (st == MOPO_OK) st = ask(&known, model, 0.5f, &err);
  if (st == MOPO_OK) st = ask(&unknown, model, 4.0f, &err); /* where the log never was */
  mopo_model_free(model);
  mopo_dataset_free(data);
  if (st != MOPO_OK) {
    fprintf(stderr, "model_step: %s\n", err.msg);
    return 1;
  }
  return unknown > known ? 0 : 1;
}
