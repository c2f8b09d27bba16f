/* preset.c - fills the settings that nobody set, and checks that all of them agree. */
#include "config/config.h"
#include "task/task.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ what auto becomes */

/* A column without a value means the one before. */
static const char *column(const char *const value[PRESETS], int preset)
{
  for (int i = preset; i > 0; i--)
    if (value[i]) return value[i];
  return value[0];
}

/* What the algorithm was published with stands above the preset; but `log` has as many updates for
 * all. */
static const char *decided(const mopo_setting *s, const preset_facts *f)
{
  for (const method_value *v = f->algo->published; v && v->setting; v++)
    if (!strcmp(v->setting, s->name) && !(f->preset == PRESET_LOG && s->preset[PRESET_LOG]))
      return column(v->preset, f->preset);
  return column(s->preset, f->preset);
}

/* Settings of other algorithms stay as they are. */
static bool concerns(const mopo_setting *s, const algorithm *a)
{
  const setting_group *g = config_group_of(s);
  return !g || s->reads || config_algorithm_owns(a, g);
}

static mopo_status fill(mopo_config *c, const mopo_setting *s, const preset_facts *f,
                        mopo_error *err)
{
  const char *text = decided(s, f);
  if (!text && s->otherwise_word) text = s->otherwise_word(c, f);
  if (text && !strcmp(text, "-A")) {
    config_put(c, s->name, -f->act_dim);
  } else if (text) {
    int i = config_index(s->name);
    unsigned char marked = c->marked[i];
    mopo_status st = mopo_config_set(c, s->name, text, err);
    c->marked[i] = marked;
    return st;
  } else if (s->otherwise) {
    config_put(c, s->name, s->otherwise(c, f));
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ checks */

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

static mopo_status check_common(const mopo_config *c, mopo_error *err)
{
  if (c->gamma >= 1) return error_set(err, MOPO_EINVAL, "gamma = %g, want [0,1)", c->gamma);
  if (c->log_std_min >= c->log_std_max)
    return error_set(err, MOPO_EINVAL, "log-std-min = %g, want less than log-std-max = %g",
                     c->log_std_min, c->log_std_max);
  if (c->alpha_init > c->alpha_max)
    return error_set(err, MOPO_EINVAL, "alpha-init = %g, want at most alpha-max = %g",
                     c->alpha_init, c->alpha_max);
  return MOPO_OK;
}

mopo_status config_check(const mopo_config *c, mopo_error *err)
{
  mopo_status st = check_each(c, err);
  const algorithm *a = config_algorithm(c->algo);
  if (st == MOPO_OK) st = check_common(c, err);
  for (int g = 0; st == MOPO_OK && config_groups[g]; g++) {
    const setting_group *of = config_groups[g];
    if (of->check && concerns(of->rows, a)) st = of->check(c, err);
  }
  return st;
}

/* ------------------------------------------------------------------ */

static preset_facts facts_of(const mopo_config *c, const char *task, const char *kind, int act_dim)
{
  preset_facts f = {.algo = config_algorithm(c->algo), .act_dim = act_dim};
  while (f.preset < PRESETS && strcmp(config_preset_name(f.preset), c->preset) != 0) f.preset++;
  f.task = mopo_task_find(task);
  bool paper = f.preset == PRESET_PAPER, log = f.preset == PRESET_LOG;
  const task_reach *known = log ? NULL : task_reach_of(f.task, kind);
  f.rollout_length = log ? 100 : !known ? 5 : paper ? known->paper.length : known->tuned.length;
  f.penalty_coef = !known ? 1 : paper ? known->paper.coef : known->tuned.coef;
  return f;
}

/* Where nobody simulates the task, all there is is a log. */
static int usual_preset(const char *task)
{
  const mopo_task *t = mopo_task_find(task);
  return !*task || (t && t->body.simulator) ? PRESET_TUNED : PRESET_LOG;
}

mopo_status mopo_config_resolve(mopo_config *c, const char *task, const char *kind, int act_dim,
                                mopo_error *err)
{
  mopo_status st = check_each(c, err);
  if (st != MOPO_OK) return st;
  if (!*c->preset)
    snprintf(c->preset, sizeof c->preset, "%s", config_preset_name(usual_preset(task)));
  preset_facts f = facts_of(c, task, kind, act_dim);
  const mopo_setting *s;
  for (int i = 0; st == MOPO_OK && (s = mopo_setting_at(i)); i++)
    if (config_is_auto(c, s) && concerns(s, f.algo)) st = fill(c, s, &f, err);
  return st == MOPO_OK ? config_check(c, err) : st;
}
