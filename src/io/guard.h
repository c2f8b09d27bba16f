/* guard.h - reads a file by a program of its own, confined, so that a file that breaks the library
 * behind the parser, or takes it over, breaks nothing else. */
#ifndef IO_GUARD_H
#define IO_GUARD_H

#include "io/arrays.h"

/* The helper (guard_start.h) reads the arrays of `path`, the sink takes them here. What comes back
 * is checked against what was asked for: rows in order, whole, of known size. Besides the parser's
 * errors: EABSENT (no helper), EIO (no process to be had), ESTOPPED, EFORMAT (the parser crashed,
 * ran out of its limits or told nonsense). */
MUST_CHECK mopo_status guard_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                                  mopo_error *err);

#endif
