/* sac.c - soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905), with a learned temperature and
 * two critics. MOPO and MBPO are this agent on other batches: what they learn from is decided in
 * train/.
 *
 *   y        = r + gamma (1 - d) (min_k Qtarg_k(s', a') - alpha log pi(a'|s')),  a' ~ pi(.|s')
 *   critic   L_k = c mean (Q_k(s, a) - y)^2                 c = critic_loss_weight: 1/2 or 1
 *   actor    L = mean (alpha log pi(a|s) - min_k Q_k(s, a)), a ~ pi(.|s)
 *   alpha    L = -log alpha mean (log pi(a|s) + target entropy)
 *   targets  Qtarg_k += tau (Q_k - Qtarg_k)
 *
 * An update is a few stages. A stage of rows takes each row of the batch all the way through: the
 * rows do not know of each other. A stage of panels sums the gradient of one panel of weights over
 * the rows, and while it is in cache takes the Adam step, averages the target and renews the
 * transpose. update_order "joint": all gradients at the same parameters (rows, panels); and
 * "critic-first": the actor sees the critics after their step (rows, panels, rows, panels). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "base/fmath.h"

enum { PIECE = 64 }; /* most rows in a piece */

typedef struct sac_work { /* of one thread: rows that no later stage needs */
  actor_work actor;
  mlp_acts target[2], pi[2]; /* critics at (s', a') and at (s, a ~ pi) */
  mlp_acts least;            /* rows of pi[k], gathered: those whose least critic is k */
  mlp_grads least_grads;
  panels least_dx;
  float *dw; /* gradient of a piece of weights */
} sac_work;

typedef struct sac {
  agent base;
  agent_setup setup;
  int B, R, rows_pieces, critic_pieces, actor_pieces;
  float gamma, tau, loss_weight, alpha;
  bool joint;
  double target_entropy, alpha_max, alpha_lr, actor_lr;
  bool cosine;
  actor actor;
  mlp critic[2], target[2];
  mlp_acts actor_acts, critic_acts[2];
  mlp_grads actor_grads, critic_grads[2];
  adam actor_opt, critic_opt[2];
  adam_step actor_step, critic_step[2];
  float *td2, *q, *logp, *actor_loss; /* [B] what the rows report */
  arena state, work_arena;
  sac_work *work; /* [threads] */
  double *scalars;
  const batch *batch;
} sac;

/* What has to survive beside the blocks of floats. */
enum { LOG_ALPHA, ALPHA_M, ALPHA_V, ALPHA_P1, ALPHA_P2, ACTOR_P1, ACTOR_P2, CRITIC_P, UPDATES = 11,
       SCALARS };

/* ------------------------------------------------------------- stages of rows */

typedef struct rows_at {
  int r0, n;
} rows_at;

static rows_at piece_rows(const sac *s, int piece)
{
  int r0 = piece * s->R, left = s->B - r0;
  return (rows_at){r0, left < s->R ? left : s->R};
}

static uint64_t update_number(const sac *s) { return (uint64_t)s->scalars[UPDATES]; }

/* Noise of this update: `first` A columns for a', the next for a. */
static void sample_actions(sac *s, sac_work *w, const mlp_acts *acts, int acts_r0, rows_at p,
                           int which)
{
  int padded_B = (s->B + PANEL - 1) / PANEL * PANEL;
  actor_noise(&s->actor, &w->actor, s->setup.key, update_number(s), which * s->actor.A, padded_B,
              p.r0, p.n);
  actor_head(&s->actor, &w->actor, acts, acts_r0, p.n);
}

/* y of rows p into y[0..n). */
static void targets(sac *s, sac_work *w, rows_at p, float *y)
{
  const row_layout *at = &s->batch->at;
  const float *const *row = s->batch->row + p.r0;
  panels_put(w->actor.acts.h[0], 0, 0, row, at->next, p.n, at->S);
  mlp_forward(&s->actor.net, &w->actor.acts, 0, p.n, false);
  sample_actions(s, w, &w->actor.acts, 0, p, 0);
  for (int k = 0; k < 2; k++) {
    panels_put(w->target[k].h[0], 0, 0, row, at->next, p.n, at->S);
    panels_put_columns(w->target[k].h[0], 0, at->S, w->actor.act, w->actor.R, p.n, at->A);
    mlp_forward(&s->target[k], &w->target[k], 0, p.n, false);
  }
  const float *q1 = w->target[0].h[s->target[0].layers].x;
  const float *q2 = w->target[1].h[s->target[1].layers].x;
  for (int r = 0; r < p.n; r++) {
    float a = q1[r * PANEL], b = q2[r * PANEL], q = a < b ? a : b;
    float v = q - s->alpha * w->actor.logp[r];
    y[r] = row[r][at->rew] + s->gamma * (1.0f - row[r][at->done]) * v;
  }
}

static void critic_rows(sac *s, sac_work *w, rows_at p)
{
  const row_layout *at = &s->batch->at;
  const float *const *row = s->batch->row + p.r0;
  float y[PIECE];
  targets(s, w, p, y);
  for (int k = 0; k < 2; k++) {
    mlp_acts *acts = &s->critic_acts[k];
    int last = s->critic[k].layers;
    panels_put(acts->h[0], p.r0, 0, row, 0, p.n, at->S + at->A); /* obs and act are neighbours */
    mlp_forward(&s->critic[k], acts, p.r0, p.n, true);
    const float *q = acts->h[last].x + (size_t)p.r0 * PANEL;
    float *dq = s->critic_grads[k].g[last - 1].x + (size_t)p.r0 * PANEL;
    for (int r = 0; r < p.n; r++) {
      float td = q[r * PANEL] - y[r];
      dq[r * PANEL] = 2.0f * s->loss_weight * td / (float)s->B;
      s->td2[k * s->B + p.r0 + r] = td * td;
      if (k == 0) s->q[p.r0 + r] = q[r * PANEL];
    }
    mlp_backward(&s->critic[k], acts, &s->critic_grads[k], p.r0, p.n);
  }
}

/* dL/da of rows p, L = -mean min_k Q_k: each row's gradient goes only through the critic that is its
 * minimum. The rows are gathered by critic, go back together, and are put where they came from. */
static void least_critic_back(sac *s, sac_work *w, rows_at p, const unsigned char *least)
{
  int S = s->actor.S, A = s->actor.A, R = w->actor.R;
  for (int k = 0; k < 2; k++) {
    const mlp *net = &s->critic[k];
    int rows[PIECE], n = 0;
    for (int r = 0; r < p.n; r++)
      if (least[r] == k) rows[n++] = r;
    if (!n) continue;
    for (int i = 1; i < net->layers; i++)
      for (int c = 0; c < net->layer[i - 1].out; c += PANEL) {
        const float *from = w->pi[k].h[i].x + (size_t)(c / PANEL) * w->pi[k].h[i].stride;
        float *to = w->least.h[i].x + (size_t)(c / PANEL) * w->least.h[i].stride;
        for (int r = 0; r < n; r++)
          memcpy(to + r * PANEL, from + rows[r] * PANEL, PANEL * sizeof *to);
      }
    float *dq = w->least_grads.g[net->layers - 1].x;
    for (int r = 0; r < n; r++) dq[r * PANEL] = -1.0f / (float)s->B;
    mlp_backward(net, &w->least, &w->least_grads, 0, n);
    mlp_backward_input(net, w->least_dx, &w->least_grads, 0, n, S, S + A);
    for (int c = 0; c < A; c++) {
      const float *dx = w->least_dx.x + (size_t)((S + c) / PANEL) * w->least_dx.stride;
      for (int r = 0; r < n; r++)
        w->actor.dact[c * R + rows[r]] = dx[r * PANEL + (S + c) % PANEL];
    }
  }
}

static void actor_rows(sac *s, sac_work *w, rows_at p)
{
  const row_layout *at = &s->batch->at;
  const float *const *row = s->batch->row + p.r0;
  panels_put(s->actor_acts.h[0], p.r0, 0, row, 0, p.n, at->S);
  mlp_forward(&s->actor.net, &s->actor_acts, p.r0, p.n, true);
  sample_actions(s, w, &s->actor_acts, p.r0, p, 1);
  for (int k = 0; k < 2; k++) {
    panels_put(w->pi[k].h[0], 0, 0, row, 0, p.n, at->S);
    panels_put_columns(w->pi[k].h[0], 0, at->S, w->actor.act, w->actor.R, p.n, at->A);
    mlp_forward(&s->critic[k], &w->pi[k], 0, p.n, true);
  }
  unsigned char least[PIECE];
  const float *q1 = w->pi[0].h[s->critic[0].layers].x, *q2 = w->pi[1].h[s->critic[1].layers].x;
  for (int r = 0; r < p.n; r++) {
    float a = q1[r * PANEL], b = q2[r * PANEL];
    least[r] = !(a < b);
    s->logp[p.r0 + r] = w->actor.logp[r];
    s->actor_loss[p.r0 + r] = s->alpha * w->actor.logp[r] - (a < b ? a : b);
  }
  least_critic_back(s, w, p, least);
  actor_head_back(&s->actor, &w->actor, &s->actor_grads, p.r0, p.n, s->alpha / (float)s->B);
  mlp_backward(&s->actor.net, &s->actor_acts, &s->actor_grads, p.r0, p.n);
}

static void stage_critic_rows(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  critic_rows(s, &s->work[thread], piece_rows(s, piece));
}
static void stage_actor_rows(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  actor_rows(s, &s->work[thread], piece_rows(s, piece));
}
static void stage_all_rows(void *ctx, int piece, int thread)
{
  stage_critic_rows(ctx, piece, thread);
  stage_actor_rows(ctx, piece, thread);
}

/* ------------------------------------------------------------- stages of panels */

static void stage_critic_panels(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  int k = piece / s->critic_pieces;
  mlp_piece_update(&s->critic[k], piece % s->critic_pieces, &s->critic_opt[k], s->critic_step[k],
                   &s->critic_acts[k], &s->critic_grads[k], s->B, &s->target[k], 0.0f,
                   s->work[thread].dw);
}
static void stage_actor_panels(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  mlp_piece_update(&s->actor.net, piece, &s->actor_opt, s->actor_step, &s->actor_acts,
                   &s->actor_grads, s->B, NULL, 0.0f, s->work[thread].dw);
}
static void stage_all_panels(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  if (piece < 2 * s->critic_pieces)
    stage_critic_panels(ctx, piece, thread);
  else
    stage_actor_panels(ctx, piece - 2 * s->critic_pieces, thread);
}

/* ------------------------------------------------------------- update */

static double mean(const float *x, int n)
{
  double sum = 0.0;
  for (int i = 0; i < n; i++) sum += (double)x[i];
  return sum / n;
}

static float alpha_of(const sac *s)
{
  float alpha = fm_exp((float)s->scalars[LOG_ALPHA]);
  return alpha > (float)s->alpha_max ? (float)s->alpha_max : alpha;
}

/* Adam on the one number log alpha, in double. */
static void update_alpha(sac *s, double logp_mean)
{
  double *x = s->scalars, g = -(logp_mean + s->target_entropy);
  x[ALPHA_P1] *= 0.9, x[ALPHA_P2] *= 0.999;
  x[ALPHA_M] = 0.9 * x[ALPHA_M] + 0.1 * g;
  x[ALPHA_V] = 0.999 * x[ALPHA_V] + 0.001 * g * g;
  double m = x[ALPHA_M] / (1.0 - x[ALPHA_P1]), v = x[ALPHA_V] / (1.0 - x[ALPHA_P2]);
  x[LOG_ALPHA] -= s->alpha_lr * m / (sqrt(v) + 1e-8);
}

static void keep_powers(sac *s)
{
  s->scalars[ACTOR_P1] = s->actor_opt.power1, s->scalars[ACTOR_P2] = s->actor_opt.power2;
  for (int k = 0; k < 2; k++) {
    s->scalars[CRITIC_P + 2 * k] = s->critic_opt[k].power1;
    s->scalars[CRITIC_P + 2 * k + 1] = s->critic_opt[k].power2;
  }
}

static agent_stats sac_update(agent *a, const batch *b)
{
  sac *s = (sac *)(void *)a;
  par *pool = s->setup.pool;
  s->batch = b;
  s->alpha = alpha_of(s);
  for (int k = 0; k < 2; k++) {
    s->critic_step[k] = adam_next(&s->critic_opt[k]);
    s->critic_step[k].tau = s->tau;
  }
  s->actor_step = adam_next(&s->actor_opt);
  if (s->joint) {
    par_run(pool, s->rows_pieces, stage_all_rows, s);
    par_run(pool, 2 * s->critic_pieces + s->actor_pieces, stage_all_panels, s);
  } else {
    par_run(pool, s->rows_pieces, stage_critic_rows, s);
    par_run(pool, 2 * s->critic_pieces, stage_critic_panels, s);
    par_run(pool, s->rows_pieces, stage_actor_rows, s);
    par_run(pool, s->actor_pieces, stage_actor_panels, s);
  }
  double logp = mean(s->logp, s->B);
  update_alpha(s, logp);
  s->scalars[UPDATES] += 1.0;
  keep_powers(s);
  return (agent_stats){.critic_loss = (double)s->loss_weight * 2.0 * mean(s->td2, 2 * s->B),
                       .actor_loss = mean(s->actor_loss, s->B),
                       .alpha = (double)s->alpha,
                       .entropy = -logp,
                       .q_mean = mean(s->q, s->B),
                       .q = s->q};
}

/* ------------------------------------------------------------- create, free, state */

static void layout_state(sac *s, arena *a)
{
  mlp_layout(&s->actor.net, a);
  adam_layout(&s->actor_opt, a, s->actor.net.size);
  for (int k = 0; k < 2; k++) {
    mlp_layout(&s->critic[k], a);
    mlp_layout(&s->target[k], a);
    adam_layout(&s->critic_opt[k], a, s->critic[k].size);
  }
}

static void layout_work(sac *s, arena *a)
{
  size_t B = (size_t)s->B;
  int threads = par_threads(s->setup.pool);
  mlp_layout_transposes(&s->actor.net, a);
  mlp_acts_layout(&s->actor_acts, &s->actor.net, a, s->B, true);
  mlp_grads_layout(&s->actor_grads, &s->actor.net, a, s->B);
  for (int k = 0; k < 2; k++) {
    mlp_layout_transposes(&s->critic[k], a);
    mlp_acts_layout(&s->critic_acts[k], &s->critic[k], a, s->B, true);
    mlp_grads_layout(&s->critic_grads[k], &s->critic[k], a, s->B);
  }
  s->td2 = arena_floats(a, 2 * B), s->q = arena_floats(a, B);
  s->logp = arena_floats(a, B), s->actor_loss = arena_floats(a, B);
  s->scalars = arena_bytes(a, SCALARS * sizeof *s->scalars);
  s->work = arena_bytes(a, (size_t)threads * sizeof *s->work);
  sac_work measure, *w = &measure;
  for (int t = 0; t < threads; t++) {
    if (a->base) w = &s->work[t];
    actor_work_layout(&w->actor, &s->actor, a, s->R);
    for (int k = 0; k < 2; k++) {
      mlp_acts_layout(&w->target[k], &s->target[k], a, s->R, false);
      mlp_acts_layout(&w->pi[k], &s->critic[k], a, s->R, false);
    }
    mlp_acts_layout(&w->least, &s->critic[0], a, s->R, false);
    mlp_grads_layout(&w->least_grads, &s->critic[0], a, s->R);
    w->least_dx = panels_layout(a, s->R, s->critic[0].layer[0].in);
    size_t na = mlp_scratch(&s->actor.net), nc = mlp_scratch(&s->critic[0]);
    w->dw = arena_floats(a, na > nc ? na : nc);
  }
}

static void shape(sac *s, const mopo_config *c)
{
  const kernels *k = kernels_best();
  int S = s->setup.S, A = s->setup.A, sizes[MLP_LAYERS + 1] = {S + A};
  for (int i = 1; i <= c->layers; i++) sizes[i] = c->hidden;
  sizes[c->layers + 1] = 1;
  actor_shape(&s->actor, k, S, A, c->hidden, c->layers, (float)c->log_std_min,
              (float)c->log_std_max);
  for (int i = 0; i < 2; i++) {
    mlp_shape(&s->critic[i], k, c->layers + 1, sizes, MLP_RELU);
    mlp_shape(&s->target[i], k, c->layers + 1, sizes, MLP_RELU);
  }
  s->actor_pieces = mlp_pieces(&s->actor.net);
  s->critic_pieces = mlp_pieces(&s->critic[0]);
}

static void initialise(sac *s, const mopo_config *c)
{
  mlp_init scheme = strcmp(c->init, "glorot") == 0 ? MLP_GLOROT : MLP_FAN_IN;
  mlp_initialise(&s->actor.net, scheme, rng_split(s->setup.key, "actor"));
  mlp_initialise(&s->critic[0], scheme, rng_split(s->setup.key, "critic 1"));
  mlp_initialise(&s->critic[1], scheme, rng_split(s->setup.key, "critic 2"));
  adam_init(&s->actor_opt, c->actor_lr);
  for (int k = 0; k < 2; k++) {
    mlp_copy(&s->target[k], &s->critic[k]);
    adam_init(&s->critic_opt[k], c->critic_lr);
  }
  s->scalars[LOG_ALPHA] = (double)fm_log((float)c->alpha_init);
  s->scalars[ALPHA_P1] = s->scalars[ALPHA_P2] = 1.0;
  keep_powers(s);
}

static void sac_free(agent *a)
{
  if (!a) return;
  sac *s = (sac *)(void *)a;
  free(s->state.base);
  free(s->work_arena.base);
  free(s);
}

static mopo_status create(const agent_type *type, agent **out, const agent_setup *setup,
                          mopo_error *err)
{
  const mopo_config *c = setup->config;
  *out = NULL;
  sac *s = calloc(1, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "%s: no memory for the agent", type->name);
  s->base.type = type;
  s->setup = *setup;
  s->B = c->batch_size;
  s->R = agent_rows_per_piece(s->B, par_threads(setup->pool));
  s->rows_pieces = (s->B + s->R - 1) / s->R;
  s->gamma = (float)c->gamma, s->tau = (float)c->tau;
  s->loss_weight = (float)c->critic_loss_weight;
  s->joint = strcmp(c->update_order, "joint") == 0;
  s->cosine = strcmp(c->actor_schedule, "cosine") == 0;
  s->actor_lr = c->actor_lr, s->alpha_lr = c->alpha_lr, s->alpha_max = c->alpha_max;
  s->target_entropy = c->target_entropy;
  shape(s, c);
  layout_state(s, &s->state);
  layout_work(s, &s->work_arena);
  if (!arena_alloc(&s->state) || !arena_alloc(&s->work_arena)) {
    sac_free(&s->base);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for the networks", type->name);
  }
  layout_state(s, &s->state);
  layout_work(s, &s->work_arena);
  initialise(s, c);
  *out = &s->base;
  return MOPO_OK;
}

static const actor *sac_policy(const agent *a) { return &((const sac *)(const void *)a)->actor; }

/* Cosine decay to 0 over the whole run. */
static void sac_progress(agent *a, double done)
{
  sac *s = (sac *)(void *)a;
  float sine, cosine;
  fm_sincos_turn(&sine, &cosine, (float)(done / 2.0));
  s->actor_opt.lr = s->cosine ? s->actor_lr * 0.5 * (1.0 + (double)cosine) : s->actor_lr;
}

static double sac_actor_lr(const agent *a) { return ((const sac *)(const void *)a)->actor_opt.lr; }

static agent_state sac_state(agent *a)
{
  sac *s = (sac *)(void *)a;
  return (agent_state){(float *)(void *)s->state.base, s->state.used / sizeof(float), s->scalars,
                       SCALARS};
}

static void sac_restored(agent *a)
{
  sac *s = (sac *)(void *)a;
  mlp_transpose(&s->actor.net);
  s->actor_opt.power1 = s->scalars[ACTOR_P1], s->actor_opt.power2 = s->scalars[ACTOR_P2];
  for (int k = 0; k < 2; k++) {
    mlp_transpose(&s->critic[k]);
    s->critic_opt[k].power1 = s->scalars[CRITIC_P + 2 * k];
    s->critic_opt[k].power2 = s->scalars[CRITIC_P + 2 * k + 1];
  }
}

extern const agent_type sac_type, mopo_type, mbpo_type;

static mopo_status sac_create(agent **out, const agent_setup *setup, mopo_error *err)
{
  return create(&sac_type, out, setup, err);
}
static mopo_status mopo_create(agent **out, const agent_setup *setup, mopo_error *err)
{
  return create(&mopo_type, out, setup, err);
}
static mopo_status mbpo_create(agent **out, const agent_setup *setup, mopo_error *err)
{
  return create(&mbpo_type, out, setup, err);
}

#define SAC_CALLS \
  .free = sac_free, .update = sac_update, .policy = sac_policy, .progress = sac_progress, \
  .actor_lr = sac_actor_lr, .state = sac_state, .restored = sac_restored

const agent_type sac_type = {.name = "sac",
                             .source = "Haarnoja et al. 2018, arXiv:1812.05905",
                             .uses_model = false,
                             .create = sac_create,
                             SAC_CALLS};
const agent_type mopo_type = {.name = "mopo",
                              .source = "Yu et al. 2020, arXiv:2005.13239",
                              .uses_model = true,
                              .create = mopo_create,
                              SAC_CALLS};
const agent_type mbpo_type = {.name = "mbpo",
                              .source = "Janner et al. 2019, arXiv:1906.08253, on a fixed batch",
                              .uses_model = true,
                              .create = mbpo_create,
                              SAC_CALLS};
