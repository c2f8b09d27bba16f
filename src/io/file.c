/* file.c - see file.h. */
#include "io/file.h"

#include "base/watch.h"
#include "io/part.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PATH_BYTES = 4096,
  PIECE_BYTES = 1 << 24, /* read at a time */
  SLICE_MS = 100,        /* between two looks at the watch */
};

const char *file_tail(const char *path)
{
  size_t n = strlen(path);
  return n > 200 ? path + n - 200 : path;
}

static mopo_status fail(const char *path, mopo_error *err)
{
  mopo_status code = errno == ENOMEM ? MOPO_ENOMEM : MOPO_EIO;
  return error_set(err, code, "%s: %s", file_tail(path), strerror(errno));
}

static bool write_all(int fd, const file_piece *pieces, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    const char *bytes = pieces[i].bytes;
    size_t n = pieces[i].n;
    while (n) {
      ssize_t k = write(fd, bytes, n);
      if (k < 0 && errno == EINTR) continue;
      if (k < 0) return false;
      bytes += k;
      n -= (size_t)k;
    }
  }
  return true;
}

mopo_status file_check_target(const char *path, mopo_error *err)
{
  struct stat s;
  const char *slash = strrchr(path, '/');
  if (stat(path, &s) == 0 && !S_ISREG(s.st_mode))
    return error_set(err, MOPO_EIO, "%s: not a regular file", file_tail(path));
  char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
  if (!dir) return fail(path, err);
  bool ok = access(dir, W_OK) == 0;
  free(dir);
  return ok ? MOPO_OK : fail(path, err);
}

mopo_status file_write_pieces(const char *path, const file_piece *pieces, size_t count,
                              mopo_error *err)
{
  part p;
  mopo_status st = part_begin(&p, path, err);
  if (st != MOPO_OK) return st;
  if (write_all(p.fd, pieces, count)) return part_finish(&p, err);
  st = fail(path, err);
  part_abandon(&p);
  return st;
}

mopo_status file_write(const char *path, const void *bytes, size_t n, mopo_error *err)
{
  return file_write_pieces(path, &(file_piece){bytes, n}, 1, err);
}

/* read(), but where nothing comes for a while it looks at the watch: ECANCELED. A FIFO that nobody
 * writes yet is not at its end. */
static ssize_t read_some(int fd, char *to, size_t n, const mopo_watch *watch)
{
  for (;;) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready = poll(&wait, 1, SLICE_MS);
    if (watch_stopped(watch)) {
      errno = ECANCELED;
      return -1;
    }
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    ssize_t k = read(fd, to, n);
    if (k >= 0 || (errno != EINTR && errno != EAGAIN)) return k;
  }
}

/* Reads to the end of fd or to limit bytes, whichever is first. False: errno says why. */
static bool read_all(int fd, char **out, size_t *n, size_t first, size_t limit,
                     const mopo_watch *watch)
{
  size_t cap = first < limit ? first : limit, used = 0;
  char *buf = malloc(cap + 1);
  while (buf) {
    size_t room = cap - used < PIECE_BYTES ? cap - used : PIECE_BYTES;
    ssize_t k = room ? read_some(fd, buf + used, room, watch) : 0;
    if (k < 0) break;
    used += (size_t)k;
    if (k > 0) continue;
    if (used < cap || cap == limit) {
      buf[used] = 0;
      *out = buf;
      *n = used;
      return true;
    }
    cap = cap < limit / 2 ? cap * 2 : limit;
    char *grown = realloc(buf, cap + 1);
    if (!grown) break;
    buf = grown;
  }
  int cause = errno;
  free(buf);
  errno = cause;
  return false;
}

mopo_status file_read(char **out, size_t *n, const char *path, size_t max, mopo_error *err)
{
  return file_read_watched(out, n, path, max, NULL, err);
}

mopo_status file_read_watched(char **out, size_t *n, const char *path, size_t max,
                              const mopo_watch *watch, mopo_error *err)
{
  *out = NULL;
  *n = 0;
  size_t limit =
      max < SIZE_MAX - 1 ? max + 1 : SIZE_MAX - 1;    /* one more tells "full" from "too long" */
  int fd = file_open(path, O_RDONLY | O_NONBLOCK, 0); /* to open a FIFO must not make us wait */
  if (fd < 0) return fail(path, err);
  struct stat s;
  /* A byte more than the size, so that the first read past it finds the end. */
  size_t first = fstat(fd, &s) == 0 && s.st_size > 0 ? (size_t)s.st_size + 1 : 65536;
  bool ok = read_all(fd, out, n, first, limit, watch);
  int cause = errno;
  close(fd);
  errno = cause;
  if (!ok && cause == ECANCELED)
    return error_set(err, MOPO_ESTOPPED, "%s: stopped while reading it", file_tail(path));
  if (!ok) return fail(path, err);
  if (*n > max) {
    free(*out);
    *out = NULL;
    *n = 0;
    return error_set(err, MOPO_EFORMAT, "%s: more than %zu bytes", file_tail(path), max);
  }
  return MOPO_OK;
}

mopo_status file_open_regular(int *fd, const char *path, mopo_error *err)
{
  struct stat s;
  *fd = file_open(path, O_RDONLY | O_NONBLOCK, 0);
  if (*fd < 0) return fail(path, err);
  if (fstat(*fd, &s) == 0 && S_ISREG(s.st_mode)) return MOPO_OK;
  close(*fd);
  *fd = -1;
  return error_set(err, MOPO_EIO, "%s: not a regular file", file_tail(path));
}

mopo_status file_make_dir(const char *path, mopo_error *err)
{
  char dir[PATH_BYTES];
  int len = snprintf(dir, sizeof dir, "%s", path);
  if (len <= 0 || (size_t)len >= sizeof dir)
    return error_set(err, MOPO_EINVAL, "'%.64s': want the name of a directory", path);
  for (char *p = dir + 1;; p++) {
    if (*p && *p != '/') continue;
    char end = *p;
    *p = 0;
    struct stat s;
    bool made = mkdir(dir, 0777) == 0;
    if (!made && errno != EEXIST) return fail(dir, err);
    if (made && !file_sync_parent(dir)) return fail(dir, err);
    if (stat(dir, &s) != 0) return fail(dir, err);
    if (!S_ISDIR(s.st_mode)) return error_set(err, MOPO_EIO, "%s: is not a directory", dir);
    if (!end) return MOPO_OK;
    *p = end;
  }
}

bool file_same(const char *a, const char *b)
{
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool file_exists(const char *path) { return access(path, F_OK) == 0; }

mopo_status file_join(char *buf, size_t size, const char *dir, const char *name, mopo_error *err)
{
  size_t len = strlen(dir);
  const char *slash = len && dir[len - 1] != '/' ? "/" : "";
  int n = snprintf(buf, size, "%s%s%s", dir, slash, name);
  if ((size_t)n >= size) /* -1 too */
    return error_set(err, MOPO_EINVAL, "%.64s...%s: path too long, want < %zu bytes", dir, name,
                     size);
  return MOPO_OK;
}
