/* preset.c - fills the settings that nobody set, and checks that all of them agree. */
#include "config/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "task/task.h"

/* What the two presets decide differently: `paper` is the code published with Yu et al. 2020,
 * `tuned` the settings of the best published results on D4RL v2. */
typedef struct preset {
  const char *name;
  int epochs;
  double actor_lr, alpha_lr, alpha_max;
  double target_entropy; /* NAN: -A */
  double log_std_min, critic_loss_weight;
  const char *actor_schedule, *init, *update_order;
} preset;

static const preset presets[] = {
    {"paper", 1000, 3e-4, 3e-4, INFINITY, -3, -20, 0.5, "constant", "glorot", "joint"},
    {"tuned", 3000, 1e-4, 1e-4, 1, NAN, -5, 1, "cosine", "fan-in", "critic-first"},
};
enum { PAPER, TUNED, PRESETS };

/* What a method that MOPO is compared with was published with; it stands above both presets. NAN, 0
 * and NULL leave the preset's. */
typedef struct method {
  const char *name;
  int epochs, layers;
  double actor_lr, critic_lr, alpha_lr, alpha_max, log_std_min, critic_loss_weight;
  const char *actor_schedule, *update_order;
} method;

static const method methods[] = {
    {"bc", 500, 2, 3e-4, 3e-4, NAN, NAN, -5, 1, "constant", NULL},
    {"td3bc", 1000, 2, 3e-4, 3e-4, NAN, NAN, -5, 1, "constant", NULL},
    {"iql", 1000, 2, 3e-4, 3e-4, NAN, NAN, -5, 1, "cosine", NULL},
    {"cql", 1000, 3, 1e-4, 3e-4, 1e-4, INFINITY, -20, 1, "constant", "joint"},
    {"brac-p", 1300, 2, 3e-5, 1e-3, NAN, NAN, -5, 1, "constant", NULL},
    {"brac-v", 1300, 2, 3e-5, 1e-3, NAN, NAN, -5, 1, "constant", NULL},
    {"bear", 1000, 2, 1e-4, 3e-4, NAN, NAN, -5, 1, "constant", NULL},
};

static void fill(double *x, double value)
{
  if (isnan(*x)) *x = value;
}

static void fill_text(char *x, size_t size, const char *value)
{
  if (!*x || !strcmp(x, "auto")) snprintf(x, size, "%s", value);
}

static bool is(const char *a, const char *b) { return !strcmp(a, b); }

static bool starts_with(const char *a, const char *b) { return !strncmp(a, b, strlen(b)); }

static bool uses_model(const mopo_config *c) { return is(c->algo, "mopo") || is(c->algo, "mbpo"); }

static void fill_method(mopo_config *c, int act_dim)
{
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    const method *m = &methods[i];
    if (!is(m->name, c->algo)) continue;
    if (c->epochs < 1) c->epochs = m->epochs;
    if (c->layers < 1) c->layers = m->layers;
    fill(&c->actor_lr, m->actor_lr);
    fill(&c->critic_lr, m->critic_lr);
    fill(&c->alpha_lr, m->alpha_lr);
    fill(&c->alpha_max, m->alpha_max);
    fill(&c->target_entropy, -act_dim);
    fill(&c->log_std_min, m->log_std_min);
    fill(&c->critic_loss_weight, m->critic_loss_weight);
    if (m->actor_schedule)
      fill_text(c->actor_schedule, sizeof c->actor_schedule, m->actor_schedule);
    if (m->update_order) fill_text(c->update_order, sizeof c->update_order, m->update_order);
  }
}

/* Every number in its range, every word one of its words: what set by name would accept. */
static mopo_status check_each(const mopo_config *c, mopo_error *err)
{
  mopo_config scratch = config_default();
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char value[1100];
    mopo_config_get(c, s->name, value, sizeof value);
    mopo_status st = mopo_config_set(&scratch, s->name, value, err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

static const double JUDGED_FROM = 1000; /* updates */

static double updates_of(const mopo_config *c)
{
  return (double)c->epochs * (double)c->updates_per_epoch;
}

/* The first updates of brac and bear, before their policy learns what it is there for: the share of
 * the run that they were published with. */
static void fill_first_updates(mopo_config *c)
{
  double total = fmin(updates_of(c), 1e9);
  if (c->behaviour_updates < 1 && starts_with(c->algo, "brac"))
    c->behaviour_updates = (int)fmax(total * 300 / 1300, 1);
  if (c->bear_warmup < 1 && is(c->algo, "bear")) c->bear_warmup = (int)fmax(total * 40 / 1000, 1);
}

/* A run that ends before its policy has begun to learn is not one of that method. */
static mopo_status check_first_updates(const mopo_config *c, mopo_error *err)
{
  bool brac = starts_with(c->algo, "brac");
  int first = brac ? c->behaviour_updates : is(c->algo, "bear") ? c->bear_warmup : 0;
  if (first == 0 || first < updates_of(c)) return MOPO_OK;
  return error_set(err, MOPO_EINVAL,
                   "%s = %d, want less than the updates of the run, epochs x updates-per-epoch = "
                   "%.0f",
                   brac ? "behaviour-updates" : "bear-warmup", first, updates_of(c));
}

static mopo_status check_together(const mopo_config *c, mopo_error *err)
{
  if (c->gamma >= 1) return error_set(err, MOPO_EINVAL, "gamma = %g, want [0,1)", c->gamma);
  if (c->elites > c->members)
    return error_set(err, MOPO_EINVAL, "elites = %d, want at most members = %d", c->elites,
                     c->members);
  if (c->log_std_min >= c->log_std_max)
    return error_set(err, MOPO_EINVAL, "log-std-min = %g, want less than log-std-max = %g",
                     c->log_std_min, c->log_std_max);
  if (c->alpha_init > c->alpha_max)
    return error_set(err, MOPO_EINVAL, "alpha-init = %g, want at most alpha-max = %g",
                     c->alpha_init, c->alpha_max);
  if (!is(c->algo, "mopo") && c->penalty_coef > 0)
    return error_set(err, MOPO_EINVAL, "penalty-coef = %g with algo %s, want 0 or auto",
                     c->penalty_coef, c->algo);
  if (is(c->penalty, "none") && c->penalty_coef > 0)
    return error_set(err, MOPO_EINVAL, "penalty-coef = %g with penalty none, want 0 or auto",
                     c->penalty_coef);
  if (!uses_model(c) && c->real_ratio < 1)
    return error_set(err, MOPO_EINVAL, "real-ratio = %g with algo %s, want 1 or auto",
                     c->real_ratio, c->algo);
  return check_first_updates(c, err);
}

mopo_status config_check(const mopo_config *c, mopo_error *err)
{
  mopo_status st = check_each(c, err);
  return st == MOPO_OK ? check_together(c, err) : st;
}

/* Where a simulator can tell, nobody asks the data; a run of a few updates is a trial. */
static bool judges(const mopo_config *c, const mopo_task *task)
{
  return !(task && task->body.simulator) && updates_of(c) >= JUDGED_FROM;
}

mopo_status mopo_config_resolve(mopo_config *c, const char *task, const char *kind, int act_dim,
                                mopo_error *err)
{
  int which = 0;
  while (which < PRESETS && !is(presets[which].name, c->preset)) which++;
  if (which == PRESETS)
    return error_set(err, MOPO_EINVAL, "preset = '%s', want paper or tuned", c->preset);
  const preset *p = &presets[which];

  fill_method(c, act_dim);
  if (c->epochs < 1) c->epochs = p->epochs;
  if (c->layers < 1) c->layers = 2;
  if (c->elites < 1) c->elites = c->members < 5 ? c->members : 5;
  fill(&c->critic_lr, 3e-4);
  fill(&c->actor_lr, p->actor_lr);
  fill(&c->alpha_lr, p->alpha_lr);
  fill(&c->alpha_max, p->alpha_max);
  fill(&c->target_entropy, isnan(p->target_entropy) ? -act_dim : p->target_entropy);
  fill(&c->log_std_min, p->log_std_min);
  fill(&c->critic_loss_weight, p->critic_loss_weight);
  fill_text(c->actor_schedule, sizeof c->actor_schedule, p->actor_schedule);
  fill_text(c->init, sizeof c->init, p->init);
  fill_text(c->update_order, sizeof c->update_order, p->update_order);
  fill_text(c->physics, sizeof c->physics, "d4rl");
  fill_text(c->scaler, sizeof c->scaler, "none");
  fill_text(c->holdout, sizeof c->holdout, "rows");
  if (c->model_min_updates < 1) c->model_min_updates = 1;
  fill(&c->imagined_margin, is(c->scaler, "none") ? INFINITY : 0.5);

  const task_reach *known = task_reach_of(mopo_task_find(task), kind);
  int length = !known ? 5 : which == PAPER ? known->paper.length : known->tuned.length;
  double coef = !known ? 1 : which == PAPER ? known->paper.coef : known->tuned.coef;
  bool unpenalised = !is(c->algo, "mopo") || is(c->penalty, "none");
  if (c->rollout_length < 1) c->rollout_length = length;
  fill(&c->penalty_coef, unpenalised ? 0 : coef);
  fill(&c->real_ratio, uses_model(c) ? 0.05 : 1);
  fill_first_updates(c);
  fill_text(c->ope, sizeof c->ope, judges(c, mopo_task_find(task)) ? "always" : "none");
  return config_check(c, err);
}
