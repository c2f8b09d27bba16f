/* ensemble.h - what would happen next, and how sure are we? E networks, each giving a Gaussian over
 * [reward, next observation - observation] (PETS, Chua et al. 2018; MOPO, Yu et al. 2020,
 * appendix).
 *
 *   input   [obs, act], standardised;  body  hidden layers of swish;  head  2D outputs: means, then
 *   log-variances lv0, bounded by  lv = min + softplus(max - softplus(max - lv0) - min)  with max,
 *   min [D] learned and shared by all members;  D = S + 1, output 0 is the reward. */
#ifndef MODEL_ENSEMBLE_H
#define MODEL_ENSEMBLE_H

#include "base/par.h"
#include "data/dataset.h"
#include "data/scaler.h"
#include "data/units.h"
#include "model/penalty.h"
#include "model/termination.h"
#include "nn/mlp.h"

enum { ENSEMBLE_MAX = 32, ENSEMBLE_ROWS = 96 /* rows of a block: sixteen tiles of six */ };

typedef struct ensemble_settings {
  int members, elites, hidden, layers;
} ensemble_settings;

typedef struct ensemble {
  ensemble_settings set;
  int S, A, D, padded_D;
  mlp net[ENSEMBLE_MAX];
  float *max, *min;          /* [padded_D] bounds of the log-variance */
  float *mean, *inverse_std; /* [S+A] of the input */
  float *std;                /* [S+A] */
  /* Of a model in scaled units: what every observation and reward below is in, and what the
   * networks' outputs are in: output d is (step - units->step_mean[d]) / units->step_spread[d].
   * NULL: in the log's units, outputs as well. */
  units *units;
  float *known;   /* [members,D] variance that the log's own noise explains, as each says; else 0 */
  float *ea, *eb; /* [padded 2D] what kernels.gauss_var takes; follows from the bounds */
  int elite[ENSEMBLE_MAX]; /* set.elites member numbers, best first */
  double holdout_mse[ENSEMBLE_MAX];
  arena memory;
} ensemble;

/* Is output d of a model in scaled units one that does not move? Then it is not learned, its
 * prediction is units->step_mean[d], and nothing that is measured of the model heeds it. */
static inline bool ensemble_is_still(const ensemble *m, int d)
{
  return m->units && m->units->step_spread[d] <= 0.0f;
}

/* Weights drawn under `key`. EINVAL (members, elites, sizes), ENOMEM. */
MUST_CHECK mopo_status ensemble_create(ensemble **out, const ensemble_settings *set, int S, int A,
                                       rng_key key, mopo_error *err);
void ensemble_free(ensemble *m);
/* After bounds were changed from outside. */
void ensemble_bounds_changed(ensemble *m);
void ensemble_set_scaler(ensemble *m, const scaler *s);
/* A copy of s becomes the model's. ENOMEM. */
MUST_CHECK mopo_status ensemble_set_units(ensemble *m, const units *s, mopo_error *err);
/* Workspace of one thread for blocks of at most ENSEMBLE_ROWS rows. */
typedef struct ensemble_work {
  mlp_acts acts;
  panels input;  /* standardised, the same for every member */
  float *means;  /* [E,R,D] predicted differences; only for a penalty that needs them */
  float *chosen; /* [R,2D rounded up to panels] the row of the member that was drawn */
  float *norm2;  /* [E,R] || sigma ||_2^2 */
  float *noise;  /* [R,D rounded up to 4] */
  int member[ENSEMBLE_ROWS];
  bool keep; /* ensemble_step keeps the means whatever the penalty needs; false unless set */
} ensemble_work;
void ensemble_work_layout(ensemble_work *w, const ensemble *m, arena *a);

/* Where a block's draws come from: rows r0 .. of place `hi` under the keys. */
typedef struct ensemble_draw {
  rng_key noise, member;
  uint64_t hi, r0;
} ensemble_draw;

/* One imagined step of rows <= ENSEMBLE_ROWS states and actions. Each row takes one elite, drawn
 * uniformly, and samples from its Gaussian. obs[r], act[r] point at S and A floats; next[r] at S.
 *   rew [rows]  sampled reward, not penalised
 *   u   [rows]  uncertainty by `kind`, over ALL members, in the units of the outputs; 0 for a
 *               penalty of the simulator's, which knows more than a model
 * Never allocates. NaN travels. */
void ensemble_step(const ensemble *m, ensemble_work *w, float *const *next, float *rew, float *u,
                   const float *const *obs, const float *const *act, int rows,
                   const penalty_type *kind, const ensemble_draw *draw);

/* What one member says of rows <= ENSEMBLE_ROWS: mean, std [rows,D] of reward, then next
 * observation, in the units of obs. std may be NULL. Never allocates. NaN travels. */
void ensemble_predict(const ensemble *m, ensemble_work *w, float *mean, float *std, int member,
                      const float *const *obs, const float *const *act, int rows);

/* The members' means alone, of rows <= ENSEMBLE_ROWS states and actions, into w. Never allocates.
 */
void ensemble_means(const ensemble *m, ensemble_work *w, const float *const *obs,
                    const float *const *act, int rows);

/* next [S] of row r of the last ensemble_step, whose penalty compares members or is the
 * simulator's: obs [S] plus the mean of the elites' mean differences, which is the mean of what is
 * sampled. */
void ensemble_mean(const ensemble *m, const ensemble_work *w, float *next, const float *obs, int r);

/* Of every elite `samples` next states for each of rows <= ENSEMBLE_ROWS states and actions: next
 * [elites, samples, rows, S], each drawn from that elite's Gaussian, with noise of its own. Of draw
 * only `member` is not used. Never allocates. NaN travels. */
void ensemble_elites(const ensemble *m, ensemble_work *w, float *next, int samples,
                     const float *const *obs, const float *const *act, int rows,
                     const ensemble_draw *draw);

/* Standardised inputs of rows into x, rows r0 ... */
void ensemble_input(const ensemble *m, panels x, int r0, const float *const *obs,
                    const float *const *act, int rows);

/* What the outputs should be for a row laid out as `at`: y [D]. */
void ensemble_targets(const ensemble *m, float *y, const float *row, const row_layout *at);

/* A .safetensors file: layers.<i>.weight [E,out,in], layers.<i>.bias [E,out], max_logvar,
 * min_logvar [D], scaler.mean, scaler.std [S+A], elites, holdout_mse; of a model in scaled units
 * units.* as well, and another format. EIO, EFORMAT, ENOMEM. */
MUST_CHECK mopo_status ensemble_save(const ensemble *m, const char *path, mopo_error *err);
/* The same with learned ends in it (model/termination.h); NULL: none. */
MUST_CHECK mopo_status ensemble_save_with(const ensemble *m, const termination *end,
                                          const char *path, mopo_error *err);
MUST_CHECK mopo_status ensemble_load(ensemble **out, const char *path, mopo_error *err);
/* The same with the learned ends, *end, NULL where the file has none. */
MUST_CHECK mopo_status ensemble_load_with(ensemble **out, termination **end, const char *path,
                                          mopo_error *err);

#endif
