/* config.h - what was asked? Settings by name, each a row of a table: settings.c has those that
 * verbs and algorithms share, and joins to them what each algorithm, the ensemble, the rollouts and
 * the penalties bring themselves; config.c reads and writes values, preset.c fills what nobody set.
 *
 * A value that nobody set yet is NAN (double), 0 where the range begins above it (int) or "" (one
 * of some words); it is written `auto`, and only settings without a default accept that word. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/error.h"

enum { SETTINGS_MAX = 256 };

/* A value that its owner alone reads. */
typedef union setting_value {
  double real;
  int whole;
  char word[32];
} setting_value;

/* Every setting of a run. Whoever changes a field itself also calls config_mark, so that
 * mopo_config_load does not overwrite it. */
struct mopo_config {
  char ope[8]; /* always, none */
  int ope_updates;
  char data[1024], task[1024], out[1024], algo[32], preset[16], model[1024], physics[16];
  char scaler[16];
  /* how the data are read */
  char columns[1024], action_range[1024], bad_rows[8], clip_actions[4], limits[16];
  uint64_t seed;
  int threads; /* 0: one per core */
  /* the loop */
  int epochs, updates_per_epoch, batch_size, eval_every, eval_episodes, checkpoint_every;
  /* actor and critics */
  int hidden, layers;
  double gamma, tau, actor_lr, critic_lr, alpha_lr, alpha_init, alpha_max, target_entropy;
  double log_std_min, log_std_max, critic_loss_weight, policy_ema;
  char actor_schedule[16], init[16], update_order[16];
  /* collecting data (mopo collect) */
  char kind[24], policy[1024];
  int64_t steps, train_steps;
  int start_steps, collect_eval_every;
  double medium_fraction;
  /* pictures (mopo render) */
  int width, height, frames;
  double fps, seconds;
  /* what belongs to an algorithm, the ensemble, ...: config_real and its like */
  setting_value own[SETTINGS_MAX];
  /* who set what: index of the setting -> 1 if by the user */
  unsigned char marked[SETTINGS_MAX];
};

/* ------------------------------------------------------------------ one row */

/* Families of settings; an algorithm says which of them it reads. */
enum {
  READS_CRITICS = 1,
  READS_TEMPERATURE = 2,
  READS_DEVIATION = 4, /* a standard deviation of the policy that depends on the observation */
  READS_MODEL = 8,     /* it learns in imagined data as well */
  READS_PENALTY = 16   /* whose rewards are penalised */
};

/* In the order of the columns of preset values; a column that has no value means the one before. */
enum { PRESET_PAPER, PRESET_TUNED, PRESET_LOG, PRESETS };

/* What a value that nobody set depends on, beside the other settings. */
typedef struct preset_facts {
  const struct algorithm *algo;
  int preset, act_dim;
  const mopo_task *task; /* NULL: not known */
  int rollout_length;    /* published for the task and the kind of data, or where a search begins */
  double penalty_coef;
} preset_facts;

struct mopo_setting {
  const char *name;    /* kebab-case: the option without its dashes, and the key in config.ini */
  const char *metavar; /* what the value is: N, X, NAME, PATH, or "a|b|c"; NULL: one of `word` */
  const char *help;    /* one line, with unit and meaning */
  const char *verbs;   /* the verbs that read it: "train model collect eval" */
  char type;           /* 'i' int, 'l' int64, 'u' uint64, 'd' double, 's' string */
  double min, max;     /* range of a number, both ends included */
  size_t offset, size; /* the field of mopo_config; size 0: it is in `own` */
  mopo_decides decides;
  unsigned reads; /* only algorithms that read one of these families read it; 0: all do */
  bool of_fit;    /* only the fit of a model reads it */
  const char *(*word)(int i);  /* the i-th word that it may be, NULL past the last */
  const char *standard;        /* its default; NULL: auto, which becomes ... */
  const char *preset[PRESETS]; /* ... this ("-A": minus the
                                  number of actions), or */
  double (*otherwise)(const mopo_config *c, const preset_facts *facts);           /* ... this, */
  const char *(*otherwise_word)(const mopo_config *c, const preset_facts *facts); /* of a word */
};

/* For rows of `own`. */
#define SETTING_REAL(lo, hi) .type = 'd', .min = lo, .max = hi
#define SETTING_INT(lo, hi) .type = 'i', .min = lo, .max = hi
#define SETTING_WORD .type = 's'

/* Settings that one thing brings. Every constant that is defined as `const setting_group NAME` is
 * in the table (cmake/rows.cmake). */
typedef struct setting_group {
  const mopo_setting *rows;
  int n;
  /* Do they agree, with each other and with the rest? May be NULL. EINVAL */
  mopo_status (*check)(const mopo_config *c, mopo_error *err);
} setting_group;
#define SETTING_ROWS(array) .rows = array, .n = (int)(sizeof(array) / sizeof *(array))

/* ------------------------------------------------------------------ an algorithm */

/* What auto becomes for one algorithm, above the presets. */
typedef struct method_value {
  const char *setting, *preset[PRESETS];
} method_value;

enum { ALGORITHM_GROUPS = 3 };

/* What settings, help texts and tables need to know of an algorithm. */
typedef struct algorithm {
  const char *name;                           /* as typed on the command line */
  const char *source;                         /* paper */
  unsigned reads;                             /* families */
  const setting_group *own[ALGORITHM_GROUPS]; /* NULL: no more */
  const method_value *published;              /* setting NULL: no more; may be NULL */
} algorithm;

/* NULL: no such algorithm; past the last. */
const algorithm *config_algorithm(const char *name);
const algorithm *config_algorithm_at(int i);
/* Its name, NULL past the last; and that of a preset. */
const char *config_algorithm_name(int i);
const char *config_preset_name(int i);

/* The rows of the sources, collected when the library is built. NULL ends them. */
extern const algorithm *const config_algorithms[];
extern const setting_group *const config_groups[];

/* ------------------------------------------------------------------ the table */

mopo_config config_default(void);
void config_mark(mopo_config *c, const char *name);
/* Values of `own`, by name. */
double config_real(const mopo_config *c, const char *name);
int config_int(const mopo_config *c, const char *name);
bool config_is(const mopo_config *c, const char *name, const char *word);
void config_put(mopo_config *c, const char *name, double value); /* a number of any kind */

/* Index of a setting by name, -1 if there is none. */
int config_index(const char *name);
/* The known name with the smallest edit distance. */
const char *config_nearest(const char *name);
/* Where the value of setting i is. */
void *config_field(mopo_config *c, int i);
bool config_is_auto(const mopo_config *c, const mopo_setting *s);
/* The group that brings it, NULL: common. */
const setting_group *config_group_of(const mopo_setting *s);
bool config_algorithm_owns(const algorithm *a, const setting_group *g);
/* Every value in its range, and all of them together possible. EINVAL */
MUST_CHECK mopo_status config_check(const mopo_config *c, mopo_error *err);

#endif
