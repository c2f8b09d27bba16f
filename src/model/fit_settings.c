/* fit_settings.c - the settings of the ensemble and of its fit. */
#include "config/config.h"
#include "model/fit.h"

static double elites(const mopo_config *c, const preset_facts *facts)
{
  (void)facts;
  int members = config_int(c, "members");
  return members < 5 ? members : 5;
}

static mopo_status check(const mopo_config *c, mopo_error *err)
{
  int members = config_int(c, "members"), elites = config_int(c, "elites");
  if (elites <= members) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "elites = %d, want at most members = %d", elites, members);
}

static const mopo_setting settings[] = {
    {"members", "N", "networks in the ensemble", "train model tune", SETTING_INT(1, 32),
     .reads = READS_MODEL, .standard = "7"},
    {"elites", "N", "members that make predictions: lowest holdout error", "train model tune",
     SETTING_INT(1, 32), .reads = READS_MODEL, .otherwise = elites},
    {"model-hidden", "N", "width of a member", "train model tune", SETTING_INT(1, 65536),
     .reads = READS_MODEL, .preset = {"200", NULL, "128"}},
    {"model-layers", "N", "hidden layers of a member", "train model tune", SETTING_INT(1, 7),
     .reads = READS_MODEL, .preset = {"4", NULL, "3"}},
    {"model-batch", "N", "transitions in an update of each member", "train model tune",
     SETTING_INT(1, 1e6), .reads = READS_MODEL, .of_fit = true, .standard = "256"},
    {"model-patience", "N", "epochs without improvement before the fit stops", "train model",
     SETTING_INT(1, 1e6), .reads = READS_MODEL, .of_fit = true, .standard = "5"},
    {"model-max-epochs", "N", "most epochs of the fit; 0: until it stops improving",
     "train model tune", SETTING_INT(0, 1e6), .reads = READS_MODEL, .of_fit = true,
     .standard = "0"},
    {"model-min-updates", "N", "updates of the fit before patience counts", "train model",
     SETTING_INT(1, 1e9), .reads = READS_MODEL, .of_fit = true, .preset = {"1", NULL, "2500"}},
    {"holdout", "rows|episodes", "what is held out of the fit: rows, or whole episodes",
     "train model", SETTING_WORD, .reads = READS_MODEL, .of_fit = true,
     .preset = {"rows", NULL, "episodes"}},
    {"holdout-max", "N", "most transitions held out of the fit", "train model", SETTING_INT(1, 1e9),
     .reads = READS_MODEL, .of_fit = true, .standard = "1000"},
    {"model-lr", "X", "learning rate of the ensemble", "train model", SETTING_REAL(0, 1),
     .reads = READS_MODEL, .of_fit = true, .standard = "1e-3"},
    {"model-schedule", "constant|cosine", "its fall over the fit; cosine: to model-max-epochs",
     "train model tune", SETTING_WORD, .reads = READS_MODEL, .of_fit = true,
     .standard = "constant"},
    {"model-decay", "X", "factor of the table of weight decays", "train model",
     SETTING_REAL(0, 1e6), .reads = READS_MODEL, .of_fit = true, .standard = "1"},
    {"model-improvement", "X", "relative fall of the holdout error that counts", "train model",
     SETTING_REAL(0, 1), .reads = READS_MODEL, .of_fit = true, .standard = "0.01"},
    {"holdout-ratio", "X", "share of transitions held out of the fit", "train model",
     SETTING_REAL(0, 0.9), .reads = READS_MODEL, .of_fit = true, .standard = "0.2"},
};
const setting_group model_settings = {SETTING_ROWS(settings), .check = check};

ensemble_settings ensemble_settings_of(const mopo_config *c)
{
  return (ensemble_settings){config_int(c, "members"), config_int(c, "elites"),
                             config_int(c, "model-hidden"), config_int(c, "model-layers")};
}

fit_settings fit_settings_of(const mopo_config *c)
{
  return (fit_settings){.batch = config_int(c, "model-batch"),
                        .patience = config_int(c, "model-patience"),
                        .max_epochs = config_int(c, "model-max-epochs"),
                        .min_updates = config_int(c, "model-min-updates"),
                        .by_episodes = config_is(c, "holdout", "episodes"),
                        .holdout_max = config_int(c, "holdout-max"),
                        .cosine = config_is(c, "model-schedule", "cosine"),
                        .lr = config_real(c, "model-lr"),
                        .decay = config_real(c, "model-decay"),
                        .improvement = config_real(c, "model-improvement"),
                        .holdout_ratio = config_real(c, "holdout-ratio")};
}
