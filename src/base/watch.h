/* watch.h - telling the caller of a long call how it goes, and asking whether it shall stop. Every
 * function takes NULL for a call that nobody watches. */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include "base/error.h"

/* Does the caller want the call to stop? Any thread may ask. */
bool watch_stopped(const mopo_watch *w);
/* One line worth keeping. */
void watch_line(const mopo_watch *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
void watch_progress(const mopo_watch *w, const mopo_progress *p);
/* A stage of which no figure is known yet: each is NAN. */
mopo_progress watch_stage(const char *stage, int64_t done, int64_t total);

#endif
