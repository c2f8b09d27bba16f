/* brac.c - behaviour regularised actor critic (Wu et al. 2019, arXiv:1911.11361): with the
 * divergence as a penalty on the policy (brac-p), and in the value as well (brac-v).
 *
 *   first    behaviour-updates of  L_b = - mean log b(a|s), (s, a) recorded
 *   D(s)     log pi(a|s) - log b(a|s),  a ~ pi(.|s): one sample of KL(pi || b)
 *   y        = r + gamma (1 - d) (min_k Qtarg_k(s', a') - v alpha D(s')),  v: 1 in brac-v, else 0
 *   critic   L_k = mean (Q_k(s, a) - y)^2
 *   actor    L = mean (alpha D(s) - min_k Q_k(s, a))                         alpha: brac-alpha
 *   targets  Qtarg_k += tau (Q_k - Qtarg_k)
 *
 * Both densities are of tanh-Gaussians, so that their Jacobians cancel: D is that of the Gaussians.
 */
#include <math.h>
#include <string.h>

#include "agent/critics.h"
#include "agent/losses.h"

typedef struct brac {
  agent agent;
  critics critics;
  actor behaviour;
  learner *b;
  float gamma, alpha;
  bool in_value;
  uint64_t first;        /* updates of the behaviour policy */
  float *loss, *entropy; /* [B] what the rows report */
  stage_work *work;
  actor_work *b_work; /* [threads] the behaviour policy's outputs */
} brac;

static void stage_behaviour_rows(void *ctx, int piece, int thread)
{
  brac *s = ctx;
  agent_clone_rows(&s->agent, s->b, &s->behaviour, &s->b_work[thread], agent_rows(&s->agent, piece),
                   s->loss);
}

static float clip(const actor *p, float ls) { return fmaxf(p->lo, fminf(p->hi, ls)); }

/* D of rows p at the actions just sampled into w, with the behaviour policy's outputs at the
 * observations at `offset`. scale dD/d(mean, ls) is added to w's dmean and dls. */
static void divergence(brac *s, actor_work *w, actor_work *bw, rows_at p, int offset, float *d,
                       float scale)
{
  agent *c = &s->agent;
  agent_put_obs(c, bw->acts.h[0], 0, c->batch->row + p.r0, offset, p.n);
  mlp_forward(&s->behaviour.net, &bw->acts, 0, p.n, false);
  actor_outputs(&s->behaviour, bw, &bw->acts, 0, p.n);
  for (int r = 0; r < p.n; r++) d[r] = 0.0f;
  for (int j = 0; j < c->A; j++)
    for (int r = 0; r < p.n; r++) {
      int i = j * w->R + r;
      float dmean, dls;
      d[r] += loss_gaussian_kl(&dmean, &dls, w->mean[i], clip(&c->actor, w->ls[i]), w->eps[i],
                               bw->mean[i], clip(&s->behaviour, bw->ls[i]));
      w->dmean[i] += scale * dmean;
      if (w->std[i] > 0.0f) w->dls[i] += scale * dls;
    }
}

static void stage_critic_rows(void *ctx, int piece, int thread)
{
  brac *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  rows_at p = agent_rows(c, piece);
  float y[AGENT_PIECE], d[AGENT_PIECE];
  critics_next(&s->critics, w, c, p, y);
  if (s->in_value) {
    divergence(s, &w->actor, &s->b_work[thread], p, c->batch->at.next, d, 0.0f);
    for (int r = 0; r < p.n; r++) y[r] -= s->alpha * d[r];
  }
  critics_discount(y, c, p, s->gamma);
  critics_regress(&s->critics, c, p, y);
}

static void stage_actor_rows(void *ctx, int piece, int thread)
{
  brac *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  actor_work *a = &w->actor;
  learner *l = &c->learner[0];
  rows_at p = agent_rows(c, piece);
  unsigned char least[AGENT_PIECE];
  float q[AGENT_PIECE], d[AGENT_PIECE];
  agent_policy_rows(c, p);
  agent_sample(c, a, &l->acts, p.r0, p, 1);
  critics_judge(&s->critics, w, c, p, q, least);
  critics_back(&s->critics, &w->critics, c, a->dact, a->R, p.n, least, -1.0f / (float)c->B);
  actor_sample_back(&c->actor, a, 0.0f);
  divergence(s, a, &s->b_work[thread], p, 0, d, s->alpha / (float)c->B);
  for (int r = 0; r < p.n; r++) {
    s->loss[p.r0 + r] = s->alpha * d[r] - q[r];
    s->entropy[p.r0 + r] = -a->logp[r];
  }
  actor_put_back(&c->actor, a, &l->grads, p.r0, p.n);
  mlp_backward(l->net, &l->acts, &l->grads, p.r0, p.n);
}

static agent_stats update(agent *a, const batch *b)
{
  brac *s = (brac *)(void *)a;
  agent *c = &s->agent;
  c->batch = b;
  if (agent_updates(c) < s->first) {
    agent_rows_stage(c, stage_behaviour_rows);
    agent_steps(c, &s->b, 1);
    agent_updated(c);
    return (agent_stats){
        .actor_loss = agent_mean(s->loss, c->B), .entropy = (double)NAN, .q_mean = (double)NAN};
  }
  agent_rows_stage(c, stage_critic_rows);
  agent_steps(c, s->critics.learner, 2);
  agent_rows_stage(c, stage_actor_rows);
  agent_steps(c, (learner *[]){&c->learner[0]}, 1);
  agent_updated(c);
  return (agent_stats){.critic_loss = critics_loss(&s->critics, c),
                       .actor_loss = agent_mean(s->loss, c->B),
                       .alpha = (double)s->alpha,
                       .entropy = agent_mean(s->entropy, c->B),
                       .q_mean = agent_mean(s->critics.q, c->B),
                       .q = s->critics.q};
}

static void shape(agent *c, const mopo_config *config)
{
  brac *s = (brac *)(void *)c;
  s->gamma = (float)config->gamma, s->alpha = (float)config_real(config, "brac-alpha");
  s->in_value = strcmp(c->type->is.name, "brac-v") == 0;
  s->first = (uint64_t)config_int(config, "behaviour-updates");
  s->behaviour = c->actor;
  critics_add(&s->critics, c, config, c->B);
  s->b =
      agent_add(c, &s->behaviour.net, NULL, "behaviour", config_real(config, "behaviour-lr"), c->B);
}

static void layout(agent *c, arena *a)
{
  brac *s = (brac *)(void *)c;
  critics_layout(&s->critics, c, a);
  s->loss = arena_floats(a, (size_t)c->B), s->entropy = arena_floats(a, (size_t)c->B);
  s->work = stage_work_layout(&s->critics, c, a);
  s->b_work = agent_actor_work_layout(c, a);
}

/* As long as it was published with, as a share of the run. */
static double first_updates(const mopo_config *c, const preset_facts *facts)
{
  (void)facts;
  return floor(fmax(fmin((double)c->epochs * c->updates_per_epoch, 1e9) * 300 / 1300, 1));
}

/* A run that ends before its policy has begun to learn is not one of that method. */
static mopo_status check(const mopo_config *c, mopo_error *err)
{
  double first = config_int(c, "behaviour-updates"), all = (double)c->epochs * c->updates_per_epoch;
  if (first < all) return MOPO_OK;
  return error_set(err, MOPO_EINVAL,
                   "behaviour-updates = %.0f, want less than the updates of the run, epochs x "
                   "updates-per-epoch = %.0f",
                   first, all);
}

static const mopo_setting own_settings[] = {
    {"brac-alpha", "X", "brac: weight of the divergence", "train", SETTING_REAL(0, 1e6),
     .standard = "1"},
    {"behaviour-updates", "N", "brac: first updates, the behaviour's; auto: 3/13 of all", "train",
     SETTING_INT(1, 1e9), .otherwise = first_updates},
};
extern const setting_group behaviour_settings;
const setting_group brac_settings = {SETTING_ROWS(own_settings), .check = check};

static const method_value published[] = {{"epochs", {"1300"}},
                                         {"actor-lr", {"3e-5"}},
                                         {"critic-lr", {"1e-3"}},
                                         {"target-entropy", {"-A"}},
                                         {"log-std-min", {"-5"}},
                                         {"critic-loss-weight", {"1"}},
                                         {"actor-schedule", {"constant"}},
                                         {NULL, {NULL}}};

static const char source[] = "Wu et al. 2019, arXiv:1911.11361";
const agent_type brac_p_type = {.is = {.name = "brac-p",
                                       .source = source,
                                       .reads = READS_CRITICS | READS_DEVIATION,
                                       .own = {&brac_settings, &behaviour_settings},
                                       .published = published},
                                .update = update,
                                .size = sizeof(brac),
                                .shape = shape,
                                .layout = layout};
const agent_type brac_v_type = {.is = {.name = "brac-v",
                                       .source = source,
                                       .reads = READS_CRITICS | READS_DEVIATION,
                                       .own = {&brac_settings, &behaviour_settings},
                                       .published = published},
                                .update = update,
                                .size = sizeof(brac),
                                .shape = shape,
                                .layout = layout};
