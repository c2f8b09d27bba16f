/* scaler.h - columns to mean 0 and standard deviation 1, as the dynamics model sees them. */
#ifndef DATA_SCALER_H
#define DATA_SCALER_H

#include "base/error.h"

typedef struct scaler {
  int D;
  float *mean, *std; /* [D]; std > 0 */
} scaler;

/* Mean 0 and std 1: changes nothing. ENOMEM. */
MUST_CHECK mopo_status scaler_create(scaler **out, int D, mopo_error *err);
void scaler_free(scaler *s);
/* Mean and population standard deviation of the first D columns (obs, act) of the n > 0 rows
 * index[0 .. n-1] of rows [.,width]; index NULL: rows 0 .. n-1. A std < 1e-12 becomes 1. */
void scaler_fit(scaler *s, const float *rows, const uint32_t *index, int64_t n, int width);
/* y [B,D] = (x [B,D] - mean) / std. y may be x. */
void scaler_apply(const scaler *s, float *y, const float *x, int B);
/* x [B,D] = y [B,D] * std + mean. x may be y. */
void scaler_invert(const scaler *s, float *x, const float *y, int B);

#endif
