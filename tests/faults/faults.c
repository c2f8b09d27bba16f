/* faults.c - see faults.h. */
#include "faults/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shared with child processes, so that their calls are counted with their parent's. */
typedef struct plan {
  atomic_int kind;
  atomic_long left; /* calls until the one that fails */
  atomic_bool stays, fired;
  pid_t owner;
} plan;

static plan *the;
static bool suspended;

static bool fails(fault_kind kind)
{
  if (suspended || (fault_kind)atomic_load(&the->kind) != kind) return false;
  if (kind == FAULT_STORAGE && getpid() != the->owner) return false;
  long left = atomic_fetch_sub(&the->left, 1);
  if (left > 1 || (left < 1 && !atomic_load(&the->stays))) return false;
  atomic_store(&the->fired, true);
  errno = kind == FAULT_MEMORY ? ENOMEM : kind == FAULT_SIGNAL ? EINTR : EIO;
  return true;
}

void fault_arm(fault_kind kind, long k, bool stays)
{
  the->owner = getpid();
  atomic_store(&the->fired, false);
  atomic_store(&the->stays, stays);
  atomic_store(&the->left, k);
  atomic_store(&the->kind, (int)kind);
}

bool fault_disarm(void)
{
  atomic_store(&the->kind, FAULT_NONE);
  return atomic_load(&the->fired);
}

int fault_open_files(void)
{
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (d && readdir(d)) n++;
  if (d) closedir(d);
  return n;
}

/* ------------------------------------------------------------------ memory */

#define WRAP(type, name, ...)      \
  type __real_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__)

WRAP(void *, malloc, size_t n);
WRAP(void, free, void *p);

/* Which blocks are ours: free() also gets what the C library has taken by itself. */
typedef struct block {
  void *p;
  struct block *next;
} block;

enum { BUCKETS = 4096 };
static block *bucket[BUCKETS];
static long live;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static block **place_of(void *p) { return &bucket[((uintptr_t)p >> 4) % BUCKETS]; }

static void *taken(void *p)
{
  if (!p) return p;
  block *b = __real_malloc(sizeof *b);
  if (!b) abort();
  pthread_mutex_lock(&lock);
  block **at = place_of(p);
  *b = (block){p, *at};
  *at = b;
  live++;
  pthread_mutex_unlock(&lock);
  return p;
}

static void given_back(void *p)
{
  pthread_mutex_lock(&lock);
  block **at = place_of(p), *found;
  while (*at && (*at)->p != p) at = &(*at)->next;
  found = *at;
  if (found) {
    *at = found->next;
    live--;
  }
  pthread_mutex_unlock(&lock);
  __real_free(found);
}

long fault_live_blocks(void) { return live; }

WRAP(void *, malloc, size_t n) { return fails(FAULT_MEMORY) ? NULL : taken(__real_malloc(n)); }
WRAP(void *, calloc, size_t n, size_t size)
{
  return fails(FAULT_MEMORY) ? NULL : taken(__real_calloc(n, size));
}
WRAP(void *, aligned_alloc, size_t alignment, size_t n)
{
  return fails(FAULT_MEMORY) ? NULL : taken(__real_aligned_alloc(alignment, n));
}
WRAP(void *, realloc, void *p, size_t n)
{
  if (fails(FAULT_MEMORY)) return NULL;
  if (p) given_back(p);
  return taken(__real_realloc(p, n));
}
WRAP(void, free, void *p)
{
  if (p) given_back(p);
  __real_free(p);
}
WRAP(char *, realpath, const char *path, char *out)
{
  if (out) return __real_realpath(path, out);
  return fails(FAULT_MEMORY) ? NULL : taken(__real_realpath(path, out));
}
WRAP(char *, strdup, const char *text)
{
  return fails(FAULT_MEMORY) ? NULL : taken(__real_strdup(text));
}
WRAP(FILE *, open_memstream, char **text, size_t *n)
{
  return fails(FAULT_MEMORY) ? NULL : __real_open_memstream(text, n);
}
typedef void *thread_fn(void *);
WRAP(int, pthread_create, pthread_t *t, const pthread_attr_t *a, thread_fn *fn, void *ctx)
{
  return fails(FAULT_MEMORY) ? EAGAIN : __real_pthread_create(t, a, fn, ctx);
}

/* One allocation: jansson 2.14 aborts (lex_scan_string) where one of its own fails in here. */
WRAP(json_t *, json_loadb, const char *text, size_t n, size_t flags, json_error_t *why)
{
  if (fails(FAULT_MEMORY)) {
    *why->text = 0;
    return NULL;
  }
  suspended = true;
  json_t *root = __real_json_loadb(text, n, flags, why);
  suspended = false;
  return root;
}

__attribute__((constructor)) static void begin(void)
{
  the = mmap(NULL, sizeof *the, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (the == MAP_FAILED) abort();
  json_set_alloc_funcs(__wrap_malloc, __wrap_free);
}

/* ------------------------------------------------------------------ storage */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
  va_list ap;
  va_start(ap, flags);
  int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
  va_end(ap);
  return fails(FAULT_STORAGE) ? -1 : __real_open(path, flags, mode);
}
/* The descriptor is gone, as it is when the kernel says so. */
WRAP(int, close, int fd)
{
  int flags = fcntl(fd, F_GETFL);
  bool writes = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
  bool broken = writes && fails(FAULT_STORAGE);
  int cause = errno;
  int failed = __real_close(fd);
  if (broken) errno = cause;
  return broken ? -1 : failed;
}
WRAP(ssize_t, write, int fd, const void *bytes, size_t n)
{
  return fails(FAULT_STORAGE) || fails(FAULT_SIGNAL) ? -1 : __real_write(fd, bytes, n);
}
WRAP(ssize_t, pwrite, int fd, const void *bytes, size_t n, off_t at)
{
  return fails(FAULT_STORAGE) ? -1 : __real_pwrite(fd, bytes, n, at);
}
/* Nobody pulls the plug in these tests: what is synced need not be on the disk. */
WRAP(int, fsync, int fd)
{
  (void)fd;
  return fails(FAULT_STORAGE) ? -1 : 0;
}
WRAP(int, ftruncate, int fd, off_t n)
{
  return fails(FAULT_STORAGE) ? -1 : __real_ftruncate(fd, n);
}
WRAP(int, truncate, const char *path, off_t n)
{
  return fails(FAULT_STORAGE) ? -1 : __real_truncate(path, n);
}
WRAP(int, rename, const char *from, const char *to)
{
  return fails(FAULT_STORAGE) ? -1 : __real_rename(from, to);
}
WRAP(int, mkdir, const char *path, mode_t mode)
{
  return fails(FAULT_STORAGE) ? -1 : __real_mkdir(path, mode);
}
WRAP(FILE *, fopen, const char *path, const char *how)
{
  return fails(FAULT_STORAGE) ? NULL : __real_fopen(path, how);
}
/* Streams into memory have no descriptor. */
WRAP(size_t, fwrite, const void *p, size_t size, size_t n, FILE *f)
{
  return fileno(f) >= 0 && fails(FAULT_STORAGE) ? 0 : __real_fwrite(p, size, n, f);
}
WRAP(int, fputs, const char *text, FILE *f)
{
  return fileno(f) >= 0 && fails(FAULT_STORAGE) ? EOF : __real_fputs(text, f);
}
WRAP(int, fflush, FILE *f)
{
  if (fileno(f) < 0 || !fails(FAULT_STORAGE)) return __real_fflush(f);
  __fpurge(f);
  return EOF;
}

/* ------------------------------------------------------------------ reading */

WRAP(ssize_t, read, int fd, void *bytes, size_t n)
{
  return fails(FAULT_READ) || fails(FAULT_SIGNAL) ? -1 : __real_read(fd, bytes, n);
}
WRAP(ssize_t, pread, int fd, void *bytes, size_t n, off_t at)
{
  return fails(FAULT_READ) ? -1 : __real_pread(fd, bytes, n, at);
}
static FILE *broken; /* whose last reading failed */
WRAP(size_t, fread, void *p, size_t size, size_t n, FILE *f)
{
  broken = fails(FAULT_READ) ? f : NULL;
  return broken ? 0 : __real_fread(p, size, n, f);
}
WRAP(int, ferror, FILE *f) { return f == broken || __real_ferror(f); }
WRAP(int, fseeko, FILE *f, off_t at, int whence)
{
  return fails(FAULT_READ) ? -1 : __real_fseeko(f, at, whence);
}
WRAP(int, stat, const char *path, struct stat *about)
{
  return fails(FAULT_READ) ? -1 : __real_stat(path, about);
}
WRAP(int, fstat, int fd, struct stat *about)
{
  return fails(FAULT_READ) ? -1 : __real_fstat(fd, about);
}
