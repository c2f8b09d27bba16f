/* file.c - see file.h. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static mopo_status fail(const char *path, mopo_error *err)
{
  mopo_status code = errno == ENOMEM ? MOPO_ENOMEM : MOPO_EIO;
  return error_set(err, code, "%s: %s", path, strerror(errno));
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

static void parent_of(char dir[PATH_BYTES], const char *path)
{
  /* a/b: "a/." */
  const char *slash = strrchr(path, '/');
  snprintf(dir, PATH_BYTES, "%.*s.", slash ? (int)(slash - path) + 1 : 0, path);
}

/* The rename is on the disk only when its directory is. */
static bool sync_parent(const char *path)
{
  char dir[PATH_BYTES];
  parent_of(dir, path);
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = fsync(fd) == 0 || errno == EINVAL; /* some file systems cannot, and say so */
  close(fd);
  return ok;
}

/* Writes beside the target and moves over it; path is no symbolic link. */
static mopo_status write_whole(const char *path, const file_piece *pieces, size_t count,
                               mopo_error *err)
{
  char part[PATH_BYTES];
  int len = snprintf(part, sizeof part, "%s.part", path);
  if ((size_t)len >= sizeof part) /* -1 too */
    return error_set(err, MOPO_EINVAL, "%.64s...: path too long", path);

  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return fail(path, err);
  bool ok = write_all(fd, pieces, count) && fsync(fd) == 0;
  int cause = errno;
  if (close(fd) != 0 && ok) {
    ok = false;
    cause = errno;
  }
  if (ok && rename(part, path) != 0) {
    ok = false;
    cause = errno;
  }
  if (!ok) {
    unlink(part);
    errno = cause;
    return fail(path, err);
  }
  return sync_parent(path) ? MOPO_OK : fail(path, err);
}

mopo_status file_check_target(const char *path, mopo_error *err)
{
  struct stat s;
  char dir[PATH_BYTES];
  if (stat(path, &s) == 0 && !S_ISREG(s.st_mode))
    return error_set(err, MOPO_EIO, "%s: not a regular file", path);
  parent_of(dir, path);
  return access(dir, W_OK) == 0 ? MOPO_OK : fail(path, err);
}

mopo_status file_write_pieces(const char *path, const file_piece *pieces, size_t count,
                              mopo_error *err)
{
  struct stat s;
  if (stat(path, &s) != 0) return write_whole(path, pieces, count, err);
  if (!S_ISREG(s.st_mode)) return error_set(err, MOPO_EIO, "%s: not a regular file", path);
  char *target = realpath(path, NULL); /* a symbolic link stays one */
  if (!target) return fail(path, err);
  mopo_status st = write_whole(target, pieces, count, err);
  free(target);
  return st;
}

mopo_status file_write(const char *path, const void *bytes, size_t n, mopo_error *err)
{
  return file_write_pieces(path, &(file_piece){bytes, n}, 1, err);
}

/* Reads to the end of fd or to limit bytes, whichever is first. False: errno says why. */
static bool read_all(int fd, char **out, size_t *n, size_t first, size_t limit)
{
  size_t cap = first < limit ? first : limit, used = 0;
  char *buf = malloc(cap + 1);
  while (buf) {
    ssize_t k = used < cap ? read(fd, buf + used, cap - used) : 0;
    if (k < 0 && errno == EINTR) continue;
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
  *out = NULL;
  *n = 0;
  size_t limit =
      max < SIZE_MAX - 1 ? max + 1 : SIZE_MAX - 1; /* one more tells "full" from "too long" */
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(path, err);
  struct stat s;
  /* A byte more than the size, so that the first read past it finds the end. */
  size_t first = fstat(fd, &s) == 0 && s.st_size > 0 ? (size_t)s.st_size + 1 : 65536;
  bool ok = read_all(fd, out, n, first, limit);
  int cause = errno;
  close(fd);
  errno = cause;
  if (!ok) return fail(path, err);
  if (*n > max) {
    free(*out);
    *out = NULL;
    *n = 0;
    return error_set(err, MOPO_EFORMAT, "%s: more than %zu bytes", path, max);
  }
  return MOPO_OK;
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
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) return fail(dir, err);
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
