/* sac.c - soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905), with a learned temperature
 * and two critics. MOPO and MBPO are this agent on other batches: what they learn from is decided
 * in train/.
 *
 *   y        = r + gamma (1 - d) (min_k Qtarg_k(s', a') - alpha log pi(a'|s')),  a' ~ pi(.|s')
 *   critic   L_k = c mean (Q_k(s, a) - y)^2                 c = critic_loss_weight: 1/2 or 1
 *   actor    L = mean (alpha log pi(a|s) - min_k Q_k(s, a)), a ~ pi(.|s)
 *   alpha    L = -log alpha mean (log pi(a|s) + target entropy)
 *   targets  Qtarg_k += tau (Q_k - Qtarg_k)
 *
 * update_order "joint": all gradients at the same parameters (rows, panels); and "critic-first":
 * the actor sees the critics after their step (rows, panels, rows, panels). */
#include "agent/sac.h"

#include <math.h>
#include <string.h>

#include "base/fmath.h"

/* ------------------------------------------------------------- stages of rows */

void sac_targets(sac *s, stage_work *w, rows_at p, float *y, bool entropy)
{
  critics_next(&s->critics, w, &s->agent, p, y);
  if (entropy)
    for (int r = 0; r < p.n; r++) y[r] -= s->alpha * w->actor.logp[r];
  critics_discount(y, &s->agent, p, s->gamma);
}

static void stage_critic_rows(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  rows_at p = agent_rows(&s->agent, piece);
  float y[AGENT_PIECE];
  sac_targets(s, &s->work[thread], p, y, true);
  critics_regress(&s->critics, &s->agent, p, y);
}

/* Each row's gradient goes only through the critic that is its minimum. */
static void actor_rows(sac *s, stage_work *w, rows_at p)
{
  agent *c = &s->agent;
  learner *l = &c->learner[0];
  agent_policy_rows(c, p);
  agent_sample(c, &w->actor, &l->acts, p.r0, p, 1);
  unsigned char least[AGENT_PIECE];
  float q[AGENT_PIECE];
  critics_judge(&s->critics, w, c, p, q, least);
  for (int r = 0; r < p.n; r++) {
    s->logp[p.r0 + r] = w->actor.logp[r];
    s->actor_loss[p.r0 + r] = s->alpha * w->actor.logp[r] - q[r];
    if (s->behaves) s->q[p.r0 + r] = fabsf(q[r]);
  }
  float B = (float)c->B;
  critics_back(&s->critics, &w->critics, c, w->actor.dact, w->actor.R, p.n, least, -1.0f / B);
  actor_head_back(&c->actor, &w->actor, &l->grads, p.r0, p.n, s->alpha / B);
  mlp_backward(l->net, &l->acts, &l->grads, p.r0, p.n);
}

static void stage_actor_rows(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  actor_rows(s, &s->work[thread], agent_rows(&s->agent, piece));
}

/* ------------------------------------------------------------- the behaviour's term */

static void stage_behaviour_rows(void *ctx, int piece, int thread)
{
  sac *s = ctx;
  agent *c = &s->agent;
  actor_work *w = &s->work[thread].actor;
  learner *l = &c->learner[0];
  int first = piece * c->R, n = BEHAVIOUR_ROWS - first < c->R ? BEHAVIOUR_ROWS - first : c->R;
  int r0 = c->B + first;
  const float *const *row = s->recorded + first;
  agent_put_obs(c, l->acts.h[0], r0, row, 0, n);
  mlp_forward(l->net, &l->acts, r0, n, true);
  actor_mean(&c->actor, w, &l->acts, r0, n);
  for (int r = 0; r < n; r++) s->held[first + r] = 0.0f;
  for (int j = 0; j < c->A; j++)
    for (int r = 0; r < n; r++) {
      int i = j * w->R + r;
      float weight = c->setup.behaviour[j], off = w->act[i] - row[r][c->batch->at.act + j];
      s->held[first + r] += weight * off * off;
      w->dact[i] = 2.0f * s->size * weight * off / (float)BEHAVIOUR_ROWS;
    }
  actor_mean_back(&c->actor, w, &l->grads, r0, n);
  mlp_backward(l->net, &l->acts, &l->grads, r0, n);
}

/* The term's value. */
static double hold(sac *s)
{
  agent *c = &s->agent;
  rng_key key = rng_split(c->setup.key, "recorded");
  const mopo_dataset *d = c->setup.data;
  for (int i = 0; i < BEHAVIOUR_ROWS; i++) {
    uint32_t w[4];
    rng_block(w, key, agent_updates(c), (uint64_t)i);
    s->recorded[i] = dataset_row(d, (int64_t)rng_word_below(w[0], w[1], (uint64_t)d->N));
  }
  s->size = fmaxf((float)agent_mean(s->q, c->B), 1.0f);
  par_run(c->setup.pool, (BEHAVIOUR_ROWS + c->R - 1) / c->R, stage_behaviour_rows, s);
  return (double)s->size * agent_mean(s->held, BEHAVIOUR_ROWS);
}

/* ------------------------------------------------------------- update */

static float alpha_of(const sac *s)
{
  float alpha = fm_exp((float)s->agent.scalars[SAC_LOG_ALPHA]);
  return alpha > (float)s->alpha_max ? (float)s->alpha_max : alpha;
}

agent_stats sac_update_with(sac *s, const batch *b, par_fn *critic_rows)
{
  agent *c = &s->agent;
  learner *all[] = {s->critics.learner[0], s->critics.learner[1], &c->learner[0]};
  c->batch = b;
  s->alpha = alpha_of(s);
  agent_rows_stage(c, critic_rows);
  if (!s->joint) agent_steps(c, all, 2);
  agent_rows_stage(c, stage_actor_rows);
  double held = s->behaves ? hold(s) : 0.0;
  if (s->joint)
    agent_steps(c, all, 3);
  else
    agent_steps(c, all + 2, 1);
  double logp = agent_mean(s->logp, c->B);
  learner_number(c->scalars + SAC_LOG_ALPHA, -(logp + s->target_entropy), s->alpha_lr);
  agent_updated(c);
  return (agent_stats){.critic_loss = critics_loss(&s->critics, c),
                       .actor_loss = agent_mean(s->actor_loss, c->B) + held,
                       .alpha = (double)s->alpha,
                       .entropy = -logp,
                       .q_mean = agent_mean(s->critics.q, c->B),
                       .q = s->critics.q};
}

static agent_stats sac_update(agent *a, const batch *b)
{
  return sac_update_with((sac *)(void *)a, b, stage_critic_rows);
}

/* ------------------------------------------------------------- create */

void sac_shape(sac *s, const mopo_config *c, int critic_rows)
{
  s->gamma = (float)c->gamma;
  s->joint = strcmp(c->update_order, "joint") == 0;
  s->alpha_lr = c->alpha_lr, s->alpha_max = c->alpha_max;
  s->target_entropy = c->target_entropy;
  s->behaves = s->agent.setup.behaviour && s->agent.type->holds;
  if (s->behaves) s->agent.learner[0].rows += BEHAVIOUR_ROWS;
  critics_add(&s->critics, &s->agent, c, critic_rows);
}

static void shape(agent *c, const mopo_config *config)
{
  sac_shape((sac *)(void *)c, config, c->B);
}

void sac_layout(sac *s, arena *a)
{
  agent *c = &s->agent;
  critics_layout(&s->critics, c, a);
  s->logp = arena_floats(a, (size_t)c->B), s->actor_loss = arena_floats(a, (size_t)c->B);
  s->work = stage_work_layout(&s->critics, c, a);
  if (!s->behaves) return;
  s->q = arena_floats(a, (size_t)c->B), s->held = arena_floats(a, BEHAVIOUR_ROWS);
  s->recorded = arena_bytes(a, BEHAVIOUR_ROWS * sizeof *s->recorded);
}

static void layout(agent *c, arena *a) { sac_layout((sac *)(void *)c, a); }

void sac_begin(agent *c, const mopo_config *config)
{
  learner_number_begin(c->scalars + SAC_LOG_ALPHA, (double)fm_log((float)config->alpha_init));
}

enum { READS_SOFT = READS_CRITICS | READS_TEMPERATURE | READS_DEVIATION };

const agent_type mopo_type = {.is = {.name = "mopo",
                                     .source = "Yu et al. 2020, arXiv:2005.13239",
                                     .reads = READS_SOFT | READS_MODEL | READS_PENALTY},
                              .holds = true,
                              .update = sac_update,
                              .size = sizeof(sac),
                              .scalars = LEARNER_NUMBER,
                              .shape = shape,
                              .layout = layout,
                              .begin = sac_begin};
const agent_type mbpo_type = {
    .is = {.name = "mbpo",
           .source = "Janner et al. 2019, arXiv:1906.08253, on a fixed batch",
           .reads = READS_SOFT | READS_MODEL},
    .holds = true,
    .update = sac_update,
    .size = sizeof(sac),
    .scalars = LEARNER_NUMBER,
    .shape = shape,
    .layout = layout,
    .begin = sac_begin};
const agent_type sac_type = {
    .is = {.name = "sac", .source = "Haarnoja et al. 2018, arXiv:1812.05905", .reads = READS_SOFT},
    .update = sac_update,
    .size = sizeof(sac),
    .scalars = LEARNER_NUMBER,
    .shape = shape,
    .layout = layout,
    .begin = sac_begin};
