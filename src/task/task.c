/* task.c - tasks by name, tasks of the caller's, and the scores of either. */
#include "task/task.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "io/file.h"

/* ------------------------------------------------------------------ by name */

/* What is left of text after name, compared without case and underscores; NULL: another name. */
static const char *after_name(const char *text, const char *name)
{
  for (; *name; text++) {
    if (*text == '_') continue;
    if (tolower((unsigned char)*text) != *name) return NULL;
    name++;
  }
  return text;
}

/* Is text one of the endings of a dataset's or environment's id: "", "-medium-replay-v2", "-v4"? */
static bool is_ending(const char *text)
{
  static const char *const words[] = {"random", "medium", "expert", "replay", "full", "simple"};
  while (*text == '-') {
    const char *word = text + 1;
    size_t n = strcspn(word, "-");
    bool known =
        n > 1 && tolower((unsigned char)word[0]) == 'v' && strspn(word + 1, "0123456789") == n - 1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
      known = known || (n == strlen(words[i]) && after_name(word, words[i]) == word + n);
    if (!known) return false;
    text = word + n;
  }
  return *text == '\0';
}

const mopo_task *mopo_task_find(const char *name)
{
  if (!name) return NULL;
  if (strcmp(name, task_none()->facts.name) == 0) return task_none();
  for (int i = 0; task_row(i); i++) {
    const char *rest = after_name(name, task_row(i)->facts.name);
    if (rest && is_ending(rest)) return task_row(i);
  }
  return NULL;
}

size_t mopo_task_names(char *buf, size_t size)
{
  size_t n = 0;
  for (int i = 0; mopo_task_at(i); i++)
    n += (size_t)snprintf(n < size ? buf + n : NULL, n < size ? size - n : 0, "%s%s", i ? ", " : "",
                          mopo_task_at(i)->facts.name);
  return n;
}

/* Does it look like one, or is there one? */
static bool is_path(const char *text) { return strpbrk(text, "/.") || file_exists(text); }

mopo_status mopo_task_load(mopo_task **out, const char *name_or_path, mopo_error *err)
{
  const mopo_task *known = mopo_task_find(name_or_path);
  *out = (mopo_task *)known; /* mopo_task_free leaves it alone, and nothing else can change it */
  if (known) return MOPO_OK;
  if (is_path(name_or_path)) return task_read(out, name_or_path, err);
  return task_unknown(name_or_path, ", none, or a task file", err);
}

mopo_status task_unknown(const char *name, const char *more, mopo_error *err)
{
  char names[256];
  mopo_task_names(names, sizeof names);
  return error_set(err, MOPO_EINVAL, "task = '%.100s', want one of %s%s", name, names, more);
}

/* ------------------------------------------------------------------ of the caller's */

enum { NAME_SIZE = 64, MAX_DIM = 1 << 20 }; /* a name fits the setting `task`, with its zero */

static mopo_status check_facts(const mopo_task_facts *f, mopo_error *err)
{
  const char *name = f->name ? f->name : "";
  if (!*name || strlen(name) >= NAME_SIZE)
    return error_set(err, MOPO_EINVAL, "task: name '%.80s', want 1 to %d letters", name,
                     NAME_SIZE - 1);
  if (mopo_task_find(name))
    return error_set(err, MOPO_EINVAL, "task: name '%s' is that of a built-in task, want another",
                     name);
  if (f->obs_dim < 1 || f->obs_dim > MAX_DIM)
    return error_set(err, MOPO_EINVAL, "task %s: obs_dim = %d, want 1 to %d", name, f->obs_dim,
                     MAX_DIM);
  if (f->act_dim < 1 || f->act_dim > MAX_DIM)
    return error_set(err, MOPO_EINVAL, "task %s: act_dim = %d, want 1 to %d", name, f->act_dim,
                     MAX_DIM);
  if (f->horizon < 0)
    return error_set(err, MOPO_EINVAL, "task %s: horizon = %d, want 1 or more steps, or 0: %d",
                     name, f->horizon, TASK_HORIZON);
  if (!(f->dt >= 0 && isfinite(f->dt)))
    return error_set(err, MOPO_EINVAL, "task %s: dt = %g, want seconds, or 0: not known", name,
                     f->dt);
  bool none = (isnan(f->score_min) && isnan(f->score_max)) || f->score_min == f->score_max;
  if (!none && !(f->score_min < f->score_max && isfinite(f->score_max - f->score_min)))
    return error_set(err, MOPO_EINVAL, "task %s: score_min = %g, score_max = %g, want min < max",
                     name, f->score_min, f->score_max);
  return MOPO_OK;
}

static mopo_status check_names(const char *const *names, int n, const char *field, const char *task,
                               mopo_error *err)
{
  for (int i = 0; names && i < n; i++)
    if (!names[i] || !*names[i])
      return error_set(err, MOPO_EINVAL, "task %s: %s[%d] is empty, want a name", task, field, i);
  return MOPO_OK;
}

static const char *copy_text(const char *text, arena *a)
{
  char *copy = arena_bytes(a, strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

static const char *const *copy_names(const char *const *names, int n, arena *a)
{
  if (!names) return NULL;
  const char **copy = arena_bytes(a, (size_t)n * sizeof *copy);
  for (int i = 0; i < n; i++) {
    const char *text = copy_text(names[i], a);
    if (copy) copy[i] = text;
  }
  return copy;
}

/* What the facts point to, in one block. */
static void copy_pointed(mopo_task_facts *to, const mopo_task_facts *from, arena *a)
{
  to->name = copy_text(from->name, a);
  to->obs_names = copy_names(from->obs_names, from->obs_dim, a);
  to->act_names = copy_names(from->act_names, from->act_dim, a);
}

mopo_status mopo_task_create(mopo_task **out, const mopo_task_facts *facts, mopo_error *err)
{
  mopo_task_facts f = {0};
  *out = NULL;
  if (facts->size < offsetof(mopo_task_facts, ctx) + sizeof facts->ctx)
    return error_set(err, MOPO_EINVAL, "task: size = %zu, want sizeof(mopo_task_facts) = %zu",
                     facts->size, sizeof f);
  memcpy(&f, facts, facts->size < sizeof f ? facts->size : sizeof f);
  mopo_status st = check_facts(&f, err);
  if (st == MOPO_OK) st = check_names(f.obs_names, f.obs_dim, "obs_names", f.name, err);
  if (st == MOPO_OK) st = check_names(f.act_names, f.act_dim, "act_names", f.name, err);
  if (st != MOPO_OK) return st;

  mopo_task *t = calloc(1, sizeof *t);
  arena memory = {0};
  mopo_task_facts measure;
  copy_pointed(&measure, &f, &memory);
  if (!t || !arena_alloc(&memory)) {
    free(t);
    return error_set(err, MOPO_ENOMEM, "task %s: no memory", f.name);
  }
  t->facts = f;
  t->facts.size = sizeof f;
  copy_pointed(&t->facts, &f, &memory);
  if (!f.horizon) t->facts.horizon = TASK_HORIZON;
  if (f.score_min == f.score_max) t->facts.score_min = t->facts.score_max = NAN;
  t->memory = memory.base;
  *out = t;
  return MOPO_OK;
}

void mopo_task_free(mopo_task *task)
{
  if (!task || !task->memory) return; /* built in */
  free(task->rules_memory);
  free(task->memory);
  free(task);
}

const mopo_task_facts *mopo_task_facts_of(const mopo_task *task) { return &task->facts; }

/* ------------------------------------------------------------------ scores */

double mopo_task_score(const mopo_task *task, double ret)
{
  const mopo_task_facts *f = &task->facts;
  return 100 * (ret - f->score_min) / (f->score_max - f->score_min);
}

double mopo_task_score_std(const mopo_task *task, double std)
{
  return 100 * std / (task->facts.score_max - task->facts.score_min);
}
