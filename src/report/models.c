/* models.c - how the ensembles were fitted, and whether they know how wrong they are. See page.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"

static bool same_fit(const fitlog_tables *a, const fitlog_tables *b)
{
  return a->n_epochs == b->n_epochs && a->n_bins == b->n_bins &&
         !memcmp(a->epochs, b->epochs, (size_t)a->n_epochs * sizeof *a->epochs) &&
         (!a->n_bins || !memcmp(a->bins, b->bins, (size_t)a->n_bins * sizeof *a->bins));
}

/* The first run that has this model. */
static int owner(const report *r, int i)
{
  int j = 0;
  while (!r->run[j].fit.n_epochs || !same_fit(&r->run[j].fit, &r->run[i].fit)) j++;
  return j;
}

static int members_of(const fitlog_tables *t)
{
  double top = -1.0;
  for (int i = 0; i < t->n_epochs; i++) top = fmax(top, t->epochs[i].member);
  return top < 1e6 ? (int)top + 1 : 0;
}

static int rank_of(const fitlog_tables *t, int member)
{
  for (int i = 0; i < t->n_bins; i++)
    if (t->bins[i].member == member) return (int)t->bins[i].elite;
  return 0;
}

/* Room for one line of any chart here: x [n], then two of y. */
static double *scratch_of(const fitlog_tables *t, int *n)
{
  *n = t->n_epochs > t->n_bins ? t->n_epochs : t->n_bins;
  return malloc((size_t)*n * 3 * sizeof(double));
}

static void member_name(char *buf, size_t size, int member, int rank, const char *what)
{
  if (rank)
    snprintf(buf, size, "member %d (elite %d), %s", member, rank, what);
  else
    snprintf(buf, size, "member %d, %s", member, what);
}

static void fit_caption(page *p, const fitlog_tables *t, int left_out)
{
  char others[40] = "member";
  if (left_out > 1) snprintf(others, sizeof others, "%d members", left_out);
  if (!left_out)
    buffer_print(p->b, "<figcaption>A line for each member%s.</figcaption></figure>\n",
                 t->n_bins ? "; all of them are elites" : "");
  else
    buffer_print(p->b,
                 "<figcaption><span class=\"c1\"><span class=\"key\"></span></span>"
                 "<span class=\"c0\"><span class=\"key\"></span></span>elites, "
                 "<span class=\"key dots grey\"></span><span class=\"key grey\"></span>the "
                 "other %s.</figcaption></figure>\n",
                 others);
}

static void fit_chart(page *p, const fitlog_tables *t, const char *who)
{
  int room = 0, members = members_of(t);
  double *x = scratch_of(t, &room);
  if (!x) {
    p->b->failed = true;
    return;
  }
  double *train = x + room, *hold = train + room;
  range rx = range_empty(), ry = range_empty();
  for (int i = 0; i < t->n_epochs; i++) {
    range_add(&rx, &t->epochs[i].epoch, 1, false);
    range_add(&ry, &t->epochs[i].train_mse, 1, true);
    range_add(&ry, &t->epochs[i].holdout_mse, 1, true);
  }
  char title[1100], name[120];
  snprintf(title, sizeof title, "Errors of the ensemble by epoch of its fit, %s", who);
  chart c = {.b = p->b,
             .x = {rx.lo, rx.hi, false, "epochs of the fit"},
             .whole = true,
             .y = {ry.lo, ry.hi, true, "mean squared error"}};
  buffer_print(p->b, "<figure>");
  chart_begin(&c, title, p->charts++);
  double last[2] = {NAN, NAN};
  int left_out = 0;
  for (int pass = 0; pass < 2; pass++) /* elites on top */
    for (int e = 0; e < members; e++) {
      int n = 0, rank = rank_of(t, e);
      if ((rank > 0) != (pass == 1)) continue;
      for (int i = 0; i < t->n_epochs; i++)
        if (t->epochs[i].member == e) {
          x[n] = t->epochs[i].epoch, train[n] = t->epochs[i].train_mse;
          hold[n++] = t->epochs[i].holdout_mse;
        }
      if (!n) continue;
      bool grey = t->n_bins && !rank; /* without bins nobody knows the elites */
      left_out += grey;
      member_name(name, sizeof name, e, rank, "training");
      chart_line(&c, x, train, n, grey ? "faint dots" : "faint", grey ? CHART_GREY : 1, name);
      member_name(name, sizeof name, e, rank, "held out");
      chart_line(&c, x, hold, n, "line thin", grey ? CHART_GREY : 0, name);
      if (rank == 1 || !rank) last[0] = train[n - 1], last[1] = hold[n - 1];
    }
  chart_end_label(&c, rx.hi, last[1], 0, "held out");
  chart_end_label(&c, rx.hi, last[0], 1, "training");
  chart_end(&c);
  fit_caption(p, t, left_out);
  free(x);
}

/* Means over the elites, weighed by values. */
static void coverage(page *p, const fitlog_tables *t)
{
  double n = 0.0, one = 0.0, two = 0.0;
  for (int i = 0; i < t->n_bins; i++) {
    const fitlog_bin *q = &t->bins[i];
    if (!(q->elite > 0)) continue;
    n += q->values, one += q->values * q->within_1, two += q->values * q->within_2;
  }
  buffer_print(p->b,
               "Of the elites\xe2\x80\x99 errors %.1f %% are within one predicted deviation "
               "and %.1f %% within two; a Gaussian that knows itself has 68.3 and 95.4 %%. ",
               100.0 * one / n, 100.0 * two / n);
}

static void calibration_chart(page *p, const fitlog_tables *t, const char *who)
{
  int room = 0, members = members_of(t);
  double *x = scratch_of(t, &room);
  if (!x) {
    p->b->failed = true;
    return;
  }
  double *y = x + room;
  range both = range_empty();
  for (int i = 0; i < t->n_bins; i++) {
    range_add(&both, &t->bins[i].predicted_std, 1, true);
    range_add(&both, &t->bins[i].error, 1, true);
  }
  char title[1100], name[120];
  snprintf(title, sizeof title, "Predicted deviation against error on held-out rows, %s", who);
  chart c = {.b = p->b,
             .x = {both.lo, both.hi, true, "predicted standard deviation"},
             .y = {both.lo, both.hi, true, "error (root mean square)"}};
  buffer_print(p->b, "<figure>");
  chart_begin(&c, title, p->charts++);
  chart_line(&c, (double[]){both.lo, both.hi}, (double[]){both.lo, both.hi}, 2, "dash", CHART_INK,
             "calibrated");
  for (int pass = 0; pass < 2; pass++)
    for (int e = 0; e < members; e++) {
      int n = 0, rank = rank_of(t, e);
      if ((rank > 0) != (pass == 1)) continue;
      for (int i = 0; i < t->n_bins; i++)
        if (t->bins[i].member == e) x[n] = t->bins[i].predicted_std, y[n++] = t->bins[i].error;
      member_name(name, sizeof name, e, rank, "20 bins");
      chart_line(&c, x, y, n, "line thin", rank ? 0 : CHART_GREY, name);
    }
  chart_end_label(&c, both.hi, both.hi, CHART_INK, "calibrated");
  chart_end(&c);
  buffer_print(p->b, "<figcaption>");
  coverage(p, t);
  buffer_print(p->b, "Below the dashed line a member is more careful than it need be.</figcaption>"
                     "</figure>\n");
  free(x);
}

void page_models(page *p)
{
  const report *r = p->r;
  bool any = false;
  for (int i = 0; i < r->runs; i++) {
    const fitlog_tables *t = &r->run[i].fit;
    if (!t->n_epochs || owner(r, i) != i) continue;
    if (!any)
      buffer_print(p->b,
                   "<h2 id=\"model\">The model</h2>\n<p class=\"soft\">Each ensemble: the error "
                   "of every member while it was fitted, and, on the rows held out, the "
                   "deviation that it predicts beside the error that it makes: 20 bins of "
                   "predictions of like deviation. Raw units, all outputs together.</p>\n");
    any = true;
    char who[1000] = "";
    size_t used = 0;
    for (int j = i; j < r->runs; j++) {
      char name[320];
      if (!r->run[j].fit.n_epochs || owner(r, j) != i) continue;
      page_run_name(name, sizeof name, r, &r->run[j]);
      int k = snprintf(who + used, sizeof who - used, "%s%s", used ? "; " : "", name);
      used += k > 0 ? (size_t)k : 0;
      if (used >= sizeof who) used = sizeof who - 1;
    }
    buffer_print(p->b, "<h3>");
    html_text(p->b, who);
    buffer_print(p->b, "</h3>\n<div class=\"pair\">\n");
    fit_chart(p, t, who);
    if (t->n_bins) calibration_chart(p, t, who);
    buffer_print(p->b, "</div>\n");
  }
}
