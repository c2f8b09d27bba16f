/* test_samples.c - what a fit holds out it does not learn from. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model/samples.h"

enum { EPISODES = 20, LONGEST = 9, MEMBERS = 3 };

/* Episode e has 1 + e % LONGEST rows; the last row of every third one is blind. obs[0] is e. */
static mopo_dataset *recorded(void)
{
  mopo_dataset *d = NULL;
  mopo_error err;
  int64_t N = 0, i = 0;
  for (int e = 0; e < EPISODES; e++) N += 1 + e % LONGEST;
  assert_ok(dataset_create(&d, N, 1, 1, "recorded", &err), err);
  memset(d->rows, 0, (size_t)N * (size_t)d->at.width * sizeof(float));
  for (int e = 0; e < EPISODES; e++)
    for (int t = 0; t <= e % LONGEST; t++, i++) {
      d->rows[i * d->at.width] = (float)e;
      if (t < e % LONGEST) continue;
      d->timeouts[i] = 1;
      if (e % 3 == 0) d->blind[i] = 1, d->n_blind++;
    }
  dataset_mark_ends(d);
  return d;
}

static int episode_of(const mopo_dataset *d, uint32_t row) { return (int)*dataset_row(d, row); }

static void whole_episodes(void **state)
{
  (void)state;
  mopo_error err;
  samples s;
  mopo_dataset *d = recorded();
  assert_ok(samples_plan(&s, d, 0.125, 1, true, rng_seed(4), &err), err);
  assert_int_equal(s.held, 2);
  assert_int_equal(s.n_hold + s.n_train, d->N - d->n_blind);
  uint32_t *split = calloc((size_t)s.N, sizeof *split);
  uint32_t *index = calloc((size_t)(MEMBERS * s.n_train), sizeof *index);
  samples_draw(&s, split, index, MEMBERS);
  bool held[EPISODES] = {false}, seen[EPISODES] = {false};
  int n_held = 0, n_seen = 0;
  for (int64_t i = 0; i < s.n_hold; i++) held[episode_of(d, split[i])] = true;
  for (int e = 0; e < EPISODES; e++) n_held += held[e];
  assert_int_equal(n_held, 2);
  for (int64_t i = s.n_hold; i < s.N; i++) assert_false(held[episode_of(d, split[i])]);
  for (int64_t i = 0; i < MEMBERS * s.n_train; i++) {
    assert_false(held[episode_of(d, index[i])]);
    assert_false(d->blind[index[i]]);
    seen[episode_of(d, index[i])] = true;
  }
  for (int e = 0; e < EPISODES; e++) n_seen += seen[e];
  assert_true(n_seen > 10); /* of 18, three draws of about as many */
  /* The members' samples are not one and the same. */
  assert_memory_not_equal(index, index + s.n_train, (size_t)s.n_train * sizeof *index);
  free(split);
  free(index);
  samples_free(&s);
  mopo_dataset_free(d);
}

static void one_episode_is_cut_by_rows(void **state)
{
  (void)state;
  mopo_error err;
  samples s;
  mopo_dataset *d = NULL;
  assert_ok(dataset_create(&d, 10, 1, 1, "one", &err), err);
  memset(d->rows, 0, 10 * (size_t)d->at.width * sizeof *d->rows); /* no row is terminal */
  dataset_mark_ends(d);
  assert_ok(samples_plan(&s, d, 0.2, 100, true, rng_seed(4), &err), err);
  assert_true(s.n_hold == 2 && s.n_train == 8 && !s.episode);
  samples_free(&s);
  mopo_dataset_free(d);
}

static void too_few_rows(void **state)
{
  (void)state;
  mopo_error err;
  samples s;
  mopo_dataset *d = NULL;
  assert_ok(dataset_create(&d, 1, 1, 1, "short", &err), err);
  dataset_mark_ends(d);
  for (int by = 0; by < 2; by++) {
    assert_int_equal(samples_plan(&s, d, 0.2, 100, by, rng_seed(4), &err), MOPO_EDATA);
    assert_non_null(strstr(err.msg, "1 rows that say"));
  }
  mopo_dataset_free(d);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(whole_episodes),
                                     cmocka_unit_test(one_episode_is_cut_by_rows),
                                     cmocka_unit_test(too_few_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
