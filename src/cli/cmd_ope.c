/* cmd_ope.c - mopo ope: what policies are worth, from recorded data alone. */
#include "cli.h"
#include "json.h"
#include "ope_print.h"
#include "options.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static const char usage[] = "ope RUN... --data FILE [--task NAME] [options]";
static const char purpose[] =
    "Judges policies by recorded data alone: a model of its own, fitted to FILE, plays each of\n"
    "them from where recorded episodes began, and the returns are set next to those on record.\n"
    "Verdicts: better, not-better, unknown, with reasons. RUN is a run directory or a\n"
    "policy.safetensors. No simulator is used.";

/* What is judged, and by what. */
typedef struct session {
  options *o;
  mopo_policy *p[MOST];
  mopo_estimate e[MOST];
  mopo_task *task;
  mopo_dataset *d;
} session;

static int load_policies(session *s)
{
  mopo_error err;
  for (int i = 0; i < s->o->n_args; i++) {
    char path[1100];
    snprintf(path, sizeof path, "%s", s->o->args[i]);
    int code = cli_input_inside(path, sizeof path, "policy.safetensors");
    if (code == EXIT_DONE) code = cli_status(mopo_policy_load(&s->p[i], path, &err), &err);
    if (code != EXIT_DONE) return code;
  }
  return EXIT_DONE;
}

static int load(session *s)
{
  mopo_error err;
  int code = options_need(s->o, "data");
  if (code != EXIT_DONE) return code;
  if (s->o->n_args < 1) return cli_fail(EXIT_USAGE, "want a policy; usage: mopo %s", usage);
  if ((code = load_policies(s)) != EXIT_DONE) return code;
  if ((code = options_task(&s->task, s->o, s->p[0])) != EXIT_DONE) return code;
  if ((code = options_path(s->o, "data", NULL)) != EXIT_DONE) return code;
  return cli_status(
      mopo_dataset_read(&s->d, options_text(s->o, "data"), s->o->c, s->task, false, NULL, &err),
      &err);
}

static void print(const session *s)
{
  const char *const *names = (const char *const *)s->o->args;
  if (s->o->json) {
    printf("[");
    for (int i = 0; i < s->o->n_args; i++) {
      printf("%s{\"policy\":", i ? "," : "");
      json_text(names[i]);
      printf(",\"ope\":");
      ope_print_json(&s->e[i]);
      printf("}");
    }
    printf("]\n");
  } else {
    ope_print_table(s->e, names, s->o->n_args);
  }
}

static int judge(session *s)
{
  mopo_error err;
  int code = load(s);
  mopo_ope_options how = {.size = sizeof how};
  if (code != EXIT_DONE) return code;
  how.updates = (int)options_number(s->o, "ope-updates");
  how.seed = options_seed(s->o), how.threads = (int)options_number(s->o, "threads");
  progress bar = progress_create(s->o->quiet);
  mopo_watch watch = progress_watch(&bar);
  s->e[0].size = sizeof *s->e;
  mopo_status st = mopo_ope(s->e, s->p, s->o->n_args, s->d, s->task, &how, &watch, &err);
  progress_end(&bar);
  if (st != MOPO_OK) return cli_status(st, &err);
  print(s);
  return EXIT_DONE;
}

static int ope(options *o)
{
  session *s = calloc(1, sizeof *s);
  if (!s) return cli_fail(EXIT_RUN, "no memory");
  s->o = o;
  int code = judge(s);
  for (int i = 0; i < MOST; i++) mopo_policy_free(s->p[i]);
  mopo_dataset_free(s->d);
  mopo_task_free(s->task);
  free(s);
  return code;
}

int cmd_ope(int argc, char **argv)
{
  options o = {.verb = "ope", .usage = usage, .purpose = purpose, .max_args = MOST};
  return options_run(&o, argc, argv, ope);
}
