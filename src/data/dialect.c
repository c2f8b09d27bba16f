/* dialect.c - the dialects that need no more than a row. */
#include "data/dialect.h"

const dialect dialect_d4rl = {.name = "D4RL",
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
const dialect dialect_d3rlpy = {.name = "d3rlpy",
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

const dialect dialect_csv = {.name = "CSV",
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

const dialect *dialect_at(int i)
{
  for (int k = 0; i >= 0 && k <= i; k++)
    if (!dialects[k]) return NULL;
  return i >= 0 ? dialects[i] : NULL;
}
