/* live.h - a run as it goes, in one region at the end of the terminal that is drawn again and
 * again: what is being done and until when, the model's fit, the newest figures, the last scores.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli.h"
#include "plot.h"

typedef struct live {
  plot_curve returns, fit; /* by epoch: return_mean; holdout error, mean of the members */
  int epoch, fit_epoch;    /* their newest */
  mopo_progress newest;    /* the newest figures of all events */
  double mse[32];
  int members;
  int lines, columns; /* of the region on the terminal, 0: none; and of the terminal then */
  int width[16];      /* of its lines, in columns */
} live;

/* Every event, so that no epoch is missed. */
void live_note(live *l, const mopo_progress *p);
/* Draws the region over the last one. `rest` says rate and remaining time. The cursor is left on
 * the line below it, which is empty: there a signal's note goes. */
void live_draw(live *l, const mopo_progress *p, const char *rest);
/* Takes the region away; the cursor stands where it began. */
void live_clear(live *l);
void live_free(live *l);

#endif
