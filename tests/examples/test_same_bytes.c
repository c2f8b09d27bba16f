/* test_same_bytes.c - the example that learns from arrays makes the bytes that are learned from
 * files: the same rows, the same rules in a task file, the same settings and seed. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define main example_main
#include "../../examples/from_memory.c"
#undef main

static const char DATA[] = "cart.npz", TASK[] = "cart.ini", RUN[] = "cart_run";

static void write_task(void)
{
  FILE *f = fopen(TASK, "w");
  assert_non_null(f);
  fputs("[task]\nname = cart\nobservations = x, v\nactions = force\nhorizon = 40\n"
        "terminal = x > 2 || x < -2\n"
        "reward = 1.0 - next.x*next.x - 0.1*force*force\n",
        f);
  fclose(f);
}

static void set(mopo_config *c, const char *name, const char *value)
{
  mopo_error err;
  assert_ok(mopo_config_set(c, name, value, &err), err);
}

static void remove_run(void)
{
  char path[200];
  for (int i = 0; mopo_run_file((mopo_run_part)i); i++) {
    snprintf(path, sizeof path, "%s/%s", RUN, mopo_run_file((mopo_run_part)i));
    unlink(path);
  }
}

/* The rows and the task as files. */
static void write_files(const recording *r)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  write_task();
  assert_ok(mopo_dataset_from_arrays(&d, ROWS, S, A, r->obs, r->act, r->rew, r->next, r->terminal,
                                     r->timeout, &err),
            err);
  assert_ok(mopo_dataset_save(d, DATA, &err), err);
  mopo_dataset_free(d);
}

/* Learned by what is in the header, from what was read. */
static void by_reading(mopo_config *c)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  mopo_task *task = NULL;
  assert_ok(mopo_task_load(&task, TASK, &err), err);
  assert_ok(mopo_dataset_load(&d, DATA, task, &err), err);
  assert_ok(mopo_learn(NULL, NULL, d, task, NULL, c, RUN, NULL, NULL, NULL, &err), err);
  mopo_dataset_free(d);
  mopo_task_free(task);
}

/* Learned by the one call that reads what the settings name. */
static void by_settings(mopo_config *c)
{
  mopo_error err;
  mopo_train_result result;
  set(c, "data", DATA), set(c, "task", TASK), set(c, "out", RUN);
  assert_ok(mopo_train(&result, c, false, NULL, &err), err);
}

#ifdef MOPO_PROGRAM
/* Learned by `mopo train`, with the settings as options. */
static void by_program(mopo_config *c)
{
  char command[4096];
  (void)c;
  int n = snprintf(command, sizeof command, "'%s' train --quiet --data %s --task %s --out %s",
                   MOPO_PROGRAM, DATA, TASK, RUN);
  for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
    n += snprintf(command + n, sizeof command - (size_t)n, " --%s %s", SETTINGS[i][0],
                  SETTINGS[i][1]);
  assert_true((size_t)n < sizeof command);
  assert_int_equal(system(command), 0);
}
#endif

/* The policy of a run that was learned in that way has the bytes of `memory`. */
static void assert_same_bytes(mopo_policy *memory, void (*way)(mopo_config *c))
{
  mopo_error err;
  mopo_policy *file = NULL;
  void *a = NULL, *b = NULL;
  size_t n = 0, m = 0;
  char path[200];
  mopo_config *c = mopo_config_create();
  assert_non_null(c);
  for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++)
    set(c, SETTINGS[i][0], SETTINGS[i][1]);
  remove_run();
  way(c);
  snprintf(path, sizeof path, "%s/%s", RUN, mopo_run_file(MOPO_RUN_POLICY));
  assert_ok(mopo_policy_load(&file, path, &err), err);
  float obs[2 * S] = {0.5f, 0.1f, -1.5f, 0.3f}, x[2 * A], y[2 * A];
  mopo_policy_act(memory, x, obs, 2), mopo_policy_act(file, y, obs, 2);
  assert_memory_equal(x, y, sizeof x);
  assert_ok(mopo_policy_to_bytes(&a, &n, memory, &err), err);
  assert_ok(mopo_policy_to_bytes(&b, &m, file, &err), err);
  assert_int_equal(n, m);
  assert_memory_equal(a, b, n);
  mopo_bytes_free(a), mopo_bytes_free(b);
  mopo_policy_free(file);
  mopo_config_free(c);
}

static void the_bytes_of_files(void **state)
{
  (void)state;
  mopo_error err;
  mopo_policy *memory = NULL;
  recording *r = calloc(1, sizeof *r);
  assert_non_null(r);
  record(r);
  assert_ok(learn(&memory, r, &err), err);
  write_files(r);
  assert_same_bytes(memory, by_reading);
  assert_same_bytes(memory, by_settings);
#ifdef MOPO_PROGRAM
  assert_same_bytes(memory, by_program);
#endif
  mopo_policy_free(memory);
  free(r);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_bytes_of_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
