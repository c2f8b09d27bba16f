/* test_watch.c - one stop and one way of telling, watched by somebody or by nobody. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/finite.h"
#include "base/watch.h"

typedef struct heard {
  int lines, figures;
  char line[400];
  mopo_progress progress;
} heard;

static void on_line(void *ctx, const char *text)
{
  heard *h = ctx;
  h->lines++;
  snprintf(h->line, sizeof h->line, "%s", text);
}

static void on_progress(void *ctx, const mopo_progress *p)
{
  heard *h = ctx;
  h->figures++;
  h->progress = *p;
}

static void tells(void **state)
{
  (void)state;
  heard h = {0};
  volatile sig_atomic_t stop = 0;
  mopo_watch w = {on_progress, on_line, &h, &stop};
  mopo_progress p = watch_stage("fit", 3, 8);
  watch_line(&w, "%d of %s", 7, "nine");
  watch_progress(&w, &p);
  assert_string_equal(h.line, "7 of nine");
  assert_string_equal(h.progress.stage, "fit");
  assert_int_equal(h.progress.done, 3);
  assert_true(isnan(h.progress.score) && isnan(h.progress.holdout_mse));
  assert_false(watch_stopped(&w));
  stop = 2;
  assert_true(watch_stopped(&w));
}

static void nobody_watches(void **state)
{
  (void)state;
  const mopo_progress p = watch_stage("fit", 0, 0);
  const mopo_watch deaf = {0};
  watch_line(NULL, "x"), watch_line(&deaf, "x");
  watch_progress(NULL, &p), watch_progress(&deaf, &p);
  assert_false(watch_stopped(NULL) || watch_stopped(&deaf));
}

static void time_passes(void **state)
{
  (void)state;
  double t = clock_seconds();
  while (clock_seconds() == t) {}
  assert_true(clock_seconds() > t && clock_seconds() - t < 60.0);
}

static void finite_or_not(void **state)
{
  (void)state;
  float x[5] = {1.0f, -3e38f, 3e38f, 3e38f, 0.0f};
  double y[3] = {1e308, 1e308, -1e308};
  assert_true(all_finite(x, 5) && all_finite(x, 0) && all_finite_double(y, 3));
  for (int i = 0; i < 5; i++) {
    float keep = x[i];
    x[i] = i % 2 ? INFINITY : NAN;
    assert_false(all_finite(x, 5));
    x[i] = keep;
  }
  y[1] = -(double)INFINITY;
  assert_false(all_finite_double(y, 3));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells),
      cmocka_unit_test(nobody_watches),
      cmocka_unit_test(time_passes),
      cmocka_unit_test(finite_or_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
