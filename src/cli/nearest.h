/* nearest.h - which name was meant? */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

typedef struct nearest {
  const char *wanted, *best; /* best: NULL before the first try */
  int distance;
} nearest;

/* Keeps `name` if its edit distance to n->wanted is the smallest so far. */
void nearest_try(nearest *n, const char *name);

#endif
