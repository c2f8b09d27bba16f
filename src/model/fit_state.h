/* fit_state.h - a fit under way as a file, so that an interrupted one goes on to the same bits.
 * What follows from data, settings and key (samples, their order, the scaler) is made again
 * instead. */
#ifndef MODEL_FIT_STATE_H
#define MODEL_FIT_STATE_H

#include "model/ensemble.h"

/* After an epoch. The arrays are the fit's own: they are written as they are, and read into. */
typedef struct fit_state {
  int members;
  size_t size;                              /* floats of a member's parameters */
  float *weights[ENSEMBLE_MAX];             /* [size] */
  float *m[ENSEMBLE_MAX], *v[ENSEMBLE_MAX]; /* [size] Adam's moments */
  float *best;                              /* [members,size] */
  int outputs;                              /* padded: floats of each bound */
  float *max, *min;                         /* [outputs] */
  float *bound_m, *bound_v;                 /* [2,outputs] */
  double *best_mse;                         /* [members] */
  double *power1, *power2; /* [members+1] beta^t of each member, then of the bounds */
  int64_t stale;           /* epochs since any member got better */
  int64_t epochs;          /* finished */
  double *history;         /* [epochs,3,members] losses; owned, free() it */
  char of[240];            /* what it is a fit of: data, settings, key */
} fit_state;

/* ENOMEM, EIO. */
MUST_CHECK mopo_status fit_state_save(const fit_state *s, const char *path, mopo_error *err);
/* Into the arrays of s; s->history is made. EIO, ENOMEM, EFORMAT (not such a file, of another
 * shape, or with numbers that no fit leaves behind), EINVAL (a fit of something else than s->of
 * says); on an error nothing has been changed. */
MUST_CHECK mopo_status fit_state_load(fit_state *s, const char *path, mopo_error *err);

#endif
