/* progress.c - see progress.h. */
#include "progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 320 };
static const double line_seconds = 10, live_seconds = 0.2;

typedef struct text {
  char at[LINE_BYTES];
  size_t n;
} text;

static void add(text *t, const char *fmt, ...) CLI_PRINTF(2, 3);
static void add(text *t, const char *fmt, ...)
{
  va_list ap;
  va_start(ap, fmt);
  int k = vsnprintf(t->at + t->n, sizeof t->at - t->n, fmt, ap);
  va_end(ap);
  if (k > 0) t->n += (size_t)k;
  if (t->n >= sizeof t->at) t->n = sizeof t->at - 1;
}

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

progress progress_create(bool quiet)
{
  const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
  const double none = (double)NAN;
  progress p = {.quiet = quiet};
  p.terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0 &&
               !(no_colour && *no_colour);
  p.live.newest = (mopo_progress){.return_mean = none,
                                  .score = none,
                                  .critic_loss = none,
                                  .penalty_mean = none,
                                  .q_mean = none,
                                  .holdout_mse = none};
  return p;
}

static void add_duration(text *t, double seconds)
{
  long s = (long)(seconds + 0.5);
  if (s >= 3600) {
    add(t, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  } else {
    add(t, "%ld:%02ld", s / 60, s % 60);
  }
}

static void add_rate(text *t, const mopo_progress *p, double per_second)
{
  if (per_second <= 0) return;
  add(t, per_second >= 10 ? "  %.0f/s" : "  %.2f/s", per_second);
  if (p->total <= 0) return;
  add(t, "  ");
  add_duration(t, (double)(p->total - p->done) / per_second);
  add(t, " left");
}

static void add_figures(text *t, const mopo_progress *p)
{
  if (!isnan(p->return_mean)) add(t, "  return %.1f", p->return_mean);
  if (!isnan(p->score)) add(t, "  score %.1f", p->score);
  if (!isnan(p->critic_loss)) add(t, "  critic loss %.4g", p->critic_loss);
  if (!isnan(p->penalty_mean)) add(t, "  penalty %.4g", p->penalty_mean);
  if (!isnan(p->holdout_mse)) add(t, "  holdout mse %.4g", p->holdout_mse);
}

static void add_head(text *t, const mopo_progress *p)
{
  if (p->epochs > 0) {
    add(t, "epoch %d/%d  ", p->epoch, p->epochs);
  } else if (p->epoch > 0) {
    add(t, "epoch %d  ", p->epoch);
  }
  add(t, "%s", p->stage);
}

static void print_plain(const mopo_progress *p, double per_second)
{
  text t = {.n = 0};
  add_head(&t, p);
  if (p->done > 0) add(&t, "  %lld", (long long)p->done);
  if (p->done > 0 && p->total > 0) add(&t, "/%lld", (long long)p->total);
  add_rate(&t, p, per_second);
  add_figures(&t, p);
  fprintf(stderr, "%s\n", t.at);
}

static void on_progress(void *ctx, const mopo_progress *p)
{
  progress *bar = ctx;
  if (bar->quiet) return;
  if (bar->terminal) live_note(&bar->live, p);
  double t = now(), every = bar->terminal ? live_seconds : line_seconds;
  double per_second = p->done > 0 ? rate_now(&bar->rate, p->done, p->total, t) : 0;
  if (bar->next == 0) bar->next = t + every; /* short jobs print none */
  if (t < bar->next) return;
  bar->next = t + every;
  if (bar->terminal) {
    text rest = {.n = 0};
    add_rate(&rest, p, per_second);
    live_draw(&bar->live, p, rest.at);
  } else {
    print_plain(p, per_second);
  }
}

static void on_line(void *ctx, const char *line)
{
  static const char warning[] = "warning:";
  progress *bar = ctx;
  /* --quiet is for progress: what may spoil a run is told in any case */
  if (bar->quiet && strncmp(line, warning, sizeof warning - 1) != 0) return;
  live_clear(&bar->live);
  fprintf(stderr, "%s\n", line);
}

mopo_watch progress_watch(progress *p)
{
  return (mopo_watch){on_progress, on_line, p, cli_stop_flag(p->terminal && !p->quiet)};
}

void progress_end(progress *p) { live_free(&p->live); }
