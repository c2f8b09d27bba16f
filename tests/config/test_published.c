/* test_published.c - numbers that were published, written down a second time: the range of scores,
 * the presets, what the methods beside MOPO were published with, and the tables of Yu et al. 2020
 * (arXiv:2005.13239). */
#include "check.h"
#include "config/config.h"

#include "cli/reproduce.h"

#include <math.h>
#include <string.h>

static mopo_config resolved(const char *algo, const char *preset, const char *task,
                            const char *kind)
{
  mopo_config c = config_default();
  mopo_error err;
  assert_ok(mopo_config_set(&c, "algo", algo, &err), err);
  assert_ok(mopo_config_set(&c, "preset", preset, &err), err);
  assert_ok(
      mopo_config_resolve(&c, task, kind, mopo_task_facts_of(mopo_task_find(task))->act_dim, &err),
      err);
  return c;
}

/* Both as mopo_config_get writes them: "3e-4" is 0.0003. */
static void expect(const mopo_config *c, const char *setting, const char *value)
{
  mopo_config same = *c;
  mopo_error err;
  char got[1100], want[1100];
  assert_ok(mopo_config_set(&same, setting, value, &err), err);
  mopo_config_get(&same, setting, want, sizeof want);
  mopo_config_get(c, setting, got, sizeof got);
  if (strcmp(got, want))
    fail_msg("algo %s, preset %s: %s = %s, want %s", c->algo, c->preset, setting, got, want);
}

/* ------------------------------------------------------------------ scores */

/* 0 and 100 of D4RL's normalised score. */
static void scores_stand_between_the_published_returns(void **state)
{
  (void)state;
  static const struct {
    const char *task;
    double min, max;
  } range[] = {{"hopper", -20.272305, 3234.3},
               {"halfcheetah", -280.178953, 12135.0},
               {"walker2d", 1.629008, 4592.3},
               {"ant", -325.6, 3879.7}};
  for (size_t i = 0; i < sizeof range / sizeof *range; i++) {
    const mopo_task *task = mopo_task_find(range[i].task);
    assert_true(mopo_task_facts_of(task)->score_min == range[i].min &&
                mopo_task_facts_of(task)->score_max == range[i].max);
  }
}

/* ------------------------------------------------------------------ the presets */

static const char *const presets[] = {"paper", "tuned"};
enum { PAPER = PRESET_PAPER, PUBLISHED = PRESET_TUNED + 1 };

/* Of the ensemble, the rollouts and soft actor-critic; the target entropy is below. */
static const struct {
  const char *setting, *value[PUBLISHED];
} stated[] = {
    {"members", {"7", "7"}},
    {"elites", {"5", "5"}},
    {"model-layers", {"4", "4"}},
    {"model-hidden", {"200", "200"}},
    {"model-lr", {"1e-3", "1e-3"}},
    {"model-schedule", {"constant", "constant"}},
    {"model-batch", {"256", "256"}},
    {"model-decay", {"1", "1"}},
    {"holdout-ratio", {"0.2", "0.2"}},
    {"holdout-max", {"1000", "1000"}},
    {"model-improvement", {"0.01", "0.01"}},
    {"model-patience", {"5", "5"}},
    {"penalty", {"aleatoric", "aleatoric"}},
    {"rollout-batch", {"50000", "50000"}},
    {"rollout-keep", {"5", "5"}},
    {"batch-size", {"256", "256"}},
    {"real-ratio", {"0.05", "0.05"}},
    {"layers", {"2", "2"}},
    {"hidden", {"256", "256"}},
    {"log-std-min", {"-20", "-5"}},
    {"log-std-max", {"2", "2"}},
    {"actor-lr", {"3e-4", "1e-4"}},
    {"actor-schedule", {"constant", "cosine"}},
    {"policy-ema", {"0", "0"}},
    {"critic-lr", {"3e-4", "3e-4"}},
    {"alpha-lr", {"3e-4", "1e-4"}},
    {"alpha-init", {"1", "1"}},
    {"alpha-max", {"inf", "1"}},
    {"critic-loss-weight", {"0.5", "1"}},
    {"gamma", {"0.99", "0.99"}},
    {"tau", {"0.005", "0.005"}},
    {"updates-per-epoch", {"1000", "1000"}},
    {"epochs", {"1000", "3000"}},
    {"init", {"glorot", "fan-in"}},
    {"update-order", {"joint", "critic-first"}},
    {"eval-every", {"1", "1"}},
    {"eval-episodes", {"10", "10"}},
};

static void presets_are_the_published_ones(void **state)
{
  (void)state;
  for (int p = 0; p < PUBLISHED; p++)
    for (int t = 0; mopo_task_at(t); t++) {
      const mopo_task *task = mopo_task_at(t);
      mopo_config c = resolved("mopo", presets[p], mopo_task_facts_of(task)->name, "medium");
      for (size_t i = 0; i < sizeof stated / sizeof *stated; i++)
        expect(&c, stated[i].setting, stated[i].value[p]);
      assert_true(c.target_entropy ==
                  (p == PAPER ? -3.0 : (double)-mopo_task_facts_of(task)->act_dim));
    }
}

/* Rollout length h and penalty coefficient lambda. */
enum { HALFCHEETAH, HOPPER, WALKER2D, BODIES };
static const char *const bodies[] = {"halfcheetah", "hopper", "walker2d"};
static const struct {
  const char *kind;
  struct {
    int h;
    double lambda;
  } at[PUBLISHED][BODIES];
} reaches[] = {
    {"random", {{{5, 0.5}, {5, 1}, {1, 1}}, {{5, 0.5}, {5, 1}, {1, 1}}}},
    {"medium", {{{1, 1}, {5, 5}, {5, 5}}, {{5, 0.5}, {5, 5}, {5, 0.5}}}},
    {"medium-replay", {{{5, 1}, {5, 1}, {1, 1}}, {{5, 0.5}, {5, 2.5}, {1, 2.5}}}},
    {"medium-expert", {{{5, 5}, {5, 1}, {1, 2}}, {{5, 2.5}, {5, 5}, {1, 2.5}}}},
};

static void expect_reach(const char *preset, const char *task, const char *kind, int h,
                         double lambda)
{
  mopo_config c = resolved("mopo", preset, task, kind);
  if (config_int(&c, "rollout-length") != h || config_real(&c, "penalty-coef") != lambda)
    fail_msg("%s, %s-%s: h %d, lambda %g, want %d, %g", preset, task, kind,
             config_int(&c, "rollout-length"), config_real(&c, "penalty-coef"), h, lambda);
}

static void every_set_has_its_rollout_length_and_penalty(void **state)
{
  (void)state;
  for (int p = 0; p < PUBLISHED; p++) {
    for (size_t k = 0; k < sizeof reaches / sizeof *reaches; k++)
      for (int b = 0; b < BODIES; b++)
        expect_reach(presets[p], bodies[b], reaches[k].kind, reaches[k].at[p][b].h,
                     reaches[k].at[p][b].lambda);
    expect_reach(presets[p], "halfcheetah-jump", "full-replay", 5, 1.0);
    expect_reach(presets[p], "ant-angle", "full-replay", 5, 1.0);
  }
}

/* Where nobody simulates the task, all there is is a log. */
static void a_log_has_its_preset(void **state)
{
  (void)state;
  static const char *const log[][2] = {{"preset", "log"},
                                       {"scaler", "standard"},
                                       {"epochs", "20"},
                                       {"updates-per-epoch", "500"},
                                       {"actor-lr", "3e-4"},
                                       {"hidden", "128"},
                                       {"model-hidden", "128"},
                                       {"model-layers", "3"},
                                       {"model-min-updates", "2500"},
                                       {"holdout", "episodes"},
                                       {"rollout-length", "100"},
                                       {"rollout-batch", "500"},
                                       {"rollout-stop", "0.999"},
                                       {"penalty-coef", "1"},
                                       {"imagined-margin", "0.5"},
                                       {"behaviour-term", "1"},
                                       {"alpha-init", "0.2"},
                                       {"alpha-max", "1"},
                                       {"real-ratio", "0.05"},
                                       {"actor-schedule", "cosine"},
                                       {"target-entropy", "-2"}};
  mopo_error err;
  mopo_config c = config_default(), hopper = config_default(), other = config_default();
  assert_ok(mopo_config_resolve(&c, "none", "", 2, &err), err);
  for (size_t i = 0; i < sizeof log / sizeof *log; i++) expect(&c, log[i][0], log[i][1]);
  assert_ok(mopo_config_resolve(&hopper, "hopper", "medium", 3, &err), err);
  expect(&hopper, "preset", "tuned");
  expect(&hopper, "scaler", "none");
  expect(&hopper, "behaviour-term", "0");
  assert_ok(mopo_config_set(&other, "algo", "iql", &err), err);
  assert_ok(mopo_config_resolve(&other, "none", "", 2, &err), err);
  expect(&other, "epochs", "20"); /* as many updates for every method */
  expect(&other, "actor-lr", "3e-4");
}

/* ------------------------------------------------------------------ the methods beside MOPO */

/* A learning rate that is published without a schedule stays; a squared error without a factor is
 * taken whole. */
static const struct {
  const char *algo, *setting, *value;
} methods[] = {
    {"bc", "layers", "2"},
    {"bc", "hidden", "256"},
    {"bc", "actor-lr", "3e-4"},
    {"bc", "actor-schedule", "constant"},
    {"td3bc", "layers", "2"},
    {"td3bc", "hidden", "256"},
    {"td3bc", "actor-lr", "3e-4"},
    {"td3bc", "actor-schedule", "constant"},
    {"td3bc", "critic-lr", "3e-4"},
    {"td3bc", "critic-loss-weight", "1"},
    {"td3bc", "td3bc-alpha", "2.5"},
    {"td3bc", "policy-delay", "2"},
    {"td3bc", "policy-noise", "0.2"},
    {"td3bc", "noise-clip", "0.5"},
    {"iql", "layers", "2"},
    {"iql", "hidden", "256"},
    {"iql", "actor-lr", "3e-4"},
    {"iql", "actor-schedule", "cosine"},
    {"iql", "critic-lr", "3e-4"},
    {"iql", "critic-loss-weight", "1"},
    {"iql", "expectile", "0.7"},
    {"iql", "iql-beta", "3"},
    {"iql", "iql-reward-scale", "auto"},
    {"cql", "layers", "3"},
    {"cql", "hidden", "256"},
    {"cql", "actor-lr", "1e-4"},
    {"cql", "actor-schedule", "constant"},
    {"cql", "critic-lr", "3e-4"},
    {"cql", "cql-weight", "5"},
    {"cql", "cql-samples", "10"},
    {"brac-p", "actor-lr", "3e-5"},
    {"brac-p", "actor-schedule", "constant"},
    {"brac-p", "critic-lr", "1e-3"},
    {"brac-p", "critic-loss-weight", "1"},
    {"brac-p", "brac-alpha", "1"},
    {"brac-v", "actor-lr", "3e-5"},
    {"brac-v", "actor-schedule", "constant"},
    {"brac-v", "critic-lr", "1e-3"},
    {"brac-v", "critic-loss-weight", "1"},
    {"brac-v", "brac-alpha", "1"},
    {"bear", "layers", "2"},
    {"bear", "hidden", "256"},
    {"bear", "actor-lr", "1e-4"},
    {"bear", "actor-schedule", "constant"},
    {"bear", "critic-lr", "3e-4"},
    {"bear", "critic-loss-weight", "1"},
    {"bear", "vae-hidden", "750"},
    {"bear", "behaviour-lr", "3e-4"},
    {"bear", "bear-samples", "10"},
    {"bear", "bear-match", "10"},
    {"bear", "bear-threshold", "0.05"},
    {"bear", "bear-sigma", "20"},
    {"bear", "bear-lr", "1e-3"},
    {"bear", "bear-warmup", "40000"},
};

static void expect_updates(const char *algo, const char *preset, int updates)
{
  mopo_config c = resolved(algo, preset, "hopper", "medium");
  bool brac = strncmp(algo, "brac", 4) == 0; /* those of the behaviour policy come before them */
  assert_int_equal(
      c.epochs * c.updates_per_epoch - (brac ? config_int(&c, "behaviour-updates") : 0), updates);
}

/* Above either preset. */
static void methods_have_what_they_were_published_with(void **state)
{
  (void)state;
  static const char *const million[] = {"td3bc", "iql", "brac-p", "brac-v", "bear"};
  for (int p = 0; p < PUBLISHED; p++) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
      mopo_config c = resolved(methods[i].algo, presets[p], "hopper", "medium");
      expect(&c, methods[i].setting, methods[i].value);
    }
    expect_updates("bc", presets[p], 500000);
    for (size_t i = 0; i < sizeof million / sizeof *million; i++)
      expect_updates(million[i], presets[p], 1000000);
  }
}

/* MBPO is MOPO without the penalty. */
static void mbpo_is_unpenalised(void **state)
{
  (void)state;
  for (int p = 0; p < PUBLISHED; p++) {
    mopo_config mbpo = resolved("mbpo", presets[p], "hopper", "medium");
    mopo_config mopo = resolved("mopo", presets[p], "hopper", "medium");
    assert_true(config_real(&mbpo, "penalty-coef") == 0.0 &&
                config_real(&mopo, "penalty-coef") > 0.0);
    for (int i = 0; mopo_setting_at(i); i++) {
      const char *name = mopo_setting_at(i)->name;
      char value[1100];
      mopo_config_get(&mopo, name, value, sizeof value);
      if (strcmp(name, "algo") && strcmp(name, "penalty-coef")) expect(&mbpo, name, value);
    }
  }
}

/* ------------------------------------------------------------------ the paper's tables */

#define NOT_PRINTED ((double)NAN)

/* Scores on the D4RL sets: the mean, of mopo and mbpo the standard deviation as well. */
static const struct {
  const char *kind, *task;
  double bc, mopo[2], mbpo[2], sac, bear, brac_v;
} table1[] = {
    {"random", "halfcheetah", 2.1, {35.4, 2.5}, {30.7, 3.9}, 30.5, 25.5, 28.1},
    {"random", "hopper", 9.8, {11.7, 0.4}, {4.5, 6.0}, 11.3, 9.5, 12.0},
    {"random", "walker2d", 1.6, {13.6, 2.6}, {8.6, 8.1}, 4.1, 6.7, 0.5},
    {"medium", "halfcheetah", 36.1, {42.3, 1.6}, {28.3, 22.7}, -4.3, 38.6, 45.5},
    {"medium", "hopper", 29.0, {28.0, 12.4}, {4.9, 3.3}, 0.8, 47.6, 32.3},
    {"medium", "walker2d", 6.6, {17.8, 19.3}, {12.7, 7.6}, 0.9, 33.2, 81.3},
    {"medium-replay", "halfcheetah", 38.4, {53.1, 2.0}, {47.3, 12.6}, -2.4, 36.2, 45.9},
    {"medium-replay", "hopper", 11.8, {67.5, 24.7}, {49.8, 30.4}, 3.5, 25.3, 0.8},
    {"medium-replay", "walker2d", 11.3, {39.0, 9.6}, {22.2, 12.7}, 1.9, 10.8, 0.9},
    {"medium-expert", "halfcheetah", 35.8, {63.3, 38.0}, {9.7, 9.5}, 1.8, 51.7, 45.3},
    {"medium-expert", "hopper", 111.9, {23.7, 6.0}, {56.0, 34.5}, 1.6, 4.0, 0.8},
    {"medium-expert", "walker2d", 6.4, {44.6, 12.9}, {7.6, 3.7}, -0.1, 26.0, 66.6},
};

/* Returns on the tasks beyond the data: of the batch, then mean and standard deviation. */
static const struct {
  const char *task;
  double batch_mean, batch_max, mopo[2], mbpo[2], sac[2], bear[2], brac_p[2], brac_v[2];
} table2[] = {
    {"halfcheetah-jump",
     -1022.6,
     1808.6,
     {4016.6, 144},
     {2971.4, 1262},
     {-3588.2, 1436},
     {16.8, 60},
     {1069.9, 232},
     {871, 41}},
    {"ant-angle",
     866.7,
     2311.9,
     {2530.9, 137},
     {13.6, 66},
     {-966.4, 778},
     {1658.2, 16},
     {1806.7, 265},
     {2333, 139}},
};

static const paper_row *row_of(const paper_table *t, const char *task, const char *kind)
{
  for (int i = 0; i < t->n_rows; i++)
    if (!strcmp(t->rows[i].task, task) && !strcmp(t->rows[i].kind, kind)) return &t->rows[i];
  fail_msg("%s: no row %s-%s", t->name, task, kind);
  return NULL;
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static published cell_of(const char *table, const char *task, const char *kind, const char *column)
{
  const paper_table *t = paper_table_find(table);
  const paper_row *row = row_of(t, task, kind);
  for (int m = 0; m < t->n_methods; m++)
    if (!strcmp(t->methods[m].name, column)) return row->value[m];
  fail_msg("%s: no column %s", table, column);
  return row->value[0];
}

static void expect_cell(const char *table, const char *task, const char *kind, const char *column,
                        double mean, double spread)
{
  published got = cell_of(table, task, kind, column);
  if (!same(got.mean, mean) || !same(got.spread, spread))
    fail_msg("%s: %s-%s, %s: %g +- %g, want %g +- %g", table, task, kind, column, got.mean,
             got.spread, mean, spread);
}

static void table_1_is_as_printed(void **state)
{
  (void)state;
  const paper_table *t = paper_table_find("table1");
  int n = (int)(sizeof table1 / sizeof *table1);
  assert_int_equal(t->n_rows, n);
  assert_int_equal(t->n_methods, 6);
  for (int i = 0; i < n; i++) {
    const char *task = table1[i].task, *kind = table1[i].kind;
    expect_cell("table1", task, kind, "bc", table1[i].bc, NOT_PRINTED);
    expect_cell("table1", task, kind, "mopo", table1[i].mopo[0], table1[i].mopo[1]);
    expect_cell("table1", task, kind, "mbpo", table1[i].mbpo[0], table1[i].mbpo[1]);
    expect_cell("table1", task, kind, "sac", table1[i].sac, NOT_PRINTED);
    expect_cell("table1", task, kind, "bear", table1[i].bear, NOT_PRINTED);
    expect_cell("table1", task, kind, "brac-v", table1[i].brac_v, NOT_PRINTED);
  }
}

static void table_2_is_as_printed(void **state)
{
  (void)state;
  static const char kind[] = "full-replay";
  const paper_table *t = paper_table_find("table2");
  int n = (int)(sizeof table2 / sizeof *table2);
  assert_int_equal(t->n_rows, n);
  assert_int_equal(t->n_methods, 6);
  for (int i = 0; i < n; i++) {
    const char *task = table2[i].task;
    const published *batch = row_of(t, task, kind)->batch;
    assert_true(batch[0].mean == table2[i].batch_mean && batch[1].mean == table2[i].batch_max);
    expect_cell("table2", task, kind, "mopo", table2[i].mopo[0], table2[i].mopo[1]);
    expect_cell("table2", task, kind, "mbpo", table2[i].mbpo[0], table2[i].mbpo[1]);
    expect_cell("table2", task, kind, "sac", table2[i].sac[0], table2[i].sac[1]);
    expect_cell("table2", task, kind, "bear", table2[i].bear[0], table2[i].bear[1]);
    expect_cell("table2", task, kind, "brac-p", table2[i].brac_p[0], table2[i].brac_p[1]);
    expect_cell("table2", task, kind, "brac-v", table2[i].brac_v[0], table2[i].brac_v[1]);
  }
}

/* Of the columns that compare penalties the paper prints those of the other tables. */
static void the_ablation_repeats_them(void **state)
{
  (void)state;
  const paper_table *t = paper_table_find("ablation");
  for (int i = 0; i < t->n_rows; i++) {
    const paper_row *row = &t->rows[i];
    const char *from = paper_row_relabels(row) ? "table2" : "table1";
    const published *batch = row_of(paper_table_find(from), row->task, row->kind)->batch;
    for (int b = 0; b < 2; b++) assert_true(same(row->batch[b].mean, batch[b].mean));
    for (int m = 0; m < t->n_methods; m++) {
      const char *name = t->methods[m].name;
      published want = {NOT_PRINTED, NOT_PRINTED};
      if (!strcmp(name, "mopo") || !strcmp(name, "mbpo"))
        want = cell_of(from, row->task, row->kind, name);
      expect_cell("ablation", row->task, row->kind, name, want.mean, want.spread);
    }
  }
}

static bool has_column(const paper_table *t, const char *name)
{
  for (int m = 0; m < t->n_methods; m++)
    if (!strcmp(t->methods[m].name, name)) return true;
  return false;
}

/* Of the paper's tables or, with no number beside it, of the one that is made of the rest. */
static void every_algorithm_has_a_column(void **state)
{
  (void)state;
  paper_later l;
  const paper_table *later = paper_later_make(&l);
  for (int a = 0; config_algorithm_name(a); a++) {
    const char *name = config_algorithm_name(a);
    bool printed = has_column(paper_table_find("table1"), name) ||
                   has_column(paper_table_find("table2"), name);
    assert_int_equal(has_column(later, name), !printed);
  }
  assert_true(has_column(later, "td3bc") && has_column(later, "iql") && has_column(later, "cql"));
  assert_false(later->printed);
  for (int m = 0; m < later->n_methods; m++) {
    const method *c = &later->methods[m];
    assert_string_equal(c->settings[1], c->name);
    assert_int_equal(c->model, (config_algorithm(c->name)->reads & READS_MODEL) != 0);
  }
}

/* A column is of the method that stands above it. */
static void columns_run_their_methods(void **state)
{
  (void)state;
  static const char *const names[] = {"table1", "table2"};
  for (int i = 0; i < 2; i++) {
    const paper_table *t = paper_table_find(names[i]);
    for (int m = 0; m < t->n_methods; m++) {
      const method *c = &t->methods[m];
      assert_string_equal(c->settings[0], "algo");
      assert_string_equal(c->settings[1], c->name);
      assert_null(c->settings[2]);
      assert_int_equal(c->model, !strcmp(c->name, "mopo") || !strcmp(c->name, "mbpo"));
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_stand_between_the_published_returns),
      cmocka_unit_test(presets_are_the_published_ones),
      cmocka_unit_test(every_set_has_its_rollout_length_and_penalty),
      cmocka_unit_test(a_log_has_its_preset),
      cmocka_unit_test(methods_have_what_they_were_published_with),
      cmocka_unit_test(mbpo_is_unpenalised),
      cmocka_unit_test(table_1_is_as_printed),
      cmocka_unit_test(table_2_is_as_printed),
      cmocka_unit_test(the_ablation_repeats_them),
      cmocka_unit_test(every_algorithm_has_a_column),
      cmocka_unit_test(columns_run_their_methods),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
