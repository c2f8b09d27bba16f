/* critics.c - see critics.h. */
#include "agent/critics.h"

#include <string.h>

void critics_add(critics *q, agent *c, const mopo_config *config, int rows)
{
  static const char *const names[] = {"critic 1", "critic 2"};
  int sizes[MLP_LAYERS + 1] = {c->S + c->A};
  for (int i = 1; i <= config->layers; i++) sizes[i] = config->hidden;
  sizes[config->layers + 1] = 1;
  q->weight = (float)config->critic_loss_weight;
  for (int k = 0; k < 2; k++) {
    mlp_shape(&q->net[k], c->actor.net.k, config->layers + 1, sizes, MLP_RELU);
    mlp_shape(&q->target[k], c->actor.net.k, config->layers + 1, sizes, MLP_RELU);
    q->learner[k] = agent_add(c, &q->net[k], &q->target[k], names[k], config->critic_lr, rows);
  }
}

void critics_layout(critics *q, const agent *c, arena *a)
{
  q->td2 = arena_floats(a, 2 * (size_t)c->B), q->q = arena_floats(a, (size_t)c->B);
}

static void work_layout(critics_work *w, const critics *q, const agent *c, arena *a)
{
  for (int k = 0; k < 2; k++) {
    mlp_acts_layout(&w->target[k], &q->target[k], a, c->R, false);
    mlp_acts_layout(&w->pi[k], &q->net[k], a, c->R, false);
  }
  mlp_acts_layout(&w->least, &q->net[0], a, c->R, false);
  mlp_grads_layout(&w->least_grads, &q->net[0], a, c->R);
  w->least_dx = panels_layout(a, c->R, c->S + c->A);
}

stage_work *stage_work_layout(const critics *q, const agent *c, arena *a)
{
  int threads = par_threads(c->setup.pool);
  stage_work *all = arena_bytes(a, (size_t)threads * sizeof *all), measure = {0};
  for (int t = 0; t < threads; t++) {
    stage_work *w = a->base ? &all[t] : &measure;
    actor_work_layout(&w->actor, &c->actor, a, c->R);
    work_layout(&w->critics, q, c, a);
  }
  return all;
}

void critics_at(const mlp *net, mlp_acts *acts, int n, const agent *c, const float *const *row,
                int offset, const float *act, int R, int rows, bool back)
{
  for (int k = 0; k < n; k++) {
    agent_put_obs(c, acts[k].h[0], 0, row, offset, rows);
    panels_put_columns(acts[k].h[0], 0, c->S, act, R, rows, c->A);
    mlp_forward(&net[k], &acts[k], 0, rows, back);
  }
}

void critics_next(const critics *q, stage_work *w, const agent *c, rows_at p, float *v)
{
  const float *const *row = c->batch->row + p.r0;
  int next = c->batch->at.next;
  agent_put_obs(c, w->actor.acts.h[0], 0, row, next, p.n);
  mlp_forward(&c->actor.net, &w->actor.acts, 0, p.n, false);
  agent_sample(c, &w->actor, &w->actor.acts, 0, p, 0);
  critics_at(q->target, w->critics.target, 2, c, row, next, w->actor.act, w->actor.R, p.n, false);
  for (int r = 0; r < p.n; r++) v[r] = critics_least(q->target, w->critics.target, r);
}

void critics_judge(const critics *q, stage_work *w, const agent *c, rows_at p, float *value,
                   unsigned char *least)
{
  mlp_acts *acts = w->critics.pi;
  critics_at(q->net, acts, 2, c, c->batch->row + p.r0, 0, w->actor.act, w->actor.R, p.n, true);
  for (int r = 0; r < p.n; r++) {
    float a = critics_value(&q->net[0], &acts[0], r), b = critics_value(&q->net[1], &acts[1], r);
    least[r] = !(a < b);
    value[r] = a < b ? a : b;
  }
}

void critics_discount(float *v, const agent *c, rows_at p, float gamma)
{
  const row_layout *at = &c->batch->at;
  for (int r = 0; r < p.n; r++) {
    const float *row = c->batch->row[p.r0 + r];
    v[r] = c->reward_scale * row[at->rew] + gamma * (1.0f - row[at->done]) * v[r];
  }
}

void critics_recorded(critics *q, const agent *c, rows_at p)
{
  const float *const *row = c->batch->row + p.r0;
  for (int k = 0; k < 2; k++) {
    mlp_acts *acts = &q->learner[k]->acts;
    agent_put_obs(c, acts->h[0], p.r0, row, 0, p.n);
    panels_put(acts->h[0], p.r0, c->S, row, c->batch->at.act, p.n, c->A);
    mlp_forward(&q->net[k], acts, p.r0, p.n, true);
  }
}

void critics_errors(critics *q, const agent *c, rows_at p, const float *y)
{
  for (int k = 0; k < 2; k++) {
    learner *l = q->learner[k];
    float *dq = l->grads.g[l->net->layers - 1].x + (size_t)p.r0 * PANEL;
    for (int r = 0; r < p.n; r++) {
      float value = critics_value(l->net, &l->acts, p.r0 + r), td = value - y[r];
      dq[r * PANEL] = 2.0f * q->weight * td / (float)c->B;
      q->td2[k * c->B + p.r0 + r] = td * td;
      if (k == 0) q->q[p.r0 + r] = value;
    }
  }
}

void critics_regress(critics *q, const agent *c, rows_at p, const float *y)
{
  critics_recorded(q, c, p);
  critics_errors(q, c, p, y);
  for (int k = 0; k < 2; k++)
    mlp_backward(&q->net[k], &q->learner[k]->acts, &q->learner[k]->grads, p.r0, p.n);
}

double critics_loss(const critics *q, const agent *c)
{
  return (double)q->weight * 2.0 * agent_mean(q->td2, 2 * c->B);
}

void critics_back(const critics *q, critics_work *w, const agent *c, float *dact, int R, int rows,
                  const unsigned char *least, float dq)
{
  int S = c->S, A = c->A;
  for (int k = 0; k < 2; k++) {
    const mlp *net = &q->net[k];
    int from[AGENT_PIECE], n = 0;
    for (int r = 0; r < rows; r++)
      if (least[r] == k) from[n++] = r;
    if (!n) continue;
    for (int i = 1; i < net->layers; i++)
      for (int p = 0; p * PANEL < net->layer[i - 1].out; p++) {
        const float *x = w->pi[k].h[i].x + (size_t)p * w->pi[k].h[i].stride;
        float *to = w->least.h[i].x + (size_t)p * w->least.h[i].stride;
        for (int r = 0; r < n; r++) memcpy(to + r * PANEL, x + from[r] * PANEL, PANEL * sizeof *to);
      }
    float *out = w->least_grads.g[net->layers - 1].x;
    for (int r = 0; r < n; r++) out[r * PANEL] = dq;
    mlp_backward(net, &w->least, &w->least_grads, 0, n);
    mlp_backward_input(net, w->least_dx, &w->least_grads, 0, n, S, S + A);
    for (int j = 0; j < A; j++) {
      const float *dx = w->least_dx.x + (size_t)((S + j) / PANEL) * w->least_dx.stride;
      for (int r = 0; r < n; r++) dact[j * R + from[r]] = dx[r * PANEL + (S + j) % PANEL];
    }
  }
}
