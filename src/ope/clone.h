/* clone.h - the recorded controller as a policy: a short behaviour cloning, and how far the
 * recorded actions lie from it. */
#ifndef OPE_CLONE_H
#define OPE_CLONE_H

#include <signal.h>

#include "agent/agent.h"
#include "ope/standard.h"

typedef struct clone {
  agent *agent; /* its policy takes standardised observations */
  float *noise; /* [A] root mean square of recorded - cloned action */
} clone;

/* `updates` steps on batches of s->d. ESTOPPED, ENOMEM, ENUMERIC. */
MUST_CHECK mopo_status clone_create(clone *out, const standard *s, int updates, par *pool,
                                    rng_key key, const volatile sig_atomic_t *stop,
                                    mopo_error *err);
void clone_free(clone *c);

#endif
