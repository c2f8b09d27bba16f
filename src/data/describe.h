/* describe.h - what in a dataset looks suspicious: shared by describe.c, which is quick,
 * columns.c, which sorts every column, and lag.c, which fits lines. */
#ifndef DATA_DESCRIBE_H
#define DATA_DESCRIBE_H

#include "data/notes.h"

/* Adds a line; where none fits any more, the last one counts. */
void describe_note(mopo_dataset_info *info, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "line 7" of a text file, or "row 5". */
const char *describe_place(const mopo_dataset *d, int64_t i, char text[32]);
/* Linear interpolation between the neighbours, as numpy.quantile. sorted [n]. */
double describe_quantile(const double *sorted, int64_t n, double q);
int describe_by_value(const void *a, const void *b);

/* lag.c: do the steps answer to actions of several rows ago? Do the rewards belong to their rows?
 * ENOMEM. */
MUST_CHECK mopo_status describe_lags(mopo_dataset_info *info, const mopo_dataset *d,
                                     mopo_error *err);

#endif
