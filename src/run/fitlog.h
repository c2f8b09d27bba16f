/* fitlog.h - how the ensemble's fit went: three tables that stand next to its file, model.fit.csv,
 * model.calibration.csv and model.r2.csv for model.safetensors. */
#ifndef RUN_FITLOG_H
#define RUN_FITLOG_H

#include "io/buffer.h"

/* One member after one epoch of the fit: a line of model.fit.csv. */
typedef struct fitlog_epoch {
  double epoch, member; /* from 1; from 0 */
  double train_loss, train_mse, holdout_mse;
} fitlog_epoch;

/* One bin of a member's predictions on the rows held out: a line of model.calibration.csv. */
typedef struct fitlog_bin {
  double member, elite; /* from 0; 1 the best, 0: no elite */
  double bin, values;   /* from 0; predictions in it */
  double predicted_std, error, within_1, within_2;
} fitlog_bin;

typedef struct fitlog {
  buffer epochs, bins, r2;
} fitlog; /* {0} is an empty one */

void fitlog_add_epoch(fitlog *l, const fitlog_epoch *e);
void fitlog_add_bin(fitlog *l, const fitlog_bin *b);
/* r2 [S+1]: how much of each step is explained, of the reward and of each observation; names [S] of
 * the columns, NULL: obs_0, obs_1, ... */
void fitlog_add_r2(fitlog *l, const double *r2, const char *const *names, int S);
void fitlog_free(fitlog *l);
/* model.safetensors, .x -> model.x: the name of what stands beside a model. buf [RUN_PATH]. EINVAL.
 */
MUST_CHECK mopo_status fitlog_beside(char *buf, const char *model, const char *ending,
                                     mopo_error *err);
/* Those that have lines beside the model file `model`, each whole or not at all. EIO, ENOMEM,
 * EINVAL. */
MUST_CHECK mopo_status fitlog_write(const fitlog *l, const char *model, mopo_error *err);
/* The tables beside the model file `from` to beside `to`; none where there are none. EIO, ENOMEM,
 * EINVAL. */
MUST_CHECK mopo_status fitlog_copy(const char *to, const char *from, mopo_error *err);

/* Tables read back; free both. */
typedef struct fitlog_tables {
  fitlog_epoch *epochs;
  fitlog_bin *bins;
  int n_epochs, n_bins;
} fitlog_tables;

/* Empty where there are no files. EIO, EFORMAT (names the line), ENOMEM. */
MUST_CHECK mopo_status fitlog_read(fitlog_tables *out, const char *model, mopo_error *err);
/* r2 [n] of the model, if its table is there. EIO, EFORMAT (names the line), ENOMEM. */
MUST_CHECK mopo_status fitlog_read_r2(bool *there, double *r2, int n, const char *model,
                                      mopo_error *err);
void fitlog_tables_free(fitlog_tables *t);

#endif
