/* judge.c - see judge.h. The recipe, with the functions that follow it, is in docs/algorithms.md.
 */
#include "ope/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "model/fit.h"
#include "ope/clone.h"
#include "ope/fitted_q.h"
#include "ope/stretches.h"
#include "ope/verdict.h"
#include "task/task.h"

enum {
  MEMBERS = 7,
  HIDDEN = 128,
  LAYERS = 3,
  BATCH = 256,
  UPDATES = 2500,  /* of the ensemble, at least; at least one epoch, too */
  CLONE_SHARE = 2, /* updates of clone and fitted Q: half as many */
};
static const double HELD = 0.125, RATE = 1e-3;

struct judge {
  judge_setup set;
  int updates;
  standard *s;
  ensemble *m;
  termination *ends;
  clone clone;
  trials *trials;
  fitted_q *q;
  stretch stretch[STRETCHES];
  int n;
  double R[STRETCHES], log; /* returns on record, and their mean */
  double *D;                /* [MEMBERS,n] of the policy under way */
  double *gain;             /* [FITTED_Q_CRITICS,n] */
  exam exam;
  double bc; /* mean return of the clone without noise */
};

static const volatile sig_atomic_t *stop_of(const judge *j)
{
  return j->set.watch ? j->set.watch->stop : NULL;
}

static bool tell(void *ctx, int64_t done, int64_t total)
{
  const judge *j = ctx;
  const mopo_watch *w = j->set.watch;
  if (w && w->progress && done % (16 * BATCH) == 0)
    w->progress(w->ctx, &(mopo_progress){.stage = "judge",
                                         .done = done,
                                         .total = total,
                                         .return_mean = (double)NAN,
                                         .score = (double)NAN,
                                         .critic_loss = (double)NAN,
                                         .q_mean = (double)NAN,
                                         .penalty_mean = (double)NAN,
                                         .holdout_mse = (double)NAN});
  return w && w->stop && *w->stop;
}

/* ------------------------------------------------------------------ making one */

static mopo_status fit_ensemble(judge *j, mopo_error *err)
{
  ensemble_settings shape = {MEMBERS, MEMBERS, HIDDEN, LAYERS};
  const mopo_dataset *d = j->s->d;
  double rows = (1.0 - HELD) * (double)(d->N - d->n_blind), each = fmax(ceil(rows / BATCH), 1.0);
  fit_settings set = {.batch = BATCH,
                      .patience = 1,
                      .max_epochs = (int)fmax(ceil(j->updates / each), 1.0),
                      .holdout_max = 1000000,
                      .cosine = true,
                      .by_episodes = true,
                      .lr = RATE,
                      .decay = 1.0,
                      .improvement = 0.0,
                      .holdout_ratio = HELD};
  fit_watch watch = {.step = tell, .ctx = j};
  rng_key key = rng_split(j->set.key, "ensemble");
  fit_result *r = malloc(sizeof *r);
  if (!r) return error_set(err, MOPO_ENOMEM, "ope: no memory");
  mopo_status st = ensemble_create(&j->m, &shape, j->s->S, j->s->A, rng_split(key, "weights"), err);
  if (st == MOPO_OK) st = ensemble_fit(j->m, r, d, &set, j->set.pool, key, &watch, err);
  free(r);
  return st;
}

static bool has_terminals(const mopo_dataset *d)
{
  for (int64_t i = 0; i < d->N; i++)
    if (dataset_row(d, i)[d->at.done] > 0.0f) return true;
  return false;
}

/* What ends an imagined episode: the task's rule if it has one, else what is learned. */
static mopo_status fit_ends(judge *j, mopo_error *err)
{
  if (task_knows_ends(j->set.task) || !has_terminals(j->set.d)) return MOPO_OK;
  return termination_fit(&j->ends, j->set.d, rng_split(j->set.key, "termination"), j->set.pool,
                         stop_of(j), err);
}

/* D [members,n] of a player. */
static mopo_status differences(judge *j, double *D, trial_result *r, const player *who,
                               mopo_error *err)
{
  r->value = D;
  mopo_status st = trials_run(r, j->trials, who, stop_of(j), err);
  for (int i = 0; st == MOPO_OK && i < MEMBERS * j->n; i++) D[i] -= j->R[i % j->n];
  return st;
}

static double mean_over(const judge *j, const double *D)
{
  double sum = 0.0;
  for (int k = 0; k < j->exam.kept; k++)
    for (int i = 0; i < j->n; i++) sum += D[j->exam.keep[k] * j->n + i];
  return sum / ((double)j->exam.kept * j->n);
}

/* The recorded controller, with its noise, through every member: those that cannot are dropped.
 * Then its clone without noise, for comparison. */
static mopo_status examine(judge *j, mopo_error *err)
{
  mopo_status st = clone_create(&j->clone, j->s, j->updates / CLONE_SHARE + 1, j->set.pool,
                                rng_split(j->set.key, "clone"), stop_of(j), err);
  if (st != MOPO_OK) return st;
  player who = {agent_policy(j->clone.agent), true, j->clone.noise};
  trial_result r;
  if ((st = differences(j, j->D, &r, &who, err)) != MOPO_OK) return st;
  exam_take(&j->exam, j->D, j->R, MEMBERS, j->n);
  who.noise = NULL;
  st = differences(j, j->D, &r, &who, err);
  if (st == MOPO_OK) j->bc = j->log + mean_over(j, j->D);
  return st;
}

static mopo_status prepare_trials(judge *j, mopo_error *err)
{
  trial_setup set = {.d = j->set.d,
                     .s = j->s,
                     .m = j->m,
                     .ends = j->ends,
                     .task = j->set.task,
                     .stretch = j->stretch,
                     .n = j->n,
                     .pool = j->set.pool,
                     .key = rng_split(j->set.key, "trials")};
  return trials_create(&j->trials, &set, err);
}

static mopo_status prepare_fitted_q(judge *j, mopo_error *err)
{
  fitted_q_setup set = {.d = j->set.d,
                        .s = j->s,
                        .task = j->set.task,
                        .stretch = j->stretch,
                        .n = j->n,
                        .pool = j->set.pool,
                        .key = rng_split(j->set.key, "fitted-q"),
                        .updates = j->updates / CLONE_SHARE + 1};
  for (int i = 0; i < j->n; i++)
    if (j->stretch[i].length > set.length) set.length = j->stretch[i].length;
  return j->set.fitted_q ? fitted_q_create(&j->q, &set, stop_of(j), err) : MOPO_OK;
}

static mopo_status prepare(judge *j, mopo_error *err)
{
  mopo_status st = standard_create(&j->s, j->set.d, err);
  if (st != MOPO_OK) return st;
  st = stretches_choose(j->stretch, &j->n, j->set.d, j->s->d->ends,
                        rng_split(j->set.key, "stretches"), err);
  if (st != MOPO_OK) return st;
  for (int i = 0; i < j->n; i++) {
    j->R[i] = j->stretch[i].ret;
    j->log += j->R[i] / j->n;
  }
  j->D = malloc(sizeof(double) * MEMBERS * STRETCHES);
  j->gain = malloc(sizeof(double) * FITTED_Q_CRITICS * STRETCHES);
  if (!j->D || !j->gain) return error_set(err, MOPO_ENOMEM, "ope: no memory");
  if ((st = fit_ensemble(j, err)) != MOPO_OK) return st;
  if ((st = fit_ends(j, err)) != MOPO_OK) return st;
  if ((st = prepare_trials(j, err)) != MOPO_OK) return st;
  if ((st = examine(j, err)) != MOPO_OK) return st;
  return prepare_fitted_q(j, err);
}

mopo_status judge_create(judge **out, const judge_setup *set, mopo_error *err)
{
  *out = NULL;
  judge *j = calloc(1, sizeof *j);
  if (!j) return error_set(err, MOPO_ENOMEM, "ope: no memory");
  j->set = *set;
  j->updates = set->updates > 0 ? set->updates : UPDATES;
  mopo_status st = prepare(j, err);
  if (st != MOPO_OK) {
    judge_free(j);
    return st;
  }
  *out = j;
  return MOPO_OK;
}

void judge_free(judge *j)
{
  if (!j) return;
  fitted_q_free(j->q);
  trials_free(j->trials);
  clone_free(&j->clone);
  termination_free(j->ends);
  ensemble_free(j->m);
  standard_free(j->s);
  free(j->D);
  free(j->gain);
  free(j);
}

/* ------------------------------------------------------------------ asking it */

size_t judge_values(const judge *j) { return (size_t)MEMBERS * (size_t)j->n; }

static void add_reason(mopo_estimate *e, const char *text)
{
  if (e->n_reasons < MOPO_ESTIMATE_REASONS)
    snprintf(e->reasons[e->n_reasons++], sizeof e->reasons[0], "%s", text);
}

static mopo_status ask_fitted_q(mopo_estimate *out, judge *j, const player *who, mopo_error *err)
{
  static const int all[FITTED_Q_CRITICS] = {0, 1, 2};
  out->fqe = out->fqe_low = out->fqe_high = NAN;
  if (!j->q) return MOPO_OK;
  mopo_status st = fitted_q_run(j->gain, j->q, who, stop_of(j), err);
  if (st != MOPO_OK) return st;
  interval q;
  interval_of(&q, j->gain, all, FITTED_Q_CRITICS, j->n, rng_split(j->set.key, "fitted-q-draws"));
  out->fqe = j->log + q.mean, out->fqe_low = j->log + q.low, out->fqe_high = j->log + q.high;
  verdict_veto(out, &q);
  return MOPO_OK;
}

mopo_status judge_policy(mopo_estimate *out, double *values, judge *j, const actor *p,
                         mopo_error *err)
{
  player who = {.p = p};
  trial_result r;
  interval d;
  *out = (mopo_estimate){.size = sizeof *out, .rank = 1, .like_first = true};
  mopo_status st = differences(j, j->D, &r, &who, err);
  if (st != MOPO_OK) return st;
  if (values) memcpy(values, j->D, judge_values(j) * sizeof *values);
  interval_of(&d, j->D, j->exam.keep, j->exam.kept, j->n, rng_split(j->set.key, "draws"));
  verdict_give(out, &d, &j->exam, r.outside);
  out->log = j->log, out->bc = j->bc;
  out->policy = j->log + d.mean, out->low = j->log + d.low, out->high = j->log + d.high;
  out->outside = r.outside, out->length = r.length;
  out->members = MEMBERS, out->believed = j->exam.kept;
  if (r.broken) {
    char text[160];
    number_print(text, sizeof text, "numbers were no longer finite in %d of %d imagined episodes",
                 r.broken, MEMBERS * j->n);
    add_reason(out, text);
  }
  return ask_fitted_q(out, j, &who, err);
}

bool judge_alike(const judge *j, const double *a, const double *b)
{
  double D[MEMBERS * STRETCHES];
  interval d;
  for (int i = 0; i < MEMBERS * j->n; i++) D[i] = a[i] - b[i];
  interval_of(&d, D, j->exam.keep, j->exam.kept, j->n, rng_split(j->set.key, "pairs"));
  return d.low <= 0.0 && d.high >= 0.0;
}

void judge_rank(mopo_estimate *const *out, double *const *values, int n, const judge *j)
{
  int first = 0;
  for (int i = 0; i < n; i++) {
    out[i]->rank = 1;
    for (int k = 0; k < n; k++)
      if (out[k]->low > out[i]->low || (k < i && out[k]->low == out[i]->low)) out[i]->rank++;
    if (out[i]->rank == 1) first = i;
  }
  for (int i = 0; i < n; i++)
    out[i]->like_first = i == first || judge_alike(j, values[i], values[first]);
}
