/* verdict.h - what the trials come to: an interval, a verdict, and its reasons.
 *
 *   D[k,i] = V[k,i] - R[i]: member k's return of the policy from where stretch i began, less the
 *   return that is on record; pairing takes out what the start decides */
#ifndef OPE_VERDICT_H
#define OPE_VERDICT_H

#include "base/error.h"
#include "base/rng.h"

enum { VERDICT_DRAWS = 600, VERDICT_MEMBERS_LEAST = 4 };

/* Which members are believed: those that can play the recorded controller. */
typedef struct exam {
  int members, kept;
  int keep[32]; /* the kept ones, in ascending order */
  double sd;    /* of the recorded returns, at least a hundredth of their size */
  double clone; /* b: mean of D of the recorded controller's clone, over the kept members */
} exam;
/* D [members,n] of the clone with its noise; R [n]. A member whose mean of D is below -2 sd is
 * dropped, as long as VERDICT_MEMBERS_LEAST stay. */
void exam_take(exam *e, const double *D, const double *R, int members, int n);

typedef struct interval {
  double mean, low, high; /* 5 and 95 % */
} interval;
/* Of the mean of D over rows keep[kept] and n columns: both drawn with replacement, 600 times. */
void interval_of(interval *out, const double *D, const int *keep, int kept, int n, rng_key key);

/* outside: share of imagined states outside the record. Writes verdict, n_reasons, reasons. */
void verdict_give(mopo_estimate *out, const interval *d, const exam *e, double outside);

/* q: fitted Q's gain on the log. Where all of it lies below 0, `better` becomes `unknown`; no
 * policy becomes better by it. Adds a reason where the two do not agree. */
void verdict_veto(mopo_estimate *out, const interval *q);

#endif
