/* The compiled bodies hold the numbers that the tasks were published with. */
#include "check.h"

#ifdef MOPO_HAVE_MUJOCO

#include "sim/sim_mujoco.h"

#include <math.h>
#include <string.h>

enum { MAX_BODIES = 13, MAX_JOINTS = 8 };

/* Degrees to radians. */
#define DEG(x) ((x)*mjPI / 180)

/* A body as the D4RL sets saw it: mass, centre, and the moments Ixx Iyy Izz Ixy Ixz Iyz about it.
 */
struct inertial {
  double mass, pos[3], full[6];
};

/* A motorised joint, in the order of qpos. */
struct joint {
  double low, high, stiffness, damping, armature, gear;
  double friction; /* sliding friction of the body it moves */
};

struct body_facts {
  const char *task;
  int nq, nv, nu, nbody, integrator;
  double timestep, total, total_d4rl;
  double geom_friction[3], floor_friction[3], margin, solref[2], solimp[3];
  int condim, conaffinity;
  double exact[MAX_BODIES]; /* kg, bodies 1 .. nbody-1 */
  double inertia_error;     /* relative; the table's own rounding */
  struct inertial d4rl[MAX_BODIES];
  struct joint joints[MAX_JOINTS];
  int motor_joint[MAX_JOINTS]; /* motor i drives joints[motor_joint[i]] */
};

/* clang-format off */
static const struct body_facts facts[] = {
    {"hopper", 6, 6, 3, 5, mjINT_RK4, 0.002, 15.820013, 15.264999,
     {1, 0.005, 0.0001}, {1, 0.005, 0.0001}, 0.001, {0.02, 1}, {0.8, 0.8, 0.01}, 1, 0,
     {3.66519143, 4.05789051, 2.78135670, 5.31557477},
     1e-8,
     {{3.53429174, {0, 0, 0}, {0.0618501054, 0.0618501054, 0.00441786467}},
      {3.92699082, {0, 0, -0.225}, {0.0842666779, 0.0842666779, 0.00490873852}},
      {2.71433605, {0, 0, 0}, {0.0670441005, 0.0670441005, 0.00217146884}},
      {5.0893801, {-0.065, 0, 0.1}, {0.00916088418, 0.0904637313, 0.0904637313}}},
     {{DEG(-150), 0, 0, 1, 1, 200, 0.9},
      {DEG(-150), 0, 0, 1, 1, 200, 0.9},
      {DEG(-45), DEG(45), 0, 1, 1, 200, 2}},
     {0, 1, 2}},
    {"halfcheetah", 9, 9, 6, 8, mjINT_EULER, 0.01, 14, 14,
     {0.4, 0.1, 0.1}, {0.4, 0.1, 0.1}, 0, {0.02, 1}, {0, 0.8, 0.01}, 3, 0,
     {6.25020921, 1.54351464, 1.58744770, 1.09539749, 1.43807531, 1.20083682, 0.884518828},
     1e-6,
     {{6.36031332, {0.149138, 0, 0.0248563},
       {0.0248192552, 0.894453607, 0.876363563, 0, -0.0786398}},
      {1.53524804, {0.1, 0, -0.13}, {0.0101525347, 0.0152557598, 0.0067275175, 0, 0.00659709}},
      {1.58093995, {-0.14, 0, -0.07}, {0.00460685119, 0.0166083011, 0.0136740844, 0, -0.00593421}},
      {1.0691906, {0.03, 0, -0.097}, {0.0051374603, 0.00544431854, 0.00143806189, 0, 0.00110876}},
      {1.42558747, {-0.07, 0, -0.12}, {0.0096495571, 0.0123185013, 0.00417721575, 0, -0.0046614}},
      {1.17885117, {0.065, 0, -0.09}, {0.00527672188, 0.00716269974, 0.0031332024, 0, 0.00275673}},
      {0.849869452, {0.045, 0, -0.07},
       {0.00226192356, 0.00289975457, 0.00153699289, 0, 0.000932315}}},
     {{-0.52, 1.05, 240, 6, 0.1, 120, 0.4},
      {-0.785, 0.785, 180, 4.5, 0.1, 90, 0.4},
      {-0.4, 0.785, 120, 3, 0.1, 60, 0.4},
      {-1, 0.7, 180, 4.5, 0.1, 120, 0.4},
      {-1.2, 0.87, 120, 3, 0.1, 60, 0.4},
      {-0.5, 0.5, 60, 1.5, 0.1, 30, 0.4}},
     {0, 1, 2, 3, 4, 5}},
    {"walker2d", 9, 9, 6, 8, mjINT_RK4, 0.002, 23.677137, 22.698007,
     {0.7, 0.1, 0.1}, {0.7, 0.1, 0.1}, 0, {0.02, 1}, {0.9, 0.95, 0.001}, 3, 0,
     {3.66519143, 4.05789051, 2.78135670, 3.16672539, 4.05789051, 2.78135670, 3.16672539},
     1e-8,
     {{3.53429174, {0, 0, 0}, {0.0618501054, 0.0618501054, 0.00441786467}},
      {3.92699082, {0, 0, -0.225}, {0.0842666779, 0.0842666779, 0.00490873852}},
      {2.71433605, {0, 0, 0}, {0.0670441005, 0.0670441005, 0.00217146884}},
      {2.94053072, {-0.1, 0, 0.1}, {0.0052929553, 0.0192114674, 0.0192114674}},
      {3.92699082, {0, 0, -0.225}, {0.0842666779, 0.0842666779, 0.00490873852}},
      {2.71433605, {0, 0, 0}, {0.0670441005, 0.0670441005, 0.00217146884}},
      {2.94053072, {-0.1, 0, 0.1}, {0.0052929553, 0.0192114674, 0.0192114674}}},
     {{DEG(-150), 0, 0, 0.1, 0.01, 100, 0.9},
      {DEG(-150), 0, 0, 0.1, 0.01, 100, 0.9},
      {DEG(-45), DEG(45), 0, 0.1, 0.01, 100, 0.9},
      {DEG(-150), 0, 0, 0.1, 0.01, 100, 0.9},
      {DEG(-150), 0, 0, 0.1, 0.01, 100, 0.9},
      {DEG(-45), DEG(45), 0, 0.1, 0.01, 100, 1.9}},
     {0, 1, 2, 3, 4, 5}},
    {"ant", 15, 14, 8, 14, mjINT_RK4, 0.01, 0.910880, 0.878710,
     {1, 0.5, 0.5}, {1, 0.5, 0.5}, 0.01, {0.02, 1}, {0.9, 0.95, 0.001}, 3, 0,
     {0.327249235, 0.0391577537, 0.0391577537, 0.0675922045, 0.0391577537, 0.0391577537,
      0.0675922045, 0.0391577537, 0.0391577537, 0.0675922045, 0.0391577537, 0.0391577537,
      0.0675922045},
     2e-5, /* its lengths had been rounded to six digits */
     {{0.327249235, {0, 0, 0}, {0.00818123087, 0.00818123087, 0.00818123087}},
#define LEG(x, y)                                                                                  \
  {0.0364768564, {0.1 * x, 0.1 * y, 0},                                                            \
   {0.000287641772, 0.000287641772, 0.000458557604, -0.000170916 * x * y}},                        \
  {0.0364768564, {0.1 * x, 0.1 * y, 0},                                                            \
   {0.000287641772, 0.000287641772, 0.000458557604, -0.000170916 * x * y}},                        \
  {0.0649114366, {0.2 * x, 0.2 * y, 0},                                                            \
   {0.00128338135, 0.00128338135, 0.00235904611, -0.00107566 * x * y}}
      LEG(1, 1), LEG(-1, 1), LEG(-1, -1), LEG(1, -1)},
#undef LEG
     {{DEG(-30), DEG(30), 0, 1, 1, 150, 1}, {DEG(30), DEG(70), 0, 1, 1, 150, 1},
      {DEG(-30), DEG(30), 0, 1, 1, 150, 1}, {DEG(-70), DEG(-30), 0, 1, 1, 150, 1},
      {DEG(-30), DEG(30), 0, 1, 1, 150, 1}, {DEG(-70), DEG(-30), 0, 1, 1, 150, 1},
      {DEG(-30), DEG(30), 0, 1, 1, 150, 1}, {DEG(30), DEG(70), 0, 1, 1, 150, 1}},
     {6, 7, 0, 1, 2, 3, 4, 5}},
};
/* clang-format on */

enum { N_FACTS = sizeof facts / sizeof facts[0] };

static void near(const char *task, const char *what, int i, double got, double want, double error)
{
  if (!(fabs(got - want) <= error))
    fail_msg("%s: %s[%d] = %.10g, want %.10g", task, what, i, got, want);
}

static sim_world *world_of(const char *task, sim_physics physics)
{
  mopo_error err;
  sim_world *w;
  assert_ok(sim_world_create(&w, mopo_task_find(task), physics, &err), err);
  return w;
}

static void check_sizes(const mjModel *m, const struct body_facts *f)
{
  assert_int_equal(m->nq, f->nq);
  assert_int_equal(m->nv, f->nv);
  assert_int_equal(m->nu, f->nu);
  assert_int_equal(m->nbody, f->nbody);
  assert_int_equal(m->opt.integrator, f->integrator);
  assert_int_equal(m->opt.solver, mjSOL_NEWTON);
  assert_int_equal(m->opt.cone, mjCONE_PYRAMIDAL);
  near(f->task, "timestep", 0, m->opt.timestep, f->timestep, 0);
  near(f->task, "gravity", 2, m->opt.gravity[2], -9.81, 0);
}

/* The root's degrees of freedom are free of springs and inertia; the rest as the table says. */
static void check_joints(const mjModel *m, const struct body_facts *f)
{
  int root_dofs = f->nv - f->nu, root_joints = (int)m->njnt - f->nu;
  for (int i = 0; i < root_dofs; i++) {
    near(f->task, "root armature", i, m->dof_armature[i], 0, 0);
    near(f->task, "root damping", i, m->dof_damping[i], 0, 0);
  }
  for (int i = 0; i < root_joints; i++) {
    assert_false(m->jnt_limited[i]);
    near(f->task, "root stiffness", i, m->jnt_stiffness[i], 0, 0);
  }
  for (int i = 0; i < f->nu; i++) {
    struct joint want = f->joints[i];
    int j = root_joints + i;
    assert_true(m->jnt_limited[j]);
    assert_int_equal(m->jnt_dofadr[j], root_dofs + i);
    near(f->task, "low", i, m->jnt_range[2 * j], want.low, 1e-12);
    near(f->task, "high", i, m->jnt_range[2 * j + 1], want.high, 1e-12);
    near(f->task, "stiffness", i, m->jnt_stiffness[j], want.stiffness, 0);
    near(f->task, "damping", i, m->dof_damping[root_dofs + i], want.damping, 0);
    near(f->task, "armature", i, m->dof_armature[root_dofs + i], want.armature, 0);
    int g = m->body_geomadr[m->jnt_bodyid[j]];
    near(f->task, "friction", i, m->geom_friction[3 * g], want.friction, 0);
  }
}

static void check_motors(const mjModel *m, const struct body_facts *f)
{
  for (int i = 0; i < f->nu; i++) {
    int joint = f->motor_joint[i];
    assert_int_equal(m->actuator_trnid[2 * i], m->njnt - f->nu + joint);
    assert_true(m->actuator_ctrllimited[i]);
    near(f->task, "ctrl low", i, m->actuator_ctrlrange[2 * i], -1, 0);
    near(f->task, "ctrl high", i, m->actuator_ctrlrange[2 * i + 1], 1, 0);
    near(f->task, "gear", i, m->actuator_gear[6 * i], f->joints[joint].gear, 0);
  }
}

static void check_geoms(const mjModel *m, const struct body_facts *f)
{
  for (int g = 0; g < m->ngeom; g++) {
    bool floor = m->geom_type[g] == mjGEOM_PLANE;
    const double *friction = floor ? f->floor_friction : f->geom_friction;
    near(f->task, "margin", g, m->geom_margin[g], floor ? 0 : f->margin, 0);
    assert_int_equal(m->geom_condim[g], floor ? 3 : f->condim);
    assert_int_equal(m->geom_contype[g], 1);
    assert_int_equal(m->geom_conaffinity[g], floor ? 1 : f->conaffinity);
    if (floor) near(f->task, "floor friction", g, m->geom_friction[3 * g], friction[0], 0);
    for (int i = 1; i < 3; i++)
      near(f->task, "friction", g, m->geom_friction[3 * g + i], friction[i], 0);
    for (int i = 0; i < 2; i++)
      near(f->task, "solref", g, m->geom_solref[mjNREF * g + i], f->solref[i], 0);
    for (int i = 0; i < 3; i++)
      near(f->task, "solimp", g, m->geom_solimp[mjNIMP * g + i], f->solimp[i], 0);
  }
}

static void test_fields(void **state)
{
  (void)state;
  for (int i = 0; i < N_FACTS; i++) {
    sim_world *w = world_of(facts[i].task, SIM_GYMNASIUM);
    const mjModel *m = sim_world_model(w);
    check_sizes(m, &facts[i]);
    check_joints(m, &facts[i]);
    check_motors(m, &facts[i]);
    check_geoms(m, &facts[i]);
    sim_world_free(w);
  }
}

/* Bodies that are not joined may touch, each pair with the geoms' own parameters and one margin. */
static void test_self_contact_of_hopper(void **state)
{
  (void)state;
  static const int geoms[][2] = {{1, 3}, {1, 4}, {2, 4}};
  static const double solimp[] = {0.8, 0.8, 0.01};
  sim_world *w = world_of("hopper", SIM_GYMNASIUM);
  const mjModel *m = sim_world_model(w);
  assert_int_equal(m->npair, 3);
  for (int p = 0; p < 3; p++) {
    assert_int_equal(m->pair_geom1[p], geoms[p][0]);
    assert_int_equal(m->pair_geom2[p], geoms[p][1]);
    assert_int_equal(m->pair_dim[p], 1);
    near("hopper", "pair margin", p, m->pair_margin[p], 0.001, 0);
    near("hopper", "pair solref", p, m->pair_solref[mjNREF * p], 0.02, 0);
    for (int i = 0; i < 3; i++)
      near("hopper", "pair solimp", p, m->pair_solimp[mjNIMP * p + i], solimp[i], 0);
  }
  sim_world_free(w);
}

static void test_limits_of_halfcheetah(void **state)
{
  (void)state;
  sim_world *w = world_of("halfcheetah", SIM_GYMNASIUM);
  const mjModel *m = sim_world_model(w);
  static const double solimp[] = {0, 0.8, 0.03};
  for (int j = 3; j < m->njnt; j++)
    for (int i = 0; i < 3; i++)
      near("halfcheetah", "solimplimit", j, m->jnt_solimp[mjNIMP * j + i], solimp[i], 0);
  sim_world_free(w);
}

static double total_mass(const mjModel *m)
{
  double sum = 0;
  for (int b = 1; b < m->nbody; b++) sum += m->body_mass[b];
  return sum;
}

static void test_exact_masses(void **state)
{
  (void)state;
  for (int i = 0; i < N_FACTS; i++) {
    sim_world *w = world_of(facts[i].task, SIM_GYMNASIUM);
    const mjModel *m = sim_world_model(w);
    for (int b = 1; b < m->nbody; b++)
      near(facts[i].task, "mass", b, m->body_mass[b], facts[i].exact[b - 1], 1e-8);
    near(facts[i].task, "total mass", 0, total_mass(m), facts[i].total, 1e-6);
    sim_world_free(w);
  }
}

/* Ixx Iyy Izz Ixy Ixz Iyz of body b about its centre in its own frame. */
static void full_inertia(double full[6], const mjModel *m, int b)
{
  static const int row[] = {0, 1, 2, 0, 0, 1}, column[] = {0, 1, 2, 1, 2, 2};
  double R[9];
  mju_quat2Mat(R, m->body_iquat + 4 * b);
  for (int i = 0; i < 6; i++) {
    full[i] = 0;
    for (int k = 0; k < 3; k++)
      full[i] += R[3 * row[i] + k] * m->body_inertia[3 * b + k] * R[3 * column[i] + k];
  }
}

static void test_d4rl_inertia(void **state)
{
  (void)state;
  for (int i = 0; i < N_FACTS; i++) {
    const struct body_facts *f = &facts[i];
    sim_world *w = world_of(f->task, SIM_D4RL);
    const mjModel *m = sim_world_model(w);
    for (int b = 1; b < m->nbody; b++) {
      struct inertial want = f->d4rl[b - 1];
      double full[6];
      full_inertia(full, m, b);
      near(f->task, "mass", b, m->body_mass[b], want.mass, fmax(1e-8, f->inertia_error * 0.01));
      for (int k = 0; k < 3; k++)
        near(f->task, "centre", b, m->body_ipos[3 * b + k], want.pos[k], 1e-6);
      for (int k = 0; k < 6; k++)
        near(f->task, "inertia", b, full[k], want.full[k],
             f->inertia_error * (want.full[0] + want.full[1] + want.full[2]));
    }
    near(f->task, "total mass", 0, total_mass(m), f->total_d4rl, 1e-6);
    sim_world_free(w);
  }
}

/* What mj_setConst derives follows the new inertia. */
static void test_d4rl_constants_follow(void **state)
{
  (void)state;
  for (int i = 0; i < N_FACTS; i++) {
    sim_world *w = world_of(facts[i].task, SIM_D4RL);
    const mjModel *m = sim_world_model(w);
    near(facts[i].task, "subtree mass", 1, m->body_subtreemass[1], total_mass(m), 1e-12);
    sim_world_free(w);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),
      cmocka_unit_test(test_self_contact_of_hopper),
      cmocka_unit_test(test_limits_of_halfcheetah),
      cmocka_unit_test(test_exact_masses),
      cmocka_unit_test(test_d4rl_inertia),
      cmocka_unit_test(test_d4rl_constants_follow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; } /* no simulator, no bodies */

#endif
