/* sim_mujoco.c - the built-in tasks' dynamics: rewards, resets and observations on top of MuJoCo.
 *
 * Semantics are those of OpenAI Gym's v2 tasks as D4RL uses them, which Gymnasium's v4 keeps:
 * - the bonus for being alive is paid on the step that ends the task too (v5 withholds it);
 * - walker2d's right foot has friction 0.9, its left 1.9 (v5: both 1.9);
 * - ant has no contact forces, neither in the observation nor in the reward (v5 has both).
 * Actions are clipped before anything else, as D4RL's wrapper does. */
#include "sim/sim_type.h"

#ifndef MOPO_HAVE_MUJOCO

mopo_status sim_world_create(sim_world **out, const mopo_task *task, sim_physics physics,
                             mopo_error *err)
{
  (void)task, (void)physics;
  *out = NULL;
  return error_set(err, MOPO_EABSENT,
                   "this build has no simulator: install MuJoCo (Debian: libmujoco-dev) and "
                   "configure with -DMOPO_SIMULATOR=ON");
}

const char *mopo_simulator_version(void) { return ""; }

#else

#include "base/number.h"
#include "sim/sim_mujoco.h"
#include "task/task.h"

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct mujoco_world {
  sim_world base;
  const task_simulation *how;
  mjModel *model;
} mujoco_world;

typedef struct mujoco {
  sim base;
  mjData *data;
  bool broken;   /* MuJoCo gave up since the last reset */
  double height; /* of the torso when the state was set, m */
} mujoco;

static const mujoco_world *world_of(const mujoco *s) { return (const mujoco_world *)s->base.world; }

/* ------------------------------------------------------------------ MuJoCo's errors */

/* MuJoCo reports through two hooks of the whole process, without a context, and an error hook must
 * not return. So: a place to jump to for each thread, set while MuJoCo runs on our behalf. */
static _Thread_local jmp_buf *rescue;

/* The counters in mjData tell what the text would. */
static void ignore_warning(const char *text) { (void)text; }

static void escape_error(const char *text)
{
  (void)text;
  if (!rescue) abort(); /* not our call; without a hook MuJoCo ends the process too */
  longjmp(*rescue, 1);
}

/* Without hooks MuJoCo prints and writes MUJOCO_LOG.TXT. Hooks of the host program are kept. */
static void install_hooks(void)
{
  if (!mju_user_warning) mju_user_warning = ignore_warning;
  if (!mju_user_error) mju_user_error = escape_error;
}

bool sim_guard(void (*f)(void *ctx), void *ctx)
{
  jmp_buf here;
  rescue = &here;
  bool ok = setjmp(here) == 0;
  if (ok) f(ctx);
  rescue = NULL;
  return ok;
}

/* Runs f; false if MuJoCo gave up in it. */
static bool guarded(void (*f)(const mjModel *, mjData *), const mjModel *m, mjData *d)
{
  jmp_buf here;
  rescue = &here;
  bool ok = setjmp(here) == 0;
  if (ok) f(m, d);
  rescue = NULL;
  return ok;
}

static mjData *make_data(const mjModel *m)
{
  jmp_buf here;
  rescue = &here;
  mjData *volatile d = NULL;
  if (setjmp(here) == 0) d = mj_makeData(m);
  rescue = NULL;
  return d;
}

/* ------------------------------------------------------------------ capsules of the D4RL era */

/* A capsule of radius r and half-length h is a cylinder with caps. Its volume is that of a cylinder
 * of length 2h + 4/3 r; MuJoCo before 2.1.1 took a cylinder of length 2h + r for volume and inertia
 * both. */
static double capsule_volume(double r, double h, double caps)
{
  return mjPI * r * r * (2 * h + caps * r);
}

static double geom_volume(const mjModel *m, int g, bool exact)
{
  double r = m->geom_size[3 * g], h = m->geom_size[3 * g + 1];
  if (m->geom_type[g] == mjGEOM_SPHERE) return 4.0 / 3.0 * mjPI * r * r * r;
  assert(m->geom_type[g] == mjGEOM_CAPSULE);
  return capsule_volume(r, h, exact ? 4.0 / 3.0 : 1);
}

/* Moments about the geom's own axes. */
static void geom_moments(double I[3], const mjModel *m, int g, double mass)
{
  double r = m->geom_size[3 * g], L = 2 * m->geom_size[3 * g + 1] + r;
  bool sphere = m->geom_type[g] == mjGEOM_SPHERE;
  I[0] = I[1] = sphere ? 0.4 * mass * r * r : mass * (3 * r * r + L * L) / 12;
  I[2] = sphere ? I[0] : mass * r * r / 2;
}

/* I [3,3] += R diag(D) R^T + mass (|p|^2 E - p p^T): moments D of axes R, displaced by p. */
static void add_moments(double I[9], const double D[3], const double R[9], double mass,
                        const double p[3])
{
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      double own = 0;
      for (int k = 0; k < 3; k++) own += R[3 * i + k] * D[k] * R[3 * j + k];
      I[3 * i + j] += own + mass * ((i == j ? mju_dot3(p, p) : 0) - p[i] * p[j]);
    }
}

/* Mass, centre and principal moments of body b from its geoms, by the old rule. */
static void old_inertia(mjModel *m, int b)
{
  int first = m->body_geomadr[b], n = m->body_geomnum[b];
  double exact = 0, mass = 0, centre[3] = {0}, I[9] = {0}, axes[9];
  for (int g = first; g < first + n; g++) exact += geom_volume(m, g, true);
  double density = m->body_mass[b] / exact;

  for (int g = first; g < first + n; g++) {
    double part = density * geom_volume(m, g, false);
    mass += part;
    mju_addToScl3(centre, m->geom_pos + 3 * g, part);
  }
  mju_scl3(centre, centre, 1 / mass);
  for (int g = first; g < first + n; g++) {
    double part = density * geom_volume(m, g, false), moments[3], R[9], p[3];
    geom_moments(moments, m, g, part);
    mju_quat2Mat(R, m->geom_quat + 4 * g);
    mju_sub3(p, m->geom_pos + 3 * g, centre);
    add_moments(I, moments, R, part, p);
    m->geom_sameframe[g] = 0; /* the frame of inertia may turn: no shortcuts through it */
  }
  m->body_mass[b] = mass;
  mju_copy3(m->body_ipos + 3 * b, centre);
  mju_eig3(m->body_inertia + 3 * b, axes, m->body_iquat + 4 * b, I);
  m->body_sameframe[b] = 0;
}

static bool make_old(mjModel *m, double total_mass)
{
  mjData *d = make_data(m);
  if (!d) return false;
  for (int b = 1; b < m->nbody; b++) old_inertia(m, b);
  if (total_mass > 0) mj_setTotalmass(m, total_mass);
  mj_setConst(m, d);
  mj_deleteData(d);
  return true;
}

/* ------------------------------------------------------------------ the world */

static const char body_file[] = "body.xml";

/* The files of MuJoCo's loader, all in memory: one file `body`. NULL: no memory. */
static mjVFS *files_of(const char *body)
{
  mjVFS *files = malloc(sizeof *files); /* 2 MB where mjMAXVFS limits it (MuJoCo 2) */
  if (!files) return NULL;
  int size = (int)strlen(body);
  mj_defaultVFS(files);
#ifdef mjMAXVFS
  bool ok = mj_makeEmptyFileVFS(files, body_file, size) == 0;
  if (ok) memcpy(files->filedata[mj_findFileVFS(files, body_file)], body, (size_t)size);
#else
  bool ok = mj_addBufferVFS(files, body_file, body, size) == 0;
#endif
  if (ok) return files;
  mj_deleteVFS(files);
  free(files);
  return NULL;
}

static mopo_status load(mjModel **out, const mopo_task *task, mopo_error *err)
{
  char why[300] = "";
  const char *name = task->facts.name;
  mjVFS *files = files_of(task->body.simulator->mjcf);
  if (!files) return error_set(err, MOPO_ENOMEM, "%s: no memory for its body", name);
  number_locale l = number_begin();
  *out = mj_loadXML(body_file, files, why, sizeof why);
  number_end(l);
  mj_deleteVFS(files);
  free(files);
  if (*out) return MOPO_OK;
  why[strcspn(why, "\n")] = '\0';
  if (strcasestr(why, "memory")) /* the bodies are ours: that is what can go wrong */
    return error_set(err, MOPO_ENOMEM, "%s: no memory for its body", name);
  return error_set(err, MOPO_EFORMAT, "%s: MuJoCo %s refused its body: %s", name,
                   mj_versionString(), why);
}

static void world_free(sim_world *any)
{
  mujoco_world *w = (mujoco_world *)any;
  mj_deleteModel(w->model);
  free(w);
}

const char *mopo_simulator_version(void) { return mj_versionString(); }
const mjModel *sim_world_model(const sim_world *w) { return ((const mujoco_world *)w)->model; }

/* ------------------------------------------------------------------ one episode */

static mopo_status create(sim **out, const sim_world *any, mopo_error *err)
{
  const mujoco_world *w = (const mujoco_world *)any;
  *out = NULL;
  mujoco *s = calloc(1, sizeof *s);
  if (s) s->data = make_data(w->model);
  if (!s || !s->data) {
    free(s);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for its simulation", any->task->facts.name);
  }
  s->base.world = any;
  *out = &s->base;
  return MOPO_OK;
}

static void destroy(sim *any)
{
  mj_deleteData(((mujoco *)any)->data);
  free(any);
}

mjData *sim_data(sim *s) { return ((mujoco *)s)->data; }

static void place(double xy[2], const mjData *d, enum task_place at)
{
  xy[0] = at == TASK_AT_TORSO ? d->xpos[3] : d->qpos[0];
  xy[1] = at == TASK_AT_TORSO ? d->xpos[4] : at == TASK_AT_JOINT ? d->qpos[1] : 0;
}

/* The observation in float64, velocities not clipped: qpos from `hidden` on, then qvel; between
 * them the torso's height in the world where the task sees it. */
static void full_state(double *state, const mujoco_world *w, const mjData *d)
{
  const mjModel *m = w->model;
  int n = (int)m->nq - w->how->hidden;
  memcpy(state, d->qpos + w->how->hidden, (size_t)n * sizeof *state);
  if (w->base.task->body.sees_height) state[n++] = m->body_pos[3 * 1 + 2] + d->qpos[1];
  memcpy(state + n, d->qvel, (size_t)m->nv * sizeof *state);
}

/* state [S] as of now in float64, and obs [S] (may be NULL) what the agent sees of it. */
static void observe(double *state, float *obs, const mujoco *s)
{
  const mujoco_world *w = world_of(s);
  int S = w->base.task->facts.obs_dim, velocities = S - w->base.nv;
  double top = w->how->max_velocity;
  full_state(state, w, s->data);
  for (int i = 0; obs && i < S; i++)
    obs[i] = (float)(i < velocities ? state[i] : mju_clip(state[i], -top, top));
}

static double height_now(const mujoco *s)
{
  double xyz[3];
  task_torso(xyz, s->base.world->task, s->data->qpos);
  return xyz[2];
}

static void get_state(const sim *any, double *qpos, double *qvel)
{
  const mujoco *s = (const mujoco *)any;
  mju_copy(qpos, s->data->qpos, any->world->nq);
  if (qvel) mju_copy(qvel, s->data->qvel, any->world->nv);
}

static void set_state(sim *any, float *obs, const double *qpos, const double *qvel)
{
  mujoco *s = (mujoco *)any;
  const mjModel *m = world_of(s)->model;
  double state[TASK_MAX_OBS];
  mj_resetData(m, s->data); /* clears the solver's warm start and the counters of warnings */
  mju_copy(s->data->qpos, qpos, any->world->nq);
  mju_copy(s->data->qvel, qvel, any->world->nv);
  s->broken = !guarded(mj_forward, m, s->data);
  s->height = height_now(s);
  observe(state, obs, s);
}

/* Draws the positions first, then the velocities. */
static void reset(sim *any, float *obs, rng_stream *noise)
{
  const mujoco_world *w = (const mujoco_world *)any->world;
  const task_simulation *how = w->how;
  const mjModel *m = w->model;
  double qpos[TASK_MAX_OBS], qvel[TASK_MAX_OBS];
  for (int i = 0; i < m->nq; i++)
    qpos[i] = m->qpos0[i] + how->pos_noise * (2 * rng_uniform_double(noise) - 1);
  for (int i = 0; i < m->nv; i++)
    qvel[i] = how->vel_noise * (how->vel_kind == TASK_NORMAL ? (double)rng_normal(noise)
                                                             : 2 * rng_uniform_double(noise) - 1);
  set_state(any, obs, qpos, qvel);
}

static bool warned(const mjData *d)
{
  for (int i = 0; i < mjNWARNING; i++)
    if (d->warning[i].number > 0) return true;
  return false;
}

static bool step(sim *any, float *obs, double *rew, bool *done, const float *act)
{
  mujoco *s = (mujoco *)any;
  const mujoco_world *w = world_of(s);
  mjData *d = s->data;
  double before[2], after[2], state[TASK_MAX_OBS];
  motion moved = {0};

  place(before, d, w->how->place);
  for (int i = 0; i < w->base.task->facts.act_dim; i++) {
    d->ctrl[i] = act[i] < -1 ? -1 : act[i] > 1 ? 1 : act[i]; /* a NaN stays one, and is noticed */
    moved.effort += d->ctrl[i] * d->ctrl[i];
  }
  for (int i = 0; i < w->how->frame_skip && !s->broken; i++)
    s->broken = !guarded(mj_step, w->model, d) || warned(d);
  if (s->broken) return false;

  place(after, d, w->how->place);
  moved.vx = (after[0] - before[0]) / w->base.task->facts.dt;
  moved.vy = (after[1] - before[1]) / w->base.task->facts.dt;
  moved.rise = height_now(s) - s->height;
  observe(state, obs, s);
  *rew = task_reward(w->base.task, &moved);
  *done = task_ends(w->base.task, state);
  return true;
}

static void answer(sim *any, float *next, const float *obs, const float *act)
{
  mujoco *s = (mujoco *)any;
  const mujoco_world *w = world_of(s);
  const mjModel *m = w->model;
  int velocities = w->base.task->facts.obs_dim - w->base.nv, hidden = w->how->hidden;
  double qpos[TASK_MAX_OBS] = {0}, qvel[TASK_MAX_OBS] = {0}, rew;
  bool done;
  for (int i = hidden; i < m->nq; i++) qpos[i] = (double)obs[i - hidden];
  for (int i = 0; i < m->nv; i++) qvel[i] = (double)obs[velocities + i];
  set_state(any, NULL, qpos, qvel);
  if (step(any, next, &rew, &done, act)) return;
  mju_zero(qvel, (int)m->nv);
  set_state(any, next, m->qpos0, qvel);
}

/* ------------------------------------------------------------------ the world, made */

static const sim_type MUJOCO = {.parallel = true,
                                .world_free = world_free,
                                .create = create,
                                .free = destroy,
                                .reset = reset,
                                .step = step,
                                .get_state = get_state,
                                .set_state = set_state,
                                .answer = answer};

mopo_status sim_world_create(sim_world **out, const mopo_task *task, sim_physics physics,
                             mopo_error *err)
{
  *out = NULL;
  const task_simulation *how = task->body.simulator;
  if (!how) return error_set(err, MOPO_EINVAL, "%s: no simulated body", task->facts.name);
  mujoco_world *w = calloc(1, sizeof *w);
  if (!w) return error_set(err, MOPO_ENOMEM, "%s: no memory for its world", task->facts.name);
  w->base.type = &MUJOCO, w->base.task = task, w->how = how;

  install_hooks();
  mopo_status status = load(&w->model, task, err);
  if (status == MOPO_OK && physics == SIM_D4RL && !make_old(w->model, how->total_mass))
    status = error_set(err, MOPO_ENOMEM, "%s: no memory for its inertia", task->facts.name);
  if (status != MOPO_OK) {
    world_free(&w->base);
    return status;
  }
  assert(w->model->nu == task->facts.act_dim && task->facts.obs_dim <= TASK_MAX_OBS);
  assert(fabs(w->model->opt.timestep * how->frame_skip - task->facts.dt) < 1e-12);
  w->base.nq = (int)w->model->nq, w->base.nv = (int)w->model->nv;
  *out = &w->base;
  return MOPO_OK;
}

#endif
