/* hdf5_out.h - writes HDF5 files of growing arrays, as D4RL's are: chunked, shuffled, gzip. */
#ifndef IO_HDF5_OUT_H
#define IO_HDF5_OUT_H

#include "base/error.h"

typedef struct hdf5_out hdf5_out;

/* The file appears at `path` when hdf5_out_close succeeds, whole (io/part.h). The same calls write
 * the same bytes. EIO, ENOMEM, EINVAL (a path too long). */
MUST_CHECK mopo_status hdf5_out_create(hdf5_out **out, const char *path, mopo_error *err);
/* An array that grows by rows of `cols` values, [N] if cols is 0; values are float 'f', double 'd'
 * or unsigned char 'b' (a bool as h5py writes it). *column names it afterwards. EIO, EINVAL (more
 * than 16). */
MUST_CHECK mopo_status hdf5_out_column(hdf5_out *o, int *column, const char *name, char as,
                                       int cols, mopo_error *err);
MUST_CHECK mopo_status hdf5_out_append(hdf5_out *o, int column, const void *values, int rows,
                                       mopo_error *err);
/* Values written once. Groups on the way are made: "metadata/policy/fc0/weight". cols 0: [rows]. */
MUST_CHECK mopo_status hdf5_out_text(hdf5_out *o, const char *name, const char *text,
                                     mopo_error *err);
/* texts [n], 1 or more, as one array. */
MUST_CHECK mopo_status hdf5_out_texts(hdf5_out *o, const char *name, const char *const *texts,
                                      int n, mopo_error *err);
MUST_CHECK mopo_status hdf5_out_number(hdf5_out *o, const char *name, double x, mopo_error *err);
MUST_CHECK mopo_status hdf5_out_floats(hdf5_out *o, const char *name, const float *x, int rows,
                                       int cols, mopo_error *err);
/* Writes what is left and gives the file its name; frees o in every case. EIO: what was at `path`
 * is still there. NULL is fine. */
MUST_CHECK mopo_status hdf5_out_close(hdf5_out *o, mopo_error *err);
/* Gives up: nothing is left. NULL is fine. */
void hdf5_out_abandon(hdf5_out *o);

#endif
