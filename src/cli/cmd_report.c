/* cmd_report.c - mopo report: one page from run directories. */
#include "cli.h"
#include "json.h"
#include "options.h"

#include <limits.h>
#include <stdio.h>

static const char usage[] = "report RUN... --out report.html [options]";
static const char purpose[] =
    "Writes one HTML page about one or many run directories: learning curves, results with\n"
    "intervals, the model's fit and calibration, settings and commands. The page needs no network\n"
    "and no script; runs that are under way are shown as far as they are.";

static const char *s(int n) { return n == 1 ? "" : "s"; }

int cmd_report(int argc, char **argv)
{
  options o = {.verb = "report", .usage = usage, .purpose = purpose, .max_args = INT_MAX};
  int code = options_parse(&o, argc, argv);
  if (code != EXIT_DONE || o.help) return code;
  if (o.n_args < 1) return cli_fail(EXIT_USAGE, "want run directories; usage: mopo %s", usage);
  if ((code = options_need(&o, "out")) != EXIT_DONE) return code;

  mopo_error err;
  mopo_report_result r;
  mopo_status st = mopo_report(&r, (const char *const *)o.args, o.n_args, o.c.out, &err);
  if (st != MOPO_OK) return cli_status(st, &err);
  if (o.json) {
    printf("{\"runs\":%d,\"finished\":%d,\"methods\":%d,\"datasets\":%d,\"out\":", r.runs,
           r.finished, r.methods, r.datasets);
    json_text(o.c.out);
    printf("}\n");
  } else {
    printf("%d run%s (%d finished), %d method%s, %d dataset%s: %s\n", r.runs, s(r.runs), r.finished,
           r.methods, s(r.methods), r.datasets, s(r.datasets), o.c.out);
  }
  return EXIT_DONE;
}
