/* sweep_status.c - how far a sweep is, and what has come of it: a page for the terminal, one row a
 * run in results.csv. */
#include "sweep.h"

#include "json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ results.csv */

/* The figures of all runs: the union of their names, in the order in which they come. */
typedef struct table {
  char **name;
  int names;
  char ***cell;   /* [units] of [names so far]; NULL: not there */
  int *cells;     /* [units] */
  int row;        /* under way */
  double seconds; /* that the runs with a result took */
  int timed;      /* so many of them */
  bool full;      /* no memory */
} table;

static int column_of(table *t, const char *name)
{
  for (int i = 0; i < t->names; i++)
    if (!strcmp(t->name[i], name)) return i;
  char **more = realloc(t->name, ((size_t)t->names + 1) * sizeof *more);
  if (!more) return -1;
  t->name = more;
  t->name[t->names] = strdup(name);
  return t->name[t->names] ? t->names++ : -1;
}

/* Versions and settings are the same for all, or among the keys. */
static void take(void *ctx, const char *name, const char *value)
{
  table *t = ctx;
  if (!strncmp(name, "versions.", 9) || !strncmp(name, "settings.", 9)) return;
  if (!strcmp(name, "wall_seconds")) t->seconds += strtod(value, NULL), t->timed++;
  const char *plain = !strncmp(name, "final.", 6) ? name + 6 : name;
  int c = column_of(t, plain);
  if (c < 0 || t->full) {
    t->full = true;
    return;
  }
  while (t->cells[t->row] <= c) {
    char **more = realloc(t->cell[t->row], ((size_t)t->cells[t->row] + 1) * sizeof *more);
    if (!more) {
      t->full = true;
      return;
    }
    t->cell[t->row] = more;
    more[t->cells[t->row]++] = NULL;
  }
  t->cell[t->row][c] = strdup(value);
}

/* RFC 4180: quoted where it has to be. */
static void print_cell(FILE *f, const char *text)
{
  if (!text[strcspn(text, ",\"\r\n")]) {
    fputs(text, f);
    return;
  }
  putc('"', f);
  for (; *text; text++) fputs(*text == '"' ? "\"\"" : (char[]){*text, '\0'}, f);
  putc('"', f);
}

static const char *word_of(unit_state state)
{
  static const char *const words[] = {[UNIT_WAITING] = "waiting",
                                      [UNIT_UNDER_WAY] = "running",
                                      [UNIT_FAILED] = "failed",
                                      [UNIT_DONE] = "done"};
  return words[state];
}

static void print_run(FILE *f, const sweep *s, int unit, const table *t)
{
  mopo_sweep_unit u = sweep_unit(s, unit);
  char value[1100];
  print_cell(f, u.name);
  fprintf(f, ",%s", word_of(sweep_look(s, unit).state));
  for (int k = 0; mopo_sweep_key(s->plan, k); k++) {
    mopo_config_get(u.config, mopo_sweep_key(s->plan, k), value, sizeof value);
    putc(',', f);
    print_cell(f, value);
  }
  for (int c = 0; c < t->names; c++) {
    putc(',', f);
    if (c < t->cells[unit] && t->cell[unit][c]) print_cell(f, t->cell[unit][c]);
  }
  putc('\n', f);
}

static int write_table(const sweep *s, const table *t)
{
  char path[SWEEP_PATH], part[SWEEP_PATH + 32];
  snprintf(path, sizeof path, "%s/results.csv", s->dir);
  snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid());
  FILE *f = fopen(part, "wxe");
  if (!f) return cli_fail(EXIT_RUN, "%s: %s", part, strerror(errno));
  fprintf(f, "run,state");
  for (int k = 0; mopo_sweep_key(s->plan, k); k++) fprintf(f, ",%s", mopo_sweep_key(s->plan, k));
  for (int c = 0; c < t->names; c++) {
    putc(',', f);
    print_cell(f, t->name[c]);
  }
  putc('\n', f);
  for (int i = 0; i < s->units; i++)
    if (!sweep_unit(s, i).model) print_run(f, s, i, t);
  bool ok = fflush(f) == 0 && fsync(fileno(f)) == 0;
  ok = fclose(f) == 0 && ok && rename(part, path) == 0;
  if (ok) return EXIT_DONE;
  int why = errno;
  unlink(part);
  return cli_fail(EXIT_RUN, "%s: %s", path, strerror(why));
}

static void free_table(table *t, int units)
{
  for (int i = 0; t->cell && t->cells && i < units; i++) {
    for (int c = 0; c < t->cells[i]; c++) free(t->cell[i][c]);
    free(t->cell[i]);
  }
  for (int c = 0; c < t->names; c++) free(t->name[c]);
  free(t->name), free(t->cell), free(t->cells);
}

/* *mean: seconds of a run that is done; NAN: none is. */
static int results(const sweep *s, double *mean)
{
  size_t n = (size_t)s->units;
  table t = {.cell = calloc(n, sizeof *t.cell), .cells = calloc(n, sizeof *t.cells)};
  int code = EXIT_DONE;
  t.full = !t.cell || !t.cells;
  for (t.row = 0; !t.full && code == EXIT_DONE && t.row < s->units; t.row++) {
    mopo_sweep_unit u = sweep_unit(s, t.row);
    char out[SWEEP_PATH];
    mopo_error err;
    mopo_config_get(u.config, "out", out, sizeof out);
    if (u.model || mopo_run_find(out) != MOPO_RUN_DONE) continue;
    code = cli_status(mopo_run_figures(out, take, &t, &err), &err);
  }
  if (t.full) code = cli_fail(EXIT_RUN, "sweep: no memory for the results of %d runs", s->units);
  if (code == EXIT_DONE) code = write_table(s, &t);
  *mean = t.timed ? t.seconds / t.timed : (double)NAN;
  free_table(&t, s->units);
  return code;
}

int sweep_results(const sweep *s)
{
  double mean;
  return results(s, &mean);
}

/* ------------------------------------------------------------------ status */

typedef struct standing {
  int count[UNIT_DONE + 1];
  int left;    /* runs, without ensembles, that wait or are under way */
  double mean; /* seconds of a run that is done; NAN: none is */
} standing;

/* As many at once as now, or as would be here; NAN: nobody knows. */
static double seconds_left(const sweep *s, const standing *at)
{
  int places = at->count[UNIT_UNDER_WAY] ? at->count[UNIT_UNDER_WAY] : s->jobs;
  if (places > at->left) places = at->left;
  return at->left ? at->mean * at->left / places : 0;
}

static void print_json(const sweep *s, const standing *at)
{
  bool first = true;
  const int *count = at->count;
  printf("{\"units\":%d,\"done\":%d,\"running\":%d,\"waiting\":%d,\"seconds_left\":", s->units,
         count[UNIT_DONE], count[UNIT_UNDER_WAY], count[UNIT_WAITING]);
  json_number(seconds_left(s, at));
  printf(",\"failed\":[");
  for (int i = 0; count[UNIT_FAILED] && i < s->units; i++) {
    unit_report r = sweep_look(s, i);
    if (r.state != UNIT_FAILED) continue;
    printf("%s{\"run\":", first ? "" : ",");
    json_text(sweep_unit(s, i).name);
    printf(",\"why\":");
    json_text(r.why);
    printf("}");
    first = false;
  }
  printf("],\"dir\":");
  json_text(s->dir);
  printf("}\n");
}

static void print_page(const sweep *s, const standing *at)
{
  const int *count = at->count;
  double left = seconds_left(s, at);
  printf("%d of %d done, %d running, %d waiting, %d failed", count[UNIT_DONE], s->units,
         count[UNIT_UNDER_WAY], count[UNIT_WAITING], count[UNIT_FAILED]);
  if (left > 0) printf("; about %.0f s left", ceil(left));
  putchar('\n');
  for (int i = 0; i < s->units; i++) {
    unit_report r = sweep_look(s, i);
    if (r.state == UNIT_UNDER_WAY) printf("running  %s (%s)\n", sweep_unit(s, i).name, r.where);
    if (r.state == UNIT_FAILED) printf("failed   %s: %s\n", sweep_unit(s, i).name, r.why);
  }
  printf("results: %s/results.csv\n", s->dir);
}

int sweep_status(const sweep *s)
{
  standing at = {.left = 0};
  for (int i = 0; i < s->units; i++) {
    unit_state state = sweep_look(s, i).state;
    at.count[state]++;
    at.left += !sweep_unit(s, i).model && (state == UNIT_WAITING || state == UNIT_UNDER_WAY);
  }
  int code = results(s, &at.mean);
  if (s->o->json)
    print_json(s, &at);
  else
    print_page(s, &at);
  return code;
}
