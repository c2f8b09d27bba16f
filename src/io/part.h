/* part.h - a file under way: written under a temporary name of its own in the directory of its
 * target, and moved there when it is whole.
 *
 * The name is TARGET.mopo-XXXXXXXXXXXX.part with twelve random digits, so that two writers of one
 * target never share it. The writer holds a lock on it (flock): what is found without one was left
 * by a writer that is gone, and the next writer of the target removes it. No other file is touched.
 */
#ifndef IO_PART_H
#define IO_PART_H

#include "base/error.h"

#include <stdio.h>

typedef struct part {
  char *target, *name; /* paths; of the file to be, and of what is written now */
  int fd;              /* open for reading and writing, never 0, 1 or 2; -1: none */
} part;

/* Begins. A symbolic link stays one: its target is the file's, also where that does not exist yet.
 * EIO, ENOMEM, EINVAL (a path too long). On failure there is nothing to release. */
MUST_CHECK mopo_status part_begin(part *p, const char *path, mopo_error *err);
/* fsync, rename, fsync of the directory. Releases p in every case; on failure nothing is left and
 * the target is as it was. EIO. */
MUST_CHECK mopo_status part_finish(part *p, mopo_error *err);
/* Gives up: removes the temporary file. {.fd = -1} is fine. */
void part_abandon(part *p);

/* open(), but never 0, 1 or 2: where the host has closed one of its standard streams, what it
 * prints must not land in our file. O_CLOEXEC is added. */
int file_open(const char *path, int flags, unsigned mode);
/* The same for a descriptor that is open; -1 stays -1. */
int file_above(int fd);
/* fopen() likewise; how: "r", "w" or "a", and "b" is not needed. */
FILE *file_stream(const char *path, const char *how);

#endif
