/* metrics.c - see metrics.h. */
#include "run/metrics.h"

#include "base/number.h"
#include "io/csv.h"
#include "io/file.h"
#include "io/part.h"
#include "io/tfevents.h"
#include "run/rundir.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The columns of progress.csv, and the curves of TensorBoard, whose groups are what stands before
 * the slash. Updates are its steps. */
static const struct {
  const char *name, *tag; /* NULL: no curve */
} columns[] = {
    {"epoch", "time/epoch"},
    {"updates", NULL},
    {"wall_seconds", "time/wall_seconds"},
    {"return_mean", "eval/return"},
    {"return_std", "eval/return_std"},
    {"score", "eval/score"},
    {"length_mean", "eval/length"},
    {"critic_loss", "loss/critic"},
    {"actor_loss", "loss/actor"},
    {"alpha", "policy/alpha"},
    {"entropy", "policy/entropy"},
    {"q_mean", "critic/q"},
    {"q_data_mean", "critic/q_data"},
    {"penalty_mean", "model/penalty"},
    {"model_reward_mean", "model/reward"},
    {"rollout_rows", "model/rollout_rows"},
    {"rollout_terminal_rate", "model/rollout_terminal_rate"},
    {"rollout_cut_rate", "model/rollout_cut_rate"},
    {"rollout_length_mean", "model/rollout_length"},
    {"discounted_return", "eval/discounted_return"},
    {"model_return", "model/return"},
    {"model_return_penalised", "model/return_penalised"},
    {"model_uncertainty", "model/uncertainty"},
    {"actor_lr", "policy/lr"},
    {"updates_per_second", "time/updates_per_second"},
    {"rollout_seconds", "time/rollout_seconds"},
    {"update_seconds", "time/update_seconds"},
    {"evaluation_seconds", "time/evaluation_seconds"},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], LINE_MAX_BYTES = 1024 };
static const size_t file_max = (size_t)1 << 30;

_Static_assert(sizeof(metrics_row) == COLUMNS * sizeof(double), "a name for each column");

static void header(char *line, size_t size)
{
  size_t used = 0;
  for (int i = 0; i < COLUMNS; i++)
    used += (size_t)snprintf(line + used, size - used, "%s%c", columns[i].name,
                             i + 1 < COLUMNS ? ',' : '\n');
}

/* The rows of a progress.csv; free rows. */
typedef struct table {
  metrics_row *rows;
  int count, cap;
} table;

struct metrics {
  FILE *csv; /* NULL: no file is written, and rows are kept in memory */
  tfevents *events;
  bool resumed;
  char path[RUN_PATH]; /* of progress.csv, for messages */
  table kept;
};

static mopo_status add_row(table *t, const double *x, const char *path, mopo_error *err)
{
  if (t->count == t->cap) {
    int cap = t->cap ? 2 * t->cap : 64;
    metrics_row *grown = realloc(t->rows, (size_t)cap * sizeof *grown);
    if (!grown) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
    t->rows = grown;
    t->cap = cap;
  }
  memcpy(&t->rows[t->count++], x, sizeof(metrics_row));
  return MOPO_OK;
}

/* Reads rows up to epoch `last`; *kept: bytes of the text before the first later one. */
static mopo_status read_rows(table *t, size_t *kept, const char *text, int64_t last,
                             const char *path, mopo_error *err)
{
  char want[LINE_MAX_BYTES];
  header(want, sizeof want);
  if (strncmp(text, want, strlen(want)) != 0)
    return error_set(err, MOPO_EFORMAT, "%s:1: its columns are not this version's", path);
  const char *at = text + strlen(want);
  for (int line = 2; *at; line++) {
    double x[COLUMNS];
    const char *next = NULL;
    if (!strchr(at, '\n')) break; /* torn by an interruption */
    if (number_parse(at, NULL) > (double)last) break;
    if (!csv_parse(x, COLUMNS, at, &next))
      return error_set(err, MOPO_EFORMAT, "%s:%d: want %d numbers", path, line, COLUMNS);
    double before = t->count ? t->rows[t->count - 1].epoch : 0.0;
    if (!(x[0] > before && x[0] == floor(x[0])))
      return error_set(err, MOPO_EFORMAT, "%s:%d: epoch %g after epoch %g", path, line, x[0],
                       before);
    mopo_status st = add_row(t, x, path, err);
    if (st != MOPO_OK) return st;
    at = next;
  }
  *kept = (size_t)(at - text);
  return MOPO_OK;
}

/* The step of a row in TensorBoard. */
static int64_t step_of(const metrics_row *row)
{
  return row->updates >= 0 && row->updates < 0x1p62 ? (int64_t)row->updates : 0;
}

/* Leaves in progress.csv what is to stay; *updates: of its last row. */
static mopo_status start_csv(metrics *m, int64_t *updates, int64_t resume_at, mopo_error *err)
{
  *updates = 0;
  char first[LINE_MAX_BYTES];
  header(first, sizeof first);
  if (resume_at > 0 && !file_exists(m->path))
    return error_set(err, MOPO_EFORMAT,
                     "%s: not there, and the checkpoint has %lld epochs: rows are lost", m->path,
                     (long long)resume_at);
  if (resume_at <= 0) return file_write(m->path, first, strlen(first), err);

  char *text = NULL;
  size_t n = 0, kept = 0;
  table t = {0};
  mopo_status st = file_read(&text, &n, m->path, file_max, err);
  if (st == MOPO_OK) st = read_rows(&t, &kept, text, resume_at, m->path, err);
  if (st == MOPO_OK && t.count != resume_at)
    st = error_set(err, MOPO_EFORMAT,
                   "%s: %d of the %lld epochs that the checkpoint has: rows are lost", m->path,
                   t.count, (long long)resume_at);
  if (st == MOPO_OK && kept < n) st = file_write(m->path, text, kept, err);
  if (st == MOPO_OK) *updates = step_of(&t.rows[t.count - 1]);
  free(t.rows);
  free(text);
  return st;
}

mopo_status metrics_open(metrics **out, const char *dir, int64_t resume_at, mopo_error *err)
{
  char events[RUN_PATH];
  int64_t updates = 0;
  *out = NULL;
  metrics *m = calloc(1, sizeof *m);
  if (!m) return error_set(err, MOPO_ENOMEM, "%s: no memory", dir ? dir : "metrics");
  if (!dir) {
    *out = m;
    return MOPO_OK;
  }
  m->resumed = resume_at > 0;
  mopo_status st = rundir_path(m->path, sizeof m->path, dir, MOPO_RUN_PROGRESS, err);
  if (st == MOPO_OK) st = rundir_path(events, sizeof events, dir, MOPO_RUN_EVENTS, err);
  if (st == MOPO_OK) st = start_csv(m, &updates, resume_at, err);
  if (st == MOPO_OK) {
    m->csv = file_stream(m->path, "a");
    if (!m->csv) st = error_set(err, MOPO_EIO, "%s: %s", m->path, strerror(errno));
  }
  if (st == MOPO_OK) st = tfevents_open(&m->events, events, resume_at > 0 ? updates : -1, err);
  if (st != MOPO_OK) {
    metrics_close(m);
    return st;
  }
  *out = m;
  return MOPO_OK;
}

static double seconds_now(void)
{
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

mopo_status metrics_histogram(metrics *m, const char *tag, int64_t updates, const double *x,
                              int64_t n, mopo_error *err)
{
  if (!m->events) return MOPO_OK;
  histogram h = histogram_of(x, n);
  return h.n > 0 ? tfevents_histogram(m->events, tag, updates, &h, seconds_now(), err) : MOPO_OK;
}

/* Files, directories and threads are no hyperparameters; nor is what the algorithm does not read.
 */
static bool is_hyperparameter(const mopo_config *c, const mopo_setting *s)
{
  return mopo_setting_read_by(s, "train") && mopo_config_uses(c, s) &&
         mopo_setting_decides(s) != MOPO_DECIDES_PLACE &&
         mopo_setting_decides(s) != MOPO_DECIDES_MACHINE;
}

mopo_status metrics_settings(metrics *m, const mopo_config *c, mopo_error *err)
{
  buffer all = {0};
  const mopo_setting *s;
  if (!m->events || m->resumed) return MOPO_OK;
  for (int i = 0; (s = mopo_setting_at(i)); i++) {
    char text[1100], *end = NULL;
    if (!is_hyperparameter(c, s)) continue;
    mopo_config_get(c, mopo_setting_name(s), text, sizeof text);
    double x = number_parse(text, &end);
    tfevents_setting_add(&all, mopo_setting_name(s), text, end > text && !*end ? x : NAN);
  }
  return tfevents_settings(m->events, &all, seconds_now(), err);
}

/* x: as it stands in the table. */
static mopo_status add_events(metrics *m, const double *x, mopo_error *err)
{
  double wall_time = seconds_now();
  metrics_row row;
  memcpy(&row, x, sizeof row);
  mopo_status st = MOPO_OK;
  for (int i = 0; i < COLUMNS && st == MOPO_OK; i++)
    if (columns[i].tag && !isnan(x[i]))
      st = tfevents_scalar(m->events, columns[i].tag, step_of(&row), x[i], wall_time, err);
  return st == MOPO_OK ? tfevents_flush(m->events, err) : st;
}

mopo_status metrics_add(metrics *m, const metrics_row *row, mopo_error *err)
{
  char line[LINE_MAX_BYTES];
  double x[COLUMNS];
  mopo_status st = csv_print(line, sizeof line, (const double *)row, COLUMNS, err);
  if (st != MOPO_OK) return st;
  /* The events hold what stands in the table. */
  bool same = csv_parse(x, COLUMNS, line, NULL);
  assert(same && "what csv_print writes, csv_parse reads");
  (void)same;
  if (!m->csv) return add_row(&m->kept, x, "metrics", err);
  if (fputs(line, m->csv) < 0 || fflush(m->csv) != 0 || fsync(fileno(m->csv)) != 0)
    return error_set(err, MOPO_EIO, "%s: %s", m->path, strerror(errno));
  return add_events(m, x, err);
}

mopo_status metrics_rows(metrics_row **out, int *count, const metrics *m, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0, kept = 0;
  table t = {0};
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < m->kept.count; i++)
    st = add_row(&t, (const double *)&m->kept.rows[i], "metrics", err);
  if (m->csv) st = file_read(&text, &n, m->path, file_max, err);
  if (m->csv && st == MOPO_OK) st = read_rows(&t, &kept, text, INT64_MAX, m->path, err);
  free(text);
  if (st != MOPO_OK) {
    free(t.rows);
    return st;
  }
  *out = t.rows, *count = t.count;
  return MOPO_OK;
}

void metrics_close(metrics *m)
{
  if (!m) return;
  if (m->csv) fclose(m->csv);
  tfevents_close(m->events);
  free(m->kept.rows);
  free(m);
}
