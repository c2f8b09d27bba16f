/* info.c - see info.h. */
#include "info.h"

#include "json.h"

#include <stdio.h>

static const int percents[5] = {5, 25, 50, 75, 95};

/* Rewards that data are made by, of no task that is learned. */
static bool is_behaviour(const char *name)
{
  const mopo_task *task = mopo_task_find(name);
  for (int i = 0; mopo_task_at(i); i++)
    if (mopo_task_at(i) == task) return false;
  return task && mopo_task_facts_of(task)->obs_dim;
}

void info_print_task(const char *task)
{
  if (!*task)
    printf("unknown: the file names no task\n");
  else
    printf("%s%s\n", task, is_behaviour(task) ? " (mopo data relabel makes them a task's)" : "");
}

void info_print(const char *path, const char *kind, const float *ranges, const mopo_dataset_info *i)
{
  printf("file          %s\n", path);
  if (*kind) printf("kind          %s\n", kind);
  printf("rows          %lld\n", (long long)i->rows);
  printf("sizes         observation %d, action %d\n", i->obs_dim, i->act_dim);
  printf("episodes      %lld, of which %lld complete: %lld terminals, %lld timeouts\n",
         (long long)i->episodes, (long long)i->complete_episodes, (long long)i->terminals,
         (long long)i->timeouts);
  if (i->complete_episodes) {
    printf("return        mean %.1f, std %.1f, min %.1f, max %.1f\n", i->return_mean, i->return_std,
           i->return_min, i->return_max);
    printf("  quantiles  ");
    for (int k = 0; k < 5; k++)
      printf(" %d %%: %.1f%s", percents[k], i->return_quantile[k], k < 4 ? "," : "\n");
    printf("length        mean %.1f\n", i->length_mean);
  }
  printf("rewards of    ");
  info_print_task(i->task);
  printf("reward        mean %.4g, min %.4g, max %.4g\n", i->reward_mean, i->reward_min,
         i->reward_max);
  printf("actions       %.4g to %.4g", i->action_min, i->action_max);
  for (int k = 0; ranges && k < i->act_dim; k++)
    printf("%s%g..%g", k ? ", " : "; recorded in ", (double)ranges[2 * k],
           (double)ranges[2 * k + 1]);
  printf("\n");
  for (int k = 0; k < i->n_notes; k++) printf("note          %s\n", i->notes[k]);
}

static void field(const char *name, double x)
{
  printf(",\"%s\":", name);
  json_number(x);
}

void info_print_json(const char *path, const char *kind, const float *ranges,
                     const mopo_dataset_info *i)
{
  printf("{\"file\":");
  json_text(path);
  printf(",\"kind\":");
  json_text(kind);
  printf(",\"task\":");
  json_text(i->task);
  printf(",\"rows\":%lld,\"episodes\":%lld,\"obs_dim\":%d,\"act_dim\":%d", (long long)i->rows,
         (long long)i->episodes, i->obs_dim, i->act_dim);
  printf(",\"terminals\":%lld,\"timeouts\":%lld,\"complete_episodes\":%lld",
         (long long)i->terminals, (long long)i->timeouts, (long long)i->complete_episodes);
  field("return_mean", i->return_mean);
  field("return_std", i->return_std);
  field("return_min", i->return_min);
  field("return_max", i->return_max);
  printf(",\"return_quantiles\":{");
  for (int k = 0; k < 5; k++) {
    printf("%s\"%d\":", k ? "," : "", percents[k]);
    json_number(i->return_quantile[k]);
  }
  printf("}");
  field("length_mean", i->length_mean);
  field("reward_mean", i->reward_mean);
  field("reward_min", i->reward_min);
  field("reward_max", i->reward_max);
  field("action_min", i->action_min);
  field("action_max", i->action_max);
  printf(",\"action_ranges\":%s", ranges ? "[" : "null");
  for (int k = 0; ranges && k < i->act_dim; k++) {
    double pair[2] = {(double)ranges[2 * k], (double)ranges[2 * k + 1]};
    printf("%s", k ? "," : "");
    json_numbers(pair, 2);
  }
  if (ranges) printf("]");
  printf(",\"notes\":[");
  for (int k = 0; k < i->n_notes; k++) {
    if (k) printf(",");
    json_text(i->notes[k]);
  }
  printf("]}\n");
}
