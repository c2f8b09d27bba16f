/* chart.h - line charts as SVG: everything is drawn here, and read without a script. The page's
 * script only shows values under the pointer, which stand beside the paths. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "io/buffer.h"

typedef struct axis {
  double lo, hi;
  bool log;
  const char *label; /* with its unit */
} axis;

/* A range that grows with what is put in; log: only what is positive counts. */
typedef struct range {
  double lo, hi;
} range;
range range_empty(void);
void range_add(range *r, const double *x, int n, bool log);

enum { CHART_LABELS = 64, CHART_INK = -1, CHART_GREY = -2 /* beside the colours of methods */ };

typedef struct chart_label {
  double y; /* where it wants to be, then where it is: pixels */
  int colour;
  char text[64];
} chart_label;

typedef struct chart {
  buffer *b;
  axis x, y;
  const char *right_label;       /* of a second scale of y, on the right; NULL: none */
  double right_zero, right_unit; /* its values at y = 0, and for a step of 1 in y */
  bool whole;                    /* x counts: no ticks between whole numbers */
  int decimals;                  /* of a y under the pointer; 0: four digits, wherever they are */
  int width, height;
  double left, top, w, h; /* the box that data are drawn in */
  bool wide;
  chart_label label[CHART_LABELS];
  int labels;
} chart;

/* Axes and grid. x and y get a little room around their ranges. title: what a reader who cannot see
 * the chart is told. wide: as broad as the page, else two in a row. id numbers the chart on its
 * page. The caller sets b, x, y, wide, whole, decimals and right_*; a linear y
 * shows at least 2 % of its values, for what does not change is to look so. */
void chart_begin(chart *c, const char *title, int id);
/* n points; class: how it is drawn ("line", "seed", "dash", ...); name is shown under the pointer.
 * colour: of the method, CHART_INK or CHART_GREY. */
void chart_line(chart *c, const double *x, const double *y, int n, const char *class, int colour,
                const char *name);
void chart_band(chart *c, const double *x, const double *low, const double *high, int n,
                int colour);
/* A level line across the box; its name stands with those at the right edge. */
void chart_level(chart *c, double y, const char *name);
/* A name at the end (x, y) of a line; at the right edge the names make room for each other. */
void chart_end_label(chart *c, double x, double y, int colour, const char *text);
void chart_end(chart *c);

/* "c3", and from the eighth method on "c3 d1": the class of a colour. */
const char *chart_colour(int colour);

#endif
