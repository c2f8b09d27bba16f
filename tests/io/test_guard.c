/* test_guard.c - parsers that misbehave in every way they can. */
#include "check.h"

#include "io/guard.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct seen {
  int begun;
  int64_t rows;
} seen;

static mopo_status see_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  (void)arrays, (void)n, (void)err;
  ((seen *)ctx)->begun++;
  return MOPO_OK;
}

static mopo_status see_rows(void *ctx, int a, int64_t first, int n, const void *values,
                            mopo_error *err)
{
  const float *x = values;
  (void)err;
  assert_true(a == 0 && first == ((seen *)ctx)->rows && x[0] == (float)first);
  ((seen *)ctx)->rows += n;
  return MOPO_OK;
}

/* The crimes. */
static mopo_status crime(const char *name, mopo_error *err)
{
  if (write(STDERR_FILENO, "heard?", 6) < 0 || write(STDOUT_FILENO, "heard?", 6) < 0)
    return MOPO_OK;
  if (strcmp(name, "crash") == 0) raise(SIGSEGV);
  if (strcmp(name, "abort") == 0) raise(SIGABRT);
  if (strcmp(name, "exit") == 0) _exit(0);
  if (strcmp(name, "status") == 0) return (mopo_status)77;
  if (strcmp(name, "sink's status") == 0) return MOPO_EDATA;
  if (strcmp(name, "message") == 0) {
    memset(err->msg, '\n', sizeof err->msg);
    return MOPO_EFORMAT;
  }
  if (strcmp(name, "file") == 0) {
    int fd = open("guard_written", O_RDWR | O_CREAT, 0666);
    if (write(fd, "x", 1) == 1) return MOPO_OK;
  }
  if (strcmp(name, "another file") == 0) {
    int one = open("/dev/null", O_RDONLY), two = open("/dev/null", O_RDONLY);
    if (one >= 0 && two < 0) return error_set(err, MOPO_EIO, "one file and no other");
  }
  if (strcmp(name, "memory") == 0) {
    void *p = mmap(NULL, (size_t)4 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return error_set(err, MOPO_ENOMEM, "no memory");
  }
  return MOPO_OK;
}

/* What is told, in place of arrays[0] of 3 rows and 2 columns, rows 0, 1, 2. */
typedef struct tale {
  const char *name;
  int begins; /* times that the shapes are told */
  int64_t rows;
  int cols;
  bool present;
  int array;
  int64_t first;
  int n;
} tale;

static const tale tales[] = {
    {"truth", 1, 3, 2, true, 0, 0, 3},
    {"nothing", 0, 3, 2, true, 0, 0, 0},
    {"no rows", 1, 3, 2, true, 0, 0, 0},
    {"few rows", 1, 3, 2, true, 0, 0, 2},
    {"many rows", 1, 3, 2, true, 0, 0, 4},
    {"late rows", 1, 3, 2, true, 0, 1, 2},
    {"other array", 1, 3, 2, true, 1, 0, 3},
    {"shapes twice", 2, 3, 2, true, 0, 0, 3},
    {"rows first", 0, 3, 2, true, 0, 0, 3},
    {"negative rows", 1, -3, 2, true, 0, 0, 0},
    {"endless rows", 1, INT64_MAX, 2, true, 0, 0, 0},
    {"no columns", 1, 3, 0, true, 0, 0, 0},
    {"endless columns", 1, 3, INT32_MAX, true, 0, 0, 0},
    {"absent", 1, 3, 2, false, 0, 0, 0},
    {"big block", 1, 1 << 20, 2, true, 0, 0, (1 << 17) + 1},
};

/* A parser that does what its `path` says. */
static mopo_status misbehave(const char *path, io_array *arrays, int n, const io_sink *sink,
                             mopo_error *err)
{
  static float values[1 << 19] = {0};
  mopo_status st = MOPO_OK;
  for (size_t i = 0; i < sizeof tales / sizeof *tales; i++) {
    const tale *t = &tales[i];
    if (strcmp(t->name, path)) continue;
    arrays[0].rows = t->rows;
    arrays[0].cols = t->cols;
    arrays[0].present = t->present;
    for (int k = 0; !st && k < t->begins; k++) st = sink->begin(sink->ctx, arrays, n, err);
    values[0] = (float)t->first;
    arrays[1].cols = t->cols;
    if (!st && t->n) st = sink->rows(sink->ctx, t->array, t->first, t->n, values, err);
    return st;
  }
  return crime(path, err);
}

static int open_files(void)
{
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (readdir(d)) n++;
  closedir(d);
  return n;
}

static mopo_status run(const char *name, seen *s, mopo_error *err)
{
  io_array a[2] = {{.name = "a", .as = 'f', .required = true}, {.name = "b", .as = 'd'}};
  io_sink sink = {see_shapes, see_rows, NULL, s};
  int before = open_files();
  mopo_status st = guard_read(misbehave, name, a, 2, &sink, err);
  assert_int_equal(open_files(), before);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
  return st;
}

static void truth_passes(void **state)
{
  (void)state;
  mopo_error e;
  seen s = {0};
  assert_ok(run("truth", &s, &e), e);
  assert_true(s.begun == 1 && s.rows == 3);
}

static void nonsense_does_not(void **state)
{
  (void)state;
  for (size_t i = 1; i < sizeof tales / sizeof *tales; i++) {
    mopo_error e = {0};
    seen s = {0};
    if (run(tales[i].name, &s, &e) != MOPO_EFORMAT || !strstr(e.msg, ": reading it broke off"))
      fail_msg("%s: '%s'", tales[i].name, e.msg);
    assert_true(s.begun <= 1 && s.rows <= 3);
  }
}

/* Not a word of the child's reaches the terminal. */
static void nothing_is_heard(void **state)
{
  (void)state;
  int ends[2], saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
  char said[8];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  for (int i = 0; i < 2; i++) dup2(ends[1], STDOUT_FILENO + i);
  close(ends[1]);
  mopo_error e = {0};
  seen s = {0};
  mopo_status st = run("crash", &s, &e);
  for (int i = 0; i < 2; i++) {
    dup2(saved[i], STDOUT_FILENO + i);
    close(saved[i]);
  }
  assert_int_equal(st, MOPO_EFORMAT);
  assert_int_equal(read(ends[0], said, sizeof said), 0);
  close(ends[0]);
}

static void crimes_are_told(void **state)
{
  static const struct {
    const char *name;
    mopo_status status;
    const char *text;
  } crimes[] = {
      {"crash", MOPO_EFORMAT, "crash: breaks the library that reads it (signal 11)"},
      {"abort", MOPO_EFORMAT, "abort: breaks the library that reads it (signal 6)"},
      {"exit", MOPO_EFORMAT, "exit: reading it broke off"},
      {"status", MOPO_EFORMAT, "status: reading it broke off"},
      {"sink's status", MOPO_EFORMAT, "sink's status: reading it broke off"},
      {"message", MOPO_EFORMAT, "????"},
      {"file", MOPO_EFORMAT, "file: breaks the library that reads it (signal 25)"},
      {"another file", MOPO_EIO, "one file and no other"},
      {"memory", MOPO_ENOMEM, "no memory"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof crimes / sizeof *crimes; i++) {
    mopo_error e = {0};
    seen s = {0};
    mopo_status st = run(crimes[i].name, &s, &e);
    if (st != crimes[i].status || strncmp(e.msg, crimes[i].text, strlen(crimes[i].text)) ||
        strchr(e.msg, '\n'))
      fail_msg("%s: %d '%s'", crimes[i].name, st, e.msg);
    assert_int_equal(s.begun, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(truth_passes),
      cmocka_unit_test(nonsense_does_not),
      cmocka_unit_test(crimes_are_told),
      cmocka_unit_test(nothing_is_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
