/* main.c - mopo-hdf5: reads arrays of an HDF5 file, confined. The library starts it; for nothing
 * else it is of use. */
#include "helper/helper.h"
#include "io/hdf5.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  if (argc >= 3) return helper_run(hdf5_parse_open, hdf5_prepare, argc, argv);
  fputs("mopo-hdf5: libmopo starts this program to read HDF5 files; it has no other use\n", stderr);
  return 2;
}
