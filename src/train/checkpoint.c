/* checkpoint.c - everything needed to go on with the same bits: the agent's state, the ring of
 * imagined rows, and where the run stands. Random numbers need nothing: they are functions of the
 * seed and of what they are for.
 *
 * A stop inside a rollout goes back to before it: the ring's places that the rollout wrote over
 * held the oldest rows, which the repeated rollout will write over again before anyone reads them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_file.h"
#include "agent/policy.h"
#include "io/safetensors.h"
#include "task/task.h"
#include "train/health.h"

static const char FORMAT[] = "mopo.checkpoint.1";

enum { STANDING = sizeof(standing) / sizeof(double) };

static mopo_status add(tensor_list *l, const char *name, tensor_type type, int64_t n,
                       const void *data, mopo_error *err)
{
  return tensor_list_add(l, name, type, 1, &n, data, err);
}

static mopo_status fill(tensor_list *l, const run *o, const agent_memory *s, const standing *at,
                        const int64_t *ring, mopo_error *err)
{
  mopo_status st = tensor_list_meta(l, "format", FORMAT, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "algo", o->c.algo, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "mopo_version", MOPO_VERSION, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "data", o->digest, err);
  if (st == MOPO_OK) st = agent_file_add(l, s, err);
  if (st == MOPO_OK) st = add(l, "standing", TENSOR_F64, STANDING, at, err);
  if (st == MOPO_OK && o->ring) {
    int64_t shape[2] = {ring[0], replay_layout(o->ring).width};
    st = add(l, "ring.place", TENSOR_I64, 2, ring, err);
    if (st == MOPO_OK)
      st = tensor_list_add(l, "ring.rows", TENSOR_F32, 2, shape, replay_data(o->ring), err);
  }
  return st;
}

mopo_status checkpoint_save(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  agent_memory s = agent_state(o->agent);
  standing at = o->at;
  at.wall = run_seconds(o);
  bool rolling_back = o->ring && at.rolled == 0 && at.update == 0;
  int64_t ring[2] = {0, 0};
  if (o->ring) {
    ring[0] = rolling_back ? o->ring_count : replay_count(o->ring);
    ring[1] = rolling_back ? o->ring_head : replay_head(o->ring);
  }
  mopo_status st = health_finite(o, err);
  if (st != MOPO_OK || !o->dir) return st;
  if ((st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_POLICY, err)) != MOPO_OK) return st;
  const actor *p = agent_policy(o->agent);
  if ((st = policy_save(p, path, o->c.algo, o->task->facts.name, o->labels, err)) != MOPO_OK)
    return st;
  if ((st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CHECKPOINT, err)) != MOPO_OK) return st;
  tensor_list *l = tensor_list_create();
  if (!l) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  st = fill(l, o, &s, &at, ring, err);
  if (st == MOPO_OK) st = tensor_list_write(l, path, err);
  tensor_list_free(l);
  return st;
}

/* ------------------------------------------------------------------ reading */

static mopo_status load_ring(run *o, const tensor_file *f, mopo_error *err)
{
  const void *place, *rows;
  mopo_status st = tensor_file_get(f, &place, "ring.place", TENSOR_I64, 1, (int64_t[]){2}, err);
  if (st != MOPO_OK) return st;
  int64_t count = ((const int64_t *)place)[0], head = ((const int64_t *)place)[1];
  int64_t width = replay_layout(o->ring).width;
  if (count < 0 || count > replay_capacity(o->ring))
    return error_set(err, MOPO_EFORMAT, "checkpoint: ring of %lld rows, want at most %lld",
                     (long long)count, (long long)replay_capacity(o->ring));
  st = tensor_file_get(f, &rows, "ring.rows", TENSOR_F32, 2, (int64_t[]){count, width}, err);
  if (st != MOPO_OK) return st;
  memcpy(replay_data(o->ring), rows, (size_t)count * (size_t)width * sizeof(float));
  o->ring_count = count, o->ring_head = head;
  return replay_restore(o->ring, count, head, err);
}

/* Is it a place where a run with these settings may stand? The ring is restored. */
static mopo_status check_standing(const run *o, const standing *at, const char *path,
                                  mopo_error *err)
{
  bool epoch = at->epoch >= 0 && at->epoch <= o->c.epochs && at->epoch == floor(at->epoch);
  bool update =
      at->update >= 0 && at->update <= o->c.updates_per_epoch && at->update == floor(at->update);
  if (!epoch || !update)
    return error_set(err, MOPO_EFORMAT, "%s: epoch %g, update %g, want at most %d and %d", path,
                     at->epoch, at->update, o->c.epochs, o->c.updates_per_epoch);
  bool rolled = at->rolled == 0 || (at->rolled == 1 && !(o->ring && replay_count(o->ring) == 0));
  if (!rolled || !(isfinite(at->wall) && at->wall >= 0))
    return error_set(err, MOPO_EFORMAT, "%s: rolled %g, wall %g: not where a run can stand", path,
                     at->rolled, at->wall);
  return MOPO_OK;
}

static mopo_status load(run *o, const tensor_file *f, const char *path, mopo_error *err)
{
  const char *format = tensor_file_meta(f, "format"), *algo = tensor_file_meta(f, "algo");
  if (!format || strcmp(format, FORMAT) != 0)
    return error_set(err, MOPO_EFORMAT, "%s: format '%.40s', want '%s'", path,
                     format ? format : "(none)", FORMAT);
  if (!algo || strcmp(algo, o->c.algo) != 0)
    return error_set(err, MOPO_EFORMAT, "%s: algo '%.40s', want '%s'", path, algo ? algo : "(none)",
                     o->c.algo);
  const char *data = tensor_file_meta(f, "data"); /* files of old do not say */
  if (data && strcmp(data, o->digest) != 0)
    return error_set(err, MOPO_EINVAL, "%s: was learned from %.60s; the data are now %s", path,
                     data, o->digest);
  agent_memory s = agent_state(o->agent);
  const float *values = NULL;
  const double *scalars = NULL;
  const void *at = NULL;
  mopo_status st = agent_file_find(&values, &scalars, f, path, &s, err);
  if (st == MOPO_OK)
    st = tensor_file_get(f, &at, "standing", TENSOR_F64, 1, (int64_t[]){STANDING}, err);
  if (st == MOPO_OK && o->ring) st = load_ring(o, f, err);
  if (st == MOPO_OK) st = check_standing(o, at, path, err);
  if (st != MOPO_OK) return st;
  memcpy(&o->at, at, sizeof o->at);
  agent_file_take(o->agent, values, scalars);
  return MOPO_OK;
}

mopo_status checkpoint_load(run *o, mopo_error *err)
{
  char path[RUN_PATH];
  tensor_file *f = NULL;
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CHECKPOINT, err);
  if (st == MOPO_OK) st = tensor_file_open(&f, path, err);
  if (st == MOPO_OK) st = load(o, f, path, err);
  tensor_file_free(f);
  return st;
}
