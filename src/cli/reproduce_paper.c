/* reproduce_paper.c - the tables of Yu et al. 2020 (arXiv:2005.13239), their numbers as printed:
 * D4RL v0, last iteration, 6 seeds; and one of methods that came later, on the same sets. */
#include "reproduce.h"

#include <math.h>
#include <string.h>

#define NONE \
  {          \
    NAN, NAN \
  }
#define MEAN(x) \
  {             \
    x, NAN      \
  }
#define UNKNOWN_BATCH \
  {                   \
    NONE, NONE        \
  }

#define MOPO                       \
  {                                \
    "mopo", {"algo", "mopo"}, true \
  }
#define MBPO                       \
  {                                \
    "mbpo", {"algo", "mbpo"}, true \
  }
#define SAC                       \
  {                               \
    "sac", {"algo", "sac"}, false \
  }
#define BEAR                        \
  {                                 \
    "bear", {"algo", "bear"}, false \
  }
#define BRAC_V                          \
  {                                     \
    "brac-v", {"algo", "brac-v"}, false \
  }

// clang-format off
static const method methods1[] = {{"bc", {"algo", "bc"}, false}, MOPO, MBPO, SAC, BEAR, BRAC_V};

static const paper_row rows1[] = {
  {"halfcheetah", "random", UNKNOWN_BATCH,
   {MEAN(2.1), {35.4, 2.5}, {30.7, 3.9}, MEAN(30.5), MEAN(25.5), MEAN(28.1)}},
  {"hopper", "random", UNKNOWN_BATCH,
   {MEAN(9.8), {11.7, 0.4}, {4.5, 6.0}, MEAN(11.3), MEAN(9.5), MEAN(12.0)}},
  {"walker2d", "random", UNKNOWN_BATCH,
   {MEAN(1.6), {13.6, 2.6}, {8.6, 8.1}, MEAN(4.1), MEAN(6.7), MEAN(0.5)}},
  {"halfcheetah", "medium", UNKNOWN_BATCH,
   {MEAN(36.1), {42.3, 1.6}, {28.3, 22.7}, MEAN(-4.3), MEAN(38.6), MEAN(45.5)}},
  {"hopper", "medium", UNKNOWN_BATCH,
   {MEAN(29.0), {28.0, 12.4}, {4.9, 3.3}, MEAN(0.8), MEAN(47.6), MEAN(32.3)}},
  {"walker2d", "medium", UNKNOWN_BATCH,
   {MEAN(6.6), {17.8, 19.3}, {12.7, 7.6}, MEAN(0.9), MEAN(33.2), MEAN(81.3)}},
  {"halfcheetah", "medium-replay", UNKNOWN_BATCH,
   {MEAN(38.4), {53.1, 2.0}, {47.3, 12.6}, MEAN(-2.4), MEAN(36.2), MEAN(45.9)}},
  {"hopper", "medium-replay", UNKNOWN_BATCH,
   {MEAN(11.8), {67.5, 24.7}, {49.8, 30.4}, MEAN(3.5), MEAN(25.3), MEAN(0.8)}},
  {"walker2d", "medium-replay", UNKNOWN_BATCH,
   {MEAN(11.3), {39.0, 9.6}, {22.2, 12.7}, MEAN(1.9), MEAN(10.8), MEAN(0.9)}},
  {"halfcheetah", "medium-expert", UNKNOWN_BATCH,
   {MEAN(35.8), {63.3, 38.0}, {9.7, 9.5}, MEAN(1.8), MEAN(51.7), MEAN(45.3)}},
  {"hopper", "medium-expert", UNKNOWN_BATCH,
   {MEAN(111.9), {23.7, 6.0}, {56.0, 34.5}, MEAN(1.6), MEAN(4.0), MEAN(0.8)}},
  {"walker2d", "medium-expert", UNKNOWN_BATCH,
   {MEAN(6.4), {44.6, 12.9}, {7.6, 3.7}, MEAN(-0.1), MEAN(26.0), MEAN(66.6)}},
};

static const method methods2[] = {
  MOPO, MBPO, SAC, BEAR, {"brac-p", {"algo", "brac-p"}, false}, BRAC_V};

static const paper_row rows2[] = {
  {"halfcheetah-jump", "full-replay", {MEAN(-1022.6), MEAN(1808.6)},
   {{4016.6, 144}, {2971.4, 1262}, {-3588.2, 1436}, {16.8, 60}, {1069.9, 232}, {871, 41}}},
  {"ant-angle", "full-replay", {MEAN(866.7), MEAN(2311.9)},
   {{2530.9, 137}, {13.6, 66}, {-966.4, 778}, {1658.2, 16}, {1806.7, 265}, {2333, 139}}},
};

/* MOPO is the penalty `aleatoric`, MBPO none; their figures are those of the tables above. */
static const method methods3[] = {
  {"mopo", {"algo", "mopo", "penalty", "aleatoric"}, true},
  {"ensemble-diff", {"algo", "mopo", "penalty", "ensemble-diff"}, true},
  {"ensemble-std", {"algo", "mopo", "penalty", "ensemble-std"}, true},
  {"max-pairwise", {"algo", "mopo", "penalty", "max-pairwise-diff"}, true},
  {"oracle", {"algo", "mopo", "penalty", "oracle"}, true},
  MBPO,
  {"one-member",
   {"algo", "mopo", "penalty", "aleatoric", "members", "1", "elites", "1"}, false},
};

static const paper_row rows3[] = {
  {"halfcheetah", "medium-replay", UNKNOWN_BATCH,
   {{53.1, 2.0}, NONE, NONE, NONE, NONE, {47.3, 12.6}, NONE}},
  {"halfcheetah-jump", "full-replay", {MEAN(-1022.6), MEAN(1808.6)},
   {{4016.6, 144}, NONE, NONE, NONE, NONE, {2971.4, 1262}, NONE}},
};

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))
static const paper_table tables[] = {
  {"table1", "score of the last policy on the D4RL sets",
   COUNT(methods1), COUNT(rows1), methods1, rows1, .printed = true},
  {"table2", "return of the last policy on tasks beyond the data",
   COUNT(methods2), COUNT(rows2), methods2, rows2, .printed = true},
  {"ablation", "what the penalty measures",
   COUNT(methods3), COUNT(rows3), methods3, rows3, .printed = true},
};
// clang-format on

const paper_table *paper_table_find(const char *name)
{
  for (int i = 0; i < COUNT(tables); i++)
    if (!strcmp(tables[i].name, name)) return &tables[i];
  return NULL;
}

/* ------------------------------------------------------------------ what came later */

static bool in_paper(const char *name)
{
  for (int i = 0; i < COUNT(tables); i++)
    for (int m = 0; m < tables[i].n_methods; m++)
      if (!strcmp(tables[i].methods[m].name, name)) return true;
  return false;
}

static const mopo_setting *setting(const char *name)
{
  int i = 0;
  while (strcmp(mopo_setting_name(mopo_setting_at(i)), name) != 0) i++;
  return mopo_setting_at(i);
}

static bool uses_model(const char *algo)
{
  mopo_config *c = mopo_config_create();
  bool uses = c && mopo_config_set(c, "algo", algo, NULL) == MOPO_OK &&
              mopo_config_uses(c, setting("model"));
  mopo_config_free(c);
  return uses;
}

const paper_table *paper_later_make(paper_later *l)
{
  int n = 0;
  char *rest = NULL;
  mopo_setting_values(l->names, sizeof l->names, setting("algo")); /* "bc|bear|..." */
  for (char *name = strtok_r(l->names, "|", &rest); name; name = strtok_r(NULL, "|", &rest))
    if (!in_paper(name) && n < LATER_MAX)
      l->methods[n++] = (method){name, {"algo", name}, uses_model(name)};
  l->table = (paper_table){"later",
                           "score of the last policy on the D4RL sets, later methods",
                           n,
                           COUNT(rows1),
                           l->methods,
                           rows1,
                           .printed = false};
  return &l->table;
}

bool paper_row_relabels(const paper_row *row) { return strchr(row->task, '-') != NULL; }
