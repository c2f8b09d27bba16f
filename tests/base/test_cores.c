/* test_cores.c - quotas of control groups, of both versions, in a file system made for it. */
#include "check.h"

#include "base/par.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[] = "/tmp/mopo_test_cores_XXXXXX";

static void make_dir(const char *name)
{
  char path[300];
  snprintf(path, sizeof path, "%s/%s", root, name);
  assert_int_equal(mkdir(path, 0777), 0);
}

static void put(const char *name, const char *text)
{
  char path[300];
  snprintf(path, sizeof path, "%s/%s", root, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static int cores(const char *groups)
{
  char path[300];
  put("proc", groups);
  snprintf(path, sizeof path, "%s/proc", root);
  return cores_by_groups(path, root);
}

static void version_2(void **state)
{
  (void)state;
  make_dir("job"), make_dir("job/step");
  assert_int_equal(cores("0::/job/step\n"), INT_MAX);
  put("job/step/cpu.max", "max 100000\n");
  assert_int_equal(cores("0::/job/step\n"), INT_MAX);
  put("job/cpu.max", "300000 100000\n"); /* of the group above */
  assert_int_equal(cores("0::/job/step\n"), 3);
  put("job/step/cpu.max", "150000 100000\n"); /* 1.5: two threads */
  assert_int_equal(cores("0::/job/step\n"), 2);
  assert_int_equal(cores("0::/job\n"), 3);
  put("cpu.max", "1000 100000\n"); /* a container's own root: a hundredth is one */
  assert_int_equal(cores("0::/\n"), 1);
  assert_int_equal(cores("0::/job/step\n"), 1);
  put("cpu.max", "max 100000\n");
}

static void version_1(void **state)
{
  (void)state;
  make_dir("cpu,cpuacct"), make_dir("cpu,cpuacct/job"), make_dir("cpuset"), make_dir("cpuset/job");
  put("cpuset/job/cpu.cfs_quota_us", "100000\n"); /* of another controller: not asked */
  put("cpuset/job/cpu.cfs_period_us", "100000\n");
  put("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  put("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  static const char groups[] = "12:memory:/job\n5:cpuset:/job\n4:cpu,cpuacct:/job\n";
  assert_int_equal(cores(groups), INT_MAX);
  put("cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n");
  assert_int_equal(cores(groups), 4);
  assert_int_equal(cores("0::/job\n4:cpu,cpuacct:/job\n"), 3); /* both: the least */
}

static void what_says_nothing(void **state)
{
  (void)state;
  char path[300];
  snprintf(path, sizeof path, "%s/absent", root);
  assert_int_equal(cores_by_groups(path, root), INT_MAX);
  assert_int_equal(cores(""), INT_MAX);
  assert_int_equal(cores("nonsense\n0:\n::\n"), INT_MAX);
  make_dir("odd");
  put("odd/cpu.max", "");
  assert_int_equal(cores("0::/odd\n"), INT_MAX);
  put("odd/cpu.max", "100000\n");
  assert_int_equal(cores("0::/odd\n"), INT_MAX);
  put("odd/cpu.max", "100000 0\n");
  assert_int_equal(cores("0::/odd\n"), INT_MAX);
  assert_int_equal(cores("0::/no/such/group\n"), INT_MAX);
}

static void slurm_says(void **state)
{
  (void)state;
  unsetenv("SLURM_CPUS_PER_TASK");
  int all = par_cores();
  assert_true(all >= 1);
  setenv("SLURM_CPUS_PER_TASK", "1", 1);
  assert_int_equal(par_cores(), 1);
  setenv("SLURM_CPUS_PER_TASK", "1000000", 1); /* no more than there are */
  assert_int_equal(par_cores(), all);
  setenv("SLURM_CPUS_PER_TASK", "much", 1);
  assert_int_equal(par_cores(), all);
  unsetenv("SLURM_CPUS_PER_TASK");
}

static int begin(void **state)
{
  (void)state;
  return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", root);
  return system(command);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(version_2),
      cmocka_unit_test(version_1),
      cmocka_unit_test(what_says_nothing),
      cmocka_unit_test(slurm_says),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
