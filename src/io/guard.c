/* guard.c - see guard.h. The helper's messages are in guard_wire.h; none is taken at its word. */
#include "io/guard.h"

#include "base/clock.h"
#include "base/watch.h"
#include "io/file.h"
#include "io/guard_start.h"
#include "io/guard_wire.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  SILENCE_SECONDS = 120, /* between two messages */
  SLICE_MS = 100,        /* between two looks at the stop flag */
};

typedef struct receiver {
  const char *path; /* short enough for messages */
  int fd;
  pid_t pid;
  io_array *arrays;
  int n, array; /* the array whose rows come now */
  int64_t next; /* and its next row */
  bool greeted, begun, ended;
  bool broken, silent, stopped; /* the pipe: no more, not in time, not wanted */
  const mopo_watch *watch;
  char *block; /* [IO_BLOCK] */
} receiver;

/* ------------------------------------------------------------------ its messages */

static bool receive(receiver *r, void *bytes, size_t n)
{
  char *p = bytes;
  double silent_at = clock_seconds() + SILENCE_SECONDS;
  while (n > 0) {
    struct pollfd wait = {.fd = r->fd, .events = POLLIN};
    int ready = poll(&wait, 1, SLICE_MS);
    r->stopped = watch_stopped(r->watch);
    if (!r->stopped && (ready == 0 || (ready < 0 && errno == EINTR))) {
      r->silent = clock_seconds() > silent_at;
      if (!r->silent) continue;
    }
    ssize_t k = ready > 0 && !r->stopped ? read(r->fd, p, n) : -1;
    if (ready > 0 && !r->stopped && k < 0 && errno == EINTR) continue;
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
    case HELLO:
      if (r->greeted) return nonsense(r, err);
      r->greeted = true;
      break;
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
  if (r->stopped) return error_set(err, MOPO_ESTOPPED, "%s: stopped while reading it", r->path);
  if (!r->greeted) /* it has not looked at the file yet */
    return error_set(
        err, MOPO_EIO, "%s: the program mopo-hdf5, which reads it, does not run (%s %d)", r->path,
        WIFSIGNALED(how) ? "signal" : "code", WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
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

mopo_status guard_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                       mopo_error *err)
{
  assert(n > 0 && n <= ARRAYS_MAX);
  receiver r = {.path = file_tail(path), .arrays = arrays, .n = n, .watch = sink->watch};
  int file = -1;
  mopo_status st = file_open_regular(&file, path, err);
  if (st) return st;
  r.block = malloc(IO_BLOCK);
  st = r.block ? guard_start(&r.pid, &r.fd, file, r.path, arrays, n, err)
               : error_set(err, MOPO_ENOMEM, "%s: out of memory", r.path);
  close(file);
  if (!st) st = take_all(&r, sink, err);
  if (r.pid > 0) st = bury(&r, st, err);
  free(r.block);
  return st;
}
