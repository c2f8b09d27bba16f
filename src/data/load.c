/* load.c - a dataset from a file: whichever container it is and whatever its arrays are called.
 *
 * Every reader of io/ hands over arrays in the same way, so there is one loader. A dialect says
 * which array plays which role. */
#include "data/dataset.h"

#include "io/csv_table.h"
#include "io/hdf5.h"
#include "io/npz.h"
#include "task/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HORIZON = 1000 }; /* of recordings that do not say where they were cut */

/* In the order in which they are read: an episode's length is known before its rows come. */
typedef enum role {
  STEPS, /* rows of each episode, and of its observations: one more */
  OBS_STEPS,
  OBS,
  ACT,
  REW,
  TERMINAL,
  NEXT,
  TIMEOUT,
  EPISODE, /* [N] another value means another episode */
  INDEX,   /* where episodes begin or, if that is not at 0, end */
  RANGES,  /* low and high that each action was recorded in */
  QPOS,    /* positions before and after the step; only where they are wanted */
  AFTER,
  TASK, /* the texts come last */
  KIND,
  ROLES
} role;

typedef enum format { D4RL, NEORL, MINARI, CSV, FORMATS } format;

static const char *const dialects[FORMATS][ROLES] = {
    [D4RL] = {[OBS] = "observations",
              [ACT] = "actions",
              [REW] = "rewards",
              [TERMINAL] = "terminals",
              [NEXT] = "next_observations",
              [TIMEOUT] = "timeouts",
              [RANGES] = "metadata/action_ranges",
              [QPOS] = "infos/qpos",
              [AFTER] = "infos/next_qpos",
              [TASK] = "metadata/task",
              [KIND] = "metadata/kind"},
    [NEORL] = {[OBS] = "obs",
               [ACT] = "action",
               [REW] = "reward",
               [TERMINAL] = "done",
               [NEXT] = "next_obs",
               [INDEX] = "index"},
    [MINARI] = {[STEPS] = "episode_#/actions",
                [OBS_STEPS] = "episode_#/observations",
                [OBS] = "episode_#/observations",
                [ACT] = "episode_#/actions",
                [REW] = "episode_#/rewards",
                [TERMINAL] = "episode_#/terminations",
                [TIMEOUT] = "episode_#/truncations"},
    [CSV] = {[OBS] = "obs",
             [ACT] = "act",
             [REW] = "reward",
             [TERMINAL] = "terminal",
             [NEXT] = "next_obs",
             [TIMEOUT] = "timeout",
             [EPISODE] = "episode"},
};

/* The columns of a CSV file unless --columns says otherwise. */
static const char *const csv_columns[ROLES] = {
    [OBS] = "obs_#",       [ACT] = "act_#",       [REW] = "reward",      [TERMINAL] = "terminal",
    [NEXT] = "next_obs_#", [TIMEOUT] = "timeout", [EPISODE] = "episode",
};

static bool is_required(format f, role r)
{
  bool always = r == OBS || r == ACT || r == REW;
  return always || (r == TERMINAL && f != CSV) || (f == MINARI && r == TIMEOUT);
}

static bool is_text(role r) { return r == TASK || r == KIND; }

typedef struct loader {
  const char *path; /* short enough for messages */
  const char *name; /* its last part */
  const mopo_task *task;
  const double *ranges; /* [n_ranges,2] of the recorded actions; NULL: they are in [-1,1] */
  int n_ranges;
  bool positions; /* wanted too */
  int n;          /* arrays asked for */
  struct {
    format format;
    role role;
  } of[FORMATS * ROLES]; /* what array i is */
  format format;         /* found */
  bool has[ROLES];
  char kind[IO_TEXT], label[IO_TEXT]; /* of its metadata: kind, task */
  int64_t episodes, *start;           /* Minari: [episodes + 1] */
  float last_episode;                 /* value of the row before */
  const int64_t *lines;               /* of a text file, for messages */
  mopo_dataset *d;
} loader;

/* ------------------------------------------------------------------ shapes */

/* The array that plays a role in the format found; NULL if there is none. */
static const io_array *array_of(const loader *l, const io_array *a, role r)
{
  for (int i = 0; i < l->n; i++)
    if (l->of[i].format == l->format && l->of[i].role == r && a[i].present) return &a[i];
  return NULL;
}

/* The first format whose observations are there. */
static mopo_status find_format(loader *l, const io_array *a, mopo_error *err)
{
  format first = l->of[0].format;
  bool found = false;
  for (int i = 0; !found && i < l->n; i++) {
    l->format = l->of[i].format;
    found = l->of[i].role == OBS && a[i].present;
  }
  if (!found) l->format = first;
  for (role r = 0; r < ROLES; r++) {
    l->has[r] = array_of(l, a, r) != NULL;
    if (!l->has[r] && is_required(l->format, r))
      return error_set(err, MOPO_EFORMAT, "%s: no array '%s', want one", l->path,
                       dialects[l->format][r]);
  }
  return MOPO_OK;
}

/* Rows that an array must have. N: of the observations; in Minari's files, of the actions. */
static int64_t rows_of(const loader *l, const io_array *a, role r, int64_t N)
{
  bool by_episode = r == STEPS || r == OBS_STEPS;
  int64_t episodes = l->format == MINARI ? array_of(l, a, STEPS)->rows : 0;
  return by_episode ? episodes : N + (r == OBS ? episodes : 0);
}

static mopo_status check_sizes(const loader *l, const io_array *arrays, role r, mopo_error *err)
{
  const io_array *obs = array_of(l, arrays, OBS), *a = array_of(l, arrays, r);
  bool minari = l->format == MINARI;
  if (!a || is_text(r) || r == INDEX) return MOPO_OK;
  int acts = array_of(l, arrays, ACT)->cols;
  if (r == RANGES && (a->rows != acts || a->cols != 2))
    return error_set(err, MOPO_EFORMAT, "%s: '%s' is [%lld,%d], want [%d,2]", l->path, a->name,
                     (long long)a->rows, a->cols, acts);
  if (r == RANGES) return MOPO_OK;
  int64_t rows = rows_of(l, arrays, r, minari ? array_of(l, arrays, ACT)->rows : obs->rows);
  if (a->rows != rows)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %lld rows, %s %lld", l->path, a->name,
                     (long long)a->rows, minari ? "want" : "'observations'", (long long)rows);
  const io_array *qpos = array_of(l, arrays, QPOS);
  int cols = r == OBS || r == ACT || r == QPOS ? a->cols
             : r == NEXT                       ? obs->cols
             : r == AFTER && qpos              ? qpos->cols
                                               : 1;
  if (a->cols != cols)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d columns, want %d", l->path, a->name,
                     a->cols, cols);
  int want = !l->task || !l->task->facts.obs_dim ? cols
             : r == OBS                          ? l->task->facts.obs_dim
             : r == ACT                          ? l->task->facts.act_dim
                                                 : cols;
  if (a->cols != want)
    return error_set(err, MOPO_EDATA, "%s: '%s' has %d columns, task %s wants %d", l->path, a->name,
                     a->cols, l->task->facts.name, want);
  return MOPO_OK;
}

static mopo_status take_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  loader *l = ctx;
  (void)n;
  mopo_status st = find_format(l, arrays, err);
  for (role r = 0; !st && r < ROLES; r++) st = check_sizes(l, arrays, r, err);
  if (st) return st;
  const io_array *obs = array_of(l, arrays, OBS), *act = array_of(l, arrays, ACT);
  if (act->rows < 1)
    return error_set(err, MOPO_EDATA, "%s: '%s' has no rows, want at least one", l->path,
                     obs->name);
  l->lines = act->lines;
  if (l->format == MINARI) {
    l->episodes = array_of(l, arrays, STEPS)->rows;
    l->start = calloc((size_t)l->episodes + 1, sizeof *l->start);
    if (!l->start) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  }
  st = dataset_create(&l->d, act->rows, obs->cols, act->cols, l->path, err);
  if (!st && l->ranges) st = dataset_set_ranges(l->d, l->ranges, l->n_ranges, l->path, err);
  const io_array *qpos = array_of(l, arrays, QPOS);
  if (!st && l->positions && !qpos)
    st = error_set(err, MOPO_EDATA, "%s: no 'infos/qpos', want where the body was in each row",
                   l->path);
  if (!st && l->positions) st = dataset_make_positions(l->d, qpos->cols, l->path, err);
  for (int64_t i = 0; !st && !l->has[TERMINAL] && i < l->d->N; i++)
    l->d->rows[(size_t)i * (size_t)l->d->at.width + (size_t)l->d->at.done] = 0.0f;
  return st;
}

/* ------------------------------------------------------------------ rows */

/* Lengths of episodes first .. first+n-1, in Minari's files. */
static void take_steps(loader *l, int64_t first, int n, const double *steps)
{
  for (int i = 0; i < n; i++) l->start[first + i + 1] = l->start[first + i] + (int64_t)steps[i];
}

static mopo_status check_obs_steps(const loader *l, int64_t first, int n, const double *steps,
                                   mopo_error *err)
{
  for (int i = 0; i < n; i++) {
    int64_t e = first + i, T = l->start[e + 1] - l->start[e];
    if ((int64_t)steps[i] != T + 1)
      return error_set(err, MOPO_EFORMAT,
                       "%s: 'episode_%lld/observations' has %lld rows, want %lld: one more than "
                       "'actions'",
                       l->path, (long long)e, (long long)steps[i], (long long)T + 1);
  }
  return MOPO_OK;
}

/* The episode whose T + 1 observations hold row i of all observations. */
static int64_t episode_at(const loader *l, int64_t i)
{
  int64_t low = 0, high = l->episodes - 1; /* observations of episode e begin at start[e] + e */
  while (low < high) {
    int64_t middle = (low + high + 1) / 2;
    if (l->start[middle] + middle <= i)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/* Minari: observation t of an episode is obs of its row t and next of its row t - 1. */
static mopo_status take_chain(loader *l, int64_t first, int n, const float *x, const origin *o,
                              mopo_error *err)
{
  const row_layout *at = &l->d->at;
  int64_t e = episode_at(l, first);
  mopo_status st = MOPO_OK;
  for (int64_t i = first; !st && i < first + n; i++, x += at->S) {
    while (i >= l->start[e + 1] + e + 1) e++;
    int64_t row = i - e; /* of the dataset, were there no reset observations */
    origin here = {o->file, o->array, i, NULL, true};
    if (row < l->start[e + 1]) st = dataset_put(l->d, row, 0, x, 1, at->S, &here, err);
    if (!st && row > l->start[e])
      st = dataset_put(l->d, row - 1, at->next, x, 1, at->S, &here, err);
  }
  return st;
}

/* The row before i ends its episode. */
static void cut_before(mopo_dataset *d, int64_t i)
{
  if (i > 0 && i <= d->N && dataset_row(d, i - 1)[d->at.done] == 0.0f) d->timeouts[i - 1] = 1;
}

static void take_episodes(loader *l, int64_t first, int n, const float *x)
{
  for (int i = 0; i < n; i++) {
    if (first + i > 0 && x[i] != l->last_episode) cut_before(l->d, first + i);
    l->last_episode = x[i];
  }
}

static mopo_status take_index(loader *l, int64_t first, int n, const float *x, const origin *o,
                              mopo_error *err)
{
  for (int i = 0; i < n; i++) {
    if (!(x[i] >= 0.0f && x[i] <= (float)l->d->N))
      return error_set(err, MOPO_EDATA, "%s: '%s' row %lld = %.9g, want 0..%lld", l->path, o->array,
                       (long long)(first + i), (double)x[i], (long long)l->d->N);
    cut_before(l->d, (int64_t)x[i]);
  }
  cut_before(l->d, l->d->N);
  return MOPO_OK;
}

static mopo_status take_flags(loader *l, role r, int64_t first, int n, const float *x,
                              const origin *o, mopo_error *err)
{
  mopo_dataset *d = l->d;
  mopo_status st = dataset_check_flags(x, n, o, err);
  if (!st && r == TERMINAL) return dataset_put(d, first, d->at.done, x, n, 1, o, err);
  for (int i = 0; !st && i < n; i++) d->timeouts[first + i] = x[i] != 0.0f;
  return st;
}

static mopo_status take_rows(void *ctx, int a, int64_t first, int n, const void *values,
                             mopo_error *err)
{
  loader *l = ctx;
  role r = l->of[a].role;
  if (l->of[a].format != l->format) return MOPO_OK;
  mopo_dataset *d = l->d;
  const row_layout *at = &d->at;
  origin o = {l->path, dialects[l->format][r], first, l->lines, true};
  switch (r) {
  case STEPS:
    take_steps(l, first, n, values);
    return MOPO_OK;
  case OBS_STEPS:
    return check_obs_steps(l, first, n, values, err);
  case OBS:
    return l->format == MINARI ? take_chain(l, first, n, values, &o, err)
                               : dataset_put(d, first, 0, values, n, at->S, &o, err);
  case ACT:
    return dataset_put_actions(d, first, values, n, l->ranges ? d->ranges : NULL, &o, err);
  case REW:
    return dataset_put(d, first, at->rew, values, n, 1, &o, err);
  case NEXT:
    return dataset_put(d, first, at->next, values, n, at->S, &o, err);
  case EPISODE:
    take_episodes(l, first, n, values);
    return MOPO_OK;
  case RANGES: /* what the caller says comes first */
    return l->ranges ? MOPO_OK : dataset_put_ranges(d, first, n, values, l->path, err);
  case INDEX:
    return take_index(l, first, n, values, &o, err);
  case QPOS:
    return dataset_put_positions(d, d->qpos, first, values, n, &o, err);
  case AFTER:
    return dataset_put_positions(d, d->after, first, values, n, &o, err);
  case TASK:
    memcpy(l->label, values, IO_TEXT);
    return MOPO_OK;
  case KIND:
    memcpy(l->kind, values, IO_TEXT);
    return MOPO_OK;
  default:
    return take_flags(l, r, first, n, values, &o, err);
  }
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

static mopo_status finish(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  bool cut = l->has[TIMEOUT] || l->has[INDEX] || l->format == CSV;
  if (!cut) dataset_cut_every(d, l->task ? l->task->facts.horizon : HORIZON);
  for (int64_t e = 0; e < l->episodes; e++) cut_before(d, l->start[e + 1]);
  bool next = l->has[NEXT] || l->format == MINARI, after = l->has[AFTER] || !l->positions;
  if (next && after)
    dataset_mark_ends(d);
  else
    dataset_chain(d, !next, !after);
  if (d->N < 1)
    return error_set(err, MOPO_EDATA,
                     "%s: no %s and no two rows of one episode, want at least one "
                     "transition",
                     l->path, next ? "infos/next_qpos" : "next_observations");
  snprintf(d->kind, sizeof d->kind, "%s", dataset_kind(l->kind, l->name));
  snprintf(d->task, sizeof d->task, "%.63s", l->label);
  snprintf(d->name, sizeof d->name, "%s", l->name);
  return check_task(l, err);
}

/* ------------------------------------------------------------------ containers */

static void ask(loader *l, io_array *arrays, format f)
{
  for (role r = 0; r < ROLES; r++) {
    if (!dialects[f][r] || ((r == QPOS || r == AFTER) && !l->positions)) continue;
    l->of[l->n].format = f;
    l->of[l->n].role = r;
    arrays[l->n++] = (io_array){.name = dialects[f][r],
                                .as = is_text(r)                ? 's'
                                      : r <= OBS_STEPS          ? 'n'
                                      : r == QPOS || r == AFTER ? 'd'
                                                                : 'f'};
  }
}

/* The text "obs=angle,speed;act=torque" to the columns of each role. `copy` holds the pieces. */
static mopo_status read_columns(const char **columns, char *copy, const char *text, mopo_error *err)
{
  for (role r = 0; r < ROLES; r++) columns[r] = csv_columns[r];
  for (char *rest = copy, *part; text && (part = strsep(&rest, ";")) != NULL;) {
    char *value = strchr(part, '=');
    role found = ROLES;
    if (value) *value++ = '\0';
    for (role r = 0; r < ROLES; r++)
      if (dialects[CSV][r] && strcmp(part, dialects[CSV][r]) == 0) found = r;
    if (!*part && !value) continue;
    if (!value || !*value || found == ROLES)
      return error_set(err, MOPO_EINVAL,
                       "columns: '%.60s', want obs=A,B,...;act=C,...;reward=D and, if they are "
                       "there, next_obs, terminal, timeout, episode",
                       part);
    columns[found] = value;
  }
  return MOPO_OK;
}

static mopo_status load_csv(loader *l, const char *path, const char *text, const io_sink *sink,
                            mopo_error *err)
{
  io_array arrays[FORMATS * ROLES] = {0};
  const char *columns[ROLES], *asked[FORMATS * ROLES] = {0};
  char *copy = strdup(text ? text : "");
  if (!copy) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  mopo_status st = read_columns(columns, copy, text, err);
  ask(l, arrays, CSV);
  for (int i = 0; !st && i < l->n; i++) {
    role r = l->of[i].role;
    asked[i] = columns[r];
    /* What was named has to be there. */
    arrays[i].required = is_required(CSV, r) || columns[r] != csv_columns[r];
  }
  if (!st) st = csv_read(path, asked, arrays, l->n, sink, err);
  free(copy);
  return st;
}

static bool ends_with(const char *path, const char *end)
{
  size_t n = strlen(path), k = strlen(end);
  return n >= k && strcasecmp(path + n - k, end) == 0;
}

static mopo_status load_arrays(loader *l, const char *path, const mopo_import *how,
                               const io_sink *sink, mopo_error *err)
{
  io_array arrays[FORMATS * ROLES] = {0};
  bool csv = ends_with(path, ".csv") || (how && how->columns);
  if (csv) return load_csv(l, path, how ? how->columns : NULL, sink, err);
  bool npz = ends_with(path, ".npz");
  ask(l, arrays, D4RL);
  if (npz) l->n -= 2; /* the texts, of which there are none */
  ask(l, arrays, npz ? NEORL : MINARI);
  return npz ? npz_read(path, arrays, l->n, sink, err) : hdf5_read(path, arrays, l->n, sink, err);
}

static mopo_status load(mopo_dataset **out, const char *path, const mopo_import *how,
                        const mopo_task *task, bool positions, mopo_error *err)
{
  const char *slash = strrchr(path, '/');
  size_t length = strlen(path);
  loader l = {.path = length > 200 ? path + length - 200 : path,
              .name = slash ? slash + 1 : path,
              .task = task,
              .positions = positions};
  io_sink sink = {take_shapes, take_rows, &l};
  *out = NULL;
  if (how && how->action_ranges) {
    l.ranges = how->action_ranges;
    l.n_ranges = how->n_action_ranges;
  }
  mopo_status st = load_arrays(&l, path, how, &sink, err);
  if (!st) st = finish(&l, err);
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
