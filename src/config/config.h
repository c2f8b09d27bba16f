/* config.h - what the three files of the settings share: settings.c is the table, config.c reads
 * and writes values, preset.c fills what nobody set.
 *
 * A value that nobody set yet is NAN (double), 0 where the range begins above it (int) or "" (one
 * of some words); it is written `auto`, and only settings whose default is so accept that word. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/error.h"

/* Every setting of a run. Whoever changes a field itself also calls config_mark, so that
 * mopo_config_load does not overwrite it. */
struct mopo_config {
  char ope[8]; /* always, none */
  int ope_updates;
  char data[1024], task[64], out[1024], algo[32], preset[16], model[1024], physics[16];
  char scaler[16];
  /* how the data are read */
  char columns[1024], action_range[1024], bad_rows[8], clip_actions[4];
  uint64_t seed;
  int threads; /* 0: one per core */
  /* the loop */
  int epochs, updates_per_epoch, batch_size, eval_every, eval_episodes, checkpoint_every;
  /* imagined data */
  int rollout_length, rollout_batch, rollout_keep;
  double rollout_stop;
  char rollout_cut[16], penalty[24], termination[16];
  double penalty_coef, real_ratio, imagined_margin;
  /* soft actor-critic */
  int hidden, layers;
  double gamma, tau, actor_lr, critic_lr, alpha_lr, alpha_init, alpha_max, target_entropy;
  double log_std_min, log_std_max, critic_loss_weight, policy_ema;
  char actor_schedule[16], init[16], update_order[16];
  /* the methods that it is compared with */
  double td3bc_alpha, policy_noise, noise_clip;
  int policy_delay;
  double expectile, iql_beta, iql_reward_scale;
  double cql_weight;
  int cql_samples;
  double brac_alpha, behaviour_lr;
  int behaviour_updates;
  double bear_threshold, bear_sigma, bear_lr;
  char bear_kernel[16];
  int bear_samples, bear_match, bear_warmup, vae_hidden;
  /* dynamics ensemble */
  int members, elites, model_hidden, model_layers, model_batch, model_patience, model_max_epochs;
  int holdout_max, model_min_updates;
  char model_schedule[16], holdout[16];
  double model_lr, model_decay, model_improvement, holdout_ratio;
  /* collecting data (mopo collect) */
  char kind[24], policy[1024];
  int64_t steps, train_steps;
  int start_steps, collect_eval_every;
  double medium_fraction;
  /* pictures (mopo render) */
  int width, height, frames;
  double fps, seconds;
  /* who set what: index of the setting -> 1 if by the user */
  unsigned char marked[96];
};

/* One row of the table of settings: options, keys of config.ini and help texts come from it. */
struct mopo_setting {
  const char *name;    /* kebab-case: the option without its dashes, and the key in config.ini */
  const char *metavar; /* what the value is: N, X, NAME, PATH, or "a|b|c": one of these words */
  const char *help;    /* one line, with unit and meaning */
  const char *verbs;   /* the verbs that read it: "train model collect eval" */
  char type;           /* 'i' int, 'l' int64, 'u' uint64, 'd' double, 's' string */
  size_t offset, size; /* the field of mopo_config */
  double min, max;     /* range of a number, both ends included */
  const char *algos;   /* of training, the algorithms that read it: "mopo mbpo"; NULL: all */
};

mopo_config config_default(void);
void config_mark(mopo_config *c, const char *name);

/* Index of a setting by name, -1 if there is none. */
int config_index(const char *name);
/* The known name with the smallest edit distance. */
const char *config_nearest(const char *name);
bool config_is_auto(const mopo_config *c, const mopo_setting *s);
/* Every value in its range, and all of them together possible. EINVAL */
MUST_CHECK mopo_status config_check(const mopo_config *c, mopo_error *err);

#endif
