/* guard_wire.h - what goes between a process that wants arrays of a file (io/guard.c) and the
 * helper program that reads it (src/helper). The helper has the file as descriptor HELPER_FILE and
 * answers through its standard output: one HELLO, one SHAPES, any number of ROWS, one END. What it
 * is asked for are its arguments: the file's name for messages, then for each array its `as`, '!'
 * where it is required or '?', and its name: "f!observations". */
#ifndef IO_GUARD_WIRE_H
#define IO_GUARD_WIRE_H

#include <stdint.h>

enum { HELPER_FILE = 3, ARRAYS_MAX = 64 };

enum { HELLO = 1, SHAPES, ROWS, END };

/* Followed by: HELLO nothing (n: what confines it, see helper/confine.h); SHAPES n shapes; ROWS n
 * rows of `array`, from `first`; END a mopo_error. */
typedef struct message {
  int32_t kind, array;
  int64_t first, n; /* no padding: nothing uninitialised goes through the pipe */
} message;

typedef struct shape {
  int64_t rows;
  int32_t cols, present;
} shape;

#endif
