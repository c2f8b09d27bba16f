/* cli.c - see cli.h. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stop; /* the signal that asked us to stop; handlers need globals */
static volatile sig_atomic_t live_columns; /* of the terminal; 0: no live view */
static const char stop_note[] = "mopo: stopping after this update; once more to stop at once";

int cli_fail(int code, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  fputs("mopo: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
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
  return cli_fail(st == MOPO_ESTOPPED ? EXIT_SIGNAL + (int)stop : codes[st], "%s", err->msg);
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
  int n = snprintf(file, sizeof file, "%s/%s", path, inside);
  if ((size_t)n >= sizeof file || access(file, F_OK) != 0)
    return cli_fail(EXIT_INPUT, "%s: %s, and not one of Minari's: it has no %s", path,
                    strerror(EISDIR), inside);
  return cli_input_inside(path, size, inside);
}

/* In a live view the cursor stands at the beginning of an empty line, and stays on it: the note is
 * cut to what the terminal's own ^C leaves of it. */
static void on_signal(int signal)
{
  ssize_t ignored = write(STDERR_FILENO, "\n", stop || !live_columns);
  if (stop) _exit(EXIT_SIGNAL + signal);
  stop = signal;
  size_t n = sizeof stop_note - 1;
  if (live_columns && n + 3 > (size_t)live_columns)
    n = live_columns > 3 ? (size_t)live_columns - 3 : 0;
  ignored += write(STDERR_FILENO, stop_note, n);
  ignored += write(STDERR_FILENO, "\n", !live_columns);
  (void)ignored;
}

const volatile sig_atomic_t *cli_stop_flag(bool live)
{
  struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  live_columns = live ? 40 : 0; /* until the first frame has looked */
  sigemptyset(&act.sa_mask);
  sigaction(SIGINT, &act, NULL);
  sigaction(SIGTERM, &act, NULL);
  return &stop;
}

void cli_live_columns(int columns) { live_columns = columns; }

const char *cli_stopping(void) { return stop ? stop_note : ""; }
