/* options.h - a verb's command line: settings of the library by their names, and a few flags. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli.h"

typedef struct options {
  const char *verb;    /* "train": selects the options that apply */
  const char *usage;   /* after "mopo ": "train --data FILE ..." */
  const char *purpose; /* a few lines for --help */
  int max_args;        /* arguments that are not options */

  mopo_config *c;
  mopo_config *typed; /* the command line alone */
  mopo_config *unset; /* the defaults */
  int n_args;
  char **args; /* they take the first places of argv */
  const char *config, *record, *repeats, *format;
  const char *dir, *seeds, *only, *preset, *steps, *engine, *jobs, *unit, *hours;
  bool help, json, quiet, resume, resume_auto, int8, dry_run, status;
} options;

/* Parses argv[1..argc-1] into o, whose first four fields the caller has set, reads --config, and
 * runs the verb, unless help was asked for, which is printed. An exit code; the message has been
 * printed. */
int options_run(options *o, int argc, char **argv, int (*run)(options *o));
/* Values of settings: a text, borrowed until it is set again; a number; the seed. */
const char *options_text(const options *o, const char *name);
double options_number(const options *o, const char *name);
uint64_t options_seed(const options *o);
/* Can the file that the setting names be read? A directory stands for its file `inside`; NULL: for
 * Minari's data. An exit code; the message has been printed. */
int options_path(options *o, const char *name, const char *inside);
/* Fails with EXIT_USAGE where the setting `name`, a text, is empty. */
int options_need(const options *o, const char *name);
/* The policy that the first argument names: a file, or a run directory. An exit code; the message
 * has been printed. */
int options_policy(mopo_policy **out, const options *o);
/* Its task: --task, else what the policy's file says. The same. */
int options_task(mopo_task **out, const options *o, const mopo_policy *p);
/* Can it be run in the simulator of this build? NULL: no. */
bool options_simulated(const mopo_task *task);

/* The i-th option of o->verb, settings first; false past the last. */
typedef struct option_row {
  const char *name;
  char metavar[400]; /* "": a switch */
  const char *help;
  char value[1100]; /* its default, "" if it has none */
} option_row;
bool options_row(option_row *out, const options *o, int i);

#endif
