/* metrics.h - what each epoch measured: progress.csv and TensorBoard's events. */
#ifndef RUN_METRICS_H
#define RUN_METRICS_H

#include "base/error.h"

/* One epoch; NAN where there is nothing to say. The columns of progress.csv in their order: both
 * the names there and the meanings here are part of the format. */
typedef struct metrics_row {
  double epoch;                   /* 1 .. epochs */
  double updates;                 /* gradient steps since the beginning */
  double wall_seconds;            /* since the beginning, interruptions not counted */
  double return_mean, return_std; /* of the evaluation's episodes */
  double score;                   /* return_mean on the task's scale: 0 random, 100 expert */
  double length_mean;             /* steps of an episode */
  double critic_loss, actor_loss; /* means over the epoch's updates, as are the next four */
  double alpha;                   /* temperature */
  double entropy;                 /* -log pi, nats */
  double q_mean;                  /* critics on the batch's actions */
  double q_data_mean;             /* critics on recorded rows alone */
  double penalty_mean;            /* lambda u over imagined rows */
  double model_reward_mean;       /* imagined reward before the penalty */
  double rollout_rows;            /* imagined rows of this epoch */
  double rollout_terminal_rate;   /* share of them that ended the task */
  double rollout_cut_rate;        /* share of them beyond the model's reach, where that cuts */
  double rollout_length_mean;     /* imagined steps of a trajectory */
  /* Theorem 4.4, at the evaluation: means of sum over t of gamma^t r_t */
  double discounted_return;      /* in the simulator */
  double model_return;           /* in the model, from the same start states */
  double model_return_penalised; /* there, with r - lambda u: meant to be a lower bound */
  double model_uncertainty;      /* there: mean of u, step t weighing gamma^t */
  double actor_lr;
  double updates_per_second;
  double rollout_seconds, update_seconds, evaluation_seconds; /* where the epoch's time went */
} metrics_row;

typedef struct metrics metrics;

/* Opens the files in the run directory `dir`; NULL: no file, the rows are kept in memory. Rows of
 * epochs after `resume_at` are taken away, so that the files go on as if there had been no
 * interruption; 0 begins new ones. EIO, ENOMEM, EFORMAT (progress.csv is not what was written;
 * names the line). */
MUST_CHECK mopo_status metrics_open(metrics **out, const char *dir, int64_t resume_at,
                                    mopo_error *err);
/* Appends a row to both files and waits until the disk has that of progress.csv. EIO, ENOMEM. */
MUST_CHECK mopo_status metrics_add(metrics *m, const metrics_row *row, mopo_error *err);
/* What decides the result, for TensorBoard's page of hyperparameters; of files that are begun, not
 * of those that are resumed. EIO, ENOMEM. */
MUST_CHECK mopo_status metrics_settings(metrics *m, const mopo_config *c, mopo_error *err);
/* A histogram of the n values x (those that are finite) for TensorBoard alone, as of so many
 * updates; before their epoch's metrics_add, which writes it out. EIO, ENOMEM. */
MUST_CHECK mopo_status metrics_histogram(metrics *m, const char *tag, int64_t updates,
                                         const double *x, int64_t n, mopo_error *err);
/* All rows so far, those before an interruption too, as progress.csv has them; free *out (NULL
 * where there is none). A run keeps none of them in memory. EIO, ENOMEM, EFORMAT. */
MUST_CHECK mopo_status metrics_rows(metrics_row **out, int *count, const metrics *m,
                                    mopo_error *err);
void metrics_close(metrics *m);

#endif
