/* rundir.c - see rundir.h. */
#include "run/rundir.h"

#include "io/file.h"
#include "io/part.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char *const names[] = {
    [MOPO_RUN_CONFIG] = "config.ini",         [MOPO_RUN_TASK] = "task.ini",
    [MOPO_RUN_PROGRESS] = "progress.csv",     [MOPO_RUN_EVENTS] = "events.out.tfevents.mopo",
    [MOPO_RUN_FIT] = "fit.safetensors",       [MOPO_RUN_MODEL] = "model.safetensors",
    [MOPO_RUN_POLICY] = "policy.safetensors", [MOPO_RUN_CHECKPOINT] = "checkpoint.safetensors",
    [MOPO_RUN_RESULT] = "result.json",        [MOPO_RUN_LOCK] = "lock",
};

const char *mopo_run_file(mopo_run_part which)
{
  return (size_t)which < sizeof names / sizeof *names ? names[which] : NULL;
}

mopo_status rundir_path(char *buf, size_t size, const char *dir, mopo_run_part file,
                        mopo_error *err)
{
  return file_join(buf, size, dir, names[file], err);
}

mopo_status rundir_lock(int *lock, const char *dir, mopo_error *err)
{
  char path[RUN_PATH];
  *lock = -1;
  mopo_status st = file_make_dir(dir, err);
  if (st == MOPO_OK) st = rundir_path(path, sizeof path, dir, MOPO_RUN_LOCK, err);
  if (st != MOPO_OK) return st;
  int fd = file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
  if (fd < 0) return error_set(err, MOPO_EIO, "%s: %s", path, strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK) { /* some cluster file systems */
      close(fd);
      return MOPO_OK;
    }
    st = errno == EWOULDBLOCK
             ? error_set(err, MOPO_EIO, "%s: another process is writing this run directory", dir)
             : error_set(err, MOPO_EIO, "%s: %s", path, strerror(errno));
    close(fd);
    return st;
  }
  *lock = fd;
  return MOPO_OK;
}

/* Is another process at it? One that holds the lock, on this machine or on one that shares the file
 * system. */
static bool under_way(const char *dir)
{
  char path[RUN_PATH];
  if (rundir_path(path, sizeof path, dir, MOPO_RUN_LOCK, NULL) != MOPO_OK) return false;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (fd >= 0) close(fd);
  return held;
}

static bool has(const char *dir, mopo_run_part file)
{
  char path[RUN_PATH];
  return rundir_path(path, sizeof path, dir, file, NULL) == MOPO_OK && file_exists(path);
}

mopo_run_state mopo_run_find(const char *dir)
{
  if (under_way(dir)) return MOPO_RUN_UNDER_WAY;
  if (has(dir, MOPO_RUN_RESULT)) return MOPO_RUN_DONE;
  return has(dir, MOPO_RUN_CONFIG) ? MOPO_RUN_BEGUN : MOPO_RUN_ABSENT;
}

void rundir_unlock(int lock)
{
  if (lock >= 0) close(lock);
}
