/* part.c - see part.h. */
#include "io/part.h"

#include "io/file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINKS_MAX = 40, STEM_MAX = 200, TRIES = 100, DIGITS = 12 };
static const char mark[] = ".mopo-", ending[] = ".part";

int file_open(const char *path, int flags, unsigned mode)
{
  return file_above(open(path, flags | O_CLOEXEC, mode));
}

int file_above(int fd)
{
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int cause = errno;
  close(fd);
  errno = cause;
  return higher;
}

FILE *file_stream(const char *path, const char *how)
{
  int flags = *how == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (*how == 'a' ? O_APPEND : O_TRUNC);
  int fd = file_open(path, flags, 0666);
  FILE *f = fd < 0 ? NULL : fdopen(fd, how);
  int cause = errno;
  if (fd >= 0 && !f) close(fd);
  errno = cause;
  return f;
}

static size_t length_of_dir(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The directory that the file is in; asks for no memory. False, errno set: too long a path. */
static bool directory_of(char out[PATH_BYTES], const char *path)
{
  size_t n = length_of_dir(path);
  if (n >= PATH_BYTES) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(out, n ? path : ".", n ? n : 1);
  out[n ? n : 1] = '\0';
  return true;
}

/* What a chain of symbolic links at the end of the path leads to, whether it exists or not; free()
 * it. NULL: errno says why. */
static char *follow(const char *path)
{
  char *at = strdup(path), link[PATH_BYTES];
  for (int i = 0; at && i < LINKS_MAX; i++) {
    ssize_t n = readlink(at, link, sizeof link - 1);
    if (n < 0 && (errno == EINVAL || errno == ENOENT)) return at; /* no link, or nothing */
    if (n < 0) {
      int cause = errno;
      free(at);
      errno = cause;
      return NULL;
    }
    link[n] = '\0';
    size_t dir = *link == '/' ? 0 : length_of_dir(at);
    char *next = malloc(dir + (size_t)n + 1);
    if (next) {
      memcpy(next, at, dir);
      memcpy(next + dir, link, (size_t)n + 1);
    }
    free(at);
    at = next;
  }
  if (at) errno = ELOOP;
  free(at);
  return NULL;
}

/* ------------------------------------------------------------------ what others left */

/* How much of its own name the target lends to the temporary one, which has to fit, too. */
static size_t stem_length(const char *target)
{
  size_t n = strlen(target + length_of_dir(target));
  return n < STEM_MAX ? n : STEM_MAX;
}

/* Is it the stem [n], the mark, twelve digits and the ending? */
static bool is_part_of(const char *name, const char *stem, size_t n)
{
  size_t m = sizeof mark - 1;
  if (strlen(name) != n + m + DIGITS + sizeof ending - 1) return false;
  return memcmp(name, stem, n) == 0 && memcmp(name + n, mark, m) == 0 &&
         strspn(name + n + m, "0123456789abcdef") == DIGITS &&
         strcmp(name + n + m + DIGITS, ending) == 0;
}

/* Removes a file that nobody holds a lock on. Where there are no locks, none is removed. */
static void remove_unheld(int dir, const char *name)
{
  struct stat here, there;
  int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &here) == 0 && S_ISREG(here.st_mode) &&
      fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && here.st_ino == there.st_ino &&
      here.st_dev == there.st_dev)
    unlinkat(dir, name, 0);
  close(fd);
}

/* Removes what earlier writers of the target left next to it. */
static void sweep(const char *target)
{
  char dir[PATH_BYTES];
  const char *stem = target + length_of_dir(target);
  DIR *d = directory_of(dir, target) ? opendir(dir) : NULL;
  for (struct dirent *e; d && (e = readdir(d));)
    if (is_part_of(e->d_name, stem, stem_length(target))) remove_unheld(dirfd(d), e->d_name);
  if (d) closedir(d);
}

/* ------------------------------------------------------------------ ours */

/* A new file of that name, with a lock on it. -1: errno says why; EEXIST: try another name. */
static int create(const char *name)
{
  struct stat s;
  int fd = file_open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
  if (fd < 0) return -1;
  bool locked = flock(fd, LOCK_EX) == 0;                 /* some file systems have no locks */
  if (locked && fstat(fd, &s) == 0 && s.st_nlink == 0) { /* swept before it was locked */
    close(fd);
    errno = EEXIST;
    return -1;
  }
  return fd;
}

static bool begin(part *p)
{
  size_t n = length_of_dir(p->target) + stem_length(p->target);
  size_t size = n + sizeof mark + DIGITS + sizeof ending;
  p->name = malloc(size);
  errno = ENOMEM;
  for (int i = 0; p->name && p->fd < 0 && i < TRIES; i++) {
    unsigned char x[DIGITS / 2];
    if (getrandom(x, sizeof x, 0) != sizeof x) return false;
    int at = snprintf(p->name, size, "%.*s%s", (int)n, p->target, mark);
    for (size_t k = 0; k < sizeof x; k++)
      at += snprintf(p->name + at, size - (size_t)at, "%02x", x[k]);
    memcpy(p->name + at, ending, sizeof ending);
    p->fd = create(p->name);
    if (p->fd < 0 && errno != EEXIST) return false;
  }
  return p->fd >= 0;
}

static void forget(part *p)
{
  free(p->target);
  free(p->name);
  *p = (part){.fd = -1};
}

mopo_status part_begin(part *p, const char *path, mopo_error *err)
{
  struct stat s;
  *p = (part){.fd = -1, .target = follow(path)};
  if (p->target && stat(p->target, &s) == 0 && !S_ISREG(s.st_mode)) {
    forget(p);
    return error_set(err, MOPO_EIO, "%s: not a regular file", file_tail(path));
  }
  if (p->target && begin(p)) {
    sweep(p->target);
    return MOPO_OK;
  }
  int cause = errno;
  forget(p);
  return error_set(err,
                   cause == ENOMEM         ? MOPO_ENOMEM
                   : cause == ENAMETOOLONG ? MOPO_EINVAL
                                           : MOPO_EIO,
                   "%s: %s", file_tail(path), strerror(cause));
}

bool file_sync_parent(const char *path)
{
  char dir[PATH_BYTES];
  int fd = directory_of(dir, path) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0) return false;
  bool ok = fsync(fd) == 0 || errno == EINVAL; /* some file systems cannot, and say so */
  close(fd);
  return ok;
}

/* The lock lasts as long as one of two descriptors of the file: so the data's errors are all known
 * before the rename (a close may be the first to tell), and nobody sweeps the file until after it.
 */
static bool finish(const part *p)
{
  int held = fcntl(p->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  bool ok = held >= 0 && fsync(p->fd) == 0;
  int cause = errno;
  if (close(p->fd) != 0 && ok) {
    ok = false;
    cause = errno;
  }
  if (ok && rename(p->name, p->target) != 0) {
    ok = false;
    cause = errno;
  }
  if (!ok) {
    unlink(p->name);
  } else if (!file_sync_parent(p->target)) {
    ok = false;
    cause = errno;
  }
  if (held >= 0 && close(held) != 0 && ok) return false;
  if (!ok) errno = cause;
  return ok;
}

mopo_status part_finish(part *p, mopo_error *err)
{
  assert(p->fd >= 0);
  mopo_status st = finish(p)
                       ? MOPO_OK
                       : error_set(err, MOPO_EIO, "%s: %s", file_tail(p->target), strerror(errno));
  forget(p);
  return st;
}

void part_abandon(part *p)
{
  if (p->fd < 0) return;
  unlink(p->name);
  close(p->fd);
  forget(p);
}
