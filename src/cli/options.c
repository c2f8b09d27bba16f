/* options.c - see options.h. */
#include "options.h"

#include "manual.h"
#include "nearest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is no setting of the library. */
typedef struct flag {
  const char *name, *metavar; /* metavar NULL: a switch; "[auto]": a switch that takes that word */
  const char *help, *verbs;   /* verbs NULL: all */
  size_t offset;              /* in options: bool or const char * */
} flag;

static const flag flags[] = {
    {"config", "PATH", "read settings from an INI file; the command line wins",
     "train model collect reproduce", offsetof(options, config)},
    {"resume", "[auto]", "resume from the checkpoint in --out; auto: begin, resume, or be done",
     "train", offsetof(options, resume)},
    {"resume", NULL, "resume from the checkpoint in --out, to the same bits", "model collect",
     offsetof(options, resume)},
    {"record", "PATH", "write the episodes as a D4RL HDF5 file", "eval", offsetof(options, record)},
    {"repeats", "N", "how often everything is timed [7]", "bench", offsetof(options, repeats)},
    {"format", "c|onnx|safetensors", "what to write", "export", offsetof(options, format)},
    {"int8", NULL, "weights as int8 (format c), and what that costs", "export",
     offsetof(options, int8)},
    {"dir", "PATH", "where everything is [runs/reproduce]", "reproduce", offsetof(options, dir)},
    {"seeds", "N", "how many seeds, or which: 0,1,2 [3]", "reproduce", offsetof(options, seeds)},
    {"only", "TEXT,...", "cells whose name, such as hopper-medium/mopo/seed-0, has one of these",
     "reproduce", offsetof(options, only)},
    {"preset", "paper|tuned", "what decides the settings of the learning [paper]", "reproduce",
     offsetof(options, preset)},
    {"steps", "N", "rows of each set of data [1000000; of medium-expert 2000000]", "reproduce",
     offsetof(options, steps)},
    {"dir", "PATH", "where the runs are", "sweep", offsetof(options, dir)},
    {"engine", "local|slurm|lines", "who makes the runs [local]", "sweep",
     offsetof(options, engine)},
    {"jobs", "N", "runs at once [as many as processors]", "sweep", offsetof(options, jobs)},
    {"unit", "N", "make this unit alone, as --engine lines prints it", "sweep",
     offsetof(options, unit)},
    {"status", NULL, "say how far it is, and write results.csv", "sweep",
     offsetof(options, status)},
    {"dry-run", NULL, "print what is to be done, as lines for a shell", "reproduce",
     offsetof(options, dry_run)},
    {"hours", "H", "begin nothing new after so many hours; without it all is done", "tune",
     offsetof(options, hours)},
    {"json", NULL, "print the result as JSON", NULL, offsetof(options, json)},
    {"quiet", NULL, "no progress; warnings are told",
     "train model collect ope tune reproduce sweep", offsetof(options, quiet)},
    {"help", NULL, "print this", NULL, offsetof(options, help)},
};
enum { FLAGS = sizeof flags / sizeof flags[0] };

/* Is verb one of the words of verbs? NULL: every verb is. */
static bool has_verb(const char *verbs, const char *verb)
{
  if (!verbs) return true;
  size_t n = strlen(verb);
  for (const char *p = verbs; (p = strstr(p, verb)) != NULL; p += n)
    if ((p == verbs || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
  return false;
}

/* The i-th setting that the verb reads, NULL past the last. `mopo eval --episodes` (and export's)
 * is the setting eval-episodes, which `mopo train` has under its full name. */
static const mopo_setting *setting_at(const options *o, int i)
{
  for (int k = 0; mopo_setting_at(k); k++) {
    const mopo_setting *s = mopo_setting_at(k);
    if (mopo_setting_read_by(s, o->verb) && i-- == 0) return s;
  }
  return NULL;
}

static const char *setting_option(const options *o, const mopo_setting *s)
{
  bool evaluates = has_verb("eval export render", o->verb);
  bool short_name = evaluates && !strcmp(mopo_setting_name(s), "eval-episodes");
  return short_name ? "episodes" : mopo_setting_name(s);
}

/* ------------------------------------------------------------------ help */

bool options_row(option_row *out, const options *o, int i)
{
  *out = (option_row){0};
  const mopo_setting *s = setting_at(o, i);
  if (s) {
    out->name = setting_option(o, s);
    mopo_setting_values(out->metavar, sizeof out->metavar, s);
    out->help = mopo_setting_help(s);
    mopo_config_get(o->unset, mopo_setting_name(s), out->value, sizeof out->value);
    return true;
  }
  for (int k = 0; setting_at(o, k); k++) i--;
  for (int k = 0; k < FLAGS; k++)
    if (has_verb(flags[k].verbs, o->verb) && i-- == 0) {
      out->name = flags[k].name;
      if (flags[k].metavar) snprintf(out->metavar, sizeof out->metavar, "%s", flags[k].metavar);
      out->help = flags[k].help;
      return true;
    }
  return false;
}

static void print_option(const option_row *r)
{
  enum { COLUMN = 30 };
  char left[480];
  int n = snprintf(left, sizeof left, "  --%s %s", r->name, r->metavar);
  printf("%-*s", COLUMN, left);
  if (n >= COLUMN) printf("\n%*s", COLUMN, "");
  printf("%s", r->help);
  if (*r->value) printf(" [%s]", r->value);
  printf("\n");
}

static void print_help(const options *o)
{
  option_row r;
  bool any_auto = false;
  printf("Usage: mopo %s\n\n%s\n\nOptions, with their defaults:\n", o->usage, o->purpose);
  for (int i = 0; options_row(&r, o, i); i++) {
    any_auto = any_auto || !strcmp(r.value, "auto");
    print_option(&r);
  }
  if (any_auto) printf("\nauto: decided by the preset, the task and the data.\n");
}

/* ------------------------------------------------------------------ parsing */

static int unknown_option(const options *o, const char *name)
{
  nearest n = {.wanted = name};
  const mopo_setting *s;
  for (int i = 0; (s = setting_at(o, i)); i++) nearest_try(&n, setting_option(o, s));
  for (int i = 0; i < FLAGS; i++)
    if (has_verb(flags[i].verbs, o->verb)) nearest_try(&n, flags[i].name);
  char guess[NEAREST_SIZE];
  if (*nearest_guess(guess, &n, "--"))
    return cli_fail(EXIT_USAGE, "unknown option --%s%s", name, guess);
  return cli_fail(EXIT_USAGE, "unknown option --%s; mopo %s --help lists them", name, o->verb);
}

static const mopo_setting *find_setting(const options *o, const char *name)
{
  const mopo_setting *s;
  for (int i = 0; (s = setting_at(o, i)); i++)
    if (!strcmp(setting_option(o, s), name)) return s;
  return NULL;
}

static const flag *find_flag(const options *o, const char *name)
{
  for (int i = 0; i < FLAGS; i++)
    if (!strcmp(flags[i].name, name) && has_verb(flags[i].verbs, o->verb)) return &flags[i];
  return NULL;
}

/* The option argv[*i], with its value in the same argument after '=' or in the next one. */
static int parse_option(options *o, int argc, char **argv, int *i)
{
  char name[64];
  const char *text = argv[*i] + 2, *equals = strchr(text, '=');
  snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - text) : (int)sizeof name, text);
  const mopo_setting *s = find_setting(o, name);
  const flag *f = find_flag(o, name);
  if (!s && !f) return unknown_option(o, name);
  if (f && f->metavar && *f->metavar == '[') {
    const char *word = equals ? equals + 1 : *i + 1 < argc ? argv[*i + 1] : "";
    o->resume_auto = !strcmp(word, "auto");
    if (equals && !o->resume_auto)
      return cli_fail(EXIT_USAGE, "--%s = '%s', want nothing or auto", name, word);
    *i += o->resume_auto && !equals;
    *(bool *)((char *)o + f->offset) = true;
    return EXIT_DONE;
  }
  if (f && !f->metavar) {
    if (equals) return cli_fail(EXIT_USAGE, "--%s takes no value", name);
    *(bool *)((char *)o + f->offset) = true;
    return EXIT_DONE;
  }
  char values[400] = "";
  if (s) mopo_setting_values(values, sizeof values, s);
  bool on = !strcmp(values, "no|yes") && !equals; /* a switch */
  const char *value = on ? "yes" : equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL;
  if (!value) return cli_fail(EXIT_USAGE, "--%s wants a value: %s", name, s ? values : f->metavar);
  if (f) {
    *(const char **)((char *)o + f->offset) = value;
    return EXIT_DONE;
  }
  mopo_error err;
  const char *known = mopo_setting_name(s);
  mopo_status st = mopo_config_set(o->c, known, value, &err);
  if (st == MOPO_OK) return EXIT_DONE;
  size_t n = strlen(known); /* the message begins with it; say what was typed */
  bool same = !strncmp(err.msg, known, n);
  return cli_fail(EXIT_USAGE, "--%s%s", same ? name : "", err.msg + (same ? n : 0));
}

static int read_config(options *o)
{
  mopo_error err;
  if (!o->config) return EXIT_DONE;
  int code = cli_input(o->config);
  if (code != EXIT_DONE) return code;
  return cli_status(mopo_config_load(o->c, o->config, &err), &err);
}

static int parse(options *o, int argc, char **argv)
{
  bool only_args = false; /* after "--" */
  o->args = argv;
  for (int i = 1; i < argc; i++) {
    if (!only_args && !strcmp(argv[i], "--")) {
      only_args = true;
    } else if (!only_args && !strcmp(argv[i], "-h")) {
      o->help = true;
    } else if (i == 1 && !strncmp(argv[i], "--manual-", 9)) { /* mopo help asks */
      o->help = true;
      manual_verb(o, argv[i] + 9, argc > 2 ? argv[2] : "");
      return EXIT_DONE;
    } else if (!only_args && !strncmp(argv[i], "--", 2)) {
      int code = parse_option(o, argc, argv, &i);
      if (code != EXIT_DONE) return code;
    } else if (o->n_args < o->max_args) {
      o->args[o->n_args++] = argv[i];
    } else {
      return cli_fail(EXIT_USAGE, "unexpected argument '%s'; see mopo %s --help", argv[i], o->verb);
    }
  }
  if (o->help) {
    print_help(o);
    return EXIT_DONE;
  }
  o->typed = mopo_config_copy(o->c);
  return o->typed ? read_config(o) : cli_fail(EXIT_RUN, "no memory");
}

int options_run(options *o, int argc, char **argv, int (*run)(options *o))
{
  o->c = mopo_config_create();
  o->unset = mopo_config_create();
  int code = o->c && o->unset ? parse(o, argc, argv) : cli_fail(EXIT_RUN, "no memory");
  if (code == EXIT_DONE && !o->help) code = run(o);
  mopo_config_free(o->c);
  mopo_config_free(o->unset);
  mopo_config_free(o->typed);
  return code;
}

/* ------------------------------------------------------------------ values */

const char *options_text(const options *o, const char *name)
{
  return mopo_config_text(o->c, name);
}

double options_number(const options *o, const char *name)
{
  char value[64];
  mopo_config_get(o->c, name, value, sizeof value);
  return strtod(value, NULL);
}

uint64_t options_seed(const options *o)
{
  char value[64];
  mopo_config_get(o->c, "seed", value, sizeof value);
  return strtoull(value, NULL, 10);
}

int options_path(options *o, const char *name, const char *inside)
{
  char path[1100];
  mopo_error err;
  snprintf(path, sizeof path, "%s", options_text(o, name));
  int code = inside ? cli_input_inside(path, sizeof path, inside) : cli_dataset(path, sizeof path);
  if (code != EXIT_DONE || !strcmp(path, options_text(o, name))) return code;
  return cli_status(mopo_config_set(o->c, name, path, &err), &err);
}

int options_need(const options *o, const char *name)
{
  if (*options_text(o, name)) return EXIT_DONE;
  return cli_fail(EXIT_USAGE, "want --%s; usage: mopo %s", name, o->usage);
}

int options_policy(mopo_policy **out, const options *o)
{
  char path[1100];
  mopo_error err;
  *out = NULL;
  if (o->n_args < 1) return cli_fail(EXIT_USAGE, "want a policy; usage: mopo %s", o->usage);
  snprintf(path, sizeof path, "%s", o->args[0]);
  int code = cli_input_inside(path, sizeof path, mopo_run_file(MOPO_RUN_POLICY));
  return code == EXIT_DONE ? cli_status(mopo_policy_load(out, path, &err), &err) : code;
}

int options_task(mopo_task **out, const options *o, const mopo_policy *p)
{
  mopo_error err;
  const char *name = *options_text(o, "task") ? options_text(o, "task") : mopo_policy_task(p);
  *out = NULL;
  if (!*name) return cli_fail(EXIT_USAGE, "%s names no task, want --task", o->args[0]);
  return cli_status(mopo_task_load(out, name, &err), &err);
}

bool options_simulated(const mopo_task *task)
{
  const mopo_task_facts *f = task ? mopo_task_facts_of(task) : NULL;
  return f && f->obs_dim && mopo_task_find(f->name) == task && *mopo_simulator_version();
}
