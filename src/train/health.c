/* health.c - see health.h. */
#include "train/health.h"

#include <math.h>

#include "base/watch.h"

static const double FACTOR = 10.0;     /* of what is justified: a warning, not a verdict */
static const double PENALTY_EPOCH = 3; /* the first epochs' policies are still near random ones */

mopo_status health_finite(const run *o, mopo_error *err)
{
  agent_memory s = agent_state(o->agent);
  double update = o->at.epoch * o->c.updates_per_epoch + o->at.update;
  for (size_t i = 0; i < s.n_values; i++) {
    if (isfinite(s.values[i])) continue;
    char what[64];
    agent_describe(o->agent, what, sizeof what, i);
    return error_set(err, MOPO_ENUMERIC, "update %.0f: %s is %g", update, what,
                     (double)s.values[i]);
  }
  for (size_t i = 0; i < s.n_scalars; i++)
    if (!isfinite(s.scalars[i]))
      return error_set(err, MOPO_ENUMERIC, "update %.0f: scalar %zu of the agent is %g", update, i,
                       s.scalars[i]);
  return MOPO_OK;
}

static double or_zero(double x) { return isnan(x) ? 0.0 : fabs(x); }

health_limits health_bounds(const run *o, const metrics_row *row)
{
  double r_max = fmax(fabs(o->info.reward_min), fabs(o->info.reward_max));
  double spread = o->units ? (double)o->units->reward_spread : 1.0; /* of the learner's rewards */
  double times = agent_reward_scale(o->agent) / spread, log = o->units ? 1.0 : times;
  double step = log * r_max + or_zero(row->penalty_mean) +
                spread * or_zero(row->alpha * fmin(or_zero(row->entropy), FACTOR * o->data->at.A));
  double q = spread * FACTOR + FACTOR * step / (1.0 - o->c.gamma), inside = q * times / log;
  return (health_limits){.q = q, .critic_loss = inside * inside, .model_reward = FACTOR * r_max};
}

/* Where each step costs more than it earns, the best that a policy can do is to end the episode. */
static void warn_of_penalty(run *o, const metrics_row *row)
{
  bool *warned = &o->warned[3];
  double earned = row->model_reward_mean, penalty = row->penalty_mean,
         coef = config_real(&o->c, "penalty-coef");
  bool costs = earned > 0 && penalty > earned && row->rollout_terminal_rate > 0;
  if (*warned || row->epoch < PENALTY_EPOCH || !costs) return;
  *warned = true;
  watch_line(
      o->watch,
      "warning: epoch %.0f: an imagined step earns %.3g, its penalty is %.3g: where episodes "
      "can end, ending them pays; a penalty-coef below %.2g (it is %.3g) leaves a gain",
      row->epoch, earned, penalty, coef * earned / penalty, coef);
}

void health_warn(run *o, const metrics_row *row)
{
  warn_of_penalty(o, row);
  health_limits most = health_bounds(o, row);
  const struct {
    const char *name, *why;
    double value, bound;
  } check[] = {
      {"Q", "the critics diverge", row->q_mean, most.q},
      {"critic loss", "the critics diverge", row->critic_loss, most.critic_loss},
      {"imagined reward", "the model diverges", row->model_reward_mean, most.model_reward}};
  for (size_t i = 0; i < sizeof check / sizeof *check; i++) {
    if (o->warned[i] || !(fabs(check[i].value) > check[i].bound)) continue;
    o->warned[i] = true;
    watch_line(o->watch, "warning: epoch %.0f: %s is %.3g, the rewards justify %.3g at most: %s",
               row->epoch, check[i].name, check[i].value, check[i].bound, check[i].why);
  }
}
