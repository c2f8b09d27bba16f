/* penalty.h - measures of the ensemble's uncertainty u(s,a), always over all members. A penalty is
 * a row: its name, what it needs, and how it is measured. */
#ifndef MODEL_PENALTY_H
#define MODEL_PENALTY_H

#include "base/error.h"

/* What E member_outputs said of one row: D outputs each, of which output 0 is the reward. */
typedef struct member_outputs {
  const float *mean;     /* [D] of member 0; that of member e is e * stride floats further */
  const float *variance; /* || sigma ||_2^2 of member 0; of member e, e * step floats further */
  size_t stride, step;
  int E, D;
} member_outputs;

/* Every constant that is defined as `const penalty_type NAME` is one (cmake/rows.cmake). */
typedef struct penalty_type {
  const char *name, *help;
  bool compares;  /* members with each other: 0 everywhere where there is one */
  bool simulator; /* measured by the simulator, which the model does not know: imagine.h */
  /* u of one row; a NaN in what it looks at makes it NaN. NULL: 0. Of the members' means it may
   * look at only if it compares. */
  float (*measure)(const member_outputs *m);
} penalty_type;

/* The rows of the sources, collected when the library is built. NULL ends them. */
extern const penalty_type *const penalty_types[];
/* The i-th row, NULL past the last; the row of that name, NULL if there is none. */
const penalty_type *penalty_at(int i);
const penalty_type *penalty_named(const char *name);
/* The same; EINVAL: there is none, want one of ... */
MUST_CHECK mopo_status penalty_find(const penalty_type **out, const char *name, mopo_error *err);
/* EINVAL: it compares members, of which there is one: want one of ... */
MUST_CHECK mopo_status penalty_check(const penalty_type *p, int members, mopo_error *err);
/* Does it say anything of a row? `none` does not. */
bool penalty_measures(const penalty_type *p);

#endif
