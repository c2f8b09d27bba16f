/* csv_cells.h - the cells of a text file, line by line: RFC 4180 in full, for csv_table.c. */
#ifndef IO_CSV_CELLS_H
#define IO_CSV_CELLS_H

#include "base/error.h"

/* Where the reading is. The text is changed in place: cells end in a 0 and lose their quotes. */
typedef struct csv_cursor {
  char *at;
  int64_t line; /* of the file, from 1 */
} csv_cursor;

typedef enum csv_fault { CSV_FINE, CSV_OPEN_QUOTE, CSV_AFTER_QUOTE } csv_fault;

/* The cells of the next line that is not blank, which may be several lines of the file: cell [most]
 * receives the first of them, trimmed; *n is their number, 0 at the end; *line where it begins.
 * CSV_OPEN_QUOTE: a quote is never closed. CSV_AFTER_QUOTE: text after a closing one. */
csv_fault csv_next(csv_cursor *c, char **cell, int most, int *n, int64_t *line);
/* How many cells the next line has, which stays as it is. */
int csv_count(const csv_cursor *c);

/* True and false are 1 and 0; NAN: no finite number. */
float csv_number(const char *cell);
/* A number, or a date such as 2026-11-28 10:00:00.5 or 2026-11-28T10:00Z, in seconds; NAN: neither.
 */
double csv_time(const char *cell);

/* Texts as numbers: equal for equal texts. {0} is empty. */
typedef struct csv_keys {
  char **text; /* [n] by their first appearance; borrowed */
  int64_t n, cap;
  int64_t *slot; /* [slots] index + 1 into text; 0: free */
  int64_t slots;
} csv_keys;

/* The index of the text; -1: no memory. The text is borrowed. */
int64_t csv_key(csv_keys *k, char *text);
/* Are all of them whole numbers that a double holds, each written in its one way? */
bool csv_keys_are_numbers(const csv_keys *k);
void csv_keys_free(csv_keys *k);

#endif
