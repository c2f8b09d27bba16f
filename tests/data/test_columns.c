/* test_columns.c - a dataset column by column, and what looks suspicious in it. */
#include "check.h"

#include "base/rng.h"
#include "data/dataset.h"
#include "data/notes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3000, S = 2, T = 100 /* rows of an episode */ };

/* Two columns that wander, one action, a reward that the row's own numbers make. */
typedef struct machine {
  float obs[N * S], next[N * S], act[N], rew[N];
  unsigned char terminal[N], timeout[N];
} machine;

static double noise(rng_stream *s) { return (double)rng_u32(s) / 4294967296.0 - 0.5; }

/* delay: the action that the first column answers to is that of so many rows before. */
static machine *make(int delay)
{
  machine *m = calloc(1, sizeof *m);
  rng_stream s = rng_stream_of(rng_seed(7));
  double x[S] = {0};
  for (int i = 0; i < N; i++) {
    if (i % T == 0) x[0] = noise(&s), x[1] = noise(&s);
    m->act[i] = (float)(2.0 * noise(&s));
    for (int c = 0; c < S; c++) m->obs[i * S + c] = (float)x[c];
    double a = i % T >= delay ? (double)m->act[i - delay] : 0.0;
    x[0] = 0.9 * x[0] + 0.3 * a + 0.05 * noise(&s);
    x[1] = 0.8 * x[1] + 0.2 * x[0] + 0.05 * noise(&s);
    for (int c = 0; c < S; c++) m->next[i * S + c] = (float)x[c];
    m->rew[i] = (float)(-fabs(x[0]) - 0.2 * (double)(m->act[i] * m->act[i]));
    m->timeout[i] = i % T == T - 1;
  }
  return m;
}

static mopo_dataset *dataset_of(const machine *m)
{
  mopo_error e;
  mopo_dataset *d = NULL;
  assert_ok(mopo_dataset_from_arrays(&d, N, S, 1, m->obs, m->act, m->rew, m->next, m->terminal,
                                     m->timeout, &e),
            e);
  return d;
}

static mopo_dataset_info info;
static mopo_column columns[S + 2];

static void check(const machine *m)
{
  mopo_error e;
  mopo_dataset *d = dataset_of(m);
  const char *const names[] = {"temp", "speed"};
  assert_ok(dataset_set_names(d, false, names, &e), e);
  assert_ok(mopo_dataset_check(columns, &info, d, &e), e);
  mopo_dataset_free(d);
}

static void assert_told(const char *text)
{
  for (int i = 0; i < info.n_notes; i++)
    if (strstr(info.notes[i], text)) return;
  for (int i = 0; i < info.n_notes; i++) print_message("note: %s\n", info.notes[i]);
  fail_msg("nothing says: %s", text);
}

/* Sets column c of row i and of what the row before led to. */
static void set(machine *m, int i, int c, double x)
{
  m->obs[i * S + c] = (float)x;
  if (i % T) m->next[(i - 1) * S + c] = (float)x;
  if (i % T == T - 1) m->next[i * S + c] = (float)x;
}

static void nothing_is_wrong_with_a_machine(void **state)
{
  (void)state;
  machine *m = make(0);
  check(m);
  for (int i = 0; i < info.n_notes; i++) print_message("%s\n", info.notes[i]);
  assert_int_equal(info.n_notes, 0);
  assert_string_equal(columns[0].name, "temp");
  assert_string_equal(columns[2].name, "action 0");
  assert_string_equal(columns[3].name, "reward");
  free(m);
}

static void a_column_is_measured(void **state)
{
  (void)state;
  machine *m = make(0);
  for (int i = 0; i < N; i++) set(m, i, 1, i % 101); /* 0 .. 100 */
  check(m);
  const mopo_column *c = &columns[1];
  assert_true(c->least == 0 && c->greatest == 100 && c->distinct == 101);
  assert_true(fabs(c->median - 50) <= 1 && fabs(c->low - 1) <= 1 && fabs(c->high - 99) <= 1);
  assert_true(fabs(c->spread - 29.15) < 0.1); /* of whole numbers 0 .. 100 */
  assert_true(fabs(c->share - 30.0 / N) < 1e-12);
  assert_true(c->resolution == ldexp(1, -17)); /* of 64 .. 128: 24 bits */
  free(m);
}

static void outliers_do_not_hide_each_other(void **state)
{
  (void)state;
  for (int k = 10; k <= 90; k += 40) {
    char text[80];
    machine *m = make(0);
    for (int i = 0; i < k; i++) set(m, 17 + i * 31, 0, -9999);
    check(m);
    snprintf(text, sizeof text, "in %d rows (-9999 %d times), first in row 17", k, k);
    assert_told(text);
    free(m);
  }
}

static void columns_that_are_odd(void **state)
{
  (void)state;
  machine *m = make(0);
  for (int i = 0; i < N; i++) set(m, i, 0, i / 30 % 2), set(m, i, 1, i / 7 % 5);
  check(m);
  assert_told("1 column has two values (a switch?): temp");
  assert_told("1 column has few values, whole numbers (categories?): speed");
  for (int i = 0; i < N; i++) set(m, i, 0, 1.7e9 + i), set(m, i, 1, 101325 + 250 * sin(i));
  check(m);
  assert_told("'temp' is near 1.70000154e+09, where float32 has steps of 128");
  assert_told("stand far from 0 for their spread: temp, speed");
  for (int i = 0; i < N; i++) set(m, i, 0, i % T * 1000.0), set(m, i, 1, 1e-3 * sin(i));
  check(m);
  assert_told("1 column only grows (a counter, a time?): temp");
  assert_told("the scales differ: 'speed' has a spread of 0.000707, 'temp' of ");
  for (int i = 0; i < N; i++) set(m, i, 0, 16777216 + i % 50), set(m, i, 1, 1.7e9);
  check(m);
  assert_told("'temp' is near 16777240, where float32 has steps of 2");
  assert_told("'speed' is near 1.7e+09, where float32 has steps of 128, and its spread is 0");
  free(m);
}

static void dead_time_is_found(void **state)
{
  (void)state;
  for (int delay = 1; delay <= 9; delay += 4) {
    char text[80];
    machine *m = make(delay);
    check(m);
    snprintf(text, sizeof text, "'temp' still answers to 'action 0' of %d steps ago", delay + 1);
    assert_told(text);
    free(m);
  }
}

static void moved_rewards_are_found(void **state)
{
  (void)state;
  machine *m = make(0);
  memmove(m->rew + 1, m->rew, (N - 1) * sizeof *m->rew);
  check(m);
  assert_told("the rewards fit the row before theirs better");
  memmove(m->rew, m->rew + 2, (N - 2) * sizeof *m->rew);
  check(m);
  assert_told("the rewards fit the row after theirs better");
  free(m);
}

/* A reward of the state before the step is none of the row before, though that fits as well. */
static void rewards_of_the_state_are_no_mistake(void **state)
{
  (void)state;
  machine *m = make(0);
  for (int i = 0; i < N; i++) m->rew[i] = -fabsf(m->obs[i * S]);
  check(m);
  assert_int_equal(info.n_notes, 0);
  free(m);
}

static void ends_at_one_length(void **state)
{
  (void)state;
  machine *m = make(0);
  memcpy(m->terminal, m->timeout, sizeof m->terminal);
  memset(m->timeout, 0, sizeof m->timeout);
  check(m);
  assert_told("each of the 30 terminals ends an episode of 100 rows: time limits written as ends?");
  for (int i = 0; i < N; i++) m->rew[i] = 1;
  m->terminal[T - 1] = 0, m->terminal[T - 3] = 1;
  check(m);
  for (int i = 0; i < info.n_notes; i++) assert_null(strstr(info.notes[i], "nothing to learn"));
  memset(m->terminal, 0, sizeof m->terminal);
  check(m);
  assert_told("every reward is 1: there is nothing to learn");
  free(m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_wrong_with_a_machine),
      cmocka_unit_test(a_column_is_measured),
      cmocka_unit_test(outliers_do_not_hide_each_other),
      cmocka_unit_test(columns_that_are_odd),
      cmocka_unit_test(dead_time_is_found),
      cmocka_unit_test(moved_rewards_are_found),
      cmocka_unit_test(rewards_of_the_state_are_no_mistake),
      cmocka_unit_test(ends_at_one_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
