/* plot.c - see plot.h. Braille characters have 2 x 4 dots each; without UTF-8, one per character.
 */
#include "plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLS = 60, ROWS = 12, DOT_COLS = 2 * COLS, DOT_ROWS = 4 * ROWS };

typedef struct canvas {
  unsigned char curve[DOT_ROWS][DOT_COLS], level[DOT_ROWS][DOT_COLS];
  int cols, rows;   /* in characters, of what is used of it */
  double low, high; /* of the vertical axis */
} canvas;

/* ------------------------------------------------------------------ reading progress.csv */

/* Cell `column` of a line as a number; NAN where it is empty or missing. */
static double cell(const char *line, int column)
{
  for (; column > 0; column--) {
    line += strcspn(line, ",\n");
    if (*line != ',') return (double)NAN;
    line++;
  }
  char *end = NULL;
  double x = strtod(line, &end);
  return end == line ? (double)NAN : x;
}

static int column_named(const char *header, const char *name)
{
  size_t n = strlen(name);
  for (int i = 0; *header; i++) {
    size_t k = strcspn(header, ",\n");
    if (k == n && !strncmp(header, name, n)) return i;
    header += k + (header[k] != 0);
  }
  return -1;
}

double plot_last_figure(const char *path, const char *column)
{
  char line[2048];
  double x = (double)NAN;
  FILE *f = fopen(path, "r");
  if (!f) return x;
  int k = fgets(line, sizeof line, f) ? column_named(line, column) : -1;
  while (k >= 0 && fgets(line, sizeof line, f)) x = cell(line, k);
  fclose(f);
  return x;
}

bool plot_push(plot_curve *c, double x, double y)
{
  if (c->n == c->cap) {
    int cap = c->cap ? 2 * c->cap : 256;
    double *gx = realloc(c->x, (size_t)cap * sizeof *gx);
    if (gx) c->x = gx;
    double *gy = realloc(c->y, (size_t)cap * sizeof *gy);
    if (gy) c->y = gy;
    if (!gx || !gy) return false;
    c->cap = cap;
  }
  c->x[c->n] = x;
  c->y[c->n++] = y;
  return true;
}

/* What cannot be read is not drawn: the curve is an ornament of a run that has succeeded. */
static plot_curve read_curve(const char *path)
{
  plot_curve c = {.n = 0};
  char line[2048];
  FILE *f = fopen(path, "r");
  if (!f) return c;
  bool ok = fgets(line, sizeof line, f) != NULL;
  int x = ok ? column_named(line, "epoch") : -1, y = ok ? column_named(line, "return_mean") : -1;
  while (x >= 0 && y >= 0 && ok && fgets(line, sizeof line, f))
    if (isfinite(cell(line, x)) && isfinite(cell(line, y)))
      ok = plot_push(&c, cell(line, x), cell(line, y));
  fclose(f);
  return c;
}

/* ------------------------------------------------------------------ drawing */

static int row_of(const canvas *v, double y)
{
  double t = (v->high - y) / (v->high - v->low);
  int last = 4 * v->rows - 1, row = (int)(t * last + 0.5);
  return row < 0 ? 0 : row > last ? last : row;
}

static void include(canvas *v, double y)
{
  if (isnan(y)) return;
  v->low = fmin(v->low, y);
  v->high = fmax(v->high, y);
}

static void draw_level(canvas *v, double y)
{
  if (isnan(y)) return;
  for (int i = 0; i < 2 * v->cols; i += 3) v->level[row_of(v, y)][i] = 1;
}

/* A line from (col, row) to (to_col, to_row), steep parts without gaps; col < to_col. */
static void draw_line(canvas *v, int col, int row, int to_col, int to_row)
{
  int last = row;
  for (int i = col + 1; i <= to_col; i++) {
    int next = row + (to_row - row) * (i - col) / (to_col - col);
    for (int r = last < next ? last : next; r <= (last < next ? next : last); r++)
      v->curve[r][i] = 1;
    last = next;
  }
}

/* Column of dots i shows the mean of the epochs that fall into it. */
static void draw_curve(canvas *v, const plot_curve *c)
{
  double first = c->x[0], span = c->x[c->n - 1] - first;
  int last_col = 0, last_row = 0, cols = 2 * v->cols;
  for (int i = 0, k = 0; i < cols; i++) {
    double sum = 0;
    int n = 0;
    for (; k < c->n && (c->x[k] - first) / span * (cols - 1) < i + 0.5; k++, n++) sum += c->y[k];
    if (!n) continue;
    int row = row_of(v, sum / n);
    v->curve[row][i] = 1;
    draw_line(v, last_col, last_row, i, row);
    last_col = i;
    last_row = row;
  }
}

static void print_braille(FILE *to, const canvas *v, int row, int col)
{
  static const unsigned char bits[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
  unsigned dots = 0;
  for (int r = 0; r < 4; r++)
    for (int k = 0; k < 2; k++)
      if (v->curve[4 * row + r][2 * col + k] || v->level[4 * row + r][2 * col + k])
        dots |= bits[r][k];
  /* U+2800 + dots in UTF-8 */
  fprintf(to, "\xe2%c%c", (int)(0xa0 | dots >> 6), (int)(0x80 | (dots & 0x3f)));
}

static void print_ascii(FILE *to, const canvas *v, int row, int col)
{
  bool on_curve = false, on_level = false;
  for (int r = 4 * row; r < 4 * row + 4; r++) {
    for (int k = 2 * col; k < 2 * col + 2; k++) {
      on_curve = on_curve || v->curve[r][k];
      on_level = on_level || v->level[r][k];
    }
  }
  fputc(on_curve ? '*' : on_level ? '-' : ' ', to);
}

static bool speaks_utf8(void)
{
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8");
  }
  return false;
}

/* What the level lines in this row of characters stand for. */
static void print_names(FILE *to, const canvas *v, int row, double mean, double best)
{
  bool has_mean = !isnan(mean) && row_of(v, mean) / 4 == row;
  bool has_best = !isnan(best) && row_of(v, best) / 4 == row;
  if (has_mean && has_best) {
    fputs("  mean, best", to);
  } else if (has_mean || has_best) {
    fprintf(to, "  batch %s", has_mean ? "mean" : "best");
  }
}

/* The value at the top, in the middle and at the bottom. */
static void print_label(FILE *to, const canvas *v, int row)
{
  double range = v->high - v->low, y = v->high;
  if (row > 0) y = row == v->rows - 1 ? v->low : y - range * (4 * row + 1.5) / (4 * v->rows - 1);
  if (row == 0 || row == v->rows - 1 || (row == v->rows / 2 && v->rows > 4)) {
    fprintf(to, range >= 10 ? "%10.0f " : "%10.3g ", y);
  } else {
    fprintf(to, "%11s", "");
  }
}

static void print_canvas(FILE *to, const canvas *v, const plot_curve *c, double mean, double best)
{
  bool utf8 = speaks_utf8();
  for (int row = 0; row < v->rows; row++) {
    print_label(to, v, row);
    fputs(utf8 ? "\xe2\x94\x82" : "|", to); /* box drawing: vertical line */
    for (int col = 0; col < v->cols; col++) {
      if (utf8) {
        print_braille(to, v, row, col);
      } else {
        print_ascii(to, v, row, col);
      }
    }
    print_names(to, v, row, mean, best);
    fputc('\n', to);
  }
  int half = v->cols / 2;
  fprintf(to, "%11s epoch %-*.0f%*.0f\n", "", half, c->x[0], half - 6, c->x[c->n - 1]);
}

void plot_draw(FILE *to, const plot_curve *c, int cols, int rows, double mean, double best)
{
  canvas *v = c->n >= 2 && c->x[c->n - 1] > c->x[0] ? calloc(1, sizeof *v) : NULL;
  if (!v) return;
  v->cols = cols < COLS ? cols : COLS;
  v->rows = rows < ROWS ? rows : ROWS;
  v->low = v->high = c->y[0];
  for (int i = 0; i < c->n; i++) include(v, c->y[i]);
  include(v, mean);
  include(v, best);
  if (v->high <= v->low) v->high = v->low + 1;
  draw_level(v, mean);
  draw_level(v, best);
  draw_curve(v, c);
  print_canvas(to, v, c, mean, best);
  free(v);
}

/* No line is to be broken by the terminal: 12 columns stand before the curve, 12 behind it. */
static int columns_of_stdout(void)
{
  struct winsize w = {0};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_col || w.ws_col >= COLS + 24) return COLS;
  return w.ws_col < 44 ? 20 : w.ws_col - 24;
}

void plot_progress(const char *path, double batch_mean, double batch_best)
{
  plot_curve c = read_curve(path);
  plot_draw(stdout, &c, columns_of_stdout(), ROWS, batch_mean, batch_best);
  plot_free(&c);
}

void plot_free(plot_curve *c)
{
  free(c->x);
  free(c->y);
  *c = (plot_curve){.n = 0};
}
