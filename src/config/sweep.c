/* sweep.c - from keys with lists of values to units of work: one run for each combination that
 * differs for its algorithm, and one ensemble for all runs that would fit the same. */
#include "config/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ names */

/* "b" of "a/b.hdf5"; of a Minari directory its path from "mujoco/" on would say more, but its last
 * name is what people call it. */
static void stem(char *to, size_t size, const char *path)
{
  const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
  const char *dot = strrchr(file, '.');
  int n = dot && dot > file ? (int)(dot - file) : (int)strlen(file);
  snprintf(to, size, "%.*s", n, file);
}

/* How many earlier values have the same stem? They must not share a directory. */
static int same_stem(const sweep_key *k, int v)
{
  char mine[256], other[256];
  int same = 0;
  stem(mine, sizeof mine, k->value[v]);
  for (int i = 0; i < v; i++) {
    stem(other, sizeof other, k->value[i]);
    same += !strcmp(mine, other);
  }
  return same;
}

static void add_part(char *name, const sweep_key *k, int v)
{
  size_t used = strlen(name);
  char text[256];
  bool path = !strcmp(k->name, "data") || !strcmp(k->name, "model");
  const char *value = k->value[v];
  if (path || strchr(value, '/')) {
    stem(text, sizeof text, value);
    int nth = same_stem(k, v);
    if (nth) snprintf(text + strlen(text), sizeof text - strlen(text), "-%d", nth + 1);
    value = text;
  }
  bool plain = !strcmp(k->name, "data") || !strcmp(k->name, "algo") || !strcmp(k->name, "task");
  snprintf(name + used, SWEEP_NAME - used, "%s%s%s%s", used ? "/" : "", plain ? "" : k->name,
           plain ? "" : "-", value);
}

/* Only what varies is in a name; the seed stands last. */
static void name_unit(const mopo_sweep *s, sweep_unit *u)
{
  for (int last = 0; last < 2; last++)
    for (int i = 0; i < s->keys; i++) {
      const sweep_key *k = &s->key[i];
      if (k->n > 1 && u->choice[i] >= 0 && (strcmp(k->name, "seed") == 0) == (last == 1))
        add_part(u->name, k, u->choice[i]);
    }
  if (!*u->name) snprintf(u->name, sizeof u->name, "run");
}

/* ------------------------------------------------------------------ units */

static mopo_status add_unit(mopo_sweep *s, sweep_unit **out, mopo_error *err)
{
  if (s->units == s->room) {
    int room = s->room ? 2 * s->room : 64;
    sweep_unit *more = realloc(s->unit, (size_t)room * sizeof *more);
    if (!more) return error_set(err, MOPO_ENOMEM, "sweep: no memory for %d runs", room);
    s->unit = more, s->room = room;
  }
  sweep_unit *u = &s->unit[s->units++];
  *u = (sweep_unit){.needs = -1, .config = mopo_config_create()};
  u->choice = malloc((size_t)s->keys * sizeof *u->choice);
  if (!u->config || !u->choice)
    return error_set(err, MOPO_ENOMEM, "sweep: no memory for %d runs", s->units);
  *out = u;
  return MOPO_OK;
}

static void drop_last(mopo_sweep *s)
{
  sweep_unit *u = &s->unit[--s->units];
  mopo_config_free(u->config);
  free(u->choice);
}

/* Where no task is given, the name of the data must name one. */
static mopo_status choose_task(sweep_unit *u, mopo_error *err)
{
  char task[256], data[1100], name[256];
  mopo_config_get(u->config, "task", task, sizeof task);
  if (*task) return MOPO_OK;
  mopo_config_get(u->config, "data", data, sizeof data);
  stem(name, sizeof name, data);
  const mopo_task *t = mopo_task_find(name);
  if (!t)
    return error_set(err, MOPO_EINVAL, "data = %s names no task, want a key task = ...", data);
  return mopo_config_set(u->config, "task", mopo_task_facts_of(t)->name, err);
}

static mopo_status set_choice(const mopo_sweep *s, sweep_unit *u, int i, mopo_error *err)
{
  return mopo_config_set(u->config, s->key[i].name, s->key[i].value[u->choice[i]], err);
}

/* The algorithm first: what it does not read is not set, and its values make one run. */
static mopo_status settle(const mopo_sweep *s, sweep_unit *u, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; st == MOPO_OK && i < s->keys; i++)
    if (!strcmp(s->key[i].name, "algo")) st = set_choice(s, u, i, err);
  for (int i = 0; st == MOPO_OK && i < s->keys; i++) {
    if (!mopo_config_uses(u->config, s->key[i].setting))
      u->choice[i] = -1;
    else
      st = set_choice(s, u, i, err);
  }
  /* Runs side by side beat threads within one; they do not change the bits. */
  if (st == MOPO_OK && !mopo_config_is_set(u->config, "threads"))
    st = mopo_config_set(u->config, "threads", "1", err);
  return st == MOPO_OK ? choose_task(u, err) : st;
}

static mopo_status add_run(mopo_sweep *s, const int *choice, mopo_error *err)
{
  sweep_unit *u = NULL;
  mopo_status st = add_unit(s, &u, err);
  if (st != MOPO_OK) return st;
  memcpy(u->choice, choice, (size_t)s->keys * sizeof *choice);
  if ((st = settle(s, u, err)) != MOPO_OK) return st;
  for (int i = 0; i < s->keys; i++)
    if (u->choice[i] < 0 && choice[i] > 0) { /* not read: its first value stands for all */
      drop_last(s);
      return MOPO_OK;
    }
  name_unit(s, u);
  return MOPO_OK;
}

/* Before memory and time are taken for them. */
static mopo_status check_size(const mopo_sweep *s, mopo_error *err)
{
  double n = 1;
  for (int i = 0; i < s->keys; i++) n *= s->key[i].n;
  if (n <= SWEEP_UNITS) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "sweep: %.0f combinations, want at most %d", n, SWEEP_UNITS);
}

/* Every combination, the last key fastest. */
static mopo_status add_runs(mopo_sweep *s, mopo_error *err)
{
  int choice[SWEEP_KEYS] = {0};
  for (;;) {
    mopo_status st = add_run(s, choice, err);
    if (st != MOPO_OK) return st;
    int i = s->keys - 1;
    while (i >= 0 && ++choice[i] == s->key[i].n) choice[i--] = 0;
    if (i < 0) return MOPO_OK;
  }
}

static mopo_status check_read(const mopo_sweep *s, mopo_error *err)
{
  for (int i = 0; i < s->keys; i++) {
    bool read = false;
    for (int u = 0; u < s->units; u++) read = read || s->unit[u].choice[i] >= 0;
    if (!read)
      return error_set(err, MOPO_EINVAL, "%s: no algorithm of this sweep reads it", s->key[i].name);
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ ensembles */

static bool of_model(const sweep_key *k)
{
  return mopo_setting_read_by(k->setting, "model") && strcmp(k->name, "out") != 0;
}

static bool fits_one(const sweep_unit *u)
{
  const mopo_setting *given = NULL;
  char model[1100];
  for (int i = 0; (given = mopo_setting_at(i)) && strcmp(mopo_setting_name(given), "model") != 0;)
    i++;
  mopo_config_get(u->config, "model", model, sizeof model);
  return given && mopo_config_uses(u->config, given) && !*model;
}

/* Would both fit the same ensemble? */
static bool same_model(const mopo_sweep *s, const sweep_unit *a, const sweep_unit *b)
{
  for (int i = 0; i < s->keys; i++)
    if (of_model(&s->key[i]) && a->choice[i] != b->choice[i]) return false;
  return true;
}

static mopo_status add_model(mopo_sweep *s, int run, mopo_error *err)
{
  sweep_unit *m = NULL;
  mopo_status st = add_unit(s, &m, err);
  if (st != MOPO_OK) return st;
  const sweep_unit *u = &s->unit[run];
  m->model = true;
  for (int i = 0; i < s->keys; i++) m->choice[i] = of_model(&s->key[i]) ? u->choice[i] : -1;
  for (int i = 0; st == MOPO_OK && i < s->keys; i++)
    if (m->choice[i] >= 0) st = set_choice(s, m, i, err);
  char task[256];
  mopo_config_get(u->config, "task", task, sizeof task);
  if (st == MOPO_OK) st = mopo_config_set(m->config, "task", task, err);
  char threads[32];
  mopo_config_get(u->config, "threads", threads, sizeof threads);
  if (st == MOPO_OK) st = mopo_config_set(m->config, "threads", threads, err);
  snprintf(m->name, sizeof m->name, "models");
  name_unit(s, m);
  if (strcmp(m->name, "models") == 0) snprintf(m->name, sizeof m->name, "models/model");
  s->models++;
  return st;
}

/* One for every group of at least two runs that would fit the same; a run alone fits its own. */
static mopo_status add_models(mopo_sweep *s, mopo_error *err)
{
  int runs = s->units;
  for (int i = 0; i < runs; i++) {
    if (s->unit[i].needs >= 0 || !fits_one(&s->unit[i])) continue;
    bool shared = false;
    for (int j = i + 1; j < runs; j++)
      if (fits_one(&s->unit[j]) && same_model(s, &s->unit[i], &s->unit[j])) {
        s->unit[j].needs = s->units;
        shared = true;
      }
    if (!shared) continue;
    s->unit[i].needs = s->units;
    mopo_status st = add_model(s, i, err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

/* Ensembles to the front, and where everything goes. */
static mopo_status place(mopo_sweep *s, const char *dir, mopo_error *err)
{
  int runs = s->units - s->models;
  sweep_unit *sorted = malloc((size_t)s->room * sizeof *sorted);
  if (!sorted) return error_set(err, MOPO_ENOMEM, "sweep: no memory");
  memcpy(sorted, s->unit + runs, (size_t)s->models * sizeof *sorted);
  memcpy(sorted + s->models, s->unit, (size_t)runs * sizeof *sorted);
  free(s->unit);
  s->unit = sorted;
  for (int i = 0; i < s->units; i++) {
    sweep_unit *u = &s->unit[i];
    char path[SWEEP_NAME + 1100];
    snprintf(path, sizeof path, "%s/%s%s", dir, u->name, u->model ? ".safetensors" : "");
    mopo_status st = mopo_config_set(u->config, "out", path, err);
    if (st != MOPO_OK) return st;
    if (u->needs < 0) continue;
    u->needs -= runs;
    char model[1100];
    mopo_config_get(s->unit[u->needs].config, "out", model, sizeof model);
    if ((st = mopo_config_set(u->config, "model", model, err)) != MOPO_OK) return st;
  }
  return MOPO_OK;
}

mopo_status sweep_expand(mopo_sweep *s, const char *dir, mopo_error *err)
{
  bool has_data = false;
  for (int i = 0; i < s->keys; i++) has_data = has_data || !strcmp(s->key[i].name, "data");
  if (!has_data) return error_set(err, MOPO_EINVAL, "sweep: want a key data = FILE, ...");
  mopo_status st = check_size(s, err);
  if (st == MOPO_OK) st = add_runs(s, err);
  if (st == MOPO_OK) st = check_read(s, err);
  if (st == MOPO_OK) st = add_models(s, err);
  return st == MOPO_OK ? place(s, dir, err) : st;
}

/* ------------------------------------------------------------------ public */

mopo_status mopo_sweep_load(mopo_sweep **out, const char *path, const char *dir, mopo_error *err)
{
  *out = NULL;
  mopo_sweep *s = calloc(1, sizeof *s);
  if (!s) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  mopo_status st = sweep_read(s, path, err);
  if (st == MOPO_OK) st = sweep_expand(s, dir, err);
  if (st == MOPO_OK)
    *out = s;
  else
    mopo_sweep_free(s);
  return st;
}

static void free_keys(sweep_key *key, int n)
{
  for (int i = 0; i < n; i++) {
    for (int v = 0; v < key[i].n; v++) free(key[i].value[v]);
    free(key[i].value);
    free(key[i].name);
  }
}

void mopo_sweep_free(mopo_sweep *s)
{
  if (!s) return;
  free_keys(s->key, s->keys);
  free_keys(s->option, s->options);
  while (s->units) drop_last(s);
  free(s->unit);
  free(s);
}

bool mopo_sweep_unit_at(mopo_sweep_unit *out, const mopo_sweep *s, int i)
{
  if (i < 0 || i >= s->units) return false;
  const sweep_unit *u = &s->unit[i];
  *out =
      (mopo_sweep_unit){.name = u->name, .config = u->config, .model = u->model, .needs = u->needs};
  return true;
}

const char *mopo_sweep_key(const mopo_sweep *s, int i)
{
  for (int k = 0; k < s->keys; k++)
    if (s->key[k].n > 1 && i-- == 0) return s->key[k].name;
  return NULL;
}

const char *mopo_sweep_option(const mopo_sweep *s, int i, const char **value)
{
  if (i < 0 || i >= s->options) return NULL;
  *value = s->option[i].value[0];
  return s->option[i].name;
}
