/* test_ends.c - a log in which episodes end, and nobody says when: imagined ones end, too. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "io/file.h"
#include "io/safetensors.h"
#include "train/balance.h"

static const char DATA[] = "balance.hdf5", OUT[] = "ends_run", AGAIN[] = "ends_again";

static int write_data(void **state)
{
  (void)state;
  balance_write(DATA, 8000);
  return 0;
}

static double learned(const char *termination, const char *epochs, const char *out,
                      balance_lines *told)
{
  mopo_error err;
  mopo_train_result r;
  mopo_watch w = {.line = balance_line, .ctx = told};
  mopo_config c = balance_config(DATA, out);
  char policy[256];
  *told = (balance_lines){{0}};
  assert_ok(mopo_config_set(&c, "termination", termination, &err), err);
  assert_ok(mopo_config_set(&c, "epochs", epochs, &err), err);
  balance_remove(out);
  assert_ok(mopo_train(&r, &c, false, &w, &err), err);
  snprintf(policy, sizeof policy, "%s/policy.safetensors", out);
  return balance_stands(policy);
}

/* Reward 1 a step, and no rule: standing is worth more than falling only where a fall ends. */
static void a_machine_that_can_fail_learns_to_stand(void **state)
{
  (void)state;
  balance_lines told;
  double stands = learned("auto", "10", OUT, &told);
  if (!(stands >= 450)) fail_msg("%g steps of %d", stands, BALANCE_STEPS);
  assert_non_null(strstr(told.text, "ends: learned from "));
  assert_null(strstr(told.text, "warning: "));
}

static void who_ignores_ends_is_told_at_once(void **state)
{
  (void)state;
  balance_lines told;
  double stands = learned("none", "4", AGAIN, &told);
  assert_true(stands < 100); /* so the test above measures what it says */
  assert_non_null(strstr(told.text, "recorded episodes end, but with termination = none"));
  assert_null(strstr(told.text, "ends: learned"));
  balance_remove(AGAIN);
}

/* Stopped at the n-th sign of life. */
typedef struct stopper {
  volatile sig_atomic_t flag;
  int left;
} stopper;

static void count_down(void *ctx, const mopo_progress *p)
{
  stopper *s = ctx;
  (void)p;
  if (--s->left == 0) s->flag = 1;
}

static void assert_same(const char *name)
{
  char a[256], b[256], *x = NULL, *y = NULL;
  size_t n = 0, m = 0;
  mopo_error err;
  snprintf(a, sizeof a, "%s/%s", OUT, name), snprintf(b, sizeof b, "%s/%s", AGAIN, name);
  assert_ok(file_read(&x, &n, a, 1 << 28, &err), err);
  assert_ok(file_read(&y, &m, b, 1 << 28, &err), err);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n);
  free(x), free(y);
}

/* The learned ends are in the model's file; a run whose rollouts are cut, too, and that is stopped
 * before they are, or later, ends with the same bits on another number of threads. */
static void ends_are_kept_with_the_model(void **state)
{
  (void)state;
  mopo_error err;
  mopo_train_result r;
  mopo_config whole = balance_config(DATA, OUT), c;
  const char *little[][2] = {{"epochs", "2"},
                             {"updates-per-epoch", "60"},
                             {"model-max-epochs", "2"},
                             {"rollout-stop", "0.9"}};
  for (size_t i = 0; i < 4; i++)
    assert_ok(mopo_config_set(&whole, little[i][0], little[i][1], &err), err);
  balance_remove(OUT), balance_remove(AGAIN);
  assert_ok(mopo_train(&r, &whole, false, NULL, &err), err);
  c = whole;
  assert_ok(mopo_config_set(&c, "out", AGAIN, &err), err);
  assert_ok(mopo_config_set(&c, "threads", "2", &err), err);
  mopo_status st = MOPO_ESTOPPED;
  for (int k = 0; st == MOPO_ESTOPPED; k++) {
    stopper s = {.left = k + 1};
    mopo_watch w = {.progress = count_down, .ctx = &s, .stop = &s.flag};
    st = mopo_train(&r, &c, k > 0, &w, &err);
  }
  assert_ok(st, err);
  assert_same("model.safetensors");
  assert_same("policy.safetensors");
  tensor_file *f = NULL;
  assert_ok(tensor_file_open(&f, "ends_again/model.safetensors", &err), err);
  assert_non_null(tensor_file_find(f, "termination.facts"));
  tensor_file_free(f);
  balance_remove(AGAIN);
  balance_remove(OUT);
  remove(DATA);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_machine_that_can_fail_learns_to_stand),
      cmocka_unit_test(who_ignores_ends_is_told_at_once),
      cmocka_unit_test(ends_are_kept_with_the_model),
  };
  return cmocka_run_group_tests(tests, write_data, NULL);
}
