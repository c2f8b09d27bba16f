/* sweep.h - many runs: a plan of units (ensembles first, then runs), and who makes them. Whatever
 * the engine, a unit is made by `mopo sweep --dir DIR --unit K`, which may be started any number of
 * times anywhere the directory is shared. */
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H

#include "options.h"

enum { SWEEP_PATH = 2200 };

typedef struct sweep {
  options *o;
  char dir[1024]; /* absolute */
  char program[1024];
  mopo_sweep *plan;
  int units, jobs;
} sweep;

typedef enum unit_state { UNIT_WAITING, UNIT_UNDER_WAY, UNIT_FAILED, UNIT_DONE } unit_state;

typedef struct unit_report {
  unit_state state;
  char where[128]; /* under way: host and process */
  char why[512];   /* failed: the line that said so */
} unit_report;

/* DIR/log/NAME.what, whose directory is made. False: too long, or it cannot be made. */
bool sweep_log_path(char *path, const sweep *s, const char *name, const char *what);
mopo_sweep_unit sweep_unit(const sweep *s, int unit);
unit_report sweep_look(const sweep *s, int unit);
/* Makes a unit: an exit code, EXIT_AGAIN where it was stopped or another process is at it. */
int sweep_make(const sweep *s, int unit);

/* Engines: an exit code. */
int sweep_local(const sweep *s);
int sweep_slurm(const sweep *s);
int sweep_lines(const sweep *s);

/* DIR/results.csv from what is done. */
int sweep_results(const sweep *s);
int sweep_status(const sweep *s);

/* A run that is begun, resumed, or done already. */
int train_auto(mopo_train_result *out, const mopo_config *c, const mopo_watch *watch);

#endif
