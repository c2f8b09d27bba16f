/* hdf5.c - see hdf5.h. */
#include "io/hdf5.h"

#include "io/file.h"
#include "io/hdf5_disk.h"
#include "io/hdf5_names.h"
#include "io/hdf5_quiet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  CHUNK_BYTES = 128 << 20, /* one row of chunks, unpacked; it has to be in memory at once */
  CHUNK_SLOTS = 12421,     /* of the library's table of chunks: a prime beyond any row of chunks */
  DEFLATE_RATIO = 1100,    /* deflate cannot pack tighter than 1032 : 1 */
  COLS_MAX = 65535,
};

typedef struct reader {
  const char *path;
  int64_t bytes;  /* length of the file */
  int superblock; /* its version: 3 where the writer asked for the newest forms */
  hid_t file;
  hdf5_numbers numbers; /* that the last '#' stood for */
  hdf5_names top;
} reader;

/* An array opened, with what it takes to read it. */
typedef struct found {
  hid_t set, space, type;
  int rank;
  hsize_t dims[2];
  size_t value_bytes; /* in the file */
  hsize_t band_bytes; /* one row of chunks, unpacked; 0 if not chunked */
  /* Of a group, whose arrays stand side by side as if they were one: */
  struct found *leaf; /* [leaves] */
  int leaves;
  void *part; /* [IO_BLOCK] what is read of one of them */
} found;

static mopo_status refuse(const reader *r, const char *name, const char *why, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: '%s' %s", r->path, name, why);
}

/* Readers of HDF5 refuse what writers of a newer one may write. */
static mopo_status unreadable(const reader *r, const char *name, mopo_error *err)
{
  unsigned v[3];
  if (H5get_libversion(&v[0], &v[1], &v[2]) < 0 || r->superblock < 3)
    return refuse(r, name, "is not a readable array", err);
  return error_set(err, MOPO_EFORMAT,
                   "%s: '%s' is stored in a form newer than HDF5 %u.%u.%u reads, want a file "
                   "written without libver='latest'",
                   r->path, name, v[0], v[1], v[2]);
}

/* Follows the name link by link; *there is false when a step is missing. */
static mopo_status find(const reader *r, bool *there, const char *name, mopo_error *err)
{
  char part[HDF5_NAME];
  *there = false;
  assert(strlen(name) < sizeof part);
  for (size_t i = 1;; i++) {
    if (name[i] != '/' && name[i] != '\0') continue;
    memcpy(part, name, i);
    part[i] = '\0';
    htri_t exists = H5Lexists(r->file, part, H5P_DEFAULT);
    if (exists < 0) return refuse(r, name, "cannot be looked up: the file is damaged", err);
    if (exists == 0) return MOPO_OK;
    H5L_info_t info;
    if (H5Lget_info(r->file, part, &info, H5P_DEFAULT) < 0)
      return refuse(r, name, "cannot be looked up: the file is damaged", err);
    if (info.type != H5L_TYPE_HARD)
      return refuse(r, name, "is a link to another place, want an array of the file's own", err);
    if (name[i] == '\0') break;
  }
  *there = true;
  return MOPO_OK;
}

static mopo_status check_filters(const reader *r, hid_t plist, bool *deflated, const char *name,
                                 mopo_error *err)
{
  bool seen[3] = {false, false, false};
  int n = H5Pget_nfilters(plist);
  for (int i = 0; i < n; i++) {
    unsigned flags = 0;
    size_t values = 0;
    H5Z_filter_t id = H5Pget_filter2(plist, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
    int k = id == H5Z_FILTER_DEFLATE ? 0 : id == H5Z_FILTER_SHUFFLE ? 1 : 2;
    if (k == 2 && id != H5Z_FILTER_FLETCHER32)
      return error_set(err, MOPO_EFORMAT,
                       "%s: '%s' is packed with filter %d, want none, gzip, shuffle or fletcher32",
                       r->path, name, (int)id);
    /* Deflate on deflate would pack a million to one. */
    if (seen[k]) return refuse(r, name, "is packed twice with the same filter", err);
    seen[k] = true;
  }
  *deflated = seen[0];
  return n < 0 ? refuse(r, name, "has an unreadable list of filters", err) : MOPO_OK;
}

/* Are the values in this file, and can it hold as many as it claims? Sets f->band_bytes. */
static mopo_status check_storage(const reader *r, found *f, hid_t plist, const char *name,
                                 mopo_error *err)
{
  H5D_layout_t layout = H5Pget_layout(plist);
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
    return refuse(r, name, "is a virtual dataset, want an array of the file's own", err);
  if (H5Pget_external_count(plist) != 0)
    return refuse(r, name, "is stored in another file, want an array of the file's own", err);
  bool deflated = false;
  mopo_status st = check_filters(r, plist, &deflated, name, err);
  if (st) return st;

  hsize_t held = H5Dget_storage_size(f->set), rows = f->dims[0], cols = f->dims[1];
  if (held > (hsize_t)r->bytes) return refuse(r, name, "claims more bytes than the file has", err);
  /* No overflow: open_file takes no file beyond 2^50 bytes. */
  hsize_t most = held * (deflated ? DEFLATE_RATIO : 1) / f->value_bytes;
  if (rows > most / cols)
    return error_set(err, MOPO_EFORMAT,
                     "%s: '%s' claims %llu x %llu values, more than %llu bytes hold", r->path, name,
                     (unsigned long long)rows, (unsigned long long)cols, (unsigned long long)held);
  if (layout != H5D_CHUNKED) return MOPO_OK;

  hsize_t chunk[2] = {1, 1};
  if (H5Pget_chunk(plist, f->rank, chunk) < 0 || chunk[0] == 0 || chunk[1] == 0)
    return refuse(r, name, "has an unreadable chunk size", err);
  hsize_t across = (cols + chunk[1] - 1) / chunk[1];
  hsize_t limit = CHUNK_BYTES / f->value_bytes;
  if (chunk[0] > limit || chunk[1] > limit / chunk[0] || across > limit / (chunk[0] * chunk[1]))
    return refuse(r, name, "has chunks of more than 128 MB, want smaller ones", err);
  f->band_bytes = across * chunk[0] * chunk[1] * f->value_bytes;
  return MOPO_OK;
}

static mopo_status check_numbers(const reader *r, found *f, const char *name, mopo_error *err)
{
  H5T_class_t class = H5Tget_class(f->type);
  f->value_bytes = H5Tget_size(f->type);
  if (class != H5T_FLOAT && class != H5T_INTEGER && class != H5T_ENUM)
    return refuse(r, name, "does not hold numbers or bools", err);
  if (f->value_bytes < 1 || f->value_bytes > 8)
    return refuse(r, name, "holds numbers of more than 8 bytes, want float32 or float64", err);
  f->rank = H5Sget_simple_extent_ndims(f->space);
  if (f->rank != 1 && f->rank != 2)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d dimensions, want 1 or 2", r->path, name,
                     f->rank);
  f->dims[1] = 1;
  if (H5Sget_simple_extent_dims(f->space, f->dims, NULL) < 0)
    return refuse(r, name, "has an unreadable shape", err);
  if (f->dims[1] < 1 || f->dims[1] > COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %llu columns, want 1..%d", r->path, name,
                     (unsigned long long)f->dims[1], COLS_MAX);
  return MOPO_OK;
}

static mopo_status check_text(const reader *r, found *f, const char *name, mopo_error *err)
{
  f->rank = H5Sget_simple_extent_ndims(f->space);
  f->dims[0] = f->dims[1] = 1;
  f->value_bytes = H5Tget_size(f->type);
  if (H5Tget_class(f->type) != H5T_STRING) return refuse(r, name, "is not one text", err);
  if (f->rank > 2 || f->value_bytes > 1 << 16) return refuse(r, name, "is too long a text", err);
  if (f->rank > 0 && H5Sget_simple_extent_dims(f->space, f->dims, NULL) < 0)
    return refuse(r, name, "has an unreadable shape", err);
  if (f->dims[0] < 1 || f->dims[0] > COLS_MAX || f->dims[1] != 1)
    return refuse(r, name, "is not a list of texts", err);
  return MOPO_OK;
}

static void found_close(found *f)
{
  for (int i = 0; i < f->leaves; i++) found_close(&f->leaf[i]);
  free(f->leaf);
  free(f->part);
  if (f->type > 0) H5Tclose(f->type);
  if (f->space > 0) H5Sclose(f->space);
  if (f->set > 0) H5Oclose(f->set);
  *f = (found){0};
}

/* The library's cache of unpacked chunks holds two bands, so that none is unpacked twice. */
static hid_t reopen(const reader *r, const found *f, const char *name)
{
  hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
  H5Pset_chunk_cache(access, CHUNK_SLOTS, (size_t)f->band_bytes * 2, 1.0);
  hid_t set = H5Dopen2(r->file, name, access);
  H5Pclose(access);
  return set;
}

static mopo_status open_group(const reader *r, found *f, const io_array *a, mopo_error *err);

/* f->set is 0 when the array is not there. The caller closes f. */
static mopo_status open_array(const reader *r, found *f, const io_array *a, mopo_error *err)
{
  bool there = false;
  *f = (found){0};
  mopo_status st = find(r, &there, a->name, err);
  if (st) return st;
  if (!there)
    return a->required
               ? error_set(err, MOPO_EFORMAT, "%s: no array '%s', want one", r->path, a->name)
               : MOPO_OK;
  f->set = H5Oopen(r->file, a->name, H5P_DEFAULT);
  if (f->set < 0) return unreadable(r, a->name, err);
  if (H5Iget_type(f->set) == H5I_GROUP && a->as != 's') return open_group(r, f, a, err);
  if (H5Iget_type(f->set) != H5I_DATASET) return unreadable(r, a->name, err);
  hid_t plist = H5Dget_create_plist(f->set);
  f->space = H5Dget_space(f->set);
  f->type = H5Dget_type(f->set);
  if (plist < 0 || f->space < 0 || f->type < 0)
    st = unreadable(r, a->name, err);
  else
    st = a->as == 's' ? check_text(r, f, a->name, err) : check_numbers(r, f, a->name, err);
  if (!st) st = check_storage(r, f, plist, a->name, err);
  if (plist >= 0) H5Pclose(plist);
  if (st || f->band_bytes == 0) return st;

  H5Dclose(f->set);
  f->set = reopen(r, f, a->name);
  return f->set < 0 ? unreadable(r, a->name, err) : MOPO_OK;
}

static mopo_status open_leaves(const reader *r, found *f, const io_array *a, const hdf5_names *l,
                               mopo_error *err)
{
  f->leaf = calloc((size_t)l->n, sizeof *f->leaf);
  f->part = malloc(IO_BLOCK);
  if (!f->leaf || !f->part) return error_set(err, MOPO_ENOMEM, "%s: out of memory", r->path);
  for (int i = 0; i < l->n; i++) {
    found *leaf = &f->leaf[f->leaves++];
    io_array one = {.name = l->name[i], .as = a->as, .required = true};
    mopo_status st = open_array(r, leaf, &one, err);
    if (st) return st;
    f->dims[1] += leaf->dims[1];
    if (i == 0) f->dims[0] = leaf->dims[0];
    if (leaf->dims[0] != f->dims[0])
      return error_set(err, MOPO_EFORMAT, "%s: '%s' has %llu rows, '%s' %llu", r->path, l->name[i],
                       (unsigned long long)leaf->dims[0], l->name[0],
                       (unsigned long long)f->dims[0]);
  }
  if (f->dims[1] > COLS_MAX)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' has %llu columns, want 1..%d", r->path, a->name,
                     (unsigned long long)f->dims[1], COLS_MAX);
  return MOPO_OK;
}

/* A dictionary or a tuple of arrays: all that are in it, in the order of their keys. */
static mopo_status open_group(const reader *r, found *f, const io_array *a, mopo_error *err)
{
  hdf5_names l;
  hdf5_list_leaves(&l, r->file, a->name);
  mopo_status st = l.failed || l.n == 0
                       ? refuse(r, a->name, "is a group without arrays, or with too many", err)
                       : open_leaves(r, f, a, &l, err);
  free(l.name);
  return st;
}

/* Text number `row`. EFORMAT, ENOMEM: without a message. */
static mopo_status read_text(const found *f, int64_t row, char *cell)
{
  memset(cell, 0, IO_TEXT);
  htri_t variable = H5Tis_variable_str(f->type);
  if (variable < 0) return MOPO_EFORMAT;
  char *text = variable ? NULL : calloc(1, f->value_bytes + 1);
  if (!variable && !text) return MOPO_ENOMEM;
  hsize_t start[2] = {(hsize_t)row, 0}, one[2] = {1, 1};
  hid_t memory = H5Screate(H5S_SCALAR);
  bool ok =
      f->rank == 0 || H5Sselect_hyperslab(f->space, H5S_SELECT_SET, start, NULL, one, NULL) >= 0;
  ok = ok && H5Dread(f->set, f->type, memory, f->space, H5P_DEFAULT,
                     variable ? (void *)&text : (void *)text) >= 0;
  H5Sclose(memory);
  for (int i = 0; ok && text && text[i] && i < IO_TEXT - 1; i++) {
    unsigned char c = (unsigned char)text[i];
    cell[i] = c < ' ' || c == 127 ? '?' : (char)c;
  }
  if (!variable)
    free(text);
  else if (text)
    H5free_memory(text);
  return ok ? MOPO_OK : MOPO_EFORMAT;
}

static mopo_status read_block(const found *f, char as, int64_t first, int n, void *block)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; as == 's' && !st && i < n; i++)
    st = read_text(f, first + i, (char *)block + (size_t)i * IO_TEXT);
  if (as == 's') return st;
  size_t to = 0, all = (size_t)f->dims[1] * io_cell(as);
  for (int k = 0; k < f->leaves; k++) {
    size_t row = (size_t)f->leaf[k].dims[1] * io_cell(as);
    st = read_block(&f->leaf[k], as, first, n, f->part);
    if (st) return st;
    for (int i = 0; i < n; i++)
      memcpy((char *)block + (size_t)i * all + to, (char *)f->part + (size_t)i * row, row);
    to += row;
  }
  if (f->leaves) return MOPO_OK;
  hsize_t start[2] = {(hsize_t)first, 0}, count[2] = {(hsize_t)n, f->dims[1]};
  hid_t memory = H5Screate_simple(f->rank, count, NULL);
  bool ok = H5Sselect_hyperslab(f->space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
            H5Dread(f->set, as == 'f' ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, memory, f->space,
                    H5P_DEFAULT, block) >= 0;
  H5Sclose(memory);
  return ok ? MOPO_OK : MOPO_EFORMAT;
}

/* The rows of one array; they are rows first.. of all that the sink gets of arrays[index]. */
static mopo_status read_rows(const reader *r, found *f, const io_array *a, int index, int64_t first,
                             void *block, const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  int64_t rows = (int64_t)f->dims[0];
  int64_t step = (int64_t)((size_t)IO_BLOCK / (io_cell(a->as) * (size_t)a->cols));
  for (int64_t i = 0; !st && i < rows; i += step) {
    int n = (int)(rows - i < step ? rows - i : step);
    st = read_block(f, a->as, i, n, block);
    if (!st)
      st = sink->rows(sink->ctx, index, first + i, n, block, err);
    else if (st == MOPO_ENOMEM)
      error_set(err, st, "%s: out of memory", r->path);
    else
      error_set(err, MOPO_EFORMAT, "%s: '%s' rows %lld..%lld cannot be read: damaged file", r->path,
                a->name, (long long)i, (long long)(i + n - 1));
  }
  return st;
}

/* How many arrays does the name stand for? Their numbers are then in r->numbers. */
static mopo_status count_pieces(reader *r, int64_t *n, const char *name, mopo_error *err)
{
  *n = 1;
  if (!strchr(name, '#')) return MOPO_OK;
  if (!hdf5_list_numbers(&r->numbers, r->file, name))
    return refuse(r, name, "cannot be listed: the file is damaged, or memory ran out", err);
  *n = r->numbers.n ? r->numbers.n : 1; /* number 0 is then missed */
  return MOPO_OK;
}

/* Opens the i-th array of `all`; f->set is 0 where there is none: only the first may be missing. */
static mopo_status open_piece(const reader *r, found *f, const io_array *all, int64_t i,
                              mopo_error *err)
{
  char name[HDF5_NAME];
  const char *mark = strchr(all->name, '#');
  if (mark)
    snprintf(name, sizeof name, "%.*s%lld%s", (int)(mark - all->name), all->name,
             (long long)(r->numbers.n ? r->numbers.number[i] : 0), mark + 1);
  else
    snprintf(name, sizeof name, "%s", all->name);
  io_array a = *all;
  a.name = name;
  a.required = all->required || i > 0;
  *f = (found){0};
  mopo_status st = open_array(r, f, &a, err);
  if (st || !f->set || i == 0 || io_counts(all->as) || (int)f->dims[1] == all->cols) return st;
  return error_set(err, MOPO_EFORMAT, "%s: '%s' has %d columns, those before it %d", r->path, name,
                   (int)f->dims[1], all->cols);
}

static mopo_status read_top(const reader *r, int index, void *block, const io_sink *sink,
                            mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; !st && i < r->top.n; i++) {
    char *cell = block;
    memset(cell, 0, IO_TEXT);
    for (int k = 0; r->top.name[i][k]; k++) {
      unsigned char c = (unsigned char)r->top.name[i][k];
      cell[k] = c < ' ' || c == 127 ? '?' : (char)c;
    }
    st = sink->rows(sink->ctx, index, i, 1, cell, err);
  }
  return st;
}

static mopo_status read_array(reader *r, io_array *a, int index, void *block, const io_sink *sink,
                              mopo_error *err)
{
  int64_t first = 0, pieces = 0;
  if (a->as == 'l') return read_top(r, index, block, sink, err);
  mopo_status st = count_pieces(r, &pieces, a->name, err);
  for (int64_t i = 0; !st && i < pieces; i++) {
    found f;
    st = open_piece(r, &f, a, i, err);
    double count =
        a->as == 'n' ? (double)f.dims[0] : (double)(r->numbers.n ? r->numbers.number[i] : 0);
    if (!st && f.set > 0 && io_counts(a->as))
      st = sink->rows(sink->ctx, index, i, 1, &count, err);
    else if (!st && f.set > 0)
      st = read_rows(r, &f, a, index, first, block, sink, err);
    first += (int64_t)f.dims[0];
    found_close(&f);
  }
  return st;
}

static mopo_status read_shape(reader *r, io_array *a, mopo_error *err)
{
  int64_t pieces = 0;
  a->present = false;
  a->rows = a->cols = 0;
  if (a->as == 'l') {
    if (!r->top.n) hdf5_list_top(&r->top, r->file);
    a->rows = r->top.n, a->cols = 1, a->present = r->top.n > 0;
    return MOPO_OK;
  }
  mopo_status st = count_pieces(r, &pieces, a->name, err);
  for (int64_t i = 0; !st && i < pieces; i++) {
    found f;
    st = open_piece(r, &f, a, i, err);
    if (!st && f.set > 0) {
      a->present = true;
      a->rows += io_counts(a->as) ? 1 : (int64_t)f.dims[0];
      a->cols = io_counts(a->as) ? 1 : (int)f.dims[1];
    }
    found_close(&f);
    if (!a->present) break;
  }
  return st;
}

static mopo_status open_file(reader *r, hdf5_disk *from, hid_t driver, mopo_error *err)
{
  unsigned char start[9] = {0};
  r->bytes = lseek(from->fd, 0, SEEK_END);
  if (pread(from->fd, start, sizeof start, 0) == sizeof start) r->superblock = start[8];
  if (r->bytes < 0 || r->bytes > (int64_t)1 << 50)
    return error_set(err, MOPO_EFORMAT, "%s: %lld bytes, want less", r->path, (long long)r->bytes);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hdf5_disk_use(access, driver, from);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  r->file = H5Fopen("/", H5F_ACC_RDONLY, access); /* the driver has the file open already */
  H5Pclose(access);
  if (r->file >= 0) return MOPO_OK;
  if (from->error) return error_set(err, MOPO_EIO, "%s: %s", r->path, strerror(from->error));
  return error_set(err, MOPO_EFORMAT, "%s: not an HDF5 file, or a truncated one", r->path);
}

static mopo_status read_all(reader *r, io_array *arrays, int n, const io_sink *sink,
                            mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int a = 0; !st && a < n; a++) st = read_shape(r, &arrays[a], err);
  if (!st) st = sink->begin(sink->ctx, arrays, n, err);
  void *block = st ? NULL : malloc(IO_BLOCK);
  if (!st && !block) st = error_set(err, MOPO_ENOMEM, "%s: out of memory", r->path);
  for (int a = 0; !st && a < n; a++)
    if (arrays[a].present) st = read_array(r, &arrays[a], a, block, sink, err);
  free(block);
  return st;
}

mopo_status hdf5_parse_open(int fd, const char *name, io_array *arrays, int n, const io_sink *sink,
                            mopo_error *err)
{
  quiet q = quiet_begin();
  unsigned plugins = 0;
  H5PLget_loading_state(&plugins);
  H5PLset_loading_state(0);
  hid_t driver = hdf5_disk_register();
  hdf5_disk from = {.fd = fd};
  reader r = {.path = name, .file = -1};
  mopo_status st = open_file(&r, &from, driver, err);
  if (!st) st = read_all(&r, arrays, n, sink, err);
  free(r.numbers.number);
  free(r.top.name);
  if (r.file >= 0) H5Fclose(r.file);
  H5FDunregister(driver);
  H5PLset_loading_state(plugins);
  quiet_end(q);
  return st;
}

mopo_status hdf5_parse(const char *path, io_array *arrays, int n, const io_sink *sink,
                       mopo_error *err)
{
  int fd = -1;
  mopo_status st = file_open_regular(&fd, path, err);
  if (st) return st;
  st = hdf5_parse_open(fd, file_tail(path), arrays, n, sink, err);
  close(fd);
  return st;
}
