/* imagine.h - the one imagined step: what the model says of a state and an action, how unsure it
 * is, and what the task says of it. Rollouts, forecasts and every caller of the model from outside
 * take their steps here, so that an extension of the step is written once.
 *
 * A step of many rows has two halves. imagine_rows is the model's: blocks of rows, in parallel,
 * each with a workspace of its own. imagine_judge is the task's: all rows of the step at once, from
 * one thread, in a fixed order, because a task may be a callback of the user's. */
#ifndef MODEL_IMAGINE_H
#define MODEL_IMAGINE_H

#include "model/ensemble.h"
#include "model/reach.h"
#include "task/task.h"

/* u [rows] of rows that ensemble_step has just taken with workspace w, by something that is not in
 * the model: the penalties that need a simulator. Called from every thread. Never allocates. */
typedef void imagine_measure(void *ctx, int thread, float *u, const ensemble *m,
                             const ensemble_work *w, const float *const *obs,
                             const float *const *act, int rows);

/* What a step is made of. All borrowed; nothing changes while steps are taken, so that threads and
 * agents share one. */
typedef struct imagine {
  const ensemble *m;
  const mopo_task *task;
  const penalty_type *penalty;
  double coef; /* lambda */
  /* Of a model in scaled units: reward and next stay in the recorded range and `margin` times that
   * range on either side. 0 and more; infinite: anywhere. */
  double margin;
  imagine_measure *measure; /* of a penalty that needs a simulator, else NULL */
  void *ctx;                /* its first argument */
  /* Ends that were learned, which stand in place of the task's rule; NULL: there are none. */
  const termination *end;
  const reach *reach; /* how far the model is to be followed; NULL: nobody asks */
} imagine;

/* Workspace of one thread. */
typedef struct imagine_work {
  ensemble_work model;
  termination_work end;
} imagine_work;
void imagine_work_layout(imagine_work *w, const imagine *g, arena *a);

/* The rows of one step. The caller sets the pointers; the step writes what `next` points at and the
 * rest. */
typedef struct imagined {
  const float **obs, **act; /* [rows] of S and of A floats */
  float **next;             /* [rows] of S floats */
  float *rew, *u;           /* [rows] reward before the penalty; uncertainty */
  unsigned char *done;      /* [rows] 1: terminal */
  unsigned char *ended;     /* [rows] 1: by a learned end */
  float *chance;            /* [rows] where ends are learned: the probability of done */
  unsigned char *bounded;   /* [rows] 1: reward or next would have left the log's range */
  float *far;               /* [rows] D(s,a), where somebody asks */
  task_scratch *scratch;
  /* Of a model in scaled units: what the task is asked about, in the log's. */
  const float **log_obs;       /* [rows] */
  float **log_next, *log_rows; /* [rows]; [rows,2,S] */
  arena memory;
} imagined;
/* For steps of at most `rows` rows. g is borrowed. ENOMEM. */
MUST_CHECK mopo_status imagined_create(imagined **out, const imagine *g, int rows, mopo_error *err);
void imagined_free(imagined *s);

/* The model's half of rows r0 .. r0 + rows - 1, at most ENSEMBLE_ROWS of them: next, rew, u; and
 * whether a learned end ends them, by a draw from its probability. The draws are those of draw->r0
 * .., whatever r0 is. `thread` names the simulation that a penalty may need. Never allocates. NaN
 * travels. */
void imagine_rows(const imagine *g, imagine_work *w, int thread, imagined *s, int r0, int rows,
                  const ensemble_draw *draw);
/* The task's half of rows 0 .. rows - 1: done, and rew where the task has a rule for it. The task
 * sees the log's units, whatever the model's are. Never allocates. EDATA: the rule is a callback
 * that says what cannot be. */
MUST_CHECK mopo_status imagine_judge(const imagine *g, imagined *s, int rows, mopo_error *err);
/* lambda u, which is taken off the reward. */
float imagine_cost(const imagine *g, float u);

/* What each elite says of rows <= ENSEMBLE_ROWS states and actions, for agents that ask the model
 * themselves: next [elites, samples, rows, S], sample k of elite i for every row, drawn from that
 * elite's Gaussian. The draws are those of place draw->hi, rows draw->r0 ..; draw->member is not
 * used. Never allocates. NaN travels. */
void imagine_elites(const imagine *g, imagine_work *w, float *next, int samples,
                    const float *const *obs, const float *const *act, int rows,
                    const ensemble_draw *draw);

#endif
