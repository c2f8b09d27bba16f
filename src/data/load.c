/* load.c - a dataset from a file: whichever container it is and whatever its arrays are called.
 *
 * Every reader of io/ hands over arrays in the same way, so there is one loader; dialect.h says
 * which array plays which role, load_rows.c what is done with it, reading.c what about bad rows. */
#include "base/name.h"
#include "data/dialect.h"
#include "data/notes.h"
#include "data/rules.h"
#include "task/task.h"

#include "io/csv_table.h"
#include "io/hdf5.h"
#include "io/npz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static bool is_text(role r) { return r == TASK || r == KIND || r == OBS_NAMES || r == ACT_NAMES; }

char load_form(role r)
{
  if (is_text(r)) return 's';
  return r == STEPS || r == OBS_STEPS ? 'n'
         : r == NUMBERS               ? 'i'
         : r == THERE                 ? 'l'
         : r == QPOS || r == AFTER    ? 'd'
         : r == EPISODE               ? 'k'
         : r == TIME                  ? 't'
                                      : 'f';
}

/* A reward that the task's rule says need not be in the file. */
bool load_must(const loader *l, const dialect *d, role r)
{
  if (r == REW && l->task && task_knows_reward(l->task)) return false;
  return r == OBS || r == ACT || r == REW || d->must[r];
}

/* ------------------------------------------------------------------ shapes */

const io_array *load_array(const loader *l, role r)
{
  for (int i = 0; i < l->n; i++)
    if (l->asked[i].role == r && l->arrays[i].present) return &l->arrays[i];
  return NULL;
}

/* Columns of array i that its role takes. */
int load_cols(const loader *l, int i)
{
  return l->asked[i].count ? l->asked[i].count : l->arrays[i].cols;
}

/* Columns of all arrays of a role, side by side. */
static int role_cols(const loader *l, role r)
{
  int cols = 0;
  for (int i = 0; i < l->n; i++)
    if (l->asked[i].role == r && l->arrays[i].present) cols += load_cols(l, i);
  return cols;
}

/* The arrays that play a role in dialect d, of those asked for; false if its mark is not there. */
static bool take_roles(loader *l, const dialect *d)
{
  bool found = false;
  for (int i = 0; i < l->n; i++) {
    const io_array *a = &l->arrays[i];
    l->asked[i] = (struct asked){.role = ROLES};
    for (role r = 0; r < ROLES; r++)
      if (d->arrays[r] && !strcmp(d->arrays[r], a->name) && load_form(r) == a->as)
        l->asked[i].role = r;
    found = found || (l->asked[i].role == d->mark && a->present);
  }
  return found;
}

/* Sets l->of where the caller has not: a dialect with its mark there, best one of its own. */
static void find_dialect(loader *l)
{
  const dialect *first = NULL;
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; !l->of && dialect_at(i); i++) {
      const dialect *d = dialect_at(i);
      if (!(d->containers & l->container) || (d->mark == OBS) != pass) continue;
      if (!first && d->mark == OBS) first = d;
      if (take_roles(l, d)) l->of = d;
    }
  if (l->of) return;
  l->of = first;
  take_roles(l, first);
}

/* What a file without an array of a role has instead. */
static mopo_status no_array(const loader *l, role r, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: no array '%s', want one", l->path, l->of->arrays[r]);
}

static mopo_status check_rows(const loader *l, int i, int64_t N, int64_t episodes, mopo_error *err)
{
  const io_array *a = &l->arrays[i];
  role r = l->asked[i].role;
  bool by_episode = r == STEPS || r == OBS_STEPS || r == NUMBERS;
  int64_t rows = by_episode ? episodes : N + (r == OBS ? episodes : 0);
  if (a->rows == rows) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s: '%s' has %lld rows, %s%s%s %lld", l->path, a->name,
                   (long long)a->rows, l->of->chained ? "want" : "'",
                   l->of->chained ? "" : load_array(l, OBS)->name, l->of->chained ? "" : "'",
                   (long long)rows);
}

static mopo_status check_slice(const loader *l, int i, mopo_error *err)
{
  const struct asked *q = &l->asked[i];
  const io_array *a = &l->arrays[i];
  if (!q->count || q->from + q->count <= a->cols) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "%s: columns %d..%d of '%s', which has %d", l->path, q->from,
                   q->from + q->count - 1, a->name, a->cols);
}

/* Of all arrays of a role together. */
static mopo_status check_cols(const loader *l, role r, mopo_error *err)
{
  const io_array *a = load_array(l, r);
  int cols = role_cols(l, r);
  int want = r == OBS || r == ACT || r == QPOS ? cols
             : r == NEXT                       ? l->S
             : r == AFTER                      ? role_cols(l, QPOS)
                                               : 1;
  if (cols != want)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d columns, want %d", l->path, a->name, cols,
                     want);
  const mopo_task *t = l->task;
  if (t && t->facts.obs_dim && r == OBS) want = t->rules ? t->rules->S : t->facts.obs_dim;
  if (t && t->facts.obs_dim && r == ACT) want = t->facts.act_dim;
  if (cols == want) return MOPO_OK;
  return error_set(err, MOPO_EDATA, "%s: '%s' has %d columns, task %s wants %d", l->path, a->name,
                   cols, t->facts.name, want);
}

/* Names are one for each column; ranges are [A,2]. */
static mopo_status check_about(const loader *l, role r, mopo_error *err)
{
  const io_array *a = load_array(l, r);
  int want = r == OBS_NAMES ? l->S : l->A;
  if (a->rows == want && a->cols == (r == RANGES ? 2 : 1)) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s: '%s' is [%lld,%d], want [%d,%d]", l->path, a->name,
                   (long long)a->rows, a->cols, want, r == RANGES ? 2 : 1);
}

static mopo_status check_shapes(loader *l, mopo_error *err)
{
  int64_t episodes = l->of->chained ? load_array(l, STEPS)->rows : 0;
  int64_t N = load_array(l, l->of->chained ? ACT : OBS)->rows;
  mopo_status st = MOPO_OK;
  for (role r = 0; !st && r < ROLES; r++) {
    if (!l->has[r] || r == INDEX || r == TASK || r == KIND || r == THERE) continue;
    if (r == RANGES || r == OBS_NAMES || r == ACT_NAMES) {
      st = check_about(l, r, err);
      continue;
    }
    int to = 0;
    for (int i = 0; !st && i < l->n; i++) {
      if (l->asked[i].role != r || !l->arrays[i].present) continue;
      l->asked[i].to = to;
      to += load_cols(l, i);
      st = check_rows(l, i, N, episodes, err);
      if (!st) st = check_slice(l, i, err);
    }
    if (!st) st = check_cols(l, r, err);
  }
  return st;
}

static mopo_status make_dataset(loader *l, int64_t N, mopo_error *err)
{
  mopo_status st = dataset_create(&l->d, N, l->S, l->A, l->path, err);
  if (!st) snprintf(l->d->name, sizeof l->d->name, "%s", l->name);
  if (!st && l->how.action_ranges)
    st = dataset_set_ranges(l->d, l->how.action_ranges, l->how.n_action_ranges, l->path, err);
  const io_array *qpos = load_array(l, QPOS);
  if (!st && l->positions && !qpos)
    st = error_set(err, MOPO_EDATA, "%s: no 'infos/qpos', want where the body was in each row",
                   l->path);
  if (!st && l->positions) st = dataset_make_positions(l->d, qpos->cols, l->path, err);
  for (int64_t i = 0; !st && i < N; i++) {
    float *row = l->d->rows + (size_t)i * (size_t)l->d->at.width;
    if (!l->has[TERMINAL]) row[l->d->at.done] = 0.0f;
    if (!l->has[REW]) row[l->d->at.rew] = 0.0f;
  }
  return st ? st : reading_begin(l, err);
}

static mopo_status take_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  loader *l = ctx;
  l->arrays = arrays;
  (void)n;
  find_dialect(l);
  for (role r = 0; r < ROLES; r++) {
    l->has[r] = load_array(l, r) != NULL;
    if (!l->has[r] && load_must(l, l->of, r)) return no_array(l, r, err);
  }
  l->S = role_cols(l, OBS), l->A = role_cols(l, ACT);
  mopo_status st = check_shapes(l, err);
  if (st) return st;
  const io_array *act = load_array(l, ACT);
  if (act->rows < 1)
    return error_set(err, MOPO_EDATA, "%s: '%s' has no rows, want at least one", l->path,
                     load_array(l, OBS)->name);
  l->lines = act->lines;
  if (l->of->chained) {
    l->episodes = load_array(l, STEPS)->rows;
    l->start = calloc((size_t)l->episodes + 1, sizeof *l->start);
    if (!l->start) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  }
  if (l->of->begin) st = l->of->begin(l, err);
  return st ? st : make_dataset(l, act->rows, err);
}

/* ------------------------------------------------------------------ what is not in the file */

/* Rewards of another task would be learned from without anyone noticing. */
static mopo_status check_task(const loader *l, mopo_error *err)
{
  const mopo_task *of = *l->label ? mopo_task_find(l->label) : NULL;
  if (!of || !of->facts.obs_dim || !l->task || !l->task->facts.obs_dim || of == l->task)
    return MOPO_OK;
  return error_set(err, MOPO_EDATA,
                   "%s: its rewards are those of task %s, want those of %s (mopo data relabel)",
                   l->path, of->facts.name, l->task->facts.name);
}

/* The header's names, where the caller chose the columns. */
static mopo_status name_columns(loader *l, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int k = 0; !st && k < 2; k++) {
    role r = k ? ACT : OBS;
    const io_array *a = load_array(l, r);
    bool chosen = a->names && !strchr(l->of->arrays[r], '#');
    if (chosen) st = dataset_set_names(l->d, k == 1, a->names, err);
  }
  return st;
}

static mopo_status finish(void *ctx, mopo_error *err)
{
  loader *l = ctx;
  mopo_dataset *d = l->d;
  bool cut = l->has[TIMEOUT] || l->has[CUT] || l->has[INDEX] || l->has[EPISODE] || l->has[TIME] ||
             l->container == IN_CSV;
  if (!cut) dataset_cut_every(d, l->task ? l->task->facts.horizon : TASK_HORIZON);
  mopo_status st = l->of->finish ? l->of->finish(l, err) : MOPO_OK;
  if (!st) st = name_columns(l, err);
  if (!st) st = reading_finish(l, err);
  if (st) return st;
  bool next = l->has[NEXT] || l->of->chained, after = l->has[AFTER] || !l->positions;
  if (next && after)
    dataset_mark_ends(d);
  else
    dataset_chain(d, !next, !after);
  if (d->N < 1)
    return error_set(err, MOPO_EDATA,
                     "%s: no %s and no two rows of one episode, want at least one transition%s",
                     l->path, next ? "infos/next_qpos" : "next_observations",
                     l->came_back ? " (runs are interleaved: want them one after the other)" : "");
  snprintf(d->kind, sizeof d->kind, "%s", dataset_kind(l->kind, l->name));
  name_copy(d->task, sizeof d->task, l->label);
  name_clean(d->kind);
  return check_task(l, err);
}

/* ------------------------------------------------------------------ containers */

/* Asks for the arrays of every dialect that the container may hold, each of them once. */
static mopo_status ask(loader *l, io_array *arrays, mopo_error *err)
{
  for (int k = 0; dialect_at(k); k++) {
    const dialect *d = dialect_at(k);
    for (role r = 0; (d->containers & l->container) && r < ROLES; r++) {
      char as = load_form(r);
      bool asked = !d->arrays[r] || ((r == QPOS || r == AFTER) && !l->positions) ||
                   (is_text(r) && l->container == IN_NPZ); /* there are none */
      for (int i = 0; !asked && i < l->n; i++)
        asked = !strcmp(arrays[i].name, d->arrays[r]) && arrays[i].as == as;
      if (asked) continue;
      if (l->n == LOAD_ARRAYS) return error_set(err, MOPO_EINVAL, "%s: too many dialects", l->path);
      l->asked[l->n].role = r;
      arrays[l->n++] = (io_array){.name = d->arrays[r], .as = as};
    }
  }
  return MOPO_OK;
}

static mopo_status read_file(loader *l, const char *path, mopo_error *err)
{
  io_array arrays[LOAD_ARRAYS] = {0};
  const io_sink sink = {take_shapes, load_rows, finish, l, l->how.watch};
  mopo_status st = MOPO_OK;
  if (l->container == IN_CSV || l->how.columns) {
    st = named_read(l, err);
    if (!st) st = named_ask(l, arrays, err);
  } else {
    st = ask(l, arrays, err);
  }
  if (st) return st;
  if (l->container == IN_NPZ) return npz_read(path, arrays, l->n, &sink, err);
  if (l->container == IN_HDF5) return hdf5_read(path, arrays, l->n, &sink, err);
  const char *columns[LOAD_ARRAYS];
  for (int i = 0; i < l->n; i++) {
    columns[i] = arrays[i].name;
    arrays[i].name = named_role(l->asked[i].role);
  }
  return csv_read(path, columns, l->how.bad_rows == MOPO_BAD_ROWS_CUT, arrays, l->n, &sink, err);
}

static bool ends_with(const char *path, const char *end)
{
  size_t n = strlen(path), k = strlen(end);
  return n >= k && strcasecmp(path + n - k, end) == 0;
}

/* By the name; where that says nothing and columns are named, by the first bytes. */
static int container_of(const char *path, bool columns)
{
  if (ends_with(path, ".csv")) return IN_CSV;
  if (ends_with(path, ".npz")) return IN_NPZ;
  if (!columns || ends_with(path, ".hdf5") || ends_with(path, ".h5")) return IN_HDF5;
  unsigned char start[4] = {0};
  FILE *f = fopen(path, "rb");
  size_t n = f ? fread(start, 1, sizeof start, f) : 0;
  if (f) fclose(f);
  if (n == 4 && !memcmp(start, "\x89HDF", 4)) return IN_HDF5;
  return n == 4 && !memcmp(start, "PK\3\4", 4) ? IN_NPZ : IN_CSV;
}

/* A dataset of Minari's is a directory, or the file main_data.hdf5 in it; reads what stands next to
 * it. file [size]: what is to be read. */
static mopo_status find_file(loader *l, char *file, size_t size, const char *path, mopo_error *err)
{
  static const char inside[] = "data/main_data.hdf5", about[] = "metadata.json";
  struct stat s;
  bool dir = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
  int n = snprintf(file, size, dir ? "%s/%s" : "%s", path, inside);
  const char *slash = n < 0 || (size_t)n >= size ? NULL : strrchr(file, '/');
  if ((size_t)n >= size) return error_set(err, MOPO_EIO, "%s: path too long", l->path);
  if (!dir && strcmp(slash ? slash + 1 : file, "main_data.hdf5") != 0) return MOPO_OK;
  char beside[4096];
  int length = slash ? (int)(slash + 1 - file) : 0;
  n = snprintf(beside, sizeof beside, "%.*s%s", length, file, about);
  if ((size_t)n >= sizeof beside) return error_set(err, MOPO_EIO, "%s: path too long", l->path);
  mopo_status st = minari_read(&l->about, beside, err);
  if (st || !dir || stat(file, &s) == 0) return st;
  if (!l->about.found || !strcmp(l->about.format, "hdf5"))
    return error_set(err, MOPO_EIO, "%s: %s, and not one of Minari's: it has no %s", l->path,
                     strerror(EISDIR), inside);
  return error_set(err, MOPO_EFORMAT,
                   "%s: a dataset of Minari's in %.20s storage, want hdf5 (data_format of its "
                   "DataCollector)",
                   l->path, *l->about.format ? l->about.format : "unknown");
}

/* How the task file says that a log is to be read, where the caller says nothing; *columns is to be
 * freed. */
static mopo_status ask_task(loader *l, char **columns, mopo_error *err)
{
  const task_rules *r = l->task->rules;
  size_t n = 0;
  if (r->ranged && !l->how.action_ranges)
    l->how.action_ranges = r->ranges, l->how.n_action_ranges = r->A;
  if (l->how.columns || l->container != IN_CSV) return MOPO_OK;
  FILE *f = open_memstream(columns, &n);
  if (!f) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  for (int i = 0; i < r->S; i++) fprintf(f, "%s%s", i ? "," : "obs=", r->obs[i]);
  for (int i = 0; i < r->A; i++) fprintf(f, "%s%s", i ? "," : ";act=", r->act[i]);
  if (r->columns) fprintf(f, ";%s", r->columns);
  if (fclose(f)) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  l->how.columns = *columns;
  return MOPO_OK;
}

/* What the task file's rules make of the rows. */
static mopo_status follow_task(loader *l, mopo_error *err)
{
  if (l->how.as_recorded) return MOPO_OK;
  mopo_status st = dataset_apply_rules(l->d, l->task, true, !l->has[TERMINAL], err);
  return st ? st : dataset_see_as(&l->d, l->task, err);
}

static mopo_status load(mopo_dataset **out, const char *path, const mopo_import *how,
                        const mopo_task *task, bool positions, mopo_error *err)
{
  size_t length = strlen(path);
  char file[4096];
  loader l = {
      .path = length > 200 ? path + length - 200 : path, .task = task, .positions = positions};
  *out = NULL;
  if (how && how->size < sizeof how->size)
    return error_set(err, MOPO_EINVAL, "mopo_import.size = %zu, want sizeof(mopo_import)",
                     how->size);
  if (how) memcpy(&l.how, how, how->size < sizeof l.how ? how->size : sizeof l.how);
  mopo_status st = find_file(&l, file, sizeof file, path, err);
  const char *slash = strrchr(file, '/');
  l.name = st || !slash ? file : slash + 1;
  l.container = st ? 0 : container_of(file, l.how.columns != NULL);
  char *columns = NULL;
  if (!st && task && task->rules) st = ask_task(&l, &columns, err);
  if (!st) st = read_file(&l, file, err);
  if (!st && task && task->rules) st = follow_task(&l, err);
  free(columns);
  minari_free(&l.about);
  reading_free(&l);
  free(l.ranges);
  free(l.columns);
  free(l.start);
  if (st)
    mopo_dataset_free(l.d);
  else
    *out = l.d;
  return st;
}

mopo_status mopo_dataset_import(mopo_dataset **out, const char *path, const mopo_import *how,
                                const mopo_task *task, mopo_error *err)
{
  return load(out, path, how, task, false, err);
}

mopo_status mopo_dataset_load(mopo_dataset **out, const char *path, const mopo_task *task,
                              mopo_error *err)
{
  return load(out, path, NULL, task, false, err);
}

mopo_status dataset_load_positions(mopo_dataset **out, const char *path, mopo_error *err)
{
  return load(out, path, NULL, NULL, true, err);
}
