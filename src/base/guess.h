/* guess.h - which name was meant? */
#ifndef BASE_GUESS_H
#define BASE_GUESS_H

#include <stddef.h>

typedef struct guess {
  const char *wanted, *best; /* best: NULL before the first try; borrowed */
  int distance;
} guess;

/* Keeps `name` if its edit distance to n->wanted is the smallest so far. */
void guess_try(guess *n, const char *name);
enum { GUESS_SIZE = 120 };
/* ", did you mean 'level1'?"; nothing where no name is like the one that was wanted. */
const char *guess_text(char buf[GUESS_SIZE], const guess *n);

#endif
