/* figures.c - what a finished run has to show, from result.json, as names and texts. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "io/file.h"
#include "run/rundir.h"

typedef struct taker {
  void (*take)(void *ctx, const char *name, const char *value);
  void *ctx;
} taker;

static void take_value(const taker *t, const char *name, const json_t *x)
{
  char number[40];
  const char *text = "";
  if (json_is_string(x)) text = json_string_value(x);
  if (json_is_boolean(x)) text = json_is_true(x) ? "true" : "false";
  if (json_is_integer(x)) {
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(x));
    text = number;
  }
  if (json_is_real(x)) {
    number_shortest(number, sizeof number, json_real_value(x));
    text = number;
  }
  t->take(t->ctx, name, text);
}

/* Numbers and texts of an object, and of the objects in it; lists are left out. */
static void take_object(const taker *t, const char *prefix, json_t *object)
{
  const char *key = NULL;
  json_t *x = NULL;
  json_object_foreach(object, key, x)
  {
    char name[256];
    snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
    if (json_is_object(x))
      take_object(t, name, x);
    else if (!json_is_array(x))
      take_value(t, name, x);
  }
}

mopo_status mopo_run_figures(const char *dir,
                             void (*take)(void *ctx, const char *name, const char *value),
                             void *ctx, mopo_error *err)
{
  char path[RUN_PATH], *text = NULL;
  size_t n = 0;
  json_error_t why;
  mopo_status st = rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, err);
  if (st == MOPO_OK) st = file_read(&text, &n, path, (size_t)1 << 28, err);
  if (st != MOPO_OK) return st;
  json_t *root = json_loadb(text, n, 0, &why);
  if (!root) /* without a word, where memory ran out */
    st = *why.text ? error_set(err, MOPO_EFORMAT, "%s:%d: %s", path, why.line, why.text)
                   : error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  if (st == MOPO_OK) take_object(&(taker){take, ctx}, "", root);
  json_decref(root);
  free(text);
  return st;
}
