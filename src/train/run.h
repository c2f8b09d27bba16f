/* run.h - one run of learning: everything it owns, and where it stands. The loop is in loop.c,
 * setting up and taking down in setup.c, resuming after an interruption in checkpoint.c. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <time.h>

#include "agent/agent.h"
#include "data/replay.h"
#include "model/fit.h"
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
  double rollout_rows, rollout_terminals, penalty_mean, model_reward_mean;
  /* of the last evaluation */
  double return_mean, return_std, score, length_mean;
} standing;

/* The last evaluation's discounted returns; NAN where there are none. Made and recorded within one
 * epoch's end, where no checkpoint is written. */
typedef struct discounted {
  double simulated; /* in the simulator */
  forecast_result model;
} discounted;

typedef struct run {
  mopo_config c;
  const mopo_task *task;
  const mopo_watch *watch;
  mopo_dataset *data;
  mopo_dataset_info info;
  char digest[DATASET_DIGEST]; /* of data */
  par *pool;
  rng_key key;
  int lock;
  ensemble *model; /* NULL: the algorithm uses none */
  agent *agent;
  replay *ring; /* imagined rows; NULL without a model */
  rollout *rollout;
  struct oracle *oracle; /* of the penalty `oracle`, else NULL */
  sim_world *world;      /* NULL: no simulator, no evaluation */
  evaluator *evaluator;
  forecast *forecast; /* NULL: no evaluation, or no model */
  metrics *metrics;
  const float **rows;  /* [batch_size] */
  const float *last_q; /* of the last update, row by row; the agent's, NULL: none */
  int real_rows;       /* recorded rows in a batch; the rest is imagined */
  standing at;
  discounted discounted;
  int64_t ring_count, ring_head; /* of the ring before the rollouts of the epoch under way */
  bool warned[4];                /* of each kind of figure that grew too large (numbers.h) */
  struct timespec began;         /* of this session */
} run;

/* Settings resolved, data and model loaded or fitted, everything allocated. */
MUST_CHECK mopo_status run_set_up(run *o, const mopo_config *c, bool resume, mopo_error *err);
void run_tear_down(run *o);

/* The ensemble fitted to data as the settings say, written to the file `path` with the tables of
 * its fit beside it. For `mopo model fit` too. key as the run's. state: the file where the fit
 * under way is kept and from which it goes on; NULL: none. */
MUST_CHECK mopo_status run_model(ensemble **out, fit_result *fit, const char *path,
                                 const char *state, const mopo_config *c, const mopo_dataset *data,
                                 par *pool, rng_key key, const mopo_watch *watch, mopo_error *err);
/* Settings, task and dataset; shared by `train` and `model fit`. */
MUST_CHECK mopo_status run_data(mopo_config *c, const mopo_task **task, mopo_dataset **data,
                                mopo_error *err);

/* policy.safetensors and checkpoint.safetensors. ENUMERIC: a parameter is not finite; then neither
 * file is touched. */
MUST_CHECK mopo_status checkpoint_save(run *o, mopo_error *err);
/* EFORMAT: not a checkpoint of a run with these settings. */
MUST_CHECK mopo_status checkpoint_load(run *o, mopo_error *err);

bool run_stopped(const run *o);
double run_seconds(const run *o); /* wall time of all sessions */
void run_line(const run *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
void run_progress(const run *o, const char *stage, int64_t done, int64_t total, double critic_loss);

#endif
