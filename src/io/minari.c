/* minari.c - see minari.h. Spaces are JSON within JSON: texts, as gymnasium's own serialisation has
 * them. */
#include "io/minari.h"

#include "base/number.h"
#include "io/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 64 << 20, NUMBERS_MAX = 65535, DEPTH_MAX = 8 };

static const char *text_of(const json_t *object, const char *key)
{
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

static int64_t count_of(const json_t *object, const char *key)
{
  const json_t *x = json_object_get(object, key);
  return json_is_integer(x) && json_integer_value(x) >= 0 ? json_integer_value(x) : -1;
}

/* Python writes infinities, which JSON does not have: they become null. */
static json_t *parse(const char *text, size_t n)
{
  char *copy = malloc(n + 1);
  if (!copy) return NULL;
  memcpy(copy, text, n);
  copy[n] = '\0';
  for (char *p = copy; (p = strstr(p, "Infinity")) != NULL; p += 8) {
    char *begin = p > copy && p[-1] == '-' ? p - 1 : p;
    memset(begin, ' ', (size_t)(p + 8 - begin));
    memcpy(begin, "null", 4);
  }
  json_t *root = json_loadb(copy, n, 0, NULL);
  free(copy);
  return root;
}

/* ------------------------------------------------------------------ spaces */

static bool add_number(minari_space *s, const char *name, double low, double high)
{
  if (s->n == NUMBERS_MAX) return false;
  if ((s->n & (s->n - 1)) == 0) { /* full: 0, 1, 2, 4, ... */
    size_t cap = s->n ? 2 * (size_t)s->n : 1;
    char(*names)[MINARI_NAME] = realloc(s->names, cap * sizeof *names);
    if (names) s->names = names;
    double *lows = realloc(s->low, cap * sizeof *lows);
    if (lows) s->low = lows;
    double *highs = realloc(s->high, cap * sizeof *highs);
    if (highs) s->high = highs;
    if (!names || !lows || !highs) return false;
  }
  snprintf(s->names[s->n], MINARI_NAME, "%s", name);
  s->low[s->n] = low;
  s->high[s->n++] = high;
  return true;
}

/* Number i of a list of lists of numbers, or that of all; `none` where there is none. */
static double bound_at(const json_t *list, size_t i, size_t of, double none)
{
  while (json_is_array(list) && json_array_size(list) && json_array_size(list) <= of) {
    size_t each = of / json_array_size(list);
    list = json_array_get(list, i / each);
    i %= each;
    of = each;
  }
  return json_is_number(list) ? json_number_value(list) : none;
}

static bool add_box(minari_space *s, const char *name, const json_t *space)
{
  const json_t *shape = json_object_get(space, "shape"), *low = json_object_get(space, "low"),
               *high = json_object_get(space, "high");
  size_t n = 1;
  if (!json_is_array(shape)) return false;
  for (size_t i = 0; i < json_array_size(shape); i++) {
    json_int_t dim = json_integer_value(json_array_get(shape, i));
    if (dim < 1 || dim > NUMBERS_MAX) return false;
    n *= (size_t)dim;
    if (n > NUMBERS_MAX) return false;
  }
  for (size_t i = 0; i < n; i++) {
    char full[MINARI_NAME];
    snprintf(full, sizeof full, n > 1 ? "%.100s[%zu]" : "%.100s", name, i);
    if (!add_number(s, full, bound_at(low, i, n, -INFINITY), bound_at(high, i, n, INFINITY)))
      return false;
  }
  return true;
}

static bool add_space(minari_space *s, const char *name, const json_t *space, int depth);

static int by_key(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_part(minari_space *s, const char *name, const char *key, const json_t *space,
                     int depth)
{
  char full[MINARI_NAME];
  snprintf(full, sizeof full, "%.60s%s%.60s", name, *name ? "." : "", key);
  return add_space(s, full, space, depth + 1);
}

static bool add_dict(minari_space *s, const char *name, const json_t *parts, int depth)
{
  size_t n = json_object_size(parts), k = 0;
  const char **keys = malloc((n + 1) * sizeof *keys);
  if (!keys) return false;
  for (void *i = json_object_iter((json_t *)parts); i;
       i = json_object_iter_next((json_t *)parts, i))
    keys[k++] = json_object_iter_key(i);
  qsort(keys, n, sizeof *keys, by_key);
  bool ok = true;
  for (k = 0; ok && k < n; k++)
    ok = add_part(s, name, keys[k], json_object_get(parts, keys[k]), depth);
  free(keys);
  return ok;
}

static void refuse(minari_space *s, const char *name, const char *type, const json_t *space)
{
  int64_t n = count_of(space, "n");
  char size[32] = "";
  if (n >= 0) snprintf(size, sizeof size, "(%lld)", (long long)n);
  if (!*s->refused)
    snprintf(s->refused, sizeof s->refused, "%.24s%s%s%.60s", type, size, *name ? " at " : "",
             name);
}

static bool add_space(minari_space *s, const char *name, const json_t *space, int depth)
{
  const char *type = text_of(space, "type");
  const json_t *parts = json_object_get(space, "subspaces");
  bool ok = depth < DEPTH_MAX;
  if (!strcmp(type, "Box")) return add_box(s, name, space);
  if (!strcmp(type, "Dict") && json_is_object(parts)) return ok && add_dict(s, name, parts, depth);
  if (!strcmp(type, "Tuple") && json_is_array(parts)) {
    for (size_t i = 0; ok && i < json_array_size(parts); i++) {
      char key[32];
      snprintf(key, sizeof key, "%zu", i);
      ok = add_part(s, name, key, json_array_get(parts, i), depth);
    }
    return ok;
  }
  if (*type) refuse(s, name, type, space);
  return *type != '\0';
}

/* False: not what gymnasium writes, or no memory. */
static bool read_space(minari_space *s, const json_t *root, const char *key)
{
  const json_t *text = json_object_get(root, key);
  if (!json_is_string(text)) return true; /* older files say nothing */
  json_t *space = parse(json_string_value(text), json_string_length(text));
  bool ok = space && add_space(s, "", space, 0);
  bool named = !strcmp(text_of(space, "type"), "Dict") || !strcmp(text_of(space, "type"), "Tuple");
  if (!named) {
    free(s->names);
    s->names = NULL;
  }
  json_decref(space);
  return ok;
}

/* ------------------------------------------------------------------ the file */

static mopo_status read_root(minari_about *out, const json_t *root, const char *name,
                             mopo_error *err)
{
  snprintf(out->id, sizeof out->id, "%s", text_of(root, "dataset_id"));
  snprintf(out->format, sizeof out->format, "%s", text_of(root, "data_format"));
  out->episodes = count_of(root, "total_episodes");
  out->steps = count_of(root, "total_steps");
  const json_t *spec = json_object_get(root, "env_spec");
  json_t *env =
      json_is_string(spec) ? parse(json_string_value(spec), json_string_length(spec)) : NULL;
  int64_t horizon = count_of(env, "max_episode_steps");
  snprintf(out->env, sizeof out->env, "%s", text_of(env, "id"));
  out->horizon = horizon > 0 && horizon < 1 << 30 ? (int)horizon : 0;
  json_decref(env);
  if (!read_space(&out->obs, root, "observation_space"))
    return error_set(err, MOPO_EFORMAT, "%s: 'observation_space' is not a space of gymnasium's",
                     name);
  if (!read_space(&out->act, root, "action_space"))
    return error_set(err, MOPO_EFORMAT, "%s: 'action_space' is not a space of gymnasium's", name);
  return MOPO_OK;
}

mopo_status minari_read(minari_about *out, const char *path, mopo_error *err)
{
  size_t length = strlen(path), n = 0;
  const char *name = length > 200 ? path + length - 200 : path;
  char *text = NULL;
  *out = (minari_about){.episodes = -1, .steps = -1};
  if (!file_exists(path)) return MOPO_OK;
  mopo_status st = file_read(&text, &n, path, BYTES_MAX, err);
  if (st) return st;
  out->found = true;
  json_t *root = parse(text, n);
  free(text);
  st = json_is_object(root) ? read_root(out, root, name, err)
                            : error_set(err, MOPO_EFORMAT, "%s: not JSON, or not an object", name);
  json_decref(root);
  return st;
}

static void space_free(minari_space *s)
{
  free(s->names);
  free(s->low);
  free(s->high);
}

void minari_free(minari_about *about)
{
  space_free(&about->obs);
  space_free(&about->act);
}
