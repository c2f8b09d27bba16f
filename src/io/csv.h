/* csv.h - lines of numbers: NAN is an empty cell. */
#ifndef IO_CSV_H
#define IO_CSV_H

#include "base/error.h"

/* x [n] as one line with its newline; 9 digits, so that a float32 survives. EINVAL: no room. */
MUST_CHECK mopo_status csv_print(char *line, size_t size, const double *x, int n, mopo_error *err);
/* Reads exactly n numbers from a line that ends in a newline or a 0; *end (may be NULL) is past the
 * newline. False: other than n cells, or a cell that is not a number. */
MUST_CHECK bool csv_parse(double *x, int n, const char *line, const char **end);

#endif
