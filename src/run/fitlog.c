/* fitlog.c - see fitlog.h. */
#include "run/fitlog.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "io/csv.h"
#include "io/file.h"
#include "run/rundir.h"

static const char epochs_head[] = "epoch,member,train_loss,train_mse,holdout_mse\n";
static const char bins_head[] = "member,elite,bin,values,predicted_std,error,within_1,within_2\n";
static const char r2_head[] = "output,r2,column\n";
enum {
  EPOCH_COLUMNS = sizeof(fitlog_epoch) / sizeof(double),
  BIN_COLUMNS = sizeof(fitlog_bin) / sizeof(double),
  FILES = 3
};
static const char *const endings[FILES] = {".fit.csv", ".calibration.csv", ".r2.csv"};

mopo_status fitlog_beside(char *buf, const char *model, const char *ending, mopo_error *err)
{
  static const char suffix[] = ".safetensors";
  size_t n = strlen(model), cut = sizeof suffix - 1;
  if (n > cut && !strcmp(model + n - cut, suffix)) n -= cut;
  int k = snprintf(buf, RUN_PATH, "%.*s%s", (int)n, model, ending);
  if ((unsigned)k < RUN_PATH) return MOPO_OK; /* -1 does not fit either */
  return error_set(err, MOPO_EINVAL, "%.64s...: path too long", model);
}

static void add(buffer *b, const char *head, const double *x, int columns)
{
  char line[512];
  if (!b->n) buffer_print(b, "%s", head);
  mopo_status st = csv_print(line, sizeof line, x, columns, NULL);
  assert(st == MOPO_OK && "eight numbers fit a line");
  (void)st;
  buffer_print(b, "%s", line);
}

void fitlog_add_epoch(fitlog *l, const fitlog_epoch *e)
{
  add(&l->epochs, epochs_head, &e->epoch, EPOCH_COLUMNS);
}

void fitlog_add_bin(fitlog *l, const fitlog_bin *b)
{
  add(&l->bins, bins_head, &b->member, BIN_COLUMNS);
}

/* A cell as RFC 4180 has it: quoted, quotes doubled. */
static void add_quoted(buffer *b, const char *text)
{
  buffer_print(b, "\"");
  for (; *text; text++) buffer_print(b, *text == '"' ? "\"\"" : "%c", *text);
  buffer_print(b, "\"\n");
}

void fitlog_add_r2(fitlog *l, const double *r2, const char *const *names, int S)
{
  for (int d = 0; d <= S; d++) {
    char cell[40] = "", name[24] = "reward";
    if (!isnan(r2[d])) number_print(cell, sizeof cell, "%.9g", r2[d]);
    if (d) snprintf(name, sizeof name, "obs_%d", d - 1);
    buffer_print(&l->r2, "%s%d,%s,", d ? "" : r2_head, d, cell);
    add_quoted(&l->r2, d && names ? names[d - 1] : name);
  }
}

void fitlog_free(fitlog *l)
{
  buffer_free(&l->r2);
  buffer_free(&l->epochs);
  buffer_free(&l->bins);
}

mopo_status fitlog_write(const fitlog *l, const char *model, mopo_error *err)
{
  const buffer *const tables[FILES] = {&l->epochs, &l->bins, &l->r2};
  mopo_status st = MOPO_OK;
  for (int i = 0; i < FILES && st == MOPO_OK; i++) {
    char path[RUN_PATH];
    st = fitlog_beside(path, model, endings[i], err);
    if (st == MOPO_OK) st = buffer_write(tables[i], path, err);
  }
  return st;
}

mopo_status fitlog_copy(const char *to, const char *from, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; i < FILES && st == MOPO_OK; i++) {
    char here[RUN_PATH], there[RUN_PATH], *text = NULL;
    size_t n = 0;
    if ((st = fitlog_beside(here, to, endings[i], err)) != MOPO_OK) return st;
    if ((st = fitlog_beside(there, from, endings[i], err)) != MOPO_OK) return st;
    if (!file_exists(there)) continue;
    st = file_read(&text, &n, there, (size_t)1 << 30, err);
    if (st == MOPO_OK) st = file_write(here, text, n, err);
    free(text);
  }
  return st;
}

/* Lines of `columns` numbers below the line `head`, as one array: *rows [*n, columns]. */
static mopo_status read_table(double **rows, int *n, const char *path, const char *head,
                              int columns, mopo_error *err)
{
  char *text = NULL;
  size_t bytes = 0, lines = 0;
  mopo_status st = file_read(&text, &bytes, path, (size_t)1 << 30, err);
  if (st != MOPO_OK) return st;
  for (size_t i = 0; i < bytes; i++) lines += text[i] == '\n';
  double *x = calloc((lines + 1) * (size_t)columns, sizeof *x);
  const char *at = text + strlen(head);
  if (!x)
    st = error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  else if (memchr(text, 0, bytes))
    st = error_set(err, MOPO_EFORMAT, "%s: not a text file", path);
  else if (strncmp(text, head, strlen(head)) != 0)
    st = error_set(err, MOPO_EFORMAT, "%s:1: its columns are not this version's", path);
  for (int i = 0; st == MOPO_OK && *at; *n = ++i)
    if (!strchr(at, '\n') || !csv_parse(x + (size_t)i * (size_t)columns, columns, at, &at))
      st = error_set(err, MOPO_EFORMAT, "%s:%d: want %d numbers", path, i + 2, columns);
  free(text);
  *rows = x;
  return st;
}

mopo_status fitlog_read(fitlog_tables *out, const char *model, mopo_error *err)
{
  char path[RUN_PATH];
  double *epochs = NULL, *bins = NULL;
  *out = (fitlog_tables){0};
  mopo_status st = fitlog_beside(path, model, endings[0], err);
  if (st == MOPO_OK && file_exists(path))
    st = read_table(&epochs, &out->n_epochs, path, epochs_head, EPOCH_COLUMNS, err);
  if (st == MOPO_OK) st = fitlog_beside(path, model, endings[1], err);
  if (st == MOPO_OK && file_exists(path))
    st = read_table(&bins, &out->n_bins, path, bins_head, BIN_COLUMNS, err);
  out->epochs = (fitlog_epoch *)epochs, out->bins = (fitlog_bin *)bins;
  if (st != MOPO_OK) fitlog_tables_free(out);
  return st;
}

/* Past the quoted cell and the end of its line; NULL: there is none. */
static const char *past_quoted(const char *p)
{
  if (*p++ != '"') return NULL;
  for (; *p && (*p != '"' || p[1] == '"'); p++) p += *p == '"';
  return *p == '"' && p[1] == '\n' ? p + 2 : NULL;
}

/* r2 [n] of the lines below the head; false: line *line is not one. */
static bool take_r2(double *r2, int n, const char *p, int *line)
{
  for (int d = 0; d < n; d++) {
    char *stop = NULL;
    *line = d + 2;
    if (strtol(p, &stop, 10) != d || *stop != ',') return false;
    p = stop + 1, r2[d] = NAN;
    if (*p != ',') r2[d] = number_parse(p, &stop), p = stop;
    if (*p != ',' || !(p = past_quoted(p + 1))) return false;
  }
  return true;
}

mopo_status fitlog_read_r2(bool *there, double *r2, int n, const char *model, mopo_error *err)
{
  char path[RUN_PATH], *text = NULL;
  size_t bytes = 0, head = strlen(r2_head);
  int line = 1;
  mopo_status st = fitlog_beside(path, model, endings[2], err);
  *there = false;
  if (st != MOPO_OK || !file_exists(path)) return st;
  if ((st = file_read(&text, &bytes, path, (size_t)1 << 30, err)) != MOPO_OK) return st;
  bool good = strncmp(text, r2_head, head) == 0 && take_r2(r2, n, text + head, &line);
  free(text);
  *there = good;
  if (good) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s:%d: want output, r2 and column of %d outputs", path, line,
                   n);
}

void fitlog_tables_free(fitlog_tables *t)
{
  free(t->epochs);
  free(t->bins);
  *t = (fitlog_tables){0};
}
