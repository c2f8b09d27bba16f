/* cmd_sweep.c - mopo sweep: many runs, here or on a cluster. */
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] = "sweep FILE --dir DIR [options]";
static const char purpose[] =
    "Makes every run of a grid: FILE lists, under [sweep], settings of mopo train and their "
    "values,\n"
    "seed = 0 .. 4 or algo = mopo, td3bc. A setting that an algorithm does not read does not\n"
    "multiply its runs. Ensembles that runs share are fitted once. The same command may be given\n"
    "again: what is done stays, what was stopped resumes, what failed is tried again. Runs are\n"
    "directories below DIR; DIR/results.csv has a row for each.\n"
    "mopo sweep --status DIR says how far it is, and writes results.csv.\n"
    "Engines: local starts a process for each run, as many as there are processors; slurm submits\n"
    "array jobs (options of sbatch stand under [slurm]); lines prints one line a unit, which may "
    "be\n"
    "run any number of times wherever DIR is shared.";

static int parse_number(int *out, const char *name, const char *text, int least)
{
  char *end = NULL;
  errno = 0;
  long x = strtol(text, &end, 10);
  if (end == text || *end || errno || x < least || x > INT_MAX)
    return cli_fail(EXIT_USAGE, "--%s = '%s', want a whole number, %d or more", name, text, least);
  *out = (int)x;
  return EXIT_DONE;
}

static int find_program(sweep *s)
{
  char *path = realpath("/proc/self/exe", NULL);
  int n = path ? snprintf(s->program, sizeof s->program, "%s", path) : 0;
  free(path);
  if (n > 0 && n < (int)sizeof s->program) return EXIT_DONE;
  return cli_fail(EXIT_RUN, "/proc/self/exe: %s", path ? strerror(ENAMETOOLONG) : strerror(errno));
}

/* Makes DIR where `make`, and its path absolute. */
static int find_dir(sweep *s, const char *dir, bool make)
{
  if (make && mkdir(dir, 0777) != 0 && errno != EEXIST)
    return cli_fail(EXIT_RUN, "%s: %s", dir, strerror(errno));
  char *full = realpath(dir, NULL);
  if (!full) return cli_fail(EXIT_INPUT, "%s: %s", dir, strerror(errno));
  int n = snprintf(s->dir, sizeof s->dir, "%s", full);
  free(full);
  if (n > 0 && n < (int)sizeof s->dir) return EXIT_DONE;
  return cli_fail(EXIT_USAGE, "%s: path too long, want less than %zu bytes", dir, sizeof s->dir);
}

static int count_units(const mopo_sweep *plan)
{
  mopo_sweep_unit u;
  int n = 0;
  while (mopo_sweep_unit_at(&u, plan, n)) n++;
  return n;
}

static bool same_settings(const mopo_config *a, const mopo_config *b)
{
  for (int i = 0; mopo_setting_at(i); i++) {
    char x[1100], y[1100];
    const char *name = mopo_setting_name(mopo_setting_at(i));
    mopo_config_get(a, name, x, sizeof x);
    mopo_config_get(b, name, y, sizeof y);
    if (strcmp(x, y) != 0) return false;
  }
  return true;
}

/* The unit of plan with that name. */
static bool find_unit(mopo_sweep_unit *out, const mopo_sweep *plan, const char *name)
{
  for (int i = 0; mopo_sweep_unit_at(out, plan, i); i++)
    if (!strcmp(out->name, name)) return true;
  return false;
}

/* A sweep may grow: every run of the one that is there must be one of the new one's. */
static int check_grown(const sweep *s, const mopo_sweep *old)
{
  mopo_sweep_unit u, now;
  for (int i = 0; mopo_sweep_unit_at(&u, old, i); i++) {
    if (u.model) continue; /* a run that was alone may share its ensemble now, and has it already */
    if (!find_unit(&now, s->plan, u.name))
      return cli_fail(EXIT_USAGE, "%s: a directory of another sweep: this one has no run %s",
                      s->dir, u.name);
    if (now.needs == u.needs && !same_settings(u.config, now.config))
      return cli_fail(EXIT_USAGE, "%s: a directory of another sweep: run %s has other settings",
                      s->dir, u.name);
  }
  return EXIT_DONE;
}

/* DIR/sweep.ini: from the file that was given, or as it is. */
static int read_plan(sweep *s, const char *file, const char *kept)
{
  mopo_error err;
  mopo_sweep *old = NULL;
  bool is_kept = access(kept, F_OK) == 0;
  if (!file && !is_kept)
    return cli_fail(EXIT_INPUT, "%s: not the directory of a sweep: it has no sweep.ini", s->dir);
  int code = cli_status(mopo_sweep_load(&s->plan, file ? file : kept, s->dir, &err), &err);
  if (code == EXIT_DONE && file && is_kept)
    code = cli_status(mopo_sweep_load(&old, kept, s->dir, &err), &err);
  if (code == EXIT_DONE && old) code = check_grown(s, old);
  mopo_sweep_free(old);
  if (code == EXIT_DONE && file) code = cli_status(mopo_sweep_save(s->plan, kept, &err), &err);
  if (code == EXIT_DONE) s->units = count_units(s->plan);
  return code;
}

/* One process at a time: two may begin the same sweep. */
static int load_plan(sweep *s, const char *file)
{
  char kept[SWEEP_PATH], lock[SWEEP_PATH];
  snprintf(kept, sizeof kept, "%s/sweep.ini", s->dir);
  snprintf(lock, sizeof lock, "%s/sweep.lock", s->dir);
  if (!file) return read_plan(s, file, kept);
  int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return cli_fail(EXIT_RUN, "%s: %s", lock, strerror(errno));
  (void)flock(fd, LOCK_EX); /* where there are no locks, nobody waits */
  int code = read_plan(s, file, kept);
  close(fd);
  return code;
}

static int run_engine(const sweep *s, const char *engine)
{
  static const struct {
    const char *name;
    int (*run)(const sweep *s);
  } engines[] = {{"local", sweep_local}, {"slurm", sweep_slurm}, {"lines", sweep_lines}};
  for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
    if (!strcmp(engines[i].name, engine)) return engines[i].run(s);
  return cli_fail(EXIT_USAGE, "--engine = '%s', want local, slurm or lines", engine);
}

static int run_sweep(sweep *s, const char *file)
{
  const options *o = s->o;
  const char *engine = o->engine ? o->engine : "local";
  int unit = -1;
  if (o->unit) {
    int code = parse_number(&unit, "unit", o->unit, 0);
    if (code != EXIT_DONE) return code;
  }
  s->jobs = mopo_processors();
  if (o->jobs) {
    int code = parse_number(&s->jobs, "jobs", o->jobs, 1);
    if (code != EXIT_DONE) return code;
  }
  if (strcmp(engine, "local") != 0 && strcmp(engine, "slurm") != 0 && strcmp(engine, "lines") != 0)
    return run_engine(s, engine); /* refuses it, before anything is made */
  int code = load_plan(s, file);
  if (code != EXIT_DONE) return code;
  if (unit >= s->units)
    return cli_fail(EXIT_USAGE, "--unit = %d, want 0 to %d", unit, s->units - 1);
  if (o->status) return sweep_status(s);
  return unit >= 0 ? sweep_make(s, unit) : run_engine(s, engine);
}

static int sweep_verb(options *o)
{
  sweep s = {.o = o};
  const char *file = o->n_args ? o->args[0] : NULL, *dir = o->dir;
  int code = EXIT_DONE;
  if (o->status && !dir) dir = file, file = NULL;
  if (!dir) return cli_fail(EXIT_USAGE, "want --dir; usage: mopo %s", usage);
  if (file && (code = cli_input(file)) != EXIT_DONE) return code;
  if (!file && !o->status && !o->unit)
    return cli_fail(EXIT_USAGE, "want a sweep file; usage: mopo %s", usage);
  code = find_program(&s);
  if (code == EXIT_DONE) code = find_dir(&s, dir, file != NULL);
  if (code == EXIT_DONE) code = run_sweep(&s, file);
  mopo_sweep_free(s.plan);
  return code;
}

int cmd_sweep(int argc, char **argv)
{
  options o = {.verb = "sweep", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, sweep_verb);
}
