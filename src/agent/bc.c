/* bc.c - behaviour cloning (Pomerleau 1989): the policy as the recorded actions' likelihood wants
 * it.
 *
 *   actor    L = - mean log pi(a|s),  (s, a) recorded
 *
 * pi is the tanh-Gaussian that every other agent has. */
#include <math.h>

#include "agent/core.h"

typedef struct bc {
  core core;
  float *loss;      /* [B] */
  actor_work *work; /* [threads] */
} bc;

static void stage_rows(void *ctx, int piece, int thread)
{
  bc *s = ctx;
  rows_at p = core_rows(&s->core, piece);
  core_clone_rows(&s->core, &s->core.learner[0], &s->core.actor, &s->work[thread], p, s->loss);
}

static agent_stats update(agent *a, const batch *b)
{
  bc *s = (bc *)(void *)a;
  core *c = &s->core;
  c->batch = b;
  core_rows_stage(c, stage_rows);
  core_steps(c, (learner *[]){&c->learner[0]}, 1);
  core_updated(c);
  double loss = core_mean(s->loss, c->B);
  return (agent_stats){.actor_loss = loss, .entropy = NAN, .q_mean = NAN};
}

static void layout(core *c, arena *a)
{
  bc *s = (bc *)(void *)c;
  s->loss = arena_floats(a, (size_t)c->B);
  s->work = core_actor_work_layout(c, a);
}

extern const agent_type bc_type;

static mopo_status create(agent **out, const agent_setup *setup, mopo_error *err)
{
  static const core_plan plan = {.size = sizeof(bc), .layout = layout};
  return core_create(out, &bc_type, &plan, setup, err);
}

const agent_type bc_type = {.name = "bc",
                            .source = "Pomerleau 1989, ALVINN",
                            .create = create,
                            .update = update,
                            CORE_CALLS};
