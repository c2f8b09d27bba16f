/* info.h - a dataset's statistics on stdout. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include "cli.h"

/* ranges: as mopo_dataset_action_ranges. */
void info_print(const char *path, const char *kind, const float *ranges,
                const mopo_dataset_info *i);
void info_print_json(const char *path, const char *kind, const float *ranges,
                     const mopo_dataset_info *i);
/* Whose rewards a dataset holds, "task" as in mopo_dataset_info: the rest of a line. */
void info_print_task(const char *task);

#endif
