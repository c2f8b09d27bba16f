/* task.h - what is the task? Its facts, when it ends, what it pays; for the built-in ones also what
 * the simulator and the presets need to know. */
#ifndef TASK_TASK_H
#define TASK_TASK_H

#include <mopo/mopo.h>

#include "base/error.h"

enum { TASK_MAX_OBS = 32, TASK_MAX_ACT = 8 }; /* of the built-in tasks */
enum { TASK_HORIZON = 1000 };                 /* of a task that does not say */

/* What one step did, from which the reward of a built-in task is made. */
typedef struct motion {
  double vx, vy; /* displacement of the torso over the step / dt, m/s */
  double rise;   /* height of the torso after the step, above that at the reset, m */
  double effort; /* sum of the squared clipped actions */
} motion;

/* Rollout length h and penalty coefficient lambda that were published together for data of one
 * kind: with the paper's code, and with the best results on D4RL v2. */
typedef struct task_reach {
  const char *kind;
  struct {
    int length;
    double coef;
  } paper, tuned;
} task_reach;

enum { TASK_REACHES = 4 };

enum task_root { TASK_PLANAR, TASK_FREE }; /* x, z, angle; or x, y, z and a quaternion */

enum task_noise { TASK_UNIFORM, TASK_NORMAL }; /* U(-1, 1), N(0, 1) */
/* Where a body is, for its speed: its root joint; the torso's frame, which after a step is that of
 * the integrator's last stage, slightly before qpos; or the free joint, of the same instant as
 * qpos: what a recording can tell later. */
enum task_place { TASK_AT_ROOT, TASK_AT_TORSO, TASK_AT_JOINT };

/* How a body is simulated (sim/sim_mujoco.c). */
typedef struct task_simulation {
  const char *mjcf;         /* the text of a file of models/: body_NAME */
  int frame_skip;           /* simulator steps in a step */
  double total_mass;        /* kg, kept by either physics; 0: as the geoms' density makes it */
  double pos_noise;         /* reset: qpos0 + U(-pos_noise, pos_noise) */
  enum task_noise vel_kind; /* reset: vel_noise times it */
  double vel_noise;
  double max_velocity; /* observed velocities are clipped to it */
  int hidden;          /* first positions, which the agent does not see */
  enum task_place place;
} task_simulation;

/* What is known of a built-in task beyond its facts. */
typedef struct task_body {
  const task_simulation *simulator;
  bool (*ends)(const double *state); /* does a state laid out as the observation end it? */
  double (*reward)(const motion *m);
  enum task_root root;
  double torso;          /* height of the torso where the root's is 0, m */
  const char *behaviour; /* the task whose data it is learned from, if that is another */
  bool behaves;          /* it is such a task itself: found by name, not listed */
  bool sees_height;      /* its observation has the torso's height between positions and velocities,
                            which recordings of the plain body lack */
  task_reach reach[TASK_REACHES]; /* kind NULL: no more */
} task_body;

/* What a task file says beyond the facts. Columns are those of the log: what the policy observes
 * are history of them, [S newest] [S before, A between] [S before that, A between] ... */
typedef struct task_rules {
  int S, A, history;
  const char *const *obs, *const *act;   /* [S] [A] names */
  const double *ranges;                  /* [A,2] low and high of the actions, in the log's units */
  bool ranged;                           /* the file gives one of them; else they are -1 and 1 */
  const bool *is_switch;                 /* [A]: it is either low or high */
  const char *terminal, *reward, *limit; /* expressions; NULL: not given */
  int terminal_line, reward_line, limit_line;
  const char *columns; /* of the log, besides obs and act: "reward=r;episode=run"; NULL */
  const char *name;    /* of the file, for messages */
  const char *text;    /* the file, to be kept with a run */
  size_t bytes;
} task_rules;

/* Every constant that is defined as `const mopo_task NAME` is built in (cmake/rows.cmake). */
struct mopo_task {
  mopo_task_facts facts;
  task_body body;          /* simulator NULL: not built in */
  const task_rules *rules; /* NULL: not from a file */
  bool limit_ends;         /* passing the limit ends the task and pays `least` */
  float least;
  void *memory; /* what the facts point to; NULL: constants */
  void *rules_memory;
};

/* ------------------------------------------------------------------ judging */

/* Can an end be told from a step? False: it has to be learned. */
bool task_knows_ends(const mopo_task *task);
/* Can the reward be told from a step? False: it has to be learned. */
bool task_knows_reward(const mopo_task *task);

/* What judging up to `rows` steps at a time needs. S is the task's, or, of a task file with a
 * history, that of the log's rows. ENOMEM. */
typedef struct task_scratch task_scratch;
MUST_CHECK mopo_status task_scratch_create(task_scratch **out, const mopo_task *task, int S, int A,
                                           int rows, mopo_error *err);
void task_scratch_free(task_scratch *s);

/* Steps (obs[i] [S], act[i] [A], next[i] [S]), i < n <= rows, in the order of i; one caller at a
 * time for a scratch. done [n]: 1 where the step ends the task, 0 everywhere where nobody knows
 * (task_knows_ends). rew [n] is overwritten where the task knows its reward, else left as it is.
 * Of a task file's rules, done is 1 also where `terminal` is NaN or the successor has a number that
 * is not finite, and where `reward` is not finite: that row keeps its reward. With a history, what
 * next [S'] repeats of the past is written here. Allocates nothing. EDATA: a callback said what is
 * neither 0 nor 1, or a reward that is not finite; the message names callback and row. */
MUST_CHECK mopo_status task_judge(task_scratch *s, unsigned char *done, float *rew,
                                  const float *const *obs, const float *const *act,
                                  float *const *next, int n, mopo_error *err);

/* From now on passing the task's limit, if it has one, ends it and pays `least`. */
void task_end_at_limit(mopo_task *task, float least);
/* Of a task file: is the limit kept where a step leads? True where there is none. */
bool task_within_limit(task_scratch *s, const float *obs, const float *act, const float *next);

/* Does one step end the task? What the rule says, unchecked; false where nobody knows. */
bool task_done(const mopo_task *task, const float *obs, const float *act, const float *next);

/* An actuator that knows two settings takes the nearer one: components of act, row i at act + i *
 * stride, become -1 or 1 where the task says that they are switches. */
void task_round_actions(const mopo_task *task, float *act, size_t stride, int n);

/* ------------------------------------------------------------------ the built-in ones */

/* The rows of the sources, collected when the library is built. NULL ends them. */
extern const mopo_task *const task_rows[];
/* The i-th of all, those that are not listed too; NULL past the last. */
const mopo_task *task_row(int i);
/* Data of whose task nothing is known. */
const mopo_task *task_none(void);
/* The task of a file. EIO, EFORMAT, ENOMEM. */
MUST_CHECK mopo_status task_read(mopo_task **out, const char *path, mopo_error *err);
/* The same of its text, a zero behind it; path for messages. */
MUST_CHECK mopo_status task_parse(mopo_task **out, const char *text, size_t n, const char *path,
                                  mopo_error *err);
/* EINVAL "task = '...', want hopper, ..."; more: what else would do, ", none". */
mopo_status task_unknown(const char *name, const char *more, mopo_error *err);
/* Is it in mopo_task_at's list? */
bool task_listed(const mopo_task *task);

/* NULL: nothing was published for that kind of data. */
const task_reach *task_reach_of(const mopo_task *task, const char *kind);

/* Of a built-in task; NAN: of another. */
double task_reward(const mopo_task *task, const motion *m);
/* The task by whose rewards soft actor-critic learns when data for `task` are collected: itself,
 * unless its data are to show another behaviour. */
const mopo_task *task_behaviour(const mopo_task *task);
/* Length nq of qpos; 0: not built in. */
int task_positions(const mopo_task *task);
/* Where the torso is in the world, m. task is built in. */
void task_torso(double xyz[3], const mopo_task *task, const double *qpos);

/* Does a float64 state laid out as the task's observation, velocities not clipped, end it? The
 * simulator's own state ends an episode, not its float32 shadow. task is built in. */
bool task_ends(const mopo_task *task, const double *state);

#endif
