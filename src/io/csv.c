/* csv.c - see csv.h. */
#include "io/csv.h"

#include "base/number.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

mopo_status csv_print(char *line, size_t size, const double *x, int n, mopo_error *err)
{
  size_t used = 0;
  for (int i = 0; i < n; i++) {
    char cell[40] = "";
    if (!isnan(x[i])) number_print(cell, sizeof cell, "%.9g", x[i]);
    int k = snprintf(line + used, size - used, "%s%c", cell, i + 1 < n ? ',' : '\n');
    if ((size_t)k >= size - used) /* -1 too */
      return error_set(err, MOPO_EINVAL, "a line of %d numbers does not fit %zu bytes", n, size);
    used += (size_t)k;
  }
  return MOPO_OK;
}

bool csv_parse(double *x, int n, const char *line, const char **end)
{
  for (int i = 0; i < n; i++) {
    char *stop = NULL;
    bool empty = *line == ',' || *line == '\n' || !*line;
    x[i] = empty ? (double)NAN : number_parse(line, &stop);
    if (!empty && (stop == line || isspace((unsigned char)*line))) return false;
    if (!empty) line = stop;
    if (i + 1 < n && *line++ != ',') return false;
  }
  if (*line && *line != '\n') return false;
  if (end) *end = *line ? line + 1 : line;
  return true;
}
