/* rate.c - see rate.h. */
#include "rate.h"

#include <stdbool.h>

static const double recent = 60, soonest = 0.5; /* seconds */

double rate_now(rate *r, int64_t done, int64_t total, double seconds)
{
  bool another = total != r->total;
  if (another) {
    *r = (rate){.total = total};
  } else if (done < r->done) {
    r->passes += r->done;
  }
  r->done = done;
  rate_mark here = {seconds, r->passes + done};
  if (another) {
    r->older = r->newer = here;
  } else if (seconds - r->newer.at > recent) {
    r->older = r->newer;
    r->newer = here;
  }
  double dt = seconds - r->older.at;
  return dt > soonest ? (double)(here.sum - r->older.sum) / dt : 0;
}
