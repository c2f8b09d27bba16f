/* finite.h - are these numbers still numbers? */
#ifndef BASE_FINITE_H
#define BASE_FINITE_H

#include <stdbool.h>
#include <stddef.h>

/* Is each of x [n] neither NaN nor infinite? */
bool all_finite(const float *x, size_t n);
bool all_finite_double(const double *x, size_t n);

#endif
