/* describe.c - statistics of a dataset, and what in it looks suspicious. */
#include "data/describe.h"

#include "base/name.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST = 120 }; /* bytes of a list of columns */

/* Beyond these shares and distances a note is written. */
static const double AT_BOUND = 0.999, BOUND_SHARE = 0.5, TERMINAL_SHARE = 0.1, COPY_SHARE = 0.01;
static const double NARROW_SHARE = 0.05;
static const double OUTLIER_SIGMAS = 10.0, JUMP_SIGMAS = 20.0, SHORT_SHARE = 0.1;

static const char MORE[] = " notes more than fit here";

void describe_note(mopo_dataset_info *info, const char *fmt, ...)
{
  if (info->n_notes == MOPO_INFO_NOTES) { /* the last says how many there were */
    char *last = info->notes[MOPO_INFO_NOTES - 1];
    long more = strtol(last, NULL, 10);
    bool said = strstr(last, MORE) != NULL;
    snprintf(last, MOPO_NOTE, "%ld%s", said ? more + 1 : 2, MORE);
    return;
  }
  va_list ap;
  va_start(ap, fmt);
  number_vprint(info->notes[info->n_notes], sizeof info->notes[0], fmt, ap);
  va_end(ap);
  name_clean(info->notes[info->n_notes++]);
}

const char *describe_place(const mopo_dataset *d, int64_t i, char text[32])
{
  snprintf(text, 32, d->lines ? "line %lld" : "row %lld", (long long)(d->lines ? d->lines[i] : i));
  return text;
}

static double percent(int64_t part, int64_t whole) { return 100.0 * (double)part / (double)whole; }

/* The word for one of them, or for several. */
static const char *either(int64_t n, const char *one, const char *many)
{
  return n == 1 ? one : many;
}

/* ------------------------------------------------------------------ episodes */

int describe_by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double describe_quantile(const double *sorted, int64_t n, double q)
{
  double at = q * (double)(n - 1);
  int64_t i = (int64_t)at;
  if (i >= n - 1) return sorted[n - 1];
  return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

static void describe_returns(mopo_dataset_info *info, double *returns, int64_t n)
{
  static const double q[5] = {0.05, 0.25, 0.5, 0.75, 0.95};
  info->return_mean = info->return_std = info->return_min = info->return_max = NAN;
  for (int k = 0; k < 5; k++) info->return_quantile[k] = NAN;
  info->complete_episodes = n;
  if (n == 0) return;
  qsort(returns, (size_t)n, sizeof *returns, describe_by_value);
  double sum = 0.0, sq = 0.0;
  for (int64_t i = 0; i < n; i++) sum += returns[i];
  double mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++) sq += (returns[i] - mean) * (returns[i] - mean);
  info->return_mean = mean;
  info->return_std = sqrt(sq / (double)n);
  info->return_min = returns[0];
  info->return_max = returns[n - 1];
  for (int k = 0; k < 5; k++) info->return_quantile[k] = describe_quantile(returns, n, q[k]);
}

/* Cuts at `ends`. returns: room for one per episode. */
static void describe_episodes(mopo_dataset_info *info, const mopo_dataset *d, double *returns)
{
  int64_t complete = 0, steps = 0;
  double ret = 0.0, length = 0.0;
  for (int64_t i = 0; i < d->N; i++) {
    const float *x = dataset_row(d, i);
    bool terminal = x[d->at.done] != 0.0f;
    info->terminals += terminal;
    info->timeouts += d->timeouts[i];
    ret += (double)x[d->at.rew];
    steps++;
    if (!d->ends[i]) continue;
    info->episodes++;
    if (terminal || d->timeouts[i]) {
      returns[complete++] = ret;
      length += (double)steps;
    }
    ret = 0.0;
    steps = 0;
  }
  info->length_mean = complete ? length / (double)complete : NAN;
  describe_returns(info, returns, complete);
}

/* Rows whose next observation is not that of the row after them, within an episode. */
static void note_gaps(mopo_dataset_info *info, const mopo_dataset *d)
{
  int64_t gaps = 0, first = 0;
  const size_t S = (size_t)d->at.S;
  for (int64_t i = d->N - 1; i >= 0; i--) {
    const float *next = dataset_row(d, i) + d->at.next;
    if (d->ends[i] || !memcmp(next, dataset_row(d, i + 1), S * sizeof *next)) continue;
    gaps++;
    first = i;
  }
  if (gaps)
    describe_note(
        info,
        "in %lld place%s the next row goes on elsewhere, though no episode ended, first after row "
        "%lld: rows are missing or shuffled, returns may be wrong",
        (long long)gaps, either(gaps, "", "s"), (long long)first);
}

/* Terminals that all come at one length look like a time limit. */
static void note_one_length(mopo_dataset_info *info, const mopo_dataset *d)
{
  int64_t length = 0, steps = 0;
  for (int64_t i = 0; i < d->N; i++) {
    steps++;
    if (!d->ends[i]) continue;
    bool terminal = dataset_row(d, i)[d->at.done] != 0.0f;
    if (terminal && length && steps != length) return;
    if (terminal) length = steps;
    steps = 0;
  }
  if (info->terminals < 3 || length < 2) return;
  describe_note(info,
                "each of the %lld terminals ends an episode of %lld rows: time limits written as "
                "ends?",
                (long long)info->terminals, (long long)length);
}

static void note_episodes(mopo_dataset_info *info, const mopo_dataset *d)
{
  int64_t both = 0, single = 0, blind = d->n_blind;
  for (int64_t i = 0; i < d->N; i++) {
    both += dataset_row(d, i)[d->at.done] != 0.0f && d->timeouts[i];
    single += d->ends[i] && (i == 0 || d->ends[i - 1]);
  }
  if (info->complete_episodes == 0)
    describe_note(info, "no episode is complete: no row is terminal and none is a timeout");
  if (info->episodes > 1 && (double)single > SHORT_SHARE * (double)info->episodes)
    describe_note(info, "%.1f %% of the episodes have one row", percent(single, info->episodes));
  if (blind)
    describe_note(
        info,
        "%lld terminal row%s not say what %s led to: the model and written files leave %s out, "
        "want next observations",
        (long long)blind, either(blind, " does", "s do"), either(blind, "it", "they"),
        either(blind, "it", "them"));
  if (both)
    describe_note(info, "%lld row%s terminal and timeout at once: %s as terminal", (long long)both,
                  either(both, " is", "s are"), either(both, "it counts", "they count"));
  if ((double)info->terminals > TERMINAL_SHARE * (double)d->N)
    describe_note(info, "%.1f %% of the rows are terminal", percent(info->terminals, d->N));
  note_one_length(info, d);
  note_gaps(info, d);
}

/* ------------------------------------------------------------------ columns */

static void describe_rewards(mopo_dataset_info *info, const mopo_dataset *d)
{
  double sum = 0.0, sq = 0.0;
  info->reward_min = INFINITY;
  info->reward_max = -INFINITY;
  for (int64_t i = 0; i < d->N; i++) {
    double r = (double)dataset_row(d, i)[d->at.rew];
    sum += r;
    info->reward_min = fmin(info->reward_min, r);
    info->reward_max = fmax(info->reward_max, r);
  }
  info->reward_mean = sum / (double)d->N;
  for (int64_t i = 0; i < d->N; i++) {
    double r = (double)dataset_row(d, i)[d->at.rew] - info->reward_mean;
    sq += r * r;
  }
  double std = sqrt(sq / (double)d->N);
  int64_t far = 0;
  for (int64_t i = 0; i < d->N; i++)
    far += fabs((double)dataset_row(d, i)[d->at.rew] - info->reward_mean) > OUTLIER_SIGMAS * std;
  /* Where episodes end, to go on is what there is to learn. */
  if (info->reward_min == info->reward_max && d->N > 1 && !info->terminals)
    describe_note(info, "every reward is %.6g: there is nothing to learn", info->reward_min);
  else if (far && info->reward_min < info->reward_max)
    describe_note(info,
                  "%lld reward%s more than %.0f standard deviations from the mean (%.4g .. %.4g)",
                  (long long)far, either(far, " lies", "s lie"), OUTLIER_SIGMAS, info->reward_min,
                  info->reward_max);
}

static void describe_actions(mopo_dataset_info *info, const mopo_dataset *d)
{
  info->action_min = INFINITY;
  info->action_max = -INFINITY;
  for (int64_t i = 0; i < d->N; i++) {
    const float *a = dataset_row(d, i) + d->at.act;
    for (int c = 0; c < d->at.A; c++) {
      info->action_min = fmin(info->action_min, (double)a[c]);
      info->action_max = fmax(info->action_max, (double)a[c]);
    }
  }
}

/* Rows in which an action is at a bound. */
static int64_t count_bound(const mopo_dataset *d, int column)
{
  int64_t bound = 0;
  for (int64_t i = 0; i < d->N; i++) bound += fabs((double)dataset_row(d, i)[column]) > AT_BOUND;
  return bound;
}

static bool is_at_bound(const mopo_dataset *d, int column)
{
  return (double)count_bound(d, column) > BOUND_SHARE * (double)d->N;
}

static bool is_constant(const mopo_dataset *d, int column)
{
  float x = d->rows[column];
  for (int64_t i = 1; i < d->N; i++)
    if (dataset_row(d, i)[column] != x) return false;
  return true;
}

/* Of the range that an action has: no policy can do much with so little of it. */
static bool is_narrow(const mopo_dataset *d, int column)
{
  float min = d->rows[column], max = min;
  for (int64_t i = 1; i < d->N; i++) {
    min = fminf(min, dataset_row(d, i)[column]);
    max = fmaxf(max, dataset_row(d, i)[column]);
  }
  return min < max && (double)max - (double)min < NARROW_SHARE * 2.0;
}

/* Columns first .. first+n-1, those that are so, the first few of them by name or number. Their
 * number. */
static int list_columns(char list[LIST], const mopo_dataset *d, int first, int n,
                        bool (*is)(const mopo_dataset *d, int column))
{
  int count = 0;
  size_t used = 0;
  const bool named = first < d->at.S ? d->obs_names != NULL : d->act_names != NULL;
  list[0] = '\0';
  for (int c = 0; c < n; c++) {
    if (!is(d, first + c) || ++count > 6) continue;
    char name[DATASET_NAME];
    snprintf(name, sizeof name, "%d", c);
    if (named) dataset_column_name(d, first + c, name);
    if (count > 5 || used + strlen(name) + 8 > LIST) {
      snprintf(list + used, LIST - used, ", ...");
      count = count < 6 ? 6 : count;
    } else {
      used += (size_t)snprintf(list + used, LIST - used, count > 1 ? ", %s" : "%s", name);
    }
  }
  return count;
}

static void note_constant(mopo_dataset_info *info, const mopo_dataset *d, const char *what,
                          int first, int n)
{
  char list[LIST];
  int count = list_columns(list, d, first, n, is_constant);
  if (count)
    describe_note(info, "%d of %d %s columns never %s: %s", count, n, what,
                  either(count, "changes", "change"), list);
}

static void note_bounds(mopo_dataset_info *info, const mopo_dataset *d)
{
  char list[LIST];
  int64_t most = 0;
  int count = list_columns(list, d, d->at.act, d->at.A, is_at_bound);
  for (int c = 0; count && c < d->at.A; c++) {
    int64_t bound = count_bound(d, d->at.act + c);
    most = bound > most ? bound : most;
  }
  if (count)
    describe_note(info, "%d of %d action columns %s at a bound in up to %.1f %% of the rows: %s",
                  count, d->at.A, either(count, "lies", "lie"), percent(most, d->N), list);
}

static void note_narrow(mopo_dataset_info *info, const mopo_dataset *d)
{
  char list[LIST];
  int count = list_columns(list, d, d->at.act, d->at.A, is_narrow);
  if (count)
    describe_note(
        info,
        "%d of %d action columns %s less than %.0f %% of [-1,1]: %s (action-range takes a "
        "pair for each action)",
        count, d->at.A, either(count, "uses", "use"), 100.0 * NARROW_SHARE, list);
}

/* Column c of next - obs: rows beyond JUMP_SIGMAS standard deviations; *first of them. */
static int64_t count_jumps(const mopo_dataset *d, int c, int64_t *first)
{
  double sum = 0.0, sq = 0.0;
  int64_t far = 0, n = d->N - d->n_blind;
  for (int64_t i = 0; i < d->N; i++) {
    const float *x = dataset_row(d, i);
    double step = (double)x[d->at.next + c] - (double)x[c]; /* 0 of a blind row */
    sum += step;
    sq += step * step;
  }
  double mean = n ? sum / (double)n : 0.0;
  double std = n ? sqrt(fmax(sq / (double)n - mean * mean, 0.0)) : 0.0;
  for (int64_t i = d->N - 1; i >= 0; i--) {
    const float *x = dataset_row(d, i);
    double step = (double)x[d->at.next + c] - (double)x[c];
    bool near = fabs(step - mean) <= JUMP_SIGMAS * std + 1e-6 * fabs(mean); /* rounding */
    if (near || d->blind[i]) continue;
    far++;
    *first = i;
  }
  return far;
}

/* Sensors that wrap around, units that change, rows of another recording. */
static void note_jumps(mopo_dataset_info *info, const mopo_dataset *d)
{
  int columns = 0, worst = 0;
  int64_t most = 0, at = 0;
  for (int c = 0; c < d->at.S; c++) {
    int64_t first = 0, n = count_jumps(d, c, &first);
    columns += n > 0;
    if (n <= most) continue;
    most = n;
    worst = c;
    at = first;
  }
  if (columns)
    describe_note(
        info,
        "%d of %d observation columns %s by more than %.0f standard deviations of their steps; "
        "column %d in %lld row%s, first in row %lld",
        columns, d->at.S, either(columns, "jumps", "jump"), JUMP_SIGMAS, worst, (long long)most,
        either(most, "", "s"), (long long)at);
}

/* ------------------------------------------------------------------ copies */

/* FNV-1a on words, then a mixing step; equal rows get equal numbers. */
static uint64_t row_hash(const float *x, int W)
{
  uint64_t h = 14695981039346656037u;
  for (int k = 0; k < W; k++) {
    uint32_t bits;
    memcpy(&bits, x + k, sizeof bits);
    h = (h ^ bits) * 1099511628211u;
    h ^= h >> 32;
  }
  return h;
}

static int by_hash(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* hashes: room for one per row. */
static void note_copies(mopo_dataset_info *info, const mopo_dataset *d, uint64_t *hashes)
{
  int64_t copies = 0;
  for (int64_t i = 0; i < d->N; i++) hashes[i] = row_hash(dataset_row(d, i), d->at.width);
  qsort(hashes, (size_t)d->N, sizeof *hashes, by_hash);
  for (int64_t i = 1; i < d->N; i++) copies += hashes[i] == hashes[i - 1];
  if ((double)copies > COPY_SHARE * (double)d->N)
    describe_note(info, "%.1f %% of the rows are copies of another row", percent(copies, d->N));
}

mopo_status mopo_dataset_describe(mopo_dataset_info *out, const mopo_dataset *d, mopo_error *err)
{
  void *scratch = malloc((size_t)d->N * 8); /* returns first, hashes afterwards */
  *out = (mopo_dataset_info){.rows = d->N, .obs_dim = d->at.S, .act_dim = d->at.A};
  memcpy(out->task, d->task, sizeof out->task);
  out->rows_read = d->rows_read;
  out->period = d->period;
  for (int i = 0; i < d->n_notes; i++) describe_note(out, "%s", d->notes[i]);
  if (!scratch)
    return error_set(err, MOPO_ENOMEM, "%s: statistics of %lld rows: out of memory", d->name,
                     (long long)d->N);
  describe_episodes(out, d, scratch);
  describe_rewards(out, d);
  describe_actions(out, d);
  note_bounds(out, d);
  note_episodes(out, d);
  note_jumps(out, d);
  note_constant(out, d, "observation", 0, d->at.S);
  note_constant(out, d, "action", d->at.act, d->at.A);
  note_narrow(out, d);
  note_copies(out, d, scratch);
  free(scratch);
  return MOPO_OK;
}
