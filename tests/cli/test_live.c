/* test_live.c - mopo train on a terminal of our own: what its user sees while it runs, after it has
 * ended, after Ctrl-C, and when the window changes. The terminal understands what a VT100 does of
 * what is sent: carriage return, line feed, cursor up, erase to the end of line and screen. */
#include "check.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 24, COLS = 100 };

/* A fit that lasts many times the 0.2 s between two frames, on a fast machine too; with a sanitizer
 * a tenth of it lasts as long. What comes after it goes on until it has been seen. */
#if defined(__SANITIZE_ADDRESS__)
#define MODEL_HIDDEN "32"
#else
#define MODEL_HIDDEN "128"
#endif
#define LONG_FIT "30"
#define SHORT_FIT "2"
#define ENDLESS "1000000"

typedef struct screen {
  int rows, cols, row, col;
  char text[ROWS][COLS + 1]; /* one byte for each character; '#' for those beyond ASCII */
  char gone[65536];          /* what has been scrolled away */
  char escape[16];           /* of an unfinished sequence */
  size_t n_escape;
  bool escapes, unknown; /* any; one that is not understood */
} screen;

static void blank(screen *s, int row, int from)
{
  memset(s->text[row] + from, ' ', (size_t)(s->cols - from));
  s->text[row][s->cols] = 0;
}

static void line_feed(screen *s)
{
  if (++s->row < s->rows) return;
  s->row--;
  size_t n = strlen(s->gone);
  snprintf(s->gone + n, sizeof s->gone - n, "%s\n", s->text[0]);
  memmove(s->text[0], s->text[1], (size_t)(s->rows - 1) * sizeof s->text[0]);
  blank(s, s->rows - 1, 0);
}

static void obey(screen *s)
{
  int n = atoi(s->escape + 2);
  switch (s->escape[s->n_escape - 1]) {
  case 'A':
    s->row = s->row > n ? s->row - n : 0;
    break;
  case 'K':
    blank(s, s->row, s->col);
    break;
  case 'J':
    blank(s, s->row, s->col);
    for (int r = s->row + 1; r < s->rows; r++) blank(s, r, 0);
    break;
  default:
    s->unknown = true;
  }
}

static void show(screen *s, unsigned char c)
{
  if (s->n_escape) {
    s->escape[s->n_escape++] = (char)c;
    if (s->n_escape == 2 || (c >= '0' && c <= '9')) return;
    obey(s);
    s->n_escape = 0;
  } else if (c == 27) {
    s->escapes = true;
    memset(s->escape, 0, sizeof s->escape);
    s->escape[s->n_escape++] = (char)c;
  } else if (c == '\r') {
    s->col = 0;
  } else if (c == '\n') {
    line_feed(s);
  } else if ((c & 0xc0) != 0x80) { /* not a later byte of a character */
    if (s->col == s->cols) line_feed(s), s->col = 0;
    s->text[s->row][s->col++] = c < 0x80 ? (char)c : '#';
  }
}

static int lines_with(const screen *s, const char *begin)
{
  int n = 0;
  for (int r = 0; r < s->rows; r++) n += !strncmp(s->text[r], begin, strlen(begin));
  return n;
}

static bool has(const screen *s, const char *words)
{
  for (int r = 0; r < s->rows; r++)
    if (strstr(s->text[r], words)) return true;
  return strstr(s->gone, words) != NULL;
}

static void resize(screen *s, int master, int rows, int cols)
{
  struct winsize w = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
  s->rows = rows, s->cols = cols;
  assert_int_equal(ioctl(master, TIOCSWINSZ, &w), 0);
}

static void begin_plainly(void)
{
  setenv("TERM", "xterm", 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  unsetenv("NO_COLOR");
}

static pid_t start(screen *s, int *master, const char *fit, const char *epochs)
{
  struct winsize w = {.ws_row = ROWS, .ws_col = 80};
  memset(s, 0, sizeof *s);
  s->rows = ROWS, s->cols = 80;
  for (int r = 0; r < ROWS; r++) blank(s, r, 0);
  if (system("rm -rf test_live.run") != 0) fail();
  pid_t pid = forkpty(master, NULL, NULL, &w);
  assert_true(pid >= 0);
  if (pid) return pid;
  execl(MOPO_PROGRAM, "mopo", "train", "--data",
        SOURCE_DIR "/data/hopper-medium-replay-sample.hdf5", "--task", "hopper", "--out",
        "test_live.run", "--epochs", epochs, "--updates-per-epoch", "100", "--hidden", "16",
        "--model-hidden", MODEL_HIDDEN, "--members", "3", "--elites", "2", "--model-max-epochs",
        fit, "--rollout-batch", "500", "--eval-episodes", "1", "--threads", "1", (char *)NULL);
  _exit(127);
}

/* What was ever seen. */
typedef struct seen {
  bool fit, update, model, figures, policy, plot;
} seen;

static bool everything(const seen *e)
{
  return e->fit && e->update && e->model && e->figures && e->policy && e->plot;
}

static void look(seen *e, const screen *s)
{
  e->fit = e->fit || lines_with(s, "fit  ");
  e->update = e->update || (lines_with(s, "update  ") && has(s, "/s  "));
  e->model = e->model || has(s, "model     holdout mse ");
  e->figures = e->figures || (lines_with(s, "learning  critic loss ") && has(s, "   penalty "));
  e->policy = e->policy || lines_with(s, "policy    return ");
  e->plot = e->plot || has(s, "            epoch 1 ");
}

/* Between two frames each of the region's lines is there once or not at all. */
static void expect_one_region(const screen *s)
{
  static const char *const begins[] = {"fit  ", "update  ", "model  ", "learning  ", "policy  "};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
    assert_in_range(lines_with(s, begins[i]), 0, 1);
}

/* Reads until the program ends, or `until` is on the screen ("": once); the exit status, or -1. */
static int run(screen *s, seen *e, int master, pid_t pid, const char *until)
{
  char bytes[4096];
  int status = 0;
  struct pollfd p = {.fd = master, .events = POLLIN};
  while (poll(&p, 1, 60000) > 0) {
    ssize_t n = read(master, bytes, sizeof bytes);
    if (n <= 0) break; /* EIO: the program has ended */
    for (ssize_t i = 0; i < n; i++) show(s, (unsigned char)bytes[i]);
    if (e) look(e, s);
    if (e && poll(&p, 1, 20) == 0) expect_one_region(s);
    if (until && has(s, until)) return -1;
  }
  close(master);
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

/* Nothing of the region is left, on the screen or above it. */
static void expect_no_rest(const screen *s)
{
  static const char *const words[] = {"update    epoch", "learning  ", "model     hold",
                                      "[====", "/s  "};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (has(s, words[i])) fail_msg("'%s' is left on the terminal", words[i]);
  assert_false(s->unknown);
}

/* All there is to see is seen. Then Ctrl-C: the note, and one line that says how to go on; the
 * prompt comes on a line of its own. */
static void test_interrupted(void **state)
{
  (void)state;
  static screen s;
  seen e = {.fit = false};
  int master = -1;
  pid_t pid = start(&s, &master, LONG_FIT, ENDLESS);
  for (time_t t0 = time(NULL); !everything(&e) && time(NULL) < t0 + 120;)
    assert_int_equal(run(&s, &e, master, pid, ""), -1);
  assert_true(e.fit && e.model);
  assert_true(e.update && e.figures && e.policy && e.plot);
  assert_int_equal(write(master, "\003", 1), 1);
  assert_int_equal(run(&s, NULL, master, pid, NULL), 130);
  expect_no_rest(&s);
  assert_int_equal(lines_with(&s, "mopo: stopped in epoch "), 1);
  assert_int_equal(s.col, 0);
}

/* What a run leaves on the terminal. */
static void test_ended(void **state)
{
  (void)state;
  static screen s;
  seen e = {.fit = false};
  int master = -1;
  pid_t pid = start(&s, &master, SHORT_FIT, "12");
  assert_int_equal(run(&s, &e, master, pid, NULL), 0);
  expect_no_rest(&s);
  assert_true(has(&s, "model: 2 epochs")); /* a message stays, and stands on a line of its own */
  assert_true(has(&s, "learned policy"));
  assert_true(has(&s, "  batch best")); /* in one piece: the curve's lines fit the terminal */
  assert_int_equal(s.col, 0);
}

/* Wider, narrower, lower: still one region, of lines that fit. */
static void test_resized(void **state)
{
  (void)state;
  static screen s;
  seen e = {.fit = false};
  int master = -1;
  pid_t pid = start(&s, &master, SHORT_FIT, ENDLESS);
  assert_int_equal(run(&s, &e, master, pid, "policy    return"), -1);
  static const int sizes[][2] = {{ROWS, COLS}, {ROWS, 50}, {ROWS, 60}, {ROWS, 80}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    resize(&s, master, sizes[i][0], sizes[i][1]);
    for (int k = 0; k < 8; k++) { /* some frames at this size */
      memset(&e, 0, sizeof e);
      run(&s, &e, master, pid, "update ");
    }
    if (sizes[i][1] >= 60) assert_int_equal(run(&s, NULL, master, pid, "/s  "), -1); /* not cut */
  }
  kill(pid, SIGTERM);
  assert_int_equal(run(&s, NULL, master, pid, NULL), 143);
  assert_false(s.unknown);
}

/* 50 columns: figures are whole or not there, the note of Ctrl-C takes no second line. */
static void test_narrow(void **state)
{
  (void)state;
  static screen s;
  int master = -1;
  pid_t pid = start(&s, &master, SHORT_FIT, ENDLESS);
  resize(&s, master, ROWS, 50);
  assert_int_equal(run(&s, NULL, master, pid, "policy    return"), -1);
  for (int k = 0; k < 20; k++) {
    run(&s, NULL, master, pid, "");
    for (int r = 0; r < s.rows; r++) {
      if (strncmp(s.text[r], "learning ", 9) != 0) continue;
      int end = s.cols;
      while (end > 0 && s.text[r][end - 1] == ' ') end--;
      if (end > 0 && !strchr("0123456789", s.text[r][end - 1])) fail_msg("'%s'", s.text[r]);
    }
  }
  assert_int_equal(write(master, "\003", 1), 1);
  assert_int_equal(run(&s, NULL, master, pid, NULL), 130);
  expect_no_rest(&s);
  assert_false(has(&s, "mopo: stopping"));
}

/* A terminal that is to be spared: not one escape sequence. */
static void test_plain(void **state)
{
  (void)state;
  static const char *const set[][2] = {{"TERM", "dumb"}, {"NO_COLOR", "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
    static screen s;
    int master = -1;
    setenv(set[i][0], set[i][1], 1);
    pid_t pid = start(&s, &master, SHORT_FIT, "3");
    assert_int_equal(run(&s, NULL, master, pid, NULL), 0);
    assert_false(s.escapes);
    assert_true(has(&s, "learned policy"));
    begin_plainly();
  }
}

int main(void)
{
  begin_plainly();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_interrupted), cmocka_unit_test(test_ended),
      cmocka_unit_test(test_resized),     cmocka_unit_test(test_narrow),
      cmocka_unit_test(test_plain),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (system("rm -rf test_live.run") != 0) return 1;
  return failed;
}
