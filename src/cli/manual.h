/* manual.h - manual pages and completion for shells, from the tables that --help is printed from.
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include "options.h"

typedef struct manual_entry {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *help;
  const char *words; /* its first argument is one of these; "" if it is not */
} manual_entry;

/* One verb's part on stdout; form: "man" its page (mopo-train.1), with `help`, its line in the list
 * of verbs; "bash" a case of the completion's tables; "zsh" its function. */
void manual_verb(const options *o, const char *form, const char *help);

/* mopo.1, and the scripts for bash and zsh, on stdout. An exit code. */
int manual_page(const manual_entry *verbs, int n);
int manual_bash(const manual_entry *verbs, int n);
int manual_zsh(const manual_entry *verbs, int n);

#endif
