/* fit_step.c - see fitter.h. The loss, for each member and minibatch of B rows:
 *
 *   mean over B and D of [(mu - y)^2 exp(-lv) + lv] + sum over layers of wd_l / 2 |W_l|^2
 *   and, once, 0.01 sum(max) - 0.01 sum(min)
 *
 * (PETS; the authors' code of MOPO.) Each thread takes whole members, transposes, rows, then
 * updates, so that what the rows leave behind is still in its cache when the weights want it, and
 * what it wrote in the last step is there, too. The members that do not go up in threads are done
 * by all together: a stage of transposes and one of updates, cut by member and piece of weights,
 * and between them one of rows, cut by member and block of 64 rows. Transposes lie with the thread,
 * not with the member: seven members' own would be 4 MB more to walk through in each step. The
 * shared bounds are reduced over members and blocks in their order. */
#include <math.h>
#include <string.h>

#include "model/fitter.h"

static const double BOUND_WEIGHT = 0.01;
/* For four hidden layers; a net of another depth takes the first for its first layer, the last for
 * its last, the middle one for the rest. */
static const double DECAY[] = {2.5e-5, 5e-5, 7.5e-5, 7.5e-5, 1e-4};

/* Member e goes to work in a slot. */
static void seat(fitter *f, int slot, int e) { mlp_place(&f->net[slot], f->m->net[e].params); }

/* Nothing of an output that does not move reaches weights, bounds or losses. Its log-variance would
 * fall without end, its errors would weigh e^-lv, and in the layers that all share they would drown
 * the outputs that do move. */
static void forget_still(const ensemble *m, panels delta, float *sums, int d, int n)
{
  for (int half = 0; half < 2; half++) {
    int c = d + half * m->D;
    float *x = delta.x + (size_t)(c / PANEL) * delta.stride + (size_t)(c % PANEL);
    for (int r = 0; r < n; r++) x[r * PANEL] = 0.0f;
  }
  for (int k = 0; k < 4; k++) sums[(size_t)k * (size_t)m->padded_D + (size_t)d] = 0.0f;
}

/* A block of rows there and back. */
static void rows_of(fitter *f, int slot, int e, int block)
{
  ensemble *m = f->m;
  int r0 = block * FITTER_BLOCK, n = f->rows - r0 < FITTER_BLOCK ? f->rows - r0 : FITTER_BLOCK,
      W = f->d->at.width;
  float *sums = f->sums + (size_t)(e * f->blocks + block) * 4 * (size_t)m->padded_D;
  memset(sums, 0, 4 * (size_t)m->padded_D * sizeof(float));
  if (n <= 0) return;

  const uint32_t *index = f->index + (size_t)e * (size_t)f->n_train + (size_t)f->at + r0;
  const float *obs[FITTER_BLOCK], *act[FITTER_BLOCK];
  float target[FITTER_BLOCK * GAUSS_MAX];
  for (int r = 0; r < n; r++) /* rows lie anywhere: ask for all of them first */
    for (int i = 0; i < W; i += PANEL)
      __builtin_prefetch(f->d->rows + (size_t)index[r] * (size_t)W + i);
  for (int r = 0; r < n; r++) {
    const float *row = f->d->rows + (size_t)index[r] * (size_t)W;
    obs[r] = row, act[r] = row + f->d->at.act;
    ensemble_targets(m, target + r * m->D, row, &f->d->at);
  }
  const mlp *net = &f->net[slot];
  int last = net->layers;
  mlp_acts *acts = &f->acts[slot];
  mlp_grads *grads = &f->grads[slot];
  ensemble_input(m, acts->h[0], r0, obs, act, n);
  mlp_forward(net, acts, r0, n, true);
  panels raw = acts->h[last], delta = grads->g[last - 1];
  raw.x += (size_t)r0 * PANEL, delta.x += (size_t)r0 * PANEL;
  net->k->gauss_nll(delta, sums, raw, target, (size_t)m->D, m->max, m->min,
                    1.0f / ((float)f->rows * (float)m->D), n, m->D);
  for (int d = 0; d < m->D; d++)
    if (ensemble_is_still(m, d)) forget_still(m, delta, sums, d, n);
  mlp_backward(net, acts, grads, r0, n);
}

static double decay_of(int layer, int layers)
{
  int last = (int)(sizeof DECAY / sizeof *DECAY) - 1;
  if (layer == layers - 1) return DECAY[last];
  return DECAY[layer < last - 1 ? layer : last - 1];
}

static void update_of(fitter *f, int slot, int e, int piece, int thread)
{
  mlp *net = &f->m->net[e];
  double decay = f->set->decay * decay_of(mlp_piece_at(net, piece).layer, net->layers);
  mlp_piece_update(net, piece, &f->opt[e], f->step[e], &f->acts[slot], &f->grads[slot], f->rows,
                   NULL, (float)decay, f->scratch[thread]);
}

static void member_stage(void *ctx, int e, int thread)
{
  fitter *f = ctx;
  seat(f, thread, e);
  mlp_transpose(&f->net[thread]);
  for (int b = 0; b < f->blocks; b++) rows_of(f, thread, e, b);
  for (int p = 0; p < f->pieces; p++) update_of(f, thread, e, p, thread);
}

static void transposes_stage(void *ctx, int piece, int thread)
{
  (void)thread;
  fitter *f = ctx;
  mlp_piece_transpose(&f->net[piece / f->pieces], piece % f->pieces);
}

static void rows_stage(void *ctx, int piece, int thread)
{
  (void)thread;
  fitter *f = ctx;
  int slot = piece / f->blocks;
  rows_of(f, slot, f->whole + slot, piece % f->blocks);
}

static void updates_stage(void *ctx, int piece, int thread)
{
  fitter *f = ctx;
  int slot = piece / f->pieces;
  update_of(f, slot, f->whole + slot, piece % f->pieces, thread);
}

/* A step of every member. */
static void members_step(fitter *f)
{
  int rest = f->E - f->whole;
  for (int e = 0; e < f->E; e++) f->step[e] = adam_next(&f->opt[e]);
  par_run(f->pool, f->whole, member_stage, f);
  for (int i = 0; i < rest; i++) seat(f, i, f->whole + i);
  par_run(f->pool, rest * f->pieces, transposes_stage, f);
  par_run(f->pool, rest * f->blocks, rows_stage, f);
  par_run(f->pool, rest * f->pieces, updates_stage, f);
}

/* Adam on max and min: gradients summed over members and blocks in their order. */
static void bounds_step(fitter *f)
{
  ensemble *m = f->m;
  size_t Dp = (size_t)m->padded_D;
  f->power1 *= 0.9, f->power2 *= 0.999;
  for (int which = 0; which < 2; which++) {
    float *bound = which ? m->min : m->max;
    float *mm = f->bound_m + (size_t)which * Dp, *vv = f->bound_v + (size_t)which * Dp;
    for (int d = 0; d < m->D; d++) {
      double g = which ? -BOUND_WEIGHT : BOUND_WEIGHT;
      for (int i = 0; i < f->E * f->blocks; i++)
        g += (double)f->sums[((size_t)i * 4 + (size_t)which) * Dp + (size_t)d];
      mm[d] = (float)(0.9 * (double)mm[d] + 0.1 * g);
      vv[d] = (float)(0.999 * (double)vv[d] + 0.001 * g * g);
      double up = (double)mm[d] / (1.0 - f->power1);
      double down = sqrt((double)vv[d] / (1.0 - f->power2)) + 1e-8;
      bound[d] = (float)((double)bound[d] - f->lr * up / down);
    }
  }
}

static void add_losses(fitter *f)
{
  size_t Dp = (size_t)f->m->padded_D;
  for (int e = 0; e < f->E; e++)
    for (int b = 0; b < f->blocks; b++)
      for (int d = 0; d < f->m->D; d++) {
        const float *terms = f->sums + ((size_t)(e * f->blocks + b) * 4 + 2) * Dp;
        f->loss[e] += (double)terms[d];
        f->squared[e] += (double)terms[Dp + (size_t)d];
      }
}

void fitter_step(fitter *f)
{
  members_step(f);
  bounds_step(f);
  add_losses(f);
}
