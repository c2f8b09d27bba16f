/* progress.h - how far is it? A bar on a terminal, a plain line every 10 seconds elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

typedef struct progress_mark {
  double at; /* seconds */
  int64_t done;
} progress_mark;

typedef struct progress {
  bool quiet, terminal, colour;
  bool drawn;  /* a bar is on the terminal's last line */
  double next; /* when the next bar or line is due, seconds */
  /* The rate is that since `older`, which follows a minute or two behind. */
  progress_mark older, newer;
  int64_t total; /* of the stage they belong to */
} progress;

progress progress_create(bool quiet);
/* Callbacks that draw on p, and the stop flag of cli.h. p outlives the call it watches. */
mopo_watch progress_watch(progress *p);
/* Takes the bar away. */
void progress_end(progress *p);

#endif
