/* cmd_data.c - mopo data info: what is in a dataset. */
#include "cli.h"
#include "info.h"
#include "options.h"

#include <string.h>

static const char usage[] = "data info FILE [--json]";
static const char purpose[] = "Reads a D4RL HDF5 file as training would and prints its sizes, its "
                              "episodes' returns and what\n"
                              "looks suspicious.";

static int print_info(const char *path, bool json)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  int code = cli_input(path);
  if (code != EXIT_DONE) return code;
  mopo_status st = mopo_dataset_load(&d, path, NULL, &err);
  if (st == MOPO_OK) st = mopo_dataset_describe(&info, d, &err);
  if (st != MOPO_OK) {
    code = cli_status(st, &err);
  } else if (json) {
    info_print_json(path, mopo_dataset_kind(d), &info);
  } else {
    info_print(path, mopo_dataset_kind(d), &info);
  }
  mopo_dataset_free(d);
  return code;
}

int cmd_data(int argc, char **argv)
{
  options o = {.verb = "data", .usage = usage, .purpose = purpose, .max_args = 2};
  int code = options_parse(&o, argc, argv);
  if (code != EXIT_DONE || o.help) return code;
  if (o.n_args < 1) return cli_fail(EXIT_USAGE, "want 'info'; usage: mopo %s", usage);
  if (strcmp(o.args[0], "info") != 0)
    return cli_fail(EXIT_USAGE, "unknown verb 'data %s', did you mean 'data info'?", o.args[0]);
  if (o.n_args < 2) return cli_fail(EXIT_USAGE, "want a dataset; usage: mopo %s", usage);
  return print_info(o.args[1], o.json);
}
