/* cmd_train.c - mopo train: learn a policy from a dataset. */
#include "cli.h"
#include "json.h"
#include "ope_print.h"
#include "options.h"
#include "plot.h"
#include "progress.h"
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "train --data FILE --task NAME --out DIR [options]";
static const char purpose[] =
    "Learns a policy from recorded transitions: fits an ensemble of dynamics models, lets the\n"
    "policy practise in it with the reward lowered by the models' uncertainty, and writes the run\n"
    "directory DIR. Ctrl-C writes a checkpoint; --resume goes on from it.";

/* DIR/name; the library has made sure that it fits. */
static void in_dir(char *path, size_t size, const options *o, const char *name)
{
  const char *dir = options_text(o, "out");
  size_t n = strlen(dir);
  snprintf(path, size, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

/* A resumed run has its settings in its directory. */
static int read_resumed(options *o)
{
  char path[1100];
  mopo_error err;
  int code = options_need(o, "out");
  if (code != EXIT_DONE) return code;
  in_dir(path, sizeof path, o, mopo_run_file(MOPO_RUN_CONFIG));
  code = cli_input(path);
  if (code != EXIT_DONE) return code;
  return cli_status(mopo_config_load(o->c, path, &err), &err);
}

static int check_inputs(options *o)
{
  static const char *const needed[] = {"data", "task", "out"};
  int code = o->resume ? read_resumed(o) : EXIT_DONE;
  for (int i = 0; code == EXIT_DONE && i < 3; i++) code = options_need(o, needed[i]);
  if (code == EXIT_DONE) code = options_path(o, "data", NULL);
  if (code == EXIT_DONE && *options_text(o, "model"))
    code = options_path(o, "model", mopo_run_file(MOPO_RUN_MODEL));
  return code;
}

/* What was typed for nothing: a settings file may be shared, a command line is meant. (What is
 * refused where it would do nothing needs no note.) */
static void note_unread(const options *o)
{
  const char *sep = "";
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    const char *name = mopo_setting_name(s);
    bool refused = !strcmp(name, "penalty-coef") || !strcmp(name, "real-ratio");
    if (!mopo_config_is_set(o->typed, name) || refused || mopo_config_uses(o->c, s)) continue;
    if (!*sep)
      fprintf(stderr, "note: algo %s%s does not read ", options_text(o, "algo"),
              *options_text(o, "model") ? " with a model that is given" : "");
    fprintf(stderr, "%s%s", sep, name);
    sep = ", ";
  }
  if (*sep) fputc('\n', stderr);
}

static void print_figure(double x)
{
  if (isnan(x)) {
    printf("%12s", "-");
  } else {
    printf("%12.1f", x);
  }
}

/* spread: of the returns, NAN: none. */
static void print_row(const char *name, double ret, double spread, double score)
{
  char text[32] = "";
  if (!isnan(spread)) snprintf(text, sizeof text, " +- %.1f", spread);
  printf("%-22s", name);
  print_figure(ret);
  printf("%-12s", text);
  print_figure(score);
  printf("\n");
}

static void print_table(const options *o, const mopo_train_result *r)
{
  const mopo_task *task = mopo_task_find(options_text(o, "task")); /* NULL: a file */
  const double none = (double)NAN, mean = r->batch_return_mean, best = r->batch_return_max;
  char path[1100];
  printf("%-22s%12s%12s%12s\n", "", "return", "", "score");
  print_row("recorded batch, mean", mean, none, task ? mopo_task_score(task, mean) : none);
  print_row("recorded batch, best", best, none, task ? mopo_task_score(task, best) : none);
  print_row("learned policy", r->return_mean, r->return_std, r->score);
  if (!isnan(r->model_return_penalised))
    printf("%-22s%12.1f  in the model %.1f, penalised %.1f\n", "  discounted", r->discounted_return,
           r->model_return, r->model_return_penalised);
  if (isnan(r->return_mean) && !r->ope.size)
    printf("(not evaluated: no simulator for this task)\n");
  if (r->ope.size) {
    printf("\n");
    ope_print_table(&r->ope, (const char *const[]){"learned policy"}, 1);
  }
  in_dir(path, sizeof path, o, mopo_run_file(MOPO_RUN_PROGRESS));
  if (!isnan(r->return_mean)) {
    printf("\n");
    plot_progress(path, mean, best);
  }
  in_dir(path, sizeof path, o, mopo_run_file(MOPO_RUN_POLICY));
  printf("\n%d epochs in %.0f s; policy: %s; run directory: %s\n", r->epochs, r->wall_seconds, path,
         options_text(o, "out"));
}

static void print_json(const options *o, const mopo_train_result *r)
{
  printf("{\"task\":");
  json_text(options_text(o, "task"));
  printf(",\"epochs\":%d,\"return_mean\":", r->epochs);
  json_number(r->return_mean);
  printf(",\"return_std\":");
  json_number(r->return_std);
  printf(",\"normalized_score\":");
  json_number(r->score);
  printf(",\"discounted_return\":");
  json_number(r->discounted_return);
  printf(",\"model_return\":");
  json_number(r->model_return);
  printf(",\"model_return_penalised\":");
  json_number(r->model_return_penalised);
  printf(",\"model_uncertainty\":");
  json_number(r->model_uncertainty);
  printf(",\"batch_return_mean\":");
  json_number(r->batch_return_mean);
  printf(",\"batch_return_max\":");
  json_number(r->batch_return_max);
  printf(",\"wall_seconds\":");
  json_number(r->wall_seconds);
  if (r->ope.size) {
    printf(",\"ope\":");
    ope_print_json(&r->ope);
  }
  printf(",\"out\":");
  json_text(options_text(o, "out"));
  printf("}\n");
}

/* A run that is done may be asked for more epochs. */
static bool asks_for_more(const options *o)
{
  char path[1100], had[32] = "0";
  mopo_error err;
  mopo_config *done = mopo_config_create();
  in_dir(path, sizeof path, o, "config.ini");
  bool known = done && mopo_config_load(done, path, &err) == MOPO_OK;
  if (known) mopo_config_get(done, "epochs", had, sizeof had);
  bool more = known && mopo_config_is_set(o->c, "epochs") &&
              options_number(o, "epochs") > strtod(had, NULL);
  mopo_config_free(done);
  return more;
}

static int tell_done(const options *o)
{
  const char *dir = options_text(o, "out");
  if (!o->json && !o->quiet) printf("%s: done already\n", dir);
  if (o->json) {
    printf("{\"done\":true,\"out\":");
    json_text(dir);
    printf("}\n");
  }
  return EXIT_DONE;
}

int train_auto(mopo_train_result *out, const mopo_config *c, const mopo_watch *watch)
{
  mopo_error err;
  mopo_run_state state = mopo_run_find(mopo_config_text(c, "out"));
  if (state == MOPO_RUN_DONE) return EXIT_DONE;
  return cli_status(mopo_train(out, c, state != MOPO_RUN_ABSENT, watch, &err), &err);
}

static int train(options *o)
{
  if (o->resume_auto) {
    int code = options_need(o, "out");
    if (code != EXIT_DONE) return code;
    mopo_run_state state = mopo_run_find(options_text(o, "out"));
    if (state == MOPO_RUN_DONE && !asks_for_more(o)) return tell_done(o);
    o->resume = state != MOPO_RUN_ABSENT;
  }
  int code = check_inputs(o);
  if (code != EXIT_DONE) return code;
  if (!o->quiet) note_unread(o);

  mopo_error err;
  mopo_train_result r;
  progress bar = progress_create(o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_train(&r, o->c, o->resume, &watch, &err);
  progress_end(&bar);
  if (st != MOPO_OK) return cli_resumable(st, &err);
  if (o->json) {
    print_json(o, &r);
  } else {
    print_table(o, &r);
  }
  return EXIT_DONE;
}

int cmd_train(int argc, char **argv)
{
  options o = {.verb = "train", .usage = usage, .purpose = purpose};
  return options_run(&o, argc, argv, train);
}
