/* guard_start.c - see guard_start.h. */
#include "io/guard_start.h"

#include "io/guard_wire.h"
#include "io/part.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, ENVIRONMENT = 8 };

static bool runs(const char *path)
{
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

/* Is it in one of the places next to `file`? */
static bool is_near(char path[PATH_BYTES], const char *file)
{
  static const char *const places[] = {"mopo-hdf5", "../mopo-hdf5", "../libexec/mopo/mopo-hdf5",
                                       "../../libexec/mopo/mopo-hdf5"};
  char whole[PATH_MAX];
  char *slash = realpath(file, whole) ? strrchr(whole, '/') : NULL;
  bool found = false;
  for (size_t i = 0; slash && !found && i < sizeof places / sizeof *places; i++) {
    int n = snprintf(path, PATH_BYTES, "%.*s%s", (int)(slash - whole) + 1, whole, places[i]);
    found = n < PATH_BYTES && runs(path);
  }
  return found;
}

/* By its variable, next to the library, next to the program, where it was meant to be installed. */
static bool find_helper(char path[PATH_BYTES])
{
  Dl_info library;
  const char *named = secure_getenv("MOPO_HDF5_HELPER");
  if (named && *named) {
    int n = snprintf(path, PATH_BYTES, "%s", named);
    return n < PATH_BYTES && runs(path);
  }
  if (dladdr((const void *)(uintptr_t)guard_start, &library) && library.dli_fname &&
      strchr(library.dli_fname, '/') && is_near(path, library.dli_fname))
    return true;
  if (is_near(path, "/proc/self/exe")) return true;
  snprintf(path, PATH_BYTES, "%s", MOPO_LIBEXEC "/mopo-hdf5");
  return runs(path);
}

/* What the helper inherits of the environment: where libraries are, and how sanitizers behave. */
static char **small_environment(char *kept[ENVIRONMENT])
{
  static const char *const names[] = {"LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
                                      "TSAN_OPTIONS=",    "LSAN_OPTIONS=", NULL};
  int n = 0;
  for (char **e = environ; e && *e; e++)
    for (int i = 0; names[i] && n + 1 < ENVIRONMENT; i++)
      if (strncmp(*e, names[i], strlen(names[i])) == 0) kept[n++] = *e;
  kept[n] = NULL;
  return kept;
}

/* Signals that a terminal or a scheduler sends to all of a group are for the caller to understand.
 */
static int attributes(posix_spawnattr_t *a)
{
  static const int others[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
  sigset_t set;
  int why = posix_spawnattr_init(a);
  if (why) return why;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) sigaddset(&set, others[i]);
  why = posix_spawnattr_setsigmask(a, &set);
  sigfillset(&set);
  if (!why) why = posix_spawnattr_setsigdefault(a, &set);
  if (!why) why = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (why) posix_spawnattr_destroy(a);
  return why;
}

/* 0, or the errno. Both descriptors are above 2. */
static int spawn(pid_t *pid, const char *helper, char *const *argv, int file, int to)
{
  char *kept[ENVIRONMENT];
  posix_spawnattr_t how;
  posix_spawn_file_actions_t files;
  int why = attributes(&how);
  if (why) return why;
  why = posix_spawn_file_actions_init(&files);
  if (!why) {
    why = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!why)
      why = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (!why) why = posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    if (!why) why = posix_spawn_file_actions_adddup2(&files, file, HELPER_FILE);
    if (!why) why = posix_spawn(pid, helper, &files, &how, argv, small_environment(kept));
    posix_spawn_file_actions_destroy(&files);
  }
  posix_spawnattr_destroy(&how);
  return why;
}

/* What is asked for, as arguments: in one block, free() it. NULL: no memory. */
static char **arguments(const char *helper, const char *name, const io_array *arrays, int n)
{
  size_t size = ((size_t)n + 3) * sizeof(char *);
  for (int i = 0; i < n; i++) size += strlen(arrays[i].name) + 3;
  char **argv = calloc(1, size);
  char *text = argv ? (char *)(argv + n + 3) : NULL;
  if (!argv) return NULL;
  argv[0] = (char *)(uintptr_t)helper;
  argv[1] = (char *)(uintptr_t)name;
  for (int i = 0; i < n; i++) {
    size_t length = strlen(arrays[i].name);
    argv[2 + i] = text;
    *text++ = arrays[i].as;
    *text++ = arrays[i].required ? '!' : '?';
    memcpy(text, arrays[i].name, length + 1);
    text += length + 1;
  }
  return argv;
}

mopo_status guard_start(pid_t *pid, int *from, int file, const char *name, const io_array *arrays,
                        int n, mopo_error *err)
{
  char helper[PATH_BYTES];
  int ends[2];
  *pid = 0;
  *from = -1;
  if (!find_helper(helper))
    return error_set(err, MOPO_EABSENT,
                     "%s: the program mopo-hdf5, which reads it, is not installed with the library "
                     "(MOPO_HDF5_HELPER may name it)",
                     name);
  if (pipe2(ends, O_CLOEXEC))
    return error_set(err, MOPO_EIO, "%s: no pipe to read it through: %s", name, strerror(errno));
  for (int i = 0; i < 2; i++) ends[i] = file_above(ends[i]);
  fcntl(ends[1], F_SETPIPE_SZ, IO_BLOCK); /* for speed; it may refuse */
  char **argv = arguments(helper, name, arrays, n);
  int why = argv ? spawn(pid, helper, argv, file, ends[1]) : ENOMEM;
  free(argv);
  close(ends[1]);
  if (!why) {
    *from = ends[0];
    return MOPO_OK;
  }
  close(ends[0]);
  *pid = 0;
  return error_set(err, why == ENOMEM ? MOPO_ENOMEM : MOPO_EIO, "%s: no process to read it in: %s",
                   name, strerror(why));
}
