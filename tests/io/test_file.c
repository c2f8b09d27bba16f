/* test_file.c - whole files, written whole or not at all. */
#include "check.h"
#include "io/file.h"
#include "io/part.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/mopo_test_file_XXXXXX";

static const char *in_dir(const char *name)
{
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

/* Temporary files of the target `name`. */
static int parts_of(const char *name)
{
  char start[300];
  int n = 0, k = snprintf(start, sizeof start, "%s.mopo-", name);
  DIR *d = opendir(dir);
  for (struct dirent *e; (e = readdir(d));) n += strncmp(e->d_name, start, (size_t)k) == 0;
  closedir(d);
  return n;
}

static void expect_content(const char *path, const char *want)
{
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, path, 100, &err), err);
  assert_int_equal(n, strlen(want));
  assert_memory_equal(bytes, want, n + 1); /* with the 0 after the end */
  free(bytes);
}

static void test_write_and_read(void **state)
{
  (void)state;
  mopo_error err;
  const char *path = in_dir("a");
  assert_false(file_exists(path));
  assert_ok(file_write(path, "hello", 5, &err), err);
  assert_true(file_exists(path));
  expect_content(path, "hello");
  file_piece pieces[] = {{"a", 1}, {NULL, 0}, {"bcd", 3}};
  assert_ok(file_write_pieces(path, pieces, 3, &err), err);
  expect_content(path, "abcd");
  assert_ok(file_write(path, NULL, 0, &err), err);
  expect_content(path, "");
  assert_int_equal(parts_of("a"), 0);
}

static void test_read_refuses_more_than_max(void **state)
{
  (void)state;
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  const char *path = in_dir("b");
  assert_ok(file_write(path, "0123456789", 10, &err), err);
  assert_ok(file_read(&bytes, &n, path, 10, &err), err);
  assert_int_equal(n, 10);
  free(bytes);
  assert_int_equal(file_read(&bytes, &n, path, 9, &err), MOPO_EFORMAT);
  assert_null(bytes);
}

/* A file that the system says is empty. */
static void test_read_without_a_size(void **state)
{
  (void)state;
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  if (!file_exists("/proc/self/maps")) skip();
  assert_ok(file_read(&bytes, &n, "/proc/self/maps", 1 << 24, &err), err);
  assert_true(n > 100);
  free(bytes);
}

/* A pipe has no size and gives what it has; 300 kB of it. */
static void test_read_from_a_pipe(void **state)
{
  enum { N = 300000 };
  static const struct {
    size_t max;
    mopo_status status;
  } all[] = {{SIZE_MAX, MOPO_OK}, {N, MOPO_OK}, {N - 1, MOPO_EFORMAT}, {100, MOPO_EFORMAT}};
  (void)state;
  char *want = malloc(N), path[256];
  assert_non_null(want);
  for (int i = 0; i < N; i++) want[i] = (char)(i % 251);
  snprintf(path, sizeof path, "%s", in_dir("pipe"));
  assert_int_equal(mkfifo(path, 0600), 0);
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    pid_t child = fork();
    if (child == 0) {
      FILE *f = fopen(path, "wb");
      size_t n = f ? fwrite(want, 1, N, f) : 0;
      _exit(n == N && fclose(f) == 0 ? 0 : 1); /* or SIGPIPE, where no more is wanted */
    }
    mopo_error err;
    char *bytes = NULL;
    size_t n = 0;
    mopo_status st = file_read(&bytes, &n, path, all[k].max, &err);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(st, all[k].status);
    if (st == MOPO_OK) {
      assert_int_equal(n, N);
      assert_memory_equal(bytes, want, N);
    }
    free(bytes);
  }
  free(want);
}

/* A name as long as the system takes has no room for the temporary one's ending. */
static void test_paths_too_long(void **state)
{
  (void)state;
  mopo_error err;
  char *path = malloc(5000);
  assert_non_null(path);
  for (int i = 0; i < 4999; i++) path[i] = i % 2 ? '.' : '/'; /* "/././x" */
  memcpy(path + 4997, "/x", 3);
  assert_int_equal(file_write(path + 5000 - 4093, "x", 1, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "File name too long"));
  assert_int_equal(file_make_dir(path, &err), MOPO_EINVAL);
  free(path);
}

/* The directory that is synced is the file's own, however the path is written. */
static void test_directories_of_paths(void **state)
{
  (void)state;
  mopo_error err;
  char here[4096];
  assert_non_null(getcwd(here, sizeof here));
  assert_int_equal(chdir(dir), 0);
  assert_ok(file_make_dir("sub", &err), err);
  static const char *const paths[] = {"bare", "./dot", "sub/in", "sub//twice", "sub/../up"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    assert_ok(file_write(paths[i], "hello", 5, &err), err);
    expect_content(paths[i], "hello");
  }
  assert_int_equal(chdir(here), 0);
}

static void test_failures_name_the_file(void **state)
{
  (void)state;
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_int_equal(file_read(&bytes, &n, "/no/such", 10, &err), MOPO_EIO);
  assert_string_equal(err.msg, "/no/such: No such file or directory");
  assert_int_equal(file_read(&bytes, &n, dir, 10, &err), MOPO_EIO);
  assert_int_equal(file_write("/no/such/file", "x", 1, &err), MOPO_EIO);
  assert_int_equal(file_write(dir, "x", 1, &err), MOPO_EIO);
  assert_non_null(strstr(err.msg, "not a regular file"));
}

static void test_a_device_is_not_replaced(void **state)
{
  (void)state;
  mopo_error err;
  struct stat s;
  assert_int_equal(file_write("/dev/null", "x", 1, &err), MOPO_EIO);
  assert_int_equal(stat("/dev/null", &s), 0);
  assert_true(S_ISCHR(s.st_mode));
}

static void test_a_link_stays_a_link(void **state)
{
  (void)state;
  mopo_error err;
  struct stat s;
  char link[256];
  snprintf(link, sizeof link, "%s", in_dir("link"));
  assert_ok(file_write(in_dir("target"), "old", 3, &err), err);
  assert_int_equal(symlink("target", link), 0);
  assert_ok(file_write(link, "new", 3, &err), err);
  assert_int_equal(lstat(link, &s), 0);
  assert_true(S_ISLNK(s.st_mode));
  expect_content(in_dir("target"), "new");
}

/* The target of a link need not exist. */
static void test_a_dangling_link_stays_one(void **state)
{
  (void)state;
  mopo_error err;
  struct stat s;
  char link[256];
  snprintf(link, sizeof link, "%s", in_dir("far"));
  assert_int_equal(symlink("nearer", link), 0);
  assert_int_equal(symlink("made_late", in_dir("nearer")), 0);
  assert_ok(file_write(link, "new", 3, &err), err);
  assert_int_equal(lstat(link, &s), 0);
  assert_true(S_ISLNK(s.st_mode));
  expect_content(in_dir("made_late"), "new");
  assert_int_equal(symlink("round", in_dir("round")), 0);
  assert_int_equal(file_write(in_dir("round"), "x", 1, &err), MOPO_EIO);
}

/* Nobody's file is taken for ours: not a file, a link or a FIFO that happens to be named .part. */
static void test_foreign_files_are_not_touched(void **state)
{
  (void)state;
  mopo_error err;
  struct stat s;
  assert_ok(file_write(in_dir("own"), "mine", 4, &err), err);
  assert_int_equal(symlink("own", in_dir("t.part")), 0);
  assert_ok(file_write(in_dir("t"), "new", 3, &err), err);
  assert_int_equal(mkfifo(in_dir("f.part"), 0600), 0);
  assert_ok(file_write(in_dir("f"), "new", 3, &err), err);
  assert_ok(file_write(in_dir("g.part"), "theirs", 6, &err), err);
  assert_ok(file_write(in_dir("g.mopo-12.part"), "theirs", 6, &err), err);
  assert_ok(file_write(in_dir("g.mopo-00000000000x.part"), "theirs", 6, &err), err);
  assert_int_equal(mkfifo(in_dir("g.mopo-000000000000.part"), 0600), 0);
  assert_int_equal(symlink("own", in_dir("g.mopo-000000000001.part")), 0);
  assert_ok(file_write(in_dir("other.mopo-000000000000.part"), "theirs", 6, &err), err);
  assert_ok(file_write(in_dir("g"), "new", 3, &err), err);
  expect_content(in_dir("own"), "mine");
  expect_content(in_dir("g.part"), "theirs");
  expect_content(in_dir("g.mopo-12.part"), "theirs");
  expect_content(in_dir("g.mopo-00000000000x.part"), "theirs");
  expect_content(in_dir("other.mopo-000000000000.part"), "theirs");
  assert_int_equal(lstat(in_dir("f.part"), &s), 0);
  assert_int_equal(lstat(in_dir("g.mopo-000000000000.part"), &s), 0);
  assert_int_equal(lstat(in_dir("g.mopo-000000000001.part"), &s), 0);
}

/* What a writer that was killed has left goes; what one still writes stays. */
static void test_stale_parts_are_swept(void **state)
{
  (void)state;
  mopo_error err;
  char path[256];
  snprintf(path, sizeof path, "%s", in_dir("s"));
  pid_t child = fork();
  if (child == 0) {
    part p;
    _exit(part_begin(&p, path, &err) == MOPO_OK && write(p.fd, "half", 4) == 4 ? 0 : 1);
  }
  int how = -1;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_int_equal(how, 0);
  assert_int_equal(parts_of("s"), 1);
  part alive;
  assert_ok(part_begin(&alive, path, &err), err);
  assert_int_equal(parts_of("s"), 1); /* its own */
  assert_ok(file_write(path, "other", 5, &err), err);
  assert_int_equal(parts_of("s"), 1);
  assert_int_equal(write(alive.fd, "whole", 5), 5);
  assert_ok(part_finish(&alive, &err), err);
  expect_content(path, "whole");
  assert_int_equal(parts_of("s"), 0);
}

/* Several processes write one target over and over: what is there is always one of theirs, whole.
 */
static void test_writers_of_one_target(void **state)
{
  enum { WRITERS = 3, ROUNDS = 60, N = 300000 };
  (void)state;
  mopo_error err;
  char path[256];
  snprintf(path, sizeof path, "%s", in_dir("both"));
  char *mine = malloc(N);
  assert_non_null(mine);
  pid_t child[WRITERS];
  for (int w = 0; w < WRITERS; w++) {
    child[w] = fork();
    memset(mine, 'a' + w, N);
    for (int i = 0; child[w] == 0 && i < ROUNDS; i++)
      if (file_write(path, mine, N, &err) != MOPO_OK) _exit(1);
    if (child[w] == 0) _exit(0);
  }
  for (int left = WRITERS, how = 0; left > 0;) {
    pid_t ended = waitpid(-1, &how, WNOHANG);
    if (ended > 0) assert_int_equal(how, 0);
    left -= ended > 0;
    char *bytes = NULL;
    size_t n = 0;
    if (!file_exists(path)) continue;
    assert_ok(file_read(&bytes, &n, path, N, &err), err);
    assert_int_equal(n, N);
    for (size_t i = 1; i < n; i++) assert_int_equal(bytes[i], bytes[0]);
    free(bytes);
  }
  free(mine);
  assert_int_equal(parts_of("both"), 0);
}

/* Permissions are given by the umask; a file that nobody may read is written all the same. */
static void test_a_strict_umask(void **state)
{
  (void)state;
  mopo_error err;
  struct stat s;
  mode_t before = umask(0777);
  mopo_status st = file_write(in_dir("closed"), "x", 1, &err);
  umask(before);
  assert_ok(st, err);
  assert_int_equal(stat(in_dir("closed"), &s), 0);
  assert_int_equal(s.st_mode & 0777, 0);
  assert_int_equal(s.st_size, 1);
}

/* What the host has closed stays closed: its standard error is not a file of ours. */
static void test_standard_streams_are_not_taken(void **state)
{
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    for (int fd = 0; fd <= 2; fd++) close(fd);
    int a = file_open("/dev/null", O_RDONLY, 0);
    FILE *f = file_stream("/dev/null", "a");
    mopo_error err;
    part p;
    bool begun = part_begin(&p, in_dir("std"), &err) == MOPO_OK;
    _exit(a > 2 && f && fileno(f) > 2 && begun && p.fd > 2 ? 0 : 1);
  }
  int how = -1;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_int_equal(how, 0);
}

static void test_make_dir(void **state)
{
  (void)state;
  mopo_error err;
  char deep[256];
  snprintf(deep, sizeof deep, "%s", in_dir("x/y//z/"));
  assert_ok(file_make_dir(deep, &err), err);
  assert_ok(file_make_dir(deep, &err), err);
  assert_ok(file_write(in_dir("plain"), "", 0, &err), err);
  assert_int_equal(file_make_dir(in_dir("plain/sub"), &err), MOPO_EIO);
  assert_int_equal(file_make_dir("", &err), MOPO_EINVAL);
  assert_int_equal(symlink("nowhere", in_dir("dangling")), 0);
  assert_int_equal(file_make_dir(in_dir("dangling"), &err), MOPO_EIO);
  assert_non_null(strstr(err.msg, "dangling: No such file"));
}

static void test_join(void **state)
{
  (void)state;
  mopo_error err;
  char buf[8];
  assert_ok(file_join(buf, sizeof buf, "ab", "cd", &err), err);
  assert_string_equal(buf, "ab/cd");
  assert_ok(file_join(buf, sizeof buf, "ab/", "cd", &err), err);
  assert_string_equal(buf, "ab/cd");
  assert_ok(file_join(buf, sizeof buf, "", "cd", &err), err);
  assert_string_equal(buf, "cd");
  assert_ok(file_join(buf, sizeof buf, "abcd", "ef", &err), err);
  assert_int_equal(file_join(buf, sizeof buf, "abcd", "efg", &err), MOPO_EINVAL);
}

static int make_dir(void **state)
{
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  return system(command);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_write_and_read),
      cmocka_unit_test(test_read_refuses_more_than_max),
      cmocka_unit_test(test_read_without_a_size),
      cmocka_unit_test(test_read_from_a_pipe),
      cmocka_unit_test(test_paths_too_long),
      cmocka_unit_test(test_directories_of_paths),
      cmocka_unit_test(test_failures_name_the_file),
      cmocka_unit_test(test_a_device_is_not_replaced),
      cmocka_unit_test(test_a_link_stays_a_link),
      cmocka_unit_test(test_a_dangling_link_stays_one),
      cmocka_unit_test(test_foreign_files_are_not_touched),
      cmocka_unit_test(test_stale_parts_are_swept),
      cmocka_unit_test(test_writers_of_one_target),
      cmocka_unit_test(test_a_strict_umask),
      cmocka_unit_test(test_standard_streams_are_not_taken),
      cmocka_unit_test(test_make_dir),
      cmocka_unit_test(test_join),
  };
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
