/* test_sweep.c - a sweep file: its lists and ranges, the runs that they come to, their names, the
 * ensembles that they share. */
#include "check.h"
#include "config/config.h"
#include "config/sweep.h"
#include "io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char FILE_NAME[] = "sweep_test.ini", DATA[] = SOURCE_DIR "/README.md";

/* The sweep of "[sweep]", data, task = none and these lines; NULL: refused. */
static mopo_sweep *sweep_of(const char *lines, mopo_error *err)
{
  char text[8192];
  mopo_sweep *s = NULL;
  int n = snprintf(text, sizeof text, "[sweep]\ndata = %s\ntask = none\n%s", DATA, lines);
  assert_ok(file_write(FILE_NAME, text, (size_t)n, err), *err);
  mopo_status st = mopo_sweep_load(&s, FILE_NAME, "runs", err);
  assert_int_equal(st == MOPO_OK, s != NULL);
  return s;
}

/* names: in their order, each after a blank. */
static void expect_units(const char *lines, const char *names)
{
  mopo_error err;
  mopo_sweep_unit u;
  char all[8192] = "";
  mopo_sweep *s = sweep_of(lines, &err);
  if (!s) fail_msg("%s: %s", lines, err.msg);
  for (int i = 0; mopo_sweep_unit_at(&u, s, i); i++)
    snprintf(all + strlen(all), sizeof all - strlen(all), " %s", u.name);
  assert_string_equal(all, names);
  mopo_sweep_free(s);
}

static void expect_refused(const char *lines, const char *why)
{
  mopo_error err = {0};
  assert_null(sweep_of(lines, &err));
  if (!strstr(err.msg, why)) fail_msg("'%s', want '%s'", err.msg, why);
}

static void what_varies_names_the_runs(void **state)
{
  (void)state;
  expect_units("algo = bc\n", " run");
  expect_units("seed = 0 .. 2\nalgo = bc, td3bc\n",
               " bc/seed-0 td3bc/seed-0 bc/seed-1 td3bc/seed-1 bc/seed-2 td3bc/seed-2");
  expect_units("algo = bc\nhidden = 8, 16\n", " hidden-8 hidden-16");
  expect_units("algo = bc\nseed = 7, 1 .. 2\n", " seed-7 seed-1 seed-2");
}

/* Only for the algorithms that read it; the others have one run, with its first value. */
static void what_is_not_read_does_not_multiply(void **state)
{
  (void)state;
  expect_units("algo = td3bc, mopo\nmodel = /\npenalty-coef = 1, 2\n",
               " td3bc mopo/penalty-coef-1 mopo/penalty-coef-2");
  expect_refused("algo = td3bc\npenalty-coef = 1, 2\n",
                 "penalty-coef: no algorithm of this sweep reads it");
}

static void runs_share_ensembles(void **state)
{
  (void)state;
  mopo_error err;
  mopo_sweep_unit u, m;
  mopo_sweep *s = sweep_of("algo = mopo\nseed = 0 .. 1\npenalty-coef = 1, 2\n", &err);
  assert_non_null(s);
  static const char *const names[] = {"models/seed-0",         "models/seed-1",
                                      "penalty-coef-1/seed-0", "penalty-coef-2/seed-0",
                                      "penalty-coef-1/seed-1", "penalty-coef-2/seed-1"};
  for (int i = 0; i < 6; i++) {
    assert_true(mopo_sweep_unit_at(&u, s, i));
    assert_string_equal(u.name, names[i]);
    assert_int_equal(u.model, i < 2);
    assert_int_equal(u.needs, i < 2 ? -1 : (i - 2) / 2);
    if (u.model) continue;
    assert_true(mopo_sweep_unit_at(&m, s, u.needs));
    assert_string_equal(mopo_config_text(u.config, "model"), mopo_config_text(m.config, "out"));
  }
  assert_false(mopo_sweep_unit_at(&u, s, 6));
  assert_false(mopo_sweep_unit_at(&u, s, -1));
  mopo_sweep_free(s);
  /* alone, a run fits its own */
  expect_units("algo = mopo\nseed = 0 .. 1\n", " seed-0 seed-1");
}

/* Two files of one name do not share a directory. */
static void same_names_are_told_apart(void **state)
{
  (void)state;
  mopo_error err;
  mopo_sweep *s = NULL;
  mopo_sweep_unit u;
  static const char text[] = "[sweep]\ndata = " SOURCE_DIR "/README.md, " SOURCE_DIR
                             "/tests/oracle/README.md\ntask = none\nalgo = bc\n";
  assert_ok(file_write(FILE_NAME, text, sizeof text - 1, &err), err);
  assert_ok(mopo_sweep_load(&s, FILE_NAME, "runs", &err), err);
  assert_true(mopo_sweep_unit_at(&u, s, 0));
  assert_string_equal(u.name, "README");
  assert_true(mopo_sweep_unit_at(&u, s, 1));
  assert_string_equal(u.name, "README-2");
  assert_string_equal(mopo_config_text(u.config, "out"), "runs/README-2");
  mopo_sweep_free(s);
}

static void what_is_saved_is_the_same_sweep(void **state)
{
  (void)state;
  mopo_error err;
  mopo_sweep_unit u, v;
  const char *value = NULL;
  mopo_sweep *back = NULL, *s = sweep_of("algo = mopo, bc\nseed = 0 .. 3\npenalty-coef = 0.5, 1\n"
                                         "[slurm]\npartition = cpu\ntime = 02:00:00\n",
                                         &err);
  assert_non_null(s);
  assert_ok(mopo_sweep_save(s, FILE_NAME, &err), err);
  assert_ok(mopo_sweep_load(&back, FILE_NAME, "runs", &err), err);
  int n = 0;
  for (; mopo_sweep_unit_at(&u, s, n); n++) {
    assert_true(mopo_sweep_unit_at(&v, back, n));
    assert_string_equal(u.name, v.name);
    assert_int_equal(u.needs, v.needs);
  }
  assert_int_equal(n, 4 + 8 + 4);
  assert_false(mopo_sweep_unit_at(&v, back, n));
  assert_string_equal(mopo_sweep_key(back, 0), "algo");
  assert_string_equal(mopo_sweep_key(back, 2), "penalty-coef");
  assert_null(mopo_sweep_key(back, 3));
  assert_string_equal(mopo_sweep_option(back, 1, &value), "time");
  assert_string_equal(value, "02:00:00");
  mopo_sweep_free(s);
  mopo_sweep_free(back);
}

static void what_cannot_be_is_refused(void **state)
{
  (void)state;
  expect_refused("seed = 1, 1\n", "seed: '1' is given twice");
  expect_refused("seed = 0 .. 3, 2\n", "seed: '2' is given twice");
  expect_refused("seed = 3 .. 1\n", "want first .. last");
  expect_refused("seed = 0 .. 10000\n", "at most 10000 values");
  expect_refused("seed = 1,,2\n", "an empty value");
  expect_refused("seed = 1 ..\n", "seed = '1 ..', want a whole number");
  expect_refused("gamma = 0.9\ngamma = 0.8\n", "gamma");
  expect_refused("gama = 0.9\n", "did you mean 'gamma'");
  expect_refused("out = here\n", "a sweep names its runs itself");
  expect_refused("[slurm]\nUP = 1\n", "no option of sbatch");
  /* before memory is taken for them */
  expect_refused("algo = bc\nseed = 0 .. 9999\nhidden = 1 .. 11\n",
                 "sweep: 110000 combinations, want at most 100000");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_varies_names_the_runs),
      cmocka_unit_test(what_is_not_read_does_not_multiply),
      cmocka_unit_test(runs_share_ensembles),
      cmocka_unit_test(same_names_are_told_apart),
      cmocka_unit_test(what_is_saved_is_the_same_sweep),
      cmocka_unit_test(what_cannot_be_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
