/* run.h - one run of learning: everything it owns, and where it stands. The loop is in loop.c.
 * Setting up asks settle.c for settings, data and directory, resume.c for the settings of a run
 * that is resumed, run_model.c for the model; setup.c allocates the rest and takes it down.
 * checkpoint.c holds what an interrupted run needs. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include "agent/agent.h"
#include "agent/labels.h"
#include "config/config.h"
#include "data/batch.h"
#include "model/fit.h"
#include "model/model.h"
#include "ope/forecast.h"
#include "play/evaluate.h"
#include "run/metrics.h"
#include "run/rundir.h"
#include "train/rollout.h"

/* Where a run stands. Everything that its future depends on is here, in the agent's state and in
 * the ring; all fields are doubles so that a checkpoint holds them as one array. */
typedef struct standing {
  double epoch;  /* finished epochs */
  double update; /* finished updates of the epoch under way */
  double rolled; /* 1: the rollouts of the epoch under way are in the ring */
  double wall;   /* seconds of earlier sessions */
  /* sums over the updates of the epoch under way, for its row of progress.csv */
  double critic_loss, actor_loss, alpha, entropy, q, q_data;
  /* of its rollouts */
  double rollout_rows, rollout_terminals, rollout_cut, rollout_begun;
  double penalty_mean, model_reward_mean;
  /* of the last evaluation */
  double return_mean, return_std, score, length_mean;
} standing;

/* The last evaluation's discounted returns; NAN where there are none. Made and recorded within one
 * epoch's end, where no checkpoint is written. */
typedef struct discounted {
  double simulated; /* in the simulator */
  forecast_result model;
} discounted;

/* What is asked of a run: by mopo_learn, or by mopo_train, whose settings name files. */
typedef struct run_order {
  const mopo_config *config;
  const mopo_dataset *data;        /* NULL: the file that the settings name */
  const mopo_task *task;           /* NULL: the one that the settings name */
  const mopo_model *model;         /* NULL: the file that the settings name, or fitted */
  const char *dir;                 /* the run directory; NULL: no file is read or written */
  const mopo_simulator *simulator; /* NULL: the policy is not evaluated */
  const mopo_hooks *hooks;         /* NULL: none */
  const mopo_watch *watch;         /* NULL: nobody watches */
  bool resume;
} run_order;

typedef struct run {
  run_order order;
  mopo_config c;
  const mopo_task *task; /* the order's, or loaded */
  mopo_task *loaded_task;
  const mopo_watch *watch;
  const char *dir;          /* NULL: no file is read or written */
  const mopo_dataset *data; /* the order's, or loaded */
  mopo_dataset *loaded;
  mopo_dataset_info info;
  /* One scale inside: what agent, model and ring have is in its units; NULL: in the log's. `learn`:
   * data in these units, data itself without a scale. */
  units *units;
  mopo_dataset *scaled; /* NULL: there is no scale */
  const mopo_dataset *learn;
  float *behaviour; /* [A] weights of the behaviour's term; NULL: it is off */
  mopo_dataset_info learn_info;
  char digest[DATASET_DIGEST]; /* of data */
  par *pool;
  rng_key key;
  int lock;
  const ensemble *model;  /* the order's, or fitted; NULL: the algorithm uses none */
  ensemble *fitted;       /* or read from a file */
  const termination *end; /* learned ends; NULL: the task's rule, or none */
  termination *learned;   /* those that are not the order's */
  reach *reach;           /* where rollouts are cut; NULL: nowhere */
  agent *agent;
  imagine imagine; /* the imagined step of rollouts and forecasts, if there is a model */
  replay *ring;    /* imagined rows; NULL without a model */
  rollout *rollout;
  struct oracle *oracle; /* of a penalty that needs the simulator, else NULL */
  sim_world *world;      /* of the task's body; NULL: nobody wants it */
  sim_world *own_world;  /* of the caller's simulator, else NULL */
  evaluator *evaluator;
  forecast *forecast; /* NULL: no evaluation, or no model */
  metrics *metrics;
  metrics_row last;      /* what the last epoch measured */
  policy_labels *labels; /* of every policy of the run; NULL: nothing is known */
  mopo_policy *policy;   /* a copy of the agent's, for the caller */
  const float **rows;    /* [batch_size] */
  const float *last_q;   /* of the last update, row by row; the agent's, NULL: none */
  int real_rows;         /* recorded rows in a batch; the rest is imagined */
  standing at;
  discounted discounted;
  int64_t ring_count, ring_head; /* of the ring before the rollouts of the epoch under way */
  bool told_short, told_uncut, told_bounded; /* of rollouts */
  bool warned[4]; /* of each kind of figure that is impossible (health.h) */
  double began;   /* this session, by the clock */
} run;

/* Settings resolved, data and model loaded or fitted, everything allocated. */
MUST_CHECK mopo_status run_set_up(run *o, const run_order *order, mopo_error *err);
void run_tear_down(run *o);

/* Where setting up begins: settings, task, dataset, the directory and its lock. */
MUST_CHECK mopo_status run_settle(run *o, mopo_error *err);
/* Data and task of the order, in memory: they must fit; settings resolved for them. */
MUST_CHECK mopo_status run_take_data(run *o, mopo_error *err);
/* The settings that the run in `dir` began with; one that is given now must agree; where `longer`,
 * there may be more epochs. */
MUST_CHECK mopo_status run_resume_settings(mopo_config *c, const mopo_config *given,
                                           const char *dir, bool longer, mopo_error *err);
/* Where o has more epochs than its directory says: tells what stays as the fewer decided, takes the
 * result away, and writes them down. EIO, ENOMEM. */
MUST_CHECK mopo_status run_resume_longer(run *o, mopo_error *err);
/* A model that cannot be used is refused before there is a directory that says "a run is here". */
MUST_CHECK mopo_status run_model_check(run *o, mopo_error *err);
/* o->model: fitted, given, or that of an earlier session; o->end, if it brings them. */
MUST_CHECK mopo_status run_model_get(run *o, mopo_error *err);
/* o->imagine: the model, what its uncertainty costs, and the task; before the agent, which may ask
 * it. Then the rollouts and their ring. */
MUST_CHECK mopo_status run_imagine(run *o, mopo_error *err);
MUST_CHECK mopo_status run_practice(run *o, mopo_error *err);

/* Settings, task (named or described by `from`) and dataset; shared by `train` and `model fit`. */
MUST_CHECK mopo_status run_data(mopo_config *c, const char *from, mopo_task **task,
                                mopo_dataset **data, const mopo_watch *watch, mopo_error *err);

/* The last policy, judged by the data, where the setting `ope` asks for it; else out->size is 0.
 * ESTOPPED. */
MUST_CHECK mopo_status run_judge(run *o, mopo_estimate *out, mopo_error *err);

/* With limits = terminal, passing the task's limit becomes an end that pays the least recorded
 * reward, in the data and in imagined rows. EINVAL: there is no limit. */
MUST_CHECK mopo_status run_limits(mopo_task *task, mopo_dataset *data, const mopo_config *c,
                                  mopo_error *err);
/* Lines about the log: rules that contradict it, limits that it passes. */
MUST_CHECK mopo_status run_tell_rules(run *o, mopo_error *err);
/* o->labels: what data and task say of the columns. */
MUST_CHECK mopo_status run_label(run *o, mopo_error *err);
/* A copy of the task file in the run directory. */
MUST_CHECK mopo_status run_keep_task(const run *o, mopo_error *err);

/* policy.safetensors and checkpoint.safetensors, in a run that writes files. ENUMERIC: a parameter
 * is not finite; then neither file is touched. */
MUST_CHECK mopo_status checkpoint_save(run *o, mopo_error *err);
/* EFORMAT: not a checkpoint of a run with these settings. */
MUST_CHECK mopo_status checkpoint_load(run *o, mopo_error *err);

/* Everything that an order asks for, from setting up to taking down. *policy: as mopo_learn. */
MUST_CHECK mopo_status run_whole(mopo_policy **policy, mopo_train_result *result,
                                 const run_order *order, mopo_error *err);
double run_seconds(const run *o); /* wall time of all sessions */
void run_progress(const run *o, const char *stage, int64_t done, int64_t total, double critic_loss);

#endif
