/* test_threads.c - files are written in some threads of a process and read in others, at once. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { ROWS = 400, ROUNDS = 25, SAVERS = 2, LOADERS = 3 };

static atomic_int wrong;

static mopo_dataset *made(void)
{
  static float obs[ROWS * 2], act[ROWS], rew[ROWS], next[ROWS * 2];
  static unsigned char terminal[ROWS], timeout[ROWS];
  for (int i = 0; i < ROWS; i++) {
    obs[2 * i] = rew[i] = (float)i;
    act[i] = (float)i / ROWS;
    timeout[i] = i % 50 == 49;
  }
  mopo_dataset *d = NULL;
  mopo_error e = {0};
  assert_ok(mopo_dataset_from_arrays(&d, ROWS, 2, 1, obs, act, rew, next, terminal, timeout, &e),
            e);
  return d;
}

typedef struct saving {
  char path[40];
  const mopo_dataset *d;
} saving;

static void *save(void *ctx)
{
  const saving *job = ctx;
  mopo_error e = {0};
  for (int i = 0; i < ROUNDS; i++)
    if (mopo_dataset_save(job->d, job->path, &e) != MOPO_OK) {
      fprintf(stderr, "%s\n", e.msg);
      wrong++;
    }
  return NULL;
}

static void *load(void *path)
{
  for (int i = 0; i < ROUNDS; i++) {
    mopo_dataset *d = NULL;
    mopo_error e = {0};
    if (mopo_dataset_load(&d, path, NULL, &e) != MOPO_OK || mopo_dataset_rows(d) != ROWS) {
      fprintf(stderr, "%s\n", e.msg);
      wrong++;
    }
    mopo_dataset_free(d);
  }
  return NULL;
}

static void savers_and_loaders(void **state)
{
  (void)state;
  static saving jobs[SAVERS];
  static char steady[] = "steady.hdf5";
  mopo_error e = {0};
  mopo_dataset *d = made();
  pthread_t thread[SAVERS + LOADERS];
  assert_ok(mopo_dataset_save(d, steady, &e), e);
  for (int i = 0; i < SAVERS; i++) {
    snprintf(jobs[i].path, sizeof jobs[i].path, "saved_%d.hdf5", i);
    jobs[i].d = d;
    assert_int_equal(pthread_create(&thread[i], NULL, save, &jobs[i]), 0);
  }
  for (int i = 0; i < LOADERS; i++)
    assert_int_equal(pthread_create(&thread[SAVERS + i], NULL, load, steady), 0);
  for (int i = 0; i < SAVERS + LOADERS; i++) pthread_join(thread[i], NULL);
  assert_int_equal(wrong, 0);
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(savers_and_loaders)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
