/* builtin.c - the built-in tasks: sizes, horizon, score range, rewards, ends, what was published
 * for them, how their bodies move. Needs no simulator. One row is one task; nothing else lists
 * them.
 *
 * Ends are those of OpenAI Gym's v2 tasks (D4RL) and Gymnasium's v4, which agree. Score ranges are
 * D4RL's (Fu et al. 2020, arXiv:2004.07219). halfcheetah-jump and ant-angle are Yu et al. 2020's:
 * to be learned from data of another behaviour on the same body. They are reported as returns, so
 * they have no score. */
#include "task/task.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------ ends */

/* Is every number of x [n] smaller than limit in magnitude? (NaN is not.) */
static bool within(const double *x, int n, double limit)
{
  for (int i = 0; i < n; i++)
    if (!(fabs(x[i]) < limit)) return false;
  return true;
}

/* Height, angle, 3 joints, 6 velocities. The bound of 100 holds on both sides: published rollout
 * code has abs(s < 100), a misplaced parenthesis, which knows no lower bound. */
static bool hopper_ends(const double *s)
{
  bool healthy = isfinite(s[0]) && within(s + 1, 10, 100) && s[0] > 0.7 && fabs(s[1]) < 0.2;
  return !healthy;
}

static bool halfcheetah_ends(const double *s)
{
  (void)s;
  return false;
}

/* Height, angle, 6 joints, 9 velocities. */
static bool walker2d_ends(const double *s)
{
  bool healthy = within(s, 17, INFINITY) && s[0] > 0.8 && s[0] < 2.0 && fabs(s[1]) < 1.0;
  return !healthy;
}

/* Height, quaternion, 8 joints, 14 velocities. Contact forces are left out, as in v4; D4RL's v2 set
 * has them as zeros. */
static bool ant_ends(const double *s)
{
  bool healthy = within(s, 27, INFINITY) && s[0] >= 0.2 && s[0] <= 1.0;
  return !healthy;
}

static bool ends_float(bool (*ends)(const double *), const float *next, int S)
{
  double state[TASK_MAX_OBS];
  for (int i = 0; i < S; i++) state[i] = next[i];
  return ends(state);
}

/* The same as the callback that everybody can call, next [n,S]. */
static void ends_batch(bool (*ends)(const double *), unsigned char *done, const float *next, int S,
                       int n)
{
  for (int i = 0; i < n; i++) done[i] = ends_float(ends, next + (size_t)i * (size_t)S, S);
}

static void hopper_done(void *ctx, unsigned char *done, const float *obs, const float *act,
                        const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  ends_batch(hopper_ends, done, next, 11, n);
}

static void halfcheetah_done(void *ctx, unsigned char *done, const float *obs, const float *act,
                             const float *next, int n)
{
  (void)ctx, (void)obs, (void)act, (void)next;
  memset(done, 0, (size_t)n);
}

static void walker2d_done(void *ctx, unsigned char *done, const float *obs, const float *act,
                          const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  ends_batch(walker2d_ends, done, next, 17, n);
}

static void ant_done(void *ctx, unsigned char *done, const float *obs, const float *act,
                     const float *next, int n)
{
  (void)ctx, (void)obs, (void)act;
  ends_batch(ant_ends, done, next, 27, n);
}

/* ------------------------------------------------------------------ rewards */

static double runner_reward(const motion *m, double ctrl_cost, double alive)
{
  return m->vx - ctrl_cost * m->effort + alive;
}

static double hopper_reward(const motion *m) { return runner_reward(m, 1e-3, 1); }
static double halfcheetah_reward(const motion *m) { return runner_reward(m, 0.1, 0); }
static double walker2d_reward(const motion *m) { return runner_reward(m, 1e-3, 1); }
static double ant_reward(const motion *m) { return runner_reward(m, 0.5, 1); }

/* Speed counts up to 3 m/s, so that there is more to be had from height. (The paper prints
 * max(v_x, 3).) */
static double trot_reward(const motion *m) { return fmin(m->vx, 3) - 0.1 * m->effort; }
static double jump_reward(const motion *m) { return trot_reward(m) + 15 * m->rise; }

/* Speed in a direction 30 degrees to the left of x. */
static double angle_reward(const motion *m)
{
  const double cos30 = 0.86602540378443865, sin30 = 0.5;
  return m->vx * cos30 + m->vy * sin30 - 0.5 * m->effort + 1;
}

/* ------------------------------------------------------------------ bodies */

extern const char body_hopper[], body_halfcheetah[], body_walker2d[], body_ant[];

/* clang-format off */
static const task_simulation
  hopper   = {body_hopper,      4,  0, 0.005, TASK_UNIFORM, 0.005, 10,       1, TASK_AT_ROOT},
  cheetah  = {body_halfcheetah, 5, 14, 0.1,   TASK_NORMAL,  0.1,   INFINITY, 1, TASK_AT_ROOT},
  walker2d = {body_walker2d,    4,  0, 0.005, TASK_UNIFORM, 0.005, 10,       1, TASK_AT_ROOT},
  ant      = {body_ant,         5,  0, 0.1,   TASK_NORMAL,  0.1,   INFINITY, 2, TASK_AT_TORSO},
  angle    = {body_ant,         5,  0, 0.1,   TASK_NORMAL,  0.1,   INFINITY, 2, TASK_AT_JOINT};
/* clang-format on */

/* ------------------------------------------------------------------ the rows */

/* name, S, A, horizon, dt, score min, score max, done */
#define FACTS(n, s, a, h, t, low, high, rule) \
  .facts = {.size = sizeof(mopo_task_facts),  \
            .name = n,                        \
            .obs_dim = s,                     \
            .act_dim = a,                     \
            .horizon = h,                     \
            .dt = t,                          \
            .score_min = low,                 \
            .score_max = high,                \
            .done = rule}

static const mopo_task none = {FACTS("none", 0, 0, 1000, 0, NAN, NAN, NULL)};

/* clang-format off */
const mopo_task task_hopper = {
  FACTS("hopper", 11, 3, 1000, 0.008, -20.272305, 3234.3, hopper_done),
  .body = {&hopper, hopper_ends, hopper_reward, TASK_PLANAR, .reach = {
    {"random",        {5, 1}, {5, 1}},
    {"medium",        {5, 5}, {5, 5}},
    {"medium-replay", {5, 1}, {5, 2.5}},
    {"medium-expert", {5, 1}, {5, 5}}}}};

const mopo_task task_halfcheetah = {
  FACTS("halfcheetah", 17, 6, 1000, 0.05, -280.178953, 12135.0, halfcheetah_done),
  .body = {&cheetah, halfcheetah_ends, halfcheetah_reward, TASK_PLANAR, .torso = 0.7, .reach = {
    {"random",        {5, 0.5}, {5, 0.5}},
    {"medium",        {1, 1},   {5, 0.5}},
    {"medium-replay", {5, 1},   {5, 0.5}},
    {"medium-expert", {5, 5},   {5, 2.5}}}}};

const mopo_task task_walker2d = {
  FACTS("walker2d", 17, 6, 1000, 0.008, 1.629008, 4592.3, walker2d_done),
  .body = {&walker2d, walker2d_ends, walker2d_reward, TASK_PLANAR, .reach = {
    {"random",        {1, 1}, {1, 1}},
    {"medium",        {5, 5}, {5, 0.5}},
    {"medium-replay", {1, 1}, {1, 2.5}},
    {"medium-expert", {1, 2}, {1, 2.5}}}}};

const mopo_task task_ant = {
  FACTS("ant", 27, 8, 1000, 0.05, -325.6, 3879.7, ant_done),
  .body = {&ant, ant_ends, ant_reward, .root = TASK_FREE}};

const mopo_task task_halfcheetah_jump = {
  FACTS("halfcheetah-jump", 18, 6, 1000, 0.05, NAN, NAN, halfcheetah_done),
  .body = {&cheetah, halfcheetah_ends, jump_reward, TASK_PLANAR, .torso = 0.7,
           .behaviour = "halfcheetah-jump-behaviour", .sees_height = true}};

const mopo_task task_ant_angle = {
  FACTS("ant-angle", 27, 8, 1000, 0.05, NAN, NAN, ant_done),
  .body = {&angle, ant_ends, angle_reward, TASK_FREE, .behaviour = "ant-angle-behaviour"}};

const mopo_task task_halfcheetah_jump_behaviour = {
  FACTS("halfcheetah-jump-behaviour", 18, 6, 1000, 0.05, NAN, NAN, halfcheetah_done),
  .body = {&cheetah, halfcheetah_ends, trot_reward, TASK_PLANAR, .torso = 0.7, .behaves = true,
           .sees_height = true}};

const mopo_task task_ant_angle_behaviour = {
  FACTS("ant-angle-behaviour", 27, 8, 1000, 0.05, NAN, NAN, ant_done),
  .body = {&angle, ant_ends, ant_reward, TASK_FREE, .behaves = true}};
/* clang-format on */

const mopo_task *task_row(int i)
{
  for (int k = 0; i >= 0 && k <= i; k++)
    if (!task_rows[k]) return NULL;
  return i >= 0 ? task_rows[i] : NULL;
}

const mopo_task *task_none(void) { return &none; }
bool task_listed(const mopo_task *task) { return task->body.simulator && !task->body.behaves; }

const mopo_task *mopo_task_at(int i)
{
  for (int k = 0; i >= 0 && task_rows[k]; k++)
    if (task_listed(task_rows[k]) && i-- == 0) return task_rows[k];
  return NULL;
}

const task_reach *task_reach_of(const mopo_task *task, const char *kind)
{
  for (int i = 0; task && i < TASK_REACHES && task->body.reach[i].kind; i++)
    if (strcmp(task->body.reach[i].kind, kind) == 0) return &task->body.reach[i];
  return NULL;
}

bool task_ends(const mopo_task *task, const double *state)
{
  assert(task->body.ends);
  return task->body.ends(state);
}

double task_reward(const mopo_task *task, const motion *m)
{
  return task->body.reward ? task->body.reward(m) : (double)NAN;
}

const mopo_task *task_behaviour(const mopo_task *task)
{
  return task->body.behaviour ? mopo_task_find(task->body.behaviour) : task;
}

int task_positions(const mopo_task *task)
{
  const task_body *b = &task->body;
  return !b->simulator ? 0 : (b->root == TASK_PLANAR ? 3 : 7) + task->facts.act_dim;
}

void task_torso(double xyz[3], const mopo_task *task, const double *qpos)
{
  const task_body *b = &task->body;
  assert(b->simulator);
  bool planar = b->root == TASK_PLANAR;
  xyz[0] = qpos[0];
  xyz[1] = planar ? 0 : qpos[1];
  xyz[2] = b->torso + (planar ? qpos[1] : qpos[2]);
}
