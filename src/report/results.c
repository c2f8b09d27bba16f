/* results.c - what the methods ended with: aggregates with intervals, every run, who beats whom.
 * See page.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"
#include "report/stats.h"

/* Of a method, over the datasets that can be taken together. */
typedef struct aggregate {
  stats_interval iqm;
  double mean, std;
  int n, runs; /* finished and evaluated, of how many */
} aggregate;

/* The last figures of the finished runs of each method, dataset by dataset. */
typedef struct finals {
  report_column column; /* the score, or the return where no task has a score */
  report_column *of;    /* [cells]: likewise of the cell's own task */
  double *x;            /* [runs] */
  int *first;           /* [methods, cells + 1] */
  aggregate *all;       /* [methods] */
} finals;

/* Returns of a task without a score cannot be averaged with scores; they are shown by themselves.
 */
static bool counts(const finals *f, int cell) { return f->of[cell] == f->column; }

static void choose_columns(finals *f, const report *r)
{
  for (int t = 0; t < r->cells; t++) f->of[t] = COLUMN_RETURN;
  for (int i = 0; i < r->runs; i++)
    if (r->run[i].of[COLUMN_SCORE].n) f->column = f->of[r->run[i].cell] = COLUMN_SCORE;
}

static void gather(finals *f, const report *r)
{
  int n = 0;
  for (int m = 0; m < r->methods; m++) {
    for (int t = 0; t < r->cells; t++) {
      f->first[m * (r->cells + 1) + t] = n;
      for (int i = 0; i < r->runs; i++) {
        const report_run *run = &r->run[i];
        double x = run->finished ? run_last(run, f->of[t]) : (double)NAN;
        if (run->cell == t && run->method == m && isfinite(x)) f->x[n++] = x;
      }
    }
    f->first[m * (r->cells + 1) + r->cells] = n;
  }
}

static int count(const finals *f, const report *r, int method, int cell)
{
  const int *first = f->first + method * (r->cells + 1) + cell;
  return first[1] - first[0];
}

static int total(const finals *f, const report *r, int method)
{
  const int *first = f->first + method * (r->cells + 1);
  return first[r->cells] - first[0];
}

/* Figures of a method in the cells that both have, each compared in its own unit; other < 0: in the
 * method's own that count. base [cells + 1]. */
static stats_scores scores_of(const finals *f, const report *r, int m, int other, double *x,
                              int *base)
{
  stats_scores s = {.x = x, .first = base};
  base[0] = 0;
  for (int t = 0; t < r->cells; t++) {
    int n = count(f, r, m, t);
    if (!n || (other >= 0 ? !count(f, r, other, t) : !counts(f, t))) continue;
    memcpy(x + base[s.tasks], f->x + f->first[m * (r->cells + 1) + t], (size_t)n * sizeof *x);
    base[s.tasks + 1] = base[s.tasks] + n;
    s.tasks++;
  }
  return s;
}

/* ------------------------------------------------------------------ aggregates */

static void interval_text(buffer *b, const stats_interval *q, int decimals)
{
  if (!isfinite(q->low)) {
    buffer_print(b, "<span class=\"soft\">\xe2\x80\x93</span>");
    return;
  }
  html_fixed(b, q->low, decimals);
  buffer_print(b, " to ");
  html_fixed(b, q->high, decimals);
}

static void interval_picture(buffer *b, const stats_interval *q, range all, int colour)
{
  double span = all.hi > all.lo ? all.hi - all.lo : 1.0;
  double scale = 184.0 / span, x = 8.0 + (q->value - all.lo) * scale;
  buffer_print(b, "<svg class=\"interval %s\" viewBox=\"0 0 200 20\" aria-hidden=\"true\">",
               chart_colour(colour));
  if (all.lo < 0.0 && all.hi > 0.0)
    buffer_print(b, "<path class=\"zero\" d=\"M%.1f 0v20\"/>", 8.0 - all.lo * scale);
  if (isfinite(q->low))
    buffer_print(b, "<path d=\"M%.1f 10H%.1f\"/>", 8.0 + (q->low - all.lo) * scale,
                 8.0 + (q->high - all.lo) * scale);
  buffer_print(b, "<circle cx=\"%.1f\" cy=\"10\" r=\"4.5\"/></svg>", x);
}

/* ", a 1, b 2" as parts between which a line may break, and not at the hyphens of their names. */
static void setting_parts(buffer *b, const char *list)
{
  buffer_print(b, "<small>");
  while (*list) {
    list += strspn(list, ", ");
    size_t n = strcspn(list, ",");
    buffer_print(b, "<span>");
    html_print(b, "%.*s%s", (int)n, list, list[n] ? "," : "");
    buffer_print(b, "</span>%s", list[n] ? " " : "");
    list += n;
  }
  buffer_print(b, "</small>");
}

static void method_cell(page *p, int m)
{
  const report_method *method = &p->r->method[m];
  const char *comma = strchr(method->name, ',');
  buffer_print(p->b, "<th scope=\"row\"><span class=\"%s\"><span class=\"key\"></span></span>",
               chart_colour(m));
  html_text(p->b, method->tag);
  if (comma) setting_parts(p->b, comma);
  buffer_print(p->b, "</th>");
}

static void aggregate_row(page *p, const finals *f, int m, range all)
{
  const aggregate *a = &f->all[m];
  if (!a->runs) return;
  buffer_print(p->b, "<tr>");
  method_cell(p, m);
  buffer_print(p->b, "<td class=\"n\">%d", a->n);
  if (a->runs > a->n) buffer_print(p->b, " <small>of %d</small>", a->runs);
  buffer_print(p->b, "</td><td class=\"n\">");
  html_fixed(p->b, a->mean, 1);
  buffer_print(p->b, "</td><td class=\"n\">");
  html_fixed(p->b, a->std, 1);
  buffer_print(p->b, "</td><td class=\"n\">");
  html_fixed(p->b, a->iqm.value, 1);
  buffer_print(p->b, "</td><td class=\"n\">");
  interval_text(p->b, &a->iqm, 1);
  buffer_print(p->b, "</td><td>");
  if (a->n) interval_picture(p->b, &a->iqm, all, m);
  buffer_print(p->b, "</td></tr>\n");
}

static void aggregates(page *p, const finals *f)
{
  range all = range_empty();
  bool every = true;
  for (int t = 0; t < p->r->cells; t++) every = every && counts(f, t);
  for (int m = 0; m < p->r->methods; m++) {
    const stats_interval *q = &f->all[m].iqm;
    range_add(&all, (double[]){q->value, q->low, q->high}, 3, false);
  }
  range_add(&all, (double[]){0.0}, 1, false);
  buffer_print(p->b,
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Aggregates\">"
               "<table><caption>%s of the last policy, over the finished runs%s</caption>\n"
               "<thead><tr><th scope=\"col\">method</th><th scope=\"col\" class=\"n\">runs</th>"
               "<th scope=\"col\" class=\"n\">mean</th><th scope=\"col\" class=\"n\">std</th>"
               "<th scope=\"col\" class=\"n\">IQM</th><th scope=\"col\" class=\"n\">95&#8239;%% "
               "interval</th><th scope=\"col\">IQM, from ",
               f->column == COLUMN_SCORE ? "Normalised score" : "Return",
               p->r->cells == 1 ? ""
               : every          ? " and all datasets"
                                : " and all datasets with a score");
  html_fixed(p->b, all.lo, 1);
  buffer_print(p->b, " to ");
  html_fixed(p->b, all.hi, 1);
  buffer_print(p->b, "</th></tr></thead>\n<tbody>\n");
  for (int m = 0; m < p->r->methods; m++) aggregate_row(p, f, m, all);
  buffer_print(p->b, "</tbody></table></div>\n");
}

/* ------------------------------------------------------------------ every run */

static void figures(page *p, const finals *f, int m, int t)
{
  const double *x = f->x + f->first[m * (p->r->cells + 1) + t];
  int n = count(f, p->r, m, t);
  buffer_print(p->b, "<td class=\"n\">");
  html_fixed(p->b, n ? stats_mean(x, n) : (double)NAN, 1);
  if (n > 1) {
    buffer_print(p->b, " \xc2\xb1 ");
    html_fixed(p->b, stats_std(x, n), 1);
  }
  if (!counts(f, t)) buffer_print(p->b, " <small>return</small>");
  buffer_print(p->b, "</td><td class=\"wrap soft\">");
  for (int i = 0; i < n; i++) {
    buffer_print(p->b, "%s", i ? " \xc2\xb7 " : "");
    html_fixed(p->b, x[i], 1);
  }
  buffer_print(p->b, "</td>");
}

static void every_run(page *p, const finals *f)
{
  const report *r = p->r;
  buffer_print(p->b,
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Every run\">"
               "<table><caption>Mean \xc2\xb1 standard deviation over seeds, and every seed"
               "</caption>\n<thead><tr>%s<th scope=\"col\">method"
               "</th><th scope=\"col\" class=\"n\">%s</th><th scope=\"col\">every seed</th></tr>"
               "</thead>\n<tbody>\n",
               r->cells > 1 ? "<th scope=\"col\">dataset</th>" : "",
               f->column == COLUMN_SCORE ? "score" : "return");
  for (int t = 0; t < r->cells; t++)
    for (int m = 0; m < r->methods; m++) {
      if (!count(f, r, m, t)) continue;
      buffer_print(p->b, r->cells > 1 ? "<tr><td>" : "<tr>");
      if (r->cells > 1) html_text(p->b, r->cell[t].name);
      if (r->cells > 1) buffer_print(p->b, "</td>");
      method_cell(p, m);
      figures(p, f, m, t);
      buffer_print(p->b, "</tr>\n");
    }
  buffer_print(p->b, "</tbody></table></div>\n");
}

/* Runs of one method on one dataset with one seed are one draw, not two: their spread is not that
 * over seeds. */
static void repeated(page *p)
{
  const report *r = p->r;
  for (int j = 0; j < r->runs; j++)
    for (int i = 0; i < j; i++) {
      const report_run *a = &r->run[i], *b = &r->run[j];
      bool same = a->cell == b->cell && a->method == b->method && a->c.seed == b->c.seed;
      if (!same || !a->finished || !b->finished) continue;
      buffer_print(p->b, "<p class=\"soft\">Counted twice: ");
      html_print(p->b, "%s and %s are the same method, dataset and seed (%llu).", a->dir, b->dir,
                 (unsigned long long)b->c.seed);
      buffer_print(p->b, "</p>\n");
      break;
    }
}

/* ------------------------------------------------------------------ who beats whom */

static mopo_status one_pair(page *p, const finals *f, int a, int b, double *x, int *base,
                            mopo_error *err)
{
  const report *r = p->r;
  stats_interval q = {NAN, NAN, NAN};
  stats_scores of_a = scores_of(f, r, a, b, x, base);
  stats_scores of_b = scores_of(f, r, b, a, x + r->runs, base + r->cells + 1);
  mopo_status st = MOPO_OK;
  if (of_a.tasks) st = stats_improvement(&q, &of_a, &of_b, STATS_PAIR_REPS, err);
  buffer_print(p->b, "<td class=\"n\">");
  html_fixed(p->b, q.value, 2);
  buffer_print(p->b, "<br><small>");
  if (isfinite(q.low)) interval_text(p->b, &q, 2);
  buffer_print(p->b, "</small></td>");
  return st;
}

static mopo_status improvements(page *p, const finals *f, mopo_error *err)
{
  const report *r = p->r;
  double *x = malloc(2 * (size_t)r->runs * sizeof *x);
  int *base = malloc(2 * ((size_t)r->cells + 1) * sizeof *base);
  mopo_status st = x && base ? MOPO_OK : error_set(err, MOPO_ENOMEM, "report: no memory");
  buffer_print(p->b,
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Probability of "
               "improvement\"><table><caption>Probability that a run of the method on the left "
               "ends above a run of the method at the top, and its 95 %% interval</caption>\n"
               "<thead><tr><td></td>");
  for (int m = 0; m < r->methods; m++) {
    if (!total(f, r, m)) continue;
    buffer_print(p->b, "<th scope=\"col\" class=\"n\">");
    html_text(p->b, r->method[m].tag);
    buffer_print(p->b, "</th>");
  }
  buffer_print(p->b, "</tr></thead>\n<tbody>\n");
  for (int a = 0; st == MOPO_OK && a < r->methods; a++) {
    if (!total(f, r, a)) continue;
    buffer_print(p->b, "<tr>");
    method_cell(p, a);
    for (int b = 0; st == MOPO_OK && b < r->methods; b++)
      if (a == b)
        buffer_print(p->b, "<td></td>");
      else if (total(f, r, b))
        st = one_pair(p, f, a, b, x, base, err);
    buffer_print(p->b, "</tr>\n");
  }
  buffer_print(p->b, "</tbody></table></div>\n");
  free(x);
  free(base);
  return st;
}

/* ------------------------------------------------------------------ the section */

static mopo_status aggregate_all(finals *f, const report *r, double *x, int *base, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int m = 0; st == MOPO_OK && m < r->methods; m++) {
    aggregate *a = &f->all[m];
    *a = (aggregate){.iqm = {NAN, NAN, NAN}, .mean = NAN, .std = NAN};
    for (int i = 0; i < r->runs; i++) a->runs += r->run[i].method == m && counts(f, r->run[i].cell);
    stats_scores s = scores_of(f, r, m, -1, x, base);
    a->n = s.tasks ? base[s.tasks] : 0;
    if (!a->n) continue;
    a->mean = stats_mean(x, a->n), a->std = stats_std(x, a->n);
    st = stats_iqm_interval(&a->iqm, &s, STATS_REPS, err);
  }
  return st;
}

static mopo_status write_results(page *p, finals *f, mopo_error *err)
{
  const report *r = p->r;
  int finished = 0, methods = 0;
  for (int m = 0; m < r->methods; m++) {
    finished += total(f, r, m);
    methods += total(f, r, m) > 0;
  }
  for (int i = 0; !finished && i < r->runs; i++)
    if (r->run[i].told.judged) return MOPO_OK; /* the verdict is all that is known */
  buffer_print(p->b, "<h2 id=\"results\">Results</h2>\n");
  if (!finished) {
    buffer_print(p->b, "<p>No run is finished and evaluated.</p>\n");
    return MOPO_OK;
  }
  aggregates(p, f);
  if (r->cells > 1 || finished > methods) every_run(p, f); /* else it would say the same */
  repeated(p);
  return methods > 1 ? improvements(p, f, err) : MOPO_OK;
}

mopo_status page_results(page *p, mopo_error *err)
{
  const report *r = p->r;
  size_t runs = (size_t)r->runs, bases = ((size_t)r->methods + 1) * ((size_t)r->cells + 1);
  finals f = {.column = COLUMN_RETURN,
              .x = malloc(2 * runs * sizeof *f.x),
              .first = malloc(bases * sizeof *f.first),
              .of = malloc((size_t)r->cells * sizeof *f.of),
              .all = malloc((size_t)r->methods * sizeof *f.all)};
  bool memory = f.x && f.first && f.of && f.all;
  mopo_status st = memory ? MOPO_OK : error_set(err, MOPO_ENOMEM, "report: no memory");
  if (st == MOPO_OK) {
    choose_columns(&f, r);
    gather(&f, r);
    st = aggregate_all(&f, r, f.x + runs, f.first + r->methods * (r->cells + 1), err);
  }
  if (st == MOPO_OK) st = write_results(p, &f, err);
  free(f.x);
  free(f.first);
  free(f.of);
  free(f.all);
  return st;
}
