/* collect.h - what the two files of `mopo collect` share: collect.c makes the rows, collect_keep.c
 * keeps them, so that a collection that was broken off goes on to the same bits.
 *
 * A dataset is made in phases: SAC learns, or a policy acts. Every step is a row of a log beside
 * the dataset; at the start of an episode now and then a checkpoint says how many of these rows
 * count, and holds the agent. At the end the rows that are the dataset's become it, and log and
 * checkpoint go. */
#ifndef PLAY_COLLECT_H
#define PLAY_COLLECT_H

#include "agent/agent.h"
#include "config/config.h"
#include "data/recorder.h"
#include "data/replay.h"
#include "io/rowlog.h"
#include "play/evaluate.h"
#include "task/task.h"

enum { MAX_OBS = 128, MAX_ACT = 32, MAX_STATE = 128, MAX_PHASES = 4, COLLECT_PATH = 2048 };

typedef struct phase {
  bool learns;       /* SAC acts and learns; else a fixed policy acts */
  bool records;      /* its rows are the dataset's */
  bool to_medium;    /* ends when an evaluation is at the medium level */
  int64_t until;     /* steps of learning in all, or rows of the dataset in all */
  const char *noise; /* a policy's: of what its actions' noise is a function */
} phase;

/* Where a collection stands. As doubles, for the checkpoint. */
typedef struct collect_standing {
  double phase;
  double learned;     /* steps of learning so far */
  double acted;       /* of this phase's policy */
  double recorded;    /* rows that are the dataset's */
  double episodes;    /* begun */
  double score;       /* of the newest evaluation, NAN before the first */
  double return_mean; /* its return */
  double wall;        /* seconds, of earlier processes */
  double rows;        /* of the log */
} collect_standing;

/* What a row of the log is. */
enum { ROW_TERMINAL = 1, ROW_TIMEOUT = 2, ROW_LEARNED = 4, ROW_RECORDED = 8, ROW_ALL = 15 };

typedef struct collect_row {
  float obs[MAX_OBS], act[MAX_ACT], next[MAX_OBS], rew;
  double qpos[MAX_STATE], qvel[MAX_STATE], after[MAX_STATE];
  uint32_t flags;
} collect_row;

typedef struct collector {
  mopo_config c;
  const mopo_task *asked, *task; /* asked for; by whose rewards SAC learns */
  const mopo_watch *watch;
  par *pool;
  sim_world *world;
  sim *sim;
  agent *agent;
  mopo_policy *given; /* --policy */
  replay *replay;
  evaluator *evaluator;
  actor_work work;
  arena memory;
  const float **rows; /* [batch_size] */
  float *row;         /* one row of the replay */
  char *packed;       /* one row of the log */
  rng_key key;
  phase phases[MAX_PHASES];
  int n_phases;
  collect_standing at;
  rowlog *log;
  bool waits; /* whether `last` ends its episode is known when the next step has worked */
  collect_row last;
  float obs[MAX_OBS];
  int length;   /* steps of the episode under way */
  double kept;  /* learned + acted at the newest checkpoint */
  double began; /* this session, by the clock */
} collector;

double collect_seconds(const collector *k);
/* Bytes of a row of the log. */
size_t collect_row_bytes(const collector *k);
/* Puts the row into the replay, for learning. */
void collect_remember(collector *k, const collect_row *r);

/* Opens the log: anew, or with `resume` as the checkpoint says, which is loaded if there is one.
 * EINVAL (one is there without resume; it was begun with other settings; nothing to go on with
 * where a dataset is), EIO, EFORMAT, ENOMEM. */
MUST_CHECK mopo_status collect_open(collector *k, bool resume, mopo_error *err);
MUST_CHECK mopo_status collect_add(collector *k, const collect_row *r, mopo_error *err);
/* At the start of an episode: log and checkpoint to the disk. */
MUST_CHECK mopo_status collect_keep(collector *k, mopo_error *err);
/* Row i of the log. */
MUST_CHECK mopo_status collect_get(collector *k, collect_row *r, int64_t i, mopo_error *err);
/* Removes log and checkpoint. */
void collect_forget(collector *k);

#endif
