/* csv_table.c - see csv_table.h. */
#include "io/csv_table.h"

#include "base/number.h"
#include "io/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COLS_MAX = 65535, NAME_SIZE = 128 };

typedef struct table {
  const char *path; /* short enough for messages */
  char *text;
  const char *body;  /* the line after the header */
  int cols;          /* cells of a line */
  const char **cell; /* [cols]: where the cells of the present line begin */
  const char **name; /* [cols]: the same of the header line */
  int *wanted;       /* the columns of all arrays, one array after the other */
  int n_wanted;
  float *x;      /* [rows, n_wanted] */
  int64_t *line; /* [rows]: where each row stands in the file */
  int64_t rows, cap;
} table;

/* ------------------------------------------------------------------ lines and cells */

/* The end of a cell: its comma, or the end of the line. */
static const char *cell_end(const char *p)
{
  if (*p == '"')
    for (p++; *p && *p != '"' && *p != '\n'; p++) continue;
  while (*p && *p != ',' && *p != '\n') p++;
  return p;
}

/* Without quotes, blanks and the carriage return of Windows. */
static const char *trim(const char *p, size_t *n)
{
  const char *end = cell_end(p);
  while (p < end && (*p == ' ' || *p == '\t' || *p == '"')) p++;
  while (end > p && strchr(" \t\"\r", end[-1])) end--;
  *n = (size_t)(end - p);
  return p;
}

/* Finds the cells of a line; keeps up to `most` of them. Their number. */
static int split(const char **cell, int most, const char **line)
{
  int n = 0;
  for (const char *p = *line;; p++) {
    if (n < most) cell[n] = p;
    n++;
    p = cell_end(p);
    if (*p == ',') continue;
    *line = *p ? p + 1 : p;
    return n;
  }
}

static bool is_blank(const char *line)
{
  while (*line == ' ' || *line == '\t' || *line == '\r') line++;
  return *line == '\n' || !*line;
}

static mopo_status read_header(table *t, mopo_error *err)
{
  const char *line = t->text;
  if (!strncmp(line, "\xef\xbb\xbf", 3)) line += 3; /* byte order mark */
  t->body = line;
  t->cols = split(NULL, 0, &t->body);
  if (t->cols > COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s:1: %d columns, want at most %d", t->path, t->cols,
                     COLS_MAX);
  t->name = calloc((size_t)t->cols, sizeof *t->name);
  t->cell = calloc((size_t)t->cols, sizeof *t->cell);
  if (!t->name || !t->cell) return error_set(err, MOPO_ENOMEM, "%s: out of memory", t->path);
  split(t->name, t->cols, &line);
  return MOPO_OK;
}

/* ------------------------------------------------------------------ columns */

static int find_column(const table *t, const char *name, size_t length)
{
  for (int c = 0; c < t->cols; c++) {
    size_t n = 0;
    const char *p = trim(t->name[c], &n);
    if (n == length && memcmp(p, name, n) == 0) return c;
  }
  return -1;
}

/* Two columns of one name: which is meant? */
static mopo_status check_twice(const table *t, int column, mopo_error *err)
{
  size_t n = 0, m = 0;
  const char *name = trim(t->name[column], &n);
  for (int c = column + 1; c < t->cols; c++) {
    const char *other = trim(t->name[c], &m);
    if (m == n && !memcmp(other, name, n))
      return error_set(err, MOPO_EFORMAT, "%s:1: columns %d and %d are both named '%.*s'", t->path,
                       column + 1, c + 1, n < 60 ? (int)n : 60, name);
  }
  return MOPO_OK;
}

static mopo_status want(table *t, int column, mopo_error *err)
{
  mopo_status st = check_twice(t, column, err);
  if (st) return st;
  if (t->n_wanted == COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s: more than %d columns are asked for", t->path,
                     COLS_MAX);
  int *grown = realloc(t->wanted, (size_t)(t->n_wanted + 1) * sizeof *grown);
  if (!grown) return error_set(err, MOPO_ENOMEM, "%s: out of memory", t->path);
  t->wanted = grown;
  t->wanted[t->n_wanted++] = column;
  return MOPO_OK;
}

/* obs_0, obs_2: is obs_1 missing, or is obs_2 something else? `end` numbers were found. */
static mopo_status check_gap(const table *t, const char *pattern, int end, mopo_error *err)
{
  size_t before = (size_t)(strchr(pattern, '#') - pattern), n = 0;
  const char *after = pattern + before + 1;
  for (int c = 0; c < t->cols; c++) {
    const char *p = trim(t->name[c], &n);
    size_t digits =
        n > before && !memcmp(p, pattern, before) ? strspn(p + before, "0123456789") : 0;
    if (!digits || n != before + digits + strlen(after) ||
        memcmp(p + before + digits, after, strlen(after)) != 0)
      continue;
    if (strtol(p + before, NULL, 10) > end)
      return error_set(err, MOPO_EFORMAT, "%s:1: a column '%.*s', but no '%.*s%d%s'", t->path,
                       n < 60 ? (int)n : 60, p, (int)before, pattern, end, after);
  }
  return MOPO_OK;
}

/* "obs_#": obs_0, obs_1, ... */
static mopo_status want_numbered(table *t, const char *pattern, mopo_error *err)
{
  const char *mark = strchr(pattern, '#');
  for (int i = 0;; i++) {
    char name[NAME_SIZE];
    int n = snprintf(name, sizeof name, "%.*s%d%s", (int)(mark - pattern), pattern, i, mark + 1);
    int column = n < NAME_SIZE ? find_column(t, name, (size_t)n) : -1;
    if (column < 0) return check_gap(t, pattern, i, err);
    mopo_status st = want(t, column, err);
    if (st) return st;
  }
}

static mopo_status no_column(const table *t, const char *name, int length, const char *array,
                             mopo_error *err)
{
  size_t line = strcspn(t->text, "\r\n"), other = strcspn(t->text, ";\t");
  const char *hint = t->cols > 1 || other >= line ? "mopo data: --columns"
                     : t->text[other] == ';'      ? "want commas between the columns, not ';'"
                                                  : "want commas between the columns, not tabs";
  return error_set(err, MOPO_EFORMAT, "%s:1: no column '%.*s' for '%s' among '%.*s%s' (%s)",
                   t->path, length, name, array, line < 80 ? (int)line : 80, t->text,
                   line < 80 ? "" : "...", hint);
}

static mopo_status want_columns(table *t, io_array *a, const char *columns, mopo_error *err)
{
  int before = t->n_wanted;
  mopo_status st = MOPO_OK;
  bool numbered = strchr(columns, '#') != NULL;
  if (numbered) st = want_numbered(t, columns, err);
  for (const char *p = columns; !st && p && !numbered; p = strchr(p, ',')) {
    if (*p == ',') p++;
    size_t n = strcspn(p, ",");
    int column = find_column(t, p, n);
    if (column < 0 && !a->required && t->n_wanted == before) break;
    if (column < 0) return no_column(t, p, n < NAME_SIZE ? (int)n : NAME_SIZE, a->name, err);
    st = want(t, column, err);
  }
  a->cols = t->n_wanted - before;
  a->present = a->cols > 0;
  if (!st && a->required && !a->present) {
    const char *mark = strchr(columns, '#'), *rest = mark ? mark + 1 : "";
    char first[NAME_SIZE]; /* obs_0 */
    int n = snprintf(first, sizeof first, "%.*s%s%s", (int)strcspn(columns, "#"), columns,
                     mark ? "0" : "", rest);
    return no_column(t, first, n < NAME_SIZE ? n : NAME_SIZE - 1, a->name, err);
  }
  return st;
}

/* ------------------------------------------------------------------ numbers */

/* NAN: not a number. */
static float number(const char *p, size_t n)
{
  if (n == 4 && !strncasecmp(p, "true", n)) return 1.0f;
  if (n == 5 && !strncasecmp(p, "false", n)) return 0.0f;
  char *end = NULL;
  float x = n ? number_parse_float(p, &end) : NAN;
  return n && end == p + n ? x : NAN;
}

static mopo_status read_line(table *t, int64_t line, mopo_error *err)
{
  float *x = t->x + (size_t)t->rows * (size_t)t->n_wanted;
  for (int k = 0; k < t->n_wanted; k++) {
    size_t n = 0, m = 0;
    const char *p = trim(t->cell[t->wanted[k]], &n), *name = trim(t->name[t->wanted[k]], &m);
    x[k] = number(p, n);
    if (!isfinite(x[k]))
      return error_set(err, MOPO_EFORMAT, "%s:%lld: column '%.*s' = '%.*s', want a finite number",
                       t->path, (long long)line, m < 60 ? (int)m : 60, name, n < 60 ? (int)n : 60,
                       p);
  }
  t->line[t->rows++] = line;
  return MOPO_OK;
}

static bool reserve(table *t)
{
  if (t->rows < t->cap) return true;
  int64_t cap = t->cap ? 2 * t->cap : 64;
  float *grown = realloc(t->x, (size_t)cap * (size_t)t->n_wanted * sizeof *grown);
  if (!grown) return false;
  t->x = grown;
  int64_t *line = realloc(t->line, (size_t)cap * sizeof *line);
  if (!line) return false;
  t->line = line;
  t->cap = cap;
  return true;
}

static mopo_status read_body(table *t, mopo_error *err)
{
  const char *p = t->body;
  mopo_status st = MOPO_OK;
  for (int64_t line = 2; !st && *p; line++) {
    if (is_blank(p)) {
      p = strchr(p, '\n');
      if (!p) break;
      p++;
      continue;
    }
    int cells = split(t->cell, t->cols, &p);
    if (cells != t->cols)
      return error_set(err, MOPO_EFORMAT, "%s:%lld: %d cells, the first line has %d", t->path,
                       (long long)line, cells, t->cols);
    if (!reserve(t)) return error_set(err, MOPO_ENOMEM, "%s: out of memory", t->path);
    st = read_line(t, line, err);
  }
  return st;
}

/* ------------------------------------------------------------------ arrays */

/* Array `a` is columns first.. of t->x. block: of IO_BLOCK bytes, or of all of t->x. */
static mopo_status hand_over(const table *t, const io_array *a, int index, int first, float *block,
                             const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  int64_t step = (int64_t)((size_t)IO_BLOCK / sizeof(float)) / a->cols;
  for (int64_t i = 0; !st && i < t->rows; i += step) {
    int n = (int)(t->rows - i < step ? t->rows - i : step);
    for (int r = 0; r < n; r++)
      memcpy(block + (size_t)r * (size_t)a->cols,
             t->x + (size_t)(i + r) * (size_t)t->n_wanted + first, (size_t)a->cols * sizeof *block);
    st = sink->rows(sink->ctx, index, i, n, block, err);
  }
  return st;
}

static mopo_status read_all(table *t, const char *const *columns, io_array *arrays, int n,
                            const io_sink *sink, mopo_error *err)
{
  mopo_status st = read_header(t, err);
  for (int i = 0; !st && i < n; i++) st = want_columns(t, &arrays[i], columns[i], err);
  if (!st) st = read_body(t, err);
  for (int i = 0; i < n; i++) {
    arrays[i].rows = arrays[i].present ? t->rows : 0;
    arrays[i].lines = t->line;
  }
  if (!st) st = sink->begin(sink->ctx, arrays, n, err);
  size_t all = (size_t)t->rows * (size_t)t->n_wanted * sizeof *t->x;
  float *block = st ? NULL : malloc(all < IO_BLOCK ? all + 1 : IO_BLOCK);
  if (!st && !block) st = error_set(err, MOPO_ENOMEM, "%s: out of memory", t->path);
  int first = 0;
  for (int i = 0; !st && i < n; first += arrays[i++].cols)
    if (arrays[i].present) st = hand_over(t, &arrays[i], i, first, block, sink, err);
  free(block);
  return st;
}

mopo_status csv_read(const char *path, const char *const *columns, io_array *arrays, int n,
                     const io_sink *sink, mopo_error *err)
{
  size_t length = strlen(path), bytes = 0;
  table t = {.path = length > 200 ? path + length - 200 : path};
  mopo_status st = file_read(&t.text, &bytes, path, (size_t)1 << 40, err);
  if (!st && memchr(t.text, 0, bytes))
    st = error_set(err, MOPO_EFORMAT, "%s: not a text file", t.path);
  if (!st) st = read_all(&t, columns, arrays, n, sink, err);
  free(t.line);
  free(t.x);
  free(t.wanted);
  free(t.cell);
  free(t.name);
  free(t.text);
  return st;
}
