/* sweep_unit.c - one unit of a sweep: claimed, made, and what became of it written down. */
#include "sweep.h"

#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool there(const char *path) { return access(path, F_OK) == 0; }

static bool make_dirs_above(char *path)
{
  for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
    *p = '\0';
    bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    *p = '/';
    if (!made) return false;
  }
  return true;
}

bool sweep_log_path(char *path, const sweep *s, const char *name, const char *what)
{
  int n = snprintf(path, SWEEP_PATH, "%s/log/%s.%s", s->dir, name, what);
  return n > 0 && n < SWEEP_PATH && make_dirs_above(path);
}

mopo_sweep_unit sweep_unit(const sweep *s, int unit)
{
  mopo_sweep_unit u = {0};
  mopo_sweep_unit_at(&u, s->plan, unit);
  return u;
}

static void out_of(char *path, size_t size, const mopo_sweep_unit *u)
{
  mopo_config_get(u->config, "out", path, size);
}

static bool is_done(const mopo_sweep_unit *u)
{
  char out[SWEEP_PATH];
  out_of(out, sizeof out, u);
  return u->model ? there(out) : mopo_run_find(out) == MOPO_RUN_DONE;
}

/* ------------------------------------------------------------------ who is at it */

/* The lock of a unit, held until its process ends; it says who holds it. Held -1: another does. A
 * look at the lock lasts microseconds, so a second try tells a look from a claim. */
static int claim(const sweep *s, const mopo_sweep_unit *u, bool wait, int *held)
{
  char path[SWEEP_PATH], host[64] = "";
  const volatile sig_atomic_t *stop = cli_stop_flag(false);
  *held = -1;
  if (!sweep_log_path(path, s, u->name, "lock"))
    return cli_fail(EXIT_RUN, "%s/log/%s.lock: %s", s->dir, u->name, strerror(errno));
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return cli_fail(EXIT_RUN, "%s: %s", path, strerror(errno));
  for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
    if (errno != EWOULDBLOCK) break; /* a file system without locks: go on */
    if (*stop || (!wait && tries == 5)) {
      close(fd);
      return *stop ? EXIT_AGAIN : EXIT_DONE;
    }
    usleep(wait ? 500000 : 10000);
  }
  gethostname(host, sizeof host - 1);
  if (ftruncate(fd, 0) != 0 || dprintf(fd, "%s %ld\n", host, (long)getpid()) < 0)
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
  *held = fd;
  return EXIT_DONE;
}

static bool read_line(char *line, size_t size, const char *path)
{
  FILE *f = fopen(path, "re");
  *line = '\0';
  if (!f) return false;
  bool ok = fgets(line, (int)size, f) != NULL;
  fclose(f);
  line[strcspn(line, "\n")] = '\0';
  return ok;
}

unit_report sweep_look(const sweep *s, int unit)
{
  char path[SWEEP_PATH];
  mopo_sweep_unit u = sweep_unit(s, unit);
  unit_report r = {.state = UNIT_DONE};
  if (is_done(&u)) return r;
  r.state = UNIT_WAITING;
  snprintf(path, sizeof path, "%s/log/%s.lock", s->dir, u.name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    r.state = UNIT_UNDER_WAY;
    read_line(r.where, sizeof r.where, path);
  }
  if (fd >= 0) close(fd);
  snprintf(path, sizeof path, "%s/log/%s.failed", s->dir, u.name);
  if (r.state == UNIT_WAITING && read_line(r.why, sizeof r.why, path)) r.state = UNIT_FAILED;
  return r;
}

/* ------------------------------------------------------------------ making it */

static int fit(const mopo_sweep_unit *u, const mopo_watch *watch)
{
  mopo_error err;
  mopo_fit_result r;
  return cli_status(mopo_model_fit_file(&r, u->config, true, watch, &err), &err);
}

static int make(const mopo_sweep_unit *u)
{
  mopo_train_result r;
  progress bar = progress_create(false);
  mopo_watch watch = progress_watch(&bar);
  int code = u->model ? fit(u, &watch) : train_auto(&r, u->config, &watch);
  progress_end(&bar);
  return code;
}

/* stderr becomes the unit's log; *terminal is what it was. */
static int log_to_file(const sweep *s, const mopo_sweep_unit *u, int *terminal)
{
  char path[SWEEP_PATH];
  bool fits = sweep_log_path(path, s, u->name, "log");
  int fd = fits ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
  if (fd < 0) return cli_fail(EXIT_RUN, "%s: %s", path, strerror(errno));
  fflush(stderr);
  *terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  dup2(fd, STDERR_FILENO);
  close(fd);
  char host[64] = "", date[32] = "";
  time_t t = time(NULL);
  struct tm local;
  gethostname(host, sizeof host - 1);
  if (localtime_r(&t, &local)) strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
  fprintf(stderr, "-- %s, %s, process %ld\n", date, host, (long)getpid());
  return EXIT_DONE;
}

static void last_line(char *line, size_t size, const char *path)
{
  char next[512];
  FILE *f = fopen(path, "re");
  *line = '\0';
  while (f && fgets(next, sizeof next, f))
    snprintf(line, size, "%.*s", (int)strcspn(next, "\n"), next);
  if (f) fclose(f);
}

/* DIR/log/NAME.failed holds the line that says why, as long as it is true. */
static void note_failure(const sweep *s, const mopo_sweep_unit *u, int code, int terminal)
{
  char log[SWEEP_PATH], failed[SWEEP_PATH], why[512];
  if (!sweep_log_path(log, s, u->name, "log") || !sweep_log_path(failed, s, u->name, "failed"))
    return;
  unlink(failed);
  if (code == EXIT_DONE || code == EXIT_AGAIN) return;
  last_line(why, sizeof why, log);
  if (terminal >= 0) dprintf(terminal, "%s: %s\n", u->name, why);
  FILE *f = fopen(failed, "we");
  if (!f) return;
  fprintf(f, "exit %d: %s\n", code, why);
  fclose(f);
}

/* Claimed already. */
static int make_claimed(const sweep *s, const mopo_sweep_unit *u)
{
  int terminal = -1;
  if (is_done(u)) return EXIT_DONE;
  int code = log_to_file(s, u, &terminal);
  if (code != EXIT_DONE) return code;
  if (u->model) { /* its directory is the sweep's */
    char out[SWEEP_PATH];
    out_of(out, sizeof out, u);
    make_dirs_above(out);
  }
  code = make(u);
  if (code >= EXIT_SIGNAL) code = EXIT_AGAIN; /* a checkpoint is there */
  note_failure(s, u, code, terminal);
  fflush(stderr);
  if (terminal >= 0) dup2(terminal, STDERR_FILENO), close(terminal);
  return code;
}

int sweep_make(const sweep *s, int unit)
{
  mopo_sweep_unit u = sweep_unit(s, unit);
  int held = -1, of_model = -1;
  if (is_done(&u)) return EXIT_DONE;
  int code = claim(s, &u, false, &held);
  if (code != EXIT_DONE) return code;
  if (held < 0) return EXIT_AGAIN;
  if (u.needs >= 0) { /* whoever comes first fits it, the others wait */
    mopo_sweep_unit m = sweep_unit(s, u.needs);
    if (!is_done(&m)) code = claim(s, &m, true, &of_model);
    if (code == EXIT_DONE && of_model >= 0) code = make_claimed(s, &m);
    if (of_model >= 0) close(of_model);
    if (code != EXIT_DONE) note_failure(s, &u, code, -1);
  }
  if (code == EXIT_DONE) code = make_claimed(s, &u);
  close(held);
  return code;
}
