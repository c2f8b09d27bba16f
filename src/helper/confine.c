/* confine.c - see confine.h. The list of system calls is a program for the kernel's filter: it sees
 * the number of a call and its arguments, and answers "allow" or "fail with EPERM". Pointers it
 * cannot follow, so no call that takes a path is in the list. */
#include "helper/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  MEMORY_MB = 1024,    /* beyond what the program has when it starts */
  CPU_SECONDS = 5,     /* and one more for every CPU_BYTES of the file: */
  CPU_BYTES = 4 << 20, /* 30 times the usual */
};

/* ------------------------------------------------------------------ limits */

/* What setrlimit takes: an enumeration in glibc, an int elsewhere. */
#ifdef __GLIBC__
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

static void limit(resource what, rlim_t most)
{
  struct rlimit l = {most, most + (what == RLIMIT_CPU)}; /* at the hard limit it is SIGKILL */
  setrlimit(what, &l);
}

/* Address space is limited relative to what there is, which under a sanitizer is terabytes. */
static void limit_memory(void)
{
  char line[128] = "";
  FILE *f = fopen("/proc/self/statm", "re");
  rlim_t pages = f && fgets(line, sizeof line, f) ? strtoull(line, NULL, 10) : 0;
  if (f) fclose(f);
  if (pages) limit(RLIMIT_AS, pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)MEMORY_MB << 20));
}

static void close_from(int first)
{
  if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
  long most = sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < most; fd++) close(fd);
}

/* ------------------------------------------------------------------ Landlock */

/* As linux/landlock.h has it, for headers that are older than the kernel. */
typedef struct ruleset {
  uint64_t files, net, scoped;
} ruleset;

enum { LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1 };

/* A set of rules that handles every access to a path and allows none. */
static int no_files(void)
{
  static const uint64_t files_of[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
  long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
  if (version < 1) return 0;
  ruleset r = {.files = files_of[version < 5 ? version : 5],
               .net = version >= 4 ? 3 : 0,     /* binding and connecting by TCP */
               .scoped = version >= 6 ? 3 : 0}; /* abstract sockets and signals to others */
  size_t size = version >= 6 ? sizeof r : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
  long fd = syscall(LANDLOCK_CREATE, &r, size, 0);
  if (fd < 0) return 0;
  long failed = syscall(LANDLOCK_RESTRICT, fd, 0);
  close((int)fd);
  return failed ? 0 : CONFINE_FILES;
}

/* ------------------------------------------------------------------ seccomp */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

#ifdef ARCHITECTURE
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define DENY BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define LOAD(field) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
/* The lower half of an argument: flags and descriptors fit in it (little-endian machines). */
#define LOAD_ARG(i) LOAD(args[i])
#define IF_CALL(nr, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(nr), 0, skip)
#define ALLOW_CALL(nr) IF_CALL(nr, 1), ALLOW

static int no_calls(void)
{
  struct sock_filter code[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      LOAD(nr), /* x86's second set of numbers, from 2^30, matches none of these */
      ALLOW_CALL(SYS_read),
      ALLOW_CALL(SYS_pread64),
      ALLOW_CALL(SYS_lseek),
      ALLOW_CALL(SYS_futex),
      ALLOW_CALL(SYS_munmap),
      ALLOW_CALL(SYS_mremap),
      ALLOW_CALL(SYS_brk),
      ALLOW_CALL(SYS_close),
      ALLOW_CALL(SYS_exit),
      ALLOW_CALL(SYS_exit_group),
      ALLOW_CALL(SYS_rt_sigreturn),
      ALLOW_CALL(SYS_restart_syscall),
      ALLOW_CALL(SYS_clock_gettime),
      ALLOW_CALL(SYS_getrandom),
      ALLOW_CALL(SYS_madvise),
      /* to the standard output alone */
      IF_CALL(SYS_write, 4),
      LOAD_ARG(0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDOUT_FILENO, 0, 1),
      ALLOW,
      DENY,
      /* memory of its own, and none of it to be run */
      IF_CALL(SYS_mprotect, 4),
      LOAD_ARG(2),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
      ALLOW,
      DENY,
      IF_CALL(SYS_mmap, 7),
      LOAD_ARG(2),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 3, 0),
      LOAD_ARG(3),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, MAP_TYPE | MAP_ANONYMOUS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAP_PRIVATE | MAP_ANONYMOUS, 1, 0),
      DENY,
      ALLOW,
      DENY,
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? CONFINE_CALLS : 0;
}
#else
static int no_calls(void) { return 0; }
#endif

int confine(int last, long long bytes)
{
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGPIPE};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
  close_from(last + 1);
  limit_memory();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 0);
  limit(RLIMIT_CPU, (rlim_t)(CPU_SECONDS + bytes / CPU_BYTES));
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NPROC, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return 0;
  int held = no_files();
  limit(RLIMIT_NOFILE, (rlim_t)last + 1);
  return held | no_calls();
}
