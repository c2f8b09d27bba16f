/* cmd_tune.c - mopo tune: learn in several ways, judge all by the data alone, keep the best. */
#include "cli.h"
#include "json.h"
#include "ope_print.h"
#include "options.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "tune --data FILE --task NAME --out DIR [--hours H] [options]";
static const char purpose[] =
    "Learns a clone of the recorded controller and policies by TD3+BC, IQL and MOPO with several\n"
    "rollout lengths and penalties, each in a run directory in DIR, with one model for all; "
    "judges\n"
    "them by the data alone as mopo ope does; and writes the best that is better than the log to\n"
    "DIR/policy.safetensors, or the clone where none is. No simulator is used. The same command\n"
    "again resumes what was interrupted.";

static int hours_of(double *out, const options *o)
{
  char none[] = "", *end = none;
  *out = o->hours ? strtod(o->hours, &end) : 0.0;
  if (o->hours && (*end || end == o->hours || !(*out > 0.0 && *out <= 8760.0)))
    return cli_fail(EXIT_USAGE, "hours = '%s', want above 0, at most 8760", o->hours);
  return EXIT_DONE;
}

/* The learned ones, side by side. */
static int gather(mopo_estimate *e, const char **names, const mopo_tune_result *r)
{
  int n = 0;
  for (int i = 0; i < r->n; i++)
    if (r->of[i].learned) e[n] = r->of[i].ope, names[n++] = r->of[i].name;
  return n;
}

static void print_table(const options *o, const mopo_tune_result *r)
{
  mopo_estimate e[MOPO_TUNE_MAX];
  const char *names[MOPO_TUNE_MAX];
  int n = gather(e, names, r);
  ope_print_table(e, names, n);
  if (r->kept_clone)
    printf("\nnothing is credibly better than the log: its clone is kept\n");
  else
    printf("\nchosen: %s\n", r->of[r->chosen].name);
  printf("%.0f s; policy: %s/policy.safetensors\n", r->wall_seconds, options_text(o, "out"));
}

static void print_json(const options *o, const mopo_tune_result *r)
{
  const char *sep = "";
  printf("{\"chosen\":");
  json_text(r->of[r->chosen].name);
  printf(",\"kept_clone\":%s,\"candidates\":[", r->kept_clone ? "true" : "false");
  for (int i = 0; i < r->n; i++) {
    if (!r->of[i].learned) continue;
    printf("%s{\"name\":", sep);
    json_text(r->of[i].name);
    printf(",\"ope\":");
    ope_print_json(&r->of[i].ope);
    printf("}");
    sep = ",";
  }
  printf("],\"wall_seconds\":");
  json_number(r->wall_seconds);
  printf(",\"out\":");
  json_text(options_text(o, "out"));
  printf("}\n");
}

static int tune(options *o)
{
  static const char *const needed[] = {"data", "task", "out"};
  mopo_error err;
  mopo_tune_result r;
  double hours;
  int code = hours_of(&hours, o);
  for (int i = 0; code == EXIT_DONE && i < 3; i++) code = options_need(o, needed[i]);
  if (code == EXIT_DONE) code = options_path(o, "data", NULL);
  if (code != EXIT_DONE) return code;
  progress bar = progress_create(o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_tune(&r, o->c, hours, &watch, &err);
  progress_end(&bar);
  if (st != MOPO_OK) return cli_status(st, &err);
  if (o->json)
    print_json(o, &r);
  else
    print_table(o, &r);
  return EXIT_DONE;
}

int cmd_tune(int argc, char **argv)
{
  options o = {.verb = "tune", .usage = usage, .purpose = purpose};
  return options_run(&o, argc, argv, tune);
}
