/* actor.h - the tanh-Gaussian policy: a network from an observation to mean and log-std of a
 * Gaussian over u, and the action tanh(u). Shared by every algorithm that has one, by imagined
 * rollouts and by evaluation. */
#ifndef AGENT_ACTOR_H
#define AGENT_ACTOR_H

#include "nn/mlp.h"

typedef struct actor {
  mlp net; /* S -> hidden ... -> 2A: means, then log-stds */
  int S, A;
  float lo, hi; /* the log-std is clipped to [lo, hi] */
  /* [S] an observation becomes (x - shift) * scale on its way in, of actor_act only; NULL: it stays
   * as it is. Borrowed. */
  const float *shift, *scale;
} actor;

/* What up to R rows leave behind: one for each thread. Column arrays are [A,R] with R rounded up to
 * a multiple of 16; rows past those in use hold harmless values. */
typedef struct actor_work {
  int R;
  mlp_acts acts; /* used by actor_act; a stage of an update may use acts of its own */
  float *mean, *ls, *std, *act, *eps, *logp; /* logp [R] */
  float *dact, *dmean, *dls;
} actor_work;

void actor_shape(actor *p, const kernels *k, int S, int A, int hidden, int layers, float lo,
                 float hi);
void actor_work_layout(actor_work *w, const actor *p, arena *a, int R);

/* Standard normals for eps: element (j, r) is number (first + j) * B + r0 + r of place `hi`, B a
 * multiple of 16, so that a draw belongs to its row however the rows are cut into pieces. */
void actor_noise(const actor *p, actor_work *w, rng_key key, uint64_t hi, int first, int B, int r0,
                 int rows);

/* Head of rows r0.. of acts (whose forward is done) with the noise in w->eps: fills w's act, logp,
 * std. */
void actor_head(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows);
/* From w->dact and the one number dlogp of every row to g's last layer, rows r0... */
void actor_head_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows, float dlogp);

/* Its two halves: to w->dmean and w->dls, and from there to g. */
void actor_sample_back(const actor *p, actor_work *w, float dlogp);
void actor_put_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows);

/* Outputs in rows r0.. of acts into w->mean and w->ls. */
void actor_outputs(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows);
/* The deterministic action tanh(mean) into w->act; and from w->dact back, nothing to the log-stds.
 */
void actor_mean(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows);
void actor_mean_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows);
/* Makes the log-std the same for every observation: ls. A way back that leaves the log-stds'
 * columns at 0 keeps it so. */
void actor_fix_std(const mlp *net, int A, float ls);

/* Log-likelihood of given actions w->act [A,R] in (-1, 1) under the outputs in rows r0.. of acts:
 * fills w->logp, std and eps = (atanh(act) - mean) / std. An action closer than 1e-6 to the edge
 * counts as that far from it. */
void actor_likelihood(const actor *p, actor_work *w, const mlp_acts *acts, int r0, int rows);
/* From dlogp [rows] to g's last layer. */
void actor_likelihood_back(const actor *p, actor_work *w, mlp_grads *g, int r0, int rows,
                           const float *dlogp);

/* Copies of row-major values into panels: x's rows r0.., columns c0 .. c0+n-1. src[i] is row i. */
void panels_put(panels x, int r0, int c0, const float *const *src, int offset, int rows, int n);
/* The same from columns [n,R]. */
void panels_put_columns(panels x, int r0, int c0, const float *columns, int R, int rows, int n);

/* The first S columns of rows r0.. become (x - shift) * scale. */
void actor_standardise(panels x, int r0, int rows, const float *shift, const float *scale, int S);

/* Actions of rows <= w->R observations: act[i] = A floats for the S floats at obs + i * stride.
 * noise NULL: deterministic, tanh(mean). */
typedef struct actor_noise_at {
  rng_key key;
  uint64_t hi;
  int B, r0; /* see actor_noise; first = 0 */
} actor_noise_at;
void actor_act(const actor *p, actor_work *w, float *act, size_t act_stride, const float *obs,
               size_t obs_stride, int rows, const actor_noise_at *noise);

#endif
