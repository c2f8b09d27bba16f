/* recorder.c - see recorder.h. */
#include "data/recorder.h"

#include "base/arena.h"
#include "io/file.h"
#include "io/hdf5_out.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BUFFER_ROWS = 8192, ARRAYS = 9, PATH_SIZE = 4096, NAME_SIZE = 256 };

/* A column of the file and the rows of it that wait to be written. */
typedef struct pending {
  const char *name;
  char as;
  int cols; /* as in hdf5_out_column: 0 for [N] */
  size_t row_bytes;
  int column;
  char *rows; /* [BUFFER_ROWS] */
} pending;

struct recorder {
  hdf5_out *out;
  int arrays, waiting;
  mopo_status failed; /* of the first write that failed */
  bool has_qpos, has_qvel;
  void *block;
  int64_t written;
  pending array[ARRAYS];
  char path[PATH_SIZE]; /* for messages */
};

static void add_array(recorder *r, const char *name, char as, int cols)
{
  size_t value = as == 'f' ? sizeof(float) : as == 'd' ? sizeof(double) : 1;
  r->array[r->arrays++] = (pending){
      .name = name, .as = as, .cols = cols, .row_bytes = value * (size_t)(cols ? cols : 1)};
}

static void layout(recorder *r, arena *a)
{
  for (int i = 0; i < r->arrays; i++)
    r->array[i].rows = arena_bytes(a, BUFFER_ROWS * r->array[i].row_bytes);
}

static mopo_status open_columns(recorder *r, mopo_error *err)
{
  mopo_status st = hdf5_out_create(&r->out, r->path, err);
  for (int i = 0; !st && i < r->arrays; i++) {
    pending *p = &r->array[i];
    st = hdf5_out_column(r->out, &p->column, p->name, p->as, p->cols, err);
  }
  return st;
}

mopo_status recorder_check(const char *path, mopo_error *err)
{
  size_t n = strlen(path);
  const char *end = n > 4 ? path + n - 4 : "";
  if (n >= PATH_SIZE)
    return error_set(err, MOPO_EIO, "path of %zu bytes, want less than %d", n, PATH_SIZE);
  if (!strcasecmp(end, ".csv") || !strcasecmp(end, ".npz"))
    return error_set(err, MOPO_EINVAL, "%.200s: HDF5 is written, want a name that ends in .hdf5",
                     path);
  return file_check_target(path, err);
}

mopo_status recorder_open(recorder **out, const char *path, int S, int A, int nq, int nv,
                          mopo_error *err)
{
  assert(S > 0 && A > 0 && nq >= 0 && nv >= 0);
  *out = NULL;
  mopo_status checked = recorder_check(path, err);
  if (checked) return checked;
  recorder *r = calloc(1, sizeof *r);
  if (!r) return error_set(err, MOPO_ENOMEM, "%.200s: out of memory", path);
  snprintf(r->path, sizeof r->path, "%s", path);
  add_array(r, "observations", 'f', S);
  add_array(r, "actions", 'f', A);
  add_array(r, "rewards", 'f', 0);
  add_array(r, "next_observations", 'f', S);
  add_array(r, "terminals", 'b', 0);
  add_array(r, "timeouts", 'b', 0);
  r->has_qpos = nq > 0, r->has_qvel = nv > 0;
  if (nq) add_array(r, "infos/qpos", 'd', nq);
  if (nv) add_array(r, "infos/qvel", 'd', nv);
  if (nq) add_array(r, "infos/next_qpos", 'd', nq);

  arena a = {0};
  layout(r, &a);
  mopo_status st =
      arena_alloc(&a) ? MOPO_OK : error_set(err, MOPO_ENOMEM, "%.200s: out of memory", path);
  if (!st) {
    layout(r, &a);
    r->block = a.base;
    st = open_columns(r, err);
  }
  if (st)
    recorder_abandon(r);
  else
    *out = r;
  return st;
}

/* After a failure the columns differ in length: nothing more is taken and the file is not kept. */
static mopo_status flush(recorder *r, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; !st && i < r->arrays; i++)
    st = hdf5_out_append(r->out, r->array[i].column, r->array[i].rows, r->waiting, err);
  r->failed = r->failed ? r->failed : st;
  r->written += r->waiting;
  r->waiting = 0;
  return st;
}

static mopo_status refuse(const recorder *r, mopo_error *err)
{
  return error_set(err, r->failed, "%.200s: an earlier write failed", r->path);
}

mopo_status recorder_add(recorder *r, const float *obs, const float *act, float rew,
                         const float *next, bool terminal, bool timeout, const double *qpos,
                         const double *qvel, const double *after, mopo_error *err)
{
  if (r->failed) return refuse(r, err);
  unsigned char is_terminal = terminal, is_timeout = timeout;
  /* In the order of recorder_open. */
  const void *values[ARRAYS] = {obs, act, &rew, next, &is_terminal, &is_timeout};
  int n = 6;
  if (r->has_qpos) values[n++] = qpos;
  if (r->has_qvel) values[n++] = qvel;
  if (r->has_qpos) values[n++] = after;
  for (int i = 0; i < r->arrays; i++) {
    const pending *p = &r->array[i];
    memcpy(p->rows + (size_t)r->waiting * p->row_bytes, values[i], p->row_bytes);
  }
  return ++r->waiting == BUFFER_ROWS ? flush(r, err) : MOPO_OK;
}

static mopo_status metadata_name(char name[NAME_SIZE], const char *key, mopo_error *err)
{
  int n = snprintf(name, NAME_SIZE, "metadata/%s", key);
  return n < NAME_SIZE ? MOPO_OK : error_set(err, MOPO_EINVAL, "key '%.100s...' is too long", key);
}

mopo_status recorder_text(recorder *r, const char *key, const char *value, mopo_error *err)
{
  char name[NAME_SIZE];
  mopo_status st = metadata_name(name, key, err);
  return st ? st : hdf5_out_text(r->out, name, value, err);
}

mopo_status recorder_texts(recorder *r, const char *key, const char *const *values, int n,
                           mopo_error *err)
{
  char name[NAME_SIZE];
  mopo_status st = metadata_name(name, key, err);
  return st ? st : hdf5_out_texts(r->out, name, values, n, err);
}

mopo_status recorder_number(recorder *r, const char *key, double value, mopo_error *err)
{
  char name[NAME_SIZE];
  mopo_status st = metadata_name(name, key, err);
  return st ? st : hdf5_out_number(r->out, name, value, err);
}

mopo_status recorder_array(recorder *r, const char *key, const float *x, int rows, int cols,
                           mopo_error *err)
{
  char name[NAME_SIZE];
  mopo_status st = metadata_name(name, key, err);
  return st ? st : hdf5_out_floats(r->out, name, x, rows, cols, err);
}

int64_t recorder_rows(const recorder *r) { return r->written + r->waiting; }

mopo_status recorder_close(recorder *r, mopo_error *err)
{
  mopo_status st = r->failed ? refuse(r, err) : flush(r, err);
  if (!st) {
    st = hdf5_out_close(r->out, err);
    r->out = NULL;
  }
  recorder_abandon(r);
  return st;
}

void recorder_abandon(recorder *r)
{
  if (!r) return;
  hdf5_out_abandon(r->out);
  free(r->block);
  free(r);
}
