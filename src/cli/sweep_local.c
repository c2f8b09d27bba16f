/* sweep_local.c - the units of a sweep on this machine: a process for each, so many at once as
 * there are processors and memory. */
#include "sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

typedef struct task {
  pid_t pid; /* 0: not running */
  double began;
  bool settled; /* done, failed, or not to be made for want of its ensemble */
} task;

typedef struct local {
  const sweep *s;
  task *at; /* [units] */
  int running, done, failed, ours;
  double seconds;   /* that our finished runs took */
  long most_kb;     /* that a process of ours has needed */
  double next_look; /* at what other processes make */
  int code;         /* of the first failure */
} local;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ------------------------------------------------------------------ memory */

static long number_after(const char *path, const char *name)
{
  char line[256];
  long x = -1;
  FILE *f = fopen(path, "re");
  while (f && x < 0 && fgets(line, sizeof line, f))
    if (!strncmp(line, name, strlen(name))) x = strtol(line + strlen(name), NULL, 10);
  if (f) fclose(f);
  return x;
}

static void measure(local *l)
{
  for (int i = 0; i < l->s->units; i++) {
    char path[64];
    if (!l->at[i].pid) continue;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)l->at[i].pid);
    long kb = number_after(path, "VmHWM:");
    if (kb > l->most_kb) l->most_kb = kb;
  }
}

/* Is there memory for one process more, as large as the largest so far? The first may always begin,
 * and where /proc does not say, the user's --jobs is all that counts. */
static bool memory_for_one_more(local *l)
{
  if (!l->running) return true;
  measure(l);
  long available = number_after("/proc/meminfo", "MemAvailable:");
  return available < 0 || available > l->most_kb + l->most_kb / 4 + (64 << 10);
}

/* ------------------------------------------------------------------ processes */

static pid_t start(const sweep *s, int unit)
{
  char number[32];
  snprintf(number, sizeof number, "%d", unit);
  fflush(stdout), fflush(stderr);
  pid_t parent = getpid(), pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0); /* Ctrl-C comes by way of us, once */
#if defined(__linux__)
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(EXIT_AGAIN);
#else
  (void)parent;
#endif
  execl(s->program, "mopo", "sweep", "--dir", s->dir, "--unit", number, (char *)NULL);
  _exit(127);
}

static void say(const local *l, int unit, const char *what, double seconds)
{
  const sweep *s = l->s;
  mopo_sweep_unit u = sweep_unit(s, unit);
  if (s->o->quiet) return;
  fprintf(stderr, "[%d/%d] %s %s", l->done + l->failed, s->units, u.name, what);
  if (seconds > 0) fprintf(stderr, ", %.0f s", seconds);
  int left = s->units - l->done - l->failed;
  if (l->ours && left)
    fprintf(stderr, " (%d left, about %.0f s)", left, l->seconds / l->ours * left / s->jobs);
  fputc('\n', stderr);
}

static void settle(local *l, int unit, int code)
{
  task *t = &l->at[unit];
  double took = t->began > 0 ? now() - t->began : 0;
  t->settled = true;
  if (code == EXIT_DONE) {
    l->done++;
    if (took > 0) l->ours++, l->seconds += took;
    say(l, unit, "done", took);
    return;
  }
  l->failed++;
  if (l->code == EXIT_DONE) l->code = code;
  say(l, unit, "failed", took);
}

static void reap(local *l)
{
  int status = 0;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    for (int i = 0; i < l->s->units; i++) {
      if (l->at[i].pid != pid) continue;
      l->at[i].pid = 0;
      l->running--;
      int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
      if (code == EXIT_AGAIN) { /* another process is at it: look again later */
        l->next_look = now() + 1;
        continue;
      }
      settle(l, i, code);
    }
}

/* What others have made meanwhile; a run whose ensemble failed is not to be made. */
static bool can_start(local *l, int unit)
{
  mopo_sweep_unit u = sweep_unit(l->s, unit);
  if (l->at[unit].settled || l->at[unit].pid) return false;
  if (u.needs >= 0 && !l->at[u.needs].settled) return false;
  unit_report r = sweep_look(l->s, unit);
  if (r.state == UNIT_DONE) l->at[unit].settled = true, l->done++;
  if (r.state == UNIT_DONE || r.state == UNIT_UNDER_WAY) return false;
  if (u.needs >= 0 && sweep_look(l->s, u.needs).state != UNIT_DONE) {
    settle(l, unit, EXIT_RUN);
    return false;
  }
  return true;
}

static void start_some(local *l)
{
  if (l->running >= l->s->jobs || now() < l->next_look) return;
  for (int i = 0; i < l->s->units && l->running < l->s->jobs; i++) {
    if (!can_start(l, i)) continue;
    if (!memory_for_one_more(l)) break;
    pid_t pid = start(l->s, i);
    if (pid < 0) break;
    l->at[i] = (task){.pid = pid, .began = now()};
    l->running++;
  }
  l->next_look = now() + 1;
}

/* Everything that runs is told to write its checkpoint. */
static int stop_all(local *l)
{
  for (int i = 0; i < l->s->units; i++)
    if (l->at[i].pid) kill(-l->at[i].pid, SIGTERM), kill(l->at[i].pid, SIGTERM);
  while (l->running) {
    usleep(50000);
    reap(l);
  }
  return cli_fail(EXIT_SIGNAL + (int)*cli_stop_flag(false),
                  "stopped with %d of %d done; the same command continues", l->done, l->s->units);
}

int sweep_local(const sweep *s)
{
  local l = {.s = s, .at = calloc((size_t)s->units, sizeof *l.at)};
  const volatile sig_atomic_t *stop = cli_stop_flag(false);
  if (!l.at) return cli_fail(EXIT_RUN, "sweep: no memory for %d runs", s->units);
  while (l.done + l.failed < s->units && !*stop) {
    int before = l.running;
    start_some(&l);
    usleep(20000);
    reap(&l);
    if (l.running < before) l.next_look = 0; /* a place is free */
  }
  int code = *stop ? stop_all(&l) : l.code;
  int failed = l.failed;
  free(l.at);
  if (*stop) return code;
  int wrote = sweep_results(s);
  if (failed)
    return cli_fail(code, "%d of %d failed; mopo sweep --status %s says why", failed, s->units,
                    s->dir);
  return wrote;
}
