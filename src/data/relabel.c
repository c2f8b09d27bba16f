/* relabel.c - the rewards that a task would have paid for recorded transitions.
 *
 * What a reward is made of is in the recording: the torso's displacement and height in the
 * positions before and after the step, the effort in the action. Positions are float64 in files of
 * mopo collect, whose rewards then agree with the simulator's to the rounding of float32; in D4RL's
 * they are float32, which blurs a velocity by 2 ulp(x) / dt. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/rules.h"
#include "task/task.h"

static mopo_status misfit(const mopo_dataset *d, const char *what, int is, int want,
                          const mopo_task *task, mopo_error *err)
{
  return error_set(err, MOPO_EDATA, "%s: %s of %d numbers, task %s wants %d", d->name, what, is,
                   task->facts.name, want);
}

/* obs [S] of the task from the recorded one, [from]. D4RL's ant has 84 contact forces behind it,
 * all zero; its halfcheetah lacks the height that the jump's has between positions and velocities.
 */
static void observe(float *obs, const mopo_task *task, const float *recorded, int from,
                    const double *qpos)
{
  int S = task->facts.obs_dim, positions = from - task_positions(task);
  if (S <= from) {
    memcpy(obs, recorded, (size_t)S * sizeof *obs);
    return;
  }
  double torso[3];
  task_torso(torso, task, qpos);
  memcpy(obs, recorded, (size_t)positions * sizeof *obs);
  obs[positions] = (float)torso[2];
  memcpy(obs + positions + 1, recorded + positions, (size_t)(from - positions) * sizeof *obs);
}

static mopo_status check_sizes(const mopo_dataset *d, const mopo_task *task, mopo_error *err)
{
  int S = task->facts.obs_dim, from = d->at.S;
  bool jump = task->body.sees_height, known = from == S;
  known = known || (jump && from == S - 1) || (!jump && S == 27 && from == 111);
  if (!known) return misfit(d, "observations", from, S, task, err);
  if (d->at.A != task->facts.act_dim)
    return misfit(d, "actions", d->at.A, task->facts.act_dim, task, err);
  if (d->nq != task_positions(task))
    return misfit(d, "infos/qpos", d->nq, task_positions(task), task, err);
  return MOPO_OK;
}

/* Row i of `from`, whose episode began with the torso at `height`, as row i of `to`. */
static void relabel_row(mopo_dataset *to, const mopo_dataset *from, int64_t i, double height,
                        const mopo_task *task)
{
  const row_layout *old = &from->at, *at = &to->at;
  const float *x = dataset_row(from, i);
  float *y = to->rows + (size_t)i * (size_t)at->width;
  const double *qpos = from->qpos + i * from->nq, *after = from->after + i * from->nq;
  double place[3], then[3];
  motion m = {0};
  task_torso(place, task, qpos);
  task_torso(then, task, after);
  m.vx = (then[0] - place[0]) / task->facts.dt;
  m.vy = (then[1] - place[1]) / task->facts.dt;
  m.rise = then[2] - height;
  for (int j = 0; j < old->A; j++) m.effort += (double)x[old->act + j] * (double)x[old->act + j];

  observe(y, task, x, old->S, qpos);
  memcpy(y + at->act, x + old->act, (size_t)at->A * sizeof *y);
  y[at->rew] = (float)task_reward(task, &m);
  observe(y + at->next, task, x + old->next, old->S, after);
  bool done = task_done(task, y, y + at->act, y + at->next);
  y[at->done] = done ? 1.0f : 0.0f;
  /* What ended the recording still does. */
  to->timeouts[i] = !done && (from->timeouts[i] || x[old->done] != 0.0f);
}

/* By the rules of a task file: from any log that has its columns. */
static mopo_status relabel_by_rules(mopo_dataset **out, const char *path, const mopo_task *task,
                                    mopo_error *err)
{
  mopo_dataset *d = NULL;
  mopo_import how = {.size = sizeof how, .as_recorded = true};
  mopo_status st = mopo_dataset_import(&d, path, &how, task, err);
  if (st == MOPO_OK) st = dataset_apply_rules(d, task, true, true, err);
  if (st != MOPO_OK) {
    mopo_dataset_free(d);
    return st;
  }
  snprintf(d->task, sizeof d->task, "%s", task->facts.name);
  *out = d;
  return MOPO_OK;
}

mopo_status mopo_dataset_relabel(mopo_dataset **out, const char *path, const mopo_task *task,
                                 mopo_error *err)
{
  mopo_dataset *from = NULL, *to = NULL;
  *out = NULL;
  if (task->rules && (task_knows_ends(task) || task_knows_reward(task)))
    return relabel_by_rules(out, path, task, err);
  if (!task_positions(task))
    return error_set(err, MOPO_EINVAL, "task %s has no rewards to relabel by", task->facts.name);
  mopo_status st = dataset_load_positions(&from, path, err);
  if (st == MOPO_OK) st = check_sizes(from, task, err);
  if (st == MOPO_OK)
    st = dataset_create(&to, from->N, task->facts.obs_dim, task->facts.act_dim, from->name, err);
  if (st == MOPO_OK && from->ranges)
    st = dataset_put_ranges(to, 0, to->at.A, from->ranges, from->name, err);
  double height = 0;
  for (int64_t i = 0; st == MOPO_OK && i < from->N; i++) {
    double torso[3];
    task_torso(torso, task, from->qpos + i * from->nq);
    if (i == 0 || from->ends[i - 1]) height = torso[2];
    relabel_row(to, from, i, height, task);
  }
  if (st == MOPO_OK) {
    dataset_mark_ends(to);
    memcpy(to->kind, from->kind, sizeof to->kind);
    memcpy(to->name, from->name, sizeof to->name);
    snprintf(to->task, sizeof to->task, "%s", task->facts.name);
    *out = to;
  }
  mopo_dataset_free(from);
  if (st != MOPO_OK) mopo_dataset_free(to);
  return st;
}

/* The rewards of one step. */
static void agree_reward(mopo_agreement *out, const float *recorded, const float *relabelled)
{
  /* Above D4RL's float32 positions and the lag of ant's torso (0.09 in 3000 random steps). */
  static const double same = 0.2;
  double differ = fabs((double)*recorded - (double)*relabelled);
  out->reward_rows++;
  out->rewards += differ > same;
  out->reward_most = fmax(out->reward_most, differ);
}

mopo_status mopo_dataset_agree(mopo_agreement *out, const mopo_dataset *recorded,
                               const mopo_dataset *relabelled, const mopo_task *task,
                               mopo_error *err)
{
  const row_layout *at = &recorded->at;
  const int S = task->rules ? task->rules->S : task->facts.obs_dim;
  const bool fits = at->S == S && at->A == task->facts.act_dim;
  /* Without infos/next_qpos every episode's last row was left out. Without next observations those
   * that were cut off lack it here too, and the others' are blind. */
  const bool whole = relabelled && relabelled->N == recorded->N;
  const unsigned char *left_out = recorded->n_blind ? recorded->blind : recorded->ends;
  int64_t row = 0; /* of relabelled */
  *out = (mopo_agreement){0};
  for (int64_t i = 0; i < recorded->N; i++) {
    const float *x = dataset_row(recorded, i);
    if (!relabelled || row == relabelled->N || (!whole && left_out[i])) continue;
    agree_reward(out, x + at->rew, dataset_row(relabelled, row++) + relabelled->at.rew);
  }
  return fits ? dataset_compare_ends(out, recorded, task, err) : MOPO_OK;
}
