/* result.c - see result.h. */
#include "run/result.h"
#include "config/config.h"

#include "base/number.h"
#include "io/file.h"
#include "run/rundir.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON knows no NaN and no infinity. */
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

/* Numbers as numbers, except the infinite ones and those above what JSON's readers hold, which are
 * the text of config.ini. */
static json_t *value_of(const mopo_config *c, const mopo_setting *s)
{
  char text[1100], *end = NULL;
  mopo_config_get(c, s->name, text, sizeof text);
  if (s->type == 's') return json_string(text);
  errno = 0;
  long long whole = strtoll(text, &end, 10);
  if (s->type != 'd' && !*end && !errno) return json_integer(whole);
  double x = number_parse(text, &end);
  return s->type == 'd' && !*end && isfinite(x) ? json_real(x) : json_string(text);
}

static json_t *settings(const mopo_config *c)
{
  json_t *all = json_object();
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    if (!strstr(s->verbs, "train")) continue;
    if (json_object_set_new(all, s->name, value_of(c, s)) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return all;
}

static json_t *evaluated_epochs(const metrics_row *rows, int count)
{
  json_t *all = json_array();
  for (int i = 0; all && i < count; i++) {
    const metrics_row *r = &rows[i];
    if (isnan(r->return_mean)) continue;
    json_t *one = json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "epoch", (json_int_t)r->epoch, "return_mean",
        number(r->return_mean), "return_std", number(r->return_std), "score", number(r->score),
        "discounted_return", number(r->discounted_return), "model_return", number(r->model_return),
        "model_return_penalised", number(r->model_return_penalised), "model_uncertainty",
        number(r->model_uncertainty));
    if (json_array_append_new(all, one) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return all;
}

/* json_dumps loses words where its own buffer cannot grow (jansson 2.14), so the buffer is ours.
 * NULL: no memory. free() it. */
static char *dump(const json_t *root, size_t flags)
{
  size_t n = json_dumpb(root, NULL, 0, flags);
  char *text = n ? malloc(n + 1) : NULL;
  if (text && json_dumpb(root, text, n, flags) == n) {
    text[n] = 0;
    return text;
  }
  free(text);
  return NULL;
}

/* What the model explains of each column's step; NULL: no memory. A name that is no UTF-8 is obs_j.
 */
static json_t *explained(const result_build *b)
{
  json_t *all = json_array();
  for (int d = 0; all && d <= b->S; d++) {
    char own[24] = "reward";
    if (d) snprintf(own, sizeof own, "obs_%d", d - 1);
    json_t *name = d && b->names ? json_string(b->names[d - 1]) : NULL;
    if (!name) name = json_string(own);
    json_t *one = json_pack("{s:o, s:o}", "column", name, "r2", number(b->r2[d]));
    if (json_array_append_new(all, one) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return json_pack("{s:o}", "r2", all);
}

const char *result_verdict_name(mopo_verdict v)
{
  static const char *const names[] = {"unknown", "better", "not-better"};
  return names[v];
}

/* NULL: no memory. */
static json_t *lines(const char *first, size_t size, int n)
{
  json_t *all = json_array();
  for (int i = 0; all && i < n; i++)
    if (json_array_append_new(all, json_string(first + (size_t)i * size)) != 0) {
      json_decref(all);
      return NULL;
    }
  return all;
}

/* What the data say of the policy; NULL: no memory. */
static json_t *judged(const mopo_estimate *e)
{
  json_t *reasons = lines(e->reasons[0], sizeof e->reasons[0], e->n_reasons);
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "verdict",
                   result_verdict_name(e->verdict), "log", number(e->log), "bc", number(e->bc),
                   "policy", number(e->policy), "low", number(e->low), "high", number(e->high),
                   "fqe", number(e->fqe), "fqe_low", number(e->fqe_low), "fqe_high",
                   number(e->fqe_high), "outside", number(e->outside), "length", number(e->length),
                   "reasons", reasons);
}

static char *result_text(const result_build *build, const mopo_config *c, const metrics_row *rows,
                         int count, const mopo_train_result *r, const result_warnings *w)
{
  json_t *root = json_pack(
      "{s:{s:s, s:s, s:s}, s:o, s:o, s:{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}, s:{s:o, s:o}, "
      "s:o}", /* in its order */
      "versions", "mopo", MOPO_VERSION, "simulator", build->simulator, "kernels", build->kernels,
      "settings", settings(c), "evaluations", evaluated_epochs(rows, count), "final", "epoch",
      r->epochs, "return_mean", number(r->return_mean), "return_std", number(r->return_std),
      "score", number(r->score), "discounted_return", number(r->discounted_return), "model_return",
      number(r->model_return), "model_return_penalised", number(r->model_return_penalised),
      "model_uncertainty", number(r->model_uncertainty), "batch", "return_mean",
      number(r->batch_return_mean), "return_max", number(r->batch_return_max), "wall_seconds",
      number(r->wall_seconds));
  if (root && ((r->ope.size && json_object_set_new(root, "ope", judged(&r->ope)) != 0) ||
               (build->r2 && json_object_set_new(root, "model", explained(build)) != 0))) {
    json_decref(root);
    return NULL;
  }
  if (root && w->n &&
      json_object_set_new(root, "warnings", lines(w->text[0], RESULT_TEXT, w->n)) != 0) {
    json_decref(root);
    return NULL;
  }
  number_locale l = number_begin();
  char *text = root ? dump(root, JSON_INDENT(2)) : NULL;
  number_end(l);
  json_decref(root);
  return text;
}

static mopo_status write_text(const char *dir, char *text, mopo_error *err)
{
  char path[RUN_PATH];
  mopo_status st = rundir_path(path, sizeof path, dir, MOPO_RUN_RESULT, err);
  if (st == MOPO_OK && !text) st = error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  if (st == MOPO_OK) {
    file_piece pieces[] = {{text, strlen(text)}, {"\n", 1}};
    st = file_write_pieces(path, pieces, 2, err);
  }
  free(text);
  return st;
}

mopo_status result_write(const char *dir, const result_build *build, const mopo_config *c,
                         const metrics_row *rows, int count, const mopo_train_result *r,
                         const result_warnings *warnings, mopo_error *err)
{
  return write_text(dir, result_text(build, c, rows, count, r, warnings), err);
}

static json_t *candidates(const mopo_tune_result *r)
{
  json_t *all = json_array();
  for (int i = 0; all && i < r->n; i++) {
    if (!r->of[i].learned) continue;
    json_t *one = json_pack("{s:s, s:o}", "name", r->of[i].name, "ope", judged(&r->of[i].ope));
    if (json_array_append_new(all, one) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return all;
}

mopo_status result_write_ladder(const char *dir, const mopo_tune_result *r, mopo_error *err)
{
  json_t *root = json_pack("{s:s, s:b, s:o, s:o}", "chosen", r->of[r->chosen].name, "kept_clone",
                           r->kept_clone, "candidates", candidates(r), "wall_seconds",
                           number(r->wall_seconds));
  number_locale l = number_begin();
  char *text = root ? dump(root, JSON_INDENT(2)) : NULL;
  number_end(l);
  json_decref(root);
  return write_text(dir, text, err);
}

static double number_of(const json_t *object, const char *name)
{
  const json_t *x = json_object_get(object, name);
  return json_is_number(x) ? json_number_value(x) : (double)NAN;
}

/* Strings of a list into out [most,size]; their number. */
static int read_lines(char *out, size_t size, int most, const json_t *list)
{
  int n = 0;
  for (size_t i = 0; n < most && i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text) snprintf(out + (size_t)n++ * size, size, "%s", text);
  }
  return n;
}

static void read_estimate(result_told *out, const json_t *ope)
{
  const char *name = json_string_value(json_object_get(ope, "verdict"));
  mopo_estimate *e = &out->ope;
  out->judged = name != NULL;
  if (!name) return;
  for (int v = MOPO_VERDICT_UNKNOWN; v <= MOPO_VERDICT_NOT_BETTER; v++)
    if (!strcmp(name, result_verdict_name((mopo_verdict)v))) e->verdict = (mopo_verdict)v;
  e->n_reasons = read_lines(e->reasons[0], sizeof e->reasons[0], MOPO_ESTIMATE_REASONS,
                            json_object_get(ope, "reasons"));
  e->log = number_of(ope, "log"), e->bc = number_of(ope, "bc");
  e->policy = number_of(ope, "policy");
  e->low = number_of(ope, "low"), e->high = number_of(ope, "high");
  e->fqe = number_of(ope, "fqe");
  e->fqe_low = number_of(ope, "fqe_low"), e->fqe_high = number_of(ope, "fqe_high");
}

mopo_status result_read(result_told *out, const char *path, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0;
  json_error_t why;
  *out = (result_told){.batch_mean = NAN, .batch_max = NAN};
  mopo_status st = file_read(&text, &n, path, (size_t)1 << 28, err);
  if (st != MOPO_OK) return st;
  number_locale l = number_begin();
  json_t *root = json_loadb(text, n, 0, &why);
  number_end(l);
  if (!root) /* without a word, where memory ran out */
    st = *why.text ? error_set(err, MOPO_EFORMAT, "%s:%d: %s", path, why.line, why.text)
                   : error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  const json_t *batch = json_object_get(root, "batch");
  out->batch_mean = number_of(batch, "return_mean");
  out->batch_max = number_of(batch, "return_max");
  read_estimate(out, json_object_get(root, "ope"));
  out->warnings.n = read_lines(out->warnings.text[0], RESULT_TEXT, RESULT_WARNINGS,
                               json_object_get(root, "warnings"));
  json_decref(root);
  free(text);
  return st;
}
