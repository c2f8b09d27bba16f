/* fitting.h - fits an ensemble as the settings say: told to a watch, with the tables of its fit. */
#ifndef TRAIN_FITTING_H
#define TRAIN_FITTING_H

#include "model/fit.h"

/* The ensemble fitted to data, written to the file `path`, unless that is NULL, with the tables of
 * its fit next to it. *end: learned ends, which are in that file, too; NULL: they are not learned.
 * key: the run's. state: the file where the fit under way is kept and from which it resumes; NULL:
 * none. s: the units of data, NULL: the log's. As ensemble_fit, and EIO. */
MUST_CHECK mopo_status fitting_run(ensemble **out, termination **end, fit_result *fit,
                                   const char *path, const char *state, const mopo_config *c,
                                   const mopo_dataset *data, const units *s, par *pool, rng_key key,
                                   const mopo_watch *watch, mopo_error *err);
/* One line: how good the model is that comes `from`. */
void fitting_tell(const mopo_watch *w, const ensemble *m, const char *from);

#endif
