/* ini.c - see ini.h. inih cuts lines at some 200 bytes and does not say which line a value came
 * from. So the lines are fed to it one by one, and the value is taken from the whole line. */
#include "io/ini.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

typedef struct ini_job {
  const char *at;              /* rest of the text */
  const char *line, *line_end; /* the line last fed */
  int lineno;
  ini_key *key;
  void *ctx;
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

/* The text between '=' and the comment or the end of the line, without blanks at its ends. False:
 * it does not fit. */
static bool whole_value(const ini_job *job, char *buf, size_t size)
{
  const char *a = job->line, *b = job->line_end;
  while (a < b && *a != '=' && *a != ':') a++;
  if (a < b) a++;
  while (a < b && isspace((unsigned char)*a)) a++;
  for (const char *p = a; p < b; p++)
    if (*p == ';' && isspace((unsigned char)p[-1])) b = p;
  while (b > a && isspace((unsigned char)b[-1])) b--;
  return (size_t)snprintf(buf, size, "%.*s", (int)(b - a), a) < size;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
  ini_job *job = user;
  char whole[INI_VALUE];
  (void)value;
  if (job->failed_at) return 0;
  mopo_status st = MOPO_OK;
  if (!whole_value(job, whole, sizeof whole))
    st = error_set(&job->why, MOPO_EFORMAT, "'%.64s' has a value of more than %d bytes", name,
                   INI_VALUE - 1);
  else
    st = job->key(job->ctx, section, name, whole, job->lineno, &job->why);
  if (st != MOPO_OK) job->failed_at = job->lineno;
  return st == MOPO_OK;
}

mopo_status ini_read(const char *text, size_t n, const char *path, ini_key *key, void *ctx,
                     mopo_error *err)
{
  if (memchr(text, 0, n)) return error_set(err, MOPO_EFORMAT, "%s: not a text file", path);
  ini_job job = {.at = text, .key = key, .ctx = ctx};
  int bad_line = ini_parse_stream(feed_line, &job, take_key, &job);
  if (bad_line < 0) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  if (bad_line && bad_line == job.failed_at)
    return error_set(err, job.why.code, "%s:%d: %s", path, bad_line, job.why.msg);
  if (bad_line)
    return error_set(err, MOPO_EFORMAT, "%s:%d: want 'name = value' or '[section]'", path,
                     bad_line);
  return MOPO_OK;
}
