/* cmd_data.c - mopo data: what is in a dataset, what is wrong with it, and other forms of it. */
#include "cli.h"
#include "info.h"
#include "json.h"
#include "nearest.h"
#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READING "columns action-range bad-rows clip-actions"

enum { MOST_ARGS = 34, PATH_SIZE = 1100 };

static const char usage[] = "data info|check|convert|merge|relabel FILE... [options]";
static const char purpose[] =
    "info FILE       sizes, returns, whose rewards they are, and what looks suspicious\n"
    "check FILE      what looks suspicious, and how the file is cut into episodes; with --task: "
    "are\n"
    "                rewards and ends those of the task?\n"
    "convert IN OUT  to a D4RL file: HDF5, or NPZ if OUT ends in .npz\n"
    "merge FILE...   several datasets, one after the other, to --out\n"
    "relabel FILE    the same steps with the rewards and ends of --task, to --out\n"
    "\n"
    "Files: HDF5 (D4RL's, Minari's, or its directory), .npz (D4RL's names, NeoRL's), .csv.";

/* The task of --task, if it is a file: it says how a log is to be read. *out NULL: it is not. */
static int file_task(mopo_task **out, const options *o)
{
  mopo_error err;
  const char *name = options_text(o, "task");
  *out = NULL;
  if (!*name || mopo_task_find(name)) return EXIT_DONE;
  return cli_status(mopo_task_load(out, name, &err), &err);
}

static int load(mopo_dataset **out, const char *path, const options *o)
{
  mopo_error err;
  mopo_task *task = NULL;
  int code = file_task(&task, o);
  if (code == EXIT_DONE)
    code = cli_status(mopo_dataset_read(out, path, o->c, task, true, NULL, &err), &err);
  mopo_task_free(task);
  return code;
}

static int describe(mopo_dataset_info *info, const mopo_dataset *d)
{
  mopo_error err;
  return cli_status(mopo_dataset_describe(info, d, &err), &err);
}

static int print_info(const options *o)
{
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  int code = load(&d, o->args[1], o);
  if (code == EXIT_DONE) code = describe(&info, d);
  if (code == EXIT_DONE)
    (o->json ? info_print_json : info_print)(o->args[1], mopo_dataset_kind(d),
                                             mopo_dataset_action_ranges(d), &info);
  mopo_dataset_free(d);
  return code;
}

/* ------------------------------------------------------------------ check */

static const char *end_of(const mopo_episode *e)
{
  return e->terminal ? "terminal" : e->timeout ? "timeout" : "end of file";
}

/* With --task: what the task says of the same steps. */
typedef struct against {
  mopo_task *task; /* NULL: nobody asked */
  mopo_agreement a;
  mopo_error why; /* the rewards were not compared */
} against;

static int compare(against *out, const options *o, const mopo_dataset *d)
{
  mopo_dataset *relabelled = NULL;
  if (!*options_text(o, "task")) return EXIT_DONE;
  mopo_error err;
  int code = cli_status(mopo_task_load(&out->task, options_text(o, "task"), &err), &err);
  if (code != EXIT_DONE) return code;
  if (!mopo_task_facts_of(out->task)->obs_dim)
    return cli_fail(EXIT_USAGE, "task = '%s', want a task whose rewards mopo knows",
                    options_text(o, "task"));
  mopo_status st = mopo_dataset_relabel(&relabelled, o->args[1], out->task, &out->why);
  code = cli_status(
      mopo_dataset_agree(&out->a, d, st == MOPO_OK ? relabelled : NULL, out->task, &err), &err);
  mopo_dataset_free(relabelled);
  if (code != EXIT_DONE) return code;
  /* Without positions, or in another container, there may still be ends; EINVAL: of a task file
   * without rules there is nothing to compare. */
  bool fine = st == MOPO_OK || st == MOPO_EINVAL || out->a.end_rows;
  return fine ? EXIT_DONE : cli_status(st, &out->why);
}

/* In more rows than a mistake of one sample explains. */
static bool contradicts(const mopo_agreement *a) { return a->ends * 100 > a->end_rows; }

static void against_text(const against *t)
{
  const mopo_agreement *a = &t->a;
  if (!t->task) return;
  printf("against     %s: ", mopo_task_facts_of(t->task)->name);
  if (a->reward_rows)
    printf("rewards differ in %lld of %lld rows (%.2g at most)", (long long)a->rewards,
           (long long)a->reward_rows, a->reward_most);
  else
    printf("rewards not compared (%s)", t->why.msg);
  if (a->end_rows)
    printf("; ends in %lld of %lld rows", (long long)a->ends, (long long)a->end_rows);
  printf("\n");
  if (contradicts(a))
    printf("            ends contradict the rule in %.3g %% of the rows, first in row %lld\n",
           100.0 * (double)a->ends / (double)a->end_rows, (long long)a->first_end);
}

static void against_json(const against *t)
{
  const mopo_agreement *a = &t->a;
  if (!t->task) return;
  printf(",\"against\":{\"task\":");
  json_text(mopo_task_facts_of(t->task)->name);
  printf(",\"reward_rows\":%lld,\"rewards_differ\":%lld,\"reward_most\":",
         (long long)a->reward_rows, (long long)a->rewards);
  json_number(a->reward_most);
  printf(",\"end_rows\":%lld,\"ends_differ\":%lld", (long long)a->end_rows, (long long)a->ends);
  if (a->ends) printf(",\"first_end\":%lld", (long long)a->first_end);
  printf("}");
}

/* The columns are obs_dim + act_dim + 1. */
static void columns_text(const mopo_column *columns, int n)
{
  printf("%-16s%11s%11s%11s%11s%11s%11s%10s%8s%9s\n", "column", "least", "1 %", "median", "99 %",
         "greatest", "spread", "distinct", "often", "float32");
  for (int i = 0; i < n; i++) {
    const mopo_column *c = &columns[i];
    printf("%-16.32s%11.4g%11.4g%11.4g%11.4g%11.4g%11.4g%10lld%6.1f %%%9.1g\n", c->name, c->least,
           c->low, c->median, c->high, c->greatest, c->spread, (long long)c->distinct,
           100.0 * c->share, c->resolution);
  }
  printf("(1 %%, 99 %%: of the rows; often: share of the most frequent value; float32: its step "
         "there)\n");
}

static void columns_json(const mopo_column *columns, int n)
{
  printf(",\"columns\":[");
  for (int i = 0; i < n; i++) {
    const mopo_column *c = &columns[i];
    const struct {
      const char *key;
      double x;
    } part[] = {{"least", c->least},       {"low", c->low},
                {"median", c->median},     {"high", c->high},
                {"greatest", c->greatest}, {"spread", c->spread},
                {"share", c->share},       {"resolution", c->resolution}};
    printf("%s{\"name\":", i ? "," : "");
    json_text(c->name);
    for (size_t k = 0; k < sizeof part / sizeof *part; k++) {
      printf(",\"%s\":", part[k].key);
      json_number(part[k].x);
    }
    printf(",\"distinct\":%lld}", (long long)c->distinct);
  }
  printf("]");
}

static void check_text(const char *path, const mopo_dataset *d, const mopo_dataset_info *info,
                       const mopo_column *columns, const against *t)
{
  enum { SHOWN = 10 };
  int64_t n = 0, rows = mopo_dataset_rows(d);
  printf("file        %s\n", path);
  printf("sizes       %lld rows", (long long)info->rows);
  if (info->rows_read != info->rows)
    printf(" of %lld that the file has", (long long)info->rows_read);
  printf(", observation %d, action %d\n", info->obs_dim, info->act_dim);
  if (info->period > 0) printf("period      %.6g\n", info->period);
  printf("rewards of  ");
  info_print_task(info->task);
  against_text(t);
  columns_text(columns, info->obs_dim + info->act_dim + 1);
  printf("suspicious  %s\n", info->n_notes ? "" : "nothing");
  for (int i = 0; i < info->n_notes; i++) printf("  - %s\n", info->notes[i]);
  printf("episodes    %lld\n", (long long)info->episodes);
  printf("%12s%10s%8s%12s  end\n", "episode", "first row", "rows", "return");
  for (int64_t at = 0; at < rows; n++) {
    mopo_episode e = mopo_dataset_episode(d, at);
    if (n < SHOWN)
      printf("%12lld%10lld%8lld%12.4g  %s\n", (long long)n, (long long)e.first, (long long)e.rows,
             e.ret, end_of(&e));
    at += e.rows;
  }
  if (n > SHOWN) printf("%12s  all of them: --json\n", "...");
}

static void check_json(const char *path, const mopo_dataset *d, const mopo_dataset_info *info,
                       const mopo_column *columns, const against *t)
{
  int64_t rows = mopo_dataset_rows(d);
  printf("{\"file\":");
  json_text(path);
  printf(",\"task\":");
  json_text(info->task);
  printf(",\"rows\":%lld,\"rows_read\":%lld,\"obs_dim\":%d,\"act_dim\":%d,\"period\":",
         (long long)info->rows, (long long)info->rows_read, info->obs_dim, info->act_dim);
  json_number(info->period > 0 ? info->period : (double)NAN);
  columns_json(columns, info->obs_dim + info->act_dim + 1);
  printf(",\"notes\":[");
  for (int i = 0; i < info->n_notes; i++) {
    if (i) printf(",");
    json_text(info->notes[i]);
  }
  printf("]");
  against_json(t);
  printf(",\"episodes\":[");
  for (int64_t at = 0; at < rows;) {
    mopo_episode e = mopo_dataset_episode(d, at);
    printf("%s{\"first\":%lld,\"rows\":%lld,\"return\":", at ? "," : "", (long long)e.first,
           (long long)e.rows);
    json_number(e.ret);
    printf(",\"end\":");
    json_text(end_of(&e));
    printf("}");
    at += e.rows;
  }
  printf("]}\n");
}

static int look(mopo_column **columns, mopo_dataset_info *info, const mopo_dataset *d)
{
  mopo_error err;
  size_t n = (size_t)mopo_dataset_obs_dim(d) + (size_t)mopo_dataset_act_dim(d) + 1;
  *columns = calloc(n, sizeof **columns);
  if (!*columns) return cli_fail(EXIT_RUN, "no memory");
  return cli_status(mopo_dataset_check(*columns, info, d, &err), &err);
}

static int check(const options *o)
{
  mopo_dataset *d = NULL;
  mopo_dataset_info info;
  mopo_column *columns = NULL;
  against t = {0};
  int code = load(&d, o->args[1], o);
  if (code == EXIT_DONE) code = look(&columns, &info, d);
  if (code == EXIT_DONE) code = compare(&t, o, d);
  if (code == EXIT_DONE) (o->json ? check_json : check_text)(o->args[1], d, &info, columns, &t);
  free(columns);
  mopo_task_free(t.task);
  mopo_dataset_free(d);
  return code;
}

/* ------------------------------------------------------------------ convert, merge */

/* What is written replaces what was there: never what is still being read. */
static int check_out(const char *out, char **inputs, int n)
{
  struct stat to, from;
  if (stat(out, &to) != 0) return EXIT_DONE;
  for (int i = 0; i < n; i++)
    if (stat(inputs[i], &from) == 0 && from.st_dev == to.st_dev && from.st_ino == to.st_ino)
      return cli_fail(EXIT_USAGE, "%s: is the input %s, want another file to write to", out,
                      inputs[i]);
  return EXIT_DONE;
}

/* Terminal rows that do not say what they led to are in no file. */
static void note_left_out(mopo_dataset_info *info, int64_t rows)
{
  if (rows == info->rows || info->n_notes == MOPO_INFO_NOTES) return;
  int64_t n = rows - info->rows;
  snprintf(info->notes[info->n_notes++], sizeof info->notes[0],
           "%lld terminal row%s left out: the input does not say what %s led to, want next "
           "observations",
           (long long)n, n == 1 ? " was" : "s were", n == 1 ? "it" : "they");
}

/* What reading the inputs had to tell, of which the written file knows nothing. */
static void note_read(mopo_dataset_info *info, const mopo_dataset *d)
{
  const char *text = NULL;
  for (int i = 0; (text = mopo_dataset_note(d, i)) != NULL; i++)
    if (info->n_notes < MOPO_INFO_NOTES)
      snprintf(info->notes[info->n_notes++], MOPO_NOTE, "%s", text);
}

/* Saves *d and frees it, for there may be room for one only, then says what the file holds now. */
static int save(const options *o, mopo_dataset **d, const char *path)
{
  mopo_error err;
  mopo_dataset_info info, read = {0};
  int64_t rows = mopo_dataset_rows(*d);
  note_read(&read, *d);
  int code = cli_status(mopo_dataset_save(*d, path, &err), &err);
  mopo_dataset_free(*d);
  *d = NULL;
  if (code == EXIT_DONE) code = cli_status(mopo_dataset_load(d, path, NULL, &err), &err);
  if (code == EXIT_DONE) code = describe(&info, *d);
  if (code != EXIT_DONE) return code;
  note_left_out(&info, rows);
  for (int i = 0; i < read.n_notes && info.n_notes < MOPO_INFO_NOTES; i++)
    memcpy(info.notes[info.n_notes++], read.notes[i], MOPO_NOTE);
  (o->json ? info_print_json : info_print)(path, mopo_dataset_kind(*d),
                                           mopo_dataset_action_ranges(*d), &info);
  return EXIT_DONE;
}

static int convert(const options *o)
{
  mopo_dataset *d = NULL;
  int code = check_out(o->args[2], o->args + 1, 1);
  if (code == EXIT_DONE) code = load(&d, o->args[1], o);
  if (code == EXIT_DONE) code = save(o, &d, o->args[2]);
  mopo_dataset_free(d);
  return code;
}

static int merge(const options *o)
{
  mopo_error err;
  mopo_dataset *parts[MOST_ARGS] = {NULL}, *d = NULL;
  int n = o->n_args - 1, code = options_need(o, "out");
  if (code == EXIT_DONE) code = check_out(options_text(o, "out"), o->args + 1, n);
  for (int i = 0; code == EXIT_DONE && i < n; i++) code = load(&parts[i], o->args[i + 1], o);
  if (code == EXIT_DONE)
    code = cli_status(mopo_dataset_merge(&d, (const mopo_dataset *const *)parts, n, &err), &err);
  for (int i = 0; i < n; i++) mopo_dataset_free(parts[i]);
  if (code == EXIT_DONE) code = save(o, &d, options_text(o, "out"));
  mopo_dataset_free(d);
  return code;
}

static int relabel(const options *o)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  int code = options_need(o, "task");
  if (code == EXIT_DONE) code = options_need(o, "out");
  if (code != EXIT_DONE) return code;
  mopo_task *task = NULL;
  code = cli_status(mopo_task_load(&task, options_text(o, "task"), &err), &err);
  if (code == EXIT_DONE) code = check_out(options_text(o, "out"), o->args + 1, 1);
  if (code == EXIT_DONE) code = cli_status(mopo_dataset_relabel(&d, o->args[1], task, &err), &err);
  if (code == EXIT_DONE) code = save(o, &d, options_text(o, "out"));
  mopo_dataset_free(d);
  mopo_task_free(task);
  return code;
}

/* An option that this verb has no use for is a mistake. uses: those it has. */
static int check_options(const options *o, const char *uses)
{
  static const char *const all[] = {"task",         "out",      "columns",
                                    "action-range", "bad-rows", "clip-actions"};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (mopo_config_is_set(o->c, all[i]) && !strstr(uses, all[i]))
      return cli_fail(EXIT_USAGE, "mopo data %s has no use for --%s; see mopo data --help",
                      o->args[0], all[i]);
  return EXIT_DONE;
}

/* Can the inputs, arguments 1 to n, be read? Directories are replaced by the file inside, whose
 * name `paths` then holds. */
static int find_inputs(options *o, char (*paths)[PATH_SIZE], int n)
{
  int code = EXIT_DONE;
  for (int i = 0; code == EXIT_DONE && i < n; i++) {
    if (strlen(o->args[i + 1]) >= PATH_SIZE)
      return cli_fail(EXIT_USAGE, "%s: path too long", o->args[i + 1]);
    snprintf(paths[i], PATH_SIZE, "%s", o->args[i + 1]);
    code = cli_dataset(paths[i], PATH_SIZE);
    o->args[i + 1] = paths[i];
  }
  return code;
}

static int data(options *o)
{
  static const struct {
    const char *name, *wanted, *uses;
    int files, most;
    int (*run)(const options *o);
  } verbs[] = {
      {"info", "want a dataset", "task " READING, 1, 1, print_info},
      {"check", "want a dataset", "task " READING, 1, 1, check},
      {"convert", "want two files: IN and OUT", "task " READING, 2, 2, convert},
      {"merge", "want datasets", "out", 1, MOST_ARGS - 1, merge},
      {"relabel", "want a dataset", "task out", 1, 1, relabel},
  };
  if (o->n_args < 1)
    return cli_fail(EXIT_USAGE,
                    "want 'info', 'check', 'convert', 'merge' or 'relabel'; see mopo data --help");
  nearest n = {.wanted = o->args[0]};
  for (int i = 0; i < (int)(sizeof verbs / sizeof *verbs); i++) {
    nearest_try(&n, verbs[i].name);
    if (strcmp(o->args[0], verbs[i].name) != 0) continue;
    if (o->n_args - 1 < verbs[i].files)
      return cli_fail(EXIT_USAGE, "%s; see mopo data --help", verbs[i].wanted);
    if (o->n_args - 1 > verbs[i].most)
      return cli_fail(EXIT_USAGE, "unexpected argument '%s'; see mopo data --help",
                      o->args[verbs[i].most + 1]);
    char paths[MOST_ARGS][PATH_SIZE];
    int code = check_options(o, verbs[i].uses);
    int inputs = o->n_args - 1 - (verbs[i].run == convert);
    if (code == EXIT_DONE) code = find_inputs(o, paths, inputs);
    return code == EXIT_DONE ? verbs[i].run(o) : code;
  }
  char guess[NEAREST_SIZE];
  return cli_fail(EXIT_USAGE, "unknown verb 'data %s'%s", o->args[0],
                  *nearest_guess(guess, &n, "data ") ? guess : "; see mopo data --help");
}

int cmd_data(int argc, char **argv)
{
  options o = {.verb = "data", .usage = usage, .purpose = purpose, .max_args = MOST_ARGS};
  return options_run(&o, argc, argv, data);
}
