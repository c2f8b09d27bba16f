/* lock.c - see lock.h. */
#include "io/lock.h"

#include "io/file.h"
#include "io/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is the open file still the one of that name? Its last holder may have removed it. */
static bool is_named(int fd, const char *name)
{
  struct stat here, there;
  return fstat(fd, &here) == 0 && stat(name, &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

/* 0, or the errno. */
static int take(lock *l)
{
  for (;;) {
    l->fd = file_open(l->name, O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
    if (l->fd < 0) return errno;
    if (flock(l->fd, LOCK_EX | LOCK_NB) != 0) {
      int cause = errno;
      if (cause == ENOLCK || cause == ENOSYS || cause == EOPNOTSUPP) return 0;
      close(l->fd);
      return cause;
    }
    if (is_named(l->fd, l->name)) return 0;
    close(l->fd);
  }
}

mopo_status lock_take(lock *l, const char *path, mopo_error *err)
{
  size_t n = strlen(path);
  *l = (lock){.name = malloc(n + sizeof ".writing")};
  if (!l->name) return error_set(err, MOPO_ENOMEM, "%s: no memory", file_tail(path));
  memcpy(l->name, path, n);
  memcpy(l->name + n, ".writing", sizeof ".writing");
  int cause = take(l);
  if (!cause) return MOPO_OK;
  free(l->name);
  *l = (lock){0};
  return cause == EWOULDBLOCK
             ? error_set(err, MOPO_EIO, "%s: another process is making it", file_tail(path))
             : error_set(err, MOPO_EIO, "%s.writing: %s", file_tail(path), strerror(cause));
}

void lock_release(lock *l)
{
  if (!l->name) return;
  unlink(l->name); /* while it is held: the next holder makes its own */
  close(l->fd);
  free(l->name);
  *l = (lock){0};
}
