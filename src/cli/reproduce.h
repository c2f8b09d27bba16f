/* reproduce.h - the tables of Yu et al. 2020 and one of later methods: what they compare, what they
 * print, and how one of their cells is made. A cell is one run: a set of data, a method, a seed. */
#ifndef CLI_REPRODUCE_H
#define CLI_REPRODUCE_H

#include "options.h"

enum {
  REPRODUCE_PATH = 1024,
  METHODS_MAX = 8,
  SEEDS_MAX = 64,
  METHOD_SETTINGS = 8,
  LATER_MAX = 32
};

/* What the paper prints; NAN: it does not. */
typedef struct published {
  double mean, spread; /* standard deviation over 6 seeds */
} published;

typedef struct method {
  const char *name;                      /* of its column and of its directory */
  const char *settings[METHOD_SETTINGS]; /* the algorithm's first: name, value, name, value */
  bool model;                            /* uses the row's fitted ensemble */
} method;

typedef struct paper_row {
  const char *task, *kind;
  published batch[2]; /* mean and greatest return of the recorded episodes */
  published value[METHODS_MAX];
} paper_row;

typedef struct paper_table {
  const char *name, *title;
  int n_methods, n_rows;
  const method *methods;
  const paper_row *rows;
  bool printed; /* in the paper; false: no batch, no value */
} paper_table;

/* A table of the algorithms that the paper does not have: whatever mopo has besides. */
typedef struct paper_later {
  char names[1024];
  method methods[LATER_MAX];
  paper_table table;
} paper_later;

/* The table in l, which holds what it points to. */
const paper_table *paper_later_make(paper_later *l);
/* NULL: no such table in the paper. */
const paper_table *paper_table_find(const char *name);
/* Rewards of the row's data are made by relabelling; its figures are returns, not scores. */
bool paper_row_relabels(const paper_row *row);

/* What was asked for. */
typedef struct reproduce {
  const options *o;
  const char *dir;
  const paper_table *table;
  paper_later later;
  uint64_t seed[SEEDS_MAX];
  int n_seeds;
} reproduce;

/* Where things are under the directory. False: the path is too long. */
bool reproduce_data_path(char *path, const reproduce *r, const paper_row *row, const char *suffix);
bool reproduce_model_path(char *path, const reproduce *r, const paper_row *row, uint64_t seed);
bool reproduce_cell_path(char *path, const reproduce *r, const paper_row *row, const method *m,
                         uint64_t seed);
/* "hopper-medium/mopo/seed-0": what --only looks into. */
void reproduce_cell_name(char *name, const paper_row *row, const method *m, uint64_t seed);

/* Makes every cell that --only lets through and that is not there yet, or prints how. An exit code.
 */
int reproduce_make(const reproduce *r);
/* The table from whatever cells are there, beside what was published. */
void reproduce_print(const reproduce *r);
void reproduce_print_json(const reproduce *r);

#endif
