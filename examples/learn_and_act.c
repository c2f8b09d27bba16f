/* learn_and_act.c - the library from C: learn a policy from a recorded batch, load it, act.
 *   cc learn_and_act.c $(pkg-config --cflags --libs mopo) -o learn_and_act
 *   ./learn_and_act data/hopper-medium-replay-sample.hdf5 runs/from-c 2 */
#include <mopo/mopo.h>
#include <stdio.h>

int main(int argc, char **argv)
{
  if (argc != 4) {
    fprintf(stderr, "usage: learn_and_act DATA.hdf5 RUN-DIRECTORY EPOCHS\n");
    return 2;
  }
  mopo_error err;
  mopo_policy *policy = NULL;
  mopo_config *c = mopo_config_create();
  if (!c) {
    fprintf(stderr, "learn_and_act: no memory\n");
    return 1;
  }
  const char *settings[][2] = {
      {"data", argv[1]},        {"task", "hopper"},           {"out", argv[2]},
      {"epochs", argv[3]},      {"updates-per-epoch", "100"}, {"rollout-batch", "1000"},
      {"model-max-epochs", "2"}};
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    if (mopo_config_set(c, settings[i][0], settings[i][1], &err) != MOPO_OK) goto failed;

  mopo_train_result learned;
  if (mopo_train(&learned, c, false, NULL, &err) != MOPO_OK) goto failed;
  printf("return %.1f, the batch's mean %.1f\n", learned.return_mean, learned.batch_return_mean);

  char path[1200];
  snprintf(path, sizeof path, "%s/%s", argv[2], mopo_run_file(MOPO_RUN_POLICY));
  if (mopo_policy_load(&policy, path, &err) != MOPO_OK) goto failed;
  float obs[11] = {1.25f}, act[3]; /* a hopper standing still */
  mopo_policy_act(policy, act, obs, 1);
  printf("act %.3f %.3f %.3f\n", (double)act[0], (double)act[1], (double)act[2]);
  mopo_policy_free(policy);
  mopo_config_free(c);
  return 0;
failed:
  fprintf(stderr, "learn_and_act: %s\n", err.msg);
  mopo_config_free(c);
  return 1;
}
