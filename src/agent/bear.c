/* bear.c - bootstrapping error accumulation reduction (Kumar et al. 2019, arXiv:1906.00949,
 * algorithm 1): the policy stays in the support of the recorded actions, measured by the maximum
 * mean discrepancy to a generative model of them.
 *
 *   model    z = m(s, a) + e^{l(s, a)} eps
 *            L = mean (tanh g(s, z) - a)^2 + KL(N(m, e^l) || N(0, 1)) / 2
 *   y        = r + gamma (1 - d) max_i (3/4 min_k + 1/4 max_k) Qtarg_k(s', a_i)
 *            a_i ~ pi_targ(.|s')
 *   critic   L_k = mean (Q_k(s, a) - y)^2
 *   actor    L = mean (- min_k Q_k(s, a) + beta (MMD(s) - epsilon))
 *            without Q in the first updates
 *   beta     log beta ascends on the same L, within [-5, 10]
 *   targets  of critics and policy += tau (...)
 *
 * MMD(s) is taken between samples of pi(.|s) and of the model, z ~ N(0, 1) clipped at +-1/2, before
 * the tanh. The policy is handed out as it is: evaluation takes tanh of its mean, where the paper
 * takes the best by Q of some samples. */
#include <math.h>
#include <string.h>

#include "agent/critics.h"
#include "agent/losses.h"
#include "base/fmath.h"

typedef struct bear_work { /* of one thread */
  mlp_acts decoder;
  panels dz;
  float *eps;      /* [L,R] latent noise */
  float *pi, *vae; /* [match,A,R] samples before the tanh */
  float *pi_eps;   /* [match,A,R] noise of pi's */
} bear_work;

typedef struct bear {
  agent agent;
  critics critics;
  mlp target, encoder, decoder;
  learner *e, *d;
  int L, samples, match; /* latent size; actions in y; actions in MMD(s) */
  float gamma, beta, threshold, sigma;
  bool laplacian, warm; /* warm: past the updates without Q */
  uint64_t warmup;
  double beta_lr;
  float *loss, *mmd; /* [B] */
  stage_work *work;
  bear_work *more;
} bear;

enum { MATCH = 100 }; /* the setting's limit */

/* ------------------------------------------------------------- model of the recorded actions */

static float *cell(panels x, int r, int j)
{
  return x.x + (size_t)(j / PANEL) * x.stride + (size_t)r * PANEL + j % PANEL;
}

static void model_rows(bear *s, bear_work *w, rows_at p)
{
  agent *c = &s->agent;
  const float *const *row = c->batch->row + p.r0;
  learner *e = s->e, *d = s->d;
  int L = s->L, R = c->R;
  agent_put_obs(c, e->acts.h[0], p.r0, row, 0, p.n);
  panels_put(e->acts.h[0], p.r0, c->S, row, c->batch->at.act, p.n, c->A);
  mlp_forward(e->net, &e->acts, p.r0, p.n, true);
  agent_noise(c, w->eps, L, R, rng_split(c->setup.key, "latent"), p);
  agent_put_obs(c, d->acts.h[0], p.r0, row, 0, p.n);
  panels latent = e->acts.h[e->net->layers], action = d->acts.h[d->net->layers];
  for (int j = 0; j < L; j++)
    for (int r = 0; r < p.n; r++)
      *cell(d->acts.h[0], p.r0 + r, c->S + j) = loss_latent_draw(
          *cell(latent, p.r0 + r, j), *cell(latent, p.r0 + r, L + j), w->eps[j * R + r]);
  mlp_forward(d->net, &d->acts, p.r0, p.n, true);
  panels da = d->grads.g[d->net->layers - 1], dlatent = e->grads.g[e->net->layers - 1];
  for (int j = 0; j < c->A; j++)
    for (int r = 0; r < p.n; r++) {
      float du;
      loss_squashed(&du, *cell(action, p.r0 + r, j), row[r][c->batch->at.act + j]);
      *cell(da, p.r0 + r, j) = du / (float)(c->B * c->A);
    }
  mlp_backward(d->net, &d->acts, &d->grads, p.r0, p.n);
  panels g0 = d->grads.g[0];
  mlp_grads here = {.g = {{g0.x + (size_t)p.r0 * PANEL, g0.stride}}};
  mlp_backward_input(d->net, w->dz, &here, 0, p.n, c->S, c->S + L);
  for (int j = 0; j < L; j++)
    for (int r = 0; r < p.n; r++)
      loss_latent(cell(dlatent, p.r0 + r, j), cell(dlatent, p.r0 + r, L + j),
                  *cell(latent, p.r0 + r, j), *cell(latent, p.r0 + r, L + j), w->eps[j * R + r],
                  0.5f / (float)(c->B * L), *cell(w->dz, r, c->S + j));
  mlp_backward(e->net, &e->acts, &e->grads, p.r0, p.n);
}

/* w->vae: samples of the model at s of rows p. */
static void sample_model(bear *s, bear_work *w, rows_at p)
{
  agent *c = &s->agent;
  int R = c->R;
  rng_key key = rng_split(c->setup.key, "decode");
  agent_put_obs(c, w->decoder.h[0], 0, c->batch->row + p.r0, 0, p.n);
  for (int m = 0; m < s->match; m++) {
    agent_noise(c, w->eps, s->L, R, rng_index(key, (uint64_t)m), p);
    for (int i = 0; i < s->L * R; i++) w->eps[i] = fmaxf(-0.5f, fminf(0.5f, w->eps[i]));
    panels_put_columns(w->decoder.h[0], 0, c->S, w->eps, R, p.n, s->L);
    mlp_forward(&s->decoder, &w->decoder, 0, p.n, false);
    for (int j = 0; j < c->A; j++)
      for (int r = 0; r < p.n; r++)
        w->vae[(m * c->A + j) * R + r] = *cell(w->decoder.h[s->decoder.layers], r, j);
  }
}

/* ------------------------------------------------------------- stages of rows */

static void targets(bear *s, stage_work *w, rows_at p, float *y)
{
  agent *c = &s->agent;
  const float *const *row = c->batch->row + p.r0;
  const mlp *net = s->critics.target;
  mlp_acts *acts = w->critics.target;
  int next = c->batch->at.next;
  agent_put_obs(c, w->actor.acts.h[0], 0, row, next, p.n);
  mlp_forward(&s->target, &w->actor.acts, 0, p.n, false);
  for (int i = 0; i < s->samples; i++) {
    agent_sample(c, &w->actor, &w->actor.acts, 0, p, i);
    critics_at(net, acts, 2, c, row, next, w->actor.act, w->actor.R, p.n, false);
    for (int r = 0; r < p.n; r++) {
      float a = critics_value(&net[0], &acts[0], r), b = critics_value(&net[1], &acts[1], r);
      float v = 0.75f * (a < b ? a : b) + 0.25f * (a < b ? b : a);
      if (i == 0 || v > y[r]) y[r] = v;
    }
  }
  critics_discount(y, c, p, s->gamma);
}

static void stage_model_and_critic_rows(void *ctx, int piece, int thread)
{
  bear *s = ctx;
  rows_at p = agent_rows(&s->agent, piece);
  float y[AGENT_PIECE];
  model_rows(s, &s->more[thread], p);
  targets(s, &s->work[thread], p, y);
  critics_regress(&s->critics, &s->agent, p, y);
}

/* Adds beta dMMD/d(mean, log-std) of rows p to w's dmean and dls; s->mmd. */
static void keep_to_support(bear *s, actor_work *w, const bear_work *b, rows_at p)
{
  const agent *c = &s->agent;
  int A = c->A, n = s->match * A;
  float x[MATCH * AGENT_ACT], y[MATCH * AGENT_ACT], dx[MATCH * AGENT_ACT];
  float scale = s->beta / (float)c->B;
  for (int r = 0; r < p.n; r++) {
    for (int i = 0; i < n; i++) x[i] = b->pi[i * c->R + r], y[i] = b->vae[i * c->R + r];
    s->mmd[p.r0 + r] = loss_mmd(dx, x, y, s->match, A, s->sigma, s->laplacian);
    for (int i = 0; i < n; i++) {
      int at = i % A * w->R + r;
      w->dmean[at] += scale * dx[i];
      if (w->std[at] > 0.0f) w->dls[at] += scale * dx[i] * w->std[at] * b->pi_eps[i * c->R + r];
    }
  }
}

static void stage_actor_rows(void *ctx, int piece, int thread)
{
  bear *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  actor_work *a = &w->actor;
  bear_work *b = &s->more[thread];
  learner *l = &c->learner[0];
  rows_at p = agent_rows(c, piece);
  unsigned char least[AGENT_PIECE];
  float q[AGENT_PIECE];
  sample_model(s, b, p);
  agent_policy_rows(c, p);
  for (int m = s->match - 1; m >= 0; m--) { /* the first sample, which the critics judge, stays */
    agent_sample(c, a, &l->acts, p.r0, p, s->samples + m);
    for (int i = 0; i < c->A * c->R; i++) {
      b->pi_eps[m * c->A * c->R + i] = a->eps[i];
      b->pi[m * c->A * c->R + i] = fmaf(fabsf(a->std[i]), a->eps[i], a->mean[i]);
    }
  }
  critics_judge(&s->critics, w, c, p, q, least);
  critics_back(&s->critics, &w->critics, c, a->dact, a->R, p.n, least,
               s->warm ? -1.0f / (float)c->B : 0.0f);
  actor_sample_back(&c->actor, a, 0.0f);
  keep_to_support(s, a, b, p);
  for (int r = 0; r < p.n; r++)
    s->loss[p.r0 + r] = s->beta * (s->mmd[p.r0 + r] - s->threshold) - (s->warm ? q[r] : 0.0f);
  actor_put_back(&c->actor, a, &l->grads, p.r0, p.n);
  mlp_backward(l->net, &l->acts, &l->grads, p.r0, p.n);
}

/* ------------------------------------------------------------- update */

static void update_beta(bear *s)
{
  double *x = s->agent.scalars, over = agent_mean(s->mmd, s->agent.B) - (double)s->threshold;
  learner_number(x, -(double)s->beta * over, s->beta_lr);
  x[0] = fmax(-5.0, fmin(10.0, x[0]));
}

static agent_stats update(agent *a, const batch *b)
{
  bear *s = (bear *)(void *)a;
  agent *c = &s->agent;
  c->batch = b;
  s->beta = fm_exp((float)c->scalars[0]);
  s->warm = agent_updates(c) >= s->warmup;
  agent_rows_stage(c, stage_model_and_critic_rows);
  agent_steps(c, (learner *[]){s->critics.learner[0], s->critics.learner[1], s->e, s->d}, 4);
  agent_rows_stage(c, stage_actor_rows);
  agent_steps(c, (learner *[]){&c->learner[0]}, 1);
  update_beta(s);
  agent_updated(c);
  return (agent_stats){.critic_loss = critics_loss(&s->critics, c),
                       .actor_loss = agent_mean(s->loss, c->B),
                       .alpha = (double)s->beta,
                       .entropy = (double)NAN,
                       .q_mean = agent_mean(s->critics.q, c->B),
                       .q = s->critics.q};
}

/* ------------------------------------------------------------- create */

static void shape(agent *c, const mopo_config *config)
{
  bear *s = (bear *)(void *)c;
  int V = config_int(config, "vae-hidden");
  s->L = 2 * c->A;
  s->samples = config_int(config, "bear-samples"), s->match = config_int(config, "bear-match");
  s->gamma = (float)config->gamma, s->beta_lr = config_real(config, "bear-lr");
  s->threshold = (float)config_real(config, "bear-threshold"),
  s->sigma = (float)config_real(config, "bear-sigma");
  s->laplacian = config_is(config, "bear-kernel", "laplacian");
  s->warmup = (uint64_t)config_int(config, "bear-warmup");
  s->target = c->actor.net;
  c->learner[0].target = &s->target, c->learner[0].tau = (float)config->tau;
  critics_add(&s->critics, c, config, c->B);
  mlp_shape(&s->encoder, c->actor.net.k, 3, (int[]){c->S + c->A, V, V, 2 * s->L}, MLP_RELU);
  mlp_shape(&s->decoder, c->actor.net.k, 3, (int[]){c->S + s->L, V, V, c->A}, MLP_RELU);
  s->e = agent_add(c, &s->encoder, NULL, "encoder", config_real(config, "behaviour-lr"), c->B);
  s->d = agent_add(c, &s->decoder, NULL, "decoder", config_real(config, "behaviour-lr"), c->B);
}

static void layout(agent *c, arena *a)
{
  bear *s = (bear *)(void *)c;
  int threads = par_threads(c->setup.pool);
  size_t n = (size_t)s->match * (size_t)c->A * (size_t)c->R;
  critics_layout(&s->critics, c, a);
  s->loss = arena_floats(a, (size_t)c->B), s->mmd = arena_floats(a, (size_t)c->B);
  s->work = stage_work_layout(&s->critics, c, a);
  s->more = arena_bytes(a, (size_t)threads * sizeof *s->more);
  bear_work measure = {0};
  for (int t = 0; t < threads; t++) {
    bear_work *w = a->base ? &s->more[t] : &measure;
    mlp_acts_layout(&w->decoder, &s->decoder, a, c->R, false);
    w->dz = panels_layout(a, c->R, c->S + s->L);
    w->eps = arena_floats(a, (size_t)s->L * (size_t)c->R);
    w->pi = arena_floats(a, n), w->vae = arena_floats(a, n), w->pi_eps = arena_floats(a, n);
  }
}

static void begin(agent *c, const mopo_config *config)
{
  (void)config;
  learner_number_begin(c->scalars, 0.0);
}

/* As long as it was published with, as a share of the run. */
static double warmup(const mopo_config *c, const preset_facts *facts)
{
  (void)facts;
  return floor(fmax(fmin((double)c->epochs * c->updates_per_epoch, 1e9) * 40 / 1000, 1));
}

/* A run that ends before its policy has begun to learn is not one of that method. */
static mopo_status check(const mopo_config *c, mopo_error *err)
{
  double first = config_int(c, "bear-warmup"), all = (double)c->epochs * c->updates_per_epoch;
  if (first < all) return MOPO_OK;
  return error_set(err, MOPO_EINVAL,
                   "bear-warmup = %.0f, want less than the updates of the run, epochs x "
                   "updates-per-epoch = %.0f",
                   first, all);
}

static const mopo_setting own_settings[] = {
    {"bear-threshold", "X", "bear: discrepancy that the policy may have", "train",
     SETTING_REAL(0, 1e6), .standard = "0.05"},
    {"bear-sigma", "X", "bear: width of the discrepancy's kernel", "train", SETTING_REAL(1e-6, 1e6),
     .standard = "20"},
    {"bear-kernel", "laplacian|gaussian", "bear: the discrepancy's kernel", "train", SETTING_WORD,
     .standard = "laplacian"},
    {"bear-samples", "N", "bear: actions that a target is the best of", "train",
     SETTING_INT(1, 100), .standard = "10"},
    {"bear-match", "N", "bear: actions of each side of the discrepancy", "train",
     SETTING_INT(2, 100), .standard = "10"},
    {"bear-warmup", "N", "bear: first updates, without Q; auto: 1/25 of all", "train",
     SETTING_INT(1, 1e9), .otherwise = warmup},
    {"bear-lr", "X", "bear: learning rate of the multiplier", "train", SETTING_REAL(0, 1),
     .standard = "1e-3"},
    {"vae-hidden", "N", "bear: width of the model of recorded actions", "train",
     SETTING_INT(1, 65536), .standard = "750"},
};
extern const setting_group behaviour_settings;
const setting_group bear_settings = {SETTING_ROWS(own_settings), .check = check};

static const method_value published[] = {
    {"epochs", {"1000"}},    {"actor-lr", {"1e-4"}},        {"target-entropy", {"-A"}},
    {"log-std-min", {"-5"}}, {"critic-loss-weight", {"1"}}, {"actor-schedule", {"constant"}},
    {NULL, {NULL}}};

const agent_type bear_type = {.is = {.name = "bear",
                                     .source = "Kumar et al. 2019, arXiv:1906.00949",
                                     .reads = READS_CRITICS | READS_DEVIATION,
                                     .own = {&bear_settings, &behaviour_settings},
                                     .published = published},
                              .update = update,
                              .size = sizeof(bear),
                              .scalars = LEARNER_NUMBER,
                              .shape = shape,
                              .layout = layout,
                              .begin = begin,
                              .max_actions = AGENT_ACT};
