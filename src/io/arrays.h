/* arrays.h - what every reader of a file of arrays hands over, whatever the container: the caller
 * names the arrays that it wants, the reader says which are there, then hands over their rows. */
#ifndef IO_ARRAYS_H
#define IO_ARRAYS_H

#include "base/error.h"

enum {
  IO_TEXT = 256,      /* bytes of a text cell, its 0 included; longer texts are cut */
  IO_BLOCK = 1 << 20, /* bytes handed to a sink at a time, at most */
};

/* An array that the caller wants, and what was found. A '#' in the name stands for 0, 1, 2, ...: as
 * many arrays as there are, one below the other, as if they were one. */
typedef struct io_array {
  const char *name; /* "observations", "infos/qpos", "episode_#/actions" */
  char as;          /* values are handed over as 'f' float32, 'd' float64, 's' text; or 'n' float64:
                     * not the values, but how many rows each of the arrays of a '#' has */
  bool required;
  /* found */
  bool present;
  int64_t rows;
  int cols;             /* 1 for [N]; [N,1] and [N] are the same thing */
  const int64_t *lines; /* [rows] of a text file: the line of each row, from 1; else NULL */
} io_array;

/* Who takes what is read. A status other than MOPO_OK stops the reading and is returned. */
typedef struct io_sink {
  /* Called once, when the shapes of all n arrays are known and no value has been read. */
  mopo_status (*begin)(void *ctx, const io_array *arrays, int n, mopo_error *err);
  /* Rows first .. first+n-1 of arrays[a], n * cols values; every array present, in order. */
  mopo_status (*rows)(void *ctx, int a, int64_t first, int n, const void *values, mopo_error *err);
  void *ctx;
} io_sink;

/* Bytes of one value handed over. */
static inline size_t io_cell(char as)
{
  return as == 'f' ? sizeof(float) : as == 's' ? IO_TEXT : sizeof(double);
}

#endif
