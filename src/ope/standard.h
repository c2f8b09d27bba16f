/* standard.h - a recording in units of its own spread, for what judges policies:
 *
 *   x = (s - mean) / sd,   y = (r, x' - x) to mean 0 and deviation 1, column by column;
 *   actions stay in [-1,1].
 *
 * A column whose deviation float32 cannot tell from its values' resolution is dead: x = 0, and it
 * never moves. */
#ifndef OPE_STANDARD_H
#define OPE_STANDARD_H

#include "base/arena.h"
#include "data/dataset.h"

typedef struct standard {
  int S, A;
  float *mean, *sd, *inverse; /* [S]; of a dead column sd = inverse = 0 */
  float *step_mean, *step_sd; /* [S] of x' - x */
  float *low, *high;          /* [S] least and greatest x on record */
  double rew_mean, rew_sd;    /* sd 0: all rewards are one */
  /* [A,2] the two settings of an action that has no other on record: a switch, which takes the
   * nearer one; equal: it is none */
  float *settings;
  double rew_low, rew_high; /* on record */
  mopo_dataset *d;          /* the copy: x, a, y_0, x + y_1.., done; owned */
  arena memory;
} standard;

/* EDATA (no row says what it led to), ENOMEM. */
MUST_CHECK mopo_status standard_create(standard **out, const mopo_dataset *d, mopo_error *err);
void standard_free(standard *s);

void standard_in(const standard *s, float *x, const float *obs); /* [S] */
/* act [A] as the actuator takes it. */
void standard_round(const standard *s, float *act);
void standard_out(const standard *s, float *obs, const float *x); /* [S] */

#endif
