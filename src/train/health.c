/* health.c - see health.h. */
#include "train/health.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/watch.h"

static const double MARGIN = 0.1;
static const double CLOSE = 0.05; /* of the rewards' size: constant ones have no width */
static const double NATS = 10.0;  /* of an action, that a policy can be sure of */
static const double UNIFORM = 0.6931471805599453; /* nats of an action that is even in [-1,1] */
static const double SEVERAL = 10.0;    /* the greatest penalty, in means: only those are known */
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

/* Least and greatest of what is possible, with a tenth of what is between them for each end: nets
 * are no tables. */
static health_range widened(double low, double high, double least)
{
  double more = least + MARGIN * (high - low);
  return (health_range){low - more, high + more};
}

health_limits health_bounds(const run *o, const metrics_row *row)
{
  double least = o->info.reward_min, most = o->info.reward_max;
  double size = fmax(fabs(least), fabs(most));
  double spread = o->units ? (double)o->units->reward_spread : 1.0; /* of the learner's rewards */
  double times = agent_reward_scale(o->agent) / spread, log = o->units ? 1.0 : times;
  double alpha = spread * or_zero(row->alpha) * o->data->at.A, steps = 1.0 / (1.0 - o->c.gamma);
  double low = -log * size - NATS * alpha - SEVERAL * or_zero(row->penalty_mean);
  double high = log * fmax(most, 0.0) + UNIFORM * alpha;
  health_range q = widened(low * steps, high * steps, spread);
  double inside = (q.high - q.low) * times / log;
  return (health_limits){.q = q,
                         .critic_loss = {0.0, inside * inside},
                         .reward =
                             widened(least - CLOSE * size, most + CLOSE * size, MARGIN * spread)};
}

/* Where each step costs more than it earns, the best that a policy can do is to end the episode. */
static void look_at_penalty(char *text, const run *o, const metrics_row *row)
{
  double earned = row->model_reward_mean, penalty = row->penalty_mean,
         coef = config_real(&o->c, "penalty-coef");
  bool costs = earned > 0 && penalty > earned && row->rollout_terminal_rate > 0;
  if (row->epoch < PENALTY_EPOCH || !costs) return;
  number_print(text, HEALTH_TEXT,
               "epoch %.0f: an imagined step earns %.3g, its penalty is %.3g: where episodes "
               "can end, ending them pays; a penalty-coef below %.2g (it is %.3g) leaves a gain",
               row->epoch, earned, penalty, coef * earned / penalty, coef);
}

/* What is wrong with an epoch, by kind; "" where nothing is. */
static void look(char text[HEALTH_KINDS][HEALTH_TEXT], const run *o, const metrics_row *row)
{
  health_limits can = health_bounds(o, row);
  const struct {
    const char *name, *why;
    double value;
    health_range can;
  } check[] = {{"Q", "the critics diverge", row->q_mean, can.q},
               {"critic loss", "the critics diverge", row->critic_loss, can.critic_loss},
               {"imagined reward", "the model diverges", row->model_reward_mean, can.reward}};
  memset(text, 0, (size_t)HEALTH_KINDS * HEALTH_TEXT);
  for (size_t i = 0; i < sizeof check / sizeof *check; i++)
    if (check[i].value < check[i].can.low || check[i].value > check[i].can.high)
      number_print(text[i], HEALTH_TEXT,
                   "epoch %.0f: %s is %.3g, the recorded rewards allow %.3g to %.3g: %s",
                   row->epoch, check[i].name, check[i].value, check[i].can.low, check[i].can.high,
                   check[i].why);
  look_at_penalty(text[HEALTH_KINDS - 1], o, row);
}

void health_warn(run *o, const metrics_row *row)
{
  char text[HEALTH_KINDS][HEALTH_TEXT];
  look(text, o, row);
  for (int k = 0; k < HEALTH_KINDS; k++) {
    if (!*text[k] || o->warned[k]) continue;
    o->warned[k] = true;
    watch_line(o->watch, "warning: %s", text[k]);
  }
}

int health_list(char out[HEALTH_KINDS][HEALTH_TEXT], const run *o, const metrics_row *rows,
                int count)
{
  char text[HEALTH_KINDS][HEALTH_TEXT];
  bool there[HEALTH_KINDS] = {false};
  int n = 0;
  for (int i = 0; i < count; i++) {
    look(text, o, &rows[i]);
    for (int k = 0; k < HEALTH_KINDS; k++) {
      if (!*text[k] || there[k]) continue;
      there[k] = true;
      memcpy(out[n++], text[k], HEALTH_TEXT);
    }
  }
  return n;
}
