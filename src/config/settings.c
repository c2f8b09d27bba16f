/* settings.c - the table of settings: options, keys of config.ini and help texts all come from it.
 */
#include "config/config.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FIELD(f) offsetof(mopo_config, f), sizeof(((mopo_config *)0)->f)
#define TEXT_OF(algos, f) 's', FIELD(f), 0, 0, algos
#define INT_OF(algos, f, min, max) 'i', FIELD(f), min, max, algos
#define REAL_OF(algos, f, min, max) 'd', FIELD(f), min, max, algos
#define TEXT(f) TEXT_OF(NULL, f)
#define INT(f, min, max) INT_OF(NULL, f, min, max)
#define REAL(f, min, max) REAL_OF(NULL, f, min, max)

/* Which algorithms read a setting; NULL: all. */
#define MODEL "mopo mbpo"
#define SOFT "mopo mbpo sac cql" /* a temperature */
#define BRAC "brac-p brac-v"
#define NOISY \
  "mopo mbpo sac bc iql cql brac-p brac-v bear" /* a deviation of its own: all but td3bc */
#define CRITICS "mopo mbpo sac td3bc iql cql brac-p brac-v bear" /* all but bc */

static const mopo_setting settings[] = {
    {"data", "PATH", "dataset: HDF5 (D4RL, Minari), NPZ or CSV", "train model export ope",
     TEXT(data)},
    {"columns", "TEXT",
     "what plays which role in the data: obs=A,B;act=C;reward=D;episode=E;time=F",
     "train model data export ope", TEXT(columns)},
    {"action-range", "X,X,...", "range of the recorded actions: one for all, or one each",
     "train model data export ope", TEXT(action_range)},
    {"bad-rows", "error|cut",
     "rows with a cell that is no number: refuse the file, or cut them out",
     "train model data export ope", TEXT(bad_rows)},
    {"clip-actions", "no|yes", "clip actions that lie up to 5 % beyond their range",
     "train model data export ope", TEXT(clip_actions)},
    {"task", "NAME", "hopper, halfcheetah[-jump], walker2d, ant[-angle]; or none",
     "train model collect eval export data render ope", TEXT(task)},
    {"out", "PATH", "what to write: a run directory (train) or a file",
     "train model collect export data render report", TEXT(out)},
    {"algo", "mopo|mbpo|sac|bc|td3bc|iql|cql|brac-p|brac-v|bear",
     "mbpo: no penalty; those after it: no model either", "train", TEXT(algo)},
    {"preset", "paper|tuned", "what decides the settings that are auto", "train collect",
     TEXT(preset)},
    {"scaler", "standard|none", "one scale for columns and reward; none: the log's units",
     "train model", TEXT(scaler)},
    {"model", "PATH", "use this fitted ensemble, do not fit one", "train", TEXT_OF(MODEL, model)},
    {"physics", "d4rl|gymnasium", "inertia of capsules: as the D4RL sets, or exact",
     "train collect eval export render", TEXT(physics)},
    {"ope", "always|none", "judge the policy by the data; auto: where no simulator does", "train",
     TEXT(ope)},
    {"ope-updates", "N", "least updates of the model that judges", "train ope",
     INT(ope_updates, 1, 1e9)},
    {"seed", "N", "the same seed gives the same bits", "train model collect eval export render ope",
     'u', FIELD(seed), 0, 18446744073709551615.0, NULL},
    {"threads", "N", "0: one per core; the result does not depend on it",
     "train model collect eval bench export reproduce ope", INT(threads, 0, 1024)},

    {"epochs", "N", "epochs of training", "train reproduce", INT(epochs, 1, 1e9)},
    {"updates-per-epoch", "N", "gradient steps in an epoch", "train reproduce",
     INT(updates_per_epoch, 1, 1e9)},
    {"batch-size", "N", "transitions in an update", "train collect", INT(batch_size, 1, 1e6)},
    {"eval-every", "N", "epochs between evaluations", "train reproduce", INT(eval_every, 1, 1e9)},
    {"eval-episodes", "N", "episodes of an evaluation", "train eval export render reproduce",
     INT(eval_episodes, 1, MOPO_EVAL_MAX)},
    {"checkpoint-every", "N", "epochs between checkpoints", "train reproduce",
     INT(checkpoint_every, 1, 1e9)},

    {"rollout-length", "N", "steps of an imagined trajectory (h)", "train",
     INT_OF(MODEL, rollout_length, 1, 1e6)},
    {"rollout-batch", "N", "start states of an epoch's rollout", "train",
     INT_OF(MODEL, rollout_batch, 1, 1e8)},
    {"rollout-keep", "N", "epochs of imagined rows that the model buffer holds", "train",
     INT_OF(MODEL, rollout_keep, 1, 1e6)},
    {"rollout-stop", "X", "cut at this quantile of the members' spread; 0: never", "train",
     REAL_OF(MODEL, rollout_stop, 0, 1)},
    {"rollout-cut", "bootstrap|least", "what follows a cut: a value, or the log's least return",
     "train", TEXT_OF(MODEL, rollout_cut)},
    {"penalty", "aleatoric|ensemble-diff|ensemble-std|max-pairwise-diff|oracle|none",
     "how the model's uncertainty is measured (u)", "train", TEXT_OF(MODEL, penalty)},
    {"penalty-coef", "X", "reward units taken off per unit of u (lambda)", "train",
     REAL_OF("mopo", penalty_coef, 0, 1e9)},
    {"imagined-margin", "X", "share of the log's range that imagined rows may exceed it", "train",
     REAL_OF(MODEL, imagined_margin, 0, INFINITY)},
    {"termination", "auto|learned|none",
     "imagined ends; auto: learned where nothing else says when", "train",
     TEXT_OF(MODEL, termination)},
    {"real-ratio", "X", "share of recorded rows in an update", "train",
     REAL_OF(MODEL, real_ratio, 0, 1)},

    {"hidden", "N", "width of actor and critics", "train collect", INT(hidden, 1, 65536)},
    {"layers", "N", "hidden layers of actor and critics", "train collect", INT(layers, 1, 7)},
    {"gamma", "X", "discount, below 1", "train collect", REAL(gamma, 0, 1)},
    {"tau", "X", "step of the target critics towards the critics", "train collect",
     REAL_OF(CRITICS, tau, 0, 1)},
    {"actor-lr", "X", "learning rate of the actor", "train collect", REAL(actor_lr, 0, 1)},
    {"critic-lr", "X", "learning rate of the critics", "train collect",
     REAL_OF(CRITICS, critic_lr, 0, 1)},
    {"alpha-lr", "X", "learning rate of the temperature; 0 keeps it fixed", "train collect",
     REAL_OF(SOFT, alpha_lr, 0, 1)},
    {"alpha-init", "X", "temperature at the start", "train collect",
     REAL_OF(SOFT, alpha_init, 1e-12, 1e6)},
    {"alpha-max", "X", "the temperature is clipped here; inf: never", "train collect",
     REAL_OF(SOFT, alpha_max, 1e-12, INFINITY)},
    {"target-entropy", "X", "entropy the temperature aims at, in nats", "train collect",
     REAL_OF(SOFT, target_entropy, -1e6, 1e6)},
    {"log-std-min", "X", "lowest log standard deviation of the actor", "train collect",
     REAL(log_std_min, -100, 100)},
    {"log-std-max", "X", "highest log standard deviation of the actor", "train collect",
     REAL_OF(NOISY, log_std_max, -100, 100)},
    {"critic-loss-weight", "X", "factor of the critics' squared error", "train collect",
     REAL_OF(CRITICS, critic_loss_weight, 1e-6, 1e6)},
    {"actor-schedule", "constant|cosine", "actor's learning rate over the epochs", "train collect",
     TEXT(actor_schedule)},
    {"policy-ema", "X", "decay of the mean policy that is evaluated; 0: the last", "train",
     REAL(policy_ema, 0, 0.999999)},
    {"init", "glorot|fan-in", "first weights of actor and critics", "train collect", TEXT(init)},
    {"update-order", "joint|critic-first", "gradients at the same parameters, or critics first",
     "train collect", TEXT_OF(SOFT, update_order)},

    {"td3bc-alpha", "X", "td3bc: weight of Q beside the recorded actions", "train",
     REAL_OF("td3bc", td3bc_alpha, 0, 1e6)},
    {"policy-noise", "X", "td3bc: deviation of the target action's noise", "train",
     REAL_OF("td3bc", policy_noise, 0, 10)},
    {"noise-clip", "X", "td3bc: that noise is clipped here", "train",
     REAL_OF("td3bc", noise_clip, 0, 10)},
    {"policy-delay", "N", "td3bc: updates of the critics for each of the policy", "train",
     INT_OF("td3bc", policy_delay, 1, 1e6)},
    {"expectile", "X", "iql: of the values that V is fitted to", "train",
     REAL_OF("iql", expectile, 0, 1)},
    {"iql-beta", "X", "iql: inverse temperature of the advantages", "train",
     REAL_OF("iql", iql_beta, 0, 1e6)},
    {"iql-reward-scale", "X", "iql: rewards times this; auto: 1000 / range of returns", "train",
     REAL_OF("iql", iql_reward_scale, 1e-9, 1e9)},
    {"cql-weight", "X", "cql: weight of the conservative term", "train",
     REAL_OF("cql", cql_weight, 0, 1e6)},
    {"cql-samples", "N", "cql: actions of each of three kinds in its sum", "train",
     INT_OF("cql", cql_samples, 1, 100)},
    {"brac-alpha", "X", "brac: weight of the divergence", "train",
     REAL_OF(BRAC, brac_alpha, 0, 1e6)},
    {"behaviour-lr", "X", "brac, bear: learning rate of the behaviour's model", "train",
     REAL_OF(BRAC " bear", behaviour_lr, 0, 1)},
    {"behaviour-updates", "N", "brac: first updates, the behaviour's; auto: 3/13 of all", "train",
     INT_OF(BRAC, behaviour_updates, 1, 1e9)},
    {"bear-threshold", "X", "bear: discrepancy that the policy may have", "train",
     REAL_OF("bear", bear_threshold, 0, 1e6)},
    {"bear-sigma", "X", "bear: width of the discrepancy's kernel", "train",
     REAL_OF("bear", bear_sigma, 1e-6, 1e6)},
    {"bear-kernel", "laplacian|gaussian", "bear: the discrepancy's kernel", "train",
     TEXT_OF("bear", bear_kernel)},
    {"bear-samples", "N", "bear: actions that a target is the best of", "train",
     INT_OF("bear", bear_samples, 1, 100)},
    {"bear-match", "N", "bear: actions of each side of the discrepancy", "train",
     INT_OF("bear", bear_match, 2, 100)},
    {"bear-warmup", "N", "bear: first updates, without Q; auto: 1/25 of all", "train",
     INT_OF("bear", bear_warmup, 1, 1e9)},
    {"bear-lr", "X", "bear: learning rate of the multiplier", "train",
     REAL_OF("bear", bear_lr, 0, 1)},
    {"vae-hidden", "N", "bear: width of the model of recorded actions", "train",
     INT_OF("bear", vae_hidden, 1, 65536)},

    {"members", "N", "networks in the ensemble", "train model", INT_OF(MODEL, members, 1, 32)},
    {"elites", "N", "members that make predictions: lowest holdout error", "train model",
     INT_OF(MODEL, elites, 1, 32)},
    {"model-hidden", "N", "width of a member", "train model",
     INT_OF(MODEL, model_hidden, 1, 65536)},
    {"model-layers", "N", "hidden layers of a member", "train model",
     INT_OF(MODEL, model_layers, 1, 7)},
    {"model-batch", "N", "transitions in an update of each member", "train model",
     INT_OF(MODEL, model_batch, 1, 1e6)},
    {"model-patience", "N", "epochs without improvement before the fit stops", "train model",
     INT_OF(MODEL, model_patience, 1, 1e6)},
    {"model-max-epochs", "N", "most epochs of the fit; 0: until it stops improving", "train model",
     INT_OF(MODEL, model_max_epochs, 0, 1e6)},
    {"model-min-updates", "N", "updates of the fit before patience counts", "train model",
     INT_OF(MODEL, model_min_updates, 1, 1e9)},
    {"holdout", "rows|episodes", "what is held out of the fit: rows, or whole episodes",
     "train model", TEXT_OF(MODEL, holdout)},
    {"holdout-max", "N", "most transitions held out of the fit", "train model",
     INT_OF(MODEL, holdout_max, 1, 1e9)},
    {"model-lr", "X", "learning rate of the ensemble", "train model",
     REAL_OF(MODEL, model_lr, 0, 1)},
    {"model-schedule", "constant|cosine", "its fall over the fit; cosine: to model-max-epochs",
     "train model", TEXT_OF(MODEL, model_schedule)},
    {"model-decay", "X", "factor of the table of weight decays", "train model",
     REAL_OF(MODEL, model_decay, 0, 1e6)},
    {"model-improvement", "X", "relative fall of the holdout error that counts", "train model",
     REAL_OF(MODEL, model_improvement, 0, 1)},
    {"holdout-ratio", "X", "share of transitions held out of the fit", "train model",
     REAL_OF(MODEL, holdout_ratio, 0, 0.9)},

    {"kind", "random|medium|medium-replay|expert|medium-expert|full-replay",
     "which D4RL dataset to make", "collect", TEXT(kind)},
    {"policy", "PATH", "record this policy, do not train one", "collect", TEXT(policy)},
    {"steps", "N", "rows to record", "collect", 'l', FIELD(steps), 1, 1e12, NULL},
    {"train-steps", "N", "environment steps after which the expert is finished", "collect", 'l',
     FIELD(train_steps), 1, 1e12, NULL},
    {"start-steps", "N", "first steps, with uniform random actions", "collect",
     INT(start_steps, 0, 1e9)},
    {"collect-eval-every", "N", "steps between evaluations", "collect",
     INT(collect_eval_every, 1, 1e9)},
    {"medium-fraction", "X", "medium: share of the expert's return", "collect",
     REAL(medium_fraction, 0, 1)},

    {"width", "N", "pixels of a frame", "render", INT(width, 16, 8192)},
    {"height", "N", "the same, upwards", "render", INT(height, 16, 8192)},
    {"fps", "X", "frames for a second of the task, but no more than its steps", "render",
     REAL(fps, 0.1, 1000)},
    {"seconds", "X", "length of the film, in the task's time", "render",
     REAL(seconds, 0.001, 3600)},
    {"frames", "N", "of a film that does not move, spread evenly", "render", INT(frames, 1, 100)},
};

enum { SETTINGS = sizeof settings / sizeof settings[0] };
static_assert(SETTINGS <= sizeof(((mopo_config *)0)->marked), "every setting has its mark");

const mopo_setting *mopo_setting_at(int i) { return i >= 0 && i < SETTINGS ? &settings[i] : NULL; }

const char *mopo_setting_name(const mopo_setting *s) { return s->name; }

const char *mopo_setting_help(const mopo_setting *s) { return s->help; }

const char *mopo_setting_values(const mopo_setting *s) { return s->metavar; }

mopo_config config_default(void)
{
  mopo_config c = {.algo = "mopo",
                   .preset = "tuned",
                   .ope_updates = 2500,
                   .bad_rows = "error",
                   .clip_actions = "no",
                   .updates_per_epoch = 1000,
                   .batch_size = 256,
                   .eval_every = 1,
                   .eval_episodes = 10,
                   .checkpoint_every = 10,
                   .rollout_batch = 50000,
                   .rollout_keep = 5,
                   .rollout_cut = "bootstrap",
                   .penalty = "aleatoric",
                   .termination = "auto",
                   .penalty_coef = NAN,
                   .real_ratio = NAN,
                   .imagined_margin = NAN,
                   .hidden = 256,
                   .gamma = 0.99,
                   .tau = 0.005,
                   .actor_lr = NAN,
                   .critic_lr = NAN,
                   .alpha_lr = NAN,
                   .alpha_init = 1,
                   .alpha_max = NAN,
                   .target_entropy = NAN,
                   .log_std_min = NAN,
                   .log_std_max = 2,
                   .critic_loss_weight = NAN,
                   .td3bc_alpha = 2.5,
                   .policy_noise = 0.2,
                   .noise_clip = 0.5,
                   .policy_delay = 2,
                   .expectile = 0.7,
                   .iql_beta = 3,
                   .iql_reward_scale = NAN,
                   .cql_weight = 5,
                   .cql_samples = 10,
                   .brac_alpha = 1,
                   .behaviour_lr = 3e-4,
                   .bear_threshold = 0.05,
                   .bear_sigma = 20,
                   .bear_kernel = "laplacian",
                   .bear_samples = 10,
                   .bear_match = 10,
                   .bear_lr = 1e-3,
                   .vae_hidden = 750,
                   .members = 7,
                   .model_hidden = 200,
                   .model_layers = 4,
                   .model_batch = 256,
                   .model_patience = 5,
                   .holdout_max = 1000,
                   .model_lr = 1e-3,
                   .model_schedule = "constant",
                   .model_decay = 1,
                   .model_improvement = 0.01,
                   .holdout_ratio = 0.2,
                   .kind = "medium-replay",
                   .steps = 200000,
                   .train_steps = 1000000,
                   .start_steps = 5000,
                   .collect_eval_every = 5000,
                   .width = 320,
                   .height = 240,
                   .fps = 25,
                   .seconds = 4,
                   .frames = 1,
                   .medium_fraction = 0.3333};
  return c;
}

int config_index(const char *name)
{
  for (int i = 0; i < SETTINGS; i++)
    if (!strcmp(settings[i].name, name)) return i;
  return -1;
}

static int min_int(int a, int b) { return a < b ? a : b; }

/* Levenshtein's distance; names longer than the longest setting count up to there. */
static int distance(const char *a, const char *b)
{
  enum { LONGEST = 40 };
  int row[LONGEST + 1];
  int n = min_int((int)strnlen(b, LONGEST), LONGEST);
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 1; i <= LONGEST && a[i - 1]; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= n; j++) {
      int change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = min_int(change, 1 + min_int(row[j], row[j - 1]));
    }
  }
  return row[n];
}

const char *config_nearest(const char *name)
{
  int best = 0;
  for (int i = 1; i < SETTINGS; i++)
    if (distance(name, settings[i].name) < distance(name, settings[best].name)) best = i;
  return settings[best].name;
}

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
  /* the shape of a model is its own, whoever fitted it */
  bool of_fit = has_word(s->verbs, "model") && s->algos &&
                !has_word("members elites model-hidden model-layers", s->name);
  return has_word(s->verbs, "train") && (!s->algos || has_word(s->algos, c->algo)) &&
         !(of_fit && *c->model); /* what is given is not fitted */
}

bool config_is_auto(const mopo_config *c, const mopo_setting *s)
{
  const void *field = (const char *)c + s->offset;
  switch (s->type) {
  case 'd':
    return isnan(*(const double *)field);
  case 'i':
    return *(const int *)field == 0 && s->min > 0;
  case 's':
    return strchr(s->metavar, '|') && !*(const char *)field;
  default:
    return false;
  }
}
