/* guard.h - runs a parser in a process of its own, with limits on memory and time, so that a file
 * that breaks the library behind the parser breaks nothing else. */
#ifndef IO_GUARD_H
#define IO_GUARD_H

#include "io/arrays.h"

typedef mopo_status guard_parser(const char *path, io_array *arrays, int n, const io_sink *sink,
                                 mopo_error *err);

/* As parse(path, arrays, n, sink, err), but the parser runs in a child process and the sink here.
 * What comes back is checked against what was asked for: rows in order, whole, of known size.
 * Besides the parser's errors: EIO (no process to be had), EFORMAT (the parser crashed, ran out of
 * its limits or told nonsense). */
MUST_CHECK mopo_status guard_read(guard_parser *parse, const char *path, io_array *arrays, int n,
                                  const io_sink *sink, mopo_error *err);

#endif
