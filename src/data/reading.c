/* reading.c - what is wrong with the rows of a recording, and what is done about it: see dialect.h.
 */
#include "base/number.h"
#include "data/dialect.h"
#include "data/notes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A step in time is the usual one if it is off by less than this share of it. */
static const double JITTER = 0.5;

static mopo_status no_memory(const loader *l, mopo_error *err)
{
  return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
}

mopo_status reading_begin(loader *l, mopo_error *err)
{
  size_t N = (size_t)l->d->N;
  l->bad = calloc(N, 1);
  l->column = calloc((size_t)l->d->at.width + 2, sizeof *l->column);
  l->clipped = calloc((size_t)l->A, sizeof *l->clipped);
  l->part = malloc(IO_BLOCK);
  if (l->has[TIME]) l->time = malloc(N * sizeof *l->time);
  bool ok = l->bad && l->column && l->clipped && l->part && (l->time || !l->has[TIME]);
  return ok ? MOPO_OK : no_memory(l, err);
}

void reading_free(loader *l)
{
  free(l->bad);
  free(l->column);
  free(l->clipped);
  free(l->part);
  free(l->time);
  free(l->run);
  free(l->there);
}

/* ------------------------------------------------------------------ as the rows come */

static void count_bad(loader *l, int64_t row, int column, float value)
{
  bad_column *b = &l->column[column];
  if (b->count++ == 0) b->first = row, b->value = value;
  l->n_bad += !l->bad[row];
  l->bad[row] = 1;
}

const float *reading_check(loader *l, int64_t row, int to, const float *x, int64_t n, int C)
{
  bool fine = true;
  for (int64_t i = 0; i < n * C; i++) fine = fine && isfinite(x[i]);
  if (fine) return x;
  memmove(l->part, x, (size_t)n * (size_t)C * sizeof *x);
  for (int64_t i = 0; i < n; i++)
    for (int c = 0; c < C; c++) {
      float *y = &l->part[i * C + c];
      if (isfinite(*y)) continue;
      count_bad(l, row + i, to + c, *y);
      *y = 0.0f;
    }
  return l->part;
}

static bool add_run(loader *l, double key, int64_t row)
{
  if (l->n_runs == l->runs_cap) {
    int64_t cap = l->runs_cap ? 2 * l->runs_cap : 64;
    struct run *grown = realloc(l->run, (size_t)cap * sizeof *grown);
    if (!grown) return false;
    l->run = grown;
    l->runs_cap = cap;
  }
  l->run[l->n_runs++] = (struct run){key, row};
  return true;
}

mopo_status reading_keys(loader *l, int64_t first, int n, const double *x, mopo_error *err)
{
  for (int i = 0; i < n; i++) {
    if (isnan(x[i])) {
      count_bad(l, first + i, l->d->at.width, NAN);
      continue;
    }
    if (l->n_runs && l->run[l->n_runs - 1].key == x[i]) continue;
    load_cut_before(l->d, first + i);
    if (!add_run(l, x[i], first + i)) return no_memory(l, err);
  }
  return MOPO_OK;
}

mopo_status reading_numbers(loader *l, int64_t first, int n, const double *x, mopo_error *err)
{
  for (int i = 0; i < n; i++)
    if (!add_run(l, x[i], first + i)) return no_memory(l, err);
  return MOPO_OK;
}

void reading_times(loader *l, int64_t first, int n, const double *x)
{
  for (int i = 0; i < n; i++) {
    l->time[first + i] = x[i];
    if (!isfinite(x[i])) count_bad(l, first + i, l->d->at.width + 1, (float)x[i]);
  }
}

mopo_status reading_there(loader *l, int n, const char *names, mopo_error *err)
{
  char(*grown)[IO_TEXT] = realloc(l->there, (size_t)(l->n_there + n) * sizeof *grown);
  if (!grown) return no_memory(l, err);
  l->there = grown;
  memcpy(grown + l->n_there, names, (size_t)n * sizeof *grown);
  l->n_there += n;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ runs */

static int by_key(const void *a, const void *b)
{
  const struct run *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

/* Numbers that are missing between the least and the greatest; 0 also where keys are no numbering:
 * where `most` or more are. */
static int64_t count_gaps(const struct run *run, int64_t n, double most, double *first)
{
  double missing = 0;
  for (int64_t i = 1; i < n; i++) {
    double step = run[i].key - run[i - 1].key;
    if (step != floor(step) || run[0].key < 0) return 0;
    if (step > 1 && missing == 0) *first = run[i - 1].key + 1;
    missing += step > 1 ? step - 1 : 0;
  }
  return missing < most ? (int64_t)missing : 0;
}

/* Sorts l->run. */
static mopo_status tell_runs(loader *l, mopo_error *err)
{
  int64_t again = 0, first = INT64_MAX, kept = 0;
  const char *what = l->has[NUMBERS] ? "episodes" : "runs";
  if (l->n_runs == 0) return MOPO_OK;
  qsort(l->run, (size_t)l->n_runs, sizeof *l->run, by_key);
  for (int64_t i = 0; i < l->n_runs; i++) {
    if (i == 0 || l->run[i].key != l->run[i - 1].key) continue;
    again++;
    first = l->run[i].row < first ? l->run[i].row : first;
  }
  for (int64_t i = 0; i < l->n_runs; i++)
    if (kept == 0 || l->run[i].key != l->run[kept - 1].key) l->run[kept++] = l->run[i];
  l->came_back = again;
  char place[32];
  mopo_status st = MOPO_OK;
  if (again)
    st = dataset_note(l->d, err,
                      "%lld runs come in %lld pieces, the first comes back in %s: the rows are "
                      "interleaved or unsorted, want them run by run",
                      (long long)kept, (long long)(kept + again), load_place(l, first, place));
  double missed = 0;
  /* Runs may be dates; episodes are counted. */
  int64_t gaps = count_gaps(l->run, kept, l->has[NUMBERS] ? 1e18 : (double)kept, &missed);
  if (!st && gaps)
    st = dataset_note(l->d, err, "the numbers of the %s have gaps: %lld %s not there, first %.0f",
                      what, (long long)gaps, gaps == 1 ? "is" : "are", missed);
  return st;
}

/* ------------------------------------------------------------------ time */

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Is row i the next of the same episode after row i - 1, with a time each? */
static bool follows(const loader *l, int64_t i)
{
  const mopo_dataset *d = l->d;
  bool ended = d->timeouts[i - 1] || dataset_row(d, i - 1)[d->at.done] != 0.0f;
  return !ended && isfinite(l->time[i]) && isfinite(l->time[i - 1]);
}

/* The usual step: the median of those that go forward; 0: there is none. */
static mopo_status find_period(loader *l, mopo_error *err)
{
  int64_t n = 0;
  double *step = malloc((size_t)l->d->N * sizeof *step);
  if (!step) return no_memory(l, err);
  for (int64_t i = 1; i < l->d->N; i++)
    if (follows(l, i) && l->time[i] > l->time[i - 1]) step[n++] = l->time[i] - l->time[i - 1];
  if (n) qsort(step, (size_t)n, sizeof *step, by_value);
  l->d->period = n ? step[n / 2] : 0.0;
  free(step);
  return MOPO_OK;
}

static const char *time_name(const loader *l)
{
  const io_array *a = load_array(l, TIME);
  return a->names ? a->names[0] : a->name;
}

static mopo_status cut_by_time(loader *l, mopo_error *err)
{
  int64_t cuts = 0, back = 0, first = 0, first_back = 0;
  if (!l->time) return MOPO_OK;
  mopo_status st = find_period(l, err);
  const double period = l->d->period;
  for (int64_t i = l->d->N - 1; !st && i > 0; i--) {
    if (!follows(l, i)) continue;
    double step = l->time[i] - l->time[i - 1];
    if (step <= 0) back++, first_back = i;
    if (fabs(step - period) <= JITTER * period) continue;
    load_cut_before(l->d, i);
    cuts++, first = i;
  }
  char place[32];
  if (!st && cuts)
    st = dataset_note(l->d, err,
                      "'%.60s' makes another step than the usual %.6g in %lld place%s, first in "
                      "%s: an episode is cut there",
                      time_name(l), period, (long long)cuts, cuts == 1 ? "" : "s",
                      load_place(l, first, place));
  if (!st && back)
    st = dataset_note(l->d, err,
                      "'%.60s' stands or goes back in %lld place%s, first in %s: the rows are "
                      "unsorted",
                      time_name(l), (long long)back, back == 1 ? "" : "s",
                      load_place(l, first_back, place));
  return st;
}

/* ------------------------------------------------------------------ bad rows */

/* The role of a column of a row, and which of the role's it is. */
static role role_of(const loader *l, int *c)
{
  const row_layout *at = &l->d->at;
  if (*c == at->width || *c == at->width + 1) {
    role r = *c == at->width ? EPISODE : TIME;
    *c = 0;
    return r;
  }
  role r = *c < at->act    ? OBS
           : *c < at->rew  ? ACT
           : *c < at->next ? REW
           : *c < at->done ? NEXT
                           : TERMINAL;
  *c -= r == OBS ? 0 : r == ACT ? at->act : r == REW ? at->rew : r == NEXT ? at->next : at->done;
  return r;
}

/* The array that has column c of a role, and which of its columns that is. */
static const io_array *array_with(const loader *l, role r, int *c)
{
  for (int i = 0; i < l->n; i++) {
    const struct asked *q = &l->asked[i];
    int count = q->count ? q->count : l->arrays[i].cols;
    if (q->role != r || !l->arrays[i].present || *c >= q->to + count) continue;
    *c += q->from - q->to;
    return &l->arrays[i];
  }
  return load_array(l, r); /* next observations of a chained file are its observations */
}

static void column_text(const loader *l, int c, char *text, size_t size)
{
  role r = role_of(l, &c);
  const io_array *a = array_with(l, r == NEXT && !l->has[NEXT] ? OBS : r, &c);
  if (a->names)
    snprintf(text, size, "%.60s", a->names[c]);
  else
    snprintf(text, size, a->cols > 1 ? "%.60s[%d]" : "%.60s", a->name, c);
}

/* "temp 20, valve 3": how many bad cells each column has. */
static int64_t list_bad(const loader *l, char *list, size_t size)
{
  int64_t all = 0;
  int shown = 0;
  size_t used = 0;
  for (int c = 0; c < l->d->at.width + 2; c++) {
    if (!l->column[c].count) continue;
    all += l->column[c].count;
    char text[80];
    column_text(l, c, text, sizeof text);
    if (++shown > 6 || used + 100 > size) continue;
    used += (size_t)snprintf(list + used, size - used, "%s%s %lld", shown > 1 ? ", " : "", text,
                             (long long)l->column[c].count);
  }
  if (shown > 6 && used + 32 < size)
    snprintf(list + used, size - used, ", %d columns more", shown - 6);
  return all;
}

/* The first bad cell as it stands in the file. */
static void first_bad(const loader *l, char *text, size_t size)
{
  int at = -1;
  for (int c = 0; c < l->d->at.width + 2; c++)
    if (l->column[c].count && (at < 0 || l->column[c].first < l->column[at].first)) at = c;
  const bad_column *b = &l->column[at];
  char name[80], shown[64];
  column_text(l, at, name, sizeof name);
  int c = at;
  role r = role_of(l, &c);
  const io_array *a = array_with(l, r == NEXT && !l->has[NEXT] ? OBS : r, &c);
  bool told = a->bad && a->bad->row == b->first && a->bad->col == c;
  if (told)
    snprintf(shown, sizeof shown, "'%s'", a->bad->text);
  else
    number_print(shown, sizeof shown, "%.9g", (double)b->value);
  if (l->lines)
    snprintf(text, size, "%s:%lld: column '%s' = %s", l->path, (long long)l->lines[b->first], name,
             shown);
  else
    snprintf(text, size, "%s: '%s' row %lld column %d = %s", l->path, a->name, (long long)b->first,
             c, shown);
}

static mopo_status refuse_bad(const loader *l, mopo_error *err)
{
  char first[400], list[300] = "";
  first_bad(l, first, sizeof first);
  int64_t all = list_bad(l, list, sizeof list);
  mopo_status st = l->lines ? MOPO_EFORMAT : MOPO_EDATA;
  if (all == 1)
    return error_set(err, st, "%s, want a finite number (bad-rows cut leaves the row out)", first);
  return error_set(
      err, st,
      "%s, want a finite number; %lld such cells in %lld rows: %s (bad-rows cut leaves "
      "them out)",
      first, (long long)all, (long long)l->n_bad, list);
}

/* Without the bad rows; the row before each ends its episode. */
static mopo_status take_out(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  const size_t W = (size_t)d->at.width;
  char list[300] = "";
  int64_t kept = 0;
  int64_t all = list_bad(l, list, sizeof list);
  for (int64_t i = 0; i < d->N; i++) {
    if (l->bad[i]) {
      load_cut_before(d, kept);
      continue;
    }
    memmove(d->rows + (size_t)kept * W, d->rows + (size_t)i * W, W * sizeof *d->rows);
    if (d->lines) d->lines[kept] = d->lines[i];
    d->timeouts[kept++] = d->timeouts[i];
  }
  d->N = kept;
  return dataset_note(d, err, "%lld rows left out for %lld cells without a finite number: %s",
                      (long long)l->n_bad, (long long)all, list);
}

/* ------------------------------------------------------------------ all */

/* Is the name one of the list? */
static bool is_ignored(const char *list, const char *name)
{
  size_t n = strlen(name);
  for (const char *p = list; p; p = strchr(p, ' ')) {
    p += *p == ' ';
    if (!strncmp(p, name, n) && (p[n] == ' ' || !p[n])) return true;
  }
  return false;
}

static bool is_read(const loader *l, const char *name)
{
  if (is_ignored(l->of->ignored, name)) return true;
  for (int i = 0; i < l->n; i++) {
    const io_array *a = &l->arrays[i];
    if (!a->present || l->asked[i].role == ROLES || l->asked[i].role == THERE) continue;
    if (!a->names && !strcmp(a->name, name)) return true;
    for (int c = 0; a->names && c < a->cols; c++)
      if (!strcmp(a->names[c], name)) return true;
  }
  return false;
}

static mopo_status tell_unread(loader *l, mopo_error *err)
{
  char list[160] = "";
  size_t used = 0;
  int n = 0;
  for (int i = 0; i < l->n_there; i++) {
    if (is_read(l, l->there[i])) continue;
    if (++n > 8 || used + 48 > sizeof list) continue;
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%.40s", n > 1 ? ", " : "",
                             l->there[i]);
  }
  if (!n) return MOPO_OK;
  return dataset_note(l->d, err, "nothing reads %d %s%s of the file: %s%s", n,
                      l->container == IN_CSV ? "column" : "array", n == 1 ? "" : "s", list,
                      n > 8 ? ", ..." : "");
}

static mopo_status tell_clipped(loader *l, mopo_error *err)
{
  char list[160] = "", name[DATASET_NAME];
  size_t used = 0;
  int64_t all = 0;
  for (int a = 0; a < l->A; a++) {
    if (!l->clipped[a]) continue;
    if (used + 96 < sizeof list)
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s %lld", all ? ", " : "",
                               dataset_column_name(l->d, l->d->at.act + a, name),
                               (long long)l->clipped[a]);
    all += l->clipped[a];
  }
  if (!all) return MOPO_OK;
  return dataset_note(l->d, err, "%lld action%s just beyond the range %s clipped: %s",
                      (long long)all, all == 1 ? "" : "s", all == 1 ? "was" : "were", list);
}

/* Columns of the step from the observation at x to that at y that are more than 3 of the usual
 * steps. */
static int far_columns(const float *x, const float *y, const double *usual, int S)
{
  int far = 0;
  for (int c = 0; c < S; c++) far += fabs((double)y[c] - (double)x[c]) > 3.0 * usual[c];
  return far;
}

/* The root mean square of each column's steps within episodes. */
static void usual_steps(double *usual, const mopo_dataset *d)
{
  int64_t n = 0;
  for (int64_t i = 0; i + 1 < d->N; i++) {
    const float *x = dataset_row(d, i), *y = dataset_row(d, i + 1);
    if (d->timeouts[i] || x[d->at.done] != 0.0f) continue;
    n++;
    for (int c = 0; c < d->at.S; c++)
      usual[c] += ((double)y[c] - (double)x[c]) * ((double)y[c] - (double)x[c]);
  }
  for (int c = 0; c < d->at.S; c++) usual[c] = n ? sqrt(usual[c] / (double)n) : 0.0;
}

/* Timeouts after which the next row goes on as if the episode had not ended. */
static mopo_status tell_limits(const loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  const int S = d->at.S;
  int64_t limits = 0, on = 0, first = 0;
  double *usual = calloc((size_t)S, sizeof *usual);
  if (!usual) return no_memory(l, err);
  usual_steps(usual, d);
  for (int64_t i = 0; i + 1 < d->N; i++) {
    const float *x = dataset_row(d, i), *y = dataset_row(d, i + 1);
    if (!d->timeouts[i]) continue;
    limits++;
    bool same = l->has[NEXT] ? !memcmp(x + d->at.next, y, (size_t)S * sizeof *x)
                             : far_columns(x, y, usual, S) == 0;
    if (same && on++ == 0) first = i;
  }
  free(usual);
  char place[32];
  if (on < 3 || 2 * on < limits) return MOPO_OK;
  return dataset_note(d, err,
                      "after %lld of %lld timeouts the next row goes on as if nothing had ended, "
                      "first after %s",
                      (long long)on, (long long)limits, load_place(l, first, place));
}

mopo_status reading_finish(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  d->rows_read = d->N;
  if (l->lines) {
    d->lines = malloc((size_t)d->N * sizeof *d->lines);
    if (!d->lines) return no_memory(l, err);
    memcpy(d->lines, l->lines, (size_t)d->N * sizeof *d->lines);
  }
  mopo_status st = l->has[TIMEOUT] || l->has[CUT] ? tell_limits(l, err) : MOPO_OK;
  if (!st) st = tell_runs(l, err);
  if (!st) st = cut_by_time(l, err);
  if (!st && l->n_bad)
    st = l->how.bad_rows == MOPO_BAD_ROWS_CUT ? take_out(l, err) : refuse_bad(l, err);
  if (!st) st = tell_clipped(l, err);
  return st ? st : tell_unread(l, err);
}
