/* progress.h - how far is it? A bar on a terminal, a plain line every 10 seconds elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

typedef struct progress {
  bool quiet, terminal, colour;
  bool drawn;  /* a bar is on the terminal's last line */
  double next; /* when the next plain line is due, seconds */
} progress;

progress progress_create(bool quiet);
/* Callbacks that draw on p, and the stop flag of cli.h. p outlives the call it watches. */
mopo_watch progress_watch(progress *p);
/* Takes the bar away. */
void progress_end(progress *p);

#endif
