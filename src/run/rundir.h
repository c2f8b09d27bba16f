/* rundir.h - the run directory: what its files are called, and who may write them. */
#ifndef RUN_RUNDIR_H
#define RUN_RUNDIR_H

#include "base/error.h"

enum { RUN_PATH = 1100 }; /* room for a directory of the settings and any name in it */

/* dir/name in buf. EINVAL: too long. */
MUST_CHECK mopo_status rundir_path(char *buf, size_t size, const char *dir, mopo_run_part file,
                                   mopo_error *err);
/* Makes the directory and keeps other processes out of it until rundir_unlock(*lock), or until this
 * process ends. *lock -1: the file system knows no locks. EIO: also when another process has it. */
MUST_CHECK mopo_status rundir_lock(int *lock, const char *dir, mopo_error *err);
void rundir_unlock(int lock); /* -1 is fine */

#endif
