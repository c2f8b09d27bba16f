/* load.c - a dataset from a file: whichever container it is and whatever its arrays are called.
 *
 * Every reader of io/ hands over arrays in the same way, so there is one loader. A dialect says
 * which array plays which role. */
#include "data/dataset.h"

#include "io/csv_table.h"
#include "io/hdf5.h"
#include "io/npz.h"

#include <ctype.h>
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
  KIND,    /* last */
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

typedef struct loader {
  const char *path; /* short enough for messages */
  const char *name; /* its last part */
  const mopo_task *task;
  float act_min, act_max; /* of the recorded actions */
  int n;                  /* arrays asked for */
  struct {
    format format;
    role role;
  } of[FORMATS * ROLES]; /* what array i is */
  format format;         /* found */
  bool has[ROLES];
  char kind[HDF5_TEXT];
  int64_t episodes, *start; /* Minari: [episodes + 1] */
  float last_episode;       /* value of the row before */
  mopo_dataset *d;
} loader;

/* ------------------------------------------------------------------ shapes */

/* The array that plays a role in the format found; NULL if there is none. */
static const hdf5_array *array_of(const loader *l, const hdf5_array *a, role r)
{
  for (int i = 0; i < l->n; i++)
    if (l->of[i].format == l->format && l->of[i].role == r && a[i].present) return &a[i];
  return NULL;
}

/* The first format whose observations are there. */
static mopo_status find_format(loader *l, const hdf5_array *a, mopo_error *err)
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
static int64_t rows_of(const loader *l, const hdf5_array *a, role r, int64_t N)
{
  bool by_episode = r == STEPS || r == OBS_STEPS;
  int64_t episodes = l->format == MINARI ? array_of(l, a, STEPS)->rows : 0;
  return by_episode ? episodes : N + (r == OBS ? episodes : 0);
}

static mopo_status check_sizes(const loader *l, const hdf5_array *arrays, role r, mopo_error *err)
{
  const hdf5_array *obs = array_of(l, arrays, OBS), *a = array_of(l, arrays, r);
  bool minari = l->format == MINARI;
  if (!a || r == KIND || r == INDEX) return MOPO_OK;
  int64_t rows = rows_of(l, arrays, r, minari ? array_of(l, arrays, ACT)->rows : obs->rows);
  if (a->rows != rows)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %lld rows, %s %lld", l->path, a->name,
                     (long long)a->rows, minari ? "want" : "'observations'", (long long)rows);
  int cols = r == OBS || r == ACT ? a->cols : r == NEXT ? obs->cols : 1;
  if (a->cols != cols)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d columns, want %d", l->path, a->name,
                     a->cols, cols);
  int want = !l->task || !l->task->obs_dim ? cols
             : r == OBS                    ? l->task->obs_dim
             : r == ACT                    ? l->task->act_dim
                                           : cols;
  if (a->cols != want)
    return error_set(err, MOPO_EDATA, "%s: '%s' has %d columns, task %s wants %d", l->path, a->name,
                     a->cols, l->task->name, want);
  return MOPO_OK;
}

static mopo_status take_shapes(void *ctx, const hdf5_array *arrays, int n, mopo_error *err)
{
  loader *l = ctx;
  (void)n;
  mopo_status st = find_format(l, arrays, err);
  for (role r = 0; !st && r < ROLES; r++) st = check_sizes(l, arrays, r, err);
  if (st) return st;
  const hdf5_array *obs = array_of(l, arrays, OBS), *act = array_of(l, arrays, ACT);
  if (act->rows < 1)
    return error_set(err, MOPO_EDATA, "%s: '%s' has no rows, want at least one", l->path,
                     obs->name);
  if (l->format == MINARI) {
    l->episodes = array_of(l, arrays, STEPS)->rows;
    l->start = calloc((size_t)l->episodes + 1, sizeof *l->start);
    if (!l->start) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  }
  st = dataset_create(&l->d, act->rows, obs->cols, act->cols, l->path, err);
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
    origin here = {o->file, o->array, i};
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
  origin o = {l->path, dialects[l->format][r], first};
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
    return dataset_put_actions(d, first, values, n, l->act_min, l->act_max, &o, err);
  case REW:
    return dataset_put(d, first, at->rew, values, n, 1, &o, err);
  case NEXT:
    return dataset_put(d, first, at->next, values, n, at->S, &o, err);
  case EPISODE:
    take_episodes(l, first, n, values);
    return MOPO_OK;
  case INDEX:
    return take_index(l, first, n, values, &o, err);
  case KIND:
    memcpy(l->kind, values, HDF5_TEXT);
    return MOPO_OK;
  default:
    return take_flags(l, r, first, n, values, &o, err);
  }
}

/* ------------------------------------------------------------------ what is not in the file */

/* Old files do not say where an episode was cut: every HORIZON steps. */
static void make_timeouts(mopo_dataset *d, int horizon)
{
  int steps = 0;
  for (int64_t i = 0; i < d->N; i++) {
    bool terminal = dataset_row(d, i)[d->at.done] != 0.0f;
    steps++;
    d->timeouts[i] = !terminal && steps == horizon;
    if (terminal || d->timeouts[i]) steps = 0;
  }
}

/* Without next_observations the successor of row i is the observation of row i + 1; that of an
 * episode's last row is unknown, and the row is dropped. The row before it is then its episode's
 * last: cut off there, if the file says that the episode ended. Moves rows down in place. */
static void make_next(mopo_dataset *d)
{
  const row_layout *at = &d->at;
  const size_t W = (size_t)at->width;
  int64_t kept = 0, start = 0; /* start: where the present episode's rows begin, as kept */
  dataset_mark_ends(d);
  for (int64_t i = 0; i < d->N; i++) {
    const float *from = d->rows + (size_t)i * W;
    if (d->ends[i]) {
      bool ended = from[at->done] != 0.0f || d->timeouts[i];
      if (kept > start) {
        d->ends[kept - 1] = 1;
        d->timeouts[kept - 1] = ended;
      }
      start = kept;
      continue;
    }
    float *to = d->rows + (size_t)kept * W;
    memmove(to, from, W * sizeof *to);
    memcpy(to + at->next, from + W, (size_t)at->S * sizeof *to);
    d->ends[kept] = d->timeouts[kept] = 0;
    kept++;
  }
  d->N = kept;
}

/* ------------------------------------------------------------------ the kind of a dataset */

/* NULL: not a kind that we know. */
static const char *kind_of_text(const char *text)
{
  static const char *const kinds[] = {"random", "medium",        "medium-replay",
                                      "expert", "medium-expert", "full-replay"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(text, kinds[i]) == 0) return kinds[i];
  return NULL;
}

/* From a file name: hopper_medium_replay-v2.hdf5, hopper-mixed.hdf5. */
static const char *kind_of_name(const char *name)
{
  static const char *const words[][2] = {
      /* the longer before the shorter that it contains */
      {"mediumexpert", "medium-expert"},
      {"mediumreplay", "medium-replay"},
      {"mixed", "medium-replay"},
      {"fullreplay", "full-replay"},
      {"medium", "medium"},
      {"expert", "expert"},
      {"random", "random"},
  };
  char letters[256];
  size_t n = 0;
  for (; *name && n < sizeof letters - 1; name++)
    if (isalpha((unsigned char)*name)) letters[n++] = (char)tolower((unsigned char)*name);
  letters[n] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(letters, words[i][0])) return words[i][1];
  return "";
}

static mopo_status finish(loader *l, mopo_error *err)
{
  mopo_dataset *d = l->d;
  bool cut = l->has[TIMEOUT] || l->has[INDEX] || l->format == CSV;
  if (!cut) make_timeouts(d, l->task ? l->task->horizon : HORIZON);
  for (int64_t e = 0; e < l->episodes; e++) cut_before(d, l->start[e + 1]);
  if (l->has[NEXT] || l->format == MINARI)
    dataset_mark_ends(d);
  else
    make_next(d);
  if (d->N < 1)
    return error_set(err, MOPO_EDATA,
                     "%s: no next_observations and no two rows of one episode, want at least one "
                     "transition",
                     l->path);
  const char *kind = kind_of_text(l->kind);
  snprintf(d->kind, sizeof d->kind, "%s", kind ? kind : kind_of_name(l->name));
  snprintf(d->name, sizeof d->name, "%s", l->name);
  return MOPO_OK;
}

/* ------------------------------------------------------------------ containers */

static void ask(loader *l, hdf5_array *arrays, format f)
{
  for (role r = 0; r < ROLES; r++) {
    if (!dialects[f][r]) continue;
    l->of[l->n].format = f;
    l->of[l->n].role = r;
    arrays[l->n++] = (hdf5_array){.name = dialects[f][r],
                                  .as = r == KIND        ? 's'
                                        : r <= OBS_STEPS ? 'n'
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

static mopo_status load_csv(loader *l, const char *path, const char *text, const hdf5_sink *sink,
                            mopo_error *err)
{
  hdf5_array arrays[FORMATS * ROLES] = {0};
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
                               const hdf5_sink *sink, mopo_error *err)
{
  hdf5_array arrays[FORMATS * ROLES] = {0};
  bool csv = ends_with(path, ".csv") || (how && how->columns);
  if (csv) return load_csv(l, path, how ? how->columns : NULL, sink, err);
  bool npz = ends_with(path, ".npz");
  ask(l, arrays, D4RL);
  if (npz) l->n--; /* the kind is a text, of which there are none */
  ask(l, arrays, npz ? NEORL : MINARI);
  return npz ? npz_read(path, arrays, l->n, sink, err) : hdf5_read(path, arrays, l->n, sink, err);
}

mopo_status mopo_dataset_import(mopo_dataset **out, const char *path, const mopo_import *how,
                                const mopo_task *task, mopo_error *err)
{
  const char *slash = strrchr(path, '/');
  size_t length = strlen(path);
  loader l = {.path = length > 200 ? path + length - 200 : path,
              .name = slash ? slash + 1 : path,
              .task = task,
              .act_min = -1.0f,
              .act_max = 1.0f};
  hdf5_sink sink = {take_shapes, take_rows, &l};
  *out = NULL;
  if (how && how->action_min != how->action_max) {
    l.act_min = (float)how->action_min;
    l.act_max = (float)how->action_max;
  }
  if (!(l.act_min < l.act_max))
    return error_set(err, MOPO_EINVAL, "action range %g..%g, want the lower bound first",
                     (double)l.act_min, (double)l.act_max);
  mopo_status st = load_arrays(&l, path, how, &sink, err);
  if (!st) st = finish(&l, err);
  free(l.start);
  if (st)
    mopo_dataset_free(l.d);
  else
    *out = l.d;
  return st;
}

mopo_status mopo_dataset_load(mopo_dataset **out, const char *path, const mopo_task *task,
                              mopo_error *err)
{
  return mopo_dataset_import(out, path, NULL, task, err);
}
