/* dataset.h - what happened: N transitions, each one contiguous row. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/error.h"

/* Where things are in a row: obs [S], act [A], rew, next [S], done; width W = 2S + A + 2. The same
 * layout serves dataset, replay ring and batches. */
typedef struct row_layout {
  int S, A;
  int act, rew, next, done, width; /* offsets in floats; obs is at 0 */
} row_layout;

row_layout row_layout_of(int S, int A);

struct mopo_dataset {
  row_layout at;
  int64_t N;
  float *rows;             /* [N,W]; done = 1 only for terminals */
  unsigned char *timeouts; /* [N]: 1 = the recording was cut after this row */
  unsigned char
      *ends; /* [N]: 1 = last row of its episode (terminal, timeout, row lost, end of file) */
  /* [N] 1 = a terminal row of which the file does not say what it led to: next is obs. Policies
   * learn from it (no value lies beyond a terminal); the model and files leave it out. */
  unsigned char *blind;
  int64_t n_blind;
  char kind[24];
  char task[64];  /* whose rewards these are; "": not known */
  char name[256]; /* file name, for messages */
  float *ranges;  /* [A,2] low and high that the actions were recorded in; NULL: not known */
  const char **obs_names, **act_names; /* [S], [A] what the columns are called; NULL: not known */
  char (*notes)[MOPO_NOTE];            /* [n_notes] what its reading had to tell */
  int n_notes;
  int64_t *lines;    /* [N] of a text file: the line of each row; else NULL */
  int64_t rows_read; /* in the file; 0: not from one */
  double period;     /* the usual step of its time, seconds where that was dates; 0: not known */
  int horizon;       /* steps after which an episode is cut, as the file says; 0: it does not */
  /* Only of dataset_load_positions: where the body was before and after each step, [N,nq]. */
  int nq;
  double *qpos, *after;
  bool borrowed; /* rows are the caller's */
};

/* Row i, width W. */
static inline const float *dataset_row(const mopo_dataset *d, int64_t i)
{
  return d->rows + (size_t)i * (size_t)d->at.width;
}

/* What observation j is called: as the log has it, else obs_j, printed into text. */
enum { DATASET_COLUMN = 24 };
const char *dataset_column(char text[DATASET_COLUMN], const mopo_dataset *d, int j);

/* Rows and a digest of them: "20000 rows (6e2ef20c76646068)". Other data have another text. */
enum { DATASET_DIGEST = 48 };
void dataset_digest(char text[DATASET_DIGEST], const mopo_dataset *d);

/* As mopo_dataset_load, of a D4RL HDF5 file that has infos/qpos. Positions after a step are
 * infos/next_qpos or, where there is none, those before the next step: then the last row of every
 * episode is left out. */
MUST_CHECK mopo_status dataset_load_positions(mopo_dataset **out, const char *path,
                                              mopo_error *err);

/* ------------------------------------------------------------------ filling one */

/* Where a block of values comes from, for messages. */
typedef struct origin {
  const char *file, *array;
  int64_t first;            /* row of the block's first */
  const int64_t *lines;     /* the line of each row of a text file, else NULL */
  bool option;              /* an option of the reading can help */
  const char *const *names; /* of the array's columns, in a text file; else NULL */
} origin;

/* EDATA: the value x of a column of row `row` of the block, and what was wanted. */
mopo_status dataset_bad_value(const origin *o, int64_t row, int col, float x, const char *want,
                              mopo_error *err);
/* N rows whose values are not set yet; no timeouts. ENOMEM: also more than this machine has. */
MUST_CHECK mopo_status dataset_create(mopo_dataset **out, int64_t N, int S, int A, const char *name,
                                      mopo_error *err);
/* The same around rows [N,W] that are the caller's and outlive the dataset. ENOMEM. */
MUST_CHECK mopo_status dataset_create_around(mopo_dataset **out, const float *rows, int64_t N,
                                             int S, int A, const char *name, mopo_error *err);
/* Copies x [n,C] to column `to` of rows row.. */
void dataset_copy_rows(mopo_dataset *d, int64_t row, int to, const float *x, int64_t n, int C);
/* The same. EDATA: not finite. */
MUST_CHECK mopo_status dataset_put(mopo_dataset *d, int64_t row, int to, const float *x, int64_t n,
                                   int C, const origin *o, mopo_error *err);
/* Makes ranges [n_ranges,2], such as the next function takes, those of the dataset. EINVAL: neither
 * one nor one for each action, not ascending; ENOMEM. */
MUST_CHECK mopo_status dataset_set_ranges(mopo_dataset *d, const double *ranges, int n_ranges,
                                          const char *name, mopo_error *err);
/* How actions are taken. */
typedef struct action_how {
  int first, count;    /* which of them: first .. first + count - 1 */
  const float *ranges; /* [A,2] that they are scaled from to -1..1; NULL: they are not */
  bool clip;           /* values beyond it by up to 5 % of its width are clipped, and counted: */
  int64_t *clipped;    /* [A] */
} action_how;

/* Copies x [n,count]. EDATA: not finite, out of range. */
MUST_CHECK mopo_status dataset_put_actions(mopo_dataset *d, int64_t row, const float *x, int64_t n,
                                           const action_how *how, const origin *o, mopo_error *err);
/* Copies x [n,2], what actions first.. were recorded in. EDATA: not finite, not ascending; ENOMEM.
 */
MUST_CHECK mopo_status dataset_put_ranges(mopo_dataset *d, int64_t first, int64_t n, const float *x,
                                          const char *name, mopo_error *err);
/* Room for positions [N,nq] before and after each row's step. ENOMEM. */
MUST_CHECK mopo_status dataset_make_positions(mopo_dataset *d, int nq, const char *name,
                                              mopo_error *err);
/* Copies x [n,nq] to rows row.. of d->qpos or d->after. EDATA: not finite. */
MUST_CHECK mopo_status dataset_put_positions(const mopo_dataset *d, double *to, int64_t row,
                                             const double *x, int64_t n, const origin *o,
                                             mopo_error *err);
/* Terminals or timeouts must be 0 or 1. EDATA. */
MUST_CHECK mopo_status dataset_check_flags(const float *x, int64_t n, const origin *o,
                                           mopo_error *err);
/* The kind by what the file says of itself, else by its name; "": by neither. */
const char *dataset_kind(const char *text, const char *name);
/* Old files do not say where an episode was cut: every `horizon` steps. */
void dataset_cut_every(mopo_dataset *d, int horizon);
/* What is not in the file follows from the row after: next observations if `next`, positions after
 * the step if `after`. An episode's last row has none: a terminal becomes blind unless positions
 * are wanted, any other row is left out. */
void dataset_chain(mopo_dataset *d, bool next, bool after);
/* Row i ends its episode if it is terminal, was cut off, or is the last. */
void dataset_mark_ends(mopo_dataset *d);

#endif
