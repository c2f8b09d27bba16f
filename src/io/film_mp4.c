/* film_mp4.c - a video by the program ffmpeg, which reads the frames' bytes from its standard
 * input. That is a socket, for a write to a socket whose reader has died raises no signal. */
#include "io/film_kind.h"

#include "base/number.h"
#include "io/part.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4200 };

typedef struct coder {
  pid_t pid;
  int to;
  part part;
  char name[PATH_BYTES]; /* of the part, as ffmpeg wants it */
} coder;

/* fps as text that does not depend on the locale's decimal point: in thousandths. */
static int start(coder *c, const film *f, int from)
{
  char size[32], rate[32];
  snprintf(size, sizeof size, "%dx%d", f->width, f->height);
  number_print(rate, sizeof rate, "%.0f/1000", 1000 * f->fps);
  const char *const argv[] = {"ffmpeg",
                              "-nostdin",
                              "-y",
                              "-loglevel",
                              "quiet",
                              "-f",
                              "rawvideo",
                              "-pix_fmt",
                              "rgb24",
                              "-s",
                              size,
                              "-r",
                              rate,
                              "-i",
                              "pipe:0",
                              "-vf",
                              "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                              "-pix_fmt",
                              "yuv420p",
                              "-movflags",
                              "+faststart",
                              "-f",
                              "mp4",
                              c->name,
                              NULL};
  posix_spawn_file_actions_t actions;
  int why = posix_spawn_file_actions_init(&actions);
  if (why) return why;
  why = posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !why; fd++)
    why = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  if (!why) why = posix_spawnp(&c->pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  return why;
}

static mopo_status open_coder(film *f, mopo_error *err)
{
  coder *c = calloc(1, sizeof *c);
  int ends[2];
  f->own = c;
  if (!c) return error_set(err, MOPO_ENOMEM, "%s: no memory", f->path);
  c->to = -1;
  c->part.fd = -1;
  mopo_status st = part_begin(&c->part, f->path, err);
  if (st) return st;
  /* "file:" and no "-" at the beginning: a name is never an option or an address */
  snprintf(c->name, sizeof c->name, "file:%s", c->part.name);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return error_set(err, MOPO_EIO, "%s: %s", f->path, strerror(errno));
  c->to = ends[0];
  int why = start(c, f, ends[1]);
  close(ends[1]);
  if (!why) return MOPO_OK;
  c->pid = 0;
  if (why == ENOENT)
    return error_set(err, MOPO_EABSENT,
                     "%s: wants the program ffmpeg; apt-get install ffmpeg, or write a .webp",
                     f->path);
  return error_set(err, MOPO_EIO, "ffmpeg: %s", strerror(why));
}

static mopo_status add(film *f, const unsigned char *rgb, mopo_error *err)
{
  const coder *c = f->own;
  size_t n = 3 * (size_t)f->width * (size_t)f->height;
  while (n) {
    ssize_t k = send(c->to, rgb, n, MSG_NOSIGNAL);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return error_set(err, MOPO_EIO, "%s: ffmpeg gave up", f->path);
    rgb += k;
    n -= (size_t)k;
  }
  return MOPO_OK;
}

/* Waits for ffmpeg, whose input ends here. False: it failed. */
static bool wait_for(coder *c)
{
  int status = 0;
  if (c->to >= 0) close(c->to);
  c->to = -1;
  if (!c->pid) return false;
  pid_t got = 0;
  do got = waitpid(c->pid, &status, 0);
  while (got < 0 && errno == EINTR);
  c->pid = 0;
  return got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static mopo_status finish(film *f, mopo_error *err)
{
  coder *c = f->own;
  if (!wait_for(c)) return error_set(err, MOPO_EIO, "%s: ffmpeg gave up", f->path);
  return part_finish(&c->part, err);
}

static void release(film *f)
{
  coder *c = f->own;
  if (!c) return;
  wait_for(c);
  part_abandon(&c->part);
  free(c);
}

const film_kind film_mp4 = {".mp4", true, open_coder, add, finish, release};
