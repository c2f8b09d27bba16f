/* fit.h - fits the ensemble to a dataset by maximum likelihood. */
#ifndef MODEL_FIT_H
#define MODEL_FIT_H

#include "config/config.h"
#include "model/calibration.h"

typedef struct fit_settings {
  int batch, patience, max_epochs; /* max_epochs 0: until it stops improving */
  int holdout_max;
  int min_updates;  /* of each member, before patience counts */
  bool cosine;      /* lr falls to 0 as half a cosine over max_epochs, and all of them are taken */
  bool by_episodes; /* whole ones are held out and drawn (samples.h); holdout_max is not read */
  double lr, decay, improvement, holdout_ratio;
  /* Where a fit under way is kept every so many seconds, at the end of an epoch; a fit that finds
   * such a file goes on from there, to the same bits. NULL: nowhere. */
  const char *state;
  double state_seconds;
} fit_settings;

/* One epoch of the fit, by member. */
typedef struct fit_epoch {
  int epoch, members;               /* epoch 1, 2, ... */
  double train_loss[ENSEMBLE_MAX];  /* (mu - y)^2 exp(-lv) + lv, mean over rows and outputs */
  double train_mse[ENSEMBLE_MAX];   /* (mu - y)^2 likewise; the weights changed under way */
  double holdout_mse[ENSEMBLE_MAX]; /* after the epoch, on the rows held out */
} fit_epoch;

typedef struct fit_result {
  int epochs;
  fit_epoch last;
  double r2[GAUSS_MAX];                                /* quality.h */
  calibration_bin bin[ENSEMBLE_MAX][CALIBRATION_BINS]; /* of the kept weights, rows held out */
} fit_result;

/* What is told after each epoch; true: stop now (ESTOPPED). */
typedef struct fit_watch {
  bool (*epoch)(void *ctx, const fit_epoch *e);
  bool (*step)(void *ctx, int64_t done, int64_t total);
  void *ctx;
} fit_watch;

/* Fits m: the scaler on the training split, then epochs of minibatches, each member on its own
 * bootstrap sample, all sharing the bounds; keeps each member's weights of its best holdout error;
 * sets holdout_mse and elites. The bits depend on data, settings and key only.
 * EINVAL (cosine without max_epochs), EDATA (fewer than two rows), ENOMEM, ENUMERIC (a loss is no
 * longer finite), ESTOPPED, EIO and EFORMAT (of set->state). A fit that goes on tells of the epochs
 * before, too. */
MUST_CHECK mopo_status ensemble_fit(ensemble *m, fit_result *out, const mopo_dataset *d,
                                    const fit_settings *set, par *pool, rng_key key,
                                    const fit_watch *watch, mopo_error *err);

/* As the settings say. */
ensemble_settings ensemble_settings_of(const mopo_config *c);
fit_settings fit_settings_of(const mopo_config *c);

#endif
