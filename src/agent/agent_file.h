/* agent_file.h - an agent's state in a checkpoint. */
#ifndef AGENT_AGENT_FILE_H
#define AGENT_AGENT_FILE_H

#include "agent/agent.h"
#include "io/safetensors.h"

/* Adds it as agent.values and agent.scalars; s lives until the list is written. ENOMEM. */
MUST_CHECK mopo_status agent_file_add(tensor_list *l, const agent_memory *s, mopo_error *err);
/* Where they are in the file: values [s->n_values], scalars [s->n_scalars], borrowed from f.
 * EFORMAT: not there, of other sizes, or with a number that is not finite. */
MUST_CHECK mopo_status agent_file_find(const float **values, const double **scalars,
                                       const tensor_file *f, const char *path,
                                       const agent_memory *s, mopo_error *err);
/* Makes what was found the state of a. */
void agent_file_take(agent *a, const float *values, const double *scalars);

#endif
