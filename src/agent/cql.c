/* cql.c - conservative Q-learning (Kumar et al. 2020, arXiv:2006.04779, eq. 4 with the entropy as
 * R(mu): "CQL(H)"), on soft actor-critic.
 *
 *   y        = r + gamma (1 - d) min_k Qtarg_k(s', a'),  a' ~ pi(.|s')
 *   critic   L_k = c mean (Q_k(s, a) - y)^2 + w mean (lse_k(s) - Q_k(s, a))         w: cql-weight
 *   lse_k(s) = log sum_i exp(Q_k(s, a_i) - log density(a_i))                        (appendix F)
 *              over n actions each drawn uniformly, from pi(.|s) and from pi(.|s')  n: cql-samples
 *   actor and alpha: as in sac.c
 *
 * The target has no entropy term, as in the authors' code. */
#include <math.h>

#include "agent/losses.h"
#include "agent/sac.h"

enum { CQL_SAMPLES = 100 }; /* the setting's limit */

typedef struct cql {
  sac sac;
  int n;
  float weight;
  float *gap;      /* [2,B] lse_k(s) - Q_k(s, a) */
  float **density; /* [threads] -> [3n,R] log-densities of the sampled actions */
} cql;

/* Where sample m of row r0 stands among the rows that the critics learn from: recorded rows come
 * first, then the first sample of all, and so on. */
static int sample_row(const agent *c, int m, int r0) { return (1 + m) * c->B + r0; }

/* Sample m of rows p: actions in w->act to both critics. */
static void put_sample(cql *s, const actor_work *w, rows_at p, int m)
{
  agent *c = &s->sac.agent;
  for (int k = 0; k < 2; k++) {
    panels x = s->sac.critics.learner[k]->acts.h[0];
    int r0 = sample_row(c, m, p.r0);
    agent_put_obs(c, x, r0, c->batch->row + p.r0, 0, p.n);
    panels_put_columns(x, r0, c->S, w->act, w->R, p.n, c->A);
  }
}

static void put_uniform(cql *s, actor_work *w, rows_at p, float *density)
{
  agent *c = &s->sac.agent;
  rng_key key = rng_split(c->setup.key, "uniform");
  for (int m = 0; m < s->n; m++) {
    for (int j = 0; j < c->A; j++)
      for (int r = 0; r < p.n; r++) {
        uint32_t x[4];
        rng_block(x, key, agent_updates(c),
                  ((uint64_t)m * (uint64_t)c->A + (uint64_t)j) * (uint64_t)c->B +
                      (uint64_t)(p.r0 + r));
        w->act[j * w->R + r] = (float)(x[0] >> 8) * 0x1p-23f - 1.0f;
      }
    for (int r = 0; r < p.n; r++) density[m * c->R + r] = -0.693147181f * (float)c->A;
    put_sample(s, w, p, m);
  }
}

/* n actions of the policy whose outputs are in w->acts, as samples m0... */
static void put_policy(cql *s, actor_work *w, rows_at p, float *density, int m0)
{
  agent *c = &s->sac.agent;
  for (int m = m0; m < m0 + s->n; m++) {
    agent_sample(c, w, &w->acts, 0, p, 2 + m); /* 0 and 1 are the target's and the actor's */
    for (int r = 0; r < p.n; r++) density[m * c->R + r] = w->logp[r];
    put_sample(s, w, p, m);
  }
}

/* Adds w mean (lse - Q) to what critics_errors has set; the samples are forward. */
static void conserve(cql *s, rows_at p, const float *density, int k)
{
  agent *c = &s->sac.agent;
  learner *l = s->sac.critics.learner[k];
  const float *q = l->acts.h[l->net->layers].x;
  float *dq = l->grads.g[l->net->layers - 1].x, each = s->weight / (float)c->B;
  for (int r = 0; r < p.n; r++) {
    float v[3 * CQL_SAMPLES], dv[3 * CQL_SAMPLES];
    size_t data = (size_t)(p.r0 + r) * PANEL;
    for (int m = 0; m < 3 * s->n; m++)
      v[m] = q[(size_t)sample_row(c, m, p.r0 + r) * PANEL] - density[m * c->R + r];
    s->gap[k * c->B + p.r0 + r] = loss_log_sum_exp(dv, v, 3 * s->n) - q[data];
    for (int m = 0; m < 3 * s->n; m++)
      dq[(size_t)sample_row(c, m, p.r0 + r) * PANEL] = each * dv[m];
    dq[data] -= each;
  }
}

static void stage_critic_rows(void *ctx, int piece, int thread)
{
  cql *s = ctx;
  agent *c = &s->sac.agent;
  stage_work *w = &s->sac.work[thread];
  critics *q = &s->sac.critics;
  rows_at p = agent_rows(c, piece);
  float y[AGENT_PIECE], *density = s->density[thread];
  put_uniform(s, &w->actor, p, density);
  sac_targets(&s->sac, w, p, y, false);
  put_policy(s, &w->actor, p, density, s->n); /* w holds the policy at s' */
  agent_put_obs(c, w->actor.acts.h[0], 0, c->batch->row + p.r0, 0, p.n);
  mlp_forward(&c->actor.net, &w->actor.acts, 0, p.n, false);
  put_policy(s, &w->actor, p, density, 2 * s->n);
  critics_recorded(q, c, p);
  critics_errors(q, c, p, y);
  for (int k = 0; k < 2; k++) {
    learner *l = q->learner[k];
    for (int m = 0; m < 3 * s->n; m++)
      mlp_forward(l->net, &l->acts, sample_row(c, m, p.r0), p.n, true);
    conserve(s, p, density, k);
    for (int m = -1; m < 3 * s->n; m++)
      mlp_backward(l->net, &l->acts, &l->grads, sample_row(c, m, p.r0), p.n);
  }
}

static agent_stats update(agent *a, const batch *b)
{
  cql *s = (cql *)(void *)a;
  agent_stats stats = sac_update_with(&s->sac, b, stage_critic_rows);
  stats.critic_loss += 2.0 * (double)s->weight * agent_mean(s->gap, 2 * b->B);
  return stats;
}

static void shape(agent *c, const mopo_config *config)
{
  cql *s = (cql *)(void *)c;
  s->n = config_int(config, "cql-samples");
  s->weight = (float)config_real(config, "cql-weight");
  sac_shape(&s->sac, config, c->B * (1 + 3 * s->n));
}

static void layout(agent *c, arena *a)
{
  cql *s = (cql *)(void *)c;
  int threads = par_threads(c->setup.pool);
  sac_layout(&s->sac, a);
  s->gap = arena_floats(a, 2 * (size_t)c->B);
  s->density = arena_bytes(a, (size_t)threads * sizeof *s->density);
  for (int t = 0; t < threads; t++) {
    float *block = arena_floats(a, 3 * (size_t)s->n * (size_t)c->R);
    if (a->base) s->density[t] = block;
  }
}

static const mopo_setting own_settings[] = {
    {"cql-weight", "X", "cql: weight of the conservative term", "train", SETTING_REAL(0, 1e6),
     .standard = "5"},
    {"cql-samples", "N", "cql: actions of each of three kinds in its sum", "train",
     SETTING_INT(1, 100), .standard = "10"},
};
const setting_group cql_settings = {SETTING_ROWS(own_settings)};

static const method_value published[] = {{"epochs", {"1000"}},
                                         {"layers", {"3"}},
                                         {"actor-lr", {"1e-4"}},
                                         {"alpha-lr", {"1e-4"}},
                                         {"alpha-max", {"inf"}},
                                         {"target-entropy", {"-A"}},
                                         {"log-std-min", {"-20"}},
                                         {"critic-loss-weight", {"1"}},
                                         {"actor-schedule", {"constant"}},
                                         {"update-order", {"joint"}},
                                         {"init", {"fan-in"}},
                                         {NULL, {NULL}}};

const agent_type cql_type = {.is = {.name = "cql",
                                    .source = "Kumar et al. 2020, arXiv:2006.04779",
                                    .reads = READS_CRITICS | READS_TEMPERATURE | READS_DEVIATION,
                                    .own = {&cql_settings},
                                    .published = published},
                             .update = update,
                             .size = sizeof(cql),
                             .scalars = LEARNER_NUMBER,
                             .shape = shape,
                             .layout = layout,
                             .begin = sac_begin};
