/* dialect.h - what the arrays of a file are called, and what they mean: a dialect is one row.
 *
 * A reader of io/ hands over arrays by their names. The loader (load.c) asks for those of every
 * dialect that a container may hold, takes the dialect that it knows by its mark, and does with
 * each array what its role says. A new dialect is a file dialect_NAME.c with its row. */
#ifndef DATA_DIALECT_H
#define DATA_DIALECT_H

#include "data/dataset.h"
#include "io/arrays.h"
#include "io/minari.h"

/* In the order in which they are read: an episode's length is known before its rows come. */
typedef enum role {
  STEPS,     /* rows of each episode's actions */
  OBS_STEPS, /* and of its observations: one more */
  NUMBERS,   /* of the episodes */
  OBS,
  ACT,
  REW,
  TERMINAL,
  NEXT,
  TIMEOUT,
  CUT,     /* the last row of an episode, terminal or not */
  EPISODE, /* [N] another value means another episode */
  TIME,    /* [N] a step other than the usual one means another episode */
  INDEX,   /* where episodes begin or, if that is not at 0, end */
  RANGES,  /* low and high that each action was recorded in */
  QPOS,    /* positions before and after the step; only where they are wanted */
  AFTER,
  TASK, /* texts */
  KIND,
  OBS_NAMES,
  ACT_NAMES,
  THERE, /* what the file has at its top */
  ROLES
} role;

enum { IN_HDF5 = 1, IN_NPZ = 2, IN_CSV = 4 };

typedef struct loader loader;

/* Every constant that is defined as `const dialect NAME` is one (cmake/rows.cmake). */
typedef struct dialect {
  const char *name;
  int containers;            /* that it comes in */
  role mark;                 /* a file that has this array is of this dialect */
  const char *arrays[ROLES]; /* what the array of a role is called */
  bool must[ROLES];          /* it has to be there; OBS, ACT and REW always */
  const char *ignored;       /* names at its top that mean nothing to us, blanks between; NULL */
  bool chained;              /* an episode has one observation more than rows (Minari) */
  /* Each may be NULL. The shapes are known, d is not yet there. */
  mopo_status (*begin)(loader *l, mopo_error *err);
  /* Every row has been taken: what ends where? */
  mopo_status (*finish)(loader *l, mopo_error *err);
} dialect;

/* The rows of the sources, collected when the library is built. NULL ends them. */
extern const dialect *const dialects[];
/* The i-th, NULL past the last. Of two that a file could be, the one known by more than its
 * observations, else the first. */
const dialect *dialect_at(int i);

/* ------------------------------------------------------------------ the loader */

enum { LOAD_ARRAYS = 64 };

/* The cells of one column that are no finite numbers. */
typedef struct bad_column {
  int64_t count, first; /* first: a row */
  float value;
} bad_column;

struct loader {
  const char *path; /* short enough for messages */
  const char *name; /* its last part */
  const mopo_task *task;
  mopo_import how;
  bool positions; /* wanted too */
  int container;
  const dialect *of; /* found */
  dialect named;     /* made of what the caller says; then that is the one */
  char *columns;     /* the pieces of the caller's text */
  int n;             /* arrays asked for */
  struct asked {
    role role;       /* ROLES: of no use in this dialect */
    int from, count; /* columns of the array; count 0: all */
    int to;          /* the first of them in the role */
  } asked[LOAD_ARRAYS];
  const io_array *arrays; /* [n] as they were found */
  bool has[ROLES];
  int S, A;
  char kind[IO_TEXT], label[IO_TEXT]; /* of its metadata: kind, task */
  const int64_t *lines;               /* of a text file, for messages */
  float *part;                        /* [IO_BLOCK bytes] columns of a block */
  mopo_dataset *d;

  minari_about about;       /* Minari's metadata */
  double *ranges;           /* [A,2] that it says; NULL: none */
  int64_t episodes, *start; /* chained: [episodes + 1] */

  struct run {
    double key;
    int64_t row; /* its first */
  } * run;       /* [n_runs] one after the other; numbered episodes have no rows */
  int64_t n_runs, runs_cap;
  int64_t came_back;      /* runs that go on after another one */
  double *time;           /* [N] */
  unsigned char *bad;     /* [N] 1: a cell of this row is no number */
  int64_t n_bad;          /* rows */
  bad_column *column;     /* [width + 2], the last two of keys and times */
  int64_t *clipped;       /* [A] */
  char (*there)[IO_TEXT]; /* [n_there] */
  int n_there;
};

/* As what the array of a role is handed over (arrays.h). */
char load_form(role r);
/* Does a dialect need the role? */
bool load_must(const loader *l, const dialect *d, role r);
/* The array that plays a role; NULL if there is none. Of several side by side, the first. */
const io_array *load_array(const loader *l, role r);
/* Columns of array i that its role takes. */
int load_cols(const loader *l, int i);
/* Rows of arrays[a]: what a sink takes. */
MUST_CHECK mopo_status load_rows(void *ctx, int a, int64_t first, int n, const void *values,
                                 mopo_error *err);
/* Row i - 1 ends its episode. */
void load_cut_before(mopo_dataset *d, int64_t i);
/* "line 7" of a text file, or "row 5". */
const char *load_place(const loader *l, int64_t i, char text[32]);

/* named.c: what the caller says: "obs=angle,speed;act=torque". Sets l->named and l->of. EINVAL,
 * ENOMEM. */
MUST_CHECK mopo_status named_read(loader *l, mopo_error *err);
/* Asks for its arrays, [LOAD_ARRAYS], and sets l->asked: "state[0:3],goal" are two, side by side.
 * EINVAL. */
MUST_CHECK mopo_status named_ask(loader *l, io_array *arrays, mopo_error *err);
/* What the caller calls a role: "obs", "next_obs". */
const char *named_role(role r);

/* reading.c: what is wrong with the rows, and what is done about it. */

/* Counts values of x [n,C], columns `to`.. of rows row.., that are not finite. Returns x, or a copy
 * in l->part where they are 0. */
const float *reading_check(loader *l, int64_t row, int to, const float *x, int64_t n, int C);
MUST_CHECK mopo_status reading_keys(loader *l, int64_t first, int n, const double *x,
                                    mopo_error *err);
MUST_CHECK mopo_status reading_numbers(loader *l, int64_t first, int n, const double *x,
                                       mopo_error *err);
void reading_times(loader *l, int64_t first, int n, const double *x);
MUST_CHECK mopo_status reading_there(loader *l, int n, const char *names, mopo_error *err);
/* Memory for all that is counted, when the shapes are known. ENOMEM. */
MUST_CHECK mopo_status reading_begin(loader *l, mopo_error *err);
/* All rows have come: cuts by time, tells of runs, refuses or takes out the bad rows. EDATA. */
MUST_CHECK mopo_status reading_finish(loader *l, mopo_error *err);
void reading_free(loader *l);

#endif
