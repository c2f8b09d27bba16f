/* policy.h - a trained policy in a file, and the file in memory. */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "agent/actor.h"
#include "agent/labels.h"
#include "base/error.h"

/* Writes the actor as torch.nn.Sequential(Linear, ReLU, ..., Linear) names it: actor.0.weight
 * [hidden,S], actor.0.bias, actor.2.weight ...; the last layer's rows are A means, then A log-stds.
 * Metadata: format, algo, task, obs_dim, act_dim, action_low, action_high, log_std_min,
 * log_std_max, and what the columns mean (labels.h; NULL: not known). A policy that subtracts and
 * scales first has input.shift and input.scale [S]: actor.0 takes (obs - shift) * scale. EIO,
 * ENOMEM. */
MUST_CHECK mopo_status policy_save(const actor *p, const char *path, const char *algo,
                                   const char *task, const policy_labels *labels, mopo_error *err);

/* A copy of the actor as a policy; algo, task, labels (copied) as above. ENOMEM. */
MUST_CHECK mopo_status policy_of(mopo_policy **out, const actor *from, const char *algo,
                                 const char *task, const policy_labels *labels, mopo_error *err);
/* The weights of an actor of the same shape. */
void policy_take(mopo_policy *p, const actor *from);

/* The network inside; borrowed. */
const actor *policy_actor(const mopo_policy *p);
/* Its layers, to be changed; borrowed. */
mlp *policy_network(mopo_policy *p);
/* What it was learned with; "" if the file does not say. Borrowed. */
const char *policy_algo(const mopo_policy *p);
/* What its columns mean; NULL: nothing is known. Borrowed. */
const policy_labels *policy_labels_of(const mopo_policy *p);
/* [A,2] of these; NULL: not known. Borrowed. */
const float *policy_ranges(const mopo_policy *p);

#endif
