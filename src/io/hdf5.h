/* hdf5.h - reads arrays from HDF5 files that nobody vouches for. */
#ifndef IO_HDF5_H
#define IO_HDF5_H

#include "base/error.h"

enum {
  HDF5_TEXT = 256,      /* bytes of a text cell, its 0 included; longer texts are cut */
  HDF5_BLOCK = 1 << 20, /* bytes handed to a sink at a time, at most */
};

/* An array that the caller wants, and what was found. A '#' in the name stands for 0, 1, 2, ...: as
 * many arrays as there are, one below the other, as if they were one. */
typedef struct hdf5_array {
  const char *name; /* "observations", "infos/qpos", "episode_#/actions" */
  char as;          /* values are handed over as 'f' float32, 'd' float64, 's' text; or 'n' float64:
                     * not the values, but how many rows each of the arrays of a '#' has */
  bool required;
  /* found */
  bool present;
  int64_t rows;
  int cols;             /* 1 for [N]; [N,1] and [N] are the same thing */
  const int64_t *lines; /* [rows] of a text file: the line of each row, from 1; else NULL */
} hdf5_array;

/* Who takes what is read. A status other than MOPO_OK stops the reading and is returned. */
typedef struct hdf5_sink {
  /* Called once, when the shapes of all n arrays are known and no value has been read. */
  mopo_status (*begin)(void *ctx, const hdf5_array *arrays, int n, mopo_error *err);
  /* Rows first .. first+n-1 of arrays[a], n * cols values; every array present, in order. */
  mopo_status (*rows)(void *ctx, int a, int64_t first, int n, const void *values, mopo_error *err);
  void *ctx;
} hdf5_sink;

/* Bytes of one value handed over. */
static inline size_t hdf5_cell(char as)
{
  return as == 'f' ? sizeof(float) : as == 's' ? HDF5_TEXT : sizeof(double);
}

/* Reads the arrays of a file that nobody vouches for. Values may be stored as float, double,
 * integer or enum (h5py's bool). Links, external storage, virtual datasets and filters other than
 * deflate, shuffle and fletcher32 are refused, and so are sizes that the file's length belies.
 * The HDF5 library runs in a process of its own with limits (io/guard.h); the sink runs here.
 * EIO (cannot open), EFORMAT (not HDF5, truncated, damaged, an array missing or refused), ENOMEM.
 */
MUST_CHECK mopo_status hdf5_read(const char *path, hdf5_array *arrays, int n, const hdf5_sink *sink,
                                 mopo_error *err);

/* The same within this process: what hdf5_read runs in the other, and what a fuzzer wants. */
MUST_CHECK mopo_status hdf5_parse(const char *path, hdf5_array *arrays, int n,
                                  const hdf5_sink *sink, mopo_error *err);

#endif
