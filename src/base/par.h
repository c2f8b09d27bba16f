/* par.h - a pool of threads that share fixed pieces of work.
 *
 * The work is cut into pieces by the caller; which thread runs a piece is not fixed (its own share
 * first, then what others have not begun), so a piece may write only what is its own, and
 * reductions happen afterwards in the order of the pieces. Then the bits do not depend on the
 * number of threads. */
#ifndef BASE_PAR_H
#define BASE_PAR_H

#include "base/error.h"

typedef struct par par;

enum { PAR_MAX = 256 /* threads of a pool */ };

/* Runs piece 0 .. pieces-1; `thread` in 0 .. par_threads-1 names a workspace. */
typedef void par_fn(void *ctx, int piece, int thread);

/* threads >= 1; the caller is one of them. 0: one per core that this process may use.
 * EINVAL, ENOMEM (no thread to be had). */
MUST_CHECK mopo_status par_create(par **out, int threads, mopo_error *err);
void par_free(par *p);
int par_threads(const par *p);
/* Returns when every piece is done. Not re-entrant. */
void par_run(par *p, int pieces, par_fn *fn, void *ctx);
/* Processors that this process may use (cores.c). */
int par_cores(void);
/* The least quota of the control groups that the file `proc` lists, whose file system is at `root`;
 * INT_MAX: none. */
int cores_by_groups(const char *proc, const char *root);

#endif
