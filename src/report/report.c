/* report.c - mopo_report: one page from run directories. */
#include <stdio.h>
#include <string.h>

#include "report/html.h"
#include "report/page.h"

extern const char page_page[]; /* page.html, built in: see CMakeLists.txt */

static int finished_of(const report *r)
{
  int n = 0;
  for (int i = 0; i < r->runs; i++) n += r->run[i].finished;
  return n;
}

static void counted(buffer *b, int n, const char *one)
{
  buffer_print(b, "%d %s%s", n, one, n == 1 ? "" : "s");
}

static void heading(buffer *b, const report *r)
{
  if (r->cells == 1) {
    if (!mopo_task_facts_of(r->cell[0].task)->obs_dim) buffer_print(b, "Learned from ");
    html_text(b, r->cell[0].name);
    return;
  }
  counted(b, r->methods, "method");
  buffer_print(b, " on ");
  counted(b, r->cells, "dataset");
}

/* Links to the sections that are there. */
static void contents(buffer *b, const char *body)
{
  static const char *const parts[][2] = {
      {"verdict", "Verdict"},   {"warnings", "Warnings"},
      {"results", "Results"},   {"curves", "Learning curves"},
      {"bound", "Lower bound"}, {"values", "Penalty and Q"},
      {"model", "Model"},       {"films", "Behaviour"},
      {"runs", "Runs"},         {"notes", "How the figures are made"}};
  buffer_print(b, "<nav aria-label=\"Sections\">");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    char id[40];
    snprintf(id, sizeof id, "<h2 id=\"%s\">", parts[i][0]);
    if (strstr(body, id)) buffer_print(b, "<a href=\"#%s\">%s</a>", parts[i][0], parts[i][1]);
  }
  buffer_print(b, "</nav>\n");
}

static void head(buffer *b, const report *r)
{
  int finished = finished_of(r);
  buffer_print(b, "<h1>");
  heading(b, r);
  buffer_print(b, "</h1>\n<p class=\"lead\">");
  counted(b, r->runs, "run");
  buffer_print(b, " of ");
  counted(b, r->methods, "method");
  if (finished < r->runs) buffer_print(b, ", %d of them not finished", r->runs - finished);
  buffer_print(b, ".</p>\n");
}

static mopo_status sections(buffer *b, const report *r, mopo_error *err)
{
  page p = {.b = b, .r = r};
  buffer_print(b, "<main>\n");
  page_verdicts(&p);
  mopo_status st = page_results(&p, err);
  if (st == MOPO_OK) st = page_curves(&p, err);
  if (st != MOPO_OK) return st;
  page_bound(&p);
  page_values(&p);
  page_models(&p);
  if ((st = page_films(&p, err)) != MOPO_OK) return st;
  page_runs(&p);
  page_notes(&p);
  buffer_print(
      b, "</main>\n<footer class=\"soft\"><p style=\"margin-top:4rem\">Made by mopo " MOPO_VERSION
         "</p></footer>\n");
  return MOPO_OK;
}

/* The template with its two marks replaced. */
static mopo_status assemble(const buffer *body, const report *r, const char *path, mopo_error *err)
{
  static const char title[] = "@title@", mark[] = "@body@";
  const char *t = strstr(page_page, title), *m = strstr(page_page, mark);
  buffer b = {0};
  buffer_add(&b, page_page, (size_t)(t - page_page));
  heading(&b, r);
  t += sizeof title - 1;
  buffer_add(&b, t, (size_t)(m - t));
  buffer_print(&b, "<header>\n");
  head(&b, r);
  if (body->bytes) contents(&b, body->bytes);
  buffer_print(&b, "</header>\n");
  buffer_add(&b, body->bytes, body->n);
  m += sizeof mark - 1;
  buffer_add(&b, m, strlen(m));
  b.failed = b.failed || body->failed;
  mopo_status st = buffer_write(&b, path, err);
  buffer_free(&b);
  return st;
}

mopo_status mopo_report(mopo_report_result *out, const char *const *runs, int n, const char *path,
                        mopo_error *err)
{
  report r;
  buffer body = {0};
  if (n < 1) return error_set(err, MOPO_EINVAL, "report: no runs, want at least one");
  mopo_status st = report_load(&r, runs, n, err);
  if (st == MOPO_OK) st = sections(&body, &r, err);
  if (st == MOPO_OK) buffer_add(&body, "", 1); /* contents() reads it as a string */
  if (st == MOPO_OK && !body.failed) body.n--;
  if (st == MOPO_OK) st = assemble(&body, &r, path, err);
  if (st == MOPO_OK) *out = (mopo_report_result){r.runs, finished_of(&r), r.methods, r.cells};
  buffer_free(&body);
  report_free(&r);
  return st;
}
