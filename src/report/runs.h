/* runs.h - the run directories of a report: what they recorded, and which of them are the same
 * method on the same data with another seed. */
#ifndef REPORT_RUNS_H
#define REPORT_RUNS_H

#include "config/config.h"
#include "run/fitlog.h"
#include "run/result.h"

/* What is drawn against updates: columns of progress.csv. */
typedef enum report_column {
  COLUMN_SCORE,
  COLUMN_RETURN,
  COLUMN_SPREAD,
  COLUMN_PENALTY,
  COLUMN_Q,
  COLUMN_Q_DATA,
  COLUMN_TRUE, /* discounted, in the simulator */
  COLUMN_MODEL,
  COLUMN_PENALISED,
  COLUMN_WALL,
  COLUMNS
} report_column;

/* The rows where there is a finite number. */
typedef struct series {
  double *x, *y; /* updates, value */
  int n;
} series;

typedef struct report_run {
  const char *dir; /* borrowed from the caller */
  mopo_config c;
  double epoch;  /* finished */
  bool finished; /* all of its epochs */
  series of[COLUMNS];
  double *memory; /* of the series */
  fitlog_tables fit;
  result_told told;   /* by result.json; nothing until it is finished */
  char settings[256]; /* what tells its method from others of the same algorithm */
  int cell, method;
} report_run;

/* A task with a dataset. */
typedef struct report_cell {
  const mopo_task *task;
  char name[160]; /* "hopper, hopper-medium-replay-sample"; "log.csv" of no known task */
} report_cell;

typedef struct report_method {
  char name[320]; /* the algorithm and what sets it apart from others of it: "mopo, epochs 40" */
  char tag[40];   /* short: "mopo", or "mopo 2" where there are several of it */
} report_method;

typedef struct report {
  int runs, cells, methods;
  report_run *run;       /* as given */
  report_cell *cell;     /* in the order in which the runs come, as are methods */
  report_method *method; /* [runs] at most */
} report;

/* EDATA (no run directory), EFORMAT (a file in it is not what was written), EIO, ENOMEM, EINVAL. */
MUST_CHECK mopo_status report_load(report *out, const char *const *dirs, int n, mopo_error *err);
void report_free(report *r);

/* The last value of a column, NAN where there is none. */
double run_last(const report_run *r, report_column column);
/* Do both runs read this setting, and differently? */
bool runs_differ(const report_run *a, const report_run *b, const mopo_setting *s);

#endif
