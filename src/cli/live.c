/* live.c - see live.h. A region is put together in memory and written in one piece, so that it does
 * not flicker; lines are cut to the terminal's width, so that none takes two. The cursor is never
 * hidden: nothing has to be put right when the program is killed. */
#include "live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 24, PLOT_ROWS = 4, PLOT_LEFT = 12, LINE_BYTES = 400, LINES = 16 };

typedef struct canvas {
  FILE *to;
  live *l;
  int columns, lines, most;
} canvas;

static struct winsize terminal_size(void)
{
  struct winsize w = {0};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_col || !w.ws_row)
    w = (struct winsize){.ws_row = 24, .ws_col = 80};
  return w;
}

void live_note(live *l, const mopo_progress *p)
{
  mopo_progress *n = &l->newest;
  bool fitting = !strcmp(p->stage, "fit");
  if (!isnan(p->return_mean)) n->return_mean = p->return_mean, n->score = p->score;
  if (!isnan(p->critic_loss)) n->critic_loss = p->critic_loss;
  if (!isnan(p->penalty_mean)) n->penalty_mean = p->penalty_mean;
  if (!isnan(p->q_mean)) n->q_mean = p->q_mean;
  if (!isnan(p->holdout_mse)) n->holdout_mse = p->holdout_mse;
  if (p->members) memcpy(l->mse, p->member_mse, (size_t)p->members * sizeof *l->mse);
  if (p->members) l->members = p->members;
  /* an event of epoch e carries what epoch e - 1 has measured */
  if (fitting && p->epoch > l->fit_epoch && !isnan(p->holdout_mse)) {
    l->fit_epoch = p->epoch;
    plot_push(&l->fit, p->epoch - 1, p->holdout_mse);
  }
  if (!fitting && p->epoch > l->epoch && !isnan(p->return_mean)) {
    l->epoch = p->epoch;
    plot_push(&l->returns, p->epoch - 1, p->return_mean);
  }
}

/* ------------------------------------------------------------------ lines */

/* One line of the region; text is ASCII but for what plot_draw makes, whose width is known. */
static void put(canvas *v, const char *text, int width)
{
  if (v->lines >= v->most) return;
  v->l->width[v->lines++] = width;
  fprintf(v->to, "%s\033[K\n", text);
}

/* Things are parted by two spaces; what does not fit is left out, no figure is cut into two. */
static void put_cut(canvas *v, char *text)
{
  int n = (int)strlen(text);
  if (n >= v->columns) {
    n = v->columns - 1;
    int whole = n;
    while (whole > 0 && strncmp(text + whole, "  ", 2) != 0) whole--;
    if (whole > 0) n = whole;
    text[n] = 0;
  }
  put(v, text, n);
}

/* What comes behind the bar, rate and remaining time, is worth more than its length. */
static int bar_length(int columns)
{
  int room = columns - 56;
  return room >= BAR ? BAR : room >= 4 ? room : 0;
}

static void put_head(canvas *v, const mopo_progress *p, const char *rest)
{
  char line[LINE_BYTES], bar[BAR + 4] = "", epoch[40] = "", part[24] = "";
  if (p->epoch > 0) snprintf(epoch, sizeof epoch, "epoch %d", p->epoch);
  if (p->epochs > 0) snprintf(epoch, sizeof epoch, "epoch %d/%d", p->epoch, p->epochs);
  if (p->total > 0) {
    double f = (double)p->done / (double)p->total;
    int all = bar_length(v->columns), filled = (int)(fmin(f, 1) * all);
    if (all)
      snprintf(bar, sizeof bar, "[%.*s%*s]", filled, "========================", all - filled, "");
    snprintf(part, sizeof part, "%3.0f %%", 100 * fmin(f, 1));
  } else if (p->done > 0) {
    snprintf(part, sizeof part, "%lld", (long long)p->done);
  }
  snprintf(line, sizeof line, "%-9s %s  %s %s%s", p->stage, epoch, bar, part, rest);
  put_cut(v, line);
}

static void put_model(canvas *v)
{
  char line[LINE_BYTES];
  const live *l = v->l;
  size_t n = (size_t)snprintf(line, sizeof line, "%-9s holdout mse", "model");
  for (int e = 0; e < l->members && n < sizeof line; e++)
    n += (size_t)snprintf(line + n, sizeof line - n, "  %.3g", l->mse[e]);
  if (l->members) put_cut(v, line);
}

static void put_figures(canvas *v)
{
  const mopo_progress *n = &v->l->newest;
  const struct {
    const char *name;
    double value;
  } figures[] = {{"critic loss", n->critic_loss}, {"Q", n->q_mean}, {"penalty", n->penalty_mean}};
  char line[LINE_BYTES];
  size_t used = (size_t)snprintf(line, sizeof line, "%-9s", "learning");
  bool any = false;
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    if (isnan(figures[i].value)) continue;
    used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %.4g", any ? "   " : " ",
                             figures[i].name, figures[i].value);
    any = true;
  }
  if (any) put_cut(v, line);
  if (isnan(n->return_mean)) return;
  used = (size_t)snprintf(line, sizeof line, "%-9s return %.1f", "policy", n->return_mean);
  if (!isnan(n->score)) snprintf(line + used, sizeof line - used, "   score %.1f", n->score);
  put_cut(v, line);
}

static void put_plot(canvas *v, const plot_curve *c)
{
  char *text = NULL;
  size_t size = 0;
  int cols = v->columns - PLOT_LEFT - 1;
  if (cols < 20 || v->most - v->lines < PLOT_ROWS + 1) return;
  FILE *to = open_memstream(&text, &size);
  if (!to) return;
  plot_draw(to, c, cols, PLOT_ROWS, (double)NAN, (double)NAN);
  fclose(to);
  char *rest = text;
  for (char *line = strsep(&rest, "\n"); line && rest; line = strsep(&rest, "\n"))
    put(v, line, v->columns - 1);
  free(text);
}

/* ------------------------------------------------------------------ the region */

/* To the region's first line. A terminal that has become narrower has broken lines into several. */
static void go_up(FILE *to, const live *l, int columns)
{
  int up = 0;
  for (int i = 0; i < l->lines; i++)
    up += columns < l->columns && l->width[i] > columns ? (l->width[i] + columns - 1) / columns : 1;
  fputc('\r', to);
  if (up) fprintf(to, "\033[%dA", up);
}

void live_draw(live *l, const mopo_progress *p, const char *rest)
{
  char *text = NULL;
  size_t size = 0;
  FILE *to = open_memstream(&text, &size);
  if (!to) return;
  struct winsize w = terminal_size();
  canvas v = {.to = to, .l = l, .columns = w.ws_col};
  cli_live_columns(w.ws_col);
  v.most = w.ws_row - 1 < LINES ? w.ws_row - 1 : LINES;
  go_up(to, l, w.ws_col);
  put_head(&v, p, rest);
  put_model(&v);
  put_figures(&v);
  put_plot(&v, l->returns.n >= 2 || strcmp(p->stage, "fit") != 0 ? &l->returns : &l->fit);
  fprintf(to, "\033[J%.*s", v.columns - 1, cli_stopping());
  l->lines = v.lines, l->columns = v.columns;
  fclose(to);
  fwrite(text, 1, size, stderr);
  fflush(stderr);
  free(text);
}

void live_clear(live *l)
{
  if (!l->lines) return;
  go_up(stderr, l, terminal_size().ws_col);
  fputs("\033[J", stderr);
  fflush(stderr);
  l->lines = 0;
}

void live_free(live *l)
{
  live_clear(l);
  plot_free(&l->returns);
  plot_free(&l->fit);
}
