/* csv_table.c - see csv_table.h. */
#include "io/csv_table.h"

#include "base/watch.h"
#include "io/csv_cells.h"
#include "io/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COLS_MAX = 65535, NAME_SIZE = 128 };

/* A column of an array's. */
typedef struct wanted {
  int column, array;
  int slot; /* among t->x or, of keys and times, t->y */
} wanted;

typedef struct table {
  const char *path; /* short enough for messages */
  char *text;
  char header[96]; /* the first line, or how it begins */
  csv_cursor at;
  int cols;           /* cells of a line */
  char **cell;        /* [cols] of the present line */
  char **name;        /* [cols] of the header */
  const char **names; /* [n_wanted] of the wanted */
  wanted *wanted;     /* the columns of all arrays, one array after the other */
  int n_wanted, n_x, n_y;
  float *x;      /* [rows, n_x] */
  double *y;     /* [rows, n_y] */
  int64_t *line; /* [rows]: where each row stands in the file */
  int64_t rows, cap;
  csv_keys *keys; /* [n arrays] */
  io_bad *bad;    /* [n arrays] */
} table;

static mopo_status no_memory(const table *t, mopo_error *err)
{
  return error_set(err, MOPO_ENOMEM, "%s: out of memory", t->path);
}

static mopo_status fault(const table *t, csv_fault f, int64_t line, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s:%lld: %s", t->path, (long long)line,
                   f == CSV_OPEN_QUOTE
                       ? "a quote is opened in this row and never closed"
                       : "text behind a closing quote, want quotes within a cell doubled");
}

/* ------------------------------------------------------------------ header */

/* Text that is no text of ours, by what it begins with or lacks. */
static mopo_status check_text(const table *t, size_t bytes, mopo_error *err)
{
  const unsigned char *p = (const unsigned char *)t->text;
  bool marked = bytes > 1 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff));
  bool wide = bytes > 3 && (!p[0] != !p[1]) && !p[0] == !p[2] && !p[1] == !p[3];
  if (marked || wide)
    return error_set(err, MOPO_EFORMAT, "%s: text in UTF-16, want UTF-8 (iconv -f UTF-16 -t UTF-8)",
                     t->path);
  if (memchr(p, 0, bytes)) return error_set(err, MOPO_EFORMAT, "%s: not a text file", t->path);
  const char *cr = memchr(t->text, '\r', bytes);
  if (cr && cr[1] && !memchr(t->text, '\n', bytes))
    return error_set(err, MOPO_EFORMAT,
                     "%s: lines end in carriage returns alone (old Mac), want newlines "
                     "(tr '\\r' '\\n')",
                     t->path);
  return MOPO_OK;
}

static mopo_status read_header(table *t, mopo_error *err)
{
  int n = 0;
  int64_t line = 1;
  t->at = (csv_cursor){t->text, 1};
  if (!strncmp(t->text, "\xef\xbb\xbf", 3)) t->at.at += 3; /* byte order mark */
  size_t length = strcspn(t->at.at, "\r\n");
  snprintf(t->header, sizeof t->header, "%.*s%s", length < 80 ? (int)length : 80, t->at.at,
           length < 80 ? "" : "...");
  t->cols = csv_count(&t->at);
  if (t->cols > COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s:1: %d columns, want at most %d", t->path, t->cols,
                     COLS_MAX);
  t->name = calloc((size_t)t->cols, sizeof *t->name);
  t->cell = calloc((size_t)t->cols, sizeof *t->cell);
  if (!t->name || !t->cell) return no_memory(t, err);
  csv_fault f = csv_next(&t->at, t->name, t->cols, &n, &line);
  if (f != CSV_FINE) return fault(t, f, line, err);
  for (int c = n; c < t->cols; c++) t->name[c] = t->text + strlen(t->text); /* "" */
  return MOPO_OK;
}

static int find_column(const table *t, const char *name, size_t length)
{
  for (int c = 0; c < t->cols; c++)
    if (strlen(t->name[c]) == length && memcmp(t->name[c], name, length) == 0) return c;
  return -1;
}

/* Two columns of one name: which is meant? */
static mopo_status check_twice(const table *t, int column, mopo_error *err)
{
  for (int c = column + 1; c < t->cols; c++)
    if (!strcmp(t->name[c], t->name[column]))
      return error_set(err, MOPO_EFORMAT, "%s:1: columns %d and %d are both named '%.60s'", t->path,
                       column + 1, c + 1, t->name[column]);
  return MOPO_OK;
}

static mopo_status want(table *t, int array, char as, int column, mopo_error *err)
{
  mopo_status st = check_twice(t, column, err);
  if (st) return st;
  if (t->n_wanted == COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s: more than %d columns are asked for", t->path,
                     COLS_MAX);
  wanted *grown = realloc(t->wanted, (size_t)(t->n_wanted + 1) * sizeof *grown);
  if (!grown) return no_memory(t, err);
  t->wanted = grown;
  t->wanted[t->n_wanted++] = (wanted){column, array, as == 'f' ? t->n_x++ : t->n_y++};
  return MOPO_OK;
}

/* obs_0, obs_2: is obs_1 missing, or is obs_2 something else? `end` numbers were found. */
static mopo_status check_gap(const table *t, const char *pattern, int end, mopo_error *err)
{
  size_t before = (size_t)(strchr(pattern, '#') - pattern);
  const char *after = pattern + before + 1;
  for (int c = 0; c < t->cols; c++) {
    const char *p = t->name[c];
    size_t digits = strncmp(p, pattern, before) ? 0 : strspn(p + before, "0123456789");
    if (digits && !strcmp(p + before + digits, after) && strtol(p + before, NULL, 10) > end)
      return error_set(err, MOPO_EFORMAT, "%s:1: a column '%.60s', but no '%.*s%d%s'", t->path, p,
                       (int)before, pattern, end, after);
  }
  return MOPO_OK;
}

/* "obs_#": obs_0, obs_1, ... */
static mopo_status want_numbered(table *t, int array, char as, const char *pattern, mopo_error *err)
{
  const char *mark = strchr(pattern, '#');
  for (int i = 0;; i++) {
    char name[NAME_SIZE];
    int n = snprintf(name, sizeof name, "%.*s%d%s", (int)(mark - pattern), pattern, i, mark + 1);
    int column = n < NAME_SIZE ? find_column(t, name, (size_t)n) : -1;
    if (column < 0) return check_gap(t, pattern, i, err);
    mopo_status st = want(t, array, as, column, err);
    if (st) return st;
  }
}

static mopo_status no_column(const table *t, const char *name, int length, const char *array,
                             mopo_error *err)
{
  char hint[NAME_SIZE + 40] = "say which: columns";
  size_t other = strcspn(t->header, ";\t");
  if (t->cols <= 1 && t->header[other])
    snprintf(hint, sizeof hint, "want commas between the columns, not %s",
             t->header[other] == ';' ? "';'" : "tabs");
  for (int c = 0; c < t->cols; c++)
    if (strlen(t->name[c]) == (size_t)length && !strncasecmp(t->name[c], name, (size_t)length))
      snprintf(hint, sizeof hint, "'%.60s' is there", t->name[c]);
  return error_set(err, MOPO_EFORMAT, "%s:1: no column '%.*s' for '%s' among '%s' (%s)", t->path,
                   length, name, array, t->header, hint);
}

static mopo_status want_columns(table *t, int array, io_array *a, const char *columns,
                                mopo_error *err)
{
  int before = t->n_wanted;
  mopo_status st = MOPO_OK;
  bool numbered = strchr(columns, '#') != NULL;
  if (numbered) st = want_numbered(t, array, a->as, columns, err);
  for (const char *p = columns; !st && p && !numbered; p = strchr(p, ',')) {
    if (*p == ',') p++;
    size_t n = strcspn(p, ",");
    int column = find_column(t, p, n);
    if (column < 0 && !a->required && t->n_wanted == before) break;
    if (column < 0) return no_column(t, p, n < NAME_SIZE ? (int)n : NAME_SIZE, a->name, err);
    st = want(t, array, a->as, column, err);
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

/* ------------------------------------------------------------------ rows */

/* The first bad cell of an array is kept. */
static void note_bad(table *t, int k, const char *text)
{
  const wanted *w = &t->wanted[k];
  io_bad *b = &t->bad[w->array];
  int first = k;
  if (b->row >= 0) return;
  while (first > 0 && t->wanted[first - 1].array == w->array) first--;
  *b = (io_bad){.row = t->rows, .col = k - first};
  snprintf(b->text, sizeof b->text, "%s", text);
}

/* A cell of a key or a time; false: no memory. */
static bool special(table *t, double *x, char as, int array, char *cell)
{
  if (as == 't') {
    *x = csv_time(cell);
    return true;
  }
  int64_t key = *cell ? csv_key(&t->keys[array], cell) : 0;
  *x = *cell ? (double)key : (double)NAN;
  return key >= 0;
}

/* cells: of this line; other than t->cols only where that is allowed. */
static mopo_status read_row(table *t, const io_array *arrays, int cells, int64_t line,
                            mopo_error *err)
{
  float *x = t->x + (size_t)t->rows * (size_t)t->n_x;
  double *y = t->y + (size_t)t->rows * (size_t)t->n_y;
  char ragged[48] = "";
  if (cells != t->cols) snprintf(ragged, sizeof ragged, "(%d of %d cells)", cells, t->cols);
  for (int k = 0; k < t->n_wanted; k++) {
    const wanted *w = &t->wanted[k];
    char as = arrays[w->array].as, *cell = *ragged ? ragged : t->cell[w->column];
    double value = NAN;
    if (as == 'f') {
      x[w->slot] = *ragged ? NAN : csv_number(cell);
      value = (double)x[w->slot];
    } else {
      if (!*ragged && !special(t, &value, as, w->array, cell)) return no_memory(t, err);
      y[w->slot] = value;
    }
    if (isnan(value)) note_bad(t, k, cell);
  }
  t->line[t->rows++] = line;
  return MOPO_OK;
}

static bool reserve(table *t)
{
  if (t->rows < t->cap) return true;
  int64_t cap = t->cap ? 2 * t->cap : 64;
  float *x = realloc(t->x, (size_t)cap * (size_t)(t->n_x + 1) * sizeof *x);
  if (x) t->x = x;
  double *y = realloc(t->y, (size_t)cap * (size_t)(t->n_y + 1) * sizeof *y);
  if (y) t->y = y;
  int64_t *line = realloc(t->line, (size_t)cap * sizeof *line);
  if (line) t->line = line;
  if (!x || !y || !line) return false;
  t->cap = cap;
  return true;
}

static mopo_status read_body(table *t, const io_array *arrays, bool ragged, const mopo_watch *watch,
                             mopo_error *err)
{
  for (;;) {
    int cells = 0;
    int64_t line = 0;
    csv_fault f = csv_next(&t->at, t->cell, t->cols, &cells, &line);
    if (f != CSV_FINE) return fault(t, f, line, err);
    if (cells == 0) return MOPO_OK;
    if (cells != t->cols && !ragged)
      return error_set(err, MOPO_EFORMAT, "%s:%lld: %d cells, the first line has %d", t->path,
                       (long long)line, cells, t->cols);
    if (t->rows % 4096 == 0 && watch_stopped(watch))
      return error_set(err, MOPO_ESTOPPED, "%s: stopped while reading it", t->path);
    if (!reserve(t)) return no_memory(t, err);
    mopo_status st = read_row(t, arrays, cells, line, err);
    if (st) return st;
  }
}

/* Where all of a column are whole numbers, a key is its number. */
static void number_keys(table *t, const io_array *arrays)
{
  for (int k = 0; k < t->n_wanted; k++) {
    const wanted *w = &t->wanted[k];
    const csv_keys *keys = &t->keys[w->array];
    if (arrays[w->array].as != 'k' || !csv_keys_are_numbers(keys)) continue;
    for (int64_t i = 0; i < t->rows; i++) {
      double *y = &t->y[(size_t)i * (size_t)t->n_y + (size_t)w->slot];
      if (!isnan(*y)) *y = (double)strtoll(keys->text[(int64_t)*y], NULL, 10);
    }
  }
}

/* ------------------------------------------------------------------ arrays */

/* Array `a` is wanted columns first.. block: of IO_BLOCK bytes. */
static mopo_status hand_over(const table *t, const io_array *a, int index, int first, char *block,
                             const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  size_t cell = io_cell(a->as), row = cell * (size_t)a->cols;
  int64_t step = (int64_t)((size_t)IO_BLOCK / row);
  for (int64_t i = 0; !st && i < t->rows; i += step) {
    int n = (int)(t->rows - i < step ? t->rows - i : step), slot = t->wanted[first].slot;
    for (int r = 0; r < n; r++) {
      const void *from = a->as == 'f' ? (void *)(t->x + (size_t)(i + r) * (size_t)t->n_x + slot)
                                      : (void *)(t->y + (size_t)(i + r) * (size_t)t->n_y + slot);
      memcpy(block + (size_t)r * row, from, row);
    }
    st = sink->rows(sink->ctx, index, i, n, block, err);
  }
  return st;
}

static mopo_status hand_names(const table *t, int index, const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int c = 0; !st && c < t->cols; c++) {
    char cell[IO_TEXT] = "";
    snprintf(cell, sizeof cell, "%s", t->name[c]);
    st = sink->rows(sink->ctx, index, c, 1, cell, err);
  }
  return st;
}

static mopo_status hand_all(const table *t, const io_array *arrays, int n, const io_sink *sink,
                            mopo_error *err)
{
  mopo_status st = MOPO_OK;
  char *block = malloc(IO_BLOCK);
  if (!block) return no_memory(t, err);
  int first = 0;
  for (int i = 0; !st && i < n; i++) {
    if (arrays[i].as == 'l') {
      st = hand_names(t, i, sink, err);
      continue;
    }
    if (arrays[i].present) st = hand_over(t, &arrays[i], i, first, block, sink, err);
    first += arrays[i].cols;
  }
  free(block);
  return st;
}

/* What is known of the arrays before their rows are handed over. */
static mopo_status describe(table *t, io_array *arrays, int n, mopo_error *err)
{
  t->names = calloc((size_t)t->n_wanted + 1, sizeof *t->names);
  if (!t->names) return no_memory(t, err);
  for (int k = 0; k < t->n_wanted; k++) t->names[k] = t->name[t->wanted[k].column];
  int first = 0;
  for (int i = 0; i < n; i++) {
    io_array *a = &arrays[i];
    if (a->as == 'l') {
      *a = (io_array){.name = a->name, .as = 'l', .present = true, .rows = t->cols, .cols = 1};
      continue;
    }
    a->rows = a->present ? t->rows : 0;
    a->lines = t->line;
    a->names = t->names + first;
    first += a->cols;
  }
  return MOPO_OK;
}

static mopo_status read_all(table *t, const char *const *columns, bool ragged, io_array *arrays,
                            int n, const io_sink *sink, mopo_error *err)
{
  t->keys = calloc((size_t)n, sizeof *t->keys);
  t->bad = calloc((size_t)n, sizeof *t->bad);
  if (!t->keys || !t->bad) return no_memory(t, err);
  for (int i = 0; i < n; i++) t->bad[i].row = -1;
  mopo_status st = read_header(t, err);
  for (int i = 0; !st && i < n; i++) {
    arrays[i].cols = 0;
    if (arrays[i].as != 'l') st = want_columns(t, i, &arrays[i], columns[i], err);
  }
  if (!st) st = read_body(t, arrays, ragged, sink->watch, err);
  if (!st) number_keys(t, arrays);
  for (int i = 0; i < n; i++) arrays[i].bad = t->bad[i].row >= 0 ? &t->bad[i] : NULL;
  if (!st) st = describe(t, arrays, n, err);
  if (!st) st = sink->begin(sink->ctx, arrays, n, err);
  if (!st) st = hand_all(t, arrays, n, sink, err);
  return st || !sink->end ? st : sink->end(sink->ctx, err);
}

mopo_status csv_read(const char *path, const char *const *columns, bool ragged, io_array *arrays,
                     int n, const io_sink *sink, mopo_error *err)
{
  size_t length = strlen(path), bytes = 0;
  table t = {.path = length > 200 ? path + length - 200 : path};
  mopo_status st = file_read_watched(&t.text, &bytes, path, (size_t)1 << 40, sink->watch, err);
  if (!st) st = check_text(&t, bytes, err);
  if (!st) st = read_all(&t, columns, ragged, arrays, n, sink, err);
  for (int i = 0; t.keys && i < n; i++) csv_keys_free(&t.keys[i]);
  free(t.keys);
  free(t.bad);
  free(t.names);
  free(t.line);
  free(t.x);
  free(t.y);
  free(t.wanted);
  free(t.cell);
  free(t.name);
  free(t.text);
  return st;
}
