/* recorder.h - writes transitions to a D4RL HDF5 file as they happen. The file appears under its
 * name only when recorder_close succeeds; until then it has a name of its own (io/part.h). */
#ifndef DATA_RECORDER_H
#define DATA_RECORDER_H

#include "base/error.h"

typedef struct recorder recorder;

/* Could recorder_open write there? For those who have hours of work to do before. EIO; EINVAL: by
 * its name (.csv, .npz) it would be read as what it is not. */
MUST_CHECK mopo_status recorder_check(const char *path, mopo_error *err);
/* nq, nv > 0: infos/qpos, infos/qvel and infos/next_qpos (float64) are recorded too. As
 * recorder_check, and ENOMEM. */
MUST_CHECK mopo_status recorder_open(recorder **out, const char *path, int S, int A, int nq, int nv,
                                     mopo_error *err);
/* One row. qpos [nq], qvel [nv]: the state BEFORE the step (that of obs); after [nq]: the positions
 * after it, which the next row lacks where an episode ends. EIO. */
MUST_CHECK mopo_status recorder_add(recorder *r, const float *obs, const float *act, float rew,
                                    const float *next, bool terminal, bool timeout,
                                    const double *qpos, const double *qvel, const double *after,
                                    mopo_error *err);
/* metadata/<key> as a string or a number. */
MUST_CHECK mopo_status recorder_text(recorder *r, const char *key, const char *value,
                                     mopo_error *err);
/* The same of texts [n]. */
MUST_CHECK mopo_status recorder_texts(recorder *r, const char *key, const char *const *values,
                                      int n, mopo_error *err);
MUST_CHECK mopo_status recorder_number(recorder *r, const char *key, double value, mopo_error *err);
/* metadata/<key> as a float32 array [rows,cols]; cols 0: [rows]. Key may have slashes. */
MUST_CHECK mopo_status recorder_array(recorder *r, const char *key, const float *x, int rows,
                                      int cols, mopo_error *err);
int64_t recorder_rows(const recorder *r);
/* Writes what is left and gives the file its name; frees r in every case. EIO: `path` is as it was
 * before. */
MUST_CHECK mopo_status recorder_close(recorder *r, mopo_error *err);
/* Gives up: removes the partial file, frees r. NULL is fine. */
void recorder_abandon(recorder *r);

#endif
