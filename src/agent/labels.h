/* labels.h - what the columns of a policy mean: names, units, recorded ranges. They are metadata of
 * its file and go into every export; the network knows nothing of them. */
#ifndef AGENT_LABELS_H
#define AGENT_LABELS_H

#include "base/error.h"

#include <stdbool.h>

struct tensor_list;
struct tensor_file;

typedef struct policy_labels {
  const char *const *obs, *const *act; /* [S], [A] names; NULL: not known */
  const float *ranges;   /* [A,2] what -1 and 1 were in the recording; NULL: not known */
  const float *seen;     /* [S,2] least and greatest recorded observation; NULL: not known */
  const bool *is_switch; /* [A] it is either -1 or 1, and 1 from 0 on; NULL: none is */
  int history;           /* S is that of so many observations, newest first, and the actions between
                            them (task/task.h); 0 or 1: of one */
} policy_labels;

/* A copy in one block, which free() gives back. Names are cleaned (base/name.h). ENOMEM. */
MUST_CHECK mopo_status labels_copy(policy_labels **out, const policy_labels *from, int S, int A,
                                   mopo_error *err);
/* Into the metadata: obs_names, act_names, action_ranges, obs_ranges, switches, history; a key for
 * what is known only. ENOMEM. */
MUST_CHECK mopo_status labels_write(struct tensor_list *l, const policy_labels *from, int S, int A,
                                    mopo_error *err);
/* From there; *out is NULL where the file says nothing. Files of older versions have action_ranges
 * as a tensor. EFORMAT, ENOMEM. */
MUST_CHECK mopo_status labels_read(policy_labels **out, const struct tensor_file *f,
                                   const char *path, int S, int A, mopo_error *err);
/* Observations that a device measures in a period: S without the history. */
int labels_observed(const policy_labels *l, int S, int A);

/* What is written, one key after the other: take(ctx, key, value). ENOMEM or what take says. */
MUST_CHECK mopo_status labels_each(const policy_labels *from, int S, int A,
                                   mopo_status (*take)(void *ctx, const char *key,
                                                       const char *value, mopo_error *err),
                                   void *ctx, mopo_error *err);

#endif
