/* machines.c - see machines.h. */
#include "ope/machines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double clip(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
static double noise_of(rng_stream *r, double sd) { return sd * (double)rng_normal(r); }

/* ------------------------------------------------ two tanks: a pump with a dead time, a valve */

/* s: levels, the pump's last four commands. The valve is a switch. */
static void tank_reset(double *s, rng_stream *r)
{
  memset(s, 0, MACHINE_STATE * sizeof *s);
  s[0] = 0.5 + 0.5 * (double)rng_uniform(r), s[1] = 0.2 + 0.6 * (double)rng_uniform(r);
}
static void tank_observe(float *o, const double *s)
{
  for (int i = 0; i < 6; i++) o[i] = (float)s[i];
}
static bool tank_step(double *s, float *rew, const float *a, rng_stream *r)
{
  bool open = a[1] > 0.0f;
  double pump = s[5];
  double through = 0.3 * sqrt(fmax(s[0], 0.0)) * (open ? 1.0 : 0.4),
         out = 0.2 * sqrt(fmax(s[1], 0.0));
  s[0] = clip(s[0] + 0.2 * (0.4 * (pump + 1.0) - through) + noise_of(r, 0.003), 0.0, 3.0);
  s[1] = clip(s[1] + 0.2 * (through - out) + noise_of(r, 0.003), 0.0, 3.0);
  memmove(s + 3, s + 2, 3 * sizeof *s);
  s[2] = (double)a[0];
  *rew = (float)(-fabs(s[1] - 1.0) - 0.02 * (pump + 1.0));
  return false;
}
static void tank_good(float *a, const float *o)
{
  double wanted = 1.0 + 1.0 * (1.0 - (double)o[1]);
  a[0] = (float)(-0.3 + 2.0 * (wanted - (double)o[0]) - 0.2 * (double)(o[2] + o[3]));
  a[1] = o[1] < 1.0f ? 1.0f : -1.0f;
}

/* ------------------------------------------------ a rod to be balanced; it falls */

static void rod_reset(double *s, rng_stream *r)
{
  s[0] = noise_of(r, 0.05), s[1] = noise_of(r, 0.05);
}
static void pair_observe(float *o, const double *s) { o[0] = (float)s[0], o[1] = (float)s[1]; }
static bool rod_step(double *s, float *rew, const float *a, rng_stream *r)
{
  s[1] += 0.05 * (4.0 * sin(s[0]) + 3.0 * (double)a[0]) + noise_of(r, 0.03);
  s[0] += 0.05 * s[1];
  *rew = 1.0f;
  return fabs(s[0]) > 0.5;
}
static void rod_good(float *a, const float *o) { a[0] = -3.0f * o[0] - 1.0f * o[1]; }

/* ------------------------------------------------ a hovering rocket; it crashes or is lost */

static void rocket_reset(double *s, rng_stream *r)
{
  s[0] = noise_of(r, 0.5), s[1] = noise_of(r, 0.3), s[2] = 1.0;
}
static void rocket_observe(float *o, const double *s)
{
  o[0] = (float)s[0], o[1] = (float)s[1], o[2] = (float)s[2];
}
static bool rocket_step(double *s, float *rew, const float *a, rng_stream *r)
{
  double thrust = (double)a[0] * 1.5 + 1.0;
  s[1] += 0.1 * (thrust / (0.7 + 0.3 * s[2]) - 1.0) + noise_of(r, 0.03);
  s[0] += 0.1 * s[1];
  s[2] = fmax(s[2] - 0.002 * fabs(thrust), 0.0);
  *rew = (float)(1.0 - 0.3 * fabs(s[0]) - 0.05 * fabs((double)a[0]));
  return fabs(s[0]) > 2.0;
}
static void rocket_good(float *a, const float *o)
{
  a[0] = (0.3f * (o[2] - 1.0f) - 1.0f * o[0] - 1.5f * o[1]) / 1.5f;
}

/* ------------------------------------------------ a crane: swing to be damped, seen narrowly */

static void crane_reset(double *s, rng_stream *r)
{
  s[0] = 0.8 + noise_of(r, 0.05), s[1] = noise_of(r, 0.02);
  s[2] = 0.3 + noise_of(r, 0.03), s[3] = noise_of(r, 0.03);
}
static void four_observe(float *o, const double *s)
{
  for (int i = 0; i < 4; i++) o[i] = (float)s[i];
}
static bool crane_step(double *s, float *rew, const float *a, rng_stream *r)
{
  double force = (double)a[0];
  s[1] += 0.1 * (force - 0.2 * s[1]) + noise_of(r, 0.004);
  s[3] += 0.1 * (-4.0 * sin(s[2]) - force * cos(s[2]) - 0.02 * s[3]) + noise_of(r, 0.004);
  s[0] += 0.1 * s[1], s[2] += 0.1 * s[3];
  s[0] = clip(s[0], -5.0, 5.0);
  *rew = (float)(-s[0] * s[0] - 0.5 * s[2] * s[2]);
  return false;
}
static void crane_good(float *a, const float *o)
{
  a[0] = -0.5f * o[0] - 1.0f * o[1] + 0.8f * o[3];
}

/* ------------------------------------------------ a car in a valley, driven at random */

static void car_reset(double *s, rng_stream *r) { s[0] = -0.5 + noise_of(r, 0.1), s[1] = 0.0; }
static bool car_step(double *s, float *rew, const float *a, rng_stream *r)
{
  s[1] = clip(s[1] + 0.0025 * (double)a[0] - 0.0025 * cos(3.0 * s[0]) + noise_of(r, 0.0003), -0.07,
              0.07);
  s[0] = clip(s[0] + s[1], -1.2, 0.6);
  if (s[0] <= -1.2) s[1] = 0.0;
  *rew = (float)(sin(3.0 * s[0]) - 0.05 * (double)a[0] * (double)a[0]);
  return false;
}
static void car_good(float *a, const float *o)
{
  a[0] = o[0] > 0.3f ? 20.0f * (0.5f - o[0]) - 10.0f * o[1] + 0.5f : o[1] >= 0.0f ? 1.0f : -1.0f;
}

/* ------------------------------------------------ a servo with friction, a controller that works
 */

static void servo_reset(double *s, rng_stream *r)
{
  s[0] = 2.0 * (double)rng_uniform(r) - 1.0, s[1] = 0.0;
  s[2] = 2.0 * (double)rng_uniform(r) - 1.0; /* the place wanted */
}
static bool servo_step(double *s, float *rew, const float *a, rng_stream *r)
{
  double friction = 0.15 * tanh(s[1] / 0.05);
  s[1] += 0.1 * (3.0 * (double)a[0] - 0.5 * s[1] - friction) + noise_of(r, 0.01);
  s[0] += 0.1 * s[1];
  s[0] = clip(s[0], -4.0, 4.0);
  if (rng_uniform(r) < 0.02f) s[2] = 2.0 * (double)rng_uniform(r) - 1.0;
  *rew = (float)(-(s[0] - s[2]) * (s[0] - s[2]) - 0.01 * (double)a[0] * (double)a[0]);
  return false;
}
static void servo_good(float *a, const float *o) { a[0] = 2.0f * (o[2] - o[0]) - 1.0f * o[1]; }

/* ------------------------------------------------ a reactor that runs away, kept well */

static void reactor_reset(double *s, rng_stream *r)
{
  s[0] = 0.6 + noise_of(r, 0.05), s[1] = 1.0 + noise_of(r, 0.05); /* concentration, temperature */
}
static bool reactor_step(double *s, float *rew, const float *a, rng_stream *r)
{
  double rate = s[0] * exp(5.0 * (s[1] - 1.0) / fmax(s[1], 0.2));
  s[0] = clip(s[0] + 0.1 * (1.0 - s[0] - 0.7 * rate) + noise_of(r, 0.003), 0.0, 1.0);
  s[1] = clip(s[1] + 0.1 * (0.8 - s[1] + 0.6 * rate - 0.5 * (double)a[0]) + noise_of(r, 0.004), 0.3,
              3.0);
  *rew = (float)(-20.0 * (s[1] - 1.0) * (s[1] - 1.0) + 0.2 * rate);
  return false;
}
static void reactor_good(float *a, const float *o) { a[0] = 0.32f + 6.0f * (o[1] - 1.0f); }

/* ------------------------------------------------ a car in its lane, steered sloppily */

static void lane_reset(double *s, rng_stream *r)
{
  s[0] = noise_of(r, 0.5), s[1] = noise_of(r, 0.1), s[2] = 0.0, s[3] = noise_of(r, 0.3);
}
static bool lane_step(double *s, float *rew, const float *a, rng_stream *r)
{
  s[2] += 0.3 * ((double)a[0] - s[2]);    /* the wheel lags */
  s[3] = 0.98 * s[3] + noise_of(r, 0.06); /* the road's curvature */
  s[1] = clip(s[1] + 0.1 * (1.5 * s[2] - 0.6 * s[3]), -1.0, 1.0);
  s[0] = clip(s[0] + 0.1 * 3.0 * s[1], -6.0, 6.0);
  *rew = (float)(-s[0] * s[0] - 0.05 * (double)a[0] * (double)a[0]);
  return false;
}
static void lane_good(float *a, const float *o) { a[0] = -0.4f * o[0] - 1.5f * o[1] + 0.4f * o[3]; }

/* ------------------------------------------------ a greenhouse under a changing sky */

static void green_reset(double *s, rng_stream *r)
{
  s[0] = 20.0 + noise_of(r, 3.0), s[1] = 0.6, s[2] = (double)rng_uniform(r) * 6.28, s[3] = 0.0;
}
static void green_observe(float *o, const double *s)
{
  o[0] = (float)s[0], o[1] = (float)s[1], o[2] = (float)cos(s[2]), o[3] = (float)sin(s[2]);
  o[4] = (float)(1013.25 + s[3]); /* that the pressure moves matters to nobody */
}
static bool green_step(double *s, float *rew, const float *a, rng_stream *r)
{
  double sun = fmax(cos(s[2]), 0.0), heat = 0.5 * ((double)a[0] + 1.0),
         vent = 0.5 * ((double)a[1] + 1.0);
  s[0] +=
      0.1 * (6.0 * sun + 10.0 * heat - 0.25 * (s[0] - 8.0) * (1.0 + 1.5 * vent)) + noise_of(r, 0.1);
  s[1] = clip(s[1] + 0.1 * (0.1 - 0.25 * vent * s[1] + 0.02 * sun) + noise_of(r, 0.01), 0.0, 1.0);
  s[2] += 0.06, s[3] = 0.99 * s[3] + noise_of(r, 0.5);
  *rew = (float)(-fabs(s[0] - 22.0) - 10.0 * fmax(s[1] - 0.7, 0.0) - 1.5 * heat);
  return false;
}
static void green_good(float *a, const float *o)
{
  a[0] = 0.5f * (22.0f - o[0]) - 0.6f - 0.5f * o[2];
  a[1] = 4.0f * (o[1] - 0.6f) + 0.2f * (o[0] - 23.0f);
}

/* clang-format off */
static const machine machines[] = {
    {"tank", 6, 2, 200, false, 1,
     {0.0f, 1.0f}, {0.2f, 0.6f}, 40,
     tank_reset, tank_observe, tank_step, tank_good},
    {"rod", 2, 1, 300, true, -1,
     {0.3f, 0.9f}, {0.3f, 0.8f}, 80,
     rod_reset, pair_observe, rod_step, rod_good},
    {"rocket", 3, 1, 250, true, -1,
     {0.1f, 0.9f}, {0.2f, 0.6f}, 60,
     rocket_reset, rocket_observe, rocket_step, rocket_good},
    {"crane", 4, 1, 150, false, -1,
     {0.2f, 0.4f}, {0.1f, 0.15f}, 50,
     crane_reset, four_observe, crane_step, crane_good},
    {"car", 2, 1, 200, false, -1,
     {0.0f, 0.1f}, {0.6f, 1.0f}, 50,
     car_reset, pair_observe, car_step, car_good},
    {"servo", 3, 1, 150, false, -1,
     {0.95f, 1.05f}, {0.03f, 0.1f}, 50,
     servo_reset, rocket_observe, servo_step, servo_good},
    {"reactor", 2, 1, 150, false, -1,
     {0.95f, 1.05f}, {0.03f, 0.1f}, 50,
     reactor_reset, pair_observe, reactor_step, reactor_good},
    {"lane", 4, 1, 150, false, -1,
     {0.3f, 0.8f}, {0.2f, 0.4f}, 50,
     lane_reset, four_observe, lane_step, lane_good},
    {"greenhouse", 5, 2, 200, false, -1,
     {0.0f, 1.0f}, {0.2f, 0.5f}, 40,
     green_reset, green_observe, green_step, green_good},
};
/* clang-format on */

const machine *machine_at(int i)
{
  return i >= 0 && i < (int)(sizeof machines / sizeof *machines) ? &machines[i] : NULL;
}

static float between(const float *bounds, rng_stream *r)
{
  return bounds[0] + (bounds[1] - bounds[0]) * rng_uniform(r);
}

typedef struct record {
  float *obs, *act, *rew, *next;
  unsigned char *terminal, *timeout;
  size_t n;
} record;

static void take_switch(const machine *m, float *act)
{
  if (m->switch_at >= 0) act[m->switch_at] = act[m->switch_at] > 0.0f ? 1.0f : -1.0f;
}

static void record_episode(record *to, const machine *m, const float *gain, const float *noise,
                           rng_stream *r)
{
  double s[MACHINE_STATE] = {0};
  size_t S = (size_t)m->S, A = (size_t)m->A;
  float g = between(gain, r), sd = between(noise, r);
  m->reset(s, r);
  for (int t = 0; t < m->horizon; t++) {
    size_t i = to->n++;
    float *a = to->act + i * A;
    m->observe(to->obs + i * S, s);
    m->good(a, to->obs + i * S);
    for (size_t k = 0; k < A; k++)
      a[k] = (float)clip((double)(g * a[k] + sd * rng_normal(r)), -1.0, 1.0);
    take_switch(m, a);
    to->terminal[i] = m->step(s, &to->rew[i], a, r);
    m->observe(to->next + i * S, s);
    to->timeout[i] = !to->terminal[i] && t == m->horizon - 1;
    if (to->terminal[i]) break;
  }
}

mopo_status machine_log(mopo_dataset **out, const machine *m, const float *gain, const float *noise,
                        int episodes, uint64_t seed, mopo_error *err)
{
  size_t most = (size_t)episodes * (size_t)m->horizon, S = (size_t)m->S, A = (size_t)m->A;
  record to = {calloc(most * S, sizeof(float)),
               calloc(most * A, sizeof(float)),
               calloc(most, sizeof(float)),
               calloc(most * S, sizeof(float)),
               calloc(most, 1),
               calloc(most, 1),
               0};
  rng_stream r = rng_stream_of(rng_split(rng_seed(seed), m->name));
  for (int e = 0; e < episodes; e++)
    record_episode(&to, m, gain ? gain : m->gain, noise ? noise : m->noise, &r);
  mopo_status st = mopo_dataset_from_arrays(out, (int64_t)to.n, m->S, m->A, to.obs, to.act, to.rew,
                                            to.next, to.terminal, to.timeout, err);
  free(to.obs), free(to.act), free(to.rew), free(to.next), free(to.terminal), free(to.timeout);
  return st;
}

static double episode(const machine *m, mopo_policy *p, rng_stream *r)
{
  double s[MACHINE_STATE] = {0}, sum = 0.0;
  m->reset(s, r);
  for (int t = 0; t < m->horizon; t++) {
    float obs[MACHINE_OBS], act[MACHINE_ACT], rew = 0.0f;
    m->observe(obs, s);
    mopo_policy_act(p, act, obs, 1);
    take_switch(m, act);
    bool failed = m->step(s, &rew, act, r);
    sum += (double)rew;
    if (failed) break;
  }
  return sum;
}

double machine_return(double *sd, const machine *m, mopo_policy *p, int n, uint64_t seed)
{
  double sum = 0.0, squares = 0.0;
  for (int i = 0; i < n; i++) {
    rng_stream r = rng_stream_of(rng_index(rng_seed(seed), (uint64_t)i));
    double x = episode(m, p, &r);
    sum += x, squares += x * x;
  }
  if (sd) *sd = sqrt(fmax(squares / n - sum / n * (sum / n), 0.0));
  return sum / n;
}
