/* cmd_eval.c - mopo eval: score a policy in a simulated task. */
#include "cli.h"
#include "json.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "eval POLICY [--task NAME] [options]";
static const char purpose[] = "Runs the policy's deterministic action for a number of episodes. "
                              "POLICY is a policy.safetensors\n"
                              "or a run directory. The task is the one the policy was trained for, "
                              "unless --task names another.";

static void print_json(const mopo_task *task, const mopo_eval_result *r)
{
  printf("{\"task\":");
  json_text(mopo_task_facts_of(task)->name);
  printf(",\"episodes\":%d,\"return_mean\":", r->episodes);
  json_number(r->return_mean);
  printf(",\"return_std\":");
  json_number(r->return_std);
  printf(",\"normalized_score\":");
  json_number(r->score);
  printf(",\"returns\":");
  json_numbers(r->returns, r->episodes);
  printf(",\"lengths\":[");
  for (int i = 0; i < r->episodes; i++) printf("%s%d", i ? "," : "", r->lengths[i]);
  printf("]}\n");
}

static void print_table(const mopo_task *task, const mopo_eval_result *r)
{
  printf("task      %s\n", mopo_task_facts_of(task)->name);
  printf("episodes  %d\n", r->episodes);
  printf("return    %.1f +- %.1f\n", r->return_mean, r->return_std);
  if (isnan(r->score))
    printf("score     - (the task has no reference returns)\n");
  else
    printf("score     %.1f +- %.1f\n", r->score, mopo_task_score_std(task, r->return_std));
  printf("length    %.1f\n", r->length_mean);
}

static int evaluate(options *o, mopo_policy *p)
{
  mopo_error err;
  mopo_task *task = NULL;
  int code = options_task(&task, o, p);
  if (code != EXIT_DONE) return code;
  mopo_status st = mopo_config_resolve(o->c, mopo_task_facts_of(task)->name, "",
                                       mopo_task_facts_of(task)->act_dim, &err);
  const mopo_eval_options how = {.size = sizeof how,
                                 .physics = options_text(o, "physics"),
                                 .episodes = (int)options_number(o, "eval-episodes"),
                                 .seed = options_seed(o),
                                 .threads = (int)options_number(o, "threads"),
                                 .record = o->record};
  mopo_eval_result *r = calloc(1, sizeof *r);
  if (st == MOPO_OK && !r) st = MOPO_ENOMEM, snprintf(err.msg, sizeof err.msg, "no memory");
  if (st == MOPO_OK) st = mopo_evaluate(r, p, task, &how, &err);
  if (st != MOPO_OK) {
    code = cli_status(st, &err);
  } else if (o->json) {
    print_json(task, r);
  } else {
    print_table(task, r);
  }
  if (st == MOPO_OK && r->failures)
    fprintf(stderr, "mopo: the simulator gave up on %d of %d episodes\n", r->failures, r->episodes);
  free(r);
  mopo_task_free(task);
  return code;
}

static int eval(options *o)
{
  mopo_policy *p = NULL;
  int code = options_policy(&p, o);
  if (code == EXIT_DONE) code = evaluate(o, p);
  mopo_policy_free(p);
  return code;
}

int cmd_eval(int argc, char **argv)
{
  options o = {.verb = "eval", .usage = usage, .purpose = purpose, .max_args = 1};
  return options_run(&o, argc, argv, eval);
}
