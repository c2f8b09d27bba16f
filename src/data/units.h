/* units.h - one affine scale for everything that is learned. A log has columns in counts, kelvin
 * and pascal; policy, critics and model see each observation as (x - centre) / spread and the
 * reward as (r - reward_centre) / reward_spread, so that units do not matter. It is fitted once, on
 * the rows that are learned from; what leaves the program is in the log's units again. */
#ifndef DATA_UNITS_H
#define DATA_UNITS_H

#include "data/dataset.h"

typedef struct units {
  int S;
  float *centre, *spread; /* [S]; spread 0: the column does not move, its scaled value is 0 */
  float *inverse;         /* [S] 1 / spread; 0 where the column does not move */
  /* [S] of the recorded rows, in scaled units. Values further out than the fence (units.c) are
   * spikes: they count as the fence. */
  float *low, *high;
  /* [S+1] mean and spread of reward and of the step next - obs in scaled units, as the model learns
   * them, and the least and greatest of them; a spread is 0 where nothing moves. */
  float *step_mean, *step_spread, *step_low, *step_high;
  float reward_centre, reward_spread; /* centre 0 where episodes end */
} units;

/* Changes nothing: centre 0, spread 1, no bounds. ENOMEM. */
MUST_CHECK mopo_status units_create(units **out, int S, mopo_error *err);
void units_free(units *s);
MUST_CHECK mopo_status units_copy(units **out, const units *from, mopo_error *err);
/* Fits s to the rows of d. ends: episodes can end, so that the reward keeps its zero. ENOMEM. */
MUST_CHECK mopo_status units_fit(units **out, const mopo_dataset *d, bool ends, mopo_error *err);
/* After centre and spread were read from a file: inverse. */
void units_changed(units *s);

/* y [S] = x [S] scaled, spikes cut off at the bounds; x [S] = y [S] in the log's units. y may be x.
 */
void units_obs(const units *s, float *y, const float *x);
void units_obs_back(const units *s, float *x, const float *y);
static inline float units_reward(const units *s, float r)
{
  return (float)(((double)r - (double)s->reward_centre) / (double)s->reward_spread);
}
static inline double units_reward_back(const units *s, double r)
{
  return r * (double)s->reward_spread + (double)s->reward_centre;
}
/* A value, sum over t of gamma^t r_t, in the log's units. */
double units_value_back(const units *s, double q, double gamma);

/* d's rows in scaled units; everything else as in d. ENOMEM. */
MUST_CHECK mopo_status units_dataset(mopo_dataset **out, const units *s, const mopo_dataset *d,
                                     mopo_error *err);

#endif
