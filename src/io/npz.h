/* npz.h - NumPy's archives: a zip file of arrays, each a .npy file, stored or deflated.
 * Formats: PKWARE's APPNOTE.TXT; numpy.lib.format. */
#ifndef IO_NPZ_H
#define IO_NPZ_H

#include "io/arrays.h"

/* As hdf5_read, without '#' and without texts: arrays of float32, float64, integers or bools, of
 * one or two dimensions, either byte order, in C order. Every size is checked against the file's
 * length before memory is taken, and every array against its checksum.
 * EIO, EFORMAT (not a zip file, damaged, encrypted, an array missing or refused), ENOMEM. */
MUST_CHECK mopo_status npz_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                                mopo_error *err);

/* An array to write: float 'f', or unsigned char 'b' (a bool). cols 0: [rows]. */
typedef struct npz_array {
  const char *name;
  char as;
  int64_t rows;
  int cols;
  const void *values;
} npz_array;

/* As numpy.savez_compressed. The same arrays give the same bytes. EIO, ENOMEM, EINVAL (more than
 * 4 GB). */
MUST_CHECK mopo_status npz_write(const char *path, const npz_array *arrays, int n, mopo_error *err);

#endif
