/* policy.h - a trained policy in a file, and the file in memory. */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include "agent/actor.h"
#include "base/error.h"

/* Writes the actor as torch.nn.Sequential(Linear, ReLU, ..., Linear) names it: actor.0.weight
 * [hidden,S], actor.0.bias, actor.2.weight ...; the last layer's rows are A means, then A log-stds.
 * Metadata: format, algo, task, obs_dim, act_dim, action_low, action_high, log_std_min,
 * log_std_max. ranges [A,2] (NULL: not known) is what -1 and 1 were in the recording: action_ranges
 * in the file. A policy that subtracts and scales first has input.shift and input.scale [S]:
 * actor.0 takes (obs - shift) * scale. EIO, ENOMEM. */
MUST_CHECK mopo_status policy_save(const actor *p, const char *path, const char *algo,
                                   const char *task, const float *ranges, mopo_error *err);

/* A copy of the actor as a policy; algo, task, ranges as above. ENOMEM. */
MUST_CHECK mopo_status policy_of(mopo_policy **out, const actor *from, const char *algo,
                                 const char *task, const float *ranges, mopo_error *err);
/* The weights of an actor of the same shape. */
void policy_take(mopo_policy *p, const actor *from);

/* The network inside; borrowed. */
const actor *policy_actor(const mopo_policy *p);
/* Its layers, to be changed; borrowed. */
mlp *policy_network(mopo_policy *p);
/* What it was learned with; "" if the file does not say. Borrowed. */
const char *policy_algo(const mopo_policy *p);
/* [A,2] as policy_save; NULL: not known. Borrowed. */
const float *policy_ranges(const mopo_policy *p);

#endif
