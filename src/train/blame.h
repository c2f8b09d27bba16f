/* blame.h - why did the numbers cease to be finite? In words of what the user can change. */
#ifndef TRAIN_BLAME_H
#define TRAIN_BLAME_H

#include "train/run.h"

/* Adds to an ENUMERIC message the column or the quantity that is to blame: the imagined column that
 * grew beyond bounds; else the recorded column, action or reward whose values lie furthest out, if
 * nothing scales them; else the setting that decides how fast that part learns. */
void blame(const run *o, mopo_error *err);

#endif
