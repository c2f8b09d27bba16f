/* hdf5.h - reads arrays from HDF5 files that nobody vouches for. */
#ifndef IO_HDF5_H
#define IO_HDF5_H

#include "io/arrays.h"

/* Reads the arrays of a file that nobody vouches for. Values may be stored as float, double,
 * integer or enum (h5py's bool). Links, external storage, virtual datasets and filters other than
 * deflate, shuffle and fletcher32 are refused, and so are sizes that the file's length belies.
 * The HDF5 library runs in a program of its own, confined (io/guard.h); the sink runs here. EIO
 * (cannot open), EFORMAT (not HDF5, truncated, damaged, an array missing or refused), ENOMEM,
 * EABSENT (the program is not there), ESTOPPED (by the sink's watch).
 */
MUST_CHECK mopo_status hdf5_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                                 mopo_error *err);

/* What the other process does: once at its start, and with the file open as `fd`. */
void hdf5_prepare(void);
MUST_CHECK mopo_status hdf5_parse_open(int fd, const char *name, io_array *arrays, int n,
                                       const io_sink *sink, mopo_error *err);
/* The same within this process, for tests. */
MUST_CHECK mopo_status hdf5_parse(const char *path, io_array *arrays, int n, const io_sink *sink,
                                  mopo_error *err);

#endif
