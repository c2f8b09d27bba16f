/* guard.c - see guard.h. The child sends messages through a pipe: one SHAPES, any number of ROWS,
 * one END. The parent takes none of them at its word. */
#include "io/guard.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  MEMORY_MB = 1024,      /* that the child may take beyond what it inherits */
  CPU_SECONDS = 5,       /* and one more for every CPU_BYTES of the file: */
  CPU_BYTES = 4 << 20,   /* 30 times the usual */
  SILENCE_SECONDS = 120, /* between two messages */
  ARRAYS_MAX = 64,
};

enum { SHAPES = 1, ROWS, END };

/* Followed by: SHAPES n shapes; ROWS n rows of `array`, from `first`; END a mopo_error. */
typedef struct message {
  int32_t kind, array;
  int64_t first, n; /* no padding: nothing uninitialised goes through the pipe */
} message;

typedef struct shape {
  int64_t rows;
  int32_t cols, present;
} shape;

/* ------------------------------------------------------------------ the child */

typedef struct sender {
  int fd;
  const io_array *arrays;
} sender;

static bool send_bytes(int fd, const void *bytes, size_t n)
{
  const char *p = bytes;
  while (n > 0) {
    ssize_t k = write(fd, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    p += k;
    n -= (size_t)k;
  }
  return true;
}

static mopo_status send_two(int fd, const message *m, const void *bytes, size_t n)
{
  return send_bytes(fd, m, sizeof *m) && send_bytes(fd, bytes, n) ? MOPO_OK : MOPO_EIO;
}

static mopo_status send_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  const sender *s = ctx;
  (void)err;
  shape shapes[ARRAYS_MAX];
  for (int i = 0; i < n; i++)
    shapes[i] = (shape){arrays[i].rows, (int32_t)arrays[i].cols, arrays[i].present};
  message m = {.kind = SHAPES, .n = n};
  return send_two(s->fd, &m, shapes, (size_t)n * sizeof *shapes);
}

static mopo_status send_rows(void *ctx, int a, int64_t first, int n, const void *values,
                             mopo_error *err)
{
  const sender *s = ctx;
  (void)err;
  message m = {.kind = ROWS, .array = a, .n = n, .first = first};
  size_t row = (size_t)s->arrays[a].cols * io_cell(s->arrays[a].as);
  return send_two(s->fd, &m, values, (size_t)n * row);
}

static void limit(__rlimit_resource_t what, rlim_t most)
{
  struct rlimit l = {most, most + (what == RLIMIT_CPU)}; /* at the hard limit it is SIGKILL */
  setrlimit(what, &l);
}

/* Address space is limited relative to what was inherited, which under a sanitizer is terabytes. */
static void limit_memory(void)
{
  char line[128] = "";
  FILE *f = fopen("/proc/self/statm", "r");
  rlim_t pages = f && fgets(line, sizeof line, f) ? strtoull(line, NULL, 10) : 0;
  if (f) fclose(f);
  if (pages) limit(RLIMIT_AS, pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)MEMORY_MB << 20));
}

/* The file is opened by the lowest number that is free; one more, for whatever another file may be
 * that it names, cannot be had. */
static void limit_files(void)
{
  int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (lowest < 0) return;
  close(lowest);
  limit(RLIMIT_NOFILE, (rlim_t)lowest + 1);
}

/* What a library says while it breaks is no business of the user's terminal. */
static void silence(int but)
{
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; nowhere >= 0 && fd <= STDERR_FILENO; fd++)
    if (fd != but) dup2(nowhere, fd);
}

static void confine(const char *path)
{
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGPIPE};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) signal(deadly[i], SIG_DFL);
  signal(SIGINT, SIG_IGN); /* from the terminal: the parent decides what it means */
  struct stat about = {0};
  off_t bytes = stat(path, &about) == 0 ? about.st_size : 0;
  limit(RLIMIT_CPU, (rlim_t)(CPU_SECONDS + bytes / CPU_BYTES));
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
  limit_memory();
  limit_files();
}

static void run_child(guard_parser *parse, const char *path, io_array *arrays, int n, int fd)
{
  silence(fd);
  confine(path);
  sender s = {fd, arrays};
  io_sink sink = {send_shapes, send_rows, NULL, &s};
  mopo_error e = {0};
  e.code = parse(path, arrays, n, &sink, &e);
  message m = {.kind = END};
  _exit(send_two(fd, &m, &e, sizeof e) ? 1 : 0);
}

/* ------------------------------------------------------------------ the parent */

typedef struct receiver {
  const char *path; /* short enough for messages */
  int fd;
  pid_t pid;
  io_array *arrays;
  int n, array; /* the array whose rows come now */
  int64_t next; /* and its next row */
  bool begun, ended;
  bool broken, silent; /* the pipe: no more, or not in time */
  char *block;         /* [IO_BLOCK] */
} receiver;

static bool receive(receiver *r, void *bytes, size_t n)
{
  char *p = bytes;
  while (n > 0) {
    struct pollfd wait = {.fd = r->fd, .events = POLLIN};
    int ready = poll(&wait, 1, SILENCE_SECONDS * 1000);
    if (ready == 0) r->silent = true;
    ssize_t k = ready > 0 ? read(r->fd, p, n) : -1;
    if (ready != 0 && k < 0 && errno == EINTR) continue;
    if (k <= 0) {
      r->broken = true;
      return false;
    }
    p += k;
    n -= (size_t)k;
  }
  return true;
}

static mopo_status nonsense(const receiver *r, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: reading it broke off: damaged file", r->path);
}

static mopo_status take_shapes(receiver *r, const message *m, const io_sink *sink, mopo_error *err)
{
  shape shapes[ARRAYS_MAX] = {0};
  if (r->begun || m->n != r->n || !receive(r, shapes, (size_t)r->n * sizeof *shapes))
    return nonsense(r, err);
  for (int i = 0; i < r->n; i++) {
    io_array *a = &r->arrays[i];
    const shape *s = &shapes[i];
    size_t cell = io_cell(a->as);
    a->present = s->present != 0;
    a->rows = a->present ? s->rows : 0;
    a->cols = a->present ? s->cols : 0;
    bool sane = !a->present || (a->rows >= 0 && a->rows <= INT64_MAX / IO_BLOCK && a->cols > 0 &&
                                (size_t)a->cols <= IO_BLOCK / cell);
    if (!sane || (a->required && !a->present)) return nonsense(r, err);
  }
  r->begun = true;
  return sink->begin(sink->ctx, r->arrays, r->n, err);
}

/* Goes to the array whose rows are due. */
static void skip_done(receiver *r)
{
  while (r->array < r->n && r->next == r->arrays[r->array].rows) {
    r->array++;
    r->next = 0;
  }
}

static mopo_status take_rows(receiver *r, const message *m, const io_sink *sink, mopo_error *err)
{
  skip_done(r);
  if (!r->begun || r->array == r->n || m->array != r->array || m->first != r->next || m->n < 1)
    return nonsense(r, err);
  const io_array *a = &r->arrays[r->array];
  size_t row = (size_t)a->cols * io_cell(a->as);
  if (m->n > a->rows - r->next || (size_t)m->n > IO_BLOCK / row ||
      !receive(r, r->block, (size_t)m->n * row))
    return nonsense(r, err);
  r->next += m->n;
  return sink->rows(sink->ctx, r->array, m->first, (int)m->n, r->block, err);
}

static mopo_status take_end(receiver *r, mopo_error *err)
{
  mopo_error e;
  if (!receive(r, &e, sizeof e)) return nonsense(r, err);
  r->ended = true;
  skip_done(r);
  if (e.code == MOPO_OK) return r->begun && r->array == r->n ? MOPO_OK : nonsense(r, err);
  if (e.code != MOPO_EIO && e.code != MOPO_EFORMAT && e.code != MOPO_ENOMEM)
    return nonsense(r, err);
  e.msg[sizeof e.msg - 1] = '\0';
  for (char *c = e.msg; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
  return error_set(err, e.code, "%s", e.msg);
}

static mopo_status take_all(receiver *r, const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  while (!st && !r->ended) {
    message m;
    if (!receive(r, &m, sizeof m)) return nonsense(r, err);
    switch (m.kind) {
    case SHAPES:
      st = take_shapes(r, &m, sink, err);
      break;
    case ROWS:
      st = take_rows(r, &m, sink, err);
      break;
    case END:
      st = take_end(r, err);
      break;
    default:
      st = nonsense(r, err);
    }
  }
  return st;
}

/* Ends the child. If the pipe broke, says why. */
static mopo_status bury(const receiver *r, mopo_status st, mopo_error *err)
{
  int how = 0;
  close(r->fd);
  kill(r->pid, SIGKILL); /* does nothing to a child that has ended, or is about to */
  while (waitpid(r->pid, &how, 0) < 0 && errno == EINTR) continue;
  if (!r->broken) return st;
  if (r->silent)
    return error_set(err, MOPO_EFORMAT, "%s: no progress for %d s, given up", r->path,
                     SILENCE_SECONDS);
  if (!WIFSIGNALED(how)) return nonsense(r, err);
  if (WTERMSIG(how) == SIGXCPU)
    return error_set(err, MOPO_EFORMAT, "%s: takes too long to unpack for its size: damaged file",
                     r->path);
  return error_set(err, MOPO_EFORMAT,
                   "%s: breaks the library that reads it (signal %d): damaged file", r->path,
                   WTERMSIG(how));
}

mopo_status guard_read(guard_parser *parse, const char *path, io_array *arrays, int n,
                       const io_sink *sink, mopo_error *err)
{
  assert(n > 0 && n <= ARRAYS_MAX);
  size_t length = strlen(path);
  receiver r = {.path = length > 200 ? path + length - 200 : path, .arrays = arrays, .n = n};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC))
    return error_set(err, MOPO_EIO, "%s: no pipe to read it through: %s", r.path, strerror(errno));
  fcntl(ends[1], F_SETPIPE_SZ, IO_BLOCK); /* for speed; it may refuse */
  r.fd = ends[0];
  r.block = malloc(IO_BLOCK);
  r.pid = r.block ? fork() : -1; /* EAGAIN: too many processes */
  if (r.pid == 0) {
    close(ends[0]);
    run_child(parse, path, arrays, n, ends[1]);
  }
  int reason = errno;
  close(ends[1]);
  if (r.pid < 0) {
    close(ends[0]);
    free(r.block);
    return error_set(err, reason == ENOMEM ? MOPO_ENOMEM : MOPO_EIO,
                     "%s: no process to read it in: %s", r.path, strerror(reason));
  }
  mopo_status st = take_all(&r, sink, err);
  st = bury(&r, st, err);
  free(r.block);
  return st;
}
