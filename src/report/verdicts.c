/* verdicts.c - is the policy better than what is on record, and by how much: what the data say,
 * next to the truth where a simulator knows it; and what the runs were warned of. See page.h. */
#include <math.h>

#include "report/html.h"
#include "report/page.h"

static bool known_truth(const report *r)
{
  for (int i = 0; i < r->runs; i++)
    if (r->run[i].told.judged && isfinite(run_last(&r->run[i], COLUMN_RETURN))) return true;
  return false;
}

static int judged(const report *r, bool better)
{
  int n = 0;
  for (int i = 0; i < r->runs; i++)
    n += r->run[i].told.judged && (!better || r->run[i].told.ope.verdict == MOPO_VERDICT_BETTER);
  return n;
}

/* Three digits of the interval's width. */
static int decimals_of(const mopo_estimate *e)
{
  double width = e->high - e->low;
  if (!isfinite(width) || width <= 0.0) return 1;
  return (int)fmin(fmax(2.0 - floor(log10(width)), 0.0), 6.0);
}

static void cell(page *p, double x, int decimals)
{
  buffer_print(p->b, "<td class=\"n\">");
  html_fixed(p->b, x, decimals);
  buffer_print(p->b, "</td>");
}

/* x, and its interval under it. */
static void interval_cell(page *p, double x, double low, double high, int decimals)
{
  buffer_print(p->b, "<td class=\"n\">");
  html_fixed(p->b, x, decimals);
  if (isfinite(low) && isfinite(high)) {
    buffer_print(p->b, "<br><small>");
    html_fixed(p->b, low, decimals);
    buffer_print(p->b, " to ");
    html_fixed(p->b, high, decimals);
    buffer_print(p->b, "</small>");
  }
  buffer_print(p->b, "</td>");
}

static void verdict_row(page *p, const report_run *run, bool truth)
{
  const mopo_estimate *e = &run->told.ope;
  int d = decimals_of(e);
  char name[700];
  page_run_name(name, sizeof name, p->r, run);
  buffer_print(p->b, "<tr><th scope=\"row\">");
  html_text(p->b, name);
  buffer_print(p->b, "</th><td><span class=\"state\">%s</span></td>",
               result_verdict_name(e->verdict));
  interval_cell(p, e->policy - e->log, e->low - e->log, e->high - e->log, d);
  interval_cell(p, e->policy, e->low, e->high, d);
  if (truth) cell(p, run_last(run, COLUMN_RETURN), d);
  cell(p, e->log, d);
  cell(p, e->bc, d);
  interval_cell(p, e->fqe, e->fqe_low, e->fqe_high, d);
  buffer_print(p->b, "<td class=\"wrap soft\">");
  for (int i = 0; i < e->n_reasons; i++) {
    buffer_print(p->b, "%s", i ? "; " : "");
    html_text(p->b, e->reasons[i]);
  }
  buffer_print(p->b, "</td></tr>\n");
}

static void verdict_table(page *p)
{
  bool truth = known_truth(p->r);
  buffer_print(
      p->b,
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Verdicts\"><table>"
      "<caption>Mean returns of an episode, foretold from the recorded data%s; under them 5 and "
      "95 %%</caption>\n<thead><tr><th scope=\"col\">run</th><th scope=\"col\">than the log</th>"
      "<th scope=\"col\" class=\"n\">gain on the log</th><th scope=\"col\" class=\"n\">policy</th>"
      "%s<th scope=\"col\" class=\"n\">log</th><th scope=\"col\" class=\"n\">its clone</th>"
      "<th scope=\"col\" class=\"n\">policy, by fitted Q</th><th scope=\"col\">because</th></tr>"
      "</thead>\n<tbody>\n",
      truth ? ", and in the simulator" : " alone",
      truth ? "<th scope=\"col\" class=\"n\">policy, in the simulator</th>" : "");
  for (int i = 0; i < p->r->runs; i++)
    if (p->r->run[i].told.judged) verdict_row(p, &p->r->run[i], truth);
  buffer_print(p->b, "</tbody></table></div>\n");
}

/* One run: the answer in a sentence. */
static void answer(page *p)
{
  static const char *const says[] = {
      [MOPO_VERDICT_UNKNOWN] = "The recorded data do not tell whether the policy is better",
      [MOPO_VERDICT_BETTER] = "Better than the log, as far as the recorded data tell",
      [MOPO_VERDICT_NOT_BETTER] = "Not better than the log, as far as the recorded data tell"};
  int n = judged(p->r, false);
  buffer_print(p->b, "<p>");
  if (n > 1)
    buffer_print(p->b, "The recorded data call %d of %d policies better than the log.",
                 judged(p->r, true), n);
  for (int i = 0; n == 1 && i < p->r->runs; i++) {
    const mopo_estimate *e = &p->r->run[i].told.ope;
    if (!p->r->run[i].told.judged) continue;
    buffer_print(p->b, "<strong>%s</strong>: ", says[e->verdict]);
    html_fixed(p->b, e->policy - e->log, decimals_of(e));
    buffer_print(p->b, " more an episode, between ");
    html_fixed(p->b, e->low - e->log, decimals_of(e));
    buffer_print(p->b, " and ");
    html_fixed(p->b, e->high - e->log, decimals_of(e));
    buffer_print(p->b, ".");
  }
  buffer_print(p->b, "</p>\n");
}

static void warnings(page *p)
{
  bool any = false;
  for (int i = 0; i < p->r->runs; i++) {
    const result_warnings *w = &p->r->run[i].told.warnings;
    for (int k = 0; k < w->n; k++) {
      char name[700];
      if (!any) buffer_print(p->b, "<h2 id=\"warnings\">Warnings</h2>\n<dl>");
      any = true;
      page_run_name(name, sizeof name, p->r, &p->r->run[i]);
      buffer_print(p->b, "<dt>");
      html_text(p->b, name);
      buffer_print(p->b, "</dt><dd>");
      html_text(p->b, w->text[k]);
      buffer_print(p->b, "</dd>");
    }
  }
  if (any) buffer_print(p->b, "</dl>\n");
}

void page_verdicts(page *p)
{
  if (judged(p->r, false)) {
    buffer_print(p->b, "<h2 id=\"verdict\">Better than the log?</h2>\n");
    answer(p);
    verdict_table(p);
  }
  warnings(p);
}
