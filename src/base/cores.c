/* cores.c - how many processors may this process use? Its affinity; the quota of its control
 * groups (v2: cpu.max, v1: cpu.cfs_quota_us); what Slurm gave its task. The least counts. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/par.h"

enum { PATH = 1200 };

static int by_affinity(void)
{
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return INT_MAX;
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}

static int by_slurm(void)
{
  const char *text = getenv("SLURM_CPUS_PER_TASK");
  long n = text ? strtol(text, NULL, 10) : 0;
  return n > 0 && n < INT_MAX ? (int)n : INT_MAX;
}

/* A quota of 1.5 processors runs two threads. */
static int of_quota(long long quota, long long period)
{
  if (quota <= 0 || period <= 0) return INT_MAX;
  long long n = (quota + period - 1) / period;
  return n < 1 ? 1 : n < INT_MAX ? (int)n : INT_MAX;
}

static long long number_in(const char *path)
{
  long long x = -1;
  FILE *f = fopen(path, "re");
  if (!f) return -1;
  if (fscanf(f, "%lld", &x) != 1) x = -1;
  fclose(f);
  return x;
}

/* The quota of one group, v2 or v1. */
static int by_group(const char *group)
{
  char path[PATH + 40], line[64] = "";
  long long quota = -1, period = -1;
  snprintf(path, sizeof path, "%s/cpu.max", group);
  FILE *f = fopen(path, "re");
  if (f) {
    char *rest = line;
    if (fgets(line, sizeof line, f)) quota = strtoll(line, &rest, 10); /* "max 100000": none */
    period = rest > line ? strtoll(rest, NULL, 10) : -1;
    fclose(f);
    return of_quota(quota, period);
  }
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", group);
  quota = number_in(path);
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", group);
  return of_quota(quota, number_in(path));
}

/* A group and those above it, up to the root of its file system. */
static int by_groups_of(const char *root, char *group)
{
  char path[PATH];
  int least = INT_MAX;
  for (;;) {
    snprintf(path, sizeof path, "%s%s", root, group);
    int n = by_group(path);
    if (n < least) least = n;
    char *slash = strrchr(group, '/');
    if (!slash) return least;
    *slash = '\0';
  }
}

/* proc: /proc/self/cgroup, lines "0::/a/b" (v2) or "4:cpu,cpuacct:/a/b" (v1). */
int cores_by_groups(const char *proc, const char *root)
{
  char line[1024], base[PATH];
  int least = INT_MAX;
  FILE *f = fopen(proc, "re");
  if (!f) return least;
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = '\0';
    char *kind = strchr(line, ':'), *group = kind ? strchr(kind + 1, ':') : NULL;
    if (!group) continue;
    *group++ = '\0', kind++;
    bool v2 = !*kind, cpu = !strncmp(kind, "cpu", 3) && strcmp(kind, "cpuset") != 0;
    if (!v2 && !cpu) continue;
    snprintf(base, sizeof base, "%s%s%s", root, v2 ? "" : "/", v2 ? "" : kind);
    int n = by_groups_of(base, group);
    if (n < least) least = n;
  }
  fclose(f);
  return least;
}

int par_cores(void)
{
  int n = by_affinity(), groups = cores_by_groups("/proc/self/cgroup", "/sys/fs/cgroup"),
      slurm = by_slurm();
  if (groups < n) n = groups;
  if (slurm < n) n = slurm;
  return n == INT_MAX ? 1 : n > PAR_MAX ? PAR_MAX : n;
}

int mopo_processors(void) { return par_cores(); }
