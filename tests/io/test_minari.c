/* test_minari.c - metadata.json: what it says is taken, what is none is one line. */
#include "check.h"
#include "io/file.h"
#include "io/minari.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BOX(n)                                      \
  "{\\\"type\\\": \\\"Box\\\", \\\"shape\\\": [" #n \
  "], \\\"low\\\": [-2.0], \\\"high\\\": [Infinity]}"

static mopo_status parse(minari_about *m, const char *text, mopo_error *e)
{
  assert_ok(file_write("metadata.json", text, strlen(text), e), *e);
  return minari_read(m, "metadata.json", e);
}

static void what_it_says(void **state)
{
  static const char text[] =
      "{\"dataset_id\": \"mujoco/hopper/medium-v0\", \"total_episodes\": 60, \"total_steps\": "
      "12000,"
      "\"data_format\": \"arrow\", \"env_spec\": \"{\\\"id\\\": \\\"Hopper-v5\\\", "
      "\\\"max_episode_steps\\\": 1000}\", \"action_space\": \"" BOX(
          1) "\","
             "\"observation_space\": \"{\\\"type\\\": \\\"Dict\\\", \\\"subspaces\\\": "
             "{\\\"z\\\": " BOX(2) ", \\\"a\\\": {\\\"type\\\": \\\"Tuple\\\", \\\"subspaces\\\": "
                                   "[" BOX(1) ", " BOX(1) "]}}}\"}";
  static const char *const names[] = {"a.0", "a.1", "z[0]", "z[1]"};
  (void)state;
  mopo_error e;
  minari_about m;
  assert_ok(parse(&m, text, &e), e);
  assert_true(m.found && m.episodes == 60 && m.steps == 12000 && m.horizon == 1000);
  assert_string_equal(m.id, "mujoco/hopper/medium-v0");
  assert_string_equal(m.env, "Hopper-v5");
  assert_string_equal(m.format, "arrow");
  assert_int_equal(m.obs.n, 4);
  for (int i = 0; i < 4; i++) assert_string_equal(m.obs.names[i], names[i]);
  assert_true(m.act.n == 1 && !m.act.names && m.act.low[0] == -2 && isinf(m.act.high[0]));
  assert_true(m.obs.low[0] == -2 && m.obs.low[3] == -2); /* one bound for a box of two */
  minari_free(&m);
}

static void what_is_no_box(void **state)
{
  static const char *const cases[][2] = {
      {"{\\\"type\\\": \\\"Discrete\\\", \\\"n\\\": 3}", "Discrete(3)"},
      {"{\\\"type\\\": \\\"MultiBinary\\\", \\\"n\\\": 4}", "MultiBinary(4)"},
      {"{\\\"type\\\": \\\"Dict\\\", \\\"subspaces\\\": {\\\"b\\\": {\\\"type\\\": \\\"Text\\\"}, "
       "\\\"a\\\": " BOX(2) "}}",
       "Text at b"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    mopo_error e;
    minari_about m;
    snprintf(text, sizeof text, "{\"action_space\": \"%s\"}", cases[i][0]);
    assert_ok(parse(&m, text, &e), e);
    assert_string_equal(m.act.refused, cases[i][1]);
    assert_true(m.episodes == -1 && m.horizon == 0 && !*m.id);
    minari_free(&m);
  }
}

static void what_is_none(void **state)
{
  static const char *const cases[][2] = {
      {"", "metadata.json: not JSON, or not an object"},
      {"[1]", "metadata.json: not JSON, or not an object"},
      {"{\"action_space\": \"{}\"}", "metadata.json: 'action_space' is not a space of gymnasium's"},
      {"{\"action_space\": \"{\"}", "metadata.json: 'action_space' is not a space of gymnasium's"},
      {"{\"observation_space\": \"{\\\"type\\\": \\\"Box\\\"}\"}",
       "metadata.json: 'observation_space' is not a space of gymnasium's"},
      {"{\"observation_space\": \"{\\\"type\\\": \\\"Box\\\", \\\"shape\\\": [1000000]}\"}",
       "metadata.json: 'observation_space' is not a space of gymnasium's"},
      {"{\"observation_space\": \"{\\\"type\\\": \\\"Dict\\\", \\\"subspaces\\\": 3}\"}", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mopo_error e;
    minari_about m;
    mopo_status st = parse(&m, cases[i][0], &e);
    assert_int_equal(st, cases[i][1] ? MOPO_EFORMAT : MOPO_OK);
    if (cases[i][1]) assert_string_equal(e.msg, cases[i][1]);
    minari_free(&m);
  }
  mopo_error e;
  minari_about m;
  assert_ok(minari_read(&m, "none/metadata.json", &e), e);
  assert_false(m.found);
  minari_free(&m);
  /* Spaces within spaces without an end. */
  char text[2048] = "{\"action_space\": \"";
  for (int i = 0; i < 12; i++) strcat(text, "{\\\"type\\\": \\\"Tuple\\\", \\\"subspaces\\\": [");
  strcat(text, BOX(1));
  for (int i = 0; i < 12; i++) strcat(text, "]}");
  strcat(text, "\"}");
  assert_int_equal(parse(&m, text, &e), MOPO_EFORMAT);
  minari_free(&m);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_it_says),
      cmocka_unit_test(what_is_no_box),
      cmocka_unit_test(what_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
