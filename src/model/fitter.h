/* fitter.h - one fit of an ensemble, under way: what fit.c, its epochs, and fit_step.c, its steps,
 * share. */
#ifndef MODEL_FITTER_H
#define MODEL_FITTER_H

#include "model/fit.h"
#include "model/samples.h"

enum { FITTER_BLOCK = 64 /* rows that go there and back while they are in cache */ };

typedef struct fitter {
  ensemble *m;
  const mopo_dataset *d;
  const fit_settings *set;
  par *pool;
  int E, B, rows, blocks, pieces; /* of a full batch; rows: of this one */
  int slots;                      /* members at work at the same time */
  int whole;                      /* the first so many members: one thread each */
  int64_t N;                      /* rows that say what they led to */
  int64_t n_train, n_hold, at;    /* at: first place of this batch in each bootstrap */
  uint32_t *split, *index;        /* [N] holdout first; [E,n_train] */
  adam opt[ENSEMBLE_MAX];
  adam_step step[ENSEMBLE_MAX];
  mlp net[ENSEMBLE_MAX];       /* [slots] the members at work, with transposes */
  mlp_acts acts[ENSEMBLE_MAX]; /* [slots] what their rows leave behind */
  mlp_grads grads[ENSEMBLE_MAX];
  float *sums;              /* [E,blocks,4,padded_D] as kernels.gauss_nll adds them */
  float *bound_m, *bound_v; /* [2,padded_D] Adam of max, then min */
  double power1, power2, lr;
  double loss[ENSEMBLE_MAX]; /* sum over the epoch's rows */
  double squared[ENSEMBLE_MAX];
  float **scratch;     /* [threads] a panel's gradient */
  ensemble_work *work; /* [threads] */
  double *block_mse;   /* [E, holdout blocks] */
  float *best;         /* [E, size] weights of the best holdout error */
  double best_mse[ENSEMBLE_MAX];
  int stale;       /* epochs since any member got better */
  double *history; /* [epochs,3,E] train loss and mse, holdout mse; grows */
  char of[240];    /* data, settings, key: what a kept state is of */
  arena memory;
} fitter;

/* One step of every member and of the shared bounds on the batch at f->at, f->rows; its losses are
 * added up. */
void fitter_step(fitter *f);

#endif
