/* reproduce_print.c - a table from the cells that are there, beside the published numbers. */
#include "plot.h"
#include "reproduce.h"

#include "json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 18 };

typedef struct figures {
  int n;
  double mean, spread; /* spread: sample standard deviation, NAN below two seeds */
  double value[SEEDS_MAX];
  uint64_t seed[SEEDS_MAX];
} figures;

static const char *unit_of(const paper_row *row)
{
  return paper_row_relabels(row) ? "return_mean" : "score";
}

/* The last policy's figure of every seed whose run has ended. */
static figures figures_of(const reproduce *r, const paper_row *row, const method *m)
{
  figures f = {.mean = 0.0, .spread = NAN};
  for (int s = 0; s < r->n_seeds; s++) {
    char dir[REPRODUCE_PATH], path[REPRODUCE_PATH + 16];
    if (!reproduce_cell_path(dir, r, row, m, r->seed[s])) continue;
    snprintf(path, sizeof path, "%s/%s", dir, mopo_run_file(MOPO_RUN_RESULT));
    if (access(path, F_OK) != 0) continue;
    snprintf(path, sizeof path, "%s/%s", dir, mopo_run_file(MOPO_RUN_PROGRESS));
    double x = plot_last_figure(path, unit_of(row));
    if (isnan(x)) continue;
    f.seed[f.n] = r->seed[s];
    f.value[f.n++] = x;
    f.mean += x;
  }
  f.mean = f.n ? f.mean / f.n : (double)NAN;
  double square = 0.0;
  for (int i = 0; i < f.n; i++) square += (f.value[i] - f.mean) * (f.value[i] - f.mean);
  if (f.n > 1) f.spread = sqrt(square / (f.n - 1));
  return f;
}

/* ------------------------------------------------------------------ text */

/* missing: seeds that are not there yet. */
static void print_figure(double mean, double spread, int missing)
{
  char text[48] = "-", note[16] = "";
  if (!isnan(mean)) {
    int n = snprintf(text, sizeof text, "%.1f", mean);
    if (!isnan(spread)) snprintf(text + n, sizeof text - (size_t)n, " +- %.1f", spread);
    if (missing) snprintf(note, sizeof note, " (-%d)", missing);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s", note);
  }
  printf("%*s", WIDTH, text);
}

/* Mean and best return of the recorded episodes; nothing where the data are not there yet. */
static void print_batch(const reproduce *r, const paper_row *row)
{
  char path[REPRODUCE_PATH];
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  if (isnan(row->batch[0].mean)) return;
  if (reproduce_data_path(path, r, row, "") && access(path, F_OK) == 0 &&
      mopo_dataset_load(&d, path, mopo_task_find(row->task), NULL) == MOPO_OK &&
      mopo_dataset_describe(&info, d, NULL) == MOPO_OK)
    printf("  batch: mean %.1f, best %.1f", info.return_mean, info.return_max);
  else
    printf("  batch: -");
  printf("; published: mean %.1f, best %.1f\n", row->batch[0].mean, row->batch[1].mean);
  mopo_dataset_free(d);
}

static void print_row(const reproduce *r, const paper_row *row)
{
  const paper_table *t = r->table;
  char name[64];
  bool kind = !paper_row_relabels(row);
  snprintf(name, sizeof name, "%s%s%s", row->task, kind ? "-" : "", kind ? row->kind : "");
  printf("%-26s", name);
  for (int m = 0; m < t->n_methods; m++) {
    figures f = figures_of(r, row, &t->methods[m]);
    print_figure(f.mean, f.spread, r->n_seeds - f.n);
  }
  printf("\n");
  if (t->printed) {
    printf("%-26s", "  published");
    for (int m = 0; m < t->n_methods; m++)
      print_figure(row->value[m].mean, row->value[m].spread, 0);
    printf("\n");
  }
  print_batch(r, row);
}

void reproduce_print(const reproduce *r)
{
  const paper_table *t = r->table;
  printf("%s: %s; mean +- standard deviation over %d seed%s\n%-26s", t->name, t->title, r->n_seeds,
         r->n_seeds > 1 ? "s" : "", "");
  for (int m = 0; m < t->n_methods; m++) printf("%*s", WIDTH, t->methods[m].name);
  printf("\n");
  for (int i = 0; i < t->n_rows; i++) print_row(r, &t->rows[i]);
  if (t->printed)
    printf("\nscores, of the tasks beyond the data returns; published: Yu et al. 2020, D4RL v0, 6 "
           "seeds;\n(-N): N seeds are not there yet; -: none, or not published\n");
  else
    printf("\nscores; (-N): N seeds are not there yet; -: none\n");
}

/* ------------------------------------------------------------------ JSON */

static void print_cell_json(const reproduce *r, const paper_row *row, int m)
{
  figures f = figures_of(r, row, &r->table->methods[m]);
  bool printed = r->table->printed;
  printf("{\"task\":");
  json_text(row->task);
  printf(",\"kind\":");
  json_text(row->kind);
  printf(",\"method\":");
  json_text(r->table->methods[m].name);
  printf(",\"figure\":");
  json_text(unit_of(row));
  printf(",\"seeds\":[");
  for (int i = 0; i < f.n; i++) printf("%s%llu", i ? "," : "", (unsigned long long)f.seed[i]);
  printf("],\"values\":");
  json_numbers(f.value, f.n);
  printf(",\"mean\":");
  json_number(f.mean);
  printf(",\"std\":");
  json_number(f.spread);
  printf(",\"published_mean\":");
  json_number(printed ? row->value[m].mean : (double)NAN);
  printf(",\"published_std\":");
  json_number(printed ? row->value[m].spread : (double)NAN);
  printf("}");
}

void reproduce_print_json(const reproduce *r)
{
  printf("{\"table\":");
  json_text(r->table->name);
  printf(",\"cells\":[");
  for (int i = 0; i < r->table->n_rows; i++)
    for (int m = 0; m < r->table->n_methods; m++) {
      if (i || m) putchar(',');
      print_cell_json(r, &r->table->rows[i], m);
    }
  printf("]}\n");
}
