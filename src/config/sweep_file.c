/* sweep_file.c - a sweep file: its keys, their lists of values, and back to text. */
#include "config/sweep.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "io/buffer.h"
#include "io/file.h"
#include "io/ini.h"

/* ------------------------------------------------------------------ values */

static mopo_status add_value(sweep_key *k, const char *text, size_t n, mopo_error *err)
{
  if (k->n == SWEEP_VALUES)
    return error_set(err, MOPO_EINVAL, "%s: more than %d values", k->name, SWEEP_VALUES);
  char **more = realloc(k->value, ((size_t)k->n + 1) * sizeof *more);
  char *copy = more ? strndup(text, n) : NULL;
  if (more) k->value = more;
  if (!copy) return error_set(err, MOPO_ENOMEM, "%s: no memory", k->name);
  for (int i = 0; i < k->n; i++)
    if (!strcmp(k->value[i], copy)) {
      free(copy);
      return error_set(err, MOPO_EINVAL, "%s: '%s' is given twice", k->name, k->value[i]);
    }
  k->value[k->n++] = copy;
  return MOPO_OK;
}

/* Is text "a .. b", two whole numbers? */
static bool is_range(const char *text, size_t n, long long *a, long long *b)
{
  char *end = NULL;
  *a = strtoll(text, &end, 10);
  const char *dots = end + strspn(end, " ");
  if (end == text || strncmp(dots, "..", 2) != 0) return false;
  *b = strtoll(dots + 2, &end, 10);
  return end > dots + 2 && end == text + n;
}

static mopo_status add_range(sweep_key *k, long long a, long long b, mopo_error *err)
{
  if (b < a || b - a >= SWEEP_VALUES)
    return error_set(err, MOPO_EINVAL, "%s = %lld .. %lld, want first .. last, at most %d values",
                     k->name, a, b, SWEEP_VALUES);
  for (long long x = a; x <= b; x++) {
    char number[32];
    int n = snprintf(number, sizeof number, "%lld", x);
    mopo_status st = add_value(k, number, (size_t)n, err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

/* "a, b, 0 .. 4". */
static mopo_status read_list(sweep_key *k, const char *text, mopo_error *err)
{
  for (const char *p = text;; p++) {
    long long a = 0, b = 0;
    while (isspace((unsigned char)*p)) p++;
    size_t n = strcspn(p, ","), trimmed = n;
    while (trimmed && isspace((unsigned char)p[trimmed - 1])) trimmed--;
    if (!trimmed) return error_set(err, MOPO_EINVAL, "%s = '%.80s': an empty value", k->name, text);
    mopo_status st =
        is_range(p, trimmed, &a, &b) ? add_range(k, a, b, err) : add_value(k, p, trimmed, err);
    if (st != MOPO_OK) return st;
    p += n;
    if (!*p) return MOPO_OK;
  }
}

/* Every value must be one that the setting takes. Data, models and task files become absolute: the
 * units may be made from anywhere. */
static mopo_status check_values(sweep_key *k, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  bool path = !strcmp(k->name, "data") || !strcmp(k->name, "model");
  bool maybe = !strcmp(k->name, "task"); /* a name, or a file */
  mopo_config *scratch = mopo_config_create();
  if (!scratch) return error_set(err, MOPO_ENOMEM, "%s: no memory", k->name);
  for (int i = 0; st == MOPO_OK && i < k->n; i++) {
    char *full = path || maybe ? realpath(k->value[i], NULL) : NULL;
    if (path && !full) st = error_set(err, MOPO_EIO, "%s: there is no such file", k->value[i]);
    if (full) free(k->value[i]), k->value[i] = full;
    if (st == MOPO_OK) st = mopo_config_set(scratch, k->name, k->value[i], err);
  }
  mopo_config_free(scratch);
  return st;
}

/* ------------------------------------------------------------------ keys */

static mopo_status new_key(sweep_key *list, int *n, const char *name, mopo_error *err)
{
  for (int i = 0; i < *n; i++)
    if (!strcmp(list[i].name, name))
      return error_set(err, MOPO_EINVAL, "'%s' is given twice", name);
  if (*n == SWEEP_KEYS) return error_set(err, MOPO_EINVAL, "more than %d keys", SWEEP_KEYS);
  list[*n].name = strdup(name);
  if (!list[*n].name) return error_set(err, MOPO_ENOMEM, "sweep: no memory");
  ++*n;
  return MOPO_OK;
}

static const mopo_setting *setting_of(const char *name)
{
  const mopo_setting *s;
  for (int i = 0; (s = mopo_setting_at(i)); i++)
    if (!strcmp(mopo_setting_name(s), name)) return s;
  return NULL;
}

static mopo_status take_setting(mopo_sweep *s, const char *key, const char *value, mopo_error *err)
{
  const mopo_setting *setting = setting_of(key);
  if (!setting)
    return error_set(err, MOPO_EINVAL, "unknown setting '%.64s', did you mean '%s'?", key,
                     config_nearest(key));
  if (!mopo_setting_read_by(setting, "train") || !strcmp(key, "out"))
    return error_set(err, MOPO_EINVAL, "%s: %s", key,
                     !strcmp(key, "out") ? "a sweep names its runs itself"
                                         : "not a setting of training");
  mopo_status st = new_key(s->key, &s->keys, key, err);
  if (st != MOPO_OK) return st;
  sweep_key *k = &s->key[s->keys - 1];
  k->setting = setting;
  if ((st = read_list(k, value, err)) != MOPO_OK) return st;
  return check_values(k, err);
}

/* An option of sbatch, without its dashes; what it may be is for sbatch to say. */
static mopo_status take_option(mopo_sweep *s, const char *key, const char *value, mopo_error *err)
{
  if (key[strspn(key, "abcdefghijklmnopqrstuvwxyz-")])
    return error_set(err, MOPO_EINVAL, "'%.64s' is no option of sbatch", key);
  static const char *const ours[] = {"array", "dependency", "requeue", "signal", "parsable"};
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (!strcmp(ours[i], key))
      return error_set(err, MOPO_EINVAL, "%s: the sweep sets that itself", key);
  mopo_status st = new_key(s->option, &s->options, key, err);
  return st == MOPO_OK ? add_value(&s->option[s->options - 1], value, strlen(value), err) : st;
}

static mopo_status take(void *ctx, const char *section, const char *key, const char *value,
                        int line, mopo_error *err)
{
  (void)line;
  if (!strcmp(section, "sweep")) return take_setting(ctx, key, value, err);
  if (!strcmp(section, "slurm")) return take_option(ctx, key, value, err);
  return error_set(err, MOPO_EINVAL, "'%.64s' is in section [%.32s], want [sweep] or [slurm]", key,
                   section);
}

mopo_status sweep_read(mopo_sweep *s, const char *path, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0;
  mopo_status st = file_read(&text, &n, path, (size_t)1 << 24, err);
  if (st == MOPO_OK) st = ini_read(text, n, path, take, s, err);
  free(text);
  if (st == MOPO_OK && !s->keys)
    st = error_set(err, MOPO_EINVAL, "%s: an empty grid: want keys in a section [sweep]", path);
  return st;
}

static void print_keys(buffer *b, const char *section, const sweep_key *key, int n)
{
  if (n) buffer_print(b, "[%s]\n", section);
  for (int i = 0; i < n; i++) {
    buffer_print(b, "%s =", key[i].name);
    for (int v = 0; v < key[i].n; v++) buffer_print(b, "%s %s", v ? "," : "", key[i].value[v]);
    buffer_print(b, "\n");
  }
}

mopo_status mopo_sweep_save(const mopo_sweep *s, const char *path, mopo_error *err)
{
  buffer b = {0};
  print_keys(&b, "sweep", s->key, s->keys);
  print_keys(&b, "slurm", s->option, s->options);
  mopo_status st = buffer_write(&b, path, err);
  buffer_free(&b);
  return st;
}
