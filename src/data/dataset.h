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
  unsigned char
      *ends; /* [N]: 1 = last row of its episode (terminal, timeout, row lost, end of file) */
  char kind[24];
  char name[256]; /* file name, for messages */
};

/* Row i, width W. */
static inline const float *dataset_row(const mopo_dataset *d, int64_t i)
{
  return d->rows + (size_t)i * (size_t)d->at.width;
}

/* ------------------------------------------------------------------ filling one */

/* Where a block of values comes from, for messages. */
typedef struct origin {
  const char *file, *array;
  int64_t first; /* row of the block's first */
} origin;

/* N rows whose values are not set yet; no timeouts. ENOMEM: also more than this machine has. */
MUST_CHECK mopo_status dataset_create(mopo_dataset **out, int64_t N, int S, int A, const char *name,
                                      mopo_error *err);
/* Copies x [n,C] to column `to` of rows row.. EDATA: not finite. */
MUST_CHECK mopo_status dataset_put(mopo_dataset *d, int64_t row, int to, const float *x, int64_t n,
                                   int C, const origin *o, mopo_error *err);
/* Copies x [n,A], scaled from min..max to -1..1. EDATA: not finite, out of range. */
MUST_CHECK mopo_status dataset_put_actions(mopo_dataset *d, int64_t row, const float *x, int64_t n,
                                           float min, float max, const origin *o, mopo_error *err);
/* Terminals or timeouts must be 0 or 1. EDATA. */
MUST_CHECK mopo_status dataset_check_flags(const float *x, int64_t n, const origin *o,
                                           mopo_error *err);
/* Row i ends its episode if it is terminal, was cut off, or is the last. */
void dataset_mark_ends(mopo_dataset *d);

#endif
