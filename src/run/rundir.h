/* rundir.h - the run directory: what its files are called, and who may write them. */
#ifndef RUN_RUNDIR_H
#define RUN_RUNDIR_H

#include "base/error.h"

typedef enum run_file {
  RUN_CONFIG,     /* every setting, resolved */
  RUN_PROGRESS,   /* one line an epoch */
  RUN_EVENTS,     /* the same for TensorBoard */
  RUN_FIT,        /* a fit under way; gone when the ensemble is there */
  RUN_MODEL,      /* the fitted ensemble */
  RUN_POLICY,     /* the newest policy */
  RUN_CHECKPOINT, /* everything needed to go on with the same bits */
  RUN_RESULT,     /* written last */
  RUN_LOCK,
} run_file;

enum { RUN_PATH = 1100 }; /* room for a directory of the settings and any name in it */

/* dir/name in buf. EINVAL: too long. */
MUST_CHECK mopo_status rundir_path(char *buf, size_t size, const char *dir, run_file file,
                                   mopo_error *err);
/* Makes the directory and keeps other processes out of it until rundir_unlock(*lock), or until this
 * process ends. *lock -1: the file system knows no locks. EIO: also when another process has it. */
MUST_CHECK mopo_status rundir_lock(int *lock, const char *dir, mopo_error *err);
void rundir_unlock(int lock); /* -1 is fine */

#endif
