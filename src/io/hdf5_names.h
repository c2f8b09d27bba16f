/* hdf5_names.h - which names does an HDF5 file have: for hdf5.c, its only user. */
#ifndef IO_HDF5_NAMES_H
#define IO_HDF5_NAMES_H

#include "io/arrays.h"

#include <hdf5.h>

enum { HDF5_NAME = 256 }; /* bytes of a path within a file, its 0 included */

/* The numbers that stand for the '#' of one pattern, "episode_#/actions"; {0} at first. */
typedef struct hdf5_numbers {
  char before[HDF5_NAME]; /* the part of the pattern that they were listed for */
  int64_t *number;        /* [n] ascending */
  int64_t n, cap;
} hdf5_numbers;

/* Lists them anew where the pattern is another one. A group that is not there has none. False: no
 * memory, or a damaged file. Free number. */
MUST_CHECK bool hdf5_list_numbers(hdf5_numbers *out, hid_t file, const char *pattern);

/* Names, in an order that does not depend on the file's. Free name. */
typedef struct hdf5_names {
  char (*name)[HDF5_NAME]; /* [n] */
  int n, cap;
  bool failed; /* no memory, too many, or a name too long */
} hdf5_names;

/* The arrays, not the groups, at the top of the file; none of a file with more than 1000 names. */
void hdf5_list_top(hdf5_names *out, hid_t file);
/* The paths of all arrays in the group `path`, its groups within it too, in the order of their
 * keys: "_index_2" comes before "_index_10". */
void hdf5_list_leaves(hdf5_names *out, hid_t file, const char *path);

#endif
