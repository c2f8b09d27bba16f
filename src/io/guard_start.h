/* guard_start.h - finds and starts the helper program mopo-hdf5. It is started anew and not forked:
 * a host may have threads, and what it has open, what it knows and what it may do is not inherited.
 */
#ifndef IO_GUARD_START_H
#define IO_GUARD_START_H

#include "io/arrays.h"

#include <sys/types.h>

/* Starts it on the open file; *from: to read its messages from (guard_wire.h). `name`: of the file,
 * for messages. The program is sought where MOPO_HDF5_HELPER says; next to the library, next to the
 * program, in ../libexec/mopo of both; where it was to be installed. EABSENT, EIO, ENOMEM. */
MUST_CHECK mopo_status guard_start(pid_t *pid, int *from, int file, const char *name,
                                   const io_array *arrays, int n, mopo_error *err);

#endif
