/* test_lock.c - one holder at a time, and none after its end. */
#include "check.h"

#include "io/file.h"
#include "io/lock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void one_holder(void **state)
{
  (void)state;
  mopo_error e;
  lock a, b;
  assert_ok(lock_take(&a, "out.x", &e), e);
  assert_true(file_exists("out.x.writing"));
  assert_int_equal(lock_take(&b, "out.x", &e), MOPO_EIO);
  assert_string_equal(e.msg, "out.x: another process is making it");
  lock_release(&b);
  lock_release(&a);
  assert_false(file_exists("out.x.writing"));
  assert_ok(lock_take(&b, "out.x", &e), e);
  lock_release(&b);
  assert_int_equal(lock_take(&a, "no/such/out.x", &e), MOPO_EIO);
  assert_string_equal(e.msg, "no/such/out.x.writing: No such file or directory");
}

static void a_killed_holder(void **state)
{
  (void)state;
  mopo_error e;
  lock l;
  pid_t child = fork();
  if (child == 0) {
    if (lock_take(&l, "killed", &e) == MOPO_OK) raise(SIGKILL);
    _exit(1);
  }
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_true(file_exists("killed.writing"));
  assert_ok(lock_take(&l, "killed", &e), e);
  lock_release(&l);
}

/* Many take and release it: never two at once, though the file comes and goes. */
static void never_two(void **state)
{
  enum { WRITERS = 4, ROUNDS = 300 };
  (void)state;
  int how = 0;
  rmdir("held");
  for (int w = 0; w < WRITERS; w++) {
    if (fork() != 0) continue;
    mopo_error e;
    lock l;
    for (int i = 0; i < ROUNDS; i++) {
      if (lock_take(&l, "often", &e) != MOPO_OK) continue;
      if (mkdir("held", 0700) != 0 || rmdir("held") != 0) _exit(1);
      lock_release(&l);
    }
    _exit(0);
  }
  for (int w = 0; w < WRITERS; w++) {
    assert_true(wait(&how) > 0);
    assert_int_equal(how, 0);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_holder), cmocka_unit_test(a_killed_holder), cmocka_unit_test(never_two)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
