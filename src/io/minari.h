/* minari.h - what Minari writes next to its arrays: metadata.json, with the spaces that the numbers
 * live in. */
#ifndef IO_MINARI_H
#define IO_MINARI_H

#include "base/error.h"

enum { MINARI_NAME = 128 };

/* A space of boxes, flattened as hdf5.h flattens a group: in the order of its keys. */
typedef struct minari_space {
  int n;                      /* numbers; 0: not told */
  char (*names)[MINARI_NAME]; /* [n] "goal.x[0]"; NULL: one box, whose numbers have no names */
  double *low, *high;         /* [n], infinite where there is no bound */
  char refused[MINARI_NAME];  /* "Discrete(3)": the part that is no box, and where it stands; "" */
} minari_space;

typedef struct minari_about {
  bool found;               /* there is such a file */
  char id[MINARI_NAME];     /* "mujoco/hopper/medium-v0" */
  char env[MINARI_NAME];    /* "Hopper-v5" */
  char format[MINARI_NAME]; /* "hdf5", "arrow" */
  int64_t episodes, steps;  /* in all; -1: not told */
  int horizon;              /* steps after which an episode is cut; 0: not told */
  minari_space obs, act;
} minari_about;

/* Reads metadata.json at `path`; one that is not there leaves `found` false. What it does not say
 * stays "", 0 or -1. Free with minari_free, in any case. EIO, EFORMAT (no JSON, a space that is
 * none), ENOMEM. */
MUST_CHECK mopo_status minari_read(minari_about *out, const char *path, mopo_error *err);
void minari_free(minari_about *about);

#endif
