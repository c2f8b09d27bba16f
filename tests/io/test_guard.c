/* test_guard.c - parsers that misbehave in every way they can. */
#include "check.h"

#include "io/guard.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Of criminal.c. */
static const char *const tales[] = {
    "nothing",     "no rows",         "few rows",   "many rows",     "late rows",
    "other array", "shapes twice",    "rows first", "negative rows", "endless rows",
    "no columns",  "endless columns", "absent",     "big block"};

static void touch(const char *name, const char *content)
{
  FILE *f = fopen(name, "w");
  assert_non_null(f);
  fputs(content, f);
  fclose(f);
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
  io_sink sink = {see_shapes, see_rows, NULL, s, NULL};
  touch(name, "bytes");
  int before = open_files();
  mopo_status st = guard_read(name, a, 2, &sink, err);
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
  for (size_t i = 0; i < sizeof tales / sizeof *tales; i++) {
    mopo_error e = {0};
    seen s = {0};
    if (run(tales[i], &s, &e) != MOPO_EFORMAT || !strstr(e.msg, ": reading it broke off"))
      fail_msg("%s: '%s'", tales[i], e.msg);
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

/* The filter refuses the signal that abort sends itself, and glibc then breaks the process by an
 * instruction that it may not use; the sanitizer's runtime takes that and exits instead. */
#if defined(__SANITIZE_ADDRESS__)
static const char ABORTED[] = "abort: reading it broke off";
#else
static const char ABORTED[] = "abort: breaks the library that reads it (signal ";
#endif

static void crimes_are_told(void **state)
{
  const struct {
    const char *name;
    mopo_status status;
    const char *text;
  } crimes[] = {
      {"crash", MOPO_EFORMAT, "crash: breaks the library that reads it (signal 11)"},
      {"abort", MOPO_EFORMAT, ABORTED},
      {"exit", MOPO_EFORMAT, "exit: reading it broke off"},
      {"status", MOPO_EFORMAT, "status: reading it broke off"},
      {"sink's status", MOPO_EFORMAT, "sink's status: reading it broke off"},
      {"message", MOPO_EFORMAT, "????"},
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

/* A parser that was taken over can do nothing but answer. */
static void nothing_succeeds(void **state)
{
  (void)state;
  mopo_error e = {0};
  seen s = {0};
  touch("victim", "to stay");
  assert_int_equal(run("everything", &s, &e), MOPO_EIO);
  if (strcmp(e.msg, "none") != 0) fail_msg("it can:%s", e.msg);
  char text[20] = "";
  FILE *f = fopen("victim", "r");
  assert_non_null(f);
  assert_non_null(fgets(text, sizeof text, f));
  fclose(f);
  assert_string_equal(text, "to stay");
  static const char *const traces[] = {"made",     "renamed",   "linked",
                                       "made_dir", "symlinked", "shell_was_here"};
  for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
    assert_int_equal(access(traces[i], F_OK), -1);
}

/* As a user who may do less than root; whose own files it could touch. */
static void nothing_succeeds_as_nobody(void **state)
{
  (void)state;
  if (getuid() != 0) skip();
  int how = -1;
  mkdir("nobody", 0777);
  assert_int_equal(chown("nobody", 65534, 65534), 0);
  pid_t pid = fork();
  if (pid == 0) {
    if (chdir("nobody") != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
    mopo_error e = {0};
    seen s = {0};
    io_array a[2] = {{.name = "a", .as = 'f', .required = true}, {.name = "b", .as = 'd'}};
    io_sink sink = {see_shapes, see_rows, NULL, &s, NULL};
    touch("victim", "to stay");
    touch("everything", "x");
    mopo_status st = guard_read("everything", a, 2, &sink, &e);
    _exit(st == MOPO_EIO && strcmp(e.msg, "none") == 0 ? 0 : 1);
  }
  assert_int_equal(waitpid(pid, &how, 0), pid);
  if (WIFEXITED(how) && WEXITSTATUS(how) == 9) skip(); /* a place that nobody may not enter */
  assert_int_equal(how, 0);
}

static void *stop_soon(void *flag)
{
  usleep(200000);
  *(volatile sig_atomic_t *)flag = 1;
  return NULL;
}

/* The caller's flag is looked at while nothing comes. */
static void stopped_while_it_waits(void **state)
{
  (void)state;
  volatile sig_atomic_t flag = 0;
  mopo_watch watch = {.stop = &flag};
  io_array a[2] = {{.name = "a", .as = 'f', .required = true}, {.name = "b", .as = 'd'}};
  seen s = {0};
  io_sink sink = {see_shapes, see_rows, NULL, &s, &watch};
  mopo_error e = {0};
  pthread_t other;
  touch("waits", "x");
  assert_int_equal(pthread_create(&other, NULL, stop_soon, (void *)(uintptr_t)&flag), 0);
  mopo_status st = guard_read("waits", a, 2, &sink, &e);
  pthread_join(other, NULL);
  assert_int_equal(st, MOPO_ESTOPPED);
  assert_string_equal(e.msg, "waits: stopped while reading it");
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* What cannot start is not the file's fault. */
static void no_helper(void **state)
{
  (void)state;
  mopo_error e = {0};
  seen s = {0};
  setenv("MOPO_HDF5_HELPER", "/no/such/program", 1);
  assert_int_equal(run("truth", &s, &e), MOPO_EABSENT);
  assert_non_null(strstr(e.msg, "mopo-hdf5"));
  setenv("MOPO_HDF5_HELPER", "/bin/false", 1);
  assert_int_equal(run("truth", &s, &e), MOPO_EIO);
  assert_non_null(strstr(e.msg, "does not run (code 1)"));
  setenv("MOPO_HDF5_HELPER", CRIMINAL, 1);
}

int main(void)
{
  setenv("MOPO_HDF5_HELPER", CRIMINAL, 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(truth_passes),           cmocka_unit_test(nonsense_does_not),
      cmocka_unit_test(crimes_are_told),        cmocka_unit_test(nothing_is_heard),
      cmocka_unit_test(nothing_succeeds),       cmocka_unit_test(nothing_succeeds_as_nobody),
      cmocka_unit_test(stopped_while_it_waits), cmocka_unit_test(no_helper),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
