/* expression.c - see expression.h. muparser evaluates; which names there are and what they mean is
 * decided here, so that a message can name the nearest one and no name of a column is taken for one
 * of muparser's.
 *
 * Its evaluation of whole columns (mupEvalBulk) is not used: it starts threads of its own. */
#include "task/expression.h"

#include <ctype.h>
#include <math.h>
#include <muParserDLL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guess.h"

struct expression {
  muParserHandle_t parser;
};

/* Of one number unless `most` is more; muparser's `log` is left out: some read it as log10. */
static const struct {
  const char *name;
  int least, most;
} functions[] = {{"abs", 1, 1},   {"sign", 1, 1}, {"sqrt", 1, 1}, {"exp", 1, 1},  {"ln", 1, 1},
                 {"log10", 1, 1}, {"log2", 1, 1}, {"rint", 1, 1}, {"sin", 1, 1},  {"cos", 1, 1},
                 {"tan", 1, 1},   {"asin", 1, 1}, {"acos", 1, 1}, {"atan", 1, 1}, {"atan2", 2, 2},
                 {"sinh", 1, 1},  {"cosh", 1, 1}, {"tanh", 1, 1}, {"min", 1, 20}, {"max", 1, 20},
                 {"sum", 1, 20},  {"avg", 1, 20}};

enum { FUNCTIONS = sizeof functions / sizeof functions[0], DEPTH = 64, WRITTEN = 9 };

/* ------------------------------------------------------------------ names */

typedef struct writer {
  const expression_names *names;
  const char *at;
  char *to; /* at most WRITTEN bytes for each of the text */
  int depth;
  bool call[DEPTH + 1]; /* is this parenthesis that of a function's arguments? */
  mopo_error *err;
} writer;

static void write_text(writer *w, const char *text)
{
  size_t n = strlen(text);
  memcpy(w->to, text, n);
  w->to += n;
}

/* -1: no such name. Compared with the first n bytes of text. */
static int index_of(const char *const *names, int n_names, const char *text, size_t n)
{
  for (int i = 0; names && i < n_names; i++)
    if (strlen(names[i]) == n && !memcmp(names[i], text, n)) return i;
  return -1;
}

static mopo_status no_column(writer *w, const char *text, size_t n)
{
  const expression_names *v = w->names;
  char wanted[120], like[GUESS_SIZE];
  snprintf(wanted, sizeof wanted, "%.*s", (int)(n < 100 ? n : 100), text);
  guess near = {.wanted = wanted};
  for (int i = 0; i < v->S; i++) guess_try(&near, v->obs[i]);
  for (int i = 0; i < v->A; i++) guess_try(&near, v->act[i]);
  return error_set(w->err, MOPO_EINVAL, "'%s' is no column of the task%s", wanted,
                   guess_text(like, &near));
}

enum when { EITHER, BEFORE, AFTER };

static mopo_status write_column(writer *w, enum when when, const char *text, size_t n)
{
  const expression_names *v = w->names;
  char variable[24];
  int obs = index_of(v->obs, v->S, text, n), act = index_of(v->act, v->A, text, n);
  bool after = when == AFTER || (when == EITHER && v->after);
  if (obs >= 0)
    snprintf(variable, sizeof variable, "v%d", after ? v->S + v->A + obs : obs);
  else if (act >= 0 && when == EITHER)
    snprintf(variable, sizeof variable, "v%d", v->S + act);
  else if (act >= 0)
    return error_set(w->err, MOPO_EINVAL, "'%s' is an action, want its name alone", v->act[act]);
  else if (n == 2 && !memcmp(text, "pi", 2))
    snprintf(variable, sizeof variable, "3.141592653589793");
  else
    return no_column(w, text, n);
  if (strlen(variable) > WRITTEN * n)
    return error_set(w->err, MOPO_EINVAL, "too many columns for an expression");
  write_text(w, variable);
  return MOPO_OK;
}

static size_t length_of_name(const char *text)
{
  size_t n = 0;
  while (isalnum((unsigned char)text[n]) || text[n] == '_' || (unsigned char)text[n] >= 128) n++;
  return n;
}

/* A name, or one in quotes, at w->at. */
static mopo_status take_name(writer *w, const char **name, size_t *n)
{
  *name = w->at;
  if (*w->at == '"') {
    const char *end = strchr(w->at + 1, '"');
    if (!end) return error_set(w->err, MOPO_EINVAL, "a quote is not closed: %.60s", w->at);
    *name = w->at + 1;
    *n = (size_t)(end - *name);
    w->at = end + 1;
    return MOPO_OK;
  }
  *n = length_of_name(w->at);
  w->at += *n;
  return MOPO_OK;
}

static const char *after_blanks(const char *text)
{
  while (isspace((unsigned char)*text)) text++;
  return text;
}

static mopo_status write_function(writer *w, const char *text, size_t n)
{
  char wanted[64], like[GUESS_SIZE];
  snprintf(wanted, sizeof wanted, "%.*s", (int)(n < 40 ? n : 40), text);
  guess near = {.wanted = wanted};
  for (int i = 0; i < FUNCTIONS; i++) {
    if (!strcmp(functions[i].name, wanted)) {
      write_text(w, wanted);
      w->at = after_blanks(w->at); /* muparser wants its parenthesis next to it */
      return MOPO_OK;
    }
    guess_try(&near, functions[i].name);
  }
  if (!strcmp(wanted, "log"))
    return error_set(w->err, MOPO_EINVAL, "'log' may be either, want ln or log10");
  return error_set(w->err, MOPO_EINVAL, "'%s' is no function%s", wanted, guess_text(like, &near));
}

static mopo_status write_name(writer *w)
{
  const char *name;
  size_t n;
  bool quoted = *w->at == '"';
  mopo_status st = take_name(w, &name, &n);
  if (st != MOPO_OK || quoted) return st != MOPO_OK ? st : write_column(w, EITHER, name, n);
  bool next = n == 4 && !memcmp(name, "next", 4), before = n == 6 && !memcmp(name, "before", 6);
  if (*w->at == '.' && (next || before)) {
    w->at++;
    st = take_name(w, &name, &n);
    return st != MOPO_OK ? st : write_column(w, next ? AFTER : BEFORE, name, n);
  }
  if (*w->at == '.')
    return error_set(w->err, MOPO_EINVAL, "'%.*s.', want next.NAME or before.NAME",
                     (int)(n < 60 ? n : 60), name);
  return *after_blanks(w->at) == '(' ? write_function(w, name, n)
                                     : write_column(w, EITHER, name, n);
}

/* ------------------------------------------------------------------ the rest of the text */

/* Digits, a point, an exponent: as they are, in the C locale's way. */
static void write_number(writer *w)
{
  const char *p = w->at;
  while (isdigit((unsigned char)*p) || *p == '.') p++;
  if (*p == 'e' || *p == 'E') {
    const char *q = p + 1 + (p[1] == '+' || p[1] == '-');
    if (isdigit((unsigned char)*q)) {
      while (isdigit((unsigned char)*q)) q++;
      p = q;
    }
  }
  memcpy(w->to, w->at, (size_t)(p - w->at));
  w->to += p - w->at;
  w->at = p;
}

static mopo_status write_parenthesis(writer *w, bool call)
{
  if (*w->at == '(') {
    if (w->depth == DEPTH)
      return error_set(w->err, MOPO_EINVAL, "more than %d parentheses in each other", DEPTH);
    w->call[++w->depth] = call;
  } else if (w->depth-- == 0)
    return error_set(w->err, MOPO_EINVAL, "')' without a '('");
  *w->to++ = *w->at++;
  return MOPO_OK;
}

static mopo_status write_operator(writer *w)
{
  static const char *const two[] = {"<=", ">=", "==", "!=", "&&", "||"};
  for (size_t i = 0; i < sizeof two / sizeof *two; i++)
    if (!strncmp(w->at, two[i], 2)) {
      write_text(w, two[i]);
      w->at += 2;
      return MOPO_OK;
    }
  if (*w->at == '=') return error_set(w->err, MOPO_EINVAL, "'=' sets nothing here, want '=='");
  if (*w->at == '&' || *w->at == '|')
    return error_set(w->err, MOPO_EINVAL, "'%c', want '%c%c'", *w->at, *w->at, *w->at);
  if (*w->at == ',' && !(w->depth && w->call[w->depth]))
    return error_set(w->err, MOPO_EINVAL, "',' parts the arguments of a function only");
  if (!strchr("+-*/^<>!?:,", *w->at))
    return error_set(w->err, MOPO_EINVAL, "'%c' means nothing here", *w->at);
  *w->to++ = *w->at++;
  return MOPO_OK;
}

static mopo_status translate(writer *w)
{
  mopo_status st = MOPO_OK;
  bool call = false;
  while (st == MOPO_OK && *w->at) {
    unsigned char c = (unsigned char)*w->at;
    bool name = isalpha(c) || c == '_' || c == '"' || c >= 128;
    if (isspace(c))
      *w->to++ = ' ', w->at++;
    else if (name)
      st = write_name(w), call = true;
    else if (isdigit(c) || c == '.')
      write_number(w), call = false;
    else if (c == '(' || c == ')')
      st = write_parenthesis(w, call), call = false;
    else
      st = write_operator(w), call = false;
  }
  if (st == MOPO_OK && w->depth) return error_set(w->err, MOPO_EINVAL, "a '(' is not closed");
  *w->to = '\0';
  return st;
}

/* ------------------------------------------------------------------ muparser */

static muFloat_t is_zero(muFloat_t x) { return x == 0.0; }

/* What muparser found wrong; names and characters were checked before. */
static const char *complaint(muParserHandle_t parser)
{
  switch (mupGetErrorCode(parser)) {
  case 2: /* unexpected end */
    return "it ends too soon";
  case 3:
  case 4:
    return "a ',' or its end is where a number should be";
  case 15:
  case 16:
    return "a function has too many or too few arguments";
  case 25:
    return "it is empty";
  case 32:
  case 33:
    return "'?' and ':' do not pair";
  default:
    return "an operator or a number is missing";
  }
}

static mopo_status set_up(expression *e, const char *text, const expression_names *v,
                          double *values, mopo_error *err)
{
  muParserHandle_t p = e->parser = mupCreate(muBASETYPE_FLOAT);
  if (!p) return error_set(err, MOPO_ENOMEM, "no memory for an expression");
  for (int i = 0; i < 2 * v->S + v->A; i++) {
    char name[24];
    snprintf(name, sizeof name, "v%d", i);
    mupDefineVar(p, name, values + i);
  }
  mupDefineInfixOprt(p, "!", is_zero, 1);
  mupSetExpr(p, text);
  mupEval(p); /* compiles */
  return mupError(p) ? error_set(err, MOPO_EINVAL, "%s", complaint(p)) : MOPO_OK;
}

mopo_status expression_create(expression **out, const char *text, const expression_names *names,
                              double *values, mopo_error *err)
{
  *out = NULL;
  size_t n = strlen(text);
  if (n > EXPRESSION_MAX)
    return error_set(err, MOPO_EINVAL, "an expression of %zu bytes, want at most %d", n,
                     EXPRESSION_MAX);
  expression *e = calloc(1, sizeof *e);
  char *written = malloc(WRITTEN * n + 1);
  mopo_status st = MOPO_OK;
  if (!e || !written) {
    st = error_set(err, MOPO_ENOMEM, "no memory for an expression");
  } else {
    writer w = {.names = names, .at = text, .to = written, .err = err};
    st = translate(&w);
  }
  if (st == MOPO_OK) st = set_up(e, written, names, values, err);
  free(written);
  if (st == MOPO_OK)
    *out = e;
  else
    expression_free(e);
  return st;
}

void expression_free(expression *e)
{
  if (!e) return;
  if (e->parser) mupRelease(e->parser);
  free(e);
}

double expression_value(const expression *e) { return mupEval(e->parser); }
