/* criminal.c - a helper program (src/helper) whose parser was taken over: it does what the file's
 * name says. "everything": tries each call that could harm and counts those that succeed. */
#include "helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is told, in place of arrays[0] of 3 rows and 2 columns, rows 0, 1, 2. */
typedef struct tale {
  const char *name;
  int begins; /* times that the shapes are told */
  int64_t rows;
  int cols;
  bool present;
  int array;
  int64_t first;
  int n;
} tale;

static const tale tales[] = {
    {"truth", 1, 3, 2, true, 0, 0, 3},
    {"nothing", 0, 3, 2, true, 0, 0, 0},
    {"no rows", 1, 3, 2, true, 0, 0, 0},
    {"few rows", 1, 3, 2, true, 0, 0, 2},
    {"many rows", 1, 3, 2, true, 0, 0, 4},
    {"late rows", 1, 3, 2, true, 0, 1, 2},
    {"other array", 1, 3, 2, true, 1, 0, 3},
    {"shapes twice", 2, 3, 2, true, 0, 0, 3},
    {"rows first", 0, 3, 2, true, 0, 0, 3},
    {"negative rows", 1, -3, 2, true, 0, 0, 0},
    {"endless rows", 1, INT64_MAX, 2, true, 0, 0, 0},
    {"no columns", 1, 3, 0, true, 0, 0, 0},
    {"endless columns", 1, 3, INT32_MAX, true, 0, 0, 0},
    {"absent", 1, 3, 2, false, 0, 0, 0},
    {"big block", 1, 1 << 20, 2, true, 0, 0, (1 << 17) + 1},
};

static char victim[] = "victim"; /* a file next to us, which is to stay */
static pid_t parent;
static char target[64]; /* the same address is the parent's memory, if it has one there */

typedef struct attempt {
  const char *name;
  bool (*succeeds)(void);
} attempt;

static bool opens_to_read(void) { return open(victim, O_RDONLY) >= 0; }
static bool opens_to_write(void) { return open(victim, O_WRONLY | O_TRUNC) >= 0; }
static bool creates(void) { return open("made", O_WRONLY | O_CREAT, 0666) >= 0; }
static bool unlinks(void) { return unlink(victim) == 0; }
static bool renames(void) { return rename(victim, "renamed") == 0; }
static bool truncates(void) { return truncate(victim, 0) == 0; }
static bool truncates_input(void) { return ftruncate(3, 0) == 0; }
static bool links(void) { return link(victim, "linked") == 0; }
static bool symlinks(void) { return symlink(victim, "symlinked") == 0; }
static bool makes_dir(void) { return mkdir("made_dir", 0777) == 0; }
static bool changes_dir(void) { return chdir("/") == 0; }
static bool changes_mode(void) { return chmod(victim, 0777) == 0; }
static bool changes_owner(void) { return chown(victim, 1, 1) == 0; }
static bool looks(void)
{
  struct stat s;
  return stat(victim, &s) == 0;
}
static bool lists(void) { return syscall(SYS_getdents64, 3, target, sizeof target) >= 0; }
static bool writes_input(void) { return write(3, "x", 1) == 1; }
static bool writes_error(void) { return write(2, "x", 1) == 1; }
static bool pwrites(void) { return pwrite(3, "x", 1, 0) == 1; }
static bool maps_shared(void)
{
  return mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0) != MAP_FAILED;
}
static bool maps_shared_to_write(void)
{
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0) != MAP_FAILED;
}
static bool maps_shared_memory(void)
{
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}
static bool maps_code(void)
{
  return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
         MAP_FAILED;
}
static bool makes_code(void)
{
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}
static bool talks(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0; }
static bool talks_by_datagrams(void) { return socket(AF_INET6, SOCK_DGRAM, 0) >= 0; }
static bool talks_nearby(void)
{
  int ends[2];
  return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
}
static bool makes_pipe(void)
{
  int ends[2];
  return pipe(ends) == 0;
}
static bool forks(void)
{
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  return pid > 0;
}
static bool forks_raw(void)
{
  long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid > 0;
}
static bool runs_a_shell(void)
{
  char *const argv[] = {"sh", "-c", "echo > shell_was_here", NULL};
  execve("/bin/sh", argv,
         NULL); /* does not come back when it succeeds: then the parent misses END */
  return false;
}
static bool traces(void) { return ptrace(PTRACE_ATTACH, parent, NULL, NULL) == 0; }
static bool reads_parent(void)
{
  struct iovec mine = {target, 1}, theirs = {target, 1};
  return process_vm_readv(parent, &mine, 1, &theirs, 1, 0) == 1;
}
static bool writes_parent(void)
{
  struct iovec mine = {target, 1}, theirs = {target, 1};
  return process_vm_writev(parent, &mine, 1, &theirs, 1, 0) == 1;
}
static bool signals_parent(void) { return kill(parent, SIGCONT) == 0; }
static bool signals_all(void) { return kill(-1, 0) == 0; }
static bool signals_thread(void) { return syscall(SYS_tgkill, parent, parent, SIGCONT) == 0; }
static bool asks_parent(void) { return syscall(SYS_pidfd_open, parent, 0) >= 0; }
static bool raises_limits(void)
{
  struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_AS, &l) == 0;
}
static bool copies_descriptor(void) { return dup(3) >= 0; }
static bool controls_descriptor(void) { return fcntl(3, F_SETFL, O_APPEND) == 0; }
static bool controls_device(void)
{
  int n = 0;
  return ioctl(3, FIONREAD, &n) == 0;
}
static bool changes_user(void) { return setuid(0) == 0; }
static bool changes_itself(void) { return prctl(PR_SET_DUMPABLE, 1) == 0; }
static bool hides_memory(void) { return syscall(SYS_memfd_create, "m", 0) >= 0; }
static bool shares_memory(void) { return syscall(SYS_shmget, 0, 4096, 01600) >= 0; }
static bool sends_messages(void) { return syscall(SYS_msgget, 0, 01600) >= 0; }
static bool makes_ring(void)
{
  char parameters[256] = {0};
  return syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}
static bool leaves_namespace(void) { return syscall(SYS_unshare, 0x10000000 /* users */) == 0; }
static bool loads_bpf(void) { return syscall(SYS_bpf, 0, target, sizeof target) >= 0; }
static bool counts_events(void)
{
  char attributes[128] = {0};
  return syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0) >= 0;
}
static bool keeps_keys(void) { return syscall(SYS_add_key, "user", "k", "v", 1, -2) >= 0; }
static bool changes_priority(void) { return setpriority(PRIO_PROCESS, 0, 5) == 0; }
static bool catches_signals(void) { return signal(SIGUSR1, SIG_IGN) != SIG_ERR; }
static bool moves_between(void) { return syscall(SYS_sendfile, 1, 3, NULL, 1) >= 0; }
static bool splices(void) { return syscall(SYS_splice, 3, NULL, 1, NULL, 1, 0) >= 0; }
static bool watches_files(void) { return syscall(SYS_inotify_init1, 0) >= 0; }
static bool waits_for_events(void) { return syscall(SYS_epoll_create1, 0) >= 0; }

#define TRY(f) \
  {            \
#f, f      \
  }
static const attempt attempts[] = {
    TRY(opens_to_read),
    TRY(opens_to_write),
    TRY(creates),
    TRY(unlinks),
    TRY(renames),
    TRY(truncates),
    TRY(truncates_input),
    TRY(links),
    TRY(symlinks),
    TRY(makes_dir),
    TRY(changes_dir),
    TRY(changes_mode),
    TRY(changes_owner),
    TRY(looks),
    TRY(lists),
    TRY(writes_input),
    TRY(writes_error),
    TRY(pwrites),
    TRY(maps_shared),
    TRY(maps_shared_to_write),
    TRY(maps_shared_memory),
    TRY(maps_code),
    TRY(makes_code),
    TRY(talks),
    TRY(talks_by_datagrams),
    TRY(talks_nearby),
    TRY(makes_pipe),
    TRY(forks),
    TRY(forks_raw),
    TRY(runs_a_shell),
    TRY(traces),
    TRY(reads_parent),
    TRY(writes_parent),
    TRY(signals_parent),
    TRY(signals_all),
    TRY(signals_thread),
    TRY(asks_parent),
    TRY(raises_limits),
    TRY(copies_descriptor),
    TRY(controls_descriptor),
    TRY(controls_device),
    TRY(changes_user),
    TRY(changes_itself),
    TRY(hides_memory),
    TRY(shares_memory),
    TRY(sends_messages),
    TRY(makes_ring),
    TRY(leaves_namespace),
    TRY(loads_bpf),
    TRY(counts_events),
    TRY(keeps_keys),
    TRY(changes_priority),
    TRY(catches_signals),
    TRY(moves_between),
    TRY(splices),
    TRY(watches_files),
    TRY(waits_for_events),
};

static mopo_status try_everything(mopo_error *err)
{
  int n = 0;
  size_t at = 0;
  err->msg[0] = '\0';
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    size_t length = strlen(attempts[i].name);
    if (!attempts[i].succeeds()) continue;
    n++;
    if (at + length + 20 > sizeof err->msg) continue;
    err->msg[at++] = ' ';
    memcpy(err->msg + at, attempts[i].name, length + 1);
    at += length;
  }
  if (n == 0) memcpy(err->msg, "none", 5);
  err->code = MOPO_EIO;
  return MOPO_EIO;
}

static mopo_status told(mopo_error *err, mopo_status code, const char *text)
{
  memcpy(err->msg, text, strlen(text) + 1);
  return err->code = code;
}

/* As a broken library does; a sanitizer would end it in a way of its own. */
__attribute__((no_sanitize("undefined", "address"))) static void crash(void)
{
  *(volatile int *)NULL = 1;
}

static mopo_status crime(const char *name, mopo_error *err)
{
  struct sigaction none;
  (void)none;
  if (strcmp(name, "crash") == 0) crash();
  if (strcmp(name, "abort") == 0) abort();
  if (strcmp(name, "exit") == 0) _exit(0);
  if (strcmp(name, "status") == 0) return (mopo_status)77;
  if (strcmp(name, "sink's status") == 0) return MOPO_EDATA;
  if (strcmp(name, "everything") == 0) return try_everything(err);
  if (strcmp(name, "message") == 0) {
    memset(err->msg, '\n', sizeof err->msg);
    return MOPO_EFORMAT;
  }
  if (strcmp(name, "memory") == 0) {
    void *p = mmap(NULL, (size_t)4 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return told(err, MOPO_ENOMEM, "no memory");
  }
  if (strcmp(name, "waits") == 0)
    for (int x = 0;;) syscall(SYS_futex, &x, 0, 0, NULL, NULL, 0);
  return MOPO_OK;
}

static mopo_status misbehave(int fd, const char *name, io_array *arrays, int n, const io_sink *sink,
                             mopo_error *err)
{
  static float values[1 << 19] = {0};
  mopo_status st = MOPO_OK;
  (void)fd;
  for (size_t i = 0; i < sizeof tales / sizeof *tales; i++) {
    const tale *t = &tales[i];
    if (strcmp(t->name, name)) continue;
    arrays[0].rows = t->rows;
    arrays[0].cols = t->cols;
    arrays[0].present = t->present;
    for (int k = 0; !st && k < t->begins; k++) st = sink->begin(sink->ctx, arrays, n, err);
    values[0] = (float)t->first;
    arrays[1].cols = t->cols;
    if (!st && t->n) st = sink->rows(sink->ctx, t->array, t->first, t->n, values, err);
    return st;
  }
  return crime(name, err);
}

int main(int argc, char **argv)
{
  parent = getppid();
  return helper_run(misbehave, NULL, argc, argv);
}
