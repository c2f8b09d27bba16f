/* test_settings.c - who reads a setting, asked of the agents themselves: a
 * setting that one is said to read changes what it has learned after a few updates, a setting that
 * it is said not to read changes no bit of it. */
#include "small.h"

#include <stdio.h>

#include "config/config.h"

enum { UPDATES = 6 };

/* Small, past every warm-up, with a temperature that rises to its highest and deviations that are
 * cut. */
static mopo_config base_of(const char *algo)
{
  static const char *const set[][2] = {
      {"bear-warmup", "1"},      {"behaviour-updates", "1"}, {"vae-hidden", "32"},
      {"iql-reward-scale", "1"}, {"alpha-max", "1"},         {"alpha-init", "1"},
      {"log-std-max", "-1"},     {"target-entropy", "10"},   {"bear-samples", "4"},
      {"bear-match", "4"},       {"cql-samples", "4"},       {"policy-ema", "0.25"}};
  mopo_config c = small_config(algo);
  mopo_error err;
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  return c;
}

/* Gives the setting another value; false if the algorithm accepts no other. */
static bool change(mopo_config *c, const mopo_setting *s)
{
  char value[100];
  mopo_error err;
  mopo_config now = *c;
  assert_ok(mopo_config_resolve(&now, "hopper", "", SMALL_A, &err), err);
  mopo_config_get(&now, s->name, value, sizeof value);
  if (s->type == 's') {
    char words[400];
    mopo_setting_values(words, sizeof words, s);
    size_t first = strcspn(words, "|");
    bool is_first = strlen(value) == first && !strncmp(value, words, first);
    const char *word = is_first ? words + first + 1 : words;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(word, "|"), word);
  } else {
    double x = strtod(value, NULL), twice = x == 0.0 ? 1.0 : 2.0 * x;
    snprintf(value, sizeof value, "%.17g", twice <= s->max ? twice : x / 2.0);
  }
  assert_ok(mopo_config_set(c, s->name, value, &err), err);
  now = *c;
  return mopo_config_resolve(&now, "hopper", "", SMALL_A, &err) == MOPO_OK;
}

static bool same_state(const small_run *a, const small_run *b)
{
  agent_memory x = agent_state(a->agent), y = agent_state(b->agent);
  return x.n_values == y.n_values && x.n_scalars == y.n_scalars &&
         !memcmp(x.values, y.values, x.n_values * sizeof *x.values) &&
         !memcmp(x.scalars, y.scalars, x.n_scalars * sizeof *x.scalars);
}

/* Settings of the model and its rollouts decide what an agent learns from: it never sees them. */
static bool of_the_model(const mopo_setting *s)
{
  bool any = false;
  for (int i = 0; agent_at(i); i++) {
    mopo_config c = small_config(agent_at(i)->is.name);
    if (mopo_config_uses(&c, s) && !(agent_at(i)->is.reads & READS_MODEL)) return false;
    any = any || mopo_config_uses(&c, s);
  }
  assert_true(any);
  return true;
}

/* Do some algorithms read it, and others not? */
static bool of_some(const mopo_setting *s)
{
  int reads = 0, all = 0;
  for (; agent_at(all); all++) {
    mopo_config c = small_config(agent_at(all)->is.name);
    reads += mopo_config_uses(&c, s);
  }
  return reads > 0 && reads < all;
}

static void agents_read_what_the_table_says(void **state)
{
  (void)state;
  for (int a = 0; agent_at(a); a++) {
    mopo_config base = base_of(agent_at(a)->is.name);
    small_run *before = small_begin(&base, small_chain(), 1);
    small_learn(before, UPDATES);
    for (int i = 0; mopo_setting_at(i); i++) {
      const mopo_setting *s = mopo_setting_at(i);
      mopo_config c = base;
      if (!of_some(s) || !strcmp(s->name, "model") || !change(&c, s)) continue;
      small_run *after = small_begin(&c, small_chain(), 1);
      small_learn(after, UPDATES);
      bool reads = mopo_config_uses(&base, s) && !of_the_model(s);
      if (same_state(before, after) == reads)
        fail_msg("%s: %s %s", base.algo, s->name, reads ? "changes nothing" : "changes something");
      small_end(after);
    }
    small_end(before);
  }
}

/* "iql: inverse temperature ..." names iql, "brac, bear: ..." both kinds of brac and bear. */
static bool names(const char *help, const char *algo)
{
  char stem[32];
  const char *colon = strchr(help, ':');
  snprintf(stem, sizeof stem, "%.*s", (int)strcspn(algo, "-"), algo);
  const char *named = strstr(help, stem);
  return named && colon && named < colon && (named == help || named[-1] == ' ');
}

static void help_texts_name_the_algorithms(void **state)
{
  (void)state;
  for (int i = 0; mopo_setting_at(i); i++) {
    const mopo_setting *s = mopo_setting_at(i);
    int named = 0, right = 0, all = 0;
    for (; of_some(s) && agent_at(all); all++) {
      mopo_config c = small_config(agent_at(all)->is.name);
      named += names(s->help, c.algo);
      right += names(s->help, c.algo) == mopo_config_uses(&c, s);
    }
    if (named && right < all) fail_msg("%s: '%s'", s->name, s->help);
  }
}

static void a_model_that_is_given_is_not_fitted(void **state)
{
  (void)state;
  mopo_config c = small_config("mopo");
  mopo_error err;
  const mopo_setting *fit = mopo_setting_at(config_index("model-patience"));
  const mopo_setting *rollout = mopo_setting_at(config_index("rollout-length"));
  assert_true(mopo_config_uses(&c, fit));
  assert_ok(mopo_config_set(&c, "model", "hopper.safetensors", &err), err);
  assert_false(mopo_config_uses(&c, fit));
  assert_true(mopo_config_uses(&c, rollout));
  assert_false(mopo_config_uses(&c, mopo_setting_at(config_index("frames")))); /* of render */
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agents_read_what_the_table_says),
      cmocka_unit_test(help_texts_name_the_algorithms),
      cmocka_unit_test(a_model_that_is_given_is_not_fitted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
