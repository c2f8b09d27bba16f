/* guess.c - see guess.h. */
#include "base/guess.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 40 };

/* Levenshtein's; names count up to LONGEST bytes. */
static int distance(const char *a, const char *b)
{
  int row[LONGEST + 1];
  int n = (int)strnlen(b, LONGEST);
  for (int j = 0; j <= n; j++) row[j] = j;
  for (int i = 1; i <= LONGEST && a[i - 1]; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= n; j++) {
      int best = diagonal + (a[i - 1] != b[j - 1]);
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[n];
}

void guess_try(guess *n, const char *name)
{
  int d = distance(n->wanted, name);
  if (n->best && d >= n->distance) return;
  n->best = name;
  n->distance = d;
}

/* Half of its letters may be wrong, or missing at its end. */
const char *guess_text(char buf[GUESS_SIZE], const guess *n)
{
  size_t length = strlen(n->wanted);
  bool like = n->best && (size_t)n->distance * 2 <= length;
  like = like || (n->best && length > 1 && !strncmp(n->wanted, n->best, length));
  *buf = '\0';
  if (like) snprintf(buf, GUESS_SIZE, ", did you mean '%.80s'?", n->best);
  return buf;
}
