/* npz.c - reading; see npz.h. */
#include "io/npz.h"

#include "io/zip.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 65536, COLS_MAX = 65535, NAME_SIZE = 256, TOP_MAX = 1000 };

/* What a .npy file's header says. */
typedef struct npy {
  char kind; /* 'f' float, 'i' integer, 'u' unsigned, 'b' bool */
  bool big;  /* endian */
  int size;  /* bytes of a value */
  int64_t rows;
  int cols;
} npy;

/* An array of the caller's, found in the file. */
typedef struct entry {
  zip_reader *in; /* after the header */
  npy about;
} entry;

static mopo_status refuse(const zip_file *z, const char *name, const char *why, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: '%s' %s", zip_name(z), name, why);
}

/* ------------------------------------------------------------------ the header of an array */

/* What follows 'key': in the text of a Python dictionary; NULL: no such key. */
static const char *value_of(const char *text, const char *key)
{
  char quoted[32];
  for (const char *quote = "'"; *quote; quote = *quote == '\'' ? "\"" : "") {
    snprintf(quoted, sizeof quoted, "%c%s%c", *quote, key, *quote);
    const char *at = strstr(text, quoted);
    if (!at) continue;
    at += strlen(quoted);
    while (*at == ' ') at++;
    if (*at++ != ':') return NULL;
    while (*at == ' ') at++;
    return strstr(at, quoted) ? NULL : at; /* twice: which one would it be? */
  }
  return NULL;
}

/* '<f4', '|b1', '>i8' */
static bool parse_type(npy *a, const char *p)
{
  if (!p || strnlen(p, 5) < 5 || (*p != '\'' && *p != '"') || !strchr("<>|=", p[1])) return false;
  a->big = p[1] == '>';
  a->kind = p[2];
  a->size = p[3] - '0';
  if (p[3] < '1' || p[3] > '8' || p[4] != p[0]) return false;
  bool sizes[9] = {[1] = true, [2] = true, [4] = true, [8] = true};
  if (a->kind == 'f') return a->size == 4 || a->size == 8;
  if (a->kind == 'b') return a->size == 1;
  return (a->kind == 'i' || a->kind == 'u') && sizes[a->size];
}

/* (40,) or (40, 3) */
static bool parse_shape(npy *a, const char *p)
{
  long long dims[2] = {0, 1};
  int rank = 0;
  if (!p || *p++ != '(') return false;
  for (;;) {
    while (*p == ' ' || *p == ',') p++;
    if (*p == ')') break;
    char *end = NULL;
    if (rank == 2 || !isdigit((unsigned char)*p)) return false;
    dims[rank++] = strtoll(p, &end, 10);
    p = end;
  }
  a->rows = dims[0];
  a->cols = dims[1] <= COLS_MAX ? (int)dims[1] : 0;
  return rank > 0 && dims[0] <= INT64_MAX / 8 / COLS_MAX && a->cols > 0;
}

static mopo_status parse_text(const zip_file *z, npy *a, const char *name, const char *text,
                              mopo_error *err)
{
  const char *order = value_of(text, "fortran_order");
  if (!parse_type(a, value_of(text, "descr")))
    return refuse(z, name, "does not hold numbers or bools, want float32 or float64", err);
  if (!parse_shape(a, value_of(text, "shape")))
    return refuse(z, name, "does not have one or two dimensions", err);
  if (!order || (strncmp(order, "False", 5) != 0 && a->cols > 1))
    return refuse(z, name, "is stored by columns, want numpy.ascontiguousarray", err);
  return MOPO_OK;
}

/* Leaves in->rest at the bytes of the values alone. */
static mopo_status read_header(const zip_file *z, zip_reader *in, npy *a, const char *name,
                               mopo_error *err)
{
  static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  unsigned char start[8], length[4] = {0};
  if (zip_rest(in) < 12) return refuse(z, name, "is no NumPy array", err);
  mopo_status st = zip_read(in, start, sizeof start, err);
  if (st) return st;
  bool old = start[6] == 1;
  if (memcmp(start, magic, sizeof magic) != 0 || start[6] < 1 || start[6] > 3)
    return refuse(z, name, "is no NumPy array", err);
  st = zip_read(in, length, old ? 2 : 4, err);
  if (st) return st;
  uint32_t n = (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16 |
               (uint32_t)length[3] << 24;
  if (n > HEADER_MAX || n > zip_rest(in)) return refuse(z, name, "has a header too long", err);
  char *text = calloc(1, (size_t)n + 1);
  if (!text) return error_set(err, MOPO_ENOMEM, "%s: out of memory", zip_name(z));
  st = zip_read(in, text, n, err);
  if (!st) st = parse_text(z, a, name, text, err);
  free(text);
  if (st) return st;
  if ((uint64_t)a->rows * (uint64_t)a->cols * (uint64_t)a->size != zip_rest(in))
    return error_set(err, MOPO_EFORMAT,
                     "%s: '%s' claims %lld x %d values of %d bytes, has %llu bytes", zip_name(z),
                     name, (long long)a->rows, a->cols, a->size, (unsigned long long)zip_rest(in));
  return MOPO_OK;
}

/* e: {0}; e->in stays NULL when the array is not there. */
static mopo_status open_entry(const zip_file *z, entry *e, const io_array *want, mopo_error *err)
{
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "%s.npy", want->name);
  mopo_status st = zip_open(&e->in, z, name, err);
  if (st) return st;
  if (!e->in)
    return want->required ? error_set(err, MOPO_EFORMAT, "%s: no array '%s', want one", zip_name(z),
                                      want->name)
                          : MOPO_OK;
  return read_header(z, e->in, &e->about, want->name, err);
}

/* ------------------------------------------------------------------ values */

static double number(const unsigned char *p, const npy *a)
{
  uint64_t bits = 0;
  for (int i = 0; i < a->size; i++) bits |= (uint64_t)p[a->big ? a->size - 1 - i : i] << (8 * i);
  if (a->kind == 'f' && a->size == 4) {
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return (double)x;
  }
  if (a->kind == 'f') {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  if (a->kind != 'i') return (double)bits;
  int shift = 64 - 8 * a->size;
  return (double)((int64_t)(bits << shift) >> shift);
}

/* In place is impossible: sizes differ. n values from raw to x of type as. */
static void convert(void *x, char as, const unsigned char *raw, const npy *a, size_t n)
{
  float *f = x;
  double *d = x;
  for (size_t i = 0; i < n; i++, raw += a->size) {
    if (as == 'f')
      f[i] = (float)number(raw, a);
    else
      d[i] = number(raw, a);
  }
}

/* Bytes of the most values that read_values hands over at a time. */
static size_t block_bytes(const npy *a)
{
  uint64_t all = (uint64_t)a->rows * (uint64_t)a->cols * sizeof(double);
  return all < IO_BLOCK ? (size_t)all : IO_BLOCK;
}

/* raw, block: of block_bytes each. */
static mopo_status read_values(entry *e, const io_array *a, int index, char *raw, char *block,
                               const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  size_t cols = (size_t)e->about.cols;
  int64_t step = (int64_t)((size_t)IO_BLOCK / (sizeof(double) * cols));
  for (int64_t i = 0; !st && i < e->about.rows; i += step) {
    int n = (int)(e->about.rows - i < step ? e->about.rows - i : step);
    size_t values = (size_t)n * cols;
    st = zip_read(e->in, raw, values * (size_t)e->about.size, err);
    if (st) break;
    convert(block, a->as, (const unsigned char *)raw, &e->about, values);
    st = sink->rows(sink->ctx, index, i, n, block, err);
  }
  return st ? st : zip_check(e->in, err);
}

/* The names of the arrays; of a file with more than TOP_MAX of them none are told. */
static mopo_status read_names(const zip_file *z, int index, const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (uint64_t i = 0; !st && i < zip_entries(z); i++) {
    char name[IO_TEXT] = "";
    zip_entry_name(name, sizeof name, z, i);
    size_t n = strlen(name);
    if (n > 4 && !strcmp(name + n - 4, ".npy")) name[n - 4] = '\0';
    st = sink->rows(sink->ctx, index, (int64_t)i, 1, name, err);
  }
  return st;
}

/* e [n]: the arrays, open. */
static mopo_status read_open(const zip_file *z, entry *e, const io_array *arrays, int n,
                             const io_sink *sink, mopo_error *err)
{
  size_t most = 1;
  for (int i = 0; i < n; i++)
    if (e[i].in && block_bytes(&e[i].about) > most) most = block_bytes(&e[i].about);
  char *blocks = malloc(2 * most);
  if (!blocks) return error_set(err, MOPO_ENOMEM, "%s: out of memory", zip_name(z));
  mopo_status st = MOPO_OK;
  for (int i = 0; !st && i < n; i++)
    if (arrays[i].as == 'l' && arrays[i].present)
      st = read_names(z, i, sink, err);
    else if (e[i].in)
      st = read_values(&e[i], &arrays[i], i, blocks, blocks + most, sink, err);
  free(blocks);
  return st;
}

static mopo_status read_all(const zip_file *z, entry *e, io_array *arrays, int n,
                            const io_sink *sink, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  for (int i = 0; !st && i < n; i++) {
    if (arrays[i].as == 'l') {
      arrays[i].present = zip_entries(z) <= TOP_MAX;
      arrays[i].rows = (int64_t)zip_entries(z), arrays[i].cols = 1;
      continue;
    }
    st = open_entry(z, &e[i], &arrays[i], err);
    arrays[i].present = !st && e[i].in;
    arrays[i].rows = arrays[i].present ? e[i].about.rows : 0;
    arrays[i].cols = arrays[i].present ? e[i].about.cols : 0;
  }
  if (!st) st = sink->begin(sink->ctx, arrays, n, err);
  if (!st) st = read_open(z, e, arrays, n, sink, err);
  return st || !sink->end ? st : sink->end(sink->ctx, err);
}

mopo_status npz_read(const char *path, io_array *arrays, int n, const io_sink *sink,
                     mopo_error *err)
{
  zip_file *z = NULL;
  mopo_status st = zip_file_open(&z, path, err);
  if (st) return st;
  entry *e = calloc((size_t)n, sizeof *e);
  st = e ? read_all(z, e, arrays, n, sink, err)
         : error_set(err, MOPO_ENOMEM, "%s: out of memory", zip_name(z));
  for (int i = 0; e && i < n; i++) zip_close(e[i].in);
  free(e);
  zip_file_close(z);
  return st;
}

/* ------------------------------------------------------------------ writing */

mopo_status npz_write(const char *path, const npz_array *arrays, int n, mopo_error *err)
{
  zip_out out = {0};
  for (int i = 0; i < n; i++) {
    const npz_array *a = &arrays[i];
    char name[NAME_SIZE], text[256], shape[64];
    unsigned char head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    if (a->cols)
      snprintf(shape, sizeof shape, "(%lld, %d)", (long long)a->rows, a->cols);
    else
      snprintf(shape, sizeof shape, "(%lld,)", (long long)a->rows);
    int k = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                     a->as == 'f' ? "<f4" : "|b1", shape);
    /* Padded so that the values begin at a multiple of 64. */
    int padded = (k + 1 + (int)sizeof head + 63) / 64 * 64 - (int)sizeof head;
    memset(text + k, ' ', (size_t)(padded - k));
    text[padded - 1] = '\n';
    head[8] = (unsigned char)padded;
    head[9] = (unsigned char)(padded >> 8);
    snprintf(name, sizeof name, "%s.npy", a->name);
    size_t bytes =
        (a->as == 'f' ? sizeof(float) : 1) * (size_t)a->rows * (size_t)(a->cols ? a->cols : 1);
    zip_out_entry(
        &out, name,
        (const file_piece[]){{head, sizeof head}, {text, (size_t)padded}, {a->values, bytes}}, 3);
  }
  return zip_out_write(&out, path, err);
}
