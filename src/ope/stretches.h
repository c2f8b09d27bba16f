/* stretches.h - where trials begin: recorded episodes, or pieces of long ones. */
#ifndef OPE_STRETCHES_H
#define OPE_STRETCHES_H

#include "ope/trial.h"

enum { STRETCHES = 40, STRETCH_LONGEST = 1000 };

/* At most STRETCHES into out, in a random order under `key`; gives how many, at least one. Episodes
 * longer than STRETCH_LONGEST are cut into equal pieces; where fewer than ten come of it, all are
 * cut shorter, to 50 steps at least. A stretch that a terminal ends may be imagined as long as the
 * longest one is. cut [N] (may be NULL): 1 where a piece ends. ENOMEM. */
MUST_CHECK mopo_status stretches_choose(stretch out[STRETCHES], int *n, const mopo_dataset *d,
                                        unsigned char *cut, rng_key key, mopo_error *err);

#endif
