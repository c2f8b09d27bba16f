/* task.c - what is the task? Sizes, horizon, score range, rewards and where it ends. Needs no
 * simulator.
 *
 * Ends are those of OpenAI Gym's v2 tasks (D4RL) and Gymnasium's v4, which agree. Score ranges are
 * D4RL's (Fu et al. 2020, arXiv:2004.07219). halfcheetah-jump and ant-angle are Yu et al. 2020's:
 * to be learned from data of another behaviour on the same body. They are reported as returns, so
 * they have no score. */
#include "task/task.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <string.h>

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

/* The same rule on a float32 state [S]. */
static bool ends_float(bool (*ends)(const double *), const float *next, int S)
{
  double state[TASK_MAX_OBS];
  for (int i = 0; i < S; i++) state[i] = next[i];
  return ends(state);
}

static bool hopper_done(const float *obs, const float *act, const float *next)
{
  (void)obs, (void)act;
  return ends_float(hopper_ends, next, 11);
}

static bool halfcheetah_done(const float *obs, const float *act, const float *next)
{
  (void)obs, (void)act, (void)next;
  return false;
}

static bool walker2d_done(const float *obs, const float *act, const float *next)
{
  (void)obs, (void)act;
  return ends_float(walker2d_ends, next, 17);
}

static bool ant_done(const float *obs, const float *act, const float *next)
{
  (void)obs, (void)act;
  return ends_float(ant_ends, next, 27);
}

static bool none_done(const float *obs, const float *act, const float *next)
{
  (void)obs, (void)act, (void)next;
  return false;
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

/* ------------------------------------------------------------------ the table */

/* Data of whose task nothing is known. Not in the table: it cannot be simulated. */
static const mopo_task none = {"none", 0, 0, 1000, 0, NAN, NAN, none_done};

enum { PLANAR, FREE }; /* root of the body: x, z, angle; or x, y, z and a quaternion */

/* clang-format off */
static const struct row {
  mopo_task task;
  bool (*ends)(const double *state);
  double (*reward)(const motion *m);
  int root;
  double torso;          /* height of the torso where the root's is 0, m */
  const char *behaviour; /* the task whose data it is learned from, if that is another */
} rows[] = {
  /* name,              S, A, horizon,  dt,   score min, score max, done */
  {{"hopper",           11, 3, 1000, 0.008,  -20.272305,  3234.3, hopper_done},
   hopper_ends,      hopper_reward,      PLANAR, 0,   NULL},
  {{"halfcheetah",      17, 6, 1000, 0.05,  -280.178953, 12135.0, halfcheetah_done},
   halfcheetah_ends, halfcheetah_reward, PLANAR, 0.7, NULL},
  {{"walker2d",         17, 6, 1000, 0.008,    1.629008,  4592.3, walker2d_done},
   walker2d_ends,    walker2d_reward,    PLANAR, 0,   NULL},
  {{"ant",              27, 8, 1000, 0.05,  -325.6,       3879.7, ant_done},
   ant_ends,         ant_reward,         FREE,   0,   NULL},
  {{"halfcheetah-jump", 18, 6, 1000, 0.05,   NAN,            NAN, halfcheetah_done},
   halfcheetah_ends, jump_reward,        PLANAR, 0.7, "halfcheetah-jump-behaviour"},
  {{"ant-angle",        27, 8, 1000, 0.05,   NAN,            NAN, ant_done},
   ant_ends,         angle_reward,       FREE,   0,   "ant-angle-behaviour"},
  /* not listed: what their data are collected by */
  {{"halfcheetah-jump-behaviour", 18, 6, 1000, 0.05, NAN, NAN, halfcheetah_done},
   halfcheetah_ends, trot_reward,        PLANAR, 0.7, NULL},
  {{"ant-angle-behaviour",        27, 8, 1000, 0.05, NAN, NAN, ant_done},
   ant_ends,         ant_reward,         FREE,   0,   NULL},
};
/* clang-format on */

enum { N_TASKS = sizeof rows / sizeof rows[0], N_LISTED = N_TASKS - 2 };

/* What is left of text after name, compared without case and underscores; NULL: another name. */
static const char *after_name(const char *text, const char *name)
{
  for (; *name; text++) {
    if (*text == '_') continue;
    if (tolower((unsigned char)*text) != *name) return NULL;
    name++;
  }
  return text;
}

/* Is text one of the endings of a dataset's or environment's id: "", "-medium-replay-v2", "-v4"? */
static bool is_ending(const char *text)
{
  static const char *const words[] = {"random", "medium", "expert", "replay", "full", "simple"};
  while (*text == '-') {
    const char *word = text + 1;
    size_t n = strcspn(word, "-");
    bool known =
        n > 1 && tolower((unsigned char)word[0]) == 'v' && strspn(word + 1, "0123456789") == n - 1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
      known = known || (n == strlen(words[i]) && after_name(word, words[i]) == word + n);
    if (!known) return false;
    text = word + n;
  }
  return *text == '\0';
}

const mopo_task *mopo_task_find(const char *name)
{
  if (!name) return NULL;
  if (strcmp(name, none.name) == 0) return &none;
  for (int i = 0; i < N_TASKS; i++) {
    const char *rest = after_name(name, rows[i].task.name);
    if (rest && is_ending(rest)) return &rows[i].task;
  }
  return NULL;
}

const mopo_task *mopo_task_at(int i) { return i >= 0 && i < N_LISTED ? &rows[i].task : NULL; }

double mopo_task_score(const mopo_task *task, double ret)
{
  return 100 * (ret - task->score_min) / (task->score_max - task->score_min);
}

double mopo_task_score_std(const mopo_task *task, double std)
{
  return 100 * std / (task->score_max - task->score_min);
}

static const struct row *row_of(const mopo_task *task)
{
  for (int i = 0; i < N_TASKS; i++)
    if (strcmp(task->name, rows[i].task.name) == 0) return &rows[i];
  return NULL;
}

bool task_ends(const mopo_task *task, const double *state)
{
  const struct row *r = row_of(task);
  return r && r->ends(state);
}

double task_reward(const mopo_task *task, const motion *m)
{
  const struct row *r = row_of(task);
  return r ? r->reward(m) : (double)NAN;
}

const mopo_task *task_behaviour(const mopo_task *task)
{
  const struct row *r = row_of(task);
  return r && r->behaviour ? mopo_task_find(r->behaviour) : task;
}

int task_positions(const mopo_task *task)
{
  const struct row *r = row_of(task);
  return !r ? 0 : r->root == PLANAR ? 3 + task->act_dim : 7 + task->act_dim;
}

void task_torso(double xyz[3], const mopo_task *task, const double *qpos)
{
  const struct row *r = row_of(task);
  assert(r);
  bool planar = r->root == PLANAR;
  xyz[0] = qpos[0];
  xyz[1] = planar ? 0 : qpos[1];
  xyz[2] = r->torso + (planar ? qpos[1] : qpos[2]);
}
