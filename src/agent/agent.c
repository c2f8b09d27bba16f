/* agent.c - the table of algorithms. */
#include "agent/agent.h"

#include <string.h>

extern const agent_type mopo_type, mbpo_type, sac_type, bc_type, td3bc_type, iql_type, cql_type,
    brac_p_type, brac_v_type, bear_type;

static const agent_type *const AGENTS[] = {&mopo_type,   &mbpo_type, &sac_type, &bc_type,
                                           &td3bc_type,  &iql_type,  &cql_type, &brac_p_type,
                                           &brac_v_type, &bear_type};

const agent_type *agent_at(int i)
{
  return i >= 0 && (size_t)i < sizeof AGENTS / sizeof *AGENTS ? AGENTS[i] : NULL;
}

const agent_type *agent_find(const char *name)
{
  for (int i = 0; agent_at(i); i++)
    if (strcmp(agent_at(i)->name, name) == 0) return agent_at(i);
  return NULL;
}

int agent_rows_per_piece(int B, int threads)
{
  for (int R = 64; R > 16; R /= 2)
    if ((B + R - 1) / R % threads == 0) return R;
  return 16;
}
