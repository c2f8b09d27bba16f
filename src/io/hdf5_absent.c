/* hdf5_absent.c - writing HDF5 in a build without it: refused, in one line. (Reading starts a
 * program of its own, io/guard.h, and says itself when that is not there.) */
#include "io/hdf5_out.h"

static mopo_status absent(mopo_error *err)
{
  return error_set(err, MOPO_EABSENT, "this build writes no HDF5, want a name that ends in .npz");
}

mopo_status hdf5_out_create(hdf5_out **out, const char *path, mopo_error *err)
{
  (void)path;
  *out = NULL;
  return absent(err);
}

mopo_status hdf5_out_column(hdf5_out *o, int *column, const char *name, char as, int cols,
                            mopo_error *err)
{
  (void)o, (void)column, (void)name, (void)as, (void)cols;
  return absent(err);
}

mopo_status hdf5_out_append(hdf5_out *o, int column, const void *values, int rows, mopo_error *err)
{
  (void)o, (void)column, (void)values, (void)rows;
  return absent(err);
}

mopo_status hdf5_out_text(hdf5_out *o, const char *name, const char *text, mopo_error *err)
{
  (void)o, (void)name, (void)text;
  return absent(err);
}

mopo_status hdf5_out_texts(hdf5_out *o, const char *name, const char *const *texts, int n,
                           mopo_error *err)
{
  (void)o, (void)name, (void)texts, (void)n;
  return absent(err);
}

mopo_status hdf5_out_number(hdf5_out *o, const char *name, double x, mopo_error *err)
{
  (void)o, (void)name, (void)x;
  return absent(err);
}

mopo_status hdf5_out_floats(hdf5_out *o, const char *name, const float *x, int rows, int cols,
                            mopo_error *err)
{
  (void)o, (void)name, (void)x, (void)rows, (void)cols;
  return absent(err);
}

mopo_status hdf5_out_close(hdf5_out *o, mopo_error *err)
{
  (void)o;
  return absent(err);
}

void hdf5_out_abandon(hdf5_out *o) { (void)o; }
