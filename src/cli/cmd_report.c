/* cmd_report.c - mopo report: one page from run directories. */
#include "cli.h"
#include "json.h"
#include "options.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "report RUN... --out report.html [options]";
static const char purpose[] =
    "Writes one HTML page about one or many run directories: learning curves, results with\n"
    "intervals, the model's fit and calibration, settings and commands. The page needs no network\n"
    "and no script; runs that are under way are shown as far as they are. A directory that is no\n"
    "run, such as that of mopo reproduce, stands for all runs in it.";

static const char *s(int n) { return n == 1 ? "" : "s"; }

typedef struct run_list {
  char **dir;
  int n;
  bool full; /* no memory */
} run_list;

static void add_run(run_list *l, const char *dir)
{
  char *copy = strdup(dir);
  char **more = copy ? realloc(l->dir, ((size_t)l->n + 1) * sizeof *more) : NULL;
  if (!more) {
    free(copy);
    l->full = true;
    return;
  }
  l->dir = more;
  l->dir[l->n++] = copy;
}

/* Adds dir if it is a run, else the runs in it, by name, at most `depth` directories down. */
static void find_runs(run_list *l, const char *dir, int depth)
{
  char path[PATH_MAX];
  struct dirent **entry = NULL;
  int fits =
      snprintf(path, sizeof path, "%s/%s", dir, mopo_run_file(MOPO_RUN_CONFIG)) < (int)sizeof path;
  if (fits && access(path, F_OK) == 0) {
    add_run(l, dir);
    return;
  }
  int n = depth > 0 ? scandir(dir, &entry, NULL, alphasort) : 0;
  for (int i = 0; i < n; i++) {
    if (entry[i]->d_name[0] != '.' &&
        snprintf(path, sizeof path, "%s/%s", dir, entry[i]->d_name) < (int)sizeof path)
      find_runs(l, path, depth - 1);
    free(entry[i]);
  }
  free(entry);
}

/* What holds no run stays, so that the message names it. */
static int list_runs(run_list *l, const options *o)
{
  enum { DEPTH = 6 };
  for (int i = 0; i < o->n_args; i++) {
    int before = l->n;
    find_runs(l, o->args[i], DEPTH);
    if (l->n == before) add_run(l, o->args[i]);
  }
  return l->full ? cli_fail(EXIT_RUN, "report: no memory for %d runs", l->n) : EXIT_DONE;
}

static void free_runs(run_list *l)
{
  for (int i = 0; i < l->n; i++) free(l->dir[i]);
  free(l->dir);
}

static int write_report(options *o)
{
  if (o->n_args < 1) return cli_fail(EXIT_USAGE, "want run directories; usage: mopo %s", usage);
  int code = options_need(o, "out");
  if (code != EXIT_DONE) return code;

  mopo_error err;
  mopo_report_result r;
  run_list runs = {0};
  code = list_runs(&runs, o);
  if (code == EXIT_DONE)
    code = cli_status(
        mopo_report(&r, (const char *const *)runs.dir, runs.n, options_text(o, "out"), &err), &err);
  free_runs(&runs);
  if (code != EXIT_DONE) return code;
  if (o->json) {
    printf("{\"runs\":%d,\"finished\":%d,\"methods\":%d,\"datasets\":%d,\"out\":", r.runs,
           r.finished, r.methods, r.datasets);
    json_text(options_text(o, "out"));
    printf("}\n");
  } else {
    printf("%d run%s (%d finished), %d method%s, %d dataset%s: %s\n", r.runs, s(r.runs), r.finished,
           r.methods, s(r.methods), r.datasets, s(r.datasets), options_text(o, "out"));
  }
  return EXIT_DONE;
}

int cmd_report(int argc, char **argv)
{
  options o = {.verb = "report", .usage = usage, .purpose = purpose, .max_args = INT_MAX};
  return options_run(&o, argc, argv, write_report);
}
