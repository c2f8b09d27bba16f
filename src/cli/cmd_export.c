/* cmd_export.c - mopo export: a policy as C source, ONNX or safetensors. */
#include "cli.h"
#include "json.h"
#include "nearest.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "export POLICY --format c|onnx|safetensors --out FILE [options]";
static const char purpose[] =
    "Writes the policy's deterministic action for others to run: one C99 file that needs nothing\n"
    "else, an ONNX model, or safetensors with PyTorch's names. POLICY is a policy.safetensors or "
    "a\n"
    "run directory. With --int8 the C file's weights are int8; what that costs is measured: the\n"
    "actions at the observations of --data (or at normal draws), and the return in the simulated\n"
    "task: --task, else the one that the policy's file names.";

/* What int8 costs. NAN where it was not measured. */
typedef struct cost {
  mopo_policy_difference action;
  double before, after; /* returns */
  bool unnamed;         /* nobody says which task to measure the return in */
} cost;

static int find_format(mopo_export_format *out, const options *o)
{
  static const char *const names[] = {"c", "onnx", "safetensors"};
  static const mopo_export_format formats[] = {MOPO_EXPORT_C, MOPO_EXPORT_ONNX,
                                               MOPO_EXPORT_SAFETENSORS};
  if (!o->format) return cli_fail(EXIT_USAGE, "want --format; usage: mopo %s", usage);
  nearest n = {.wanted = o->format};
  for (int i = 0; i < 3; i++) {
    nearest_try(&n, names[i]);
    if (strcmp(o->format, names[i]) != 0) continue;
    *out = formats[i];
    if (!o->int8 && (*options_text(o, "data") || *options_text(o, "task")))
      return cli_fail(EXIT_USAGE, "--%s wants --int8: it is there to measure what that costs",
                      *options_text(o, "data") ? "data" : "task");
    if (!o->int8) return EXIT_DONE;
    *out = MOPO_EXPORT_C_INT8;
    return i == 0 ? EXIT_DONE : cli_fail(EXIT_USAGE, "--int8 wants --format c");
  }
  char guess[NEAREST_SIZE];
  return cli_fail(EXIT_USAGE, "format = '%s', want c|onnx|safetensors%s", o->format,
                  nearest_guess(guess, &n, ""));
}

static int run_task(double *ret, const options *o, mopo_policy *p, const mopo_task *task)
{
  mopo_error err;
  const mopo_eval_options how = {.size = sizeof how,
                                 .physics = options_text(o, "physics"),
                                 .episodes = (int)options_number(o, "eval-episodes"),
                                 .seed = options_seed(o),
                                 .threads = (int)options_number(o, "threads")};
  mopo_eval_result *r = calloc(1, sizeof *r);
  if (!r) return cli_fail(EXIT_RUN, "no memory");
  mopo_status st = mopo_evaluate(r, p, task, &how, &err);
  *ret = r->return_mean;
  free(r);
  return cli_status(st, &err);
}

/* Where the return can be measured: in --task, else in the task that the policy's file names. *out
 * NULL: nowhere. */
static int find_task(mopo_task **out, cost *c, const options *o, const mopo_policy *p)
{
  mopo_error err;
  bool asked = *options_text(o, "task");
  c->unnamed = !asked && !mopo_task_find(mopo_policy_task(p));
  *out = NULL;
  if (!asked && (c->unnamed || !options_simulated(mopo_task_find(mopo_policy_task(p)))))
    return EXIT_DONE;
  return cli_status(
      mopo_task_load(out, asked ? options_text(o, "task") : mopo_policy_task(p), &err), &err);
}

/* What the cost is measured with. */
typedef struct yardstick {
  mopo_task *task;  /* NULL: nobody names one */
  mopo_dataset *on; /* NULL: normal draws */
} yardstick;

/* All that can fail of it, before a file is written: data, task, and the exact policy in it. */
static int get_ready(yardstick *y, cost *out, options *o, mopo_policy *exact)
{
  mopo_error err;
  mopo_task *task = NULL;
  int code = find_task(&task, out, o, exact);
  y->task = task;
  const mopo_task *asked = *options_text(o, "task") ? task : NULL; /* what the data have to fit */
  if (code == EXIT_DONE && *options_text(o, "data")) code = options_path(o, "data", NULL);
  if (code != EXIT_DONE) return code;
  mopo_status st = *options_text(o, "data") ? mopo_dataset_read(&y->on, options_text(o, "data"),
                                                                o->c, asked, false, NULL, &err)
                                            : MOPO_OK;
  if (st == MOPO_OK) st = mopo_policy_compare(&out->action, exact, exact, y->on, &err);
  if (!options_simulated(task)) task = NULL;
  if (st == MOPO_OK && task)
    st = mopo_config_resolve(o->c, mopo_task_facts_of(task)->name, "",
                             mopo_task_facts_of(task)->act_dim, &err);
  if (st != MOPO_OK) return cli_status(st, &err);
  return task ? run_task(&out->before, o, exact, task) : EXIT_DONE;
}

static int measure(cost *out, const yardstick *y, const options *o, mopo_policy *exact,
                   mopo_policy *rounded)
{
  mopo_error err;
  mopo_status st = mopo_policy_compare(&out->action, exact, rounded, y->on, &err);
  if (st != MOPO_OK) return cli_status(st, &err);
  return options_simulated(y->task) ? run_task(&out->after, o, rounded, y->task) : EXIT_DONE;
}

static void print_text(const options *o, const mopo_export_info *i, const cost *c)
{
  printf("file       %s\n", options_text(o, "out"));
  if (i->constant_bytes) {
    printf("constants  %zu bytes\n", i->constant_bytes);
    printf("stack      %zu bytes\n", i->stack_bytes);
    printf("action     %lld multiply-adds\n", (long long)i->multiply_adds);
  }
  if (!o->int8) return;
  printf("int8       actions differ by %.2g rms, %.2g at most, at %d %s\n", c->action.rms,
         c->action.max, c->action.rows,
         *options_text(o, "data") ? "rows of the data" : "normal draws");
  if (c->unnamed)
    printf("           what the return loses: mopo export ... --int8 --task NAME\n");
  else if (!isnan(c->before))
    printf("           return %.1f with float32, %.1f with int8, %d episode%s\n", c->before,
           c->after, (int)options_number(o, "eval-episodes"),
           (int)options_number(o, "eval-episodes") == 1 ? "" : "s");
}

static void print_json(const options *o, const mopo_export_info *i, const cost *c)
{
  printf("{\"file\":");
  json_text(options_text(o, "out"));
  if (i->constant_bytes)
    printf(",\"constant_bytes\":%zu,\"stack_bytes\":%zu,\"multiply_adds\":%lld", i->constant_bytes,
           i->stack_bytes, (long long)i->multiply_adds);
  if (o->int8) {
    printf(",\"action_rms\":");
    json_number(c->action.rms);
    printf(",\"action_max\":");
    json_number(c->action.max);
    printf(",\"return_float32\":");
    json_number(c->before);
    printf(",\"return_int8\":");
    json_number(c->after);
  }
  printf("}\n");
}

static int write_policy(options *o, const char *path, mopo_export_format format)
{
  mopo_error err;
  mopo_policy *p = NULL, *rounded = NULL;
  cost c = {.before = (double)NAN, .after = (double)NAN};
  mopo_export_info info = {0};
  yardstick y = {0};
  mopo_status st = mopo_policy_load(&p, path, &err);
  if (st == MOPO_OK && o->int8) st = mopo_policy_load(&rounded, path, &err);
  int code = cli_status(st, &err);
  if (code == EXIT_DONE && o->int8) code = get_ready(&y, &c, o, p);
  if (code == EXIT_DONE) {
    st = mopo_policy_export(&info, o->int8 ? rounded : p, options_text(o, "out"), format, &err);
    code = cli_status(st, &err);
  }
  if (code == EXIT_DONE && o->int8) code = measure(&c, &y, o, p, rounded);
  if (code == EXIT_DONE) {
    if (o->json)
      print_json(o, &info, &c);
    else
      print_text(o, &info, &c);
  }
  mopo_dataset_free(y.on);
  mopo_task_free(y.task);
  mopo_policy_free(rounded);
  mopo_policy_free(p);
  return code;
}

static int export(options *o)
{
  mopo_export_format format = MOPO_EXPORT_C;
  if (o->n_args < 1) return cli_fail(EXIT_USAGE, "want a policy; usage: mopo %s", usage);
  int code = find_format(&format, o);
  if (code == EXIT_DONE) code = options_need(o, "out");
  if (code != EXIT_DONE) return code;
  char path[1100];
  snprintf(path, sizeof path, "%s", o->args[0]);
  code = cli_input_inside(path, sizeof path, mopo_run_file(MOPO_RUN_POLICY));
  return code == EXIT_DONE ? write_policy(o, path, format) : code;
}

int cmd_export(int argc, char **argv)
{
  options o = {.verb = "export", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, export);
}
