/* curves.c - what a run recorded against its updates: learning curves, the lower bound, penalty and
 * Q. See page.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/stats.h"

enum { CURVE_REPS = 2000 };

/* x: updates. */
static chart new_chart(page *p, axis x, axis y, bool wide)
{
  return (chart){.b = p->b, .x = x, .y = y, .whole = true, .wide = wide};
}

/* Ranges of a column over the runs of a cell. Counts the runs that have it. */
static int column_range(const report *r, int cell, report_column column, range *x, range *y)
{
  int n = 0;
  for (int i = 0; i < r->runs; i++) {
    const series *s = &r->run[i].of[column];
    if (r->run[i].cell != cell || !s->n) continue;
    range_add(x, s->x, s->n, false);
    range_add(y, s->y, s->n, false);
    n++;
  }
  return n;
}

/* ------------------------------------------------------------------ learning curves */

/* Mean and interval over the runs of a method at the updates that all of them evaluated at. */
typedef struct average {
  double *x, *mean, *low, *high;
  int n, runs;
} average;

static double value_at(const series *s, double x)
{
  for (int i = 0; i < s->n; i++)
    if (s->x[i] == x) return s->y[i];
  return NAN;
}

/* out->x is the memory; free it. Nothing where the method has fewer than two runs with curves. */
static mopo_status average_of(average *out, const report *r, int cell, int method,
                              report_column column, mopo_error *err)
{
  const series *first = NULL;
  *out = (average){0};
  for (int i = 0; i < r->runs; i++)
    if (r->run[i].cell == cell && r->run[i].method == method && r->run[i].of[column].n) {
      if (!first) first = &r->run[i].of[column];
      out->runs++;
    }
  if (out->runs < 2) return MOPO_OK;
  size_t n = (size_t)first->n;
  out->x = malloc((4 * n + (size_t)out->runs) * sizeof *out->x);
  if (!out->x) return error_set(err, MOPO_ENOMEM, "report: no memory");
  out->mean = out->x + n, out->low = out->mean + n, out->high = out->low + n;
  double *at = out->high + n;
  for (int k = 0; k < first->n; k++) {
    int have = 0;
    for (int i = 0; i < r->runs; i++) {
      const report_run *run = &r->run[i];
      if (run->cell != cell || run->method != method || !run->of[column].n) continue;
      at[have] = value_at(&run->of[column], first->x[k]);
      have += isfinite(at[have]);
    }
    if (have < out->runs) continue;
    stats_interval q;
    mopo_status st = stats_mean_interval(&q, at, have, CURVE_REPS, err);
    if (st != MOPO_OK) return st;
    out->x[out->n] = first->x[k], out->mean[out->n] = q.value;
    out->low[out->n] = q.low, out->high[out->n++] = q.high;
  }
  return MOPO_OK;
}

static mopo_status draw_method(chart *c, const report *r, int cell, int method,
                               report_column column, mopo_error *err)
{
  average a;
  char name[200];
  double end = NAN, at = NAN;
  mopo_status st = average_of(&a, r, cell, method, column, err);
  if (st == MOPO_OK) chart_band(c, a.x, a.low, a.high, a.n, method);
  for (int i = 0; st == MOPO_OK && i < r->runs; i++) {
    const series *s = &r->run[i].of[column];
    if (r->run[i].cell != cell || r->run[i].method != method || !s->n) continue;
    snprintf(name, sizeof name, "%s, seed %llu", r->method[method].tag,
             (unsigned long long)r->run[i].c.seed);
    chart_line(c, s->x, s->y, s->n, a.runs > 1 ? "seed" : "line", method, name);
    end = s->y[s->n - 1], at = s->x[s->n - 1];
  }
  if (st == MOPO_OK && a.runs > 1 && a.n) {
    snprintf(name, sizeof name, "%s, mean of %d", r->method[method].tag, a.runs);
    chart_line(c, a.x, a.mean, a.n, "line", method, name);
    end = a.mean[a.n - 1], at = a.x[a.n - 1];
  }
  if (st == MOPO_OK) chart_end_label(c, at, end, method, r->method[method].tag);
  free(a.x);
  return st;
}

static double batch_figure(const report *r, int cell, bool best)
{
  for (int i = 0; i < r->runs; i++) {
    double x = best ? r->run[i].told.batch_max : r->run[i].told.batch_mean;
    if (r->run[i].cell == cell && isfinite(x)) return x;
  }
  return NAN;
}

static mopo_status learning_chart(page *p, int cell, mopo_error *err)
{
  const report *r = p->r;
  const mopo_task *task = r->cell[cell].task;
  range x = range_empty(), y = range_empty();
  bool scored = column_range(r, cell, COLUMN_SCORE, &x, &y) > 0;
  report_column column = scored ? COLUMN_SCORE : COLUMN_RETURN;
  if (!scored && !column_range(r, cell, column, &x, &y)) {
    buffer_print(p->b, "<p class=\"soft\">No evaluation yet, or none possible.</p>\n");
    return MOPO_OK;
  }
  double level[2] = {batch_figure(r, cell, false), batch_figure(r, cell, true)};
  for (int i = 0; scored && i < 2; i++) level[i] = mopo_task_score(task, level[i]);
  range_add(&y, level, 2, false);
  chart c = new_chart(p, (axis){fmin(0.0, x.lo), x.hi, false, "updates"},
                      (axis){y.lo, y.hi, false, scored ? "normalised score" : "return"}, true);
  c.decimals = 1;
  if (scored) {
    c.right_zero = mopo_task_facts_of(task)->score_min;
    c.right_unit =
        (mopo_task_facts_of(task)->score_max - mopo_task_facts_of(task)->score_min) / 100.0;
    c.right_label = "return";
  }
  char title[300];
  snprintf(title, sizeof title, "Learning curves, %s", r->cell[cell].name);
  buffer_print(p->b, "<figure>");
  chart_begin(&c, title, p->charts++);
  if (isfinite(level[0])) chart_level(&c, level[0], "batch, mean");
  if (isfinite(level[1])) chart_level(&c, level[1], "batch, best");
  mopo_status st = MOPO_OK;
  for (int m = 0; st == MOPO_OK && m < r->methods; m++)
    st = draw_method(&c, r, cell, m, column, err);
  chart_end(&c);
  buffer_print(p->b, "</figure>\n");
  return st;
}

mopo_status page_curves(page *p, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  buffer_print(p->b,
               "<h2 id=\"curves\">Learning curves</h2>\n<p class=\"soft\">Undiscounted return "
               "of the deterministic policy, mean over the episodes of each evaluation. A line "
               "for each seed; where there are several, the strong line is their mean and the "
               "band its 95 %% interval.</p>\n");
  for (int i = 0; st == MOPO_OK && i < p->r->cells; i++) {
    if (p->r->cells > 1) {
      buffer_print(p->b, "<h3>");
      html_text(p->b, p->r->cell[i].name);
      buffer_print(p->b, "</h3>\n");
    }
    st = learning_chart(p, i, err);
  }
  return st;
}

/* ------------------------------------------------------------------ the lower bound */

static bool has_bound(const report_run *run)
{
  return run->of[COLUMN_TRUE].n && run->of[COLUMN_PENALISED].n;
}

/* Without a penalty the model's return is all that there is to compare. */
static bool has_penalty(const report_run *run)
{
  const series *with = &run->of[COLUMN_PENALISED], *without = &run->of[COLUMN_MODEL];
  return with->n != without->n || memcmp(with->y, without->y, (size_t)with->n * sizeof *with->y);
}

static void bound_chart(page *p, const report_run *run)
{
  typedef struct bound_line {
    report_column column;
    const char *class, *name;
    int colour;
  } bound_line;
  static const bound_line all[] = {{COLUMN_MODEL, "dash", "model", CHART_INK},
                                   {COLUMN_PENALISED, "line", "model \xe2\x88\x92 \xce\xbbu", 0},
                                   {COLUMN_TRUE, "line", "true", CHART_INK}};
  static const bound_line bare[] = {{COLUMN_MODEL, "line", "model", 0},
                                    {COLUMN_TRUE, "line", "true", CHART_INK}};
  bool penalty = has_penalty(run);
  const bound_line *lines = penalty ? all : bare;
  int n_lines = penalty ? 3 : 2;
  char name[320], title[400];
  range x = range_empty(), y = range_empty();
  int below = 0, both = 0;
  for (int i = 0; i < n_lines; i++) {
    range_add(&x, run->of[lines[i].column].x, run->of[lines[i].column].n, false);
    range_add(&y, run->of[lines[i].column].y, run->of[lines[i].column].n, false);
  }
  const series *s = &run->of[COLUMN_TRUE];
  for (int i = 0; i < s->n; i++) {
    double low = value_at(&run->of[COLUMN_PENALISED], s->x[i]);
    both += isfinite(low), below += low <= s->y[i];
  }
  page_run_name(name, sizeof name, p->r, run);
  snprintf(title, sizeof title, "True and predicted return, %s", name);
  chart c = new_chart(p, (axis){fmin(0.0, x.lo), x.hi, false, "updates"},
                      (axis){y.lo, y.hi, false, "discounted return"}, false);
  c.decimals = 1;
  buffer_print(p->b, "<figure>");
  chart_begin(&c, title, p->charts++);
  for (int i = 0; i < n_lines; i++) {
    s = &run->of[lines[i].column];
    chart_line(&c, s->x, s->y, s->n, lines[i].class, lines[i].colour, lines[i].name);
    if (s->n) chart_end_label(&c, s->x[s->n - 1], s->y[s->n - 1], lines[i].colour, lines[i].name);
  }
  chart_end(&c);
  buffer_print(p->b, "<figcaption><strong>");
  html_text(p->b, name);
  buffer_print(p->b,
               ".</strong> %s is below the true one at %d of %d evaluations."
               "</figcaption></figure>\n",
               penalty ? "The penalised return" : "No penalty: the model\xe2\x80\x99s own return",
               below, both);
}

void page_bound(page *p)
{
  bool any = false;
  for (int i = 0; i < p->r->runs; i++) any = any || has_bound(&p->r->run[i]);
  if (!any) return;
  buffer_print(p->b,
               "<h2 id=\"bound\">The lower bound</h2>\n<p class=\"soft\">What the policy earns "
               "in the simulator, beside what the model predicts for it from the same start "
               "states and what is left of that after the penalty. The penalised return is "
               "meant to be a lower bound of the true one (Yu et al. 2020, theorem 4.4). "
               "Discounted; mean over the evaluation's episodes.</p>\n<div class=\"pair\">\n");
  for (int i = 0; i < p->r->runs; i++)
    if (has_bound(&p->r->run[i])) bound_chart(p, &p->r->run[i]);
  buffer_print(p->b, "</div>\n");
}

/* ------------------------------------------------------------------ penalty and Q */

static void value_chart(page *p, int cell, report_column column, const char *label)
{
  const report *r = p->r;
  range x = range_empty(), y = range_empty();
  if (!column_range(r, cell, column, &x, &y)) return;
  char title[300], name[200];
  snprintf(title, sizeof title, "%s, %s", label, r->cell[cell].name);
  chart c = new_chart(p, (axis){fmin(0.0, x.lo), x.hi, false, "updates"},
                      (axis){y.lo, y.hi, false, label}, false);
  buffer_print(p->b, "<figure>");
  chart_begin(&c, title, p->charts++);
  for (int m = 0; m < r->methods; m++) {
    double end = NAN, at = NAN;
    for (int i = 0; i < r->runs; i++) {
      const series *s = &r->run[i].of[column];
      if (r->run[i].cell != cell || r->run[i].method != m || !s->n) continue;
      snprintf(name, sizeof name, "%s, seed %llu", r->method[m].tag,
               (unsigned long long)r->run[i].c.seed);
      chart_line(&c, s->x, s->y, s->n, "line thin", m, name);
      end = s->y[s->n - 1], at = s->x[s->n - 1];
    }
    chart_end_label(&c, at, end, m, r->method[m].tag);
  }
  chart_end(&c);
  buffer_print(p->b, "<figcaption>");
  html_text(p->b, r->cell[cell].name);
  buffer_print(p->b, "</figcaption></figure>\n");
}

void page_values(page *p)
{
  buffer_print(p->b,
               "<h2 id=\"values\">Penalty and Q</h2>\n<p class=\"soft\">\xce\xbbu: what is taken "
               "off an imagined reward, mean over the epoch\xe2\x80\x99s imagined rows. Q: the "
               "first critic at the batches of an epoch. A line for each run.</p>\n"
               "<div class=\"pair\">\n");
  for (int i = 0; i < p->r->cells; i++) {
    value_chart(p, i, COLUMN_PENALTY, "penalty \xce\xbbu, reward per step");
    value_chart(p, i, COLUMN_Q, "Q, discounted return");
  }
  buffer_print(p->b, "</div>\n");
}
