/* nearest.h - which name was meant? */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

typedef struct nearest {
  const char *wanted, *best; /* best: NULL before the first try; borrowed */
  int distance;
} nearest;

/* Keeps `name` if its edit distance to n->wanted is the smallest so far. */
void nearest_try(nearest *n, const char *name);
enum { NEAREST_SIZE = 120 };
/* ", did you mean 'level1'?"; nothing where no name is like the one that was wanted. */
const char *nearest_guess(char buf[NEAREST_SIZE], const nearest *n);

#endif
