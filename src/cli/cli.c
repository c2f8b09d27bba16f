/* cli.c - see cli.h. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_MS = 1000 };

static volatile sig_atomic_t stop;    /* the signal that asked us to stop; handlers need globals */
static volatile long long stopped_at; /* when that was, by now(); set before `stop` */
static volatile sig_atomic_t live_columns; /* of the terminal; 0: no live view */
static const char stop_note[] = "mopo: stopping after this update; once more to stop at once";

int cli_fail(int code, const char *fmt, ...)
{
  char text[4096];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  for (char *c = text; *c; c++) /* a path may hold anything: one line stays one */
    if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
  fprintf(stderr, "mopo: %s\n", text);
  return code;
}

int cli_status(mopo_status st, const mopo_error *err)
{
  static const int codes[] = {
      [MOPO_OK] = EXIT_DONE,          [MOPO_EINVAL] = EXIT_USAGE,   [MOPO_EIO] = EXIT_RUN,
      [MOPO_EFORMAT] = EXIT_INPUT,    [MOPO_EDATA] = EXIT_INPUT,    [MOPO_ENOMEM] = EXIT_RUN,
      [MOPO_ENUMERIC] = EXIT_NUMERIC, [MOPO_EABSENT] = EXIT_ABSENT, [MOPO_ESTOPPED] = EXIT_SIGNAL,
  };
  if (st == MOPO_OK) return EXIT_DONE;
  return cli_fail(st == MOPO_ESTOPPED ? cli_stopped((int)stop) : codes[st], "%s", err->msg);
}

int cli_resumable(mopo_status st, const mopo_error *err)
{
  if (st != MOPO_ESTOPPED) return cli_status(st, err);
  return cli_fail(cli_stopped((int)stop), "%s; go on with --resume", err->msg);
}

int cli_input(const char *path)
{
  struct stat s;
  if (stat(path, &s) != 0 || access(path, R_OK) != 0)
    return cli_fail(EXIT_INPUT, "%s: %s", path, strerror(errno));
  if (S_ISDIR(s.st_mode)) return cli_fail(EXIT_INPUT, "%s: %s", path, strerror(EISDIR));
  return EXIT_DONE;
}

int cli_input_inside(char *path, size_t size, const char *inside)
{
  struct stat s;
  size_t n = strlen(path);
  if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
    int k = snprintf(path + n, size - n, "/%s", inside);
    if (k < 0 || (size_t)k >= size - n) return cli_fail(EXIT_USAGE, "%s: path too long", path);
  }
  return cli_input(path);
}

int cli_dataset(char *path, size_t size)
{
  static const char inside[] = "data/main_data.hdf5";
  struct stat s;
  char file[4096];
  if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode)) return cli_input(path);
  int n = snprintf(file, sizeof file, "%s/data/metadata.json", path);
  bool minari = (size_t)n < sizeof file && access(file, F_OK) == 0; /* in another storage? */
  n = snprintf(file, sizeof file, "%s/%s", path, inside);
  bool there = (size_t)n < sizeof file && access(file, F_OK) == 0;
  if (!there && minari) return EXIT_DONE; /* the library says what it is */
  if (!there)
    return cli_fail(EXIT_INPUT, "%s: %s, and not one of Minari's: it has no %s", path,
                    strerror(EISDIR), inside);
  return cli_input_inside(path, size, inside);
}

/* Milliseconds of a clock that only goes on; handlers may ask it. */
static long long now(void)
{
  struct timespec t = {0};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Does a signal that comes after the first one mean "at once"? timeout, make, systemd and Slurm
 * send theirs to the group and to the process, and so twice within a moment: that is still the
 * first. A terminal sends one for each Ctrl-C, and its second is meant. */
static bool at_once(int signal, const siginfo_t *from)
{
  bool typed = signal == SIGINT && stop == SIGINT && from->si_code == SI_KERNEL;
  return typed || now() - stopped_at >= SECOND_MS;
}

/* In a live view the cursor stands at the beginning of an empty line, and stays on it: the note is
 * cut to what the terminal's own ^C leaves of it. */
static void on_signal(int signal, siginfo_t *from, void *context)
{
  (void)context;
  int before = errno;
  ssize_t ignored = 0;
  if (stop && !at_once(signal, from)) return;
  if (stop || !live_columns) ignored += write(STDERR_FILENO, "\n", 1);
  if (stop) _exit(cli_stopped(stop));
  stopped_at = now();
  stop = signal;
  size_t n = sizeof stop_note - 1;
  if (live_columns && n + 3 > (size_t)live_columns)
    n = live_columns > 3 ? (size_t)live_columns - 3 : 0;
  ignored += write(STDERR_FILENO, stop_note, n);
  ignored += write(STDERR_FILENO, "\n", !live_columns);
  (void)ignored;
  errno = before;
}

/* A file that grows beyond the limit: the write that fails then says so. */
static void on_size(int signal) { (void)signal; }

const volatile sig_atomic_t *cli_stop_flag(bool live)
{
  static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
  struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART}, was;
  live_columns = live ? 40 : 0; /* until the first frame has looked */
  sigemptyset(&act.sa_mask);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) sigaddset(&act.sa_mask, ends[i]);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    bool nohup =
        ends[i] == SIGHUP && sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler == SIG_IGN;
    if (!nohup) sigaction(ends[i], &act, NULL);
  }
  return &stop;
}

int cli_stopped(int signal)
{
  bool scheduler = signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGXCPU;
  return scheduler ? EXIT_AGAIN : EXIT_SIGNAL + signal;
}

bool cli_streams(void)
{
  static const int how[] = {O_RDONLY, O_RDONLY, O_WRONLY}; /* what is printed in vain is told */
  struct sigaction act = {.sa_handler = on_size};
  sigemptyset(&act.sa_mask);
  sigaction(SIGXFSZ, &act, NULL);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", how[fd]) != fd) return false;
  return true;
}

void cli_live_columns(int columns) { live_columns = columns; }

const char *cli_stopping(void) { return stop ? stop_note : ""; }
