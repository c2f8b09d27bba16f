/* rate.h - how fast does a count go up? */
#ifndef CLI_RATE_H
#define CLI_RATE_H

#include <stdint.h>

typedef struct rate_mark {
  double at; /* seconds */
  int64_t sum;
} rate_mark;

typedef struct rate {
  /* The rate is that since `older`, which follows a minute or two behind. */
  rate_mark older, newer;
  int64_t total;        /* of the stage they belong to */
  int64_t done, passes; /* the newest count; what the passes before this one came to */
} rate;

/* Per second, in recent times, at `seconds` of any clock; 0: not known yet. What happens between
 * the steps of a stage counts: the rate tells when the work will be done. A resumed run begins in
 * the middle of its stage; each pass over the data (an epoch of a fit) counts from 0 again. */
double rate_now(rate *r, int64_t done, int64_t total, double seconds);

#endif
