/* forecast.h - what the model says that the policy is worth: discounted returns of whole episodes
 * imagined by the ensemble, with the penalty and without. Beside the simulator's discounted return
 * they show whether the penalised return is the lower bound that theorem 4.4 of Yu et al. 2020
 * promises. */
#ifndef OPE_FORECAST_H
#define OPE_FORECAST_H

#include "agent/actor.h"
#include "model/imagine.h"

typedef struct forecast forecast;

enum { FORECAST_COPIES = 2 /* imagined episodes for each start state */ };

typedef struct forecast_settings {
  int starts; /* start states, n */
  double gamma;
} forecast_settings;

/* Means over the imagined episodes. What the model blew up to is in them: infinite or NAN. */
typedef struct forecast_result {
  double ret;         /* sum over t of gamma^t r_t */
  double penalised;   /* sum over t of gamma^t (r_t - lambda u_t) */
  double uncertainty; /* mean of u, a step weighing gamma^t */
  int broken;         /* episodes in which a number was no longer finite */
} forecast_result;

/* With the penalty `none` lambda is 0 and u is measured as `aleatoric`. What g borrows outlives the
 * forecast. ENOMEM */
MUST_CHECK mopo_status forecast_create(forecast **out, const forecast_settings *set,
                                       const imagine *g, const actor *p, par *pool,
                                       mopo_error *err);
void forecast_free(forecast *f);
/* Starts and results are in the log's units, p takes observations in the model's.
 * From each of starts [n,S] FORECAST_COPIES episodes of p's deterministic action; each step is
 * drawn from a random elite, as in training; an episode ends at the task's horizon or where its
 * termination says so. Never allocates; the same bits on any number of threads. EDATA: as
 * imagine_judge. */
MUST_CHECK mopo_status forecast_run(forecast_result *out, forecast *f, const actor *p,
                                    const float *starts, rng_key key, mopo_error *err);

#endif
