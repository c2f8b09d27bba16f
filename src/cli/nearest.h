/* nearest.h - which name was meant? */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

typedef struct nearest {
  const char *wanted, *best; /* best: NULL before the first try */
  int distance;
} nearest;

/* Keeps `name` if its edit distance to n->wanted is the smallest so far. */
void nearest_try(nearest *n, const char *name);
enum { NEAREST_SIZE = 96 };
/* ", did you mean '--resume'?" with `before` as its dashes or verb; nothing where no name is like
 * the one that was wanted. */
const char *nearest_guess(char buf[NEAREST_SIZE], const nearest *n, const char *before);

#endif
