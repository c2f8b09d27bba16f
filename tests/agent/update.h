/* update.h - one update of an agent beside its equations in double: its networks before and after,
 * the noise that it drew, and its gradients out of Adam's first moments.
 *
 * A loss is a function of an update whose networks `before` may be bent, one weight at a time;
 * what it takes for given it reads elsewhere. */
#ifndef TESTS_AGENT_UPDATE_H
#define TESTS_AGENT_UPDATE_H

#include "nn/reference.h"
#include "small.h"

/* Rows of the recording; of a batch, the first B. Two threads take 16 and 4 of them. DRAWS: samples
 * of the policy in an update. */
enum { UPDATE_S = 3, UPDATE_A = 2, UPDATE_B = 20, UPDATE_N = 30, UPDATE_DRAWS = 16 };
enum { UPDATE_PADDED = 32 }; /* B in whole panels: what noise is numbered by */

/* The learners that nearly every agent has. */
enum { ACTOR, CRITIC_1, CRITIC_2 };

typedef struct transition {
  double s[UPDATE_S], a[UPDATE_A], r, next[UPDATE_S], done;
} transition;

typedef struct networks {
  ref_net net[AGENT_LEARNERS], target[AGENT_LEARNERS];
  ref_net m[AGENT_LEARNERS]; /* first moments */
} networks;

typedef struct update {
  small_run *run;
  agent *agent;
  transition row[UPDATE_B];
  uint64_t at; /* number of the update: the place of its noise */
  float eps[UPDATE_DRAWS * UPDATE_A * UPDATE_PADDED];
  networks before, after;
  agent_stats stats;
  double y[UPDATE_B]; /* targets of the critics, for the agent's own test to fill */
  int least[2][2];    /* [targets?][the first?] how often a least value was whose */
} update;

/* ------------------------------------------------------------------ begin, step, end */

static inline void networks_free(networks *n)
{
  for (int i = 0; i < AGENT_LEARNERS; i++)
    ref_free(&n->net[i]), ref_free(&n->target[i]), ref_free(&n->m[i]);
  *n = (networks){0};
}

static inline void networks_read(networks *n, const agent *c)
{
  networks_free(n);
  for (int i = 0; i < c->learners; i++) {
    const learner *l = &c->learner[i];
    mlp m = mlp_view(l->net, l->opt.m);
    n->net[i] = ref_of(l->net);
    n->m[i] = ref_of(&m);
    if (l->target) n->target[i] = ref_of(l->target);
  }
}

/* Columns of different size, rewards around 0, every fifth row terminal. */
static inline mopo_dataset *update_data(void)
{
  static const float size[UPDATE_S] = {1.0f, 0.01f, 2.0f};
  float obs[UPDATE_N][UPDATE_S], next[UPDATE_N][UPDATE_S], act[UPDATE_N][UPDATE_A], rew[UPDATE_N];
  unsigned char end[UPDATE_N];
  rng_stream r = rng_stream_of(rng_seed(21));
  for (int i = 0; i < UPDATE_N; i++) {
    for (int j = 0; j < UPDATE_S; j++) {
      obs[i][j] = size[j] * (0.3f + rng_normal(&r));
      next[i][j] = size[j] * (0.3f + rng_normal(&r));
    }
    for (int j = 0; j < UPDATE_A; j++) act[i][j] = draw(&r, 0.95f);
    rew[i] = rng_normal(&r), end[i] = i % 5 == 4;
  }
  mopo_dataset *d = NULL;
  mopo_error e;
  assert_ok(mopo_dataset_from_arrays(&d, UPDATE_N, UPDATE_S, UPDATE_A, obs[0], act[0], rew, next[0],
                                     end, NULL, &e),
            e);
  return d;
}

/* Small networks whose log-stds reach both bounds, and learning rates that tell them apart. */
static inline mopo_config update_config(const char *algo)
{
  mopo_config c = small_config(algo);
  c.hidden = 16, c.layers = 2, c.batch_size = UPDATE_B;
  c.actor_lr = 1e-3, c.critic_lr = 3e-3, config_put(&c, "behaviour-lr", 2e-3);
  c.log_std_min = -0.2, c.log_std_max = 0.1;
  return c;
}

/* Q(s, a) */
static inline double update_q(ref_net *critic, const double *s, const double *a)
{
  double x[UPDATE_S + UPDATE_A], y;
  memcpy(x, s, UPDATE_S * sizeof *x);
  memcpy(x + UPDATE_S, a, UPDATE_A * sizeof *x);
  ref_forward(critic, &y, x);
  return y;
}

/* The values of a critic or of its target at the recorded (s, a): around 0.1, so that they do not
 * add up to nothing, and `factor` times as far apart as they were. */
static inline void update_spread(const update *u, const mlp *critic, float factor)
{
  ref_net net = ref_of(critic);
  const mlp_layer *last = &critic->layer[critic->layers - 1];
  const agent *c = u->agent;
  double mean = 0.0;
  for (int i = 0; i < UPDATE_B; i++) {
    double s[UPDATE_S]; /* as the networks see it */
    for (int j = 0; j < UPDATE_S; j++)
      s[j] =
          c->shift ? (u->row[i].s[j] - (double)c->shift[j]) * (double)c->scale[j] : u->row[i].s[j];
    mean += update_q(&net, s, u->row[i].a) / UPDATE_B;
  }
  last->b[0] = 0.1f + factor * (last->b[0] - (float)mean);
  for (int i = 0; i < last->in; i++) last->w[i] *= factor;
  ref_free(&net);
}

/* Targets get weights of their own, as if they lagged far behind; of two critics, now this one's
 * value is the least and now the other's. */
static inline void update_begin_held(update *u, const mopo_config *c, const float *behaviour)
{
  *u = (update){.run = small_begin_held(c, update_data(), 2, behaviour)};
  u->agent = (agent *)(void *)u->run->agent;
  const row_layout at = u->run->data->at;
  for (int i = 0; i < UPDATE_B; i++) {
    const float *row = dataset_row(u->run->data, i);
    transition *t = &u->row[i];
    for (int j = 0; j < UPDATE_S; j++)
      t->s[j] = (double)row[j], t->next[j] = (double)row[at.next + j];
    for (int j = 0; j < UPDATE_A; j++) t->a[j] = (double)row[at.act + j];
    t->r = (double)row[at.rew], t->done = (double)row[at.done];
  }
  for (int i = 0; i < u->agent->learners; i++)
    if (u->agent->learner[i].target)
      mlp_initialise(u->agent->learner[i].target, MLP_FAN_IN, rng_index(rng_seed(22), (uint64_t)i));
  for (int k = CRITIC_1; k <= CRITIC_2; k++) {
    update_spread(u, u->agent->learner[k].net, 4.0f);
    update_spread(u, u->agent->learner[k].target, 4.0f);
  }
}

static inline void update_begin(update *u, const mopo_config *c) { update_begin_held(u, c, NULL); }

/* n normals of the purpose `key`, as actor_noise (agent/actor.h) numbers them. */
static inline void update_noise(const update *u, float *eps, int n, rng_key key)
{
  rng_normals(eps, n * UPDATE_PADDED, key, u->at);
}

/* One update on the first B rows. */
static inline void update_step(update *u)
{
  const float *row[UPDATE_B];
  for (int i = 0; i < UPDATE_B; i++) row[i] = dataset_row(u->run->data, i);
  agent_restored(u->run->agent); /* a test may have changed weights */
  u->at = agent_updates(u->agent);
  update_noise(u, u->eps, UPDATE_DRAWS * UPDATE_A, u->agent->setup.key);
  networks_read(&u->before, u->agent);
  u->stats = agent_update(u->run->agent, &(batch){UPDATE_B, u->run->data->at, row});
  networks_read(&u->after, u->agent);
}

static inline void update_end(update *u)
{
  for (int i = 0; i < 2; i++) assert_int_equal(u->least[i][0] > 0, u->least[i][1] > 0);
  networks_free(&u->before), networks_free(&u->after);
  small_end(u->run);
}

/* ------------------------------------------------------------------ values and actions */

/* min_k Q_k(s, a) of the two critics in nets: `before.net` and its like. */
static inline double update_least_q(update *u, ref_net *nets, const double *s, const double *a)
{
  double q1 = update_q(&nets[CRITIC_1], s, a), q2 = update_q(&nets[CRITIC_2], s, a);
  u->least[nets == u->before.target][q1 < q2]++;
  return fmin(q1, q2);
}

/* mean [A] and clipped log-std [A] of a policy at s. */
static inline void update_policy(const update *u, ref_net *policy, double *mean, double *ls,
                                 const double *s)
{
  double y[2 * UPDATE_A];
  ref_forward(policy, y, s);
  for (int j = 0; j < UPDATE_A; j++) {
    mean[j] = y[j];
    ls[j] = fmax(u->run->c.log_std_min, fmin(u->run->c.log_std_max, y[UPDATE_A + j]));
  }
}

typedef struct sampled { /* a = tanh(u), u = mean + e^ls eps */
  double mean[UPDATE_A], ls[UPDATE_A], eps[UPDATE_A], u[UPDATE_A], a[UPDATE_A], logp;
} sampled;

/* Sample `which` of row r's noise, from a policy at s. */
static inline sampled update_sample(const update *u, ref_net *policy, const double *s, int r,
                                    int which)
{
  sampled d = {.logp = 0.0};
  update_policy(u, policy, d.mean, d.ls, s);
  for (int j = 0; j < UPDATE_A; j++) {
    d.eps[j] = (double)u->eps[(which * UPDATE_A + j) * UPDATE_PADDED + r];
    d.u[j] = d.mean[j] + exp(d.ls[j]) * d.eps[j];
    d.a[j] = tanh(d.u[j]);
    d.logp -= 0.5 * d.eps[j] * d.eps[j] + d.ls[j] + 0.5 * log(2.0 * acos(-1.0)) +
              log(1.0 - d.a[j] * d.a[j]);
  }
  return d;
}

/* r + gamma (1 - d) v */
static inline double update_discount(const update *u, const transition *t, double v)
{
  return t->r + u->run->c.gamma * (1.0 - t->done) * v;
}

/* sum_k mean (Q_k(s, a) - y)^2 */
static inline double update_td_loss(void *ctx)
{
  update *u = ctx;
  double sum = 0.0;
  for (int k = CRITIC_1; k <= CRITIC_2; k++)
    for (int r = 0; r < UPDATE_B; r++) {
      double td = update_q(&u->before.net[k], u->row[r].s, u->row[r].a) - u->y[r];
      sum += td * td / UPDATE_B;
    }
  return sum;
}

/* ------------------------------------------------------------------ checks */

/* As tests/agent/test_sac.c: sums of a few dozen products, there and back. */
static const double UPDATE_CLOSE = 1e-5;

static inline void check_figure(const char *what, double got, double want)
{
  check_near(what, got, want, UPDATE_CLOSE * (1.0 + fabs(want)));
}

/* dL/dx of an array of n weights; the greatest of them so far. */
static inline double *slopes_of(update *u, double (*loss)(void *ctx), double *x, int n,
                                double *most)
{
  double *d = doubles((size_t)n);
  for (int i = 0; i < n; i++) {
    d[i] = slope(loss, u, &x[i], 1e-6);
    *most = fmax(*most, fabs(d[i]));
  }
  return d;
}

/* The gradient that learner i took, (m after - 0.9 m before) / 0.1, is that of the loss: to 1e-5 of
 * the network's greatest, for a small sum of large terms is no better known than they are. A slope
 * over 1e-6 is good to 1e-16 loss / 1e-6, unless a kink of a ReLU comes to lie in between, which
 * would show. */
static inline void check_gradient(update *u, int i, double (*loss)(void *ctx))
{
  const ref_net *m0 = &u->before.m[i], *m1 = &u->after.m[i], *n = &u->before.net[i];
  double *dw[MLP_LAYERS], *db[MLP_LAYERS], most = 0.0;
  for (int k = 0; k < n->layers; k++) {
    dw[k] = slopes_of(u, loss, n->w[k], n->size[k] * n->size[k + 1], &most);
    db[k] = slopes_of(u, loss, n->b[k], n->size[k + 1], &most);
  }
  const char *name = u->agent->learner[i].name;
  if (!(most > 0.0)) fail_msg("%s: no gradient", name);
  for (int k = 0; k < n->layers; k++) {
    for (int j = 0; j < n->size[k] * n->size[k + 1]; j++)
      check_near(name, (m1->w[k][j] - 0.9 * m0->w[k][j]) / 0.1, dw[k][j], UPDATE_CLOSE * most);
    for (int j = 0; j < n->size[k + 1]; j++)
      check_near(name, (m1->b[k][j] - 0.9 * m0->b[k][j]) / 0.1, db[k][j], UPDATE_CLOSE * most);
    free(dw[k]), free(db[k]);
  }
}

/* A first step of Adam moves a weight by lr, whatever its gradient; 0: no step. */
static inline void check_step(const update *u, int i, double lr)
{
  const ref_net *a = &u->before.net[i], *b = &u->after.net[i];
  double most = 0.0;
  for (int k = 0; k < a->layers; k++)
    for (int j = 0; j < a->size[k] * a->size[k + 1]; j++)
      most = fmax(most, fabs(b->w[k][j] - a->w[k][j]));
  check_near(u->agent->learner[i].name, most, lr, 1e-3 * lr);
}

/* targ += tau (net - targ); two roundings of a weight. */
static inline void check_follows(const update *u, int i, double tau)
{
  const ref_net *t0 = &u->before.target[i], *t1 = &u->after.target[i], *n = &u->after.net[i];
  for (int k = 0; k < n->layers; k++)
    for (int j = 0; j < n->size[k] * n->size[k + 1]; j++)
      check_near("target", t1->w[k][j], t0->w[k][j] + tau * (n->w[k][j] - t0->w[k][j]),
                 0x1p-23 * (1.0 + fabs(t0->w[k][j])));
}

#endif
