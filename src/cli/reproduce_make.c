/* reproduce_make.c - the steps to a table, in order: for each row its data (collected, relabelled),
 * for each seed its ensemble, and its cells. Each step is a call of the library and, with the same
 * settings, a line for the shell; it is left out when what it makes is there. What is unfinished
 * has another name, so that a step that was stopped is never taken for one that is done. */
#include "reproduce.h"

#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct maker {
  const reproduce *r;
  bool have_dirs;
  bool have_data, have_model; /* of the row and seed under way, or the lines for them are printed */
  int code;                   /* of the first cell that diverged */
} maker;

static bool there(const char *path) { return access(path, F_OK) == 0; }

/* ------------------------------------------------------------------ names */

static int too_long(const maker *k) { return cli_fail(EXIT_USAGE, "%s: path too long", k->r->dir); }

/* The next word of --only, which commas part, without the blanks around it; "" at the end. */
static const char *next_word(char *word, size_t size, const char *p)
{
  p += strspn(p, ", ");
  size_t n = strcspn(p, ",");
  const char *rest = p + n;
  while (n && p[n - 1] == ' ') n--;
  snprintf(word, size, "%.*s", (int)n, p);
  return rest;
}

/* Is one of the words of --only in the cell's name? */
static bool wanted(const maker *k, const char *name)
{
  char word[REPRODUCE_PATH];
  const char *p = k->r->o->only;
  if (!p || !*p) return true;
  while (p = next_word(word, sizeof word, p), *word)
    if (strstr(name, word)) return true;
  return false;
}

static bool any_cell_has(const reproduce *r, const char *word)
{
  for (int i = 0; i < r->table->n_rows; i++)
    for (int m = 0; m < r->table->n_methods; m++)
      for (int s = 0; s < r->n_seeds; s++) {
        char name[REPRODUCE_PATH];
        reproduce_cell_name(name, &r->table->rows[i], &r->table->methods[m], r->seed[s]);
        if (strstr(name, word)) return true;
      }
  return false;
}

/* A word that no cell has is a mistake, whatever the others find. */
static int check_only(const reproduce *r)
{
  char word[REPRODUCE_PATH];
  const char *p = r->o->only;
  if (!p || !*p) return EXIT_DONE;
  bool any = false;
  while (p = next_word(word, sizeof word, p), *word) {
    any = true;
    if (!any_cell_has(r, word))
      return cli_fail(EXIT_USAGE, "only = '%s': no cell has that in its name, as in '%s'", word,
                      "hopper-medium/mopo/seed-0");
  }
  return any ? EXIT_DONE
             : cli_fail(EXIT_USAGE, "only = '%s', want parts of cell names", r->o->only);
}

/* ------------------------------------------------------------------ settings */

/* What the user has set applies to the verbs that read it. What learning and collecting share is
 * meant for the learning, but for how the machine is used and what the body is. */
static bool applies(const mopo_setting *s, const char *verb)
{
  const char *name = mopo_setting_name(s);
  bool shared = !strcmp(name, "threads") || !strcmp(name, "physics");
  if (!strcmp(verb, "collect") && mopo_setting_read_by(s, "train") && !shared) return false;
  return mopo_setting_read_by(s, verb);
}

static int set(mopo_config *c, const char *name, const char *value)
{
  mopo_error err;
  return cli_status(mopo_config_set(c, name, value, &err), &err);
}

/* What is set in *c already stays; what the algorithm there does not read is not for it. */
static int settings_of(mopo_config *c, const maker *k, const char *verb, const char *task,
                       const char *out, uint64_t seed)
{
  const mopo_config *from = k->r->o->c;
  bool learns = !strcmp(verb, "train");
  int code = EXIT_DONE;
  for (int i = 0; code == EXIT_DONE && mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    const char *name = mopo_setting_name(s);
    char value[1100];
    if (!mopo_config_is_set(from, name) || mopo_config_is_set(c, name)) continue;
    if (!applies(s, verb) || (learns && !mopo_config_uses(c, s))) continue;
    mopo_config_get(from, name, value, sizeof value);
    code = set(c, name, value);
  }
  char number[32];
  snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
  if (code == EXIT_DONE) code = set(c, "task", task);
  if (code == EXIT_DONE) code = set(c, "out", out);
  return code == EXIT_DONE ? set(c, "seed", number) : code;
}

/* ------------------------------------------------------------------ lines for the shell */

static void print_word(FILE *to, const char *word)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "-_./=:+,@%";
  if (*word && !word[strspn(word, plain)]) {
    fputs(word, to);
    return;
  }
  putc('\'', to);
  for (; *word; word++) fputs(*word == '\'' ? "'\\''" : (char[]){*word, '\0'}, to);
  putc('\'', to);
}

static void print_command(FILE *to, const char *command, const char *verb, const mopo_config *c)
{
  fprintf(to, "mopo %s", command);
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char value[1100];
    const char *name = mopo_setting_name(s);
    if (!mopo_config_is_set(c, name) || !mopo_setting_read_by(s, verb)) continue;
    mopo_config_get(c, name, value, sizeof value);
    fprintf(to, " --%s ", name);
    print_word(to, value);
  }
}

/* True: only the lines are wanted. What is being done is said on stderr otherwise. */
static bool dry(const maker *k) { return k->r->o->dry_run; }
static FILE *lines_of(const maker *k) { return dry(k) ? stdout : stderr; }
static bool silent(const maker *k) { return !dry(k) && k->r->o->quiet; }

static void say(const maker *k, const char *command, const char *verb, const mopo_config *c,
                const char *part, const char *whole)
{
  if (silent(k)) return;
  FILE *to = lines_of(k);
  print_command(to, command, verb, c);
  if (part) {
    fputs(" && mv ", to);
    print_word(to, part);
    putc(' ', to);
    print_word(to, whole);
  }
  putc('\n', to);
}

static int make_dir(const char *path)
{
  char dir[REPRODUCE_PATH + 16];
  snprintf(dir, sizeof dir, "%s", path);
  for (char *p = dir + 1;; p++) {
    if (*p && *p != '/') continue;
    char kept = *p;
    *p = '\0';
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
      return cli_fail(EXIT_RUN, "%s: %s", dir, strerror(errno));
    if (!kept) return EXIT_DONE;
    *p = kept;
  }
}

/* DIR/data and DIR/models, once. */
static int make_dirs(maker *k)
{
  static const char *const names[] = {"data", "models"};
  int code = EXIT_DONE;
  for (int i = 0; i < 2 && !k->have_dirs && code == EXIT_DONE; i++) {
    char dir[REPRODUCE_PATH + 16];
    snprintf(dir, sizeof dir, "%s/%s", k->r->dir, names[i]);
    if (there(dir)) continue;
    if (dry(k)) {
      printf("mkdir -p ");
      print_word(stdout, dir);
      printf("\n");
    } else {
      code = make_dir(dir);
    }
  }
  k->have_dirs = true;
  return code;
}

static int rename_part(const char *part, const char *whole)
{
  if (rename(part, whole) == 0) return EXIT_DONE;
  return cli_fail(EXIT_RUN, "%s: %s", whole, strerror(errno));
}

static int status(mopo_status st, const mopo_error *err, const char *then)
{
  if (st != MOPO_ESTOPPED) return cli_status(st, err);
  mopo_error said = {0};
  snprintf(said.msg, sizeof said.msg, "%.400s; %s", err->msg, then);
  return cli_status(st, &said);
}

/* Only one process makes `path`; others wait for it here. *lock: for unlock. */
static int lock_path(const maker *k, const char *path, int *lock)
{
  char name[REPRODUCE_PATH + 16];
  const volatile sig_atomic_t *stop = cli_stop_flag(false);
  snprintf(name, sizeof name, "%s.lock", path);
  if ((*lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
    return cli_fail(EXIT_RUN, "%s: %s", name, strerror(errno));
  for (bool said = false; lockf(*lock, F_TLOCK, 0) != 0; said = true) {
    if (errno != EAGAIN && errno != EACCES)
      return cli_fail(EXIT_RUN, "%s: %s", name, strerror(errno));
    if (!said && !k->r->o->quiet) fprintf(stderr, "waiting for the process that makes %s\n", path);
    if (*stop) return cli_fail(cli_stopped((int)*stop), "stopped while waiting for %s", path);
    sleep(1);
  }
  return EXIT_DONE;
}

static void unlock(int *lock)
{
  if (*lock >= 0) close(*lock);
  *lock = -1;
}

/* ------------------------------------------------------------------ data */

/* Rows of the D4RL sets; medium-replay ends by itself when the policy is medium. */
static const char *rows_of(const char *kind)
{
  return strcmp(kind, "medium-expert") ? "1000000" : "2000000";
}

static int collect(maker *k, const paper_row *row, const char *part, const char *whole)
{
  char state[REPRODUCE_PATH + 16];
  mopo_config *c = mopo_config_create();
  mopo_error err;
  if (!c) return cli_fail(EXIT_RUN, "no memory");
  int code = settings_of(c, k, "collect", row->task, part, 0);
  if (code == EXIT_DONE) code = set(c, "kind", row->kind);
  if (code == EXIT_DONE && !mopo_config_is_set(c, "steps"))
    code = set(c, "steps", rows_of(row->kind));
  snprintf(state, sizeof state, "%s.checkpoint", part);
  bool begun = there(state);
  if (code == EXIT_DONE) say(k, begun ? "collect --resume" : "collect", "collect", c, part, whole);
  if (code == EXIT_DONE && !dry(k)) {
    progress bar = progress_create(k->r->o->quiet);
    mopo_watch watch = progress_watch(&bar);
    mopo_status st = mopo_collect(NULL, c, begun, &watch, &err);
    progress_end(&bar);
    code = status(st, &err, "the same command goes on");
    if (code == EXIT_DONE) code = rename_part(part, whole);
  }
  mopo_config_free(c);
  return code;
}

static int relabel(maker *k, const paper_row *row, const char *raw, const char *whole)
{
  if (!silent(k)) {
    fputs("mopo data relabel ", lines_of(k));
    print_word(lines_of(k), raw);
    fprintf(lines_of(k), " --task %s --out ", row->task);
    print_word(lines_of(k), whole);
    putc('\n', lines_of(k));
  }
  if (dry(k)) return EXIT_DONE;
  mopo_error err;
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_relabel(&d, raw, mopo_task_find(row->task), &err);
  if (st == MOPO_OK) st = mopo_dataset_save(d, whole, &err);
  mopo_dataset_free(d);
  return cli_status(st, &err);
}

static int make_data(maker *k, const paper_row *row, const char *path)
{
  char raw[REPRODUCE_PATH], part[REPRODUCE_PATH];
  bool jumps = paper_row_relabels(row);
  if (!reproduce_data_path(part, k->r, row, jumps ? ".raw.part" : ".part")) return too_long(k);
  if (!jumps) return collect(k, row, part, path);
  if (!reproduce_data_path(raw, k->r, row, ".raw")) return too_long(k);
  int code = there(raw) ? EXIT_DONE : collect(k, row, part, raw);
  return code == EXIT_DONE ? relabel(k, row, raw, path) : code;
}

static int need_data(maker *k, const paper_row *row, const char *path)
{
  int lock = -1;
  if (k->have_data || there(path)) return EXIT_DONE;
  k->have_data = true;
  int code = make_dirs(k);
  if (code == EXIT_DONE && !dry(k)) code = lock_path(k, path, &lock);
  if (code == EXIT_DONE && !there(path)) code = make_data(k, row, path);
  unlock(&lock);
  return code;
}

/* ------------------------------------------------------------------ ensembles and cells */

static int fit(const maker *k, const mopo_config *c)
{
  mopo_error err;
  mopo_fit_result result;
  progress bar = progress_create(k->r->o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_model_fit_file(&result, c, true, &watch, &err);
  progress_end(&bar);
  return status(st, &err, "the same command goes on");
}

static int make_model(const maker *k, const paper_row *row, uint64_t seed, const char *data,
                      const char *path)
{
  char state[REPRODUCE_PATH + 16];
  mopo_config *c = mopo_config_create();
  if (!c) return cli_fail(EXIT_RUN, "no memory");
  int code = settings_of(c, k, "model", row->task, path, seed);
  if (code == EXIT_DONE) code = set(c, "data", data);
  int stem = (int)(strlen(path) - strlen(".safetensors"));
  snprintf(state, sizeof state, "%.*s.fit.safetensors", stem, path);
  if (code == EXIT_DONE)
    say(k, there(state) ? "model fit --resume" : "model fit", "model", c, NULL, NULL);
  if (code == EXIT_DONE && !dry(k)) code = fit(k, c);
  mopo_config_free(c);
  return code;
}

static int need_model(maker *k, const paper_row *row, uint64_t seed, const char *data,
                      const char *path)
{
  int lock = -1;
  if (k->have_model || there(path)) return EXIT_DONE;
  k->have_model = true;
  int code = make_dirs(k);
  if (code == EXIT_DONE && !dry(k)) code = lock_path(k, path, &lock);
  if (code == EXIT_DONE && !there(path)) code = make_model(k, row, seed, data, path);
  unlock(&lock);
  return code;
}

static int settings_of_cell(mopo_config *c, const maker *k, const paper_row *row, const method *m,
                            uint64_t seed, const char *data, const char *model)
{
  char path[REPRODUCE_PATH];
  int code = EXIT_DONE;
  if (!reproduce_cell_path(path, k->r, row, m, seed)) return too_long(k);
  for (int i = 0; code == EXIT_DONE && i + 1 < METHOD_SETTINGS && m->settings[i]; i += 2)
    code = set(c, m->settings[i], m->settings[i + 1]);
  if (code == EXIT_DONE) code = settings_of(c, k, "train", row->task, path, seed);
  if (code == EXIT_DONE && !mopo_config_is_set(c, "preset")) code = set(c, "preset", "paper");
  if (code == EXIT_DONE) code = set(c, "data", data);
  return code == EXIT_DONE && m->model ? set(c, "model", model) : code;
}

/* Does the setting decide what a cell's figure is? Not where things are, nor how it is made. */
static bool decides(const mopo_config *c, const mopo_setting *s)
{
  return mopo_setting_decides(s) == MOPO_DECIDES_RESULT && mopo_config_uses(c, s);
}

/* A cell that is there, whole or begun, must be what is asked for now, settings that nobody gave
 * included. */
static int check_cell(const mopo_config *wanted, const mopo_config *was)
{
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    const char *name = mopo_setting_name(s);
    char now[1100], then[1100];
    if (!decides(wanted, s)) continue;
    mopo_config_get(wanted, name, now, sizeof now);
    mopo_config_get(was, name, then, sizeof then);
    if (strcmp(now, then) != 0)
      return cli_fail(EXIT_USAGE, "%s has %s = %.100s, not %.100s: another --dir, or remove it",
                      mopo_config_text(wanted, "out"), name, then, now);
  }
  return EXIT_DONE;
}

/* The same of the settings of c in its directory, at path. */
static int check_begun(const mopo_config *c, const char *path, const paper_row *row)
{
  mopo_error err;
  mopo_config *wanted = mopo_config_copy(c), *was = mopo_config_create();
  int code = wanted && was ? EXIT_DONE : cli_fail(EXIT_RUN, "no memory");
  if (code == EXIT_DONE) code = cli_status(mopo_config_load(was, path, &err), &err);
  if (code == EXIT_DONE)
    code = cli_status(mopo_config_resolve(wanted, row->task, row->kind,
                                          mopo_task_facts_of(mopo_task_find(row->task))->act_dim,
                                          &err),
                      &err);
  if (code == EXIT_DONE) code = check_cell(wanted, was);
  mopo_config_free(wanted);
  mopo_config_free(was);
  return code;
}

static int run(maker *k, const mopo_config *c, bool resume)
{
  mopo_error err;
  mopo_train_result result;
  progress bar = progress_create(k->r->o->quiet);
  mopo_watch watch = progress_watch(&bar);
  mopo_status st = mopo_train(&result, c, resume, &watch, &err);
  progress_end(&bar);
  int code = status(st, &err, "the same command goes on");
  if (st != MOPO_ENUMERIC) return code;
  if (k->code == EXIT_DONE) k->code = code; /* the other cells do not suffer for it */
  return EXIT_DONE;
}

/* One process trains a cell; another one that comes to it waits, and finds it done. */
static int train_cell(maker *k, const mopo_config *c)
{
  char config[REPRODUCE_PATH + 16], result[REPRODUCE_PATH + 16];
  const char *out = mopo_config_text(c, "out");
  int lock = -1, code = EXIT_DONE;
  snprintf(config, sizeof config, "%s/%s", out, mopo_run_file(MOPO_RUN_CONFIG));
  snprintf(result, sizeof result, "%s/%s", out, mopo_run_file(MOPO_RUN_RESULT));
  if (!dry(k)) code = make_dir(out); /* its parents are the lock's, too */
  if (code == EXIT_DONE && !dry(k)) code = lock_path(k, out, &lock);
  bool resume = there(config);
  if (code == EXIT_DONE && !(resume && there(result))) {
    say(k, resume ? "train --resume" : "train", "train", c, NULL, NULL);
    if (!dry(k)) code = run(k, c, resume);
  }
  unlock(&lock);
  return code;
}

static int cell(mopo_config *c, maker *k, const paper_row *row, const method *m, uint64_t seed)
{
  char data[REPRODUCE_PATH], model[REPRODUCE_PATH], path[REPRODUCE_PATH + 16];
  if (!reproduce_data_path(data, k->r, row, "") || !reproduce_model_path(model, k->r, row, seed))
    return too_long(k);
  int code = settings_of_cell(c, k, row, m, seed, data, model);
  if (code != EXIT_DONE) return code;
  snprintf(path, sizeof path, "%s/%s", mopo_config_text(c, "out"), mopo_run_file(MOPO_RUN_CONFIG));
  if (there(path) && (code = check_begun(c, path, row)) != EXIT_DONE) return code;
  snprintf(path, sizeof path, "%s/%s", mopo_config_text(c, "out"), mopo_run_file(MOPO_RUN_RESULT));
  if (there(path)) return EXIT_DONE;
  code = need_data(k, row, data);
  if (code == EXIT_DONE && m->model) code = need_model(k, row, seed, data, model);
  return code == EXIT_DONE ? train_cell(k, c) : code;
}

static int make_cell(maker *k, const paper_row *row, const method *m, uint64_t seed)
{
  mopo_config *c = mopo_config_create();
  int code = c ? cell(c, k, row, m, seed) : cli_fail(EXIT_RUN, "no memory");
  mopo_config_free(c);
  return code;
}

int reproduce_make(const reproduce *r)
{
  maker k = {.r = r};
  int code = check_only(r);
  if (code != EXIT_DONE) return code;
  for (int i = 0; i < r->table->n_rows; i++) {
    k.have_data = false;
    for (int s = 0; s < r->n_seeds; s++) {
      k.have_model = false;
      for (int m = 0; m < r->table->n_methods; m++) {
        char name[REPRODUCE_PATH];
        reproduce_cell_name(name, &r->table->rows[i], &r->table->methods[m], r->seed[s]);
        if (!wanted(&k, name)) continue;
        code = make_cell(&k, &r->table->rows[i], &r->table->methods[m], r->seed[s]);
        if (code != EXIT_DONE) return code;
      }
    }
  }
  return k.code;
}
