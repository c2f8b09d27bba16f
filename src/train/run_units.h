/* run_units.h - the one scale of a run: what is learned from is in its units. */
#ifndef TRAIN_RUN_UNITS_H
#define TRAIN_RUN_UNITS_H

#include <mopo/mopo.h>

#include "data/units.h"

/* The scale that c->scaler asks for, and data in its units; both stay NULL where it asks for none.
 * Tells of columns that do not move. ENOMEM. */
MUST_CHECK mopo_status run_units_choose(units **out, mopo_dataset **scaled, const mopo_config *c,
                                        const mopo_task *task, const mopo_dataset *data,
                                        const mopo_watch *watch, mopo_error *err);
/* The same with a scale that is given, such as a model's; NULL: none. */
MUST_CHECK mopo_status run_units_take(units **out, mopo_dataset **scaled, const units *given,
                                      const mopo_dataset *data, mopo_error *err);

#endif
