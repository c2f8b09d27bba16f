/* batch.h - the rows of one update. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H

#include "base/rng.h"
#include "data/dataset.h"
#include "data/replay.h"

/* B transitions: pointers to rows (data/dataset.h), wherever they live. Borrowed for one update. */
typedef struct batch {
  int B;
  row_layout at;
  const float *const *row; /* [B] */
} batch;

/* Fills rows [B]: the first `recorded` are of d, the rest of the ring; each draw belongs to
 * (update, place). d may be NULL where none is recorded, ring where all are. */
batch batch_draw(const float **rows, int B, const mopo_dataset *d, int recorded, const replay *ring,
                 rng_key key, uint64_t update);

#endif
