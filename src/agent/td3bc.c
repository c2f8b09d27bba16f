/* td3bc.c - TD3+BC (Fujimoto & Gu 2021, arXiv:2106.06860, section 4, on TD3, Fujimoto et al. 2018).
 *
 *   a'       = clip(pi_targ(s') + clip(sigma z, -c, c), -1, 1)
 *            sigma: policy-noise, c: noise-clip
 *   critic   L_k = mean (Q_k(s, a) - r - gamma (1 - d) min_j Qtarg_j(s', a'))^2
 *   every policy-delay updates
 *   actor    L = - lambda mean Q_1(s, pi(s)) + mean (pi(s) - a)^2
 *            lambda = alpha / mean |Q_1(s, pi(s))|
 *   targets  of critics and policy += tau (...)
 *
 * pi(s) = tanh(mean(s)); observations are standardised with the dataset's mean and deviation. */
#include <math.h>
#include <string.h>

#include "agent/critics.h"

typedef struct td3bc {
  agent agent;
  critics critics;
  mlp target; /* of the policy */
  float gamma, noise, clip, alpha, lambda;
  int delay;
  float *q, *bc;  /* [B] Q_1(s, pi(s)) and |pi(s) - a|^2 / A */
  float *pi, *dq; /* [pieces,A,R] pi(s) and dQ_1/da there */
  float *size;    /* [B] |Q_1(s, pi(s))| */
  stage_work *work;
} td3bc;

enum { LAST_LOSS, LAST_LAMBDA, SCALARS }; /* the actor's figures of the last update that had one */

static void stage_critic_rows(void *ctx, int piece, int thread)
{
  td3bc *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  rows_at p = agent_rows(c, piece);
  const float *const *row = c->batch->row + p.r0;
  int next = c->batch->at.next;
  float y[AGENT_PIECE];
  agent_put_obs(c, w->actor.acts.h[0], 0, row, next, p.n);
  mlp_forward(&s->target, &w->actor.acts, 0, p.n, false);
  actor_mean(&c->actor, &w->actor, &w->actor.acts, 0, p.n);
  agent_noise(c, w->actor.eps, c->A, w->actor.R, rng_split(c->setup.key, "smoothing"), p);
  for (int i = 0; i < c->A * w->actor.R; i++) {
    float z = fmaxf(-s->clip, fminf(s->clip, s->noise * w->actor.eps[i]));
    w->actor.act[i] = fmaxf(-1.0f, fminf(1.0f, w->actor.act[i] + z));
  }
  critics_at(s->critics.target, w->critics.target, 2, c, row, next, w->actor.act, w->actor.R, p.n,
             false);
  for (int r = 0; r < p.n; r++) y[r] = critics_least(s->critics.target, w->critics.target, r);
  critics_discount(y, c, p, s->gamma);
  critics_regress(&s->critics, c, p, y);
}

/* pi(s), Q_1 and dQ_1/da there: lambda needs all rows before the way back can begin. */
static void stage_judge_rows(void *ctx, int piece, int thread)
{
  static const unsigned char first[AGENT_PIECE];
  td3bc *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  rows_at p = agent_rows(c, piece);
  size_t n = (size_t)c->A * (size_t)w->actor.R;
  agent_policy_rows(c, p);
  actor_mean(&c->actor, &w->actor, &c->learner[0].acts, p.r0, p.n);
  critics_at(s->critics.net, w->critics.pi, 1, c, c->batch->row + p.r0, 0, w->actor.act, w->actor.R,
             p.n, true);
  for (int r = 0; r < p.n; r++) {
    s->q[p.r0 + r] = critics_value(s->critics.net, w->critics.pi, r);
    s->size[p.r0 + r] = fabsf(s->q[p.r0 + r]);
  }
  critics_back(&s->critics, &w->critics, c, w->actor.dact, w->actor.R, p.n, first, 1.0f);
  memcpy(s->pi + (size_t)piece * n, w->actor.act, n * sizeof(float));
  memcpy(s->dq + (size_t)piece * n, w->actor.dact, n * sizeof(float));
}

static void stage_actor_rows(void *ctx, int piece, int thread)
{
  td3bc *s = ctx;
  agent *c = &s->agent;
  actor_work *w = &s->work[thread].actor;
  learner *l = &c->learner[0];
  rows_at p = agent_rows(c, piece);
  size_t n = (size_t)c->A * (size_t)w->R;
  const float *dq = s->dq + (size_t)piece * n;
  float B = (float)c->B, A = (float)c->A;
  memcpy(w->act, s->pi + (size_t)piece * n, n * sizeof(float));
  agent_recorded_actions(c, w->eps, w->R, p);
  for (int r = 0; r < p.n; r++) s->bc[p.r0 + r] = 0.0f;
  for (int j = 0; j < c->A; j++)
    for (int r = 0; r < p.n; r++) {
      int i = j * w->R + r;
      float off = w->act[i] - w->eps[i];
      s->bc[p.r0 + r] += off * off / A;
      w->dact[i] = -s->lambda / B * dq[i] + 2.0f * off / (B * A);
    }
  actor_mean_back(&c->actor, w, &l->grads, p.r0, p.n);
  mlp_backward(l->net, &l->acts, &l->grads, p.r0, p.n);
}

static void learn_policy(td3bc *s)
{
  agent *c = &s->agent;
  agent_rows_stage(c, stage_judge_rows);
  s->lambda = s->alpha / (float)agent_mean(s->size, c->B);
  agent_rows_stage(c, stage_actor_rows);
  agent_steps(c, (learner *[]){&c->learner[0]}, 1);
  c->scalars[LAST_LAMBDA] = (double)s->lambda;
  c->scalars[LAST_LOSS] = agent_mean(s->bc, c->B) - (double)s->lambda * agent_mean(s->q, c->B);
}

static agent_stats update(agent *a, const batch *b)
{
  td3bc *s = (td3bc *)(void *)a;
  agent *c = &s->agent;
  bool policy = (agent_updates(c) + 1) % (uint64_t)s->delay == 0;
  c->batch = b;
  for (int k = 0; k < 2; k++)
    s->critics.learner[k]->tau = policy ? (float)c->setup.config->tau : 0.0f;
  agent_rows_stage(c, stage_critic_rows);
  agent_steps(c, s->critics.learner, 2);
  if (policy) learn_policy(s);
  agent_updated(c);
  return (agent_stats){.critic_loss = critics_loss(&s->critics, c),
                       .actor_loss = c->scalars[LAST_LOSS],
                       .alpha = c->scalars[LAST_LAMBDA],
                       .entropy = (double)NAN,
                       .q_mean = agent_mean(s->critics.q, c->B),
                       .q = s->critics.q};
}

static void shape(agent *c, const mopo_config *config)
{
  td3bc *s = (td3bc *)(void *)c;
  s->gamma = (float)config->gamma, s->alpha = (float)config_real(config, "td3bc-alpha");
  s->noise = (float)config_real(config, "policy-noise"),
  s->clip = (float)config_real(config, "noise-clip");
  s->delay = config_int(config, "policy-delay");
  s->target = c->actor.net;
  c->learner[0].target = &s->target, c->learner[0].tau = (float)config->tau;
  critics_add(&s->critics, c, config, c->B);
}

static void layout(agent *c, arena *a)
{
  td3bc *s = (td3bc *)(void *)c;
  size_t B = (size_t)c->B, columns = (size_t)c->pieces * (size_t)c->A * (size_t)c->R;
  critics_layout(&s->critics, c, a);
  s->q = arena_floats(a, B), s->size = arena_floats(a, B), s->bc = arena_floats(a, B);
  s->pi = arena_floats(a, columns), s->dq = arena_floats(a, columns);
  s->work = stage_work_layout(&s->critics, c, a);
}

/* The policy has no spread; in its file it is the least that can be said. */
static void begin(agent *c, const mopo_config *config)
{
  actor_fix_std(&c->actor.net, c->A, (float)config->log_std_min);
  mlp_copy(c->learner[0].target, &c->actor.net);
  mlp_transpose(&c->actor.net);
}

static const mopo_setting own_settings[] = {
    {"td3bc-alpha", "X", "td3bc: weight of Q beside the recorded actions", "train",
     SETTING_REAL(0, 1e6), .standard = "2.5"},
    {"policy-noise", "X", "td3bc: deviation of the target action's noise", "train",
     SETTING_REAL(0, 10), .standard = "0.2"},
    {"noise-clip", "X", "td3bc: that noise is clipped here", "train", SETTING_REAL(0, 10),
     .standard = "0.5"},
    {"policy-delay", "N", "td3bc: updates of the critics for each of the policy", "train",
     SETTING_INT(1, 1e6), .standard = "2"},
};
const setting_group td3bc_settings = {SETTING_ROWS(own_settings)};

static const method_value published[] = {
    {"epochs", {"1000"}},          {"actor-lr", {"3e-4"}},
    {"target-entropy", {"-A"}},    {"log-std-min", {"-5"}},
    {"critic-loss-weight", {"1"}}, {"actor-schedule", {"constant"}},
    {"init", {"fan-in"}},          {NULL, {NULL}}};

const agent_type td3bc_type = {.is = {.name = "td3bc",
                                      .source = "Fujimoto & Gu 2021, arXiv:2106.06860",
                                      .reads = READS_CRITICS,
                                      .own = {&td3bc_settings},
                                      .published = published},
                               .update = update,
                               .size = sizeof(td3bc),
                               .scalars = SCALARS,
                               .standardise = true,
                               .shape = shape,
                               .layout = layout,
                               .begin = begin};
