/* agent_file.c - see agent_file.h. */
#include "agent/agent_file.h"

#include <string.h>

#include "base/finite.h"

static const char VALUES[] = "agent.values", SCALARS[] = "agent.scalars";

mopo_status agent_file_add(tensor_list *l, const agent_memory *s, mopo_error *err)
{
  const int64_t values = (int64_t)s->n_values, scalars = (int64_t)s->n_scalars;
  mopo_status st = tensor_list_add(l, VALUES, TENSOR_F32, 1, &values, s->values, err);
  if (st != MOPO_OK) return st;
  return tensor_list_add(l, SCALARS, TENSOR_F64, 1, &scalars, s->scalars, err);
}

mopo_status agent_file_find(const float **values, const double **scalars, const tensor_file *f,
                            const char *path, const agent_memory *s, mopo_error *err)
{
  const int64_t n_values = (int64_t)s->n_values, n_scalars = (int64_t)s->n_scalars;
  const void *v = NULL, *x = NULL;
  mopo_status st = tensor_file_get(f, &v, VALUES, TENSOR_F32, 1, &n_values, err);
  if (st == MOPO_OK) st = tensor_file_get(f, &x, SCALARS, TENSOR_F64, 1, &n_scalars, err);
  if (st != MOPO_OK) return st;
  *values = v, *scalars = x;
  if (all_finite(v, s->n_values) && all_finite_double(x, s->n_scalars)) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s: a number of the agent is not finite", path);
}

void agent_file_take(agent *a, const float *values, const double *scalars)
{
  agent_memory s = agent_state(a);
  memcpy(s.values, values, s.n_values * sizeof *values);
  memcpy(s.scalars, scalars, s.n_scalars * sizeof *scalars);
  agent_restored(a);
}
