/* sweep.h - a grid of runs, as a sweep file asks for it: keys with lists of values, and the units
 * of work that they come to. */
#ifndef CONFIG_SWEEP_H
#define CONFIG_SWEEP_H

#include "base/error.h"

/* Most values of a key; most keys; most combinations. A file that asks for more is refused. */
enum { SWEEP_VALUES = 10000, SWEEP_KEYS = 64, SWEEP_UNITS = 100000, SWEEP_NAME = 512 };

/* One line of the file. */
typedef struct sweep_key {
  char *name;
  const mopo_setting *setting; /* NULL: an option of the cluster */
  char **value;                /* [n] */
  int n;
} sweep_key;

typedef struct sweep_unit {
  char name[SWEEP_NAME];
  mopo_config *config;
  bool model;  /* fits an ensemble; otherwise a run */
  int needs;   /* unit of its ensemble; -1: none */
  int *choice; /* [keys] which value of each key; -1: the algorithm does not read it */
} sweep_unit;

struct mopo_sweep {
  sweep_key key[SWEEP_KEYS], option[SWEEP_KEYS];
  int keys, options;
  sweep_unit *unit; /* ensembles first */
  int units, models, room;
};

/* sweep_file.c: reads the keys. */
MUST_CHECK mopo_status sweep_read(mopo_sweep *s, const char *path, mopo_error *err);
/* sweep.c: multiplies them out. dir: where the runs go. */
MUST_CHECK mopo_status sweep_expand(mopo_sweep *s, const char *dir, mopo_error *err);

#endif
