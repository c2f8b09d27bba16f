/* rowlog.c - see rowlog.h. */
#include "io/rowlog.h"

#include "io/part.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 18 }; /* bytes that wait, and bytes that are read at once, about */

struct rowlog {
  int fd;
  size_t row_bytes;
  int64_t block;       /* rows in a block */
  int64_t written;     /* rows in the file */
  int64_t waiting;     /* and rows that are not yet: in `tail` */
  int64_t first, held; /* rows first .. first + held - 1 are in `window` */
  char *tail, *window; /* [block,row_bytes] each */
  char path[4096];
};

static mopo_status failed(const rowlog *l, mopo_error *err)
{
  return error_set(err, MOPO_EIO, "%.200s: %s", l->path, strerror(errno));
}

static mopo_status take(rowlog *l, int64_t rows, mopo_error *err)
{
  struct stat s;
  if (flock(l->fd, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK
               ? error_set(err, MOPO_EIO, "%.200s: another process is writing it", l->path)
               : failed(l, err);
  if (fstat(l->fd, &s) != 0) return failed(l, err);
  int64_t there = (int64_t)s.st_size / (int64_t)l->row_bytes;
  if (there < rows)
    return error_set(err, MOPO_EFORMAT, "%.200s: %lld rows of %zu bytes, want at least %lld",
                     l->path, (long long)there, l->row_bytes, (long long)rows);
  if (ftruncate(l->fd, (off_t)rows * (off_t)l->row_bytes) != 0) return failed(l, err);
  l->written = rows;
  return MOPO_OK;
}

mopo_status rowlog_open(rowlog **out, const char *path, size_t row_bytes, int64_t rows,
                        mopo_error *err)
{
  assert(row_bytes > 0 && rows >= 0);
  *out = NULL;
  rowlog *l = calloc(1, sizeof *l);
  if (!l) return error_set(err, MOPO_ENOMEM, "%.200s: no memory", path);
  l->fd = -1, l->row_bytes = row_bytes;
  l->block = row_bytes < BLOCK ? (int64_t)(BLOCK / row_bytes) : 1;
  l->tail = malloc((size_t)l->block * row_bytes);
  l->window = malloc((size_t)l->block * row_bytes);
  int n = snprintf(l->path, sizeof l->path, "%s", path);
  mopo_status st = MOPO_OK;
  if (!l->tail || !l->window)
    st = error_set(err, MOPO_ENOMEM, "%.200s: no memory", path);
  else if (n < 0 || (size_t)n >= sizeof l->path)
    st = error_set(err, MOPO_EIO, "%.200s...: path too long", path);
  else if ((l->fd = file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666)) < 0)
    st = failed(l, err);
  else
    st = take(l, rows, err);
  if (st != MOPO_OK)
    rowlog_free(l);
  else
    *out = l;
  return st;
}

/* Rows first .. first + n - 1 of the file, to or from memory. */
static bool move(const rowlog *l, char *rows, int64_t first, int64_t n, bool out)
{
  size_t done = 0, all = (size_t)n * l->row_bytes;
  off_t at = (off_t)first * (off_t)l->row_bytes;
  while (done < all) {
    ssize_t k = out ? pwrite(l->fd, rows + done, all - done, at + (off_t)done)
                    : pread(l->fd, rows + done, all - done, at + (off_t)done);
    if (k < 0 && errno == EINTR) continue;
    if (k == 0) errno = EIO; /* shorter than it was */
    if (k <= 0) return false;
    done += (size_t)k;
  }
  return true;
}

static mopo_status flush(rowlog *l, mopo_error *err)
{
  if (!move(l, l->tail, l->written, l->waiting, true)) return failed(l, err);
  l->written += l->waiting;
  l->waiting = 0;
  return MOPO_OK;
}

mopo_status rowlog_add(rowlog *l, const void *row, mopo_error *err)
{
  if (l->waiting == l->block) { /* an earlier flush failed */
    mopo_status st = flush(l, err);
    if (st != MOPO_OK) return st;
  }
  memcpy(l->tail + (size_t)l->waiting * l->row_bytes, row, l->row_bytes);
  return ++l->waiting == l->block ? flush(l, err) : MOPO_OK;
}

mopo_status rowlog_sync(rowlog *l, mopo_error *err)
{
  mopo_status st = flush(l, err);
  return st == MOPO_OK && fsync(l->fd) != 0 ? failed(l, err) : st;
}

int64_t rowlog_rows(const rowlog *l) { return l->written + l->waiting; }

mopo_status rowlog_read(rowlog *l, const void **row, int64_t i, mopo_error *err)
{
  assert(i >= 0 && i < rowlog_rows(l));
  if (i >= l->written) {
    *row = l->tail + (size_t)(i - l->written) * l->row_bytes;
    return MOPO_OK;
  }
  if (i < l->first || i >= l->first + l->held) {
    int64_t n = l->written - i < l->block ? l->written - i : l->block;
    l->held = 0;
    if (!move(l, l->window, i, n, false)) return failed(l, err);
    l->first = i, l->held = n;
  }
  *row = l->window + (size_t)(i - l->first) * l->row_bytes;
  return MOPO_OK;
}

void rowlog_free(rowlog *l)
{
  if (!l) return;
  if (l->fd >= 0) close(l->fd);
  free(l->tail);
  free(l->window);
  free(l);
}
