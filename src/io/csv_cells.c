/* csv_cells.c - see csv_cells.h. */
#include "io/csv_cells.h"

#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Skips blank lines. */
static void skip_blank(csv_cursor *c)
{
  for (;;) {
    char *p = c->at;
    while (is_blank(*p)) p++;
    if (*p != '\n') {
      if (!*p) c->at = p;
      return;
    }
    c->at = p + 1;
    c->line++;
  }
}

/* The text from begin to end without blanks around it, with a 0 behind it. */
static char *trim(char *begin, char *end)
{
  while (begin < end && is_blank(*begin)) begin++;
  while (end > begin && is_blank(end[-1])) end--;
  *end = '\0';
  return begin;
}

/* A quoted cell, at its quote: what stands in it; *end is the character behind the cell. */
static csv_fault quoted(char **cell, char **end, char *p, int64_t *line)
{
  char *begin = ++p, *to = p;
  for (;; p++) {
    if (!*p) return CSV_OPEN_QUOTE;
    *line += *p == '\n';
    if (*p == '"' && *++p != '"') break; /* of a doubled one, the second is kept */
    *to++ = *p;
  }
  while (is_blank(*p)) p++;
  *end = p;
  if (*p && *p != ',' && *p != '\n') return CSV_AFTER_QUOTE;
  *cell = trim(begin, to);
  return CSV_FINE;
}

csv_fault csv_next(csv_cursor *c, char **cell, int most, int *n, int64_t *line)
{
  *n = 0;
  skip_blank(c);
  *line = c->line;
  while (*c->at) {
    char *p = c->at, *text = NULL, *end = NULL;
    while (is_blank(*p)) p++;
    if (*p == '"') {
      csv_fault f = quoted(&text, &end, p, &c->line);
      if (f != CSV_FINE) return f;
    } else {
      end = p + strcspn(p, ",\n");
    }
    char stop = *end;
    if (!text) text = trim(p, end);
    *end = '\0';
    if (*n < most) cell[*n] = text;
    (*n)++;
    c->at = end + (stop != '\0');
    if (stop == '\n') c->line++;
    if (stop == ',' && !*c->at) { /* the file ends behind a comma: one cell more, empty */
      if (*n < most) cell[*n] = c->at;
      (*n)++;
    }
    if (stop != ',') break;
  }
  return CSV_FINE;
}

int csv_count(const csv_cursor *c)
{
  csv_cursor from = *c;
  skip_blank(&from);
  const char *p = from.at;
  for (int n = 1;; n++, p++) {
    while (is_blank(*p)) p++;
    if (*p == '"')
      for (p++; *p && (*p != '"' || *++p == '"'); p++) continue;
    p += strcspn(p, ",\n");
    if (*p != ',') return n;
  }
}

/* ------------------------------------------------------------------ values */

float csv_number(const char *cell)
{
  if (!strcasecmp(cell, "true")) return 1.0f;
  if (!strcasecmp(cell, "false")) return 0.0f;
  char *end = NULL;
  float x = *cell ? number_parse_float(cell, &end) : NAN;
  return *cell && !*end && isfinite(x) ? x : NAN;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March. */
static int64_t days(int64_t year, int64_t month, int64_t day)
{
  int64_t y = month > 2 ? year : year - 1, m = (month + 9) % 12;
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* A number of `least` to `most` digits off the text. */
static bool take_digits(int *x, const char **p, int least, int most)
{
  int n = 0;
  for (*x = 0; n < most && isdigit((unsigned char)**p); n++) *x = 10 * *x + *(*p)++ - '0';
  return n >= least;
}

static bool take_char(const char **p, const char *one_of)
{
  if (!**p || !strchr(one_of, **p)) return false;
  (*p)++;
  return true;
}

/* The hours and minutes of a zone, "Z", "+02:00", "-0530", in seconds; false: something else. */
static bool zone(const char *p, double *seconds)
{
  int h = 0, m = 0;
  *seconds = 0;
  if (!*p || ((*p == 'Z' || *p == 'z') && !p[1])) return true;
  const double sign = *p == '-' ? -1 : 1;
  if (!take_char(&p, "+-") || !take_digits(&h, &p, 2, 2)) return false;
  take_char(&p, ":");
  if (*p && !take_digits(&m, &p, 2, 2)) return false;
  *seconds = sign * (3600.0 * h + 60.0 * m);
  return !*p;
}

double csv_time(const char *cell)
{
  char *end = NULL;
  double x = number_parse(cell, &end), second = 0, away = 0;
  if (*cell && !*end) return isfinite(x) ? x : NAN;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  const char *p = cell;
  bool ok = take_digits(&year, &p, 4, 4) && take_char(&p, "-/") && take_digits(&month, &p, 1, 2) &&
            *p == cell[4] && take_char(&p, "-/") && take_digits(&day, &p, 1, 2);
  if (!ok || month < 1 || month > 12 || day < 1 || day > 31) return NAN;
  if (*p) {
    ok = take_char(&p, " T") && take_digits(&hour, &p, 1, 2) && take_char(&p, ":") &&
         take_digits(&minute, &p, 2, 2);
    if (!ok) return NAN;
    if (*p == ':' && isdigit((unsigned char)p[1])) {
      second = number_parse(p + 1, &end);
      p = end;
    }
  }
  while (*p == ' ') p++;
  if (!zone(p, &away)) return NAN;
  return 86400.0 * (double)days(year, month, day) + 3600.0 * hour + 60.0 * minute + second - away;
}

/* ------------------------------------------------------------------ keys */

/* FNV-1a. */
static uint64_t hash(const char *text)
{
  uint64_t h = 0xcbf29ce484222325u;
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
  return h ^ h >> 32;
}

static int64_t *find(const csv_keys *k, const char *text)
{
  uint64_t at = hash(text) & (uint64_t)(k->slots - 1);
  while (k->slot[at] && strcmp(k->text[k->slot[at] - 1], text) != 0)
    at = (at + 1) & (uint64_t)(k->slots - 1);
  return &k->slot[at];
}

static bool grow(csv_keys *k)
{
  int64_t cap = k->cap ? 2 * k->cap : 64;
  char **text = realloc(k->text, (size_t)cap * sizeof *text);
  if (!text) return false;
  k->text = text;
  int64_t *slot = calloc(2 * (size_t)cap, sizeof *slot);
  if (!slot) return false;
  free(k->slot);
  k->slot = slot;
  k->slots = 2 * cap;
  k->cap = cap;
  for (int64_t i = 0; i < k->n; i++) *find(k, k->text[i]) = i + 1;
  return true;
}

int64_t csv_key(csv_keys *k, char *text)
{
  if (k->n == k->cap && !grow(k)) return -1;
  int64_t *slot = find(k, text);
  if (!*slot) {
    k->text[k->n++] = text;
    *slot = k->n;
  }
  return *slot - 1;
}

bool csv_keys_are_numbers(const csv_keys *k)
{
  for (int64_t i = 0; i < k->n; i++) {
    const char *p = k->text[i];
    size_t n = strspn(p, "0123456789");
    if (n == 0 || n > 15 || p[n] || (n > 1 && *p == '0')) return false;
  }
  return true;
}

void csv_keys_free(csv_keys *k)
{
  free(k->text);
  free(k->slot);
}
