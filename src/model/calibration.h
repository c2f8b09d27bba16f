/* calibration.h - does a member know how wrong it is? Its predicted standard deviation beside the
 * error it makes, on rows that it was not fitted to. */
#ifndef MODEL_CALIBRATION_H
#define MODEL_CALIBRATION_H

#include "model/ensemble.h"

enum { CALIBRATION_BINS = 20 };

/* Predictions of like standard deviation: of every output of every row, in the outputs' own
 * units, in ascending order and cut into bins of equal size. */
typedef struct calibration_bin {
  int64_t values;            /* predictions in it; 0: more bins than predictions */
  double predicted_std;      /* root mean square */
  double error;              /* root mean square of prediction - recorded value */
  double within_1, within_2; /* share of errors within one and two predicted deviations */
} calibration_bin;

/* bin [E,CALIBRATION_BINS] from rows index [n] of d. The bits depend on m and the rows only.
 * ENOMEM. */
MUST_CHECK mopo_status calibration_measure(calibration_bin (*bin)[CALIBRATION_BINS],
                                           const ensemble *m, const mopo_dataset *d,
                                           const uint32_t *index, int64_t n, par *pool,
                                           mopo_error *err);

#endif
