/* test_verdict.c - exam, interval and verdict by hand; policies of two machines judged from their
 * logs alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ope/league.h"
#include "ope/stretches.h"
#include "ope/verdict.h"

enum { MEMBERS = 7, N = 10 };

/* Member k is wrong by bad[k] everywhere. */
static void fill(double *D, const double *bad)
{
  for (int k = 0; k < MEMBERS; k++)
    for (int i = 0; i < N; i++) D[k * N + i] = bad[k] + 0.1 * (i % 2);
}

static void bad_members_are_dropped(void **state)
{
  (void)state;
  double D[MEMBERS * N], R[N];
  exam e;
  for (int i = 0; i < N; i++) R[i] = i % 2 ? 1.0 : -1.0; /* sd 1 */
  fill(D, (double[]){0, -5, 3, -1.9, -2.5, 0, 0});
  exam_take(&e, D, R, MEMBERS, N);
  assert_true(e.sd == 1.0);
  assert_int_equal(e.kept, 5);
  assert_memory_equal(e.keep, ((int[]){0, 2, 3, 5, 6}), 5 * sizeof(int));
  assert_true(fabs(e.clone - (3.0 - 1.9 + 5 * 0.05) / 5.0) < 1e-12);
  fill(D, (double[]){-9, -5, -8, -6, -7, -4, -3}); /* none can: the best four stay */
  exam_take(&e, D, R, MEMBERS, N);
  assert_memory_equal(e.keep, ((int[]){1, 3, 5, 6}), 4 * sizeof(int));
}

static void interval_by_hand(void **state)
{
  (void)state;
  double D[MEMBERS * N];
  int keep[] = {1, 4};
  interval d;
  fill(D, (double[]){100, 1, 100, 100, 3, 100, 100});
  interval_of(&d, D, keep, 2, N, rng_seed(1));
  assert_true(fabs(d.mean - 2.05) < 1e-12);
  /* Two members, drawn twice: their mean is 1, 2 or 3, and 1 and 3 come in a quarter each. */
  assert_true(d.low > 0.99 && d.low < 1.11 && d.high > 2.99 && d.high < 3.11);
}

static mopo_estimate given(double low, double high, double clone, double outside)
{
  mopo_estimate out = {.size = sizeof out};
  exam e = {.members = 7, .kept = 7, .sd = 10.0, .clone = clone};
  verdict_give(&out, &(interval){(low + high) / 2, low, high}, &e, outside);
  assert_true(out.n_reasons >= 1);
  return out;
}

static void verdicts(void **state)
{
  (void)state;
  assert_int_equal(given(1, 3, 0, 0.1).verdict, MOPO_VERDICT_BETTER);
  mopo_estimate far = given(1, 3, 0, 0.6);
  assert_int_equal(far.verdict, MOPO_VERDICT_UNKNOWN);
  assert_non_null(strstr(far.reasons[0], "60 % of the imagined states"));
  assert_int_equal(given(-3, -1, 0, 0.6).verdict, MOPO_VERDICT_NOT_BETTER);
  mopo_estimate holds = given(-3, 1, 0, 0.1);
  assert_int_equal(holds.verdict, MOPO_VERDICT_UNKNOWN);
  assert_non_null(strstr(holds.reasons[0], "between -3 and 1"));
  /* The clone of the log loses more: the model is to blame. */
  mopo_estimate blame = given(-6, -4, -8, 0.1);
  assert_int_equal(blame.verdict, MOPO_VERDICT_UNKNOWN);
  assert_non_null(strstr(blame.reasons[1], "cannot even play the recorded controller"));
}

/* Fitted Q takes a better back where all of its interval is below the log, and does no more. */
static void vetoes(void **state)
{
  (void)state;
  mopo_estimate out = given(1, 3, 0, 0.1);
  verdict_veto(&out, &(interval){-2, -4, 0.5});
  assert_int_equal(out.verdict, MOPO_VERDICT_BETTER);
  assert_int_equal(out.n_reasons, 1);
  verdict_veto(&out, &(interval){-2, -4, -0.5});
  assert_int_equal(out.verdict, MOPO_VERDICT_UNKNOWN);
  assert_non_null(strstr(out.reasons[1], "loses at least 0.5 an episode"));
  out = given(-3, -1, 0, 0.1);
  verdict_veto(&out, &(interval){2, 1, 4});
  assert_int_equal(out.verdict, MOPO_VERDICT_NOT_BETTER);
  assert_non_null(strstr(out.reasons[1], "gains at least 1 an episode"));
  out = given(-3, 1, 0, 0.1);
  verdict_veto(&out, &(interval){2, 1, 4});
  assert_int_equal(out.verdict, MOPO_VERDICT_UNKNOWN);
  assert_int_equal(out.n_reasons, 1);
}

static void stretches_of_long_and_of_few_episodes(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = NULL;
  stretch s[STRETCHES];
  int n = 0, most = 0;
  assert_ok(dataset_create(&d, 3000, 1, 1, "one run", &err), err);
  memset(d->rows, 0, 3000 * (size_t)d->at.width * sizeof(float));
  for (int i = 0; i < 3000; i++) d->rows[i * d->at.width + d->at.rew] = 1.0f;
  d->rows[2999 * d->at.width + d->at.done] = 1.0f;
  dataset_mark_ends(d);
  assert_ok(stretches_choose(s, &n, d, NULL, rng_seed(1), &err), err);
  assert_int_equal(n, 10);
  for (int i = 0; i < n; i++) {
    assert_int_equal(s[i].rows, 300);
    assert_true(s[i].ret == 300.0);
    if (s[i].length > most) most = s[i].length;
  }
  assert_int_equal(most, 300);
  mopo_dataset_free(d);
}

/* A machine that fails and one that does not; the good controller gains, the wrong one loses. */
static void two_machines(void **state)
{
  (void)state;
  static const char *const names[] = {"rod", "lane"};
  const league_effort effort = {.updates = 800, .judge_updates = 600};
  for (int i = 0; i < 2; i++) {
    const machine *m = NULL;
    for (int k = 0; machine_at(k); k++)
      if (!strcmp(machine_at(k)->name, names[i])) m = machine_at(k);
    league l;
    league_play(&l, m, &effort, 3);
    for (int k = 0; k < l.n; k++)
      print_message("%s %s: log %.1f, true %.1f, told %.1f (%.1f to %.1f) %s, fitted q %.1f\n",
                    m->name, l.of[k].name, l.log_truth, l.of[k].truth, l.of[k].e.policy,
                    l.of[k].e.low, l.of[k].e.high, mopo_verdict_name(l.of[k].e.verdict),
                    l.of[k].e.fqe);
    league_figures f = league_measure(&l);
    assert_int_equal(f.false_better, 0);
    assert_true(f.spearman > 0.99); /* three policies, far apart */
    assert_int_equal(l.of[0].e.verdict, MOPO_VERDICT_BETTER);
    assert_int_equal(l.of[0].e.rank, 1);
    assert_true(l.of[2].e.verdict != MOPO_VERDICT_BETTER && !l.of[2].e.like_first);
    league_free(&l);
  }
}

static void same_bits_for_any_threads(void **state)
{
  (void)state;
  mopo_error err;
  mopo_dataset *d = NULL;
  mopo_estimate e[2] = {{.size = sizeof *e}, {.size = sizeof *e}};
  league l;
  league_play(&l, machine_at(1), &(league_effort){.updates = 100, .judge_updates = 40}, 5);
  for (int t = 0; t < 2; t++) {
    mopo_ope_options o = {.size = sizeof o, .seed = 5, .threads = t ? 3 : 1, .updates = 40};
    assert_ok(mopo_ope(&e[t], &l.of[0].p, 1, l.log, NULL, &o, NULL, &err), err);
  }
  assert_memory_equal(&e[0], &e[1], sizeof *e);
  assert_ok(dataset_create(&d, 10, 5, 1, "other", &err), err);
  assert_int_equal(mopo_ope(e, &l.of[0].p, 1, d, NULL, NULL, NULL, &err), MOPO_EINVAL);
  mopo_dataset_free(d);
  league_free(&l);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(bad_members_are_dropped),
                                     cmocka_unit_test(interval_by_hand),
                                     cmocka_unit_test(verdicts),
                                     cmocka_unit_test(vetoes),
                                     cmocka_unit_test(stretches_of_long_and_of_few_episodes),
                                     cmocka_unit_test(two_machines),
                                     cmocka_unit_test(same_bits_for_any_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
