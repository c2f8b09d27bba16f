/* cmd_reproduce.c - mopo reproduce: the paper's tables, cell by cell. */
#include "reproduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "reproduce table1|table2|ablation|later [options]";
static const char purpose[] =
    "Makes a table of Yu et al. 2020 in the directory --dir, and prints it beside the published\n"
    "numbers. What is there is not made again, what was stopped goes on, so the same command may\n"
    "be given again and again; --dry-run prints what is still to be done as lines for a shell.\n"
    "Data are collected to DIR/data unless they are there: a file of D4RL's put there by its\n"
    "name, hopper-medium.hdf5, is used as it is. Settings are those of the preset paper unless\n"
    "given; those of mopo collect hold for the data, all others for the learning.\n"
    "table1    D4RL sets: bc, mopo, mbpo, sac, bear, brac-v\n"
    "table2    halfcheetah-jump and ant-angle: mopo, mbpo, sac, bear, brac-p, brac-v\n"
    "ablation  what the penalty measures, and no ensemble\n"
    "later     D4RL sets, every algorithm that the paper does not have";

/* "3": seeds 0, 1, 2; "0,4,7" or "4,": these. */
static int parse_seeds(reproduce *r, const char *text)
{
  bool list = strchr(text, ',') != NULL;
  for (const char *p = text; *p;) {
    char *end = NULL;
    errno = 0;
    unsigned long long x = strtoull(p, &end, 10);
    if (end == p || *p == '-' || errno || (*end && *end != ',') ||
        (!list && (x < 1 || x > SEEDS_MAX)) || r->n_seeds == SEEDS_MAX)
      return cli_fail(EXIT_USAGE, "seeds = '%s', want their number, 1 to %d, or a list 0,1,2", text,
                      SEEDS_MAX);
    for (int i = 0; i < r->n_seeds; i++)
      if (r->seed[i] == x)
        return cli_fail(EXIT_USAGE, "seeds = '%s', want each once: %llu is there twice", text, x);
    for (unsigned long long s = 0; !list && s < x; s++) r->seed[r->n_seeds++] = s;
    if (list) r->seed[r->n_seeds++] = x;
    p = *end ? end + 1 : end;
  }
  if (r->n_seeds) return EXIT_DONE;
  return cli_fail(EXIT_USAGE, "seeds = '%s', want their number or a list 0,1,2", text);
}

/* Options that are settings with another default here. */
static int take_flags(options *o)
{
  mopo_error err;
  const char *const given[][2] = {{"preset", o->preset}, {"steps", o->steps}};
  for (int i = 0; i < 2; i++) {
    if (!given[i][1]) continue;
    mopo_status st = mopo_config_set(o->c, given[i][0], given[i][1], &err);
    if (st != MOPO_OK) return cli_fail(EXIT_USAGE, "--%s", err.msg);
  }
  return EXIT_DONE;
}

static int run(options *o)
{
  reproduce r = {.o = o, .dir = o->dir ? o->dir : "runs/reproduce"};
  if (!o->n_args) return cli_fail(EXIT_USAGE, "want a table; usage: mopo %s", usage);
  bool later = !strcmp(o->args[0], "later");
  r.table = later ? paper_later_make(&r.later) : paper_table_find(o->args[0]);
  if (!r.table)
    return cli_fail(EXIT_USAGE, "table = '%s', want table1, table2, ablation or later", o->args[0]);
  if (!*r.dir) return cli_fail(EXIT_USAGE, "dir = '', want a directory");
  int code = take_flags(o);
  if (code == EXIT_DONE) code = parse_seeds(&r, o->seeds ? o->seeds : "3");
  if (code != EXIT_DONE) return code;
  code = reproduce_make(&r);
  if (o->dry_run || (code != EXIT_DONE && code != EXIT_NUMERIC)) return code;
  if (o->json)
    reproduce_print_json(&r);
  else
    reproduce_print(&r);
  return code;
}

int cmd_reproduce(int argc, char **argv)
{
  options o = {.verb = "reproduce", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, run);
}
