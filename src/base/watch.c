/* watch.c - see watch.h. */
#include "base/watch.h"

#include <math.h>
#include <stdarg.h>

#include "base/name.h"
#include "base/number.h"

enum { LINE_BYTES = 1400 }; /* room for a path */

bool watch_stopped(const mopo_watch *w) { return w && w->stop && *w->stop; }

void watch_line(const mopo_watch *w, const char *fmt, ...)
{
  char text[LINE_BYTES];
  if (!w || !w->line) return;
  va_list ap;
  va_start(ap, fmt);
  number_vprint(text, sizeof text, fmt, ap);
  va_end(ap);
  name_clean(text); /* names come from files */
  w->line(w->ctx, text);
}

void watch_progress(const mopo_watch *w, const mopo_progress *p)
{
  if (w && w->progress) w->progress(w->ctx, p);
}

mopo_progress watch_stage(const char *stage, int64_t done, int64_t total)
{
  const double none = (double)NAN;
  return (mopo_progress){.stage = stage,
                         .done = done,
                         .total = total,
                         .return_mean = none,
                         .score = none,
                         .critic_loss = none,
                         .q_mean = none,
                         .penalty_mean = none,
                         .holdout_mse = none};
}
