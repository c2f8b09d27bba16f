/* penalty_settings.c - which measure of uncertainty is taken off the reward, and how much of it. */
#include "config/config.h"
#include "model/penalty.h"

static bool penalised(const mopo_config *c)
{
  const algorithm *a = config_algorithm(c->algo);
  return a && a->reads & READS_PENALTY;
}

static bool measures(const mopo_config *c)
{
  const penalty_type *p = penalty_named(mopo_config_text(c, "penalty"));
  return p && penalty_measures(p);
}

static double published_coef(const mopo_config *c, const preset_facts *facts)
{
  return penalised(c) && measures(c) ? facts->penalty_coef : 0;
}

static const char *name_at(int i)
{
  const penalty_type *p = penalty_at(i);
  return p ? p->name : NULL;
}

static mopo_status check(const mopo_config *c, mopo_error *err)
{
  double coef = config_real(c, "penalty-coef");
  if (!penalised(c) && coef > 0)
    return error_set(err, MOPO_EINVAL, "penalty-coef = %g with algo %s, want 0 or auto", coef,
                     c->algo);
  if (!measures(c) && coef > 0)
    return error_set(err, MOPO_EINVAL, "penalty-coef = %g with penalty %s, want 0 or auto", coef,
                     mopo_config_text(c, "penalty"));
  return MOPO_OK;
}

static const mopo_setting settings[] = {
    {"penalty", NULL, "how the model's uncertainty is measured (u)", "train", SETTING_WORD,
     .reads = READS_MODEL, .word = name_at, .standard = "aleatoric"},
    {"penalty-coef", "X", "reward units taken off per unit of u (lambda)", "train",
     SETTING_REAL(0, 1e9), .reads = READS_PENALTY, .otherwise = published_coef},
};
const setting_group penalty_settings = {SETTING_ROWS(settings), .check = check};
