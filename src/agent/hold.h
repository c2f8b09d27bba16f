/* hold.h - how closely recorded actions follow from the state, and a term that holds a policy
 * to them where they do:
 *
 *   actor    L += k mean sum_j c_j (tanh(m_j(s)) - a_j)^2,  (s, a) recorded, BEHAVIOUR_ROWS of them
 *            c_j = weight min(0.5, 0.01 / sigma_j^2)
 *            k = max(mean |min Q|, 1) over the batch, taken as constant
 *
 * sigma_j^2: variance of what a short cloning leaves of action j. Where the log explores, the term
 * lets go; where a controller works, it holds. Nothing goes to the log-stds. */
#ifndef AGENT_HOLD_H
#define AGENT_HOLD_H

#include "agent/agent.h"

enum { BEHAVIOUR_ROWS = 128, BEHAVIOUR_UPDATES = 1500 };

/* c [A] of setup->data by its config's behaviour_term; the bits depend on data, settings and key
 * only. Clones on four rows of five, measures on the fifth. ENOMEM. */
MUST_CHECK mopo_status behaviour_weights(float *c, const agent_setup *setup, mopo_error *err);

#endif
