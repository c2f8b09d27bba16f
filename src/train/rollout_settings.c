/* rollout_settings.c - the settings of imagined data. */
#include <math.h>
#include <string.h>

#include "config/config.h"

static bool imagines(const mopo_config *c)
{
  const algorithm *a = config_algorithm(c->algo);
  return a && a->reads & READS_MODEL;
}

static double published_length(const mopo_config *c, const preset_facts *facts)
{
  (void)c;
  return facts->rollout_length;
}

static double margin(const mopo_config *c, const preset_facts *facts)
{
  (void)facts;
  return strcmp(c->scaler, "none") == 0 ? (double)INFINITY : 0.5;
}

static double share(const mopo_config *c, const preset_facts *facts)
{
  (void)facts;
  return imagines(c) ? 0.05 : 1;
}

static mopo_status check(const mopo_config *c, mopo_error *err)
{
  double ratio = config_real(c, "real-ratio");
  if (imagines(c) || ratio == 1) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "real-ratio = %g with algo %s, want 1 or auto", ratio,
                   c->algo);
}

static const mopo_setting settings[] = {
    {"rollout-length", "N", "steps of an imagined trajectory (h)", "train", SETTING_INT(1, 1e6),
     .reads = READS_MODEL, .otherwise = published_length},
    {"rollout-batch", "N", "start states of an epoch's rollout", "train tune", SETTING_INT(1, 1e8),
     .reads = READS_MODEL, .preset = {"50000", NULL, "500"}},
    {"rollout-keep", "N", "epochs of imagined rows that the model buffer holds", "train",
     SETTING_INT(1, 1e6), .reads = READS_MODEL, .standard = "5"},
    {"rollout-stop", "X", "cut at this quantile of the members' spread; 0: never", "train",
     SETTING_REAL(0, 1), .reads = READS_MODEL, .preset = {"0", NULL, "0.999"}},
    {"rollout-cut", "bootstrap|least", "what follows a cut: a value, or the log's least return",
     "train", SETTING_WORD, .reads = READS_MODEL, .standard = "bootstrap"},
    {"imagined-margin", "X", "share of the log's range that imagined rows may exceed it", "train",
     SETTING_REAL(0, INFINITY), .reads = READS_MODEL, .otherwise = margin},
    {"termination", "auto|learned|none",
     "imagined ends; auto: learned where nothing else says when", "train model", SETTING_WORD,
     .reads = READS_MODEL, .standard = "auto"},
    {"behaviour-term", "X", "holds the policy to a controller's actions; 0: off, 1: on", "train",
     SETTING_REAL(0, 1e6), .reads = READS_MODEL, .preset = {"0", NULL, "1"}},
    {"real-ratio", "X", "share of recorded rows in an update", "train", SETTING_REAL(0, 1),
     .reads = READS_MODEL, .otherwise = share},
};
const setting_group imagined_settings = {SETTING_ROWS(settings), .check = check};
