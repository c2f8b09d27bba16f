/* hdf5_out.c - see hdf5_out.h. */
#include "io/hdf5_out.h"

#include "io/file.h"
#include "io/hdf5_disk.h"
#include "io/hdf5_quiet.h"
#include "io/part.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16, CHUNK_ROWS = 8192, NAME_SIZE = 256 };

typedef struct column {
  hid_t set;
  char as;
  int cols;
  hsize_t rows;
} column;

struct hdf5_out {
  part part; /* what is written, before it has its name */
  hid_t driver, file;
  hdf5_disk disk;
  int n;
  column columns[COLUMNS_MAX];
  char path[NAME_SIZE]; /* for messages */
};

static const char *cause(const hdf5_out *o)
{
  return o->disk.error ? strerror(o->disk.error) : "the HDF5 library refused";
}

static mopo_status write_failed(const hdf5_out *o, const char *name, mopo_error *err)
{
  return error_set(err, MOPO_EIO, "%s: '%s' cannot be written: %s", o->path, name, cause(o));
}

static void open_file(hdf5_out *o, const char *path)
{
  quiet q = quiet_begin();
  o->driver = hdf5_disk_register();
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hdf5_disk_use(access, o->driver, &o->disk);
  o->file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Pclose(access);
  if (o->file < 0) H5FDunregister(o->driver);
  quiet_end(q);
}

mopo_status hdf5_out_create(hdf5_out **out, const char *path, mopo_error *err)
{
  const char *name = file_tail(path);
  *out = NULL;
  hdf5_out *o = calloc(1, sizeof *o);
  if (!o) return error_set(err, MOPO_ENOMEM, "%s: out of memory", name);
  memcpy(o->path, name, strlen(name) + 1);
  o->file = -1;
  mopo_status st = part_begin(&o->part, path, err);
  o->disk.fd = o->part.fd;
  if (!st) open_file(o, path);
  if (!st && o->file < 0)
    st = error_set(err, o->disk.error == ENOMEM ? MOPO_ENOMEM : MOPO_EIO,
                   "%s: cannot be created: %s", name, cause(o));
  if (st) {
    part_abandon(&o->part);
    free(o);
    return st;
  }
  *out = o;
  return MOPO_OK;
}

/* A new array. `plist` may be H5P_DEFAULT's copy with chunks; it is told to keep no times. */
static hid_t make_array(const hdf5_out *o, const char *name, hid_t type, hid_t space, hid_t plist)
{
  hid_t link = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(link, 1);
  H5Pset_obj_track_times(plist, false);
  hid_t set = H5Dcreate2(o->file, name, type, space, link, plist, H5P_DEFAULT);
  H5Pclose(link);
  return set;
}

/* As h5py stores a bool. */
static hid_t bool_type(void)
{
  hid_t type = H5Tenum_create(H5T_STD_I8LE);
  int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

/* Types in the file (a new one, to be closed) and in memory. */
static hid_t file_type(char as)
{
  assert(as == 'f' || as == 'd' || as == 'b');
  return as == 'f' ? H5Tcopy(H5T_IEEE_F32LE) : as == 'd' ? H5Tcopy(H5T_IEEE_F64LE) : bool_type();
}

static hid_t memory_type(char as)
{
  return as == 'f'   ? H5Tcopy(H5T_NATIVE_FLOAT)
         : as == 'd' ? H5Tcopy(H5T_NATIVE_DOUBLE)
                     : bool_type();
}

mopo_status hdf5_out_column(hdf5_out *o, int *index, const char *name, char as, int cols,
                            mopo_error *err)
{
  if (o->n == COLUMNS_MAX)
    return error_set(err, MOPO_EINVAL, "%s: '%s' is array %d, want at most %d", o->path, name,
                     o->n + 1, COLUMNS_MAX);
  quiet q = quiet_begin();
  int rank = cols ? 2 : 1;
  hsize_t none[2] = {0, (hsize_t)cols}, most[2] = {H5S_UNLIMITED, (hsize_t)cols};
  hsize_t chunk[2] = {CHUNK_ROWS, (hsize_t)cols};
  hid_t space = H5Screate_simple(rank, none, most), type = file_type(as);
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, rank, chunk);
  H5Pset_shuffle(plist);
  H5Pset_deflate(plist, 4);
  column *c = &o->columns[o->n];
  *c = (column){.set = make_array(o, name, type, space, plist), .as = as, .cols = cols};
  H5Pclose(plist);
  H5Tclose(type);
  H5Sclose(space);
  quiet_end(q);
  if (c->set < 0) return write_failed(o, name, err);
  *index = o->n++;
  return MOPO_OK;
}

mopo_status hdf5_out_append(hdf5_out *o, int index, const void *values, int rows, mopo_error *err)
{
  assert(index >= 0 && index < o->n && rows >= 0);
  if (rows == 0) return MOPO_OK;
  quiet q = quiet_begin();
  column *c = &o->columns[index];
  hsize_t start[2] = {c->rows, 0}, count[2] = {(hsize_t)rows, (hsize_t)c->cols};
  hsize_t all[2] = {c->rows + (hsize_t)rows, (hsize_t)c->cols};
  bool ok = H5Dset_extent(c->set, all) >= 0;
  hid_t space = H5Dget_space(c->set), memory = H5Screate_simple(c->cols ? 2 : 1, count, NULL);
  hid_t type = memory_type(c->as);
  ok = ok && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0;
  ok = ok && H5Dwrite(c->set, type, memory, space, H5P_DEFAULT, values) >= 0;
  H5Tclose(type);
  H5Sclose(memory);
  H5Sclose(space);
  quiet_end(q);
  c->rows = all[0];
  return ok && !o->disk.error ? MOPO_OK : write_failed(o, "rows", err);
}

static mopo_status write_once(hdf5_out *o, const char *name, hid_t type, hid_t memory, hid_t space,
                              const void *values, mopo_error *err)
{
  hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  hid_t set = make_array(o, name, type, space, plist);
  bool ok = set >= 0 && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (set >= 0) ok = H5Dclose(set) >= 0 && ok;
  H5Pclose(plist);
  H5Sclose(space);
  return ok ? MOPO_OK : write_failed(o, name, err);
}

mopo_status hdf5_out_text(hdf5_out *o, const char *name, const char *text, mopo_error *err)
{
  quiet q = quiet_begin();
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, strlen(text) + 1);
  H5Tset_cset(type, H5T_CSET_UTF8);
  mopo_status st = write_once(o, name, type, type, H5Screate(H5S_SCALAR), text, err);
  H5Tclose(type);
  quiet_end(q);
  return st;
}

mopo_status hdf5_out_texts(hdf5_out *o, const char *name, const char *const *texts, int n,
                           mopo_error *err)
{
  size_t size = 1;
  assert(n >= 1);
  for (int i = 0; i < n; i++) size = strlen(texts[i]) + 1 > size ? strlen(texts[i]) + 1 : size;
  char *cells = calloc((size_t)n, size);
  if (!cells) return error_set(err, MOPO_ENOMEM, "%s: out of memory", o->path);
  for (int i = 0; i < n; i++) memcpy(cells + (size_t)i * size, texts[i], strlen(texts[i]));
  quiet q = quiet_begin();
  hsize_t rows = (hsize_t)n;
  hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, size);
  H5Tset_cset(type, H5T_CSET_UTF8);
  mopo_status st = write_once(o, name, type, type, H5Screate_simple(1, &rows, NULL), cells, err);
  H5Tclose(type);
  quiet_end(q);
  free(cells);
  return st;
}

mopo_status hdf5_out_number(hdf5_out *o, const char *name, double x, mopo_error *err)
{
  quiet q = quiet_begin();
  mopo_status st =
      write_once(o, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, H5Screate(H5S_SCALAR), &x, err);
  quiet_end(q);
  return st;
}

mopo_status hdf5_out_floats(hdf5_out *o, const char *name, const float *x, int rows, int cols,
                            mopo_error *err)
{
  quiet q = quiet_begin();
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)cols};
  mopo_status st = write_once(o, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT,
                              H5Screate_simple(cols ? 2 : 1, dims, NULL), x, err);
  quiet_end(q);
  return st;
}

/* True: all bytes are in the temporary file. */
static bool close_file(hdf5_out *o)
{
  quiet q = quiet_begin();
  bool ok = H5Fflush(o->file, H5F_SCOPE_LOCAL) >= 0;
  for (int i = 0; i < o->n; i++) ok = H5Dclose(o->columns[i].set) >= 0 && ok;
  ok = H5Fclose(o->file) >= 0 && ok;
  H5FDunregister(o->driver);
  quiet_end(q);
  return ok && !o->disk.error;
}

mopo_status hdf5_out_close(hdf5_out *o, mopo_error *err)
{
  if (!o) return MOPO_OK;
  mopo_status st = close_file(o) ? part_finish(&o->part, err) : write_failed(o, "file", err);
  part_abandon(&o->part);
  free(o);
  return st;
}

void hdf5_out_abandon(hdf5_out *o)
{
  if (!o) return;
  close_file(o);
  part_abandon(&o->part);
  free(o);
}
