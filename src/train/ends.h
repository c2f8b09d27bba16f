/* ends.h - learned ends: are they wanted, and how well are they foretold? */
#ifndef TRAIN_ENDS_H
#define TRAIN_ENDS_H

#include "base/rng.h"
#include "model/termination.h"

/* Are ends to be learned, from data with so many terminals? known: a model that is given brings
 * them. Says so at once where the data have some that nothing foretells. */
bool ends_wanted(const mopo_config *c, const mopo_task *task, bool known, int64_t terminals,
                 const mopo_watch *watch);
/* Learns them and tells how well. key: the run's; data: in the units of the model. As
 * termination_fit. */
MUST_CHECK mopo_status ends_fit(termination **out, const mopo_dataset *data, rng_key key, par *pool,
                                const mopo_watch *watch, mopo_error *err);

#endif
