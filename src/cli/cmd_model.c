/* cmd_model.c - mopo model fit: the dynamics ensemble alone. */
#include "cli.h"
#include "json.h"
#include "options.h"
#include "progress.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "model fit --data FILE --task NAME --out MODEL.safetensors [options]";
static const char purpose[] =
    "Fits the ensemble of dynamics models and writes it to one file, for `mopo train --model`.\n"
    "What was stopped goes on with --resume and the same settings.";

static int rank_of(const mopo_fit_result *r, int member)
{
  for (int i = 0; i < r->elites; i++)
    if (r->elite[i] == member) return i + 1;
  return 0;
}

static void print_table(const options *o, const mopo_fit_result *r)
{
  printf("member   holdout mse   elite\n");
  for (int i = 0; i < r->members; i++) {
    printf("%6d  %12.5g   ", i, r->holdout_mse[i]);
    if (rank_of(r, i)) {
      printf("%5d\n", rank_of(r, i));
    } else {
      printf("%5s\n", "-");
    }
  }
  printf("\n%d epochs in %.0f s; model: %s\n", r->epochs, r->wall_seconds, options_text(o, "out"));
}

static void print_json(const options *o, const mopo_fit_result *r)
{
  printf("{\"epochs\":%d,\"holdout_mse\":", r->epochs);
  json_numbers(r->holdout_mse, r->members);
  printf(",\"elites\":[");
  for (int i = 0; i < r->elites; i++) printf("%s%d", i ? "," : "", r->elite[i]);
  printf("],\"wall_seconds\":");
  json_number(r->wall_seconds);
  printf(",\"out\":");
  json_text(options_text(o, "out"));
  printf("}\n");
}

static int fit(options *o)
{
  static const char *const needed[] = {"data", "task", "out"};
  int code = EXIT_DONE;
  for (int i = 0; code == EXIT_DONE && i < 3; i++) code = options_need(o, needed[i]);
  if (code == EXIT_DONE) code = options_path(o, "data", NULL);
  if (code != EXIT_DONE) return code;

  mopo_error err;
  mopo_fit_result r;
  progress bar = progress_create(o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_model_fit_file(&r, o->c, o->resume, &watch, &err);
  progress_end(&bar);
  if (st != MOPO_OK) return cli_resumable(st, &err);
  if (o->json) {
    print_json(o, &r);
  } else {
    print_table(o, &r);
  }
  return EXIT_DONE;
}

static int model(options *o)
{
  if (o->n_args < 1) return cli_fail(EXIT_USAGE, "want 'fit'; usage: mopo %s", usage);
  if (strcmp(o->args[0], "fit") != 0)
    return cli_fail(EXIT_USAGE, "unknown verb 'model %s', did you mean 'model fit'?", o->args[0]);
  return fit(o);
}

int cmd_model(int argc, char **argv)
{
  options o = {.verb = "model", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, model);
}
