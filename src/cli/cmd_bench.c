/* cmd_bench.c - mopo bench: this machine against what the arithmetic allows. */
#include "cli.h"
#include "json.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "bench [--threads N] [--repeats N] [--json]";
static const char purpose[] =
    "Times each stage of a run, on one thread and on all, beside this machine's peak (a loop of\n"
    "multiply-adds in registers) and the program's own 256 x 256 x 256 product, both measured "
    "again\n"
    "beside every repeat. Medians.";

static void percent(double x)
{
  if (isfinite(x))
    printf("  %5.1f", 100.0 * x);
  else
    printf("  %5s", "-");
}

static void print_table(const mopo_bench_result *r)
{
  printf("%-32s %7s %10s %17s %9s %8s %6s %6s\n", "", "threads", "ms", "min .. max", "GFLOP/s",
         "floor ms", "% peak", "% own");
  for (int i = 0; i < r->rows; i++) {
    const mopo_bench_row *b = &r->row[i];
    printf("%-32s %7d %10.3f %8.3f..%-8.3f", b->name, b->threads, b->ms, b->ms_min, b->ms_max);
    if (isfinite(b->gflop)) {
      printf(" %8.1f %9.3f", b->gflop / b->ms * 1e3, b->floor_ms);
      percent(b->of_peak);
      percent(b->of_product);
      printf("\n");
    } else {
      printf(" %.0f a second\n", b->per_second);
    }
  }
}

static void print_json(const mopo_bench_result *r)
{
  printf("[");
  for (int i = 0; i < r->rows; i++) {
    const mopo_bench_row *b = &r->row[i];
    const struct {
      const char *name;
      double value;
    } fields[] = {{"ms", b->ms},
                  {"ms_min", b->ms_min},
                  {"ms_max", b->ms_max},
                  {"gflop", b->gflop},
                  {"floor_ms", b->floor_ms},
                  {"of_peak", b->of_peak},
                  {"of_product", b->of_product},
                  {"per_second", b->per_second}};
    printf("%s\n{\"name\":", i ? "," : "");
    json_text(b->name);
    printf(",\"threads\":%d", b->threads);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
      printf(",\"%s\":", fields[k].name);
      json_number(fields[k].value);
    }
    printf("}");
  }
  printf("\n]\n");
}

static int bench(options *o)
{
  char *end = NULL;
  long repeats = o->repeats ? strtol(o->repeats, &end, 10) : 7;
  if (o->repeats && (!*o->repeats || *end || repeats < 1 || repeats > 1000))
    return cli_fail(EXIT_USAGE, "--repeats %s, want a whole number from 1", o->repeats);
  mopo_error err;
  mopo_bench_result r;
  mopo_watch watch = {.stop = cli_stop_flag(false)};
  mopo_status st = mopo_bench(&r, (int)options_number(o, "threads"), (int)repeats, &watch, &err);
  if (st != MOPO_OK) return cli_status(st, &err);
  if (o->json) {
    print_json(&r);
  } else {
    print_table(&r);
  }
  return EXIT_DONE;
}

int cmd_bench(int argc, char **argv)
{
  options o = {.verb = "bench", .usage = usage, .purpose = purpose};
  return options_run(&o, argc, argv, bench);
}
