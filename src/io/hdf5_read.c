/* hdf5_read.c - see hdf5.h. */
#include "io/guard.h"
#include "io/hdf5.h"

mopo_status hdf5_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                      mopo_error *err)
{
  mopo_status st = guard_read(path, arrays, n, sink, err);
  return st || !sink->end ? st : sink->end(sink->ctx, err);
}
