/* hdf5_quiet.h - what hdf5.c and hdf5_out.c, the two owners of the HDF5 library, share. */
#ifndef IO_HDF5_QUIET_H
#define IO_HDF5_QUIET_H

#include <hdf5.h>

/* The library prints its errors unless told otherwise, thread by thread. */
typedef struct quiet {
  H5E_auto2_t print;
  void *data;
} quiet;

static inline quiet quiet_begin(void)
{
  quiet q = {0};
  H5Eget_auto2(H5E_DEFAULT, &q.print, &q.data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return q;
}

static inline void quiet_end(quiet q)
{
  H5Eclear2(H5E_DEFAULT);
  H5Eset_auto2(H5E_DEFAULT, q.print, q.data);
}

#endif
