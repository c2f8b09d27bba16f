/* runlist.c - the runs themselves: films, what differs between them, how to make each again. See
 * page.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#include "base/number.h"
#include "io/file.h"
#include "report/html.h"
#include "report/page.h"
#include "run/rundir.h"

void page_run_name(char *buf, size_t size, const report *r, const report_run *run)
{
  int n = snprintf(buf, size, "%s, seed %llu", r->method[run->method].tag,
                   (unsigned long long)run->c.seed);
  if (r->cells > 1 && n > 0 && (size_t)n < size)
    snprintf(buf + n, size - (size_t)n, ", %s", r->cell[run->cell].name);
}

void page_state(char *buf, size_t size, const report_run *run)
{
  *buf = 0;
  if (!run->finished && run->epoch > 0)
    number_print(buf, size, "epoch %.0f of %d", run->epoch, run->c.epochs);
  else if (!run->finished)
    snprintf(buf, size, "no epoch yet");
}

/* ------------------------------------------------------------------ films */

static int big_endian(const char *bytes)
{
  const unsigned char *p = (const unsigned char *)bytes;
  return p[0] < 0x80 ? p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3] : 0;
}

/* Several frames side by side want the whole width of the page. */
static bool is_strip(const char *png, size_t n)
{
  enum { WIDTH_AT = 16, HEIGHT_AT = 20 };
  return n >= HEIGHT_AT + 4 && !memcmp(png + 1, "PNG", 3) &&
         big_endian(png + WIDTH_AT) > 2 * (int64_t)big_endian(png + HEIGHT_AT);
}

static mopo_status film(page *p, const report_run *run, bool *any, mopo_error *err)
{
  static const struct {
    const char *name, *type, *begins;
    size_t at; /* of those bytes */
  } kinds[] = {{"film.webp", "image/webp", "WEBP", 8}, {"frame.png", "image/png", "PNG\r\n", 1}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    char path[RUN_PATH], name[320], *bytes = NULL;
    size_t n = 0, k = strlen(kinds[i].begins);
    mopo_status st = file_join(path, sizeof path, run->dir, kinds[i].name, err);
    if (st != MOPO_OK) return st;
    if (!file_exists(path)) continue;
    if ((st = file_read(&bytes, &n, path, (size_t)1 << 30, err)) != MOPO_OK) return st;
    if (n < kinds[i].at + k || memcmp(bytes + kinds[i].at, kinds[i].begins, k) != 0) {
      free(bytes);
      return error_set(err, MOPO_EFORMAT, "%s: not a picture of type %s", path, kinds[i].type);
    }
    if (!*any) buffer_print(p->b, "<h2 id=\"films\">Behaviour</h2>\n<div class=\"films\">\n");
    *any = true;
    page_run_name(name, sizeof name, p->r, run);
    buffer_print(p->b, "<figure%s><img alt=\"The policy of ",
                 is_strip(bytes, n) ? " class=\"strip\"" : "");
    html_text(p->b, name);
    buffer_print(p->b, "\" src=\"data:%s;base64,", kinds[i].type);
    html_base64(p->b, (const unsigned char *)bytes, n);
    buffer_print(p->b, "\"><figcaption>");
    html_text(p->b, name);
    buffer_print(p->b, "</figcaption></figure>\n");
    free(bytes);
    return MOPO_OK;
  }
  return MOPO_OK;
}

mopo_status page_films(page *p, mopo_error *err)
{
  bool any = false;
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < p->r->runs; i++) st = film(p, &p->r->run[i], &any, err);
  if (any) buffer_print(p->b, "</div>\n");
  return st;
}

/* ------------------------------------------------------------------ what differs */

/* All that read the setting are compared with the first that does. */
static bool differs(const report *r, const mopo_setting *s)
{
  const report_run *first = NULL;
  if (!strcmp(s->name, "out")) return false;
  for (int i = 0; i < r->runs; i++) {
    if (first && runs_differ(&r->run[i], first, s)) return true;
    if (!first && mopo_config_uses(&r->run[i].c, s)) first = &r->run[i];
  }
  return false;
}

/* The settings that get a column, found once. */
typedef struct columns {
  const mopo_setting *at[SETTINGS_MAX];
  int n;
} columns;

static columns columns_of(const report *r)
{
  columns c = {.n = 0};
  for (int i = 0; mopo_setting_at(i); i++)
    if (differs(r, mopo_setting_at(i))) c.at[c.n++] = mopo_setting_at(i);
  return c;
}

static void figure_cell(page *p, double x, int decimals)
{
  buffer_print(p->b, "<td class=\"n\">");
  html_fixed(p->b, x, decimals);
  buffer_print(p->b, "</td>");
}

static void run_row(page *p, const report_run *run, const columns *shown)
{
  char state[80], value[1100];
  page_state(state, sizeof state, run);
  buffer_print(p->b, "<tr><th scope=\"row\">");
  html_text(p->b, run->dir);
  buffer_print(p->b, "</th><td>");
  if (*state) buffer_print(p->b, "<span class=\"state\">%s</span>", state);
  if (!*state) buffer_print(p->b, "finished");
  buffer_print(p->b, "</td>");
  figure_cell(p, run_last(run, COLUMN_SCORE), 1);
  figure_cell(p, run_last(run, COLUMN_RETURN), 1);
  figure_cell(p, run_last(run, COLUMN_SPREAD), 1);
  figure_cell(p, run_last(run, COLUMN_WALL) / 60.0, 1);
  for (int i = 0; i < shown->n; i++) {
    const mopo_setting *s = shown->at[i];
    mopo_config_get(&run->c, s->name, value, sizeof value);
    buffer_print(p->b, "<td%s>", s->type == 's' ? " class=\"wrap\"" : " class=\"n\"");
    html_text(p->b, mopo_config_uses(&run->c, s) ? value : "\xe2\x80\x93");
    buffer_print(p->b, "</td>");
  }
  buffer_print(p->b, "</tr>\n");
}

static void run_table(page *p)
{
  const columns shown = columns_of(p->r);
  buffer_print(p->b,
               "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Runs\"><table>"
               "<caption>The last evaluation of every run, finished or not, and every setting in "
               "which runs that read it differ</caption>\n<thead><tr><th scope=\"col\">run</th>"
               "<th scope=\"col\">state</th><th scope=\"col\" class=\"n\">score</th>"
               "<th scope=\"col\" class=\"n\">return</th><th scope=\"col\" class=\"n\">its std"
               "</th><th scope=\"col\" class=\"n\">minutes</th>");
  for (int i = 0; i < shown.n; i++) {
    const mopo_setting *s = shown.at[i];
    buffer_print(p->b, "<th scope=\"col\"%s>%s</th>", s->type == 's' ? "" : " class=\"n\"",
                 s->name);
  }
  buffer_print(p->b, "</tr></thead>\n<tbody>\n");
  for (int i = 0; i < p->r->runs; i++) run_row(p, &p->r->run[i], &shown);
  buffer_print(p->b, "</tbody></table></div>\n");
}

/* ------------------------------------------------------------------ making it again */

/* A word of a command line as a shell reads it back. */
static void shell_word(buffer *b, const char *s)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_./-+=:,@%";
  if (*s && strspn(s, plain) == strlen(s)) {
    html_text(b, s);
    return;
  }
  buffer_print(b, "&#39;");
  for (; *s; s++) { /* a quote cannot stand in quotes */
    size_t n = strcspn(s, "'");
    html_print(b, "%.*s", (int)n, s);
    s += n;
    if (!*s) break;
    buffer_print(b, "&#39;\\&#39;&#39;");
  }
  buffer_print(b, "&#39;");
}

/* Settings that decide others, whatever their value; and what the kind of data would decide. */
static bool always_said(const char *name)
{
  static const char *const names[] = {"data", "task",           "out",         "algo", "preset",
                                      "seed", "rollout-length", "penalty-coef"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return true;
  return false;
}

static void command(page *p, const report_run *run)
{
  static const char *const given[] = {"data", "task", "algo", "preset"};
  mopo_config usual = config_default();
  char value[1100], other[1100];
  bool known = true;
  for (size_t i = 0; known && i < sizeof given / sizeof *given; i++) {
    mopo_config_get(&run->c, given[i], value, sizeof value);
    known = mopo_config_set(&usual, given[i], value, NULL) == MOPO_OK;
  }
  const mopo_task *known_task = mopo_task_find(run->c.task);
  const mopo_task *task = known_task ? known_task : mopo_task_find("none");
  known = known && mopo_config_resolve(&usual, mopo_task_facts_of(task)->name, "",
                                       mopo_task_facts_of(task)->act_dim, NULL) == MOPO_OK;
  buffer_print(p->b, "<pre>mopo train");
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    if (!mopo_config_uses(&run->c, s) || s->decides == MOPO_DECIDES_MACHINE) continue;
    mopo_config_get(&run->c, s->name, value, sizeof value);
    mopo_config_get(&usual, s->name, other, sizeof other);
    if (known && !always_said(s->name) && !strcmp(value, other)) continue;
    if (!*value || (!strcmp(s->name, "preset") && !strcmp(value, "auto"))) continue;
    buffer_print(p->b, " <span>--%s ", s->name);
    shell_word(p->b, value);
    buffer_print(p->b, "</span>");
  }
  buffer_print(p->b, "</pre>\n");
}

void page_runs(page *p)
{
  buffer_print(p->b, "<h2 id=\"runs\">Runs</h2>\n");
  run_table(p);
  buffer_print(p->b, "<h3>Commands</h3>\n<p class=\"soft\">The same bits on any number of threads; "
                     "settings that are not named are those that the preset decides.</p>\n");
  for (int i = 0; i < p->r->runs; i++) command(p, &p->r->run[i]);
}

void page_notes(page *p)
{
  buffer_print(
      p->b,
      "<h2 id=\"notes\">How the figures are made</h2>\n<dl>"
      "<dt>Normalised score</dt><dd>100 (return \xe2\x88\x92 random) / (expert \xe2\x88\x92 "
      "random), D4RL\xe2\x80\x99s reference returns. Always of the last policy, never of the "
      "best.</dd>"
      "<dt>Verdict</dt><dd>A model of its own, fitted to the recorded data, plays the policy from "
      "where "
      "recorded episodes began. Better: the 5 %% quantile of its gain on the log is above 0, less "
      "than half of the imagined states are outside the log, and fitted Q evaluation does not "
      "place all of its interval below the log. It decides on the sign; a gain is no promise of "
      "its size.</dd>"
      "<dt>IQM</dt><dd>Interquartile mean over the runs of all datasets together: the "
      "lowest and highest quarter, rounded down, left out.</dd>"
      "<dt>Intervals</dt><dd>95 %%: percentiles of a bootstrap that redraws the seeds of each "
      "dataset, 50 000 times for the IQM, 2000 times for curves and probabilities. None "
      "where a dataset has only one seed.</dd>"
      "<dt>Probability of improvement</dt><dd>P(X &gt; Y) + P(X = Y) / 2 for one run of "
      "each, mean over the datasets that both have. 0.5: no difference.</dd>"
      "<dt>Definitions</dt><dd>Agarwal et al. 2021, Deep reinforcement learning at the edge "
      "of the statistical precipice.</dd>"
      "<dt>Unfinished runs</dt><dd>are drawn and listed, and left out of the results."
      "</dd></dl>\n");
}
