/* helper.h - a program that reads one file for another process (io/guard_wire.h). */
#ifndef HELPER_HELPER_H
#define HELPER_HELPER_H

#include "io/arrays.h"

/* Reads the arrays of the open file `fd`. `name`: of the file, for messages. */
typedef mopo_status helper_parser(int fd, const char *name, io_array *arrays, int n,
                                  const io_sink *sink, mopo_error *err);

/* Confines this process, runs the parser, answers. `prepare`: what has to be done before, because
 * it takes calls that are forbidden later; may be NULL. Returns the program's exit code. */
int helper_run(helper_parser *parse, void (*prepare)(void), int argc, char **argv);

#endif
