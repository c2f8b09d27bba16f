/* chart.c - see chart.h. */
#include "report/chart.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"

static const double LEAST_SPAN = 0.02; /* of a linear axis, in shares of its largest value */

enum { TICKS = 6, POINTS = 700 /* of a line; more would not be seen */, GAP = 14 /* of labels */ };

range range_empty(void) { return (range){INFINITY, -INFINITY}; }

void range_add(range *r, const double *x, int n, bool log)
{
  for (int i = 0; i < n; i++) {
    if (!isfinite(x[i]) || (log && x[i] <= 0.0)) continue;
    r->lo = fmin(r->lo, x[i]);
    r->hi = fmax(r->hi, x[i]);
  }
}

const char *chart_colour(int colour)
{
  static const char *const of[] = {"c0",    "c1",    "c2",    "c3",    "c4",    "c5",    "c6",
                                   "c0 d1", "c1 d1", "c2 d1", "c3 d1", "c4 d1", "c5 d1", "c6 d1",
                                   "c0 d2", "c1 d2", "c2 d2", "c3 d2", "c4 d2", "c5 d2", "c6 d2"};
  if (colour < 0) return colour == CHART_GREY ? "grey" : "ink";
  return of[colour % (int)(sizeof of / sizeof *of)];
}

/* ------------------------------------------------------------------ scales */

static double place(const axis *a, double v)
{
  if (a->log) return (log10(v) - log10(a->lo)) / (log10(a->hi) - log10(a->lo));
  return (v - a->lo) / (a->hi - a->lo);
}

static double px(const chart *c, double x) { return c->left + c->w * place(&c->x, x); }
static double py(const chart *c, double y)
{
  double p = 1.0 - place(&c->y, y);
  return c->top + c->h * (p < -2.0 ? -2.0 : p > 3.0 ? 3.0 : p);
}

/* A range that can be drawn: something in it, and a little room around. */
static void give_room(axis *a, double share)
{
  if (!(a->lo <= a->hi)) a->lo = a->log ? 0.1 : 0.0, a->hi = 1.0;
  if (a->log) {
    double room = pow(a->hi / a->lo > 1.0 ? a->hi / a->lo : 10.0, share);
    a->lo /= room, a->hi *= room;
  } else {
    double size = fmax(fabs(a->lo), fabs(a->hi)), span = a->hi - a->lo;
    double room = fmax(span * share, (LEAST_SPAN * size - span) / 2.0);
    if (!(room > 0.0)) room = 1e-9;
    a->lo -= room, a->hi += room;
  }
}

/* 1, 2 or 5 times a power of ten. */
static double nice_step(double span, int ticks)
{
  double raw = span / ticks, ten = pow(10.0, floor(log10(raw))), m = raw / ten;
  return ten * (m <= 1.0 ? 1.0 : m <= 2.0 ? 2.0 : m <= 5.0 ? 5.0 : 10.0);
}

/* Values of ticks; fewer than 2 TICKS. */
static int ticks_of(double *out, double lo, double hi, bool log, int want)
{
  int n = 0;
  if (!log) {
    double step = nice_step(hi - lo, want);
    for (double k = ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9 && n < 2 * TICKS; k++)
      out[n++] = k * step;
    return n;
  }
  double decades = log10(hi / lo);
  int stride = decades > TICKS ? (int)ceil(decades / TICKS) : 1;
  for (int d = (int)floor(log10(lo)); d <= (int)ceil(log10(hi)); d += stride)
    for (int m = 0; m < (decades < 2.5 ? 3 : 1); m++) {
      double v = pow(10.0, d) * (m == 0 ? 1 : m == 1 ? 2 : 5);
      if (v >= lo && v <= hi && n < 2 * TICKS) out[n++] = v;
    }
  /* less than a decade: 1, 2 and 5 are too few */
  return n > 2 ? n : ticks_of(out, lo, hi, false, TICKS - 2);
}

static void tick_text(buffer *b, double v, double span)
{
  char text[40];
  const char *unit = span >= 2e6 ? "M" : span >= 2e4 ? "k" : "";
  if (fabs(v) < span * 1e-9) v = 0.0, unit = "";
  number_print(text, sizeof text, "%.10g", *unit == 'M' ? v / 1e6 : *unit ? v / 1e3 : v);
  buffer_print(b, "%s%s%s", *text == '-' ? "\xe2\x88\x92" : "", text + (*text == '-'), unit);
}

/* ------------------------------------------------------------------ the frame */

static void x_axis(chart *c)
{
  double tick[2 * TICKS], foot = c->top + c->h;
  int n = ticks_of(tick, c->x.lo, c->x.hi, c->x.log, c->wide ? TICKS : TICKS - 1);
  for (int i = 0; i < n; i++) {
    double x = px(c, tick[i]);
    if (c->whole && fabs(tick[i] - rint(tick[i])) > 1e-9) continue;
    buffer_print(c->b,
                 "<path class=\"tick\" d=\"M%.1f %.1fv4\"/><text class=\"tx\" x=\"%.1f\" "
                 "y=\"%.1f\">",
                 x, foot, x, foot + 17);
    tick_text(c->b, tick[i], c->x.log ? 1.0 : c->x.hi - c->x.lo);
    buffer_print(c->b, "</text>");
  }
  buffer_print(c->b, "<path class=\"base\" d=\"M%.1f %.1fh%.1f\"/>", c->left, foot, c->w);
  buffer_print(c->b, "<text class=\"tx name\" x=\"%.1f\" y=\"%.1f\">", c->left + c->w / 2,
               foot + 35);
  html_text(c->b, c->x.label);
  buffer_print(c->b, "</text>");
}

static void y_axis(chart *c)
{
  double tick[2 * TICKS];
  int n = ticks_of(tick, c->y.lo, c->y.hi, c->y.log, TICKS - 1);
  for (int i = 0; i < n; i++) {
    double y = py(c, tick[i]);
    buffer_print(c->b,
                 "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/><text class=\"ty\" x=\"%.1f\" "
                 "y=\"%.1f\">",
                 c->left, y, c->w, c->left - 7, y + 4);
    tick_text(c->b, tick[i], c->y.log ? 1.0 : c->y.hi - c->y.lo);
    buffer_print(c->b, "</text>");
  }
  buffer_print(c->b, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", 2.0, c->top - 12);
  html_text(c->b, c->y.label);
  buffer_print(c->b, "</text>");
}

static double right_of(const chart *c, double y) { return c->right_zero + c->right_unit * y; }

/* The same heights on another scale. */
static void right_axis(chart *c)
{
  double tick[2 * TICKS], lo = right_of(c, c->y.lo), span = right_of(c, c->y.hi) - lo;
  double x = c->left + c->w;
  int n = ticks_of(tick, lo, lo + span, false, TICKS - 1);
  for (int i = 0; i < n; i++) {
    double y = c->top + c->h * (1.0 - (tick[i] - lo) / span);
    buffer_print(c->b,
                 "<path class=\"tick\" d=\"M%.1f %.1fh4\"/><text class=\"tr\" x=\"%.1f\" "
                 "y=\"%.1f\">",
                 x, y, x + 7, y + 4);
    tick_text(c->b, tick[i], span);
    buffer_print(c->b, "</text>");
  }
  buffer_print(c->b, "<text class=\"name tr\" x=\"%.1f\" y=\"%.1f\">", x + 7, c->top - 12);
  html_text(c->b, c->right_label);
  buffer_print(c->b, "</text>");
}

/* Room for the labels of the y axis. */
static double left_of(const chart *c)
{
  enum { LEAST = 52 };
  const double character = 7.0, gap = 12.0; /* pixels */
  double tick[2 * TICKS], widest = LEAST;
  int n = ticks_of(tick, c->y.lo, c->y.hi, c->y.log, TICKS - 1);
  for (int i = 0; i < n; i++) {
    buffer text = {0};
    tick_text(&text, tick[i], c->y.log ? 1.0 : c->y.hi - c->y.lo);
    int n_characters = 0;
    for (size_t k = 0; k < text.n; k++) n_characters += (text.bytes[k] & 0xc0) != 0x80;
    widest = fmax(widest, n_characters * character + gap);
    buffer_free(&text);
  }
  return widest;
}

void chart_begin(chart *c, const char *title, int id)
{
  bool right = c->right_label != NULL;
  c->width = c->wide ? 900 : 460, c->height = c->wide ? 380 : 300;
  give_room(&c->y, 0.05);
  if (!(c->x.lo < c->x.hi)) give_room(&c->x, 0.05);
  c->left = left_of(c), c->top = 34;
  c->w = c->width - c->left - (c->wide ? 190 : 92), c->h = c->height - c->top - 46;
  buffer_print(c->b,
               "<div class=\"chart%s\"><svg viewBox=\"0 0 %d %d\" role=\"img\" tabindex=\"0\" "
               "aria-labelledby=\"t%d\" data-decimals=\"%d\"",
               c->wide ? " wide" : "", c->width, c->height, id, c->decimals);
  if (right) buffer_print(c->b, " data-r=\"%.15g %.15g\" data-rn=\"", c->right_zero, c->right_unit);
  if (right) html_text(c->b, c->right_label);
  buffer_print(c->b, "%s data-xn=\"", right ? "\"" : "");
  html_text(c->b, c->x.label);
  buffer_print(c->b, "\" data-yn=\"");
  html_text(c->b, c->y.label);
  buffer_print(c->b, "\"><title id=\"t%d\">", id);
  html_text(c->b, title);
  buffer_print(c->b,
               "</title><clipPath id=\"k%d\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
               "height=\"%.1f\"/></clipPath>\n",
               id, c->left, c->top - 2, c->w + 2, c->h + 4);
  y_axis(c);
  x_axis(c);
  if (right) right_axis(c);
  buffer_print(c->b, "\n<g clip-path=\"url(#k%d)\">\n", id);
}

/* ------------------------------------------------------------------ data */

static bool drawable(const chart *c, double x, double y)
{
  return isfinite(x) && isfinite(y) && (!c->x.log || x > 0.0) && (!c->y.log || y > 0.0);
}

/* Which points of a line are drawn: of each of some POINTS buckets the lowest and the highest, in
 * their order. */
static int thin(int *kept, const chart *c, const double *x, const double *y, int n)
{
  int n_kept = 0, bucket = 1 + n / POINTS;
  for (int first = 0; first < n; first += bucket) {
    int low = -1, high = -1;
    for (int i = first; i < n && i < first + bucket; i++) {
      if (!drawable(c, x[i], y[i])) continue;
      if (low < 0 || y[i] < y[low]) low = i;
      if (high < 0 || y[i] > y[high]) high = i;
    }
    if (low < 0) continue;
    kept[n_kept++] = low < high ? low : high;
    if (low != high) kept[n_kept++] = low < high ? high : low;
  }
  return n_kept;
}

/* What a pixel is too coarse to give back, for the script: "x,y" of each point, or y alone where x
 * goes on by the step before. */
static void point_values(const chart *c, const double *x, const double *y, const int *kept, int n)
{
  double last = NAN, step = NAN;
  for (int k = 0; k < n; k++) {
    double now = x[kept[k]], value = y[kept[k]];
    if (k) buffer_print(c->b, " ");
    if (now != last + step || now != rint(now)) buffer_print(c->b, "%.15g,", now);
    if (c->decimals && !c->right_label)
      buffer_print(c->b, "%.*f", c->decimals, value); /* as it is shown */
    else
      buffer_print(c->b, "%.*g", c->right_label ? 9 : 6, value); /* 9: as in progress.csv */
    step = now - last, last = now;
  }
}

void chart_line(chart *c, const double *x, const double *y, int n, const char *class, int colour,
                const char *name)
{
  int kept[2 * POINTS + 2], n_kept = thin(kept, c, x, y, n);
  if (!n_kept) return;
  buffer_print(c->b, "<path class=\"%s %s\" data-n=\"", class, chart_colour(colour));
  html_text(c->b, name);
  buffer_print(c->b, "\" data-v=\"");
  point_values(c, x, y, kept, n_kept);
  buffer_print(c->b, "\" d=\"");
  for (int k = 0; k < n_kept; k++)
    buffer_print(c->b, "%c%.1f %.2f", k ? 'L' : 'M', px(c, x[kept[k]]), py(c, y[kept[k]]));
  if (n_kept == 1) buffer_print(c->b, "h0"); /* a dot, by its round cap */
  buffer_print(c->b, "\"/>\n");
}

void chart_band(chart *c, const double *x, const double *low, const double *high, int n, int colour)
{
  if (n < 2) return;
  buffer_print(c->b, "<path class=\"band %s\" d=\"", chart_colour(colour));
  for (int i = 0; i < n; i++)
    buffer_print(c->b, "%c%.1f %.2f", i ? 'L' : 'M', px(c, x[i]), py(c, high[i]));
  for (int i = n - 1; i >= 0; i--) buffer_print(c->b, "L%.1f %.2f", px(c, x[i]), py(c, low[i]));
  buffer_print(c->b, "Z\"/>\n");
}

static void label_text(chart *c, double x, double y, int colour, const char *text)
{
  buffer_print(c->b, "<text class=\"end %s\" x=\"%.1f\" y=\"%.1f\">", chart_colour(colour), x,
               y + 4);
  html_text(c->b, text);
  buffer_print(c->b, "</text>");
}

static void edge_label(chart *c, double y, int colour, const char *text)
{
  if (c->labels == CHART_LABELS) return;
  chart_label *l = &c->label[c->labels++];
  *l = (chart_label){.y = py(c, y), .colour = colour};
  snprintf(l->text, sizeof l->text, "%s", text);
}

void chart_level(chart *c, double y, const char *name)
{
  buffer_print(c->b, "<path class=\"level\" d=\"M%.1f %.2fh%.1f\"/>\n", c->left, py(c, y), c->w);
  edge_label(c, y, CHART_GREY, name);
}

void chart_end_label(chart *c, double x, double y, int colour, const char *text)
{
  if (!drawable(c, x, y)) return;
  if (px(c, x) < c->left + 0.75 * c->w) /* a line that ends early has its name there */
    label_text(c, px(c, x) + 7, py(c, y), colour, text);
  else
    edge_label(c, y, colour, text);
}

static int higher_first(const void *a, const void *b)
{
  const chart_label *x = a, *y = b;
  if (x->y != y->y) return x->y < y->y ? -1 : 1;
  return strcmp(x->text, y->text);
}

/* Pushes the labels apart, downwards, then up again from the foot. */
static void make_room(chart *c)
{
  double foot = c->top + c->h + 4;
  qsort(c->label, (size_t)c->labels, sizeof *c->label, higher_first);
  for (int i = 1; i < c->labels; i++) c->label[i].y = fmax(c->label[i].y, c->label[i - 1].y + GAP);
  for (int i = c->labels - 1; i >= 0; i--) {
    c->label[i].y = fmin(c->label[i].y, foot);
    foot = c->label[i].y - GAP;
  }
}

void chart_end(chart *c)
{
  double x = c->left + c->w + (c->right_label ? 52 : 7);
  make_room(c);
  buffer_print(c->b, "</g>\n");
  for (int i = 0; i < c->labels; i++)
    label_text(c, x, c->label[i].y, c->label[i].colour, c->label[i].text);
  buffer_print(c->b, "</svg></div>\n");
}
