/* named.c - what the caller says of a file: "obs=angle,speed;act=torque". Of a table they are the
 * names of columns; of a file of arrays, arrays or columns of them, side by side. */
#include "data/dialect.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const dialect *dialect_named(const char *name)
{
  for (int i = 0; dialect_at(i); i++)
    if (!strcmp(dialect_at(i)->name, name)) return dialect_at(i);
  return NULL;
}

const char *named_role(role r) { return dialect_named("CSV")->arrays[r]; }

/* The columns of a table unless the caller says otherwise. */
static const char *const table_columns[ROLES] = {
    [OBS] = "obs_#",       [ACT] = "act_#",       [REW] = "reward",      [TERMINAL] = "terminal",
    [NEXT] = "next_obs_#", [TIMEOUT] = "timeout", [EPISODE] = "episode",
};

mopo_status named_read(loader *l, mopo_error *err)
{
  const dialect *csv = dialect_named("CSV"), *d4rl = dialect_named("D4RL");
  assert(csv && d4rl);
  const bool table = l->container == IN_CSV;
  l->named = table ? *csv : *d4rl;
  l->of = &l->named;
  for (role r = 0; table && r < ROLES; r++)
    if (r != THERE) l->named.arrays[r] = table_columns[r];
  if (!l->how.columns) return MOPO_OK;
  if (!table) l->named.must[TERMINAL] = false;
  l->columns = strdup(l->how.columns);
  if (!l->columns) return error_set(err, MOPO_ENOMEM, "%s: out of memory", l->path);
  for (char *rest = l->columns, *part; (part = strsep(&rest, ";")) != NULL;) {
    char *value = strchr(part, '=');
    role found = ROLES;
    if (value) *value++ = '\0';
    for (role r = 0; r < THERE; r++)
      if (csv->arrays[r] && strcmp(part, csv->arrays[r]) == 0) found = r;
    if (!*part && !value) continue;
    if (!value || !*value || found == ROLES)
      return error_set(err, MOPO_EINVAL,
                       "columns: '%.60s', want obs=A,B,...;act=C,...;reward=D and, if they are "
                       "there, next_obs, terminal, timeout, episode, time",
                       part);
    l->named.arrays[found] = value;
    l->named.must[found] = true; /* what was named has to be there */
  }
  return MOPO_OK;
}

/* A number of up to 9 digits off the text; false: none. */
static bool take_number(int *x, const char **p)
{
  int n = 0;
  for (*x = 0; n < 9 && isdigit((unsigned char)**p); n++) *x = 10 * *x + *(*p)++ - '0';
  return n > 0;
}

/* "state[0:3]" or "state[2]": the columns, off the name. False: something else in brackets. */
static bool read_slice(char *name, struct asked *q)
{
  char *open = strchr(name, '[');
  if (!open) return true;
  const char *p = open + 1;
  int end = 0;
  bool ok = take_number(&q->from, &p);
  end = q->from + 1;
  if (*p == ':') p++, ok = ok && take_number(&end, &p);
  q->count = end - q->from;
  ok = ok && *p == ']' && !p[1] && q->count > 0;
  *open = '\0';
  return ok;
}

static mopo_status ask_pieces(loader *l, io_array *arrays, io_array like, role r, char *pieces,
                              mopo_error *err)
{
  for (char *rest = pieces, *piece; (piece = strsep(&rest, ",")) != NULL;) {
    if (l->n == LOAD_ARRAYS)
      return error_set(err, MOPO_EINVAL, "columns: more than %d arrays", LOAD_ARRAYS);
    struct asked *q = &l->asked[l->n];
    *q = (struct asked){.role = r};
    if (!read_slice(piece, q) || !*piece || strchr(piece, '#'))
      return error_set(err, MOPO_EINVAL,
                       "columns: '%.60s', want an array's name, with [2] or [0:3] behind it for "
                       "some of its columns",
                       piece);
    like.name = piece;
    arrays[l->n++] = like;
  }
  return MOPO_OK;
}

mopo_status named_ask(loader *l, io_array *arrays, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (role r = 0; !st && r < ROLES; r++) {
    const char *name = l->named.arrays[r];
    io_array a = {.name = name, .as = load_form(r), .required = load_must(l, &l->named, r)};
    if (!name || ((r == QPOS || r == AFTER) && !l->positions)) continue;
    bool said = l->columns && name >= l->columns && name < l->columns + strlen(l->how.columns);
    if (said && l->container != IN_CSV) { /* the pieces are cut where they stand */
      st = ask_pieces(l, arrays, a, r, l->columns + (name - l->columns), err);
      continue;
    }
    l->asked[l->n] = (struct asked){.role = r};
    arrays[l->n++] = a;
  }
  return st;
}
