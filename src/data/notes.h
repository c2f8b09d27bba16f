/* notes.h - what a dataset's reading had to tell, and what its columns are called. */
#ifndef DATA_NOTES_H
#define DATA_NOTES_H

#include "data/dataset.h"

/* Adds one line to d->notes. ENOMEM. */
MUST_CHECK mopo_status dataset_note(mopo_dataset *d, mopo_error *err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Copies names [S], or [A] of actions; a name is cut at 63 bytes. ENOMEM. */
MUST_CHECK mopo_status dataset_set_names(mopo_dataset *d, bool actions, const char *const *names,
                                         mopo_error *err);
/* Those of another dataset, where it has them and the sizes agree. ENOMEM. */
MUST_CHECK mopo_status dataset_copy_names(mopo_dataset *d, const mopo_dataset *from,
                                          mopo_error *err);
/* Where both have names, they have to be the same. EDATA. */
MUST_CHECK mopo_status dataset_agree_names(const mopo_dataset *d, const mopo_dataset *with,
                                           mopo_error *err);
/* What column c of a row is called: its name, or "observation 3", "action 0", "reward". */
enum { DATASET_NAME = 64 };
const char *dataset_column_name(const mopo_dataset *d, int c, char text[DATASET_NAME]);
/* The least and the greatest value of column c of a row; of an action as it was recorded. */
void dataset_column_range(double range[2], const mopo_dataset *d, int c);
/* An action in [-1,1] in the units that it was recorded in. */
double dataset_recorded_action(const mopo_dataset *d, int action, double x);

#endif
