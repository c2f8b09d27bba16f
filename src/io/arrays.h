/* arrays.h - what every reader of a file of arrays hands over, whatever the container: the caller
 * names the arrays that it wants, the reader says which are there, then hands over their rows. */
#ifndef IO_ARRAYS_H
#define IO_ARRAYS_H

#include "base/error.h"

enum {
  IO_TEXT = 256,      /* bytes of a text cell, its 0 included; longer texts are cut */
  IO_BLOCK = 1 << 20, /* bytes handed to a sink at a time, at most */
};

/* The first cell of an array that was unreadable, as the file has it. */
typedef struct io_bad {
  int64_t row;
  int col;
  char text[48];
} io_bad;

/* An array that the caller wants, and what was found. A '#' in the name stands for the numbers that
 * the file has there, ascending, gaps or not: those arrays, one below the other, as if they were
 * one. */
typedef struct io_array {
  const char *name; /* "observations", "infos/qpos", "episode_#/actions" */
  /* What is handed over: 'f' float32, 'd' float64, 's' text [IO_TEXT];
   * 'k' float64: a key, equal where the values, numbers or texts, are equal;
   * 't' float64: a time, in seconds where the file has dates;
   * of the arrays of a '#', one row each, 'n' float64: how many rows it has; 'i' float64: its
   * number; 'l' texts: the names of all that the file has at its top (`name` does not matter). */
  char as;
  bool required;
  /* found */
  bool present;
  int64_t rows;
  int cols;                 /* 1 for [N]; [N,1] and [N] are the same thing */
  const int64_t *lines;     /* [rows] of a text file: the line of each row, from 1; else NULL */
  const char *const *names; /* [cols] of a text file: its columns' names; else NULL */
  const io_bad *bad;        /* of a text file, whose unreadable cells are NAN; NULL: none */
} io_array;

/* Who takes what is read. A status other than MOPO_OK stops the reading and is returned. */
typedef struct io_sink {
  /* Called once, when the shapes of all n arrays are known and no value has been read. */
  mopo_status (*begin)(void *ctx, const io_array *arrays, int n, mopo_error *err);
  /* Rows first .. first+n-1 of arrays[a], n * cols values; every array present, in order. */
  mopo_status (*rows)(void *ctx, int a, int64_t first, int n, const void *values, mopo_error *err);
  /* Called once, after all rows, while what the arrays point to is still there; may be NULL. */
  mopo_status (*end)(void *ctx, mopo_error *err);
  void *ctx;
  const mopo_watch *watch; /* asked whether to go on, ESTOPPED if not; may be NULL */
} io_sink;

/* Bytes of one value handed over. */
static inline size_t io_cell(char as)
{
  return as == 'f' ? sizeof(float) : as == 's' || as == 'l' ? IO_TEXT : sizeof(double);
}

/* One row for each of the arrays of a '#', or for each name: no values of the array itself. */
static inline bool io_counts(char as) { return as == 'n' || as == 'i'; }

#endif
