/* lock.h - one writer at a time, for outputs that take long to make. */
#ifndef IO_LOCK_H
#define IO_LOCK_H

#include "base/error.h"

typedef struct lock {
  char *name; /* PATH.writing, which exists while the lock is held */
  int fd;
} lock;

/* Holds `path` for this process until lock_release or its end, however that comes. EIO: another
 * process has it, or PATH.writing cannot be made; ENOMEM. Where a file system has no locks, all get
 * it. */
MUST_CHECK mopo_status lock_take(lock *l, const char *path, mopo_error *err);
/* {0} is fine. */
void lock_release(lock *l);

#endif
