/* test_config.c - settings by name, as files, and resolved. */
#include "check.h"
#include "config/config.h"
#include "io/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char path[] = "test_config.tmp";

static void write_text(const char *text)
{
  mopo_error err;
  assert_ok(file_write(path, text, strlen(text), &err), err);
}

static void expect_refused(const char *name, const char *value, const char *message)
{
  mopo_config c = config_default(), before = c;
  mopo_error err = {0};
  assert_int_equal(mopo_config_set(&c, name, value, &err), MOPO_EINVAL);
  if (!strstr(err.msg, message)) fail_msg("'%s', want '%s'", err.msg, message);
  assert_memory_equal(&c, &before, sizeof c);
}

static void expect_load_refused(const char *text, mopo_status code, const char *message)
{
  mopo_config c = config_default(), before = c;
  mopo_error err = {0};
  write_text(text);
  assert_int_equal(mopo_config_load(&c, path, &err), code);
  if (!strstr(err.msg, message)) fail_msg("'%s', want '%s'", err.msg, message);
  assert_memory_equal(&c, &before, sizeof c);
}

/* Every field has its row, and no two rows share bytes. */
static void test_the_table_covers_the_struct(void **state)
{
  (void)state;
  unsigned char owner[offsetof(mopo_config, own)] = {0};
  int n = 0;
  for (const mopo_setting *s; (s = mopo_setting_at(n)); n++) {
    char values[400];
    mopo_setting_values(values, sizeof values, s);
    assert_int_equal(config_index(s->name), n);
    assert_true(*s->help && *s->verbs && *values);
    assert_true(strlen(s->help) <= 60);
    for (size_t k = 0; k < s->size; k++) {
      assert_int_equal(owner[s->offset + k], 0);
      owner[s->offset + k] = 1;
    }
  }
  assert_in_range(n, 1, SETTINGS_MAX - 1);
  size_t orphans = 0; /* only padding before an aligned number may be nobody's */
  for (size_t k = 0; k < sizeof owner; k++) {
    orphans = owner[k] ? 0 : orphans + 1;
    assert_true(orphans < 8);
  }
}

/* Whoever compares runs asks this column: what is not named here decides the result. */
static void test_what_settings_decide(void **state)
{
  (void)state;
  static const struct {
    const char *name;
    mopo_decides decides;
  } others[] = {{"data", MOPO_DECIDES_PLACE},          {"out", MOPO_DECIDES_PLACE},
                {"model", MOPO_DECIDES_PLACE},         {"threads", MOPO_DECIDES_MACHINE},
                {"eval-every", MOPO_DECIDES_WATCHING}, {"checkpoint-every", MOPO_DECIDES_MACHINE}};
  for (int i = 0; mopo_setting_at(i); i++) {
    mopo_decides want = MOPO_DECIDES_RESULT;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
      if (!strcmp(mopo_setting_name(mopo_setting_at(i)), others[k].name)) want = others[k].decides;
    assert_int_equal(mopo_setting_decides(mopo_setting_at(i)), want);
  }
}

static void test_defaults_are_accepted(void **state)
{
  (void)state;
  mopo_config c = config_default();
  mopo_error err;
  char value[1100];
  for (int i = 0; mopo_setting_at(i); i++) {
    mopo_config_get(&c, mopo_setting_at(i)->name, value, sizeof value);
    assert_ok(mopo_config_set(&c, mopo_setting_at(i)->name, value, &err), err);
    assert_int_equal(c.marked[i], 1);
  }
}

static void test_refusals(void **state)
{
  (void)state;
  expect_refused("epoch", "3", "unknown setting 'epoch', did you mean 'epochs'?");
  expect_refused("penalty-coeff", "3", "'penalty-coef'");
  expect_refused("", "3", "unknown setting");
  expect_refused("epochs", "", "whole number");
  expect_refused("epochs", "3.5", "epochs = '3.5', want a whole number or auto");
  expect_refused("epochs", " 3", "whole number");
  expect_refused("epochs", "0", "from 1 to 1000000000");
  expect_refused("batch-size", "99999999999999999999", "from 1 to 1000000");
  expect_refused("batch-size", "auto", "batch-size = 'auto', want a whole number");
  expect_refused("seed", "-1", "0 or more");
  expect_refused("seed", "18446744073709551616", "seed");
  expect_refused("gamma", "1.5", "from 0 to 1");
  expect_refused("gamma", "nan", "a number");
  expect_refused("gamma", "0.9x", "a number");
  expect_refused("tau", "inf", "from 0 to 1");
  expect_refused("algo", "mop", "want bc|bear|brac-p|");
  expect_refused("algo", "mopo|mbpo", "want bc|bear|brac-p|");
  expect_refused("init", "", "want glorot|fan-in or auto");
  expect_refused("data", "a\nb", "control characters");
  expect_refused("data", "a ;b", "' ;'");
  expect_refused("data", "a ", "blanks at the ends");
  expect_refused("data", " a", "blanks at the ends");
  expect_refused("data", ";a", "' ;'");
  expect_refused("data", "a\x7f", "control characters");
  expect_refused("gamma", "-0.5", "from 0 to 1");
  expect_refused("gamma", "", "a number");
  expect_refused("seed", "", "0 or more");
  expect_refused("seed", "3x", "0 or more");
  expect_refused("steps", "0", "from 1 to");
  expect_refused("steps", "99999999999999999999", "from 1 to");
  char longer[1100];
  memset(longer, 'p', sizeof longer);
  longer[1024] = 0;
  expect_refused("out", longer, "less than 1024 bytes");
}

static void test_numbers_keep_their_bits(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default(), d = c;
  char value[64];
  uint64_t x = 88172645463325252u; /* xorshift */
  for (int i = 0; i < 20000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c.gamma = (double)(x >> 11) / 9007199254740992.0;
    if (i % 2) c.gamma = ldexp(c.gamma, -(int)(x % 1000)); /* small ones too */
    mopo_config_get(&c, "gamma", value, sizeof value);
    assert_ok(mopo_config_set(&d, "gamma", value, &err), err);
    assert_memory_equal(&c.gamma, &d.gamma, sizeof c.gamma);
  }
  c.gamma = 0.1;
  mopo_config_get(&c, "gamma", value, sizeof value);
  assert_string_equal(value, "0.1");
}

static void test_auto(void **state)
{
  (void)state;
  mopo_error err;
  char value[64];
  mopo_config c = config_default();
  static const char *const names[] = {"epochs",    "rollout-length", "penalty-coef",
                                      "actor-lr",  "init",           "real-ratio",
                                      "alpha-max", "physics",        "target-entropy"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    mopo_config_get(&c, names[i], value, sizeof value);
    assert_string_equal(value, "auto");
  }
  assert_ok(mopo_config_set(&c, "epochs", "7", &err), err);
  assert_ok(mopo_config_set(&c, "epochs", "auto", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  assert_int_equal(c.epochs, 3000);
}

static void test_save_and_load(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  memset(c.data, 'd', sizeof c.data - 1);
  memset(c.out, 'o', sizeof c.out - 1);
  c.seed = UINT64_MAX;
  c.alpha_max = INFINITY;
  snprintf(c.model, sizeof c.model, "a b;c = #d:e");
  assert_ok(mopo_config_resolve(&c, "walker2d", "medium-expert", 6, &err), err);
  assert_ok(mopo_config_save(&c, path, &err), err);

  mopo_config d = config_default();
  assert_ok(mopo_config_load(&d, path, &err), err);
  for (int i = 0; mopo_setting_at(i); i++)
    assert_int_equal(d.marked[i], mopo_setting_read_by(mopo_setting_at(i), "train"));
  memset(d.marked, 0, sizeof d.marked);
  assert_memory_equal(&c, &d, sizeof c);
}

/* Files of old, and those that verbs share, also hold what other verbs read. */
static void test_settings_of_other_verbs_are_read(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  write_text("[mopo]\nseed = 3\nkind = expert\nwidth = 64\nfps = 10\nsteps = 123456789012\n");
  assert_ok(mopo_config_load(&c, path, &err), err);
  assert_int_equal(c.seed, 3);
  assert_int_equal(c.steps, 123456789012);
  assert_string_equal(mopo_config_text(&c, "kind"), "expert");
}

static void test_as_a_caller_uses_it(void **state)
{
  (void)state;
  mopo_error err;
  char value[64];
  mopo_config *c = mopo_config_create();
  assert_non_null(c);
  assert_string_equal(mopo_config_text(c, "algo"), "mopo");
  assert_false(mopo_config_is_set(c, "algo"));
  assert_ok(mopo_config_set(c, "algo", "sac", &err), err);
  mopo_config *copy = mopo_config_copy(c);
  assert_non_null(copy);
  assert_ok(mopo_config_set(c, "algo", "bc", &err), err);
  assert_string_equal(mopo_config_text(copy, "algo"), "sac");
  assert_true(mopo_config_is_set(copy, "algo"));
  assert_ok(mopo_config_resolve(c, "hopper", "medium", 3, &err), err);
  mopo_config_get(c, "epochs", value, sizeof value);
  assert_string_equal(value, "500");
  assert_true(mopo_setting_read_by(mopo_setting_at(0), "train"));
  assert_string_equal(mopo_setting_name(mopo_setting_at(0)), "data");
  mopo_config_free(copy);
  mopo_config_free(c);
  mopo_config_free(NULL);
}

static void test_the_command_line_wins(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_set(&c, "seed", "5", &err), err);
  c.hidden = 32;
  config_mark(&c, "hidden");
  write_text("\xef\xbb\xbf; a comment\n# another\n[mopo]\r\n  seed = 9\n\thidden=64\r\n"
             "gamma = 0.5 ; why\nalgo: sac\n\nmodel =\ntask = hopper");
  assert_ok(mopo_config_load(&c, path, &err), err);
  assert_int_equal(c.seed, 5);
  assert_int_equal(c.hidden, 32);
  assert_true(c.gamma == 0.5);
  assert_string_equal(c.algo, "sac");
  assert_string_equal(c.task, "hopper");
}

static void test_bad_files_name_the_line(void **state)
{
  (void)state;
  expect_load_refused("[mopo]\nseed = 3\nepoch = 4\n", MOPO_EINVAL,
                      "test_config.tmp:3: unknown setting 'epoch', did you mean 'epochs'?");
  expect_load_refused("[mopo]\n\n\ngamma = 2\nseed = x\n", MOPO_EINVAL, ".tmp:4: gamma = '2'");
  expect_load_refused("[mopo]\nseed\ngamma = 2\n", MOPO_EFORMAT, ".tmp:2: want 'name = value'");
  expect_load_refused("[mopo\nseed = 1\n", MOPO_EFORMAT, ".tmp:1: want 'name = value'");
  expect_load_refused("[other]\nseed = 1\n", MOPO_EFORMAT, ".tmp:2: 'seed' is in section [other]");
  expect_load_refused("seed = 1\n", MOPO_EFORMAT, "want [mopo]");
  expect_load_refused("[mopo]\n seed: x\n", MOPO_EINVAL, ".tmp:2: seed = 'x'");
  expect_load_refused("[mopo]\nseed = 1\nseed = 1\n", MOPO_EFORMAT,
                      ".tmp:3: 'seed' is given twice");
  mopo_config c = config_default();
  mopo_error err;
  assert_ok(file_write(path, "[mopo]\0", 7, &err), err);
  assert_int_equal(mopo_config_load(&c, path, &err), MOPO_EFORMAT);
  assert_int_equal(mopo_config_load(&c, "no/such.ini", &err), MOPO_EIO);
}

static void test_presets(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_resolve(&c, "halfcheetah", "medium-replay", 6, &err), err);
  assert_true(c.actor_lr == 1e-4 && c.critic_lr == 3e-4 && c.alpha_lr == 1e-4);
  assert_true(c.alpha_init == 1 && c.alpha_max == 1 && c.target_entropy == -6);
  assert_true(c.log_std_min == -5 && c.log_std_max == 2 && c.critic_loss_weight == 1);
  assert_true(config_int(&c, "rollout-length") == 5 && config_real(&c, "penalty-coef") == 0.5 &&
              config_real(&c, "real-ratio") == 0.05);
  assert_int_equal(c.epochs, 3000);
  assert_string_equal(c.actor_schedule, "cosine");
  assert_string_equal(c.init, "fan-in");
  assert_string_equal(c.update_order, "critic-first");
  assert_string_equal(c.physics, "d4rl");
  mopo_config again = c;
  assert_ok(mopo_config_resolve(&again, "halfcheetah", "medium-replay", 6, &err), err);
  assert_memory_equal(&again, &c, sizeof c);

  c = config_default();
  assert_ok(mopo_config_set(&c, "preset", "paper", &err), err);
  assert_ok(mopo_config_set(&c, "actor-lr", "0.001", &err), err);
  assert_ok(mopo_config_resolve(&c, "walker2d", "medium-expert", 6, &err), err);
  assert_true(c.actor_lr == 1e-3 && c.critic_lr == 3e-4 && c.alpha_lr == 3e-4);
  assert_true(c.alpha_max == INFINITY && c.target_entropy == -3 && c.log_std_min == -20);
  assert_true(c.critic_loss_weight == 0.5 && config_int(&c, "rollout-length") == 1 &&
              config_real(&c, "penalty-coef") == 2);
  assert_int_equal(c.epochs, 1000);
  assert_string_equal(c.actor_schedule, "constant");
  assert_string_equal(c.init, "glorot");
  assert_string_equal(c.update_order, "joint");
}

static void test_what_algorithms_imply(void **state)
{
  (void)state;
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_resolve(&c, "", "", 2, &err), err);
  assert_true(config_int(&c, "rollout-length") == 5 && config_real(&c, "penalty-coef") == 1);

  c = config_default();
  assert_ok(mopo_config_set(&c, "algo", "mbpo", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  assert_true(config_real(&c, "penalty-coef") == 0 && config_real(&c, "real-ratio") == 0.05);

  c = config_default();
  assert_ok(mopo_config_set(&c, "penalty", "none", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  assert_true(config_real(&c, "penalty-coef") == 0);

  c = config_default();
  assert_ok(mopo_config_set(&c, "algo", "sac", &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  assert_true(config_real(&c, "real-ratio") == 1);
}

static void expect_first_updates(const char *algo, const char *epochs, int behaviour, int warmup)
{
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_set(&c, "algo", algo, &err), err);
  assert_ok(mopo_config_set(&c, "epochs", epochs, &err), err);
  assert_ok(mopo_config_resolve(&c, "hopper", "medium", 3, &err), err);
  assert_int_equal(config_int(&c, "behaviour-updates"), behaviour);
  assert_int_equal(config_int(&c, "bear-warmup"), warmup);
}

/* As published in a run of the published length, the same share of any other; 0 is auto. */
static void test_first_updates(void **state)
{
  (void)state;
  expect_first_updates("brac-p", "auto", 300000, 0);
  expect_first_updates("brac-v", "auto", 300000, 0);
  expect_first_updates("brac-v", "100", 23076, 0);
  expect_first_updates("bear", "auto", 0, 40000);
  expect_first_updates("bear", "20", 0, 800);
  expect_first_updates("mopo", "20", 0, 0);
  expect_first_updates("brac-p", "1000000000", 230769230, 0);
}

static void expect_conflict(const char *a, const char *x, const char *b, const char *y)
{
  mopo_error err;
  mopo_config c = config_default();
  assert_ok(mopo_config_set(&c, a, x, &err), err);
  assert_ok(mopo_config_set(&c, b, y, &err), err);
  assert_int_equal(mopo_config_resolve(&c, "hopper", "medium", 3, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, b));
}

static void test_conflicts(void **state)
{
  (void)state;
  expect_conflict("members", "3", "elites", "4");
  expect_conflict("log-std-max", "-1", "log-std-min", "-1");
  expect_conflict("algo", "mbpo", "penalty-coef", "1");
  expect_conflict("algo", "sac", "penalty-coef", "1");
  expect_conflict("penalty", "none", "penalty-coef", "1");
  /* runs whose policy would never begin to learn: 1300 and 1000 epochs of 1000 updates */
  expect_conflict("algo", "brac-p", "behaviour-updates", "1300000");
  expect_conflict("algo", "bear", "bear-warmup", "1000000");
  expect_conflict("algo", "sac", "real-ratio", "0.5");
  expect_conflict("seed", "1", "gamma", "1");
  expect_conflict("alpha-max", "1", "alpha-init", "2");
  mopo_error err;
  mopo_config c = config_default();
  c.batch_size = -4; /* set by hand, out of range */
  assert_int_equal(mopo_config_resolve(&c, "hopper", "medium", 3, &err), MOPO_EINVAL);
  assert_non_null(strstr(err.msg, "batch-size = '-4'"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_table_covers_the_struct),
      cmocka_unit_test(test_what_settings_decide),
      cmocka_unit_test(test_defaults_are_accepted),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_numbers_keep_their_bits),
      cmocka_unit_test(test_auto),
      cmocka_unit_test(test_save_and_load),
      cmocka_unit_test(test_settings_of_other_verbs_are_read),
      cmocka_unit_test(test_as_a_caller_uses_it),
      cmocka_unit_test(test_the_command_line_wins),
      cmocka_unit_test(test_bad_files_name_the_line),
      cmocka_unit_test(test_presets),
      cmocka_unit_test(test_what_algorithms_imply),
      cmocka_unit_test(test_first_updates),
      cmocka_unit_test(test_conflicts),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
