/* file.c - a task from a file: [task], then name = value (docs/formats.md). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/guess.h"
#include "base/number.h"
#include "io/file.h"
#include "io/ini.h"
#include "task/expression.h"
#include "task/task.h"

enum { FILE_MAX = 1 << 16, ENTRIES = 256, COLUMNS = 512, HISTORY = 64 };

enum key {
  NAME,
  OBSERVATIONS,
  ACTIONS,
  HORIZON,
  PERIOD,
  TERMINAL,
  REWARD,
  LIMIT,
  HISTORY_KEY,
  COLUMNS_KEY,
  KEYS
};

static const char *const keys[KEYS] = {"name",     "observations", "actions", "horizon", "period",
                                       "terminal", "reward",       "limit",   "history", "columns"};

typedef struct entry {
  char *name, *value;
  int line;
  bool used;
} entry;

/* Everything the file says, before it is one block. */
typedef struct draft {
  const char *path;
  entry entries[ENTRIES];
  int n;
  char *obs_text, *act_text; /* copies, cut into names */
  const char *obs[COLUMNS], *act[COLUMNS];
  double ranges[COLUMNS][2];
  bool is_switch[COLUMNS];
  task_rules rules;
  mopo_task_facts facts;
} draft;

/* ------------------------------------------------------------------ keys and values */

static mopo_status take(void *ctx, const char *section, const char *name, const char *value,
                        int line, mopo_error *err)
{
  draft *d = ctx;
  if (strcmp(section, "task") != 0)
    return error_set(err, MOPO_EFORMAT, "'%.64s' is in section [%.32s], want [task]", name,
                     section);
  for (int i = 0; i < d->n; i++)
    if (!strcmp(d->entries[i].name, name))
      return error_set(err, MOPO_EFORMAT, "'%.64s' is given twice, first in line %d", name,
                       d->entries[i].line);
  if (d->n == ENTRIES) return error_set(err, MOPO_EFORMAT, "more than %d keys", ENTRIES);
  entry *e = &d->entries[d->n];
  *e = (entry){strdup(name), strdup(value), line, false};
  if (e->name && e->value) {
    d->n++;
    return MOPO_OK;
  }
  free(e->name);
  free(e->value);
  return error_set(err, MOPO_ENOMEM, "no memory");
}

static entry *find(draft *d, const char *name)
{
  for (int i = 0; i < d->n; i++)
    if (!strcmp(d->entries[i].name, name)) return &d->entries[i];
  return NULL;
}

static entry *use(draft *d, enum key k)
{
  entry *e = find(d, keys[k]);
  if (e) e->used = true;
  return e;
}

static bool is_key(const char *name)
{
  for (int k = 0; k < KEYS; k++)
    if (!strcmp(keys[k], name)) return true;
  return false;
}

static char *trim(char *text)
{
  while (isspace((unsigned char)*text)) text++;
  char *end = text + strlen(text);
  while (end > text && isspace((unsigned char)end[-1])) *--end = '\0';
  return text;
}

/* The names of "a, b, c"; text is cut up. */
static mopo_status read_names(const char **names, int *n, char *text, const draft *d,
                              const entry *e, mopo_error *err)
{
  *n = 0;
  for (char *rest = text, *part; (part = strsep(&rest, ",")) != NULL;) {
    part = trim(part);
    if (!*part)
      return error_set(err, MOPO_EFORMAT, "%s:%d: %s: a name between commas is empty", d->path,
                       e->line, e->name);
    if (*n == COLUMNS)
      return error_set(err, MOPO_EFORMAT, "%s:%d: %s: more than %d columns", d->path, e->line,
                       e->name, COLUMNS);
    for (int i = 0; i < *n; i++)
      if (!strcmp(names[i], part))
        return error_set(err, MOPO_EFORMAT, "%s:%d: %s: '%.64s' is there twice", d->path, e->line,
                         e->name, part);
    names[(*n)++] = part;
  }
  return MOPO_OK;
}

static mopo_status read_columns(draft *d, mopo_error *err)
{
  const entry *obs = use(d, OBSERVATIONS), *act = use(d, ACTIONS);
  if (!obs || !act)
    return error_set(err, MOPO_EFORMAT, "%s: no '%s', want the names of columns, \"a, b\"", d->path,
                     keys[obs ? ACTIONS : OBSERVATIONS]);
  d->obs_text = strdup(obs->value), d->act_text = strdup(act->value);
  if (!d->obs_text || !d->act_text) return error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  mopo_status st = read_names(d->obs, &d->rules.S, d->obs_text, d, obs, err);
  if (st == MOPO_OK) st = read_names(d->act, &d->rules.A, d->act_text, d, act, err);
  for (int i = 0; st == MOPO_OK && i < d->rules.A; i++) {
    if (is_key(d->act[i]))
      st = error_set(err, MOPO_EFORMAT,
                     "%s:%d: actions: '%s' is a key of this file, want another name of the column",
                     d->path, act->line, d->act[i]);
    for (int k = 0; st == MOPO_OK && k < d->rules.S; k++)
      if (!strcmp(d->act[i], d->obs[k]))
        st = error_set(err, MOPO_EFORMAT, "%s:%d: actions: '%.64s' is an observation too", d->path,
                       act->line, d->act[i]);
  }
  return st;
}

static bool whole_number(double *x, const char *text)
{
  char *end;
  *x = number_parse(text, &end);
  return *text && *end == '\0' && *x - *x == 0.0;
}

/* "0 .. 100", "off, on" or "3, 7". */
static mopo_status read_range(draft *d, int action, const entry *e, mopo_error *err)
{
  char text[INI_VALUE];
  snprintf(text, sizeof text, "%s", e->value);
  double *range = d->ranges[action];
  char *dots = strstr(text, ".."), *comma = strchr(text, ',');
  bool ok = false;
  if (dots) {
    *dots = '\0';
    ok = whole_number(&range[0], trim(text)) && whole_number(&range[1], trim(dots + 2));
  } else if (comma) {
    *comma = '\0';
    d->is_switch[action] = true;
    const char *low = trim(text), *high = trim(comma + 1);
    bool words = !whole_number(&range[0], low) && !whole_number(&range[1], high);
    if (words) range[0] = 0.0, range[1] = 1.0;
    ok = *low && *high && !strchr(high, ',') &&
         (words || (whole_number(&range[0], low) && whole_number(&range[1], high)));
  }
  if (ok && range[0] < range[1]) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT,
                   "%s:%d: %s = %.64s, want LOW .. HIGH, or a switch: OFF, ON (0 and 1 in the log) "
                   "or LOW, HIGH",
                   d->path, e->line, e->name, e->value);
}

static mopo_status read_ranges(draft *d, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < d->rules.A; i++) {
    entry *e = find(d, d->act[i]);
    d->ranges[i][0] = -1.0, d->ranges[i][1] = 1.0;
    if (!e) continue;
    e->used = d->rules.ranged = true;
    st = read_range(d, i, e, err);
  }
  return st;
}

/* A number of the file, or `otherwise`. */
static mopo_status read_number(double *x, draft *d, enum key k, double otherwise, double least,
                               double most, mopo_error *err)
{
  const entry *e = use(d, k);
  *x = otherwise;
  if (!e) return MOPO_OK;
  bool whole = k != PERIOD;
  if (whole_number(x, e->value) && *x >= least && *x <= most && (!whole || *x == (double)(int)*x))
    return MOPO_OK;
  if (k == PERIOD)
    return error_set(err, MOPO_EFORMAT, "%s:%d: %s = %.64s, want seconds a step", d->path, e->line,
                     e->name, e->value);
  return error_set(err, MOPO_EFORMAT, "%s:%d: %s = %.64s, want a whole number, %g to %g", d->path,
                   e->line, e->name, e->value, least, most);
}

static mopo_status read_numbers(draft *d, mopo_error *err)
{
  double horizon, period, history;
  mopo_status st = read_number(&horizon, d, HORIZON, TASK_HORIZON, 1, 1e9, err);
  if (st == MOPO_OK) st = read_number(&period, d, PERIOD, 0, 1e-9, 1e9, err);
  if (st == MOPO_OK) st = read_number(&history, d, HISTORY_KEY, 1, 1, HISTORY, err);
  if (st != MOPO_OK) return st;
  d->facts.horizon = (int)horizon, d->facts.dt = period, d->rules.history = (int)history;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ rules */

/* Is the expression one? It is read again where it is used. */
static mopo_status check_rule(const char **text, int *line, draft *d, enum key k, mopo_error *err)
{
  const entry *e = use(d, k);
  if (!e) return MOPO_OK;
  mopo_error why;
  expression *x = NULL;
  expression_names names = {d->obs, d->act, d->rules.S, d->rules.A, k != REWARD};
  double *values = calloc(2 * (size_t)d->rules.S + (size_t)d->rules.A, sizeof *values);
  mopo_status st = values ? expression_create(&x, e->value, &names, values, &why)
                          : error_set(&why, MOPO_ENOMEM, "no memory");
  expression_free(x);
  free(values);
  *text = e->value, *line = e->line;
  if (st == MOPO_OK) return st;
  return error_set(err, st == MOPO_ENOMEM ? st : MOPO_EFORMAT, "%s:%d: %s: %s", d->path, e->line,
                   e->name, why.msg);
}

static mopo_status check_unused(const draft *d, mopo_error *err)
{
  char like[GUESS_SIZE];
  for (int i = 0; i < d->n; i++) {
    const entry *e = &d->entries[i];
    if (e->used) continue;
    for (int k = 0; k < d->rules.S; k++)
      if (!strcmp(d->obs[k], e->name))
        return error_set(err, MOPO_EFORMAT,
                         "%s:%d: '%.64s' is an observation, want a range of an action only",
                         d->path, e->line, e->name);
    guess near = {.wanted = e->name};
    for (int k = 0; k < KEYS; k++) guess_try(&near, keys[k]);
    for (int k = 0; k < d->rules.A; k++) guess_try(&near, d->act[k]);
    return error_set(err, MOPO_EFORMAT, "%s:%d: '%.64s' is neither a key nor an action%s", d->path,
                     e->line, e->name, guess_text(like, &near));
  }
  return MOPO_OK;
}

static mopo_status interpret(draft *d, mopo_error *err)
{
  const entry *name = use(d, NAME), *columns = use(d, COLUMNS_KEY);
  if (!name) return error_set(err, MOPO_EFORMAT, "%s: no 'name', want that of the task", d->path);
  d->facts.name = name->value;
  d->rules.columns = columns ? columns->value : NULL;
  mopo_status st = read_columns(d, err);
  if (st == MOPO_OK) st = read_ranges(d, err);
  if (st == MOPO_OK) st = read_numbers(d, err);
  task_rules *r = &d->rules;
  if (st == MOPO_OK) st = check_rule(&r->terminal, &r->terminal_line, d, TERMINAL, err);
  if (st == MOPO_OK) st = check_rule(&r->reward, &r->reward_line, d, REWARD, err);
  if (st == MOPO_OK) st = check_rule(&r->limit, &r->limit_line, d, LIMIT, err);
  return st == MOPO_OK ? check_unused(d, err) : st;
}

/* ------------------------------------------------------------------ one block */

static const char *copy_text(const char *text, arena *a)
{
  if (!text) return NULL;
  char *copy = arena_bytes(a, strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

static const char *const *copy_names(const char *const *names, int n, arena *a)
{
  const char **copy = arena_bytes(a, (size_t)n * sizeof *copy);
  for (int i = 0; i < n; i++) {
    const char *text = copy_text(names[i], a);
    if (copy) copy[i] = text;
  }
  return copy;
}

static void *copy_bytes(const void *bytes, size_t n, arena *a)
{
  void *copy = arena_bytes(a, n);
  return copy ? memcpy(copy, bytes, n) : NULL;
}

static task_rules *place(const draft *d, const char *text, size_t bytes, arena *a)
{
  task_rules r = d->rules, *to = arena_bytes(a, sizeof r);
  size_t A = (size_t)r.A;
  r.obs = copy_names(d->obs, r.S, a), r.act = copy_names(d->act, r.A, a);
  r.ranges = copy_bytes(d->ranges, A * sizeof d->ranges[0], a);
  r.is_switch = copy_bytes(d->is_switch, A * sizeof d->is_switch[0], a);
  r.terminal = copy_text(r.terminal, a), r.reward = copy_text(r.reward, a);
  r.limit = copy_text(r.limit, a), r.columns = copy_text(r.columns, a);
  r.name = copy_text(d->path, a);
  r.text = copy_bytes(text, bytes, a), r.bytes = bytes;
  if (to) *to = r;
  return to;
}

/* Names of what the policy observes: "level", "level@-1", "pump@-1", ... */
static void name_history(const char **names, char (*room)[96], const draft *d)
{
  const task_rules *r = &d->rules;
  int n = 0;
  for (int ago = 0; ago < r->history; ago++)
    for (int k = 0; k < r->S + (ago ? r->A : 0); k++, n++) {
      const char *column = k < r->S ? d->obs[k] : d->act[k - r->S];
      if (ago)
        snprintf(room[n], sizeof room[n], "%.80s@-%d", column, ago);
      else
        snprintf(room[n], sizeof room[n], "%.90s", column);
      names[n] = room[n];
    }
}

static mopo_status make(mopo_task **out, draft *d, const char *text, size_t bytes, mopo_error *err)
{
  const task_rules *r = &d->rules;
  mopo_task_facts *f = &d->facts;
  size_t n = (size_t)r->history * (size_t)r->S + (size_t)(r->history - 1) * (size_t)r->A;
  const char **names = malloc(n * sizeof *names);
  char(*room)[96] = malloc(n * sizeof *room);
  arena memory = {0};
  place(d, text, bytes, &memory);
  mopo_status st = MOPO_OK;
  mopo_task *t = NULL;
  if (!names || !room || !arena_alloc(&memory)) {
    st = error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  } else {
    mopo_error why;
    name_history(names, room, d);
    f->size = sizeof *f;
    f->obs_dim = (int)n, f->act_dim = r->A;
    f->obs_names = names, f->act_names = d->act;
    st = mopo_task_create(&t, f, &why);
    if (st != MOPO_OK)
      st = error_set(err, st == MOPO_EINVAL ? MOPO_EFORMAT : st, "%s: %s", d->path, why.msg);
  }
  free(names);
  free(room);
  if (st != MOPO_OK) {
    free(memory.base);
    return st;
  }
  t->rules = place(d, text, bytes, &memory);
  t->rules_memory = memory.base;
  *out = t;
  return MOPO_OK;
}

mopo_status task_parse(mopo_task **out, const char *text, size_t n, const char *path,
                       mopo_error *err)
{
  *out = NULL;
  draft *d = calloc(1, sizeof *d);
  if (!d) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  d->path = path;
  mopo_status st = ini_read(text, n, path, take, d, err);
  if (st == MOPO_OK) st = interpret(d, err);
  if (st == MOPO_OK) st = make(out, d, text, n, err);
  for (int i = 0; i < d->n; i++) {
    free(d->entries[i].name);
    free(d->entries[i].value);
  }
  free(d->obs_text);
  free(d->act_text);
  free(d);
  return st;
}

mopo_status task_read(mopo_task **out, const char *path, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0;
  *out = NULL;
  mopo_status st = file_read(&text, &n, path, FILE_MAX, err);
  if (st == MOPO_OK) st = task_parse(out, text, n, path, err);
  free(text);
  return st;
}
