/* cmd_collect.c - mopo collect: make a dataset. */
#include "cli.h"
#include "info.h"
#include "options.h"
#include "progress.h"

static const char usage[] = "collect --task NAME --kind KIND --out FILE.hdf5 [options]";
static const char purpose[] =
    "Makes a dataset as the D4RL sets were made: trains soft actor-critic online in the simulated\n"
    "task where the kind needs it, and records its transitions. What was stopped goes on with\n"
    "--resume and the same settings.";

static int collect(options *o)
{
  int code = options_need(o, "task");
  if (code == EXIT_DONE) code = options_need(o, "out");
  if (code == EXIT_DONE && *options_text(o, "policy"))
    code = options_path(o, "policy", mopo_run_file(MOPO_RUN_POLICY));
  if (code != EXIT_DONE) return code;

  mopo_error err;
  mopo_dataset_info info;
  progress bar = progress_create(o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_collect(&info, o->c, o->resume, &watch, &err);
  progress_end(&bar);
  if (st != MOPO_OK) return cli_resumable(st, &err);
  if (o->json) {
    info_print_json(options_text(o, "out"), options_text(o, "kind"), NULL, &info);
  } else {
    info_print(options_text(o, "out"), options_text(o, "kind"), NULL, &info);
  }
  return EXIT_DONE;
}

int cmd_collect(int argc, char **argv)
{
  options o = {.verb = "collect", .usage = usage, .purpose = purpose};
  return options_run(&o, argc, argv, collect);
}
