/* runs.c - see runs.h. */
#include "report/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "io/csv.h"
#include "io/file.h"
#include "run/rundir.h"

enum { LINE_COLUMNS = 64 };

static const char *const names[COLUMNS] = {
    [COLUMN_SCORE] = "score",
    [COLUMN_RETURN] = "return_mean",
    [COLUMN_SPREAD] = "return_std",
    [COLUMN_PENALTY] = "penalty_mean",
    [COLUMN_Q] = "q_mean",
    [COLUMN_Q_DATA] = "q_data_mean",
    [COLUMN_TRUE] = "discounted_return",
    [COLUMN_MODEL] = "model_return",
    [COLUMN_PENALISED] = "model_return_penalised",
    [COLUMN_WALL] = "wall_seconds",
};

/* ------------------------------------------------------------------ progress.csv */

/* Where columns are: by name, so that a file with more or fewer of them is read too. */
typedef struct header {
  int columns, epoch, updates, of[COLUMNS]; /* -1: not there */
} header;

static bool is_name(const char *cell, size_t n, const char *name)
{
  return strlen(name) == n && !strncmp(cell, name, n);
}

static header read_header(const char **at)
{
  header h = {.epoch = -1, .updates = -1};
  const char *p = *at;
  for (int c = 0; c < COLUMNS; c++) h.of[c] = -1;
  for (;; p++) {
    size_t n = strcspn(p, ",\n");
    if (is_name(p, n, "epoch")) h.epoch = h.columns;
    if (is_name(p, n, "updates")) h.updates = h.columns;
    for (int c = 0; c < COLUMNS; c++)
      if (is_name(p, n, names[c])) h.of[c] = h.columns;
    h.columns++;
    p += n;
    if (*p != ',') break;
  }
  *at = *p ? p + 1 : p;
  return h;
}

static mopo_status read_lines(report_run *r, const header *h, const char *at, const char *path,
                              mopo_error *err)
{
  double x[LINE_COLUMNS];
  for (int line = 2; *at && strchr(at, '\n'); line++) { /* the last line may be under way */
    if (!csv_parse(x, h->columns, at, &at))
      return error_set(err, MOPO_EFORMAT, "%s:%d: want %d numbers", path, line, h->columns);
    r->epoch = x[h->epoch];
    for (int c = 0; c < COLUMNS; c++) {
      series *s = &r->of[c];
      if (h->of[c] < 0 || !isfinite(x[h->of[c]])) continue;
      s->x[s->n] = x[h->updates];
      s->y[s->n++] = x[h->of[c]];
    }
  }
  return MOPO_OK;
}

static mopo_status read_progress(report_run *r, mopo_error *err)
{
  char path[RUN_PATH], *text = NULL;
  size_t bytes = 0, lines = 1;
  mopo_status st = rundir_path(path, sizeof path, r->dir, MOPO_RUN_PROGRESS, err);
  if (st != MOPO_OK || !file_exists(path)) return st; /* the model is being fitted */
  if ((st = file_read(&text, &bytes, path, (size_t)1 << 30, err)) != MOPO_OK) return st;
  const char *at = text;
  header h = read_header(&at);
  for (size_t i = 0; i < bytes; i++) lines += text[i] == '\n';
  r->memory = malloc(lines * 2 * COLUMNS * sizeof *r->memory);
  for (int c = 0; r->memory && c < COLUMNS; c++) {
    r->of[c].x = r->memory + (size_t)(2 * c) * lines;
    r->of[c].y = r->of[c].x + lines;
  }
  if (!r->memory)
    st = error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  else if (h.epoch < 0 || h.updates < 0 || h.columns > LINE_COLUMNS)
    st = error_set(err, MOPO_EFORMAT, "%s:1: want columns, among them epoch and updates", path);
  else
    st = read_lines(r, &h, at, path, err);
  free(text);
  return st;
}

double run_last(const report_run *r, report_column column)
{
  const series *s = &r->of[column];
  return s->n ? s->y[s->n - 1] : (double)NAN;
}

/* ------------------------------------------------------------------ one run */

static mopo_status load_run(report_run *r, const char *dir, mopo_error *err)
{
  char path[RUN_PATH];
  *r = (report_run){
      .dir = dir, .c = config_default(), .told = {.batch_mean = NAN, .batch_max = NAN}};
  mopo_status st = rundir_path(path, sizeof path, dir, MOPO_RUN_CONFIG, err);
  if (st != MOPO_OK) return st;
  if (!file_exists(path))
    return error_set(err, MOPO_EDATA, "%s: not a run directory, config.ini is not there", dir);
  st = mopo_config_load(&r->c, path, err);
  if (st == MOPO_EINVAL && err) st = err->code = MOPO_EFORMAT; /* the file's fault */
  if (st == MOPO_EINVAL) st = MOPO_EFORMAT;
  if (st == MOPO_OK && !*r->c.task) st = error_set(err, MOPO_EFORMAT, "%s: no task", path);
  if (st == MOPO_OK) st = read_progress(r, err);
  r->finished = r->epoch > 0 && r->epoch >= r->c.epochs;
  if (st == MOPO_OK) st = rundir_path(path, sizeof path, dir, MOPO_RUN_MODEL, err);
  if (st == MOPO_OK) st = fitlog_read(&r->fit, path, err);
  if (st == MOPO_OK) st = rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, err);
  if (st == MOPO_OK && file_exists(path)) st = result_read(&r->told, path, err);
  return st;
}

/* ------------------------------------------------------------------ same data, same method */

/* Seeds are runs of one method. */
static bool setting_of_method(const mopo_setting *s)
{
  return s->decides == MOPO_DECIDES_RESULT && strcmp(s->name, "seed") != 0;
}

/* A task file is of one's own data, of which the report knows as much as of none. */
static const mopo_task *task_of(const report_run *r)
{
  const mopo_task *known = mopo_task_find(r->c.task);
  return known ? known : mopo_task_find("none");
}

/* Data of one name are taken for the same, wherever they lie: runs come from many machines. */
static void find_cell(report *all, report_run *r)
{
  const mopo_task *task = task_of(r);
  const char *slash = strrchr(r->c.data, '/'), *file = slash ? slash + 1 : r->c.data;
  const char *dot = strrchr(file, '.');
  char name[sizeof all->cell->name];
  if (mopo_task_facts_of(task)->obs_dim)
    snprintf(name, sizeof name, "%s, %.*s", mopo_task_facts_of(task)->name,
             dot && dot > file && dot - file < 120 ? (int)(dot - file) : 120, file);
  else /* one's own data: their file is all that there is to say */
    snprintf(name, sizeof name, "%.120s", file);
  for (r->cell = 0; r->cell < all->cells; r->cell++)
    if (!strcmp(all->cell[r->cell].name, name)) return;
  report_cell *c = &all->cell[all->cells++];
  c->task = task;
  memcpy(c->name, name, sizeof name);
}

bool runs_differ(const report_run *a, const report_run *b, const mopo_setting *s)
{
  char x[1100], y[1100];
  if (!mopo_config_uses(&a->c, s) || !mopo_config_uses(&b->c, s)) return false;
  mopo_config_get(&a->c, s->name, x, sizeof x);
  mopo_config_get(&b->c, s->name, y, sizeof y);
  return strcmp(x, y) != 0;
}

/* Do two of the algorithm's runs on the same data differ in this setting? Only then it tells
 * methods apart: what a preset decides by task does not. first [cells]: room for the first run of
 * each cell that reads it, which all others are compared with. */
static bool tells_apart(const report *all, const char *algo, const mopo_setting *s,
                        const report_run **first)
{
  for (int c = 0; c < all->cells; c++) first[c] = NULL;
  for (int i = 0; i < all->runs; i++) {
    const report_run *r = &all->run[i];
    if (strcmp(r->c.algo, algo) != 0 || !mopo_config_uses(&r->c, s)) continue;
    if (first[r->cell] && runs_differ(first[r->cell], r, s)) return true;
    if (!first[r->cell]) first[r->cell] = r;
  }
  return false;
}

static void add_setting(report_run *r, const mopo_setting *s)
{
  char value[1100];
  size_t used = strlen(r->settings);
  mopo_config_get(&r->c, s->name, value, sizeof value);
  snprintf(r->settings + used, sizeof r->settings - used, ", %s %.60s", s->name, value);
}

/* What sets each run of the algorithm apart from others of it. */
static void name_settings(report *all, const char *algo, const report_run **first)
{
  for (int k = 0; mopo_setting_at(k); k++) {
    const mopo_setting *s = mopo_setting_at(k);
    if (!setting_of_method(s) || !tells_apart(all, algo, s, first)) continue;
    for (int i = 0; i < all->runs; i++)
      if (!strcmp(all->run[i].c.algo, algo) && mopo_config_uses(&all->run[i].c, s))
        add_setting(&all->run[i], s);
  }
}

/* Once for each algorithm. ENOMEM */
static mopo_status name_all_settings(report *all, mopo_error *err)
{
  const report_run **first = calloc((size_t)(all->cells ? all->cells : 1), sizeof *first);
  if (!first) return error_set(err, MOPO_ENOMEM, "report: no memory for %d sets", all->cells);
  for (int i = 0; i < all->runs; i++) {
    bool named = false;
    for (int j = 0; j < i && !named; j++) named = !strcmp(all->run[j].c.algo, all->run[i].c.algo);
    if (!named) name_settings(all, all->run[i].c.algo, first);
  }
  free(first);
  return MOPO_OK;
}

static void find_method(report *all, report_run *r)
{
  char name[sizeof all->method->name];
  snprintf(name, sizeof name, "%s%s", r->c.algo, r->settings);
  for (r->method = 0; r->method < all->methods; r->method++)
    if (!strcmp(all->method[r->method].name, name)) return;
  memcpy(all->method[all->methods++].name, name, sizeof name);
}

static void tag_methods(report *all)
{
  for (int i = 0; i < all->methods; i++) {
    const char *name = all->method[i].name;
    int algo = (int)strcspn(name, ","), nth = 0, many = 0;
    for (int j = 0; j < all->methods; j++) {
      const char *other = all->method[j].name;
      bool same = !strncmp(other, name, (size_t)algo) && (other[algo] == ',' || !other[algo]);
      many += same, nth += same && j <= i;
    }
    if (many > 1)
      snprintf(all->method[i].tag, sizeof all->method->tag, "%.*s %d", algo, name, nth);
    else
      snprintf(all->method[i].tag, sizeof all->method->tag, "%.*s", algo, name);
  }
}

/* A directory that is given twice is one run, whatever it is called: it would count as two seeds.
 */
static bool is_there(const report *r, const char *dir)
{
  for (int i = 0; i < r->runs; i++)
    if (file_same(r->run[i].dir, dir)) return true;
  return false;
}

mopo_status report_load(report *out, const char *const *dirs, int n, mopo_error *err)
{
  size_t room = n > 0 ? (size_t)n : 1;
  *out = (report){.run = calloc(room, sizeof *out->run),
                  .cell = calloc(room, sizeof *out->cell),
                  .method = calloc(room, sizeof *out->method)};
  if (!out->run || !out->cell || !out->method)
    return error_set(err, MOPO_ENOMEM, "report: no memory for %d runs", n);
  for (int i = 0; i < n; i++) {
    if (is_there(out, dirs[i])) continue;
    mopo_status st = load_run(&out->run[out->runs++], dirs[i], err); /* what it has is freed too */
    if (st != MOPO_OK) return st;
  }
  for (int i = 0; i < out->runs; i++) find_cell(out, &out->run[i]);
  mopo_status st = name_all_settings(out, err);
  if (st != MOPO_OK) return st;
  for (int i = 0; i < out->runs; i++) find_method(out, &out->run[i]);
  tag_methods(out);
  return MOPO_OK;
}

void report_free(report *r)
{
  for (int i = 0; i < r->runs; i++) {
    free(r->run[i].memory);
    fitlog_tables_free(&r->run[i].fit);
  }
  free(r->run);
  free(r->cell);
  free(r->method);
}
