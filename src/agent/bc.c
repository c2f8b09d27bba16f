/* bc.c - behaviour cloning (Pomerleau 1989): the policy as the recorded actions' likelihood wants
 * it.
 *
 *   actor    L = - mean log pi(a|s),  (s, a) recorded
 *
 * pi is the tanh-Gaussian that every other agent has. */
#include <math.h>

#include "agent/agent.h"

typedef struct bc {
  agent agent;
  float *loss;      /* [B] */
  actor_work *work; /* [threads] */
} bc;

static void stage_rows(void *ctx, int piece, int thread)
{
  bc *s = ctx;
  rows_at p = agent_rows(&s->agent, piece);
  agent_clone_rows(&s->agent, &s->agent.learner[0], &s->agent.actor, &s->work[thread], p, s->loss);
}

static agent_stats update(agent *a, const batch *b)
{
  bc *s = (bc *)(void *)a;
  agent *c = &s->agent;
  c->batch = b;
  agent_rows_stage(c, stage_rows);
  agent_steps(c, (learner *[]){&c->learner[0]}, 1);
  agent_updated(c);
  double loss = agent_mean(s->loss, c->B);
  return (agent_stats){.actor_loss = loss, .entropy = NAN, .q_mean = NAN};
}

static void layout(agent *c, arena *a)
{
  bc *s = (bc *)(void *)c;
  s->loss = arena_floats(a, (size_t)c->B);
  s->work = agent_actor_work_layout(c, a);
}

static const method_value published[] = {
    {"epochs", {"500"}},     {"actor-lr", {"3e-4"}},        {"target-entropy", {"-A"}},
    {"log-std-min", {"-5"}}, {"critic-loss-weight", {"1"}}, {"actor-schedule", {"constant"}},
    {NULL, {NULL}}};

const agent_type bc_type = {.is = {.name = "bc",
                                   .source = "Pomerleau 1989, ALVINN",
                                   .reads = READS_DEVIATION,
                                   .published = published},
                            .update = update,
                            .size = sizeof(bc),
                            .layout = layout};
