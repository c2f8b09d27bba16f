/* dataset.h - what happened: N transitions, each one contiguous row. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/error.h"

/* Where things are in a row: obs [S], act [A], rew, next [S], done; width W = 2S + A + 2. The same
 * layout serves dataset, replay ring and batches. */
typedef struct row_layout {
  int S, A;
  int act, rew, next, done, width; /* offsets in floats; obs is at 0 */
} row_layout;

row_layout row_layout_of(int S, int A);

struct mopo_dataset {
  row_layout at;
  int64_t N;
  float *rows;             /* [N,W]; done = 1 only for terminals */
  unsigned char *timeouts; /* [N]: 1 = the recording was cut after this row */
  unsigned char *ends;     /* [N]: 1 = last row of its episode (terminal, timeout, row lost, end of file) */
  char kind[24];
  char name[256];          /* file name, for messages */
};

/* Row i, width W. */
static inline const float *dataset_row(const mopo_dataset *d, int64_t i)
{
  return d->rows + (size_t)i * (size_t)d->at.width;
}

#endif
