/* mopo.h - model-based offline policy optimisation (Yu et al. 2020, arXiv:2005.13239).
 *
 * A dataset of recorded transitions is at hand; an ensemble of probabilistic dynamics models is
 * fitted to it; a policy practises inside the ensemble, its reward penalised by the ensemble's
 * uncertainty; the policy acts. First comes what that takes from memory (examples/from_memory.c),
 * then files, the model, judging, and what is around it.
 *
 * Conventions. Arrays are row-major float32. B batch, S observation size, A action size, N
 * transitions. Every function that can fail returns a mopo_status and takes a mopo_error *err as
 * its last parameter (may be NULL); NULL where it is not allowed is EINVAL, in debug builds an
 * assert. The library never prints, never exits and has no global state. xxx_free(NULL) is fine.
 * Loading HDF5 starts a helper process. */
#ifndef MOPO_H
#define MOPO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default) /* the rest of the library is hidden */
#endif

#define MOPO_VERSION "0.1.0"

#if defined(__GNUC__)
#define MOPO_MUST_CHECK __attribute__((warn_unused_result))
#else
#define MOPO_MUST_CHECK
#endif

/* === declarations: plain C from here to the end mark, for what reads headers itself === */

/* ------------------------------------------------------------------ errors */

typedef enum mopo_status {
  MOPO_OK = 0,
  MOPO_EINVAL,   /* a setting or argument is out of its documented range */
  MOPO_EIO,      /* the operating system refused: open, read, write, rename */
  MOPO_EFORMAT,  /* the bytes are not what the format promises */
  MOPO_EDATA,    /* well-formed data that cannot be used: a NaN, sizes that do not fit the task */
  MOPO_ENOMEM,   /* memory ran out */
  MOPO_ENUMERIC, /* a loss or a parameter is no longer finite */
  MOPO_EABSENT,  /* this build or machine lacks the part that is asked for (simulator, OpenGL) */
  MOPO_ESTOPPED, /* the caller's stop flag was raised; a checkpoint has been written */
} mopo_status;
typedef struct mopo_error {
  mopo_status code;
  char msg[512]; /* one line, no newline; names the thing, the value and what was wanted */
} mopo_error;

/* ------------------------------------------------------------------ the task */

/* What is to be done: sizes, names, when it ends, what it pays. Immutable; may be shared by threads
 * as far as the caller's callbacks may. */
typedef struct mopo_task mopo_task;

/* What is known of a task apart from its dynamics. Callbacks get whole batches, obs [n,S], act
 * [n,A], next [n,S], row after row in a fixed order, and are called from one thread at a time for
 * each call of the library that is under way. */
typedef struct mopo_task_facts {
  size_t size;      /* sizeof(mopo_task_facts): fields that a caller does not know yet are 0 */
  const char *name; /* "hopper"; at most 63 bytes */
  int obs_dim;      /* S; 0: any, of task "none" */
  int act_dim;      /* A; actions live in [-1,1]^A; 0: any, of task "none" */
  int horizon;      /* steps after which an episode is cut (a timeout, not a terminal); 0: 1000 */
  double dt;        /* seconds per step; 0: not known */
  double score_min; /* return of a random policy (D4RL reference) */
  double score_max; /* return of an expert (D4RL reference). Both NAN, or both 0: no score */
  const char *const *obs_names; /* [S] names of the columns; may be NULL */
  const char *const *act_names; /* [A]; may be NULL */
  /* done [n]: 1 where a step ends the task, else 0. NULL: not known, so that it is learned where
   * the data have ends. A built-in task that can end ends where a number is NaN or infinite. */
  void (*done)(
      void *ctx, unsigned char *done, const float *obs, const float *act, const float *next, int n);
  /* rew [n]: what a step pays. NULL: not known, so that it is learned. */
  void (*reward)(
      void *ctx, float *rew, const float *obs, const float *act, const float *next, int n);
  void *ctx; /* of the callbacks; outlives the task */
} mopo_task_facts;
/* A built-in task, constant for the life of the program; NULL if there is no such task. "none" is
 * data of whose task nothing is known: any sizes, no rule, no simulator, scores NAN; mopo_task_at
 * does not list it, nor "halfcheetah-jump-behaviour" and "ant-angle-behaviour", by whose rewards
 * mopo_collect makes data for the tasks without that ending. Accepts D4RL and Gymnasium spellings
 * too, any case: "hopper", "hopper-medium-replay-v2", "Hopper-v4", "half_cheetah". */
const mopo_task *mopo_task_find(const char *name);
/* The i-th built-in task, NULL past the last. */
const mopo_task *mopo_task_at(int i);
/* The names of all of them, "hopper, halfcheetah, ...", in buf [size], cut to fit; the length of
 * the whole text. */
size_t mopo_task_names(char *buf, size_t size);
/* A task of the caller's. Names are copied. EINVAL (a size, a name that is empty, too long or that
 * of a built-in task, a score range), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_task_create(
    mopo_task **out, const mopo_task_facts *facts, mopo_error *err);
/* A built-in task by its name, or a task file (docs/formats.md): the columns of a log, their
 * ranges, when it ends, what it pays. A file's rules are told by no callback: its facts have none.
 * EINVAL (neither a name nor a file), EIO, EFORMAT (names file, line, key and the nearest that is
 * known), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_task_load(
    mopo_task **out, const char *name_or_path, mopo_error *err);
/* Built-in tasks stay. */
void mopo_task_free(mopo_task *task);
/* Borrowed from the task. */
const mopo_task_facts *mopo_task_facts_of(const mopo_task *task);
/* 100 (ret - min) / (max - min), as D4RL reports it; NAN where the task has no score. */
double mopo_task_score(const mopo_task *task, double ret);
/* A standard deviation of returns on the same scale: 100 std / (max - min), no offset. */
double mopo_task_score_std(const mopo_task *task, double std);

/* ------------------------------------------------------------------ the log, in memory */

/* Recorded transitions in memory. Immutable once made; may be shared by threads. */
typedef struct mopo_dataset mopo_dataset;

/* Arrays of N transitions in the caller's memory, row after row. Copied by mopo_dataset_from. */
typedef struct mopo_arrays {
  size_t size;                   /* sizeof(mopo_arrays): fields that a caller does not know are 0 */
  int64_t rows;                  /* N, 1 or more */
  int obs_dim, act_dim;          /* S, A, 1 or more */
  const float *obs;              /* [N,S] */
  const float *act;              /* [N,A], in action_ranges */
  const float *rew;              /* [N] */
  const float *next;             /* [N,S] what each step led to */
  const unsigned char *terminal; /* [N] 1: the step ended the task */
  const unsigned char *timeout;  /* [N] 1: the recording was cut after it; NULL: never */
  const float *action_ranges;    /* [A,2] low and high of each action, in the log's units, which
                                    become -1 and 1; NULL: act is in [-1,1] */
} mopo_arrays;
/* The arrays may go when it returns. EINVAL (sizes, NULL), EDATA (a number that is not finite, an
 * action out of range, a range; names array, row and column), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_dataset_from(
    mopo_dataset **out, const mopo_arrays *arrays, mopo_error *err);
/* The same of arrays [N,S], [N,A] in [-1,1], [N], [N,S], [N], [N] (may be NULL). */
MOPO_MUST_CHECK mopo_status mopo_dataset_from_arrays(mopo_dataset **out, int64_t N, int S, int A,
    const float *obs, const float *act, const float *rew, const float *next,
    const unsigned char *terminal, const unsigned char *timeout, mopo_error *err);
/* Around rows [N,W] of the caller's, W = mopo_row_width(S, A), each obs [S], act [A] in [-1,1],
 * rew, next [S], done (0 or 1): nothing is copied, so rows must outlive the dataset and not change.
 * timeout [N] is copied; may be NULL. EINVAL, EDATA, ENOMEM as mopo_dataset_from. */
MOPO_MUST_CHECK mopo_status mopo_dataset_borrow(mopo_dataset **out, int64_t N, int S, int A,
    const float *rows, const unsigned char *timeout, mopo_error *err);
/* 2 S + A + 2 floats. */
int mopo_row_width(int S, int A);

typedef enum mopo_array {
  MOPO_OBS,      /* [N,S] */
  MOPO_ACT,      /* [N,A] in [-1,1] */
  MOPO_REW,      /* [N,1] */
  MOPO_NEXT,     /* [N,S] */
  MOPO_TERMINAL, /* [N,1] 0 or 1 */
  MOPO_ROW,      /* [N,W] all of them, as mopo_dataset_borrow takes them */
} mopo_array;
/* Element (i, c) of an array is at [i * *stride + c] of what is returned, borrowed from d. rows,
 * columns and stride (in floats) may be NULL. NULL: no such array. */
const float *mopo_dataset_array(
    const mopo_dataset *d, mopo_array which, int64_t *rows, int *columns, size_t *stride);
/* [N] 1: the recording was cut after the row. Borrowed from d. */
const unsigned char *mopo_dataset_timeouts(const mopo_dataset *d);
void mopo_dataset_free(mopo_dataset *d);
int64_t mopo_dataset_rows(const mopo_dataset *d);
int mopo_dataset_obs_dim(const mopo_dataset *d);
int mopo_dataset_act_dim(const mopo_dataset *d);

/* ------------------------------------------------------------------ settings */

/* Every setting of a run, read and written by name as text: `mopo train --help` lists them. One
 * that nobody set and that the preset, the task or the data decide reads `auto` until
 * mopo_config_resolve has decided it; setting it to `auto` leaves it to them again. */
typedef struct mopo_config mopo_config;

/* The defaults. NULL: no memory. */
mopo_config *mopo_config_create(void);
/* With what was set, and by whom. NULL: no memory. */
mopo_config *mopo_config_copy(const mopo_config *c);
void mopo_config_free(mopo_config *c);
/* Sets one by name from text. EINVAL: unknown name (the message names the nearest known one), not a
 * number, out of range, not one of the words. */
MOPO_MUST_CHECK mopo_status mopo_config_set(
    mopo_config *c, const char *name, const char *value, mopo_error *err);
/* The value as text, which mopo_config_set reads back to the same bits. name: of a setting. */
void mopo_config_get(const mopo_config *c, const char *name, char *buf, size_t size);

/* ------------------------------------------------------------------ watching a run */

typedef struct mopo_progress {
  const char *stage;   /* "fit", "rollout", "update", "evaluate", "collect" */
  int64_t done, total; /* of the whole stage; total 0 = not known */
  int epoch, epochs;
  double seconds; /* since the stage began */
  /* the newest figures, NAN where there are none */
  double return_mean, score, critic_loss, q_mean, penalty_mean, holdout_mse;
  int members;              /* of member_mse; 0: not in this stage */
  const double *member_mse; /* holdout error of each of the ensemble's members; borrowed */
} mopo_progress;
/* Callbacks of a long call; all may be NULL. They run on the calling thread. */
typedef struct mopo_watch {
  void (*progress)(void *ctx, const mopo_progress *p); /* a few times a second at most */
  void (*line)(void *ctx, const char *text);           /* one line worth keeping */
  void *ctx;
  const volatile sig_atomic_t *stop; /* nonzero: finish the update, write a checkpoint, return */
} mopo_watch;

/* ------------------------------------------------------------------ learn and act, from memory */

/* A trained policy: tanh-squashed Gaussian, deterministic action tanh(mean(obs)). */
typedef struct mopo_policy mopo_policy;

typedef enum mopo_verdict {
  MOPO_VERDICT_UNKNOWN,   /* the log does not tell; reasons says why */
  MOPO_VERDICT_BETTER,    /* than what is on record */
  MOPO_VERDICT_NOT_BETTER /* it is worse */
} mopo_verdict;

enum { MOPO_ESTIMATE_REASONS = 8 };

/* What a policy is worth, as far as recorded data tell. Returns are sums of the rewards of an
 * episode, in the data's units. */
typedef struct mopo_estimate {
  size_t size; /* sizeof(mopo_estimate), set by the caller: fields it does not know are left out */
  mopo_verdict verdict;
  int n_reasons; /* one line each, the verdict's first */
  char reasons[MOPO_ESTIMATE_REASONS][160];
  double log;               /* mean return on record, of the episodes that trials begin at */
  double bc;                /* a clone of the recorded controller, by the same trials */
  double policy, low, high; /* this policy; 5 and 95 % */
  /* Fitted Q evaluation: below the log, it takes a `better` back. NAN: not asked for. */
  double fqe, fqe_low, fqe_high;
  double outside;        /* share of imagined states outside what is on record */
  double length;         /* mean steps of an imagined episode */
  int members, believed; /* of the ensemble; those that can play the recorded controller */
  int rank;              /* among the policies of the call: 1 has the highest `low` */
  bool like_first;       /* paired with that one, the difference may be 0 */
} mopo_estimate;
typedef struct mopo_train_result {
  int epochs;                     /* done */
  double return_mean, return_std; /* of the last policy, NAN without a simulator */
  double score;                   /* normalised, of the last policy */
  /* Of the last policy, sums over t of gamma^t r_t: in the simulator; in the model from the same
   * start states; there with r - lambda u, a lower bound of the first where theorem 4.4 holds; and
   * the mean of u there. NAN without a simulator, the last three also without a model. */
  double discounted_return, model_return, model_return_penalised, model_uncertainty;
  double batch_return_mean, batch_return_max;
  double wall_seconds;
  mopo_estimate ope; /* of the last policy, by the data alone; size 0: not asked for (`ope`) */
} mopo_train_result;
/* What an epoch measured; NAN where there is nothing to say. The columns of progress.csv. */
typedef struct mopo_epoch {
  size_t size;                    /* of the library's struct: later fields may follow */
  int epoch, epochs;              /* finished, from 1; of the run */
  int64_t updates;                /* gradient steps since the beginning */
  double wall_seconds;            /* since the beginning, interruptions not counted */
  double return_mean, return_std; /* of the evaluation's episodes */
  double score, length_mean;      /* normalised return; steps of an episode */
  double critic_loss, actor_loss; /* means over the epoch's updates */
  double alpha, entropy;          /* temperature; of the policy, nats */
  double q_mean, q_data_mean;     /* of the batches; of their recorded rows */
  double penalty_mean;            /* lambda u of the imagined rows */
  double model_reward_mean;       /* of them, before the penalty */
  double rollout_rows, rollout_terminal_rate;
  /* as in mopo_train_result */
  double discounted_return, model_return, model_return_penalised, model_uncertainty;
} mopo_epoch;
/* What the caller does between epochs; on the thread that called mopo_learn. */
typedef struct mopo_hooks {
  size_t size; /* sizeof(mopo_hooks): fields that a caller does not know yet are 0 */
  void *ctx;
  /* After each epoch: its figures and the policy now, which may act, be saved and be compared, and
   * is the library's again when this returns. false: stop here, with a checkpoint where there is a
   * run directory (ESTOPPED). May be NULL. */
  bool (*epoch)(void *ctx, const mopo_epoch *e, mopo_policy *now);
  /* true: resume the run that run_dir holds, from its checkpoint, to the same bits as one that was
   * never stopped. The same data, task, settings and model are given again. */
  bool resume;
} mopo_hooks;
/* A simulator of the caller's, for evaluation. Episodes are played one after the other, from the
 * thread that called the library. A number that is not finite is EDATA and names callback, episode
 * and step. */
typedef struct mopo_simulator {
  size_t size; /* sizeof(mopo_simulator): fields that a caller does not know yet are 0 */
  void *ctx;
  /* Begins an episode, a function of seed: obs [S]. */
  void (*reset)(void *ctx, uint64_t seed, float *obs);
  /* One step with act [A] in [-1,1]: obs [S], *rew, *terminal (the task ends) and *timeout (the
   * episode is cut; the task's horizon cuts it too), which are 0 and false before the call. */
  void (*step)(void *ctx, const float *act, float *obs, double *rew, bool *terminal, bool *timeout);
} mopo_simulator;
/* The simulated body of a built-in task (MuJoCo), constant for the life of the program, to be
 * handed to mopo_learn and mopo_evaluate; NULL: it has none, or this build has no simulator. */
const mopo_simulator *mopo_simulator_of(const mopo_task *task);
/* A fitted dynamics ensemble. */
typedef struct mopo_model mopo_model;

/* Learns a policy from `data` (for `task`; NULL: the one that the settings name) and hands it out
 * in *policy, which the caller frees. What the settings say of files (data, task, out) is not read.
 *   policy, result, hooks, watch  may be NULL
 *   model      an ensemble fitted before, borrowed, with its learned ends; NULL: the file of the
 *              setting `model`, or one is fitted, if the algorithm uses one
 *   run_dir    where checkpoints, figures, model and policy go; NULL: no file is read or written
 *   simulator  evaluates the policy every eval-every epochs; NULL: not evaluated
 * On ESTOPPED, too, *policy is the policy as far as it came; on every other error NULL. The bits
 * are those of mopo_train on a file of the same rows, with the same settings. EINVAL, EDATA (sizes;
 * what a callback wrote), EIO, EFORMAT, ENOMEM, ENUMERIC, ESTOPPED, EABSENT. */
MOPO_MUST_CHECK mopo_status mopo_learn(mopo_policy **policy, mopo_train_result *result,
    const mopo_dataset *data, const mopo_task *task, const mopo_model *model,
    const mopo_config *config, const char *run_dir, const mopo_simulator *simulator,
    const mopo_hooks *hooks, const mopo_watch *watch, mopo_error *err);
void mopo_policy_free(mopo_policy *p);
int mopo_policy_obs_dim(const mopo_policy *p);
int mopo_policy_act_dim(const mopo_policy *p);
const char *mopo_policy_task(const mopo_policy *p); /* borrowed; "" if the file does not say */
/* [A,2] low and high of each action in the log's units; NULL: not known. Borrowed. */
const float *mopo_policy_action_ranges(const mopo_policy *p);
/* act [B,A] in [-1,1] = tanh(mean(obs [B,S])). Never allocates; one caller at a time. */
void mopo_policy_act(mopo_policy *p, float *act, const float *obs, int B);
/* act [B,A] drawn from the policy: a function of seed and row. Never allocates; one caller at a
 * time. */
void mopo_policy_sample(mopo_policy *p, float *act, const float *obs, int B, uint64_t seed);
/* setting [B,A]: act [B,A] in the units of the log, low + (high - low) (act + 1) / 2; act itself
 * where these are not known. setting may be act. */
void mopo_policy_settings(const mopo_policy *p, float *setting, const float *act, int B);

/* ------------------------------------------------------------------ files */

/* Reads a file: D4RL's HDF5, Minari's HDF5 (main_data.hdf5), .npz with D4RL's or NeoRL's names,
 * .csv (docs/formats.md). `task` (may be NULL) checks the sizes. Files without next_observations
 * lose the last row of every episode that was cut off, whose successor is unknown; of a terminal
 * row policies learn, the model and saved files leave it out. EIO, EFORMAT (truncated, missing
 * array, wrong shape), EDATA (NaN, action out of range, sizes that do not fit the task, rewards
 * that the file says are another task's), ENOMEM. Messages name file, array and row. */
MOPO_MUST_CHECK mopo_status mopo_dataset_load(
    mopo_dataset **out, const char *path, const mopo_task *task, mopo_error *err);
/* What is done with rows that have a cell without a finite number. */
typedef enum mopo_bad_rows {
  MOPO_BAD_ROWS_ERROR, /* the file is refused; the message counts them all, by column */
  MOPO_BAD_ROWS_CUT,   /* they are left out, and their episode is cut there */
} mopo_bad_rows;
/* How to read a file that does not say. */
typedef struct mopo_import {
  size_t size; /* sizeof(mopo_import) */
  /* What plays which role: "obs=angle,speed;act=torque;reward=r" and, if they are there, next_obs,
   * terminal, timeout, episode (another text, another episode), time (a number or a date; a step
   * other than the usual one cuts an episode). Of CSV columns by their names; those not named are
   * obs_0, obs_1, ..., act_0, ..., reward, next_obs_0, ..., terminal, timeout, episode. Of HDF5 and
   * NPZ arrays, or columns of them: "obs=pos,vel[0:3]"; those not named are D4RL's. NULL: as the
   * file's dialect has them. */
  const char *columns;
  /* [n_action_ranges,2], low and high: of the recorded actions, which are scaled to [-1,1]. One for
   * all of them, or one for each; NULL and 0: what the file says, else [-1,1]. Borrowed. */
  const double *action_ranges;
  int n_action_ranges;
  mopo_bad_rows bad_rows;
  bool clip_actions;       /* those beyond their range by up to 5 % of its width are clipped */
  const mopo_watch *watch; /* asked whether to stop, while reading; NULL: nobody */
  bool as_recorded; /* with a task file: its columns and ranges, not its reward and history */
} mopo_import;
/* As mopo_dataset_load. EINVAL: `how` is not as above; ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_dataset_import(mopo_dataset **out, const char *path,
    const mopo_import *how, const mopo_task *task, mopo_error *err);
/* Writes a D4RL file: HDF5, or NPZ where `path` ends in .npz. EIO, ENOMEM, EINVAL (an NPZ of more
 * than 4 GB, or of rewards that are still to be relabelled, which it could not say). */
MOPO_MUST_CHECK mopo_status mopo_dataset_save(
    const mopo_dataset *d, const char *path, mopo_error *err);
/* Reads a D4RL HDF5 file with infos/qpos of the same body and gives each row the reward, the end
 * and the observation that `task` has for it. Positions after a step are infos/next_qpos; without
 * it those of the next row, and the last row of every episode is left out. Needs no simulator.
 * EDATA (no positions, sizes of another body) and as mopo_dataset_load. */
MOPO_MUST_CHECK mopo_status mopo_dataset_relabel(
    mopo_dataset **out, const char *path, const mopo_task *task, mopo_error *err);
/* What a recording says against what a task says of the same steps. */
typedef struct mopo_agreement {
  int64_t reward_rows, rewards; /* compared, and of them those that differ by more than 0.2 */
  double reward_most;           /* the largest difference */
  int64_t end_rows, ends;       /* compared, and of them those that only one of the two ends at */
  int64_t first_end;            /* the first of these */
} mopo_agreement;
/* Ends by the task's rule, where `recorded` has the task's sizes and the next observation; rewards
 * by `relabelled`, which mopo_dataset_relabel made of the same file (NULL: not compared). Of a task
 * file, `recorded` is as it was recorded (mopo_import). EDATA (a rule), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_dataset_agree(mopo_agreement *out, const mopo_dataset *recorded,
    const mopo_dataset *relabelled, const mopo_task *task, mopo_error *err);
/* The rows of the parts one after the other; an episode ends where a part does. EINVAL (none),
 * EDATA (different sizes, rewards of different tasks), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_dataset_merge(
    mopo_dataset **out, const mopo_dataset *const *parts, int n, mopo_error *err);
/* "random", "medium-replay", ... or "": by the file's metadata, else its name. Borrowed from d. */
const char *mopo_dataset_kind(const mopo_dataset *d);
/* The task whose rewards these are, as the file's metadata says; "". Borrowed from d. */
const char *mopo_dataset_task(const mopo_dataset *d);
/* What observation or action i is called; NULL: nobody says. Borrowed from d. */
const char *mopo_dataset_obs_name(const mopo_dataset *d, int i);
const char *mopo_dataset_act_name(const mopo_dataset *d, int i);
/* The i-th line that reading the file had to tell; NULL past the last. Borrowed from d. */
const char *mopo_dataset_note(const mopo_dataset *d, int i);
/* [A,2] low and high of each recorded action, which are -1 and 1 now; NULL: not known. Borrowed. */
const float *mopo_dataset_action_ranges(const mopo_dataset *d);

typedef struct mopo_episode {
  int64_t first, rows;
  double ret;             /* sum of its rewards */
  bool terminal, timeout; /* how it ends; neither: there the file ends, or its last row was lost */
} mopo_episode;
/* The episode that begins at row `first`, 0 <= first < rows; the next begins at first + rows. */
mopo_episode mopo_dataset_episode(const mopo_dataset *d, int64_t first);

enum { MOPO_INFO_NOTES = 40, MOPO_NOTE = 256 };

typedef struct mopo_dataset_info {
  int64_t rows, episodes, terminals, timeouts;
  int obs_dim, act_dim;
  /* Returns of the complete episodes (those that end in a terminal or a timeout). */
  int64_t complete_episodes;
  double return_mean, return_std, return_min, return_max;
  double return_quantile[5]; /* 5, 25, 50, 75, 95 % */
  double length_mean;
  double reward_mean, reward_min, reward_max;
  double action_min, action_max;
  char task[64]; /* whose rewards these are, as the file says; "" */
  int n_notes;   /* what is suspicious, one line each; of more than fit, the last says how many */
  char notes[MOPO_INFO_NOTES][MOPO_NOTE];
  int64_t rows_read; /* in the file, of which `rows` were kept; 0: not from a file */
  double period;     /* the usual step of its time column, in seconds of dates; 0: not known */
} mopo_dataset_info;
/* Statistics of a dataset. ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_dataset_describe(
    mopo_dataset_info *out, const mopo_dataset *d, mopo_error *err);
/* One column of a dataset; of an action in the units that it was recorded in. */
typedef struct mopo_column {
  char name[64];                             /* "temp", or "observation 3", "action 0", "reward" */
  double least, low, median, high, greatest; /* low, high: 1 % and 99 % */
  double spread;                             /* standard deviation */
  double share;                              /* of the rows: those with the most frequent value */
  double resolution; /* the step that float32 makes at the largest magnitude */
  int64_t distinct;  /* values */
} mopo_column;
/* As mopo_dataset_describe, and a slower look: columns [S + A + 1], observations, actions, reward,
 * and what is suspicious in them: outliers by median and MAD, scales, offsets, switches, counters,
 * steps that answer to actions of 2 to 10 rows ago, rewards that fit another row. ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_dataset_check(
    mopo_column *columns, mopo_dataset_info *info, const mopo_dataset *d, mopo_error *err);
/* One row of the table of settings. Constant. */
typedef struct mopo_setting mopo_setting;

/* The i-th setting, NULL past the last. */
const mopo_setting *mopo_setting_at(int i);
/* kebab-case: the option without its dashes, and the key in config.ini */
const char *mopo_setting_name(const mopo_setting *s);
/* One line, with unit and meaning. */
const char *mopo_setting_help(const mopo_setting *s);
/* What the value is: N, X, NAME, PATH, or "a|b|c": one of these words. */
void mopo_setting_values(char *buf, size_t size, const mopo_setting *s);
/* What a setting decides. Two runs that differ in no setting of MOPO_DECIDES_RESULT learn the same
 * and are measured the same. */
typedef enum mopo_decides {
  MOPO_DECIDES_RESULT,
  MOPO_DECIDES_PLACE,    /* where files are; what is in them is another matter */
  MOPO_DECIDES_MACHINE,  /* how fast, and how much a crash costs */
  MOPO_DECIDES_WATCHING, /* how often it is looked at */
} mopo_decides;
mopo_decides mopo_setting_decides(const mopo_setting *s);
/* Does the verb ("train", "model", "collect", "eval", ...) read it? */
bool mopo_setting_read_by(const mopo_setting *s, const char *verb);
/* The value of a setting that is a text, path or word. Borrowed until it is set again. */
const char *mopo_config_text(const mopo_config *c, const char *name);
/* Was it set, by mopo_config_set or from a file? */
bool mopo_config_is_set(const mopo_config *c, const char *name);
/* Reads an INI file (a section [mopo]); its keys are set unless they were set already, so that the
 * command line, applied first, wins. EIO, EFORMAT (names the line), EINVAL. */
MOPO_MUST_CHECK mopo_status mopo_config_load(mopo_config *c, const char *path, mopo_error *err);
/* Writes what training reads. EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_config_save(
    const mopo_config *c, const char *path, mopo_error *err);
/* Does training as c says depend on this setting at all? What is for other algorithms, or for the
 * fit of a model that is given, may have any value. */
bool mopo_config_uses(const mopo_config *c, const mopo_setting *s);
/* Fills what nobody set: the preset, then rollout length and penalty coefficient by task and kind
 * of dataset, then what depends on sizes; checks that the settings agree. EINVAL. */
MOPO_MUST_CHECK mopo_status mopo_config_resolve(
    mopo_config *c, const char *task, const char *kind, int act_dim, mopo_error *err);
/* As mopo_dataset_import, by the settings columns, action-range, bad-rows and clip-actions. watch
 * (may be NULL) as there. */
MOPO_MUST_CHECK mopo_status mopo_dataset_read(mopo_dataset **out, const char *path,
    const mopo_config *c, const mopo_task *task, bool as_recorded, const mopo_watch *watch,
    mopo_error *err);
/* The files of a run directory. */
typedef enum mopo_run_part {
  MOPO_RUN_CONFIG,     /* every setting that training reads, resolved */
  MOPO_RUN_TASK,       /* a copy of the task file, if there is one */
  MOPO_RUN_PROGRESS,   /* one line an epoch */
  MOPO_RUN_EVENTS,     /* the same for TensorBoard */
  MOPO_RUN_FIT,        /* a fit under way; gone when there is an ensemble */
  MOPO_RUN_MODEL,      /* the fitted ensemble */
  MOPO_RUN_POLICY,     /* the newest policy */
  MOPO_RUN_CHECKPOINT, /* everything needed to resume with the same bits */
  MOPO_RUN_RESULT,     /* written last */
  MOPO_RUN_LOCK,       /* held by the process that writes the directory */
} mopo_run_part;
/* What a file is called in its directory: "policy.safetensors". Constant; NULL: no such part. */
const char *mopo_run_file(mopo_run_part which);
/* Learns a policy from c->data for c->task and writes the run directory c->out. With `resume`, goes
 * on from its checkpoint to the same bits as an uninterrupted run. Needs no simulator; without one
 * the evaluation columns are empty.
 * EINVAL, EIO, EFORMAT, EDATA, ENOMEM, ENUMERIC, ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_train(mopo_train_result *out, const mopo_config *c, bool resume,
    const mopo_watch *watch, mopo_error *err);
/* From a policy.safetensors. EIO, EFORMAT, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_load(mopo_policy **out, const char *path, mopo_error *err);
/* Writes such a file, whole or not at all. EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_save(
    const mopo_policy *p, const char *path, mopo_error *err);
/* The bytes of such a file, in memory that mopo_bytes_free takes back; and a policy from them,
 * which are copied. EFORMAT, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_to_bytes(
    void **bytes, size_t *n, const mopo_policy *p, mopo_error *err);
MOPO_MUST_CHECK mopo_status mopo_policy_from_bytes(
    mopo_policy **out, const void *bytes, size_t n, mopo_error *err);
void mopo_bytes_free(void *bytes);
/* Rounds every weight, in place, to what MOPO_EXPORT_C_INT8 can write. ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_quantise(mopo_policy *p, mopo_error *err);

typedef enum mopo_export_format {
  MOPO_EXPORT_C,           /* one C99 file without #include: policy_act, policy_self_test */
  MOPO_EXPORT_C_INT8,      /* the same, weights int8 with a float scale for each row */
  MOPO_EXPORT_ONNX,        /* opset 13: "obs" [batch,S] to "act" [batch,A] */
  MOPO_EXPORT_SAFETENSORS, /* as mopo_train writes it: torch.nn.Linear's names and shapes */
} mopo_export_format;
typedef struct mopo_export_info {
  size_t file_bytes;                  /* 0 for safetensors */
  size_t constant_bytes, stack_bytes; /* that the C file takes on the device */
  int64_t multiply_adds;              /* of one action, C */
} mopo_export_info;
/* Writes the deterministic action of p to `path`, whole or not at all; INT8 rounds p itself. EIO,
 * ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_export(mopo_export_info *out, mopo_policy *p,
    const char *path, mopo_export_format format, mopo_error *err);

/* ------------------------------------------------------------------ the model */

/* Fits an ensemble, and learns ends, from data in memory as mopo_learn would with these settings:
 * handed to it, the policy has the same bits. Its steps are judged by task, which outlives it
 * (NULL: the settings name it), and unsure by the setting `penalty`. EINVAL, EDATA, ENOMEM,
 * ENUMERIC, ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_model_fit(mopo_model **out, const mopo_dataset *data,
    const mopo_task *task, const mopo_config *config, const mopo_watch *watch, mopo_error *err);
/* From a file: with its learned ends, no task, penalty `aleatoric`. EIO, EFORMAT, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_model_load(mopo_model **out, const char *path, mopo_error *err);
/* Writes a model.safetensors, whole or not at all. EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_model_save(const mopo_model *m, const char *path, mopo_error *err);
void mopo_model_free(mopo_model *m);
/* By which task its steps are judged, and by which penalty it is unsure; NULL leaves it. EINVAL (no
 * such penalty, or one that asks a simulator), EDATA (sizes), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_model_use(
    mopo_model *m, const mopo_task *task, const char *penalty, mopo_error *err);
int mopo_model_obs_dim(const mopo_model *m);
int mopo_model_act_dim(const mopo_model *m);
int mopo_model_members(const mopo_model *m);
int mopo_model_elites(const mopo_model *m);
/* Number of the i-th best member, i < elites; -1 past the last. */
int mopo_model_elite(const mopo_model *m, int i);
/* Mean squared error of a member on the rows held out; NAN: no such member. */
double mopo_model_holdout_mse(const mopo_model *m, int member);

/* One imagined step of n rows, obs [n,S], act [n,A]: each takes one elite and a sample of its
 * Gaussian, as functions of (seed, row).
 *   next [n,S]
 *   rew [n]              sampled, or what the task's rule says; not penalised; may be NULL
 *   end_probability [n]  that the step ends the task: 0 or 1 by its rule, else the probability of a
 *                        learned end; NAN where nothing is known; may be NULL
 *   u [n]                how unsure all members are, by the penalty, raw units; may be NULL
 * Callbacks see all n rows at once. Allocates only for more rows than ever before; one caller at a
 * time. EINVAL, EDATA (of obs, act or what a rule says: names row and column), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_model_step(mopo_model *m, float *next, float *rew,
    float *end_probability, float *u, const float *obs, const float *act, int n, uint64_t seed,
    mopo_error *err);
/* The Gaussian of one member, 0 <= member < members: mean, std [n,1+S] of the reward, then of the
 * next observation, raw units. std may be NULL. Allocates nothing; one caller at a time. EINVAL,
 * EDATA. */
MOPO_MUST_CHECK mopo_status mopo_model_predict(mopo_model *m, float *mean, float *std, int member,
    const float *obs, const float *act, int n, mopo_error *err);

typedef struct mopo_fit_result {
  int epochs, members, elites;
  double holdout_mse[32]; /* by member, of its kept weights; raw units */
  int elite[32];          /* member numbers, best first */
  double wall_seconds;
} mopo_fit_result;
/* Fits the dynamics ensemble alone and writes it to the file of the setting `out`
 * (.safetensors), with the tables of its fit next to it (docs/formats.md). A fit under way is kept
 * there too, every 20 s; `resume` takes it up again, or begins if nothing was kept, to the same
 * bits. EINVAL (a fit was begun there and resume is not set, or it is set and the fit is done, or
 * was begun with other data or settings), EIO, EFORMAT, EDATA, ENOMEM, ENUMERIC, ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_model_fit_file(mopo_fit_result *out, const mopo_config *c,
    bool resume, const mopo_watch *watch, mopo_error *err);

/* ------------------------------------------------------------------ judging */

enum { MOPO_EVAL_MAX = 1000 };

typedef struct mopo_eval_result {
  int episodes;
  double return_mean, return_std, score, length_mean;
  double returns[MOPO_EVAL_MAX];
  int lengths[MOPO_EVAL_MAX];
  int failures; /* episodes that the simulator gave up on, which count up to there */
} mopo_eval_result;
typedef struct mopo_eval_options {
  size_t size;         /* sizeof(mopo_eval_options): fields that a caller does not know are 0 */
  const char *physics; /* of a built-in task: "gymnasium", "d4rl"; NULL: d4rl */
  int episodes;        /* 0: 10 */
  uint64_t seed;
  int threads;                     /* 0: one per core */
  const char *record;              /* a D4RL HDF5 file to write the episodes to; may be NULL */
  const mopo_simulator *simulator; /* NULL: the body of the built-in task */
  const mopo_watch *watch;         /* its `stop`; may be NULL */
} mopo_eval_options;
/* Runs episodes of the deterministic policy in a simulator: side by side in that of a built-in
 * task, one after the other in one of the caller's. options NULL: all 0. EINVAL, EDATA (sizes; what
 * a callback wrote), EABSENT (built without MuJoCo), EIO, ENOMEM, ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_evaluate(mopo_eval_result *out, mopo_policy *p,
    const mopo_task *task, const mopo_eval_options *options, mopo_error *err);

typedef struct mopo_policy_difference {
  int rows;        /* observations looked at */
  double rms, max; /* of the difference of an action component */
} mopo_policy_difference;
/* Compares the actions of two policies at up to 10 000 observations of `on`; NULL: at standard
 * normal draws. EINVAL (sizes of the policies), EDATA (of the data), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_policy_compare(mopo_policy_difference *out, mopo_policy *a,
    mopo_policy *b, const mopo_dataset *on, mopo_error *err);

typedef struct mopo_ope_options {
  size_t size; /* sizeof(mopo_ope_options): fields that a caller does not know yet are 0 */
  uint64_t seed;
  int threads; /* 0: one per core; the result does not depend on it */
  int updates; /* of the ensemble, at least; 0: 2500 */
  bool no_fitted_q;
} mopo_ope_options;
/* Judges policies [n] by the data alone: an ensemble of its own, fitted to d, plays each of them
 * from where recorded episodes began; out [n]. docs/algorithms.md says how. `task` says when an
 * episode ends and what a step pays, as far as it knows; NULL: it knows nothing, and both are
 * learned from d. EINVAL (sizes), EDATA (nothing to learn from), ENOMEM, ENUMERIC, ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_ope(mopo_estimate *out, mopo_policy *const *policies, int n,
    const mopo_dataset *d, const mopo_task *task, const mopo_ope_options *options,
    const mopo_watch *watch, mopo_error *err);
/* "better", "not-better", "unknown". */
const char *mopo_verdict_name(mopo_verdict v);

enum { MOPO_TUNE_MAX = 16 };

/* One way of learning, and what its policy is worth. */
typedef struct mopo_candidate {
  char name[32];
  bool learned; /* false: no time was left, or it diverged; then ope says nothing */
  mopo_estimate ope;
} mopo_candidate;
typedef struct mopo_tune_result {
  size_t size;
  int n; /* candidates */
  mopo_candidate of[MOPO_TUNE_MAX];
  int chosen;      /* whose policy was written */
  bool kept_clone; /* none is credibly better than the log: the chosen one is its clone */
  double wall_seconds;
} mopo_tune_result;
/* Learns from c->data for c->task in several ways, each in a run directory in c->out, with one
 * model; judges all of them as mopo_ope does; writes policy.safetensors and result.json in c->out.
 * Called again it goes on where it was interrupted. hours: after so many no further candidate is
 * begun; 0: all are. No simulator is used to choose. EINVAL, EIO, EFORMAT, EDATA, ENOMEM, ENUMERIC,
 * ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_tune(mopo_tune_result *out, const mopo_config *c, double hours,
    const mopo_watch *watch, mopo_error *err);

/* ------------------------------------------------------------------ pictures */

typedef struct mopo_film {
  int frames, episodes; /* episodes: begun */
  int width, height;    /* pixels of a frame */
  double fps, seconds;  /* in the task's time, in which the film is shown */
  const char *renderer; /* what has drawn it: "OSMesa", "EGL"; constant */
} mopo_film;
/* Films the deterministic policy in the simulated task, as the settings out (.webp, .mp4, .png, or
 * a name with ".tfevents." in it), seed, physics, eval-episodes, seconds, frames, fps, width and
 * height say: the episodes of mopo_evaluate, one after the other. MuJoCo draws by OSMesa or EGL,
 * without screen or graphics card. One film at a time in a process. c is resolved.
 * EINVAL (ending, size, a task without simulator), EDATA (sizes), EABSENT (no MuJoCo, OpenGL,
 * libwebp or ffmpeg: says what to install), EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_render(
    mopo_film *out, mopo_policy *p, const mopo_task *task, const mopo_config *c, mopo_error *err);

/* ------------------------------------------------------------------ recording data */

/* Makes a dataset as D4RL's were made: trains soft actor-critic online in the task where the
 * setting `kind` needs it, records `steps` rows to `out` (D4RL HDF5 with positions and metadata).
 * For halfcheetah-jump and ant-angle the rewards are those of another behaviour, and the file says
 * so: mopo_dataset_relabel makes them the task's. What is under way is kept next to `out`; `resume`
 * takes it up again, or begins if nothing was kept, to the same bits. EINVAL (also: data were begun
 * there and resume is not set, or it is set and they are done, or of other settings), EABSENT, EIO,
 * EFORMAT, ENOMEM, ENUMERIC, ESTOPPED (what was recorded so far is in `out`, too). */
MOPO_MUST_CHECK mopo_status mopo_collect(mopo_dataset_info *out, const mopo_config *c, bool resume,
    const mopo_watch *watch, mopo_error *err);

/* ------------------------------------------------------------------ reports */

typedef struct mopo_report_result {
  int runs, finished, methods, datasets;
} mopo_report_result;
/* Writes one HTML page about the run directories runs [n] to `path`, whole or not at all: curves,
 * results with intervals, the model's fit, settings. Runs under way are shown as far as they are.
 * EINVAL (no runs), EDATA (not a run directory), EFORMAT (a file in one is not what was written),
 * EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_report(
    mopo_report_result *out, const char *const *runs, int n, const char *path, mopo_error *err);

/* ------------------------------------------------------------------ many runs */

/* A grid of runs (docs/formats.md): every combination of the values of its keys, of which those
 * that an algorithm does not read make no difference to it. Units of work: first the ensembles that
 * several runs would fit alike, each once, then the runs. */
typedef struct mopo_sweep mopo_sweep;

typedef struct mopo_sweep_unit {
  const char *name;          /* of its directory below the sweep's: "hopper-medium/mopo/seed-0" */
  const mopo_config *config; /* what mopo_train, or mopo_model_fit, is to be called with */
  bool model;                /* an ensemble, not a run */
  int needs;                 /* the unit of its ensemble; -1: none */
} mopo_sweep_unit;
/* Reads a sweep file whose runs go to `dir`. EIO, EFORMAT, EINVAL (an unknown key or value, an
 * empty grid, a key that no algorithm of the sweep reads; names the line), ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_sweep_load(
    mopo_sweep **out, const char *path, const char *dir, mopo_error *err);
/* Writes it so that mopo_sweep_load reads the same from any working directory. EIO, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_sweep_save(const mopo_sweep *s, const char *path, mopo_error *err);
void mopo_sweep_free(mopo_sweep *s);
/* The i-th unit, whose texts and settings are borrowed from s; false past the last. */
bool mopo_sweep_unit_at(mopo_sweep_unit *out, const mopo_sweep *s, int i);
/* The i-th key that has more than one value; NULL past the last. */
const char *mopo_sweep_key(const mopo_sweep *s, int i);
/* The i-th option for sbatch, from the section [slurm], and its value; NULL past the last. */
const char *mopo_sweep_option(const mopo_sweep *s, int i, const char **value);
/* Where a run stands, from its directory alone. */
typedef enum mopo_run_state {
  MOPO_RUN_ABSENT,    /* nothing is there */
  MOPO_RUN_BEGUN,     /* begun and not done; nobody is at it */
  MOPO_RUN_UNDER_WAY, /* a process is at it */
  MOPO_RUN_DONE
} mopo_run_state;
mopo_run_state mopo_run_find(const char *dir);
/* The figures of a finished run, from result.json: take(ctx, "final.score", "31.5") for each, in
 * the file's order; a figure that is not known has the text "". EIO, EFORMAT, ENOMEM. */
MOPO_MUST_CHECK mopo_status mopo_run_figures(const char *dir,
    void (*take)(void *ctx, const char *name, const char *value), void *ctx, mopo_error *err);
/* Processors that affinity, control group and Slurm leave to this process. */
int mopo_processors(void);

/* ------------------------------------------------------------------ timing */

enum { MOPO_BENCH_ROWS = 32 };

/* One thing timed: medians over the repeats. Figures that make no sense for it are NAN. */
typedef struct mopo_bench_row {
  char name[64];
  int threads;
  double ms, ms_min, ms_max;  /* of one of it */
  double gflop, floor_ms;     /* arithmetic of one of it; that at the peak of the same repeat */
  double of_peak, of_product; /* floor_ms / ms; the same with our own 256^3 product as the peak */
  double per_second;          /* of its unit: updates, rows, steps */
} mopo_bench_row;
typedef struct mopo_bench_result {
  int rows;
  mopo_bench_row row[MOPO_BENCH_ROWS];
} mopo_bench_result;
/* Times each stage of a run on one thread and on `threads` (0: one per core). EINVAL, ENOMEM,
 * ESTOPPED. */
MOPO_MUST_CHECK mopo_status mopo_bench(
    mopo_bench_result *out, int threads, int repeats, const mopo_watch *watch, mopo_error *err);

/* ------------------------------------------------------------------ this build */

/* Of what was linked: MOPO_VERSION is of what was compiled against. */
const char *mopo_version(void);
/* The simulator's version, "" if built without one. */
const char *mopo_simulator_version(void);
/* The instruction set the kernels use on this machine: "avx512", "avx2", "portable". */
const char *mopo_kernels_name(void);

/* === end of declarations === */

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
