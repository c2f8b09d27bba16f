/* collect_keep.c - the log and the checkpoint of a collection (collect.h): FILE.rows, each row as
 * it is in memory, and FILE.checkpoint, a safetensors file. Random numbers need nothing: they are
 * functions of the seed and of what they are for. A checkpoint is made at the start of an episode,
 * for the simulator forgets all at a reset. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent_file.h"
#include "io/file.h"
#include "play/collect.h"
#include "sim/sim.h"
#include "task/task.h"

static const char FORMAT[] = "mopo.collect.1";

enum { STANDING = sizeof(collect_standing) / sizeof(double), PIECES = 8 };

/* ------------------------------------------------------------------ rows */

typedef struct piece {
  void *x;
  size_t n;
} piece;

/* The parts of a row that the task has, in the order of the log. */
static void pieces_of(piece p[PIECES], const collector *k, collect_row *r)
{
  size_t S = (size_t)k->task->facts.obs_dim * sizeof(float);
  size_t A = (size_t)k->task->facts.act_dim * sizeof(float);
  size_t nq = (size_t)sim_nq(k->world) * sizeof(double);
  size_t nv = (size_t)sim_nv(k->world) * sizeof(double);
  const piece all[PIECES] = {{r->obs, S},   {r->act, A},   {r->next, S},   {&r->rew, sizeof r->rew},
                             {r->qpos, nq}, {r->qvel, nv}, {r->after, nq}, {&r->flags, 4}};
  memcpy(p, all, sizeof all);
}

size_t collect_row_bytes(const collector *k)
{
  piece p[PIECES];
  collect_row r;
  size_t n = 0;
  pieces_of(p, k, &r);
  for (int i = 0; i < PIECES; i++) n += p[i].n;
  return n;
}

mopo_status collect_add(collector *k, const collect_row *r, mopo_error *err)
{
  piece p[PIECES];
  collect_row copy = *r;
  char *to = k->packed;
  pieces_of(p, k, &copy);
  for (int i = 0; i < PIECES; to += p[i].n, i++) memcpy(to, p[i].x, p[i].n);
  return rowlog_add(k->log, k->packed, err);
}

mopo_status collect_get(collector *k, collect_row *r, int64_t i, mopo_error *err)
{
  piece p[PIECES];
  const void *row;
  mopo_status st = rowlog_read(k->log, &row, i, err);
  if (st != MOPO_OK) return st;
  const char *from = row;
  pieces_of(p, k, r);
  for (int j = 0; j < PIECES; from += p[j].n, j++) memcpy(p[j].x, from, p[j].n);
  return MOPO_OK;
}

/* ------------------------------------------------------------------ names and settings */

static mopo_status beside(char *path, const collector *k, const char *ending, mopo_error *err)
{
  int n = snprintf(path, COLLECT_PATH, "%s%s", k->c.out, ending);
  return n > 0 && n < COLLECT_PATH
             ? MOPO_OK
             : error_set(err, MOPO_EINVAL, "%.64s...: path too long", k->c.out);
}

/* Does the setting decide what the rows are? */
static bool decides(const mopo_setting *s)
{
  return mopo_setting_read_by(s, "collect") && s->decides == MOPO_DECIDES_RESULT;
}

static mopo_status add_settings(tensor_list *l, const collector *k, mopo_error *err)
{
  mopo_status st = tensor_list_meta(l, "format", FORMAT, err);
  if (st == MOPO_OK) st = tensor_list_meta(l, "simulator", mopo_simulator_version(), err);
  for (int i = 0; st == MOPO_OK && mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char value[1100];
    if (!decides(s)) continue;
    mopo_config_get(&k->c, s->name, value, sizeof value);
    st = tensor_list_meta(l, s->name, value, err);
  }
  return st;
}

static mopo_status other(const char *path, const char *name, const char *was, const char *now,
                         mopo_error *err)
{
  return error_set(err, MOPO_EINVAL, "%.200s: was begun with %s = %.100s; now %.100s", path, name,
                   was ? was : "(none)", now);
}

static mopo_status check_settings(const tensor_file *f, const char *path, const collector *k,
                                  mopo_error *err)
{
  const char *was = tensor_file_meta(f, "format");
  if (!was || strcmp(was, FORMAT) != 0)
    return error_set(err, MOPO_EFORMAT, "%s: format '%.40s', want %s", path, was ? was : "",
                     FORMAT);
  was = tensor_file_meta(f, "simulator");
  if (!was || strcmp(was, mopo_simulator_version()) != 0)
    return other(path, "MuJoCo", was, mopo_simulator_version(), err);
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    char now[1100];
    if (!decides(s)) continue;
    mopo_config_get(&k->c, s->name, now, sizeof now);
    was = tensor_file_meta(f, s->name);
    if (!was || strcmp(was, now) != 0) return other(path, s->name, was, now, err);
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ the checkpoint */

static mopo_status fill(tensor_list *l, const collector *k, const collect_standing *at,
                        mopo_error *err)
{
  agent_memory s = agent_state(k->agent);
  int64_t n = STANDING;
  mopo_status st = add_settings(l, k, err);
  if (st == MOPO_OK) st = agent_file_add(l, &s, err);
  return st == MOPO_OK ? tensor_list_add(l, "standing", TENSOR_F64, 1, &n, at, err) : st;
}

mopo_status collect_keep(collector *k, mopo_error *err)
{
  char path[COLLECT_PATH];
  collect_standing at = k->at;
  at.episodes -= 1; /* the one that begins is begun again */
  at.wall = collect_seconds(k);
  at.rows = (double)rowlog_rows(k->log);
  mopo_status st = rowlog_sync(k->log, err);
  if (st == MOPO_OK) st = beside(path, k, ".checkpoint", err);
  if (st != MOPO_OK) return st;
  tensor_list *l = tensor_list_create();
  if (!l) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  st = fill(l, k, &at, err);
  if (st == MOPO_OK) st = tensor_list_write(l, path, err);
  tensor_list_free(l);
  if (st == MOPO_OK) k->kept = k->at.learned + k->at.acted;
  return st;
}

/* A whole number of 0 .. most. */
static bool counts(double x, double most) { return x >= 0 && x <= most && x == floor(x); }

static bool can_stand(const collector *k, const collect_standing *at)
{
  double most = 1e15;
  return counts(at->phase, k->n_phases - 1) && counts(at->learned, most) &&
         counts(at->acted, most) && counts(at->rows, most) && counts(at->recorded, at->rows) &&
         counts(at->episodes, most) && isfinite(at->wall) && at->wall >= 0;
}

static mopo_status load(collector *k, const tensor_file *f, const char *path, mopo_error *err)
{
  agent_memory s = agent_state(k->agent);
  const float *values = NULL;
  const double *scalars = NULL;
  const void *at = NULL;
  const int64_t n = STANDING;
  mopo_status st = check_settings(f, path, k, err);
  if (st == MOPO_OK) st = agent_file_find(&values, &scalars, f, path, &s, err);
  if (st == MOPO_OK) st = tensor_file_get(f, &at, "standing", TENSOR_F64, 1, &n, err);
  if (st != MOPO_OK) return st;
  memcpy(&k->at, at, sizeof k->at);
  if (!can_stand(k, &k->at))
    return error_set(err, MOPO_EFORMAT, "%s: not where a collection can stand", path);
  agent_file_take(k->agent, values, scalars);
  return MOPO_OK;
}

static mopo_status load_checkpoint(collector *k, const char *path, mopo_error *err)
{
  tensor_file *f = NULL;
  mopo_status st = tensor_file_open(&f, path, err);
  if (st == MOPO_OK) st = load(k, f, path, err);
  tensor_file_free(f);
  return st;
}

/* Could it have been recorded? */
static bool is_whole(const collector *k, const collect_row *r)
{
  bool whole = r->flags <= ROW_ALL && isfinite(r->rew) && (k->replay || !(r->flags & ROW_LEARNED));
  for (int j = 0; j < k->task->facts.obs_dim; j++)
    whole = whole && isfinite(r->obs[j]) && isfinite(r->next[j]);
  for (int j = 0; j < k->task->facts.act_dim; j++) whole = whole && isfinite(r->act[j]);
  return whole;
}

/* Everything that SAC has seen, from the log. */
static mopo_status remember_all(collector *k, const char *path, mopo_error *err)
{
  for (int64_t i = 0; i < rowlog_rows(k->log); i++) {
    collect_row r;
    mopo_status st = collect_get(k, &r, i, err);
    if (st != MOPO_OK) return st;
    if (!is_whole(k, &r))
      return error_set(err, MOPO_EFORMAT, "%s: row %lld is damaged", path, (long long)i);
    if (r.flags & ROW_LEARNED) collect_remember(k, &r);
  }
  return MOPO_OK;
}

mopo_status collect_open(collector *k, bool resume, mopo_error *err)
{
  char state[COLLECT_PATH], rows[COLLECT_PATH];
  mopo_status st = beside(state, k, ".checkpoint", err);
  if (st == MOPO_OK) st = beside(rows, k, ".rows", err);
  if (st != MOPO_OK) return st;
  bool begun = file_exists(state);
  if (begun && !resume)
    return error_set(err, MOPO_EINVAL, "%s: these data were begun: resume them, or remove it",
                     state);
  if (!begun && resume && file_exists(k->c.out))
    return error_set(err, MOPO_EINVAL, "%s: is there, and nothing to go on with", k->c.out);
  if (begun && (st = load_checkpoint(k, state, err)) != MOPO_OK) return st;
  st = rowlog_open(&k->log, rows, collect_row_bytes(k), (int64_t)k->at.rows, err);
  return st == MOPO_OK ? remember_all(k, rows, err) : st;
}

void collect_forget(collector *k)
{
  char path[COLLECT_PATH];
  static const char *const endings[] = {".checkpoint", ".rows"};
  for (int i = 0; i < 2; i++)
    if (beside(path, k, endings[i], NULL) == MOPO_OK) unlink(path);
}
