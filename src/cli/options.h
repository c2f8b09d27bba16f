/* options.h - a verb's command line: settings of the library by their names, and a few flags. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli.h"

typedef struct options {
  const char *verb;    /* "train": selects the options that apply */
  const char *usage;   /* after "mopo ": "train --data FILE ..." */
  const char *purpose; /* a few lines for --help */
  int max_args;        /* arguments that are not options */

  mopo_config c;
  int n_args;
  char **args; /* they take the first places of argv */
  const char *config, *record, *repeats, *format, *columns, *action_range;
  const char *dir, *seeds, *only, *preset, *steps;
  bool help, json, quiet, resume, int8, dry_run;
  unsigned char typed[sizeof(((mopo_config *)0)->marked)]; /* settings of the command line itself */
} options;

/* Parses argv[1..argc-1] into o, whose first four fields the caller has set, then reads --config.
 * EXIT_DONE with o->help: the help has been printed. Otherwise an exit code; the message has been
 * printed. */
int options_parse(options *o, int argc, char **argv);
/* Fails with EXIT_USAGE where the setting `name`, a text, is empty. */
int options_need(const options *o, const char *name);
/* The policy that the first argument names: a file, or a run directory. An exit code; the message
 * has been printed. */
int options_policy(mopo_policy **out, const options *o);
/* Its task: --task, else what the policy's file says. The same. */
int options_task(const mopo_task **out, const options *o, const mopo_policy *p);

/* The i-th option of o->verb, settings first; false past the last. */
typedef struct option_row {
  const char *name, *metavar; /* metavar NULL: a switch */
  const char *help;
  char value[1100]; /* its default, "" if it has none */
} option_row;
bool options_row(option_row *out, const options *o, int i);
/* Does the verb read the setting? */
bool options_reads(const mopo_setting *s, const char *verb);

#endif
