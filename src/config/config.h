/* config.h - what the three files of the settings share: settings.c is the table, config.c reads
 * and writes values, preset.c fills what nobody set.
 *
 * A value that nobody set yet is NAN (double), 0 where the range begins above it (int) or "" (one
 * of some words); it is written `auto`, and only settings whose default is so accept that word. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/error.h"

/* Index of a setting by name, -1 if there is none. */
int config_index(const char *name);
/* The known name with the smallest edit distance. */
const char *config_nearest(const char *name);
bool config_is_auto(const mopo_config *c, const mopo_setting *s);
/* Every value in its range, and all of them together possible. EINVAL */
MUST_CHECK mopo_status config_check(const mopo_config *c, mopo_error *err);

#endif
