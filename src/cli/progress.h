/* progress.h - how far is it? A live view on a terminal (live.h); a plain line every 10 seconds
 * elsewhere: in a pipe or file, with NO_COLOR or on a dumb terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "live.h"
#include "rate.h"

typedef struct progress {
  bool quiet, terminal;
  live live;
  double next; /* when the next view or line is due, seconds */
  rate rate;
} progress;

progress progress_create(bool quiet);
/* Callbacks that draw on p, and the stop flag of cli.h. p outlives the call it watches. */
mopo_watch progress_watch(progress *p);
/* Takes the view away, at the end of the call. */
void progress_end(progress *p);

#endif
