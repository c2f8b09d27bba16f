/* file.h - whole files, written whole or not at all. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/error.h"

/* Writes `path` by way of a temporary file next to it (io/part.h). */
MUST_CHECK mopo_status file_write(const char *path, const void *bytes, size_t n, mopo_error *err);
/* The same from several pieces, one after the other. */
typedef struct file_piece {
  const void *bytes;
  size_t n;
} file_piece;
MUST_CHECK mopo_status file_write_pieces(const char *path, const file_piece *pieces, size_t count,
                                         mopo_error *err);
/* Reads a whole file of at most max bytes into new memory (free() it), with a 0 after the end. */
MUST_CHECK mopo_status file_read(char **out, size_t *n, const char *path, size_t max,
                                 mopo_error *err);
/* The same, of what may let us wait, as a FIFO does: ESTOPPED when the watch says so. */
MUST_CHECK mopo_status file_read_watched(char **out, size_t *n, const char *path, size_t max,
                                         const mopo_watch *watch, mopo_error *err);
/* Opens a file for reading; a FIFO is not waited for. EIO: also where it is no regular file. */
MUST_CHECK mopo_status file_open_regular(int *fd, const char *path, mopo_error *err);
/* Makes a directory and its parents; fine if it is there. */
MUST_CHECK mopo_status file_make_dir(const char *path, mopo_error *err);
bool file_exists(const char *path);
/* fsync of the directory that holds `path`: a rename or a new directory lasts only after it. */
bool file_sync_parent(const char *path);
/* The end of a path, short enough to leave room for the reason in a message. */
const char *file_tail(const char *path);
/* Do both names lead to one file or directory? */
bool file_same(const char *a, const char *b);
/* Could a file be written there? EIO: a directory or a device has that name (a rename would take
 * its place), or the directory that it is to be in is not there or cannot be written. */
MUST_CHECK mopo_status file_check_target(const char *path, mopo_error *err);
/* dir/name in buf; EINVAL when it does not fit. */
MUST_CHECK mopo_status file_join(char *buf, size_t size, const char *dir, const char *name,
                                 mopo_error *err);

#endif
