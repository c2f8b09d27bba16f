/* ope_print.h - estimates on stdout, for every verb that has some. */
#ifndef CLI_OPE_PRINT_H
#define CLI_OPE_PRINT_H

#include <mopo/mopo.h>

/* Log and clone, then the n policies by rank, with their reasons. */
void ope_print_table(const mopo_estimate *e, const char *const *names, int n);
void ope_print_json(const mopo_estimate *e);

#endif
