/* settings.c - the table of settings: options, keys of config.ini and help texts all come from it.
 */
#include "config/config.h"

#include "base/guess.h"
#include "task/task.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELD(f) .offset = offsetof(mopo_config, f), .size = sizeof(((mopo_config *)0)->f)
#define TEXT(f) FIELD(f), .type = 's'
#define INT(f, lo, hi) FIELD(f), .type = 'i', .min = lo, .max = hi
#define REAL(f, lo, hi) FIELD(f), .type = 'd', .min = lo, .max = hi

/* Where a simulator can tell, nobody asks the data; a run of a few updates is a trial. */
static const char *judges(const mopo_config *c, const preset_facts *facts)
{
  static const double JUDGED_FROM = 1000; /* updates */
  bool simulated = facts->task && facts->task->body.simulator;
  double updates = (double)c->epochs * (double)c->updates_per_epoch;
  return !simulated && updates >= JUDGED_FROM ? "always" : "none";
}

static const mopo_setting common[] = {
    {"data", "PATH", "dataset: HDF5 (D4RL, Minari), NPZ or CSV", "train model export ope tune",
     TEXT(data), .standard = "", .decides = MOPO_DECIDES_PLACE},
    {"columns", "TEXT", "roles of the data's columns: obs=A,B;act=C;reward=D;time=F",
     "train model data export ope tune", TEXT(columns), .standard = ""},
    {"action-range", "X,X,...", "range of the recorded actions: one for all, or one each",
     "train model data export ope tune", TEXT(action_range), .standard = ""},
    {"bad-rows", "error|cut", "rows with a cell that is no number: refuse, or cut them out",
     "train model data export ope tune", TEXT(bad_rows), .standard = "error"},
    {"clip-actions", "no|yes", "clip actions that lie up to 5 % beyond their range",
     "train model data export ope tune", TEXT(clip_actions), .standard = "no"},
    {"limits", "report|terminal", "passing a task file's limit: told, or an end of least reward",
     "train model", TEXT(limits), .standard = "report"},
    {"task", "NAME", "a task that mopo knows, none, or a task file",
     "train model collect eval export data render ope tune", TEXT(task), .standard = ""},
    {"out", "PATH", "what to write: a run directory (train) or a file",
     "train model collect export data render report tune", TEXT(out), .standard = "",
     .decides = MOPO_DECIDES_PLACE},
    {"algo", NULL, "what learns; docs/algorithms.md has each with its source", "train", TEXT(algo),
     .word = config_algorithm_name, .standard = "mopo"},
    {"preset", NULL, "what decides the settings that are auto", "train collect tune", TEXT(preset),
     .word = config_preset_name},
    {"model", "PATH", "use this fitted ensemble, do not fit one", "train tune", TEXT(model),
     .reads = READS_MODEL, .standard = "", .decides = MOPO_DECIDES_PLACE},
    {"scaler", "standard|none", "one scale for columns and reward; none: the log's units",
     "train model tune", TEXT(scaler), .preset = {"none", NULL, "standard"}},
    {"physics", "d4rl|gymnasium", "inertia of capsules: as the D4RL sets, or exact",
     "train collect eval export render", TEXT(physics), .preset = {"d4rl", "d4rl"}},
    {"seed", "N", "the same seed gives the same bits",
     "train model collect eval export render ope tune", FIELD(seed), .type = 'u',
     .max = 18446744073709551615.0, .standard = "0"},
    {"threads", "N", "0: one per core; the result does not depend on it",
     "train model collect eval bench export reproduce ope tune", INT(threads, 0, 1024),
     .standard = "0", .decides = MOPO_DECIDES_MACHINE},
    {"epochs", "N", "epochs of training", "train reproduce tune", INT(epochs, 1, 1e9),
     .preset = {"1000", "3000", "20"}},
    {"updates-per-epoch", "N", "gradient steps in an epoch", "train reproduce tune",
     INT(updates_per_epoch, 1, 1e9), .preset = {"1000", NULL, "500"}},
    {"batch-size", "N", "transitions in an update", "train collect tune", INT(batch_size, 1, 1e6),
     .standard = "256"},
    {"eval-every", "N", "epochs between evaluations", "train reproduce", INT(eval_every, 1, 1e9),
     .standard = "1", .decides = MOPO_DECIDES_WATCHING},
    {"eval-episodes", "N", "episodes of an evaluation", "train eval export render reproduce",
     INT(eval_episodes, 1, MOPO_EVAL_MAX), .standard = "10"},
    {"checkpoint-every", "N", "epochs between checkpoints", "train reproduce tune",
     INT(checkpoint_every, 1, 1e9), .standard = "10", .decides = MOPO_DECIDES_MACHINE},
    {"ope", "always|none", "judge the policy by the data; auto: where no simulator does", "train",
     TEXT(ope), .otherwise_word = judges},
    {"ope-updates", "N", "least updates of the model that judges", "train ope tune",
     INT(ope_updates, 1, 1e9), .standard = "2500"},
    {"hidden", "N", "width of actor and critics", "train collect tune", INT(hidden, 1, 65536),
     .preset = {"256", NULL, "128"}},
    {"layers", "N", "hidden layers of actor and critics", "train collect tune", INT(layers, 1, 7),
     .preset = {"2", "2"}},
    {"gamma", "X", "discount, below 1", "train collect tune", REAL(gamma, 0, 1),
     .standard = "0.99"},
    {"tau", "X", "step of the target critics towards the critics", "train collect", REAL(tau, 0, 1),
     .reads = READS_CRITICS, .preset = {"0.005", NULL, "0.02"}},
    {"actor-lr", "X", "learning rate of the actor", "train collect", REAL(actor_lr, 0, 1),
     .preset = {"3e-4", "1e-4", "3e-4"}},
    {"critic-lr", "X", "learning rate of the critics", "train collect", REAL(critic_lr, 0, 1),
     .reads = READS_CRITICS, .preset = {"3e-4", "3e-4"}},
    {"alpha-lr", "X", "learning rate of the temperature; 0 keeps it fixed", "train collect",
     REAL(alpha_lr, 0, 1), .reads = READS_TEMPERATURE, .preset = {"3e-4", "1e-4", "3e-4"}},
    {"alpha-init", "X", "temperature at the start", "train collect", REAL(alpha_init, 1e-12, 1e6),
     .reads = READS_TEMPERATURE, .preset = {"1", NULL, "0.2"}},
    {"alpha-max", "X", "the temperature is clipped here; inf: never", "train collect",
     REAL(alpha_max, 1e-12, INFINITY), .reads = READS_TEMPERATURE, .preset = {"inf", "1"}},
    {"target-entropy", "X", "entropy the temperature aims at, in nats", "train collect",
     REAL(target_entropy, -1e6, 1e6), .reads = READS_TEMPERATURE, .preset = {"-3", "-A"}},
    {"log-std-min", "X", "lowest log standard deviation of the actor", "train collect",
     REAL(log_std_min, -100, 100), .preset = {"-20", "-5"}},
    {"log-std-max", "X", "highest log standard deviation of the actor", "train collect",
     REAL(log_std_max, -100, 100), .reads = READS_DEVIATION, .standard = "2"},
    {"critic-loss-weight", "X", "factor of the critics' squared error", "train collect",
     REAL(critic_loss_weight, 1e-6, 1e6), .reads = READS_CRITICS, .preset = {"0.5", "1"}},
    {"actor-schedule", "constant|cosine", "actor's learning rate over the epochs", "train collect",
     TEXT(actor_schedule), .preset = {"constant", "cosine"}},
    {"policy-ema", "X", "decay of the mean policy that is evaluated; 0: the last", "train",
     REAL(policy_ema, 0, 0.999999), .standard = "0"},
    {"init", "glorot|fan-in", "first weights of actor and critics", "train collect", TEXT(init),
     .preset = {"glorot", "fan-in"}},
    {"update-order", "joint|critic-first", "gradients at the same parameters, or critics first",
     "train collect", TEXT(update_order), .reads = READS_TEMPERATURE,
     .preset = {"joint", "critic-first"}},
    {"kind", "random|medium|medium-replay|expert|medium-expert|full-replay",
     "which D4RL dataset to make", "collect", TEXT(kind), .standard = "medium-replay"},
    {"policy", "PATH", "record this policy, do not train one", "collect", TEXT(policy),
     .standard = ""},
    {"steps", "N", "rows to record", "collect", FIELD(steps), .type = 'l', .min = 1, .max = 1e12,
     .standard = "200000"},
    {"train-steps", "N", "environment steps after which the expert is finished", "collect",
     FIELD(train_steps), .type = 'l', .min = 1, .max = 1e12, .standard = "1000000"},
    {"start-steps", "N", "first steps, with uniform random actions", "collect",
     INT(start_steps, 0, 1e9), .standard = "5000"},
    {"collect-eval-every", "N", "steps between evaluations", "collect",
     INT(collect_eval_every, 1, 1e9), .standard = "5000"},
    {"medium-fraction", "X", "medium: share of the expert's return", "collect",
     REAL(medium_fraction, 0, 1), .standard = "0.3333"},
    {"width", "N", "pixels of a frame", "render", INT(width, 16, 8192), .standard = "320"},
    {"height", "N", "the same, upwards", "render", INT(height, 16, 8192), .standard = "240"},
    {"fps", "X", "frames for a second of the task, but no more than its steps", "render",
     REAL(fps, 0.1, 1000), .standard = "25"},
    {"seconds", "X", "length of the film, in the task's time", "render", REAL(seconds, 0.001, 3600),
     .standard = "4"},
    {"frames", "N", "of a film that does not move, spread evenly", "render", INT(frames, 1, 100),
     .standard = "1"},
};
enum { COMMON = sizeof common / sizeof *common };

/* ------------------------------------------------------------------ rows */

const mopo_setting *mopo_setting_at(int i)
{
  if (i < 0 || i >= SETTINGS_MAX) return NULL;
  if (i < COMMON) return &common[i];
  i -= COMMON;
  for (int g = 0; config_groups[g]; i -= config_groups[g++]->n)
    if (i < config_groups[g]->n) return &config_groups[g]->rows[i];
  return NULL;
}

const setting_group *config_group_of(const mopo_setting *s)
{
  for (int g = 0; config_groups[g]; g++)
    for (int i = 0; i < config_groups[g]->n; i++)
      if (s == &config_groups[g]->rows[i]) return config_groups[g];
  return NULL;
}

int config_index(const char *name)
{
  const mopo_setting *s;
  for (int i = 0; (s = mopo_setting_at(i)); i++)
    if (!strcmp(s->name, name)) return i;
  return -1;
}

void *config_field(mopo_config *c, int i)
{
  const mopo_setting *s = mopo_setting_at(i);
  assert(s && "no such setting");
  return s->size ? (void *)((char *)c + s->offset) : (void *)&c->own[i];
}

const char *mopo_setting_name(const mopo_setting *s) { return s->name; }

const char *mopo_setting_help(const mopo_setting *s) { return s->help; }

mopo_decides mopo_setting_decides(const mopo_setting *s) { return s->decides; }

void mopo_setting_values(char *buf, size_t size, const mopo_setting *s)
{
  size_t n = 0;
  if (size) *buf = '\0';
  if (!s->word) snprintf(buf, size, "%s", s->metavar);
  for (int i = 0; s->word && s->word(i) && n < size; i++)
    n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? "|" : "", s->word(i));
}

const char *config_nearest(const char *name)
{
  guess n = {.wanted = name};
  for (int i = 0; mopo_setting_at(i); i++) guess_try(&n, mopo_setting_at(i)->name);
  return n.best;
}

/* ------------------------------------------------------------------ algorithms and presets */

const algorithm *config_algorithm_at(int i)
{
  for (int k = 0; i >= 0 && k <= i; k++)
    if (!config_algorithms[k]) return NULL;
  return i >= 0 ? config_algorithms[i] : NULL;
}

const char *config_algorithm_name(int i)
{
  const algorithm *a = config_algorithm_at(i);
  return a ? a->name : NULL;
}

const algorithm *config_algorithm(const char *name)
{
  const algorithm *a;
  for (int i = 0; (a = config_algorithm_at(i)); i++)
    if (!strcmp(a->name, name)) return a;
  return NULL;
}

const char *config_preset_name(int i)
{
  static const char *const names[] = {
      [PRESET_PAPER] = "paper", [PRESET_TUNED] = "tuned", [PRESET_LOG] = "log"};
  return i >= 0 && i < PRESETS ? names[i] : NULL;
}

bool config_algorithm_owns(const algorithm *a, const setting_group *g)
{
  for (int i = 0; i < ALGORITHM_GROUPS && a->own[i]; i++)
    if (a->own[i] == g) return true;
  return false;
}

/* ------------------------------------------------------------------ who reads it */

/* Is word one of the words of list, which blanks part? */
static bool has_word(const char *list, const char *word)
{
  size_t n = strlen(word);
  for (const char *w = list; w; w = strchr(w, ' ')) {
    if (*w == ' ') w++;
    if (!strncmp(w, word, n) && (w[n] == ' ' || !w[n])) return true;
  }
  return false;
}

bool mopo_setting_read_by(const mopo_setting *s, const char *verb)
{
  return has_word(s->verbs, verb);
}

bool mopo_config_uses(const mopo_config *c, const mopo_setting *s)
{
  const algorithm *a = config_algorithm(c->algo);
  const setting_group *g = config_group_of(s);
  if (!has_word(s->verbs, "train") || !a) return false;
  if (s->of_fit && *c->model) return false; /* what is given is not fitted */
  if (s->reads) return a->reads & s->reads;
  return !g || config_algorithm_owns(a, g);
}
