/* iql.c - implicit Q-learning (Kostrikov et al. 2021, arXiv:2110.06169, algorithm 1).
 *
 *   value    L_V = mean |tau - 1(u < 0)| u^2                                  (5)
 *            u = min_k Qtarg_k(s, a) - V(s), tau: expectile
 *   critic   L_k = mean (r + gamma (1 - d) V(s') - Q_k(s, a))^2               (6)
 *   actor    L = - mean exp(beta (min_k Qtarg_k(s, a) - V(s))) log pi(a|s)    (7)
 *            weights <= 100
 *   targets  Qtarg_k += tau (Q_k - Qtarg_k)
 *
 * (s, a) are recorded throughout: no action but these is ever asked about. pi is N(tanh(m(s)), std)
 * with one std for all observations; it stands in the biases of the last layer. Rewards are scaled
 * by 1000 / (greatest - least return of an episode). */
#include <math.h>

#include "agent/critics.h"
#include "agent/losses.h"
#include "base/fmath.h"

typedef struct iql {
  agent agent;
  critics critics;
  mlp value;
  learner *v;
  float gamma, expectile, beta;
  float *q;    /* [B] min_k Qtarg_k(s, a) */
  float *loss; /* [B] of the actor */
  float *dls;  /* [A,B] */
  stage_work *work;
  mlp_acts *value_acts; /* [threads] rows that no later stage needs */
} iql;

static void stage_value_rows(void *ctx, int piece, int thread)
{
  iql *s = ctx;
  agent *c = &s->agent;
  stage_work *w = &s->work[thread];
  rows_at p = agent_rows(c, piece);
  const float *const *row = c->batch->row + p.r0;
  agent_recorded_actions(c, w->actor.act, w->actor.R, p);
  critics_at(s->critics.target, w->critics.target, 2, c, row, 0, w->actor.act, w->actor.R, p.n,
             false);
  agent_put_obs(c, s->v->acts.h[0], p.r0, row, 0, p.n);
  mlp_forward(&s->value, &s->v->acts, p.r0, p.n, true);
  float *dv = s->v->grads.g[s->value.layers - 1].x + (size_t)p.r0 * PANEL;
  for (int r = 0; r < p.n; r++) {
    float du, q = critics_least(s->critics.target, w->critics.target, r);
    s->q[p.r0 + r] = q;
    loss_expectile(&du, q - critics_value(&s->value, &s->v->acts, p.r0 + r), s->expectile);
    dv[r * PANEL] = -du / (float)c->B;
  }
  mlp_backward(&s->value, &s->v->acts, &s->v->grads, p.r0, p.n);
}

/* V at observations of rows p. */
static void values(float *v, iql *s, mlp_acts *acts, rows_at p, int offset)
{
  agent_put_obs(&s->agent, acts->h[0], 0, s->agent.batch->row + p.r0, offset, p.n);
  mlp_forward(&s->value, acts, 0, p.n, false);
  for (int r = 0; r < p.n; r++) v[r] = critics_value(&s->value, acts, r);
}

static void actor_rows(iql *s, actor_work *w, rows_at p, const float *v)
{
  agent *c = &s->agent;
  learner *l = &c->learner[0];
  agent_policy_rows(c, p);
  actor_outputs(&c->actor, w, &l->acts, p.r0, p.n);
  agent_recorded_actions(c, w->act, w->R, p);
  for (int r = 0; r < p.n; r++) {
    int row = p.r0 + r;
    float weight = fm_exp(s->beta * (s->q[row] - v[r])), sum = 0.0f;
    weight = weight > 100.0f ? 100.0f : weight;
    for (int j = 0; j < c->A; j++) {
      int i = j * w->R + r;
      float dm, dls, ls = fmaxf(c->actor.lo, fminf(c->actor.hi, w->ls[i]));
      sum += loss_gaussian(&dm, &dls, w->act[i], w->mean[i], ls);
      w->dmean[i] = weight * dm / (float)c->B;
      s->dls[j * c->B + row] = weight * dls / (float)c->B;
    }
    s->loss[row] = weight * sum;
  }
  panels_put_columns(l->grads.g[l->net->layers - 1], p.r0, 0, w->dmean, w->R, p.n, c->A);
  mlp_backward(l->net, &l->acts, &l->grads, p.r0, p.n);
}

static void stage_critic_and_actor_rows(void *ctx, int piece, int thread)
{
  iql *s = ctx;
  agent *c = &s->agent;
  rows_at p = agent_rows(c, piece);
  float v[AGENT_PIECE];
  values(v, s, &s->value_acts[thread], p, c->batch->at.next);
  critics_discount(v, c, p, s->gamma);
  critics_regress(&s->critics, c, p, v);
  values(v, s, &s->value_acts[thread], p, 0);
  actor_rows(s, &s->work[thread].actor, p, v);
}

/* One of Adam's numbers for each log-std; they stay within their bounds. */
static void update_log_stds(iql *s)
{
  agent *c = &s->agent;
  const mlp *net = &c->actor.net;
  for (int j = 0; j < c->A; j++) {
    double *x = c->scalars + j * LEARNER_NUMBER;
    double g = agent_mean(s->dls + (size_t)j * (size_t)c->B, c->B) * c->B;
    learner_number(x, g, c->learner[0].opt.lr);
    x[0] = fmax((double)c->actor.lo, fmin((double)c->actor.hi, x[0]));
    net->layer[net->layers - 1].b[c->A + j] = (float)x[0];
  }
}

static agent_stats update(agent *a, const batch *b)
{
  iql *s = (iql *)(void *)a;
  agent *c = &s->agent;
  c->batch = b;
  agent_rows_stage(c, stage_value_rows);
  agent_steps(c, &s->v, 1);
  agent_rows_stage(c, stage_critic_and_actor_rows);
  agent_steps(c, (learner *[]){s->critics.learner[0], s->critics.learner[1], &c->learner[0]}, 3);
  update_log_stds(s);
  agent_updated(c);
  return (agent_stats){.critic_loss = critics_loss(&s->critics, c),
                       .actor_loss = agent_mean(s->loss, c->B),
                       .entropy = (double)NAN,
                       .q_mean = agent_mean(s->critics.q, c->B),
                       .q = s->critics.q};
}

static void shape(agent *c, const mopo_config *config)
{
  iql *s = (iql *)(void *)c;
  int sizes[MLP_LAYERS + 1] = {c->S};
  for (int i = 1; i <= config->layers; i++) sizes[i] = config->hidden;
  sizes[config->layers + 1] = 1;
  s->gamma = (float)config->gamma;
  s->expectile = (float)config_real(config, "expectile"),
  s->beta = (float)config_real(config, "iql-beta");
  mlp_shape(&s->value, c->actor.net.k, config->layers + 1, sizes, MLP_RELU);
  critics_add(&s->critics, c, config, c->B);
  s->v = agent_add(c, &s->value, NULL, "value", config->critic_lr, c->B);
  const mopo_dataset_info *info = c->setup.info;
  double range = info->return_max - info->return_min;
  double scale = range > 0.0 ? 1000.0 / range : 1.0;
  double set = config_real(config, "iql-reward-scale");
  c->reward_scale = (float)(isnan(set) ? scale : set);
}

static void layout(agent *c, arena *a)
{
  iql *s = (iql *)(void *)c;
  size_t B = (size_t)c->B;
  critics_layout(&s->critics, c, a);
  s->q = arena_floats(a, B), s->loss = arena_floats(a, B);
  s->dls = arena_floats(a, B * (size_t)c->A);
  s->work = stage_work_layout(&s->critics, c, a);
  s->value_acts = agent_acts_layout(c, &s->value, a);
}

static void begin(agent *c, const mopo_config *config)
{
  (void)config;
  actor_fix_std(&c->actor.net, c->A, 0.0f);
  mlp_transpose(&c->actor.net);
  for (int j = 0; j < c->A; j++) learner_number_begin(c->scalars + j * LEARNER_NUMBER, 0.0);
}

static const mopo_setting own_settings[] = {
    {"expectile", "X", "iql: of the values that V is fitted to", "train", SETTING_REAL(0, 1),
     .standard = "0.7"},
    {"iql-beta", "X", "iql: inverse temperature of the advantages", "train", SETTING_REAL(0, 1e6),
     .standard = "3"},
    {"iql-reward-scale", "X", "iql: rewards times this; auto: 1000 / range of returns", "train",
     SETTING_REAL(1e-9, 1e9)},
};
const setting_group iql_settings = {SETTING_ROWS(own_settings)};

static const method_value published[] = {
    {"epochs", {"1000"}},          {"actor-lr", {"3e-4"}},
    {"target-entropy", {"-A"}},    {"log-std-min", {"-5"}},
    {"critic-loss-weight", {"1"}}, {"actor-schedule", {"cosine"}},
    {"init", {"fan-in"}},          {NULL, {NULL}}};

const agent_type iql_type = {.is = {.name = "iql",
                                    .source = "Kostrikov et al. 2021, arXiv:2110.06169",
                                    .reads = READS_CRITICS | READS_DEVIATION,
                                    .own = {&iql_settings},
                                    .published = published},
                             .update = update,
                             .size = sizeof(iql),
                             .action_scalars = LEARNER_NUMBER,
                             .shape = shape,
                             .layout = layout,
                             .begin = begin};
