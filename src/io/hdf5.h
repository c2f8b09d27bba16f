/* hdf5.h - reads arrays from HDF5 files that nobody vouches for. */
#ifndef IO_HDF5_H
#define IO_HDF5_H

#include "io/arrays.h"

/* Reads the arrays of a file that nobody vouches for. Values may be stored as float, double,
 * integer or enum (h5py's bool). Links, external storage, virtual datasets and filters other than
 * deflate, shuffle and fletcher32 are refused, and so are sizes that the file's length belies.
 * The HDF5 library runs in a process of its own with limits (io/guard.h); the sink runs here.
 * EIO (cannot open), EFORMAT (not HDF5, truncated, damaged, an array missing or refused), ENOMEM.
 */
MUST_CHECK mopo_status hdf5_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                                 mopo_error *err);

/* The same within this process: what hdf5_read runs in the other, and what a fuzzer wants. */
MUST_CHECK mopo_status hdf5_parse(const char *path, io_array *arrays, int n, const io_sink *sink,
                                  mopo_error *err);

#endif
