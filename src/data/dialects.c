/* dialects.c - the table of dialects, and those that need no more than a row. */
#include "data/dialect.h"

extern const dialect dialect_neorl, dialect_minari; /* each in its file */

static const dialect d4rl = {.name = "D4RL",
                             .containers = IN_HDF5 | IN_NPZ,
                             .mark = OBS,
                             .arrays = {[OBS] = "observations",
                                        [ACT] = "actions",
                                        [REW] = "rewards",
                                        [TERMINAL] = "terminals",
                                        [NEXT] = "next_observations",
                                        [TIMEOUT] = "timeouts",
                                        [RANGES] = "metadata/action_ranges",
                                        [QPOS] = "infos/qpos",
                                        [AFTER] = "infos/next_qpos",
                                        [TASK] = "metadata/task",
                                        [KIND] = "metadata/kind",
                                        [OBS_NAMES] = "metadata/obs_names",
                                        [ACT_NAMES] = "metadata/act_names",
                                        [THERE] = ""},
                             .must = {[TERMINAL] = true}};

/* MDPDataset.dump of d3rlpy 1: `terminals` ends a task, `episode_terminals` any episode. */
static const dialect d3rlpy = {.name = "d3rlpy",
                               .containers = IN_HDF5 | IN_NPZ,
                               .mark = CUT,
                               .arrays = {[OBS] = "observations",
                                          [ACT] = "actions",
                                          [REW] = "rewards",
                                          [TERMINAL] = "terminals",
                                          [CUT] = "episode_terminals",
                                          [THERE] = ""},
                               .must = {[TERMINAL] = true},
                               .ignored = "discrete_action version"};

static const dialect csv = {.name = "CSV",
                            .containers = IN_CSV,
                            .mark = OBS,
                            .arrays = {[OBS] = "obs",
                                       [ACT] = "act",
                                       [REW] = "reward",
                                       [TERMINAL] = "terminal",
                                       [NEXT] = "next_obs",
                                       [TIMEOUT] = "timeout",
                                       [EPISODE] = "episode",
                                       [TIME] = "time",
                                       [THERE] = ""}};

static const dialect *const dialects[] = {&d3rlpy, &d4rl, &dialect_neorl, &dialect_minari, &csv};

const dialect *dialect_at(int i)
{
  return i >= 0 && i < (int)(sizeof dialects / sizeof *dialects) ? dialects[i] : NULL;
}
