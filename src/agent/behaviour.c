/* behaviour.c - the setting that methods with a model of the recorded behaviour share: brac, bear.
 */
#include "config/config.h"

static const mopo_setting own_settings[] = {
    {"behaviour-lr", "X", "brac, bear: learning rate of the behaviour's model", "train",
     SETTING_REAL(0, 1), .standard = "3e-4"},
};
const setting_group behaviour_settings = {SETTING_ROWS(own_settings)};
