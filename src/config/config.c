/* config.c - settings as text: by name, and as an INI file. */
#include "config/config.h"

#include "base/number.h"
#include "io/file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, VALUE_MAX = 1100, VALUES_MAX = 400 };

mopo_config *mopo_config_create(void)
{
  mopo_config *c = malloc(sizeof *c);
  if (c) *c = config_default();
  return c;
}

mopo_config *mopo_config_copy(const mopo_config *c)
{
  mopo_config *copy = malloc(sizeof *copy);
  if (copy) *copy = *c;
  return copy;
}

void mopo_config_free(mopo_config *c) { free(c); }

/* ------------------------------------------------------------------ one value */

/* Owned words are as long as their place. */
static size_t size_of(const mopo_setting *s) { return s->size ? s->size : sizeof(setting_value); }

static const void *value_of(const mopo_config *c, const mopo_setting *s)
{
  return s->size ? (const char *)c + s->offset : (const char *)&c->own[config_index(s->name)];
}

static bool has_words(const mopo_setting *s) { return s->word || strchr(s->metavar, '|'); }

bool config_is_auto(const mopo_config *c, const mopo_setting *s)
{
  const void *value = value_of(c, s);
  switch (s->type) {
  case 'd':
    return isnan(*(const double *)value);
  case 'i':
    return *(const int *)value == 0 && s->min > 0;
  case 's':
    return has_words(s) && !*(const char *)value;
  default:
    return false;
  }
}

static mopo_status refuse(const mopo_setting *s, const char *value, const char *want,
                          mopo_error *err)
{
  return error_set(err, MOPO_EINVAL, "%s = '%.80s', want %s%s", s->name, value, want,
                   s->standard ? "" : " or auto");
}

static mopo_status refuse_range(const mopo_setting *s, const char *value, mopo_error *err)
{
  char want[96];
  number_print(want, sizeof want, "%s from %.10g to %.10g",
               s->type == 'd' ? "a number" : "a whole number", s->min, s->max);
  return refuse(s, value, want, err);
}

/* Is value one of the words of "a|b|c"? */
static bool one_of(const char *words, const char *value)
{
  size_t n = strchr(value, '|') ? 0 : strlen(value);
  for (const char *w = words; n && w; w = strchr(w, '|')) {
    if (*w == '|') w++;
    if (!strncmp(w, value, n) && (w[n] == '|' || !w[n])) return true;
  }
  return false;
}

/* config.ini must give back what was set: one line, no blanks at its ends, no " ;" (a comment). */
static bool fits_a_line(const char *value)
{
  size_t n = strlen(value);
  if (n && (isspace((unsigned char)value[0]) || isspace((unsigned char)value[n - 1]))) return false;
  for (size_t i = 0; i < n; i++) {
    if ((unsigned char)value[i] < ' ' || value[i] == 127) return false;
    if (value[i] == ';' && (i == 0 || value[i - 1] == ' ')) return false;
  }
  return true;
}

static mopo_status set_text(void *field, const mopo_setting *s, const char *value, mopo_error *err)
{
  char want[VALUES_MAX];
  mopo_setting_values(want, sizeof want, s);
  if (has_words(s) && !one_of(want, value)) return refuse(s, value, want, err);
  if (strlen(value) >= size_of(s)) {
    snprintf(want, sizeof want, "less than %zu bytes", size_of(s));
    return refuse(s, value, want, err);
  }
  if (!fits_a_line(value))
    return refuse(s, value, "no control characters, no blanks at the ends, no ' ;'", err);
  memset(field, 0, size_of(s));
  memcpy(field, value, strlen(value));
  return MOPO_OK;
}

static mopo_status set_number(void *field, const mopo_setting *s, const char *value,
                              mopo_error *err)
{
  char *end = NULL;
  bool blank = !*value || isspace((unsigned char)*value);
  errno = 0;
  if (s->type == 'd') {
    double x = number_parse(value, &end);
    if (blank || *end || isnan(x)) return refuse(s, value, "a number", err);
    if (x < s->min || x > s->max) return refuse_range(s, value, err);
    *(double *)field = x;
  } else if (s->type == 'u') {
    unsigned long long x = strtoull(value, &end, 10);
    if (blank || *end || *value == '-') return refuse(s, value, "a whole number, 0 or more", err);
    if (errno == ERANGE) return refuse_range(s, value, err);
    *(uint64_t *)field = x;
  } else {
    long long x = strtoll(value, &end, 10);
    if (blank || *end) return refuse(s, value, "a whole number", err);
    if (errno == ERANGE || (double)x < s->min || (double)x > s->max)
      return refuse_range(s, value, err);
    if (s->type == 'l') {
      *(int64_t *)field = x;
    } else {
      *(int *)field = (int)x;
    }
  }
  return MOPO_OK;
}

static mopo_status set_value(mopo_config *c, int i, const char *value, mopo_error *err)
{
  const mopo_setting *s = mopo_setting_at(i);
  void *field = config_field(c, i);
  if (!s->standard && !strcmp(value, "auto")) {
    memset(field, 0, size_of(s));
    if (s->type == 'd') *(double *)field = NAN;
    return MOPO_OK;
  }
  return s->type == 's' ? set_text(field, s, value, err) : set_number(field, s, value, err);
}

mopo_status mopo_config_set(mopo_config *c, const char *name, const char *value, mopo_error *err)
{
  int i = config_index(name);
  if (i < 0)
    return error_set(err, MOPO_EINVAL, "unknown setting '%.64s', did you mean '%s'?", name,
                     config_nearest(name));
  mopo_status st = set_value(c, i, value, err);
  if (st == MOPO_OK) c->marked[i] = 1;
  return st;
}

mopo_config config_default(void)
{
  mopo_config c;
  memset(&c, 0, sizeof c);
  const mopo_setting *s;
  for (int i = 0; (s = mopo_setting_at(i)); i++) {
    mopo_status st = set_value(&c, i, s->standard ? s->standard : "auto", NULL);
    assert(st == MOPO_OK && "a default out of its range");
    (void)st;
  }
  return c;
}

void mopo_config_get(const mopo_config *c, const char *name, char *buf, size_t size)
{
  const mopo_setting *s = mopo_setting_at(config_index(name));
  assert(s && "no such setting");
  const void *field = value_of(c, s);
  if (config_is_auto(c, s)) {
    snprintf(buf, size, "auto");
    return;
  }
  switch (s->type) {
  case 'd':
    number_shortest(buf, size, *(const double *)field);
    break;
  case 'u':
    snprintf(buf, size, "%llu", (unsigned long long)*(const uint64_t *)field);
    break;
  case 'l':
    snprintf(buf, size, "%lld", (long long)*(const int64_t *)field);
    break;
  case 'i':
    snprintf(buf, size, "%d", *(const int *)field);
    break;
  default:
    snprintf(buf, size, "%s", (const char *)field);
    break;
  }
}

const char *mopo_config_text(const mopo_config *c, const char *name)
{
  const mopo_setting *s = mopo_setting_at(config_index(name));
  assert(s && s->type == 's' && "no such setting, or not a text");
  return value_of(c, s);
}

double config_real(const mopo_config *c, const char *name)
{
  const mopo_setting *s = mopo_setting_at(config_index(name));
  assert(s && s->type == 'd' && "no such setting, or another type");
  return *(const double *)value_of(c, s);
}

int config_int(const mopo_config *c, const char *name)
{
  const mopo_setting *s = mopo_setting_at(config_index(name));
  assert(s && s->type == 'i' && "no such setting, or another type");
  return *(const int *)value_of(c, s);
}

bool config_is(const mopo_config *c, const char *name, const char *word)
{
  return !strcmp(mopo_config_text(c, name), word);
}

void config_put(mopo_config *c, const char *name, double value)
{
  int i = config_index(name);
  assert(i >= 0 && "no such setting");
  if (mopo_setting_at(i)->type == 'd') {
    *(double *)config_field(c, i) = value;
  } else {
    *(int *)config_field(c, i) = (int)value;
  }
}

bool mopo_config_is_set(const mopo_config *c, const char *name)
{
  int i = config_index(name);
  assert(i >= 0 && "no such setting");
  return c->marked[i];
}

void config_mark(mopo_config *c, const char *name)
{
  int i = config_index(name);
  assert(i >= 0 && "no such setting");
  c->marked[i] = 1;
}

/* ------------------------------------------------------------------ the INI file */

/* inih cuts lines at some 200 bytes and does not say which line a value came from. So the lines are
 * fed to it one by one, and the value is taken from the whole line. */
typedef struct ini_job {
  mopo_config *c;
  unsigned char given[sizeof(((mopo_config *)0)->marked)]; /* keys seen in this file */
  const char *at;                                          /* rest of the text */
  const char *line, *line_end;                             /* the line last fed */
  int lineno;
  int failed_at; /* line of the first refused key, 0: none */
  mopo_error why;
} ini_job;

static char *feed_line(char *str, int num, void *stream)
{
  ini_job *job = stream;
  if (!*job->at) return NULL;
  job->line = job->at;
  job->line_end = job->at + strcspn(job->at, "\n");
  job->at = *job->line_end ? job->line_end + 1 : job->line_end;
  job->lineno++;
  /* An indented line would be taken for the continuation of the one before. */
  while (job->line < job->line_end && isspace((unsigned char)*job->line)) job->line++;
  snprintf(str, (size_t)num, "%.*s", (int)(job->line_end - job->line), job->line);
  return str;
}

/* The text between '=' and the comment or the end of the line, without blanks at its ends. */
static void whole_value(const ini_job *job, char *buf, size_t size)
{
  const char *a = job->line, *b = job->line_end;
  while (a < b && *a != '=' && *a != ':') a++;
  if (a < b) a++;
  while (a < b && isspace((unsigned char)*a)) a++;
  for (const char *p = a; p < b; p++)
    if (*p == ';' && isspace((unsigned char)p[-1])) b = p;
  while (b > a && isspace((unsigned char)b[-1])) b--;
  snprintf(buf, size, "%.*s", (int)(b - a), a);
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
  ini_job *job = user;
  char whole[VALUE_MAX];
  (void)value;
  if (job->failed_at) return 0;
  job->failed_at = job->lineno;
  if (strcmp(section, "mopo") != 0) {
    error_set(&job->why, MOPO_EFORMAT, "'%.64s' is in section [%.32s], want [mopo]", name, section);
    return 0;
  }
  int i = config_index(name);
  if (i >= 0 && job->given[i]) {
    error_set(&job->why, MOPO_EFORMAT, "'%s' is given twice", name);
    return 0;
  }
  whole_value(job, whole, sizeof whole);
  mopo_config scratch = *job->c; /* a value that is not wanted is checked all the same */
  bool wanted = i < 0 || !job->c->marked[i];
  if (mopo_config_set(wanted ? job->c : &scratch, name, whole, &job->why) != MOPO_OK) return 0;
  job->given[i] = 1;
  job->failed_at = 0;
  return 1;
}

mopo_status mopo_config_load(mopo_config *c, const char *path, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0;
  mopo_status st = file_read(&text, &n, path, FILE_MAX, err);
  if (st != MOPO_OK) return st;
  mopo_config changed = *c; /* all of the file or nothing of it */
  ini_job job = {.c = &changed, .at = text};
  if (memchr(text, 0, n)) {
    st = error_set(err, MOPO_EFORMAT, "%s: not a text file", path);
    goto done;
  }
  int bad_line = ini_parse_stream(feed_line, &job, take_key, &job);
  if (bad_line < 0) {
    st = error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  } else if (bad_line && bad_line == job.failed_at) {
    st = error_set(err, job.why.code, "%s:%d: %s", path, bad_line, job.why.msg);
  } else if (bad_line) {
    st = error_set(err, MOPO_EFORMAT, "%s:%d: want 'name = value' or '[mopo]'", path, bad_line);
  } else {
    *c = changed;
  }
done:
  free(text);
  return st;
}

mopo_status mopo_config_save(const mopo_config *c, const char *path, mopo_error *err)
{
  char *text = NULL;
  size_t n = 0;
  FILE *f = open_memstream(&text, &n);
  if (!f) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  fprintf(f, "; Settings of mopo " MOPO_VERSION "; read them back with --config.\n[mopo]\n");
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char value[VALUE_MAX];
    if (!mopo_setting_read_by(s, "train")) continue;
    mopo_config_get(c, s->name, value, sizeof value);
    fprintf(f, "%s = %s\n", s->name, value);
  }
  bool ok = !ferror(f);
  if (fclose(f) != 0 || !ok) {
    free(text);
    return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  }
  mopo_status st = file_write(path, text, n, err);
  free(text);
  return st;
}
