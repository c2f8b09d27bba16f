/* safetensors.c - see safetensors.h.
 *
 * Layout: u64 length H of the header; H bytes of JSON, padded with blanks so that the data begin at
 * a multiple of 8; the data, without gaps. The header maps a name to {"dtype", "shape",
 * "data_offsets": [begin, end)} and "__metadata__" to an object of strings. */
#include "io/safetensors.h"

#include "io/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little-endian");

enum { HEADER_MAX = 100000000, ALIGN = 8, RANK_MAX = 4 };
static const size_t file_max = (size_t)1 << 40;
static const char meta_key[] = "__metadata__";

static const struct {
  const char *name;
  size_t size;
} types[] = {[TENSOR_F32] = {"F32", 4},
             [TENSOR_F64] = {"F64", 8},
             [TENSOR_I64] = {"I64", 8},
             [TENSOR_U32] = {"U32", 4},
             [TENSOR_U8] = {"U8", 1}};
enum { TYPES = sizeof types / sizeof types[0] };

size_t tensor_count(const tensor *t)
{
  size_t n = 1;
  for (int i = 0; i < t->rank; i++) n *= (size_t)t->shape[i];
  return n;
}

size_t tensor_bytes(const tensor *t) { return tensor_count(t) * types[t->type].size; }

/* False: the size does not fit in memory's addresses. */
static bool size_fits(const tensor *t)
{
  size_t n = types[t->type].size;
  for (int i = 0; i < t->rank; i++)
    if (t->shape[i] < 0 || __builtin_mul_overflow(n, (size_t)t->shape[i], &n)) return false;
  return n <= PTRDIFF_MAX;
}

/* ------------------------------------------------------------------ writing */

struct tensor_list {
  tensor *t;
  size_t count, cap;
  json_t *meta;
};

/* Does jansson take it? What it refuses after this, it refuses for want of memory. */
static bool is_utf8(const char *text)
{
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    int more = *p < 0x80 ? 0 : *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 3;
    uint32_t x = more ? *p & (0x3fu >> more) : *p;
    if (more && (*p < 0xc2 || *p > 0xf4)) return false;
    p++;
    for (int i = 0; i < more; i++, p++) {
      if ((*p & 0xc0) != 0x80) return false;
      x = x << 6 | (*p & 0x3f);
    }
    if ((more == 2 && x < 0x800) || (more == 3 && (x < 0x10000 || x > 0x10ffff)) ||
        (x >= 0xd800 && x < 0xe000))
      return false;
  }
  return true;
}

tensor_list *tensor_list_create(void)
{
  tensor_list *l = calloc(1, sizeof *l);
  if (l) l->meta = json_object();
  if (l && !l->meta) {
    free(l);
    l = NULL;
  }
  return l;
}

void tensor_list_free(tensor_list *l)
{
  if (!l) return;
  json_decref(l->meta);
  free(l->t);
  free(l);
}

mopo_status tensor_list_add(tensor_list *l, const char *name, tensor_type type, int rank,
                            const int64_t *shape, const void *data, mopo_error *err)
{
  tensor t = {.type = type, .rank = rank, .data = data};
  if (strlen(name) >= sizeof t.name || !*name || !strcmp(name, meta_key) || !is_utf8(name))
    return error_set(err, MOPO_EINVAL, "'%.100s' cannot name a tensor", name);
  for (size_t i = 0; i < l->count; i++)
    if (!strcmp(l->t[i].name, name))
      return error_set(err, MOPO_EINVAL, "two tensors named '%s'", name);
  if (rank < 0 || rank > RANK_MAX)
    return error_set(err, MOPO_EINVAL, "'%s': rank = %d, want 0..%d", name, rank, RANK_MAX);
  memcpy(t.name, name, strlen(name) + 1);
  for (int i = 0; i < rank; i++) t.shape[i] = shape[i];
  if (!size_fits(&t)) return error_set(err, MOPO_EINVAL, "'%s': its shape is too large", name);

  if (l->count == l->cap) {
    size_t cap = l->cap ? 2 * l->cap : 32;
    tensor *grown = realloc(l->t, cap * sizeof *grown);
    if (!grown) return error_set(err, MOPO_ENOMEM, "'%s': no memory", name);
    l->t = grown;
    l->cap = cap;
  }
  l->t[l->count++] = t;
  return MOPO_OK;
}

mopo_status tensor_list_meta(tensor_list *l, const char *key, const char *value, mopo_error *err)
{
  if (!is_utf8(key) || !is_utf8(value))
    return error_set(err, MOPO_EINVAL, "metadata '%.64s': not UTF-8", key);
  if (json_object_set_new(l->meta, key, json_string(value)) != 0)
    return error_set(err, MOPO_ENOMEM, "metadata '%.64s': no memory", key);
  return MOPO_OK;
}

/* {"dtype":"F32","shape":[3,4],"data_offsets":[begin,end]}; NULL: no memory. */
static json_t *describe(const tensor *t, size_t begin)
{
  json_t *shape = json_array();
  bool ok = shape != NULL;
  for (int i = 0; ok && i < t->rank; i++)
    ok = json_array_append_new(shape, json_integer(t->shape[i])) == 0;
  json_t *entry = ok ? json_pack("{s:s, s:O, s:[I,I]}", "dtype", types[t->type].name, "shape",
                                 shape, "data_offsets", (json_int_t)begin,
                                 (json_int_t)begin + (json_int_t)tensor_bytes(t))
                     : NULL;
  json_decref(shape);
  return entry;
}

/* json_dumps loses words where its own buffer cannot grow (jansson 2.14), so the buffer is ours.
 * NULL: no memory. free() it. */
static char *dump(const json_t *root, size_t flags)
{
  size_t n = json_dumpb(root, NULL, 0, flags);
  char *text = n ? malloc(n + 1) : NULL;
  if (text && json_dumpb(root, text, n, flags) == n) {
    text[n] = 0;
    return text;
  }
  free(text);
  return NULL;
}

/* The header's text; NULL: no memory. free() it. */
static char *describe_all(const tensor_list *l)
{
  json_t *root = json_object();
  bool ok = root != NULL;
  if (ok && json_object_size(l->meta)) ok = json_object_set(root, meta_key, l->meta) == 0;
  size_t at = 0;
  for (size_t i = 0; ok && i < l->count; i++) {
    ok = json_object_set_new(root, l->t[i].name, describe(&l->t[i], at)) == 0;
    at += tensor_bytes(&l->t[i]);
  }
  char *text = ok ? dump(root, JSON_COMPACT) : NULL;
  json_decref(root);
  return text;
}

/* A file in pieces: the header's length, its text and blanks, then the data of each tensor. */
typedef struct whole {
  char *text; /* the header's; owned */
  uint64_t length;
  file_piece *pieces; /* [count + 3]; owned */
} whole;

static void whole_free(whole *w)
{
  free(w->pieces);
  free(w->text);
}

static mopo_status whole_of(whole *w, const tensor_list *l, const char *name, mopo_error *err)
{
  static const char blanks[ALIGN + 1] = "        ";
  *w = (whole){.text = describe_all(l), .pieces = calloc(l->count + 3, sizeof *w->pieces)};
  if (!w->text || !w->pieces) {
    whole_free(w);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for its header", name);
  }
  size_t n = strlen(w->text), pad = (ALIGN - n % ALIGN) % ALIGN;
  w->length = n + pad;
  w->pieces[0] = (file_piece){&w->length, sizeof w->length};
  w->pieces[1] = (file_piece){w->text, n};
  w->pieces[2] = (file_piece){blanks, pad};
  for (size_t i = 0; i < l->count; i++)
    w->pieces[3 + i] = (file_piece){l->t[i].data, tensor_bytes(&l->t[i])};
  return MOPO_OK;
}

mopo_status tensor_list_write(const tensor_list *l, const char *path, mopo_error *err)
{
  whole w;
  mopo_status st = whole_of(&w, l, path, err);
  if (st != MOPO_OK) return st;
  st = file_write_pieces(path, w.pieces, l->count + 3, err);
  whole_free(&w);
  return st;
}

mopo_status tensor_list_bytes(void **bytes, size_t *n, const tensor_list *l, mopo_error *err)
{
  whole w;
  *bytes = NULL, *n = 0;
  mopo_status st = whole_of(&w, l, "bytes", err);
  if (st != MOPO_OK) return st;
  size_t size = 0, at = 0;
  for (size_t i = 0; i < l->count + 3; i++) size += w.pieces[i].n;
  char *to = malloc(size);
  for (size_t i = 0; to && i < l->count + 3; at += w.pieces[i++].n)
    if (w.pieces[i].n) memcpy(to + at, w.pieces[i].bytes, w.pieces[i].n);
  whole_free(&w);
  if (!to) return error_set(err, MOPO_ENOMEM, "no memory for %zu bytes", size);
  *bytes = to, *n = size;
  return MOPO_OK;
}

/* ------------------------------------------------------------------ reading */

/* A tensor with its place in the data; `copy` where the file has it at an odd address. */
typedef struct placed {
  tensor t;
  size_t begin, end;
  void *copy;
} placed;

struct tensor_file {
  char name[256]; /* for messages */
  char *bytes;
  json_t *meta; /* NULL: none */
  placed *p;
  int count;
};

void tensor_file_free(tensor_file *f)
{
  if (!f) return;
  for (int i = 0; i < f->count; i++) free(f->p[i].copy);
  free(f->p);
  json_decref(f->meta);
  free(f->bytes);
  free(f);
}

static bool read_size(size_t *out, const json_t *x)
{
  if (json_typeof(x) != JSON_INTEGER || json_integer_value(x) < 0) return false;
  *out = (size_t)json_integer_value(x);
  return true;
}

static mopo_status read_type(tensor *t, const char *file, const json_t *dtype, mopo_error *err)
{
  const char *type = json_string_value(dtype);
  for (int i = 0; type && i < TYPES; i++) {
    if (strcmp(types[i].name, type) != 0) continue;
    t->type = (tensor_type)i;
    return MOPO_OK;
  }
  return error_set(err, MOPO_EFORMAT,
                   "%s: tensor '%s' has dtype '%.16s', want F32, F64, I64, U32 or U8", file,
                   t->name, type ? type : "?");
}

static mopo_status read_shape(tensor *t, const char *file, const json_t *shape, mopo_error *err)
{
  if (!json_is_array(shape) || json_array_size(shape) > RANK_MAX)
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': want a shape of at most %d sizes", file,
                     t->name, RANK_MAX);
  t->rank = (int)json_array_size(shape);
  for (int i = 0; i < t->rank; i++) {
    size_t n = 0;
    if (!read_size(&n, json_array_get(shape, (size_t)i)))
      return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': size %d is not a whole number >= 0",
                       file, t->name, i);
    t->shape[i] = (int64_t)n;
  }
  if (!size_fits(t))
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': its shape is too large", file, t->name);
  return MOPO_OK;
}

/* One entry of the header. n_data: bytes after the header. */
static mopo_status read_entry(placed *p, const char *file, const char *key, const json_t *entry,
                              size_t n_data, mopo_error *err)
{
  tensor *t = &p->t;
  if (strlen(key) >= sizeof t->name)
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%.64s...': want a name below %zu bytes", file,
                     key, sizeof t->name);
  memcpy(t->name, key, strlen(key) + 1);
  if (json_typeof(entry) != JSON_OBJECT || json_object_size(entry) != 3)
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': want dtype, shape and data_offsets", file,
                     t->name);
  mopo_status st = read_type(t, file, json_object_get(entry, "dtype"), err);
  if (st == MOPO_OK) st = read_shape(t, file, json_object_get(entry, "shape"), err);
  if (st != MOPO_OK) return st;

  const json_t *offsets = json_object_get(entry, "data_offsets");
  if (json_array_size(offsets) != 2 || !read_size(&p->begin, json_array_get(offsets, 0)) ||
      !read_size(&p->end, json_array_get(offsets, 1)))
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': want data_offsets [begin, end]", file,
                     t->name);
  if (p->begin > p->end || p->end > n_data || p->end - p->begin != tensor_bytes(t))
    return error_set(err, MOPO_EFORMAT,
                     "%s: tensor '%s': offsets %zu..%zu, want %zu bytes within the %zu of the file",
                     file, t->name, p->begin, p->end, tensor_bytes(t), n_data);
  return MOPO_OK;
}

static mopo_status read_meta(tensor_file *f, json_t *meta, mopo_error *err)
{
  const char *key;
  json_t *value;
  if (json_typeof(meta) != JSON_OBJECT)
    return error_set(err, MOPO_EFORMAT, "%s: %s is not an object", f->name, meta_key);
  json_object_foreach(meta, key, value)
  {
    if (!json_is_string(value))
      return error_set(err, MOPO_EFORMAT, "%s: metadata '%.64s' is not a string", f->name, key);
  }
  f->meta = json_incref(meta);
  return MOPO_OK;
}

static int by_place(const void *a, const void *b)
{
  const placed *p = a, *q = b;
  if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
  return (p->end > q->end) - (p->end < q->end);
}

/* Sorts the tensors by place and hands out their data; overlaps and gaps are refused. */
static mopo_status place_all(tensor_file *f, const char *data, size_t n_data, mopo_error *err)
{
  size_t at = 0;
  if (f->count) qsort(f->p, (size_t)f->count, sizeof *f->p, by_place);
  for (int i = 0; i < f->count; i++) {
    placed *p = &f->p[i];
    if (p->begin != at)
      return error_set(err, MOPO_EFORMAT, "%s: tensor '%s' begins at %zu, want %zu (%s)", f->name,
                       p->t.name, p->begin, at, p->begin < at ? "overlap" : "gap");
    at = p->end;
    p->t.data = data + p->begin;
    if ((uintptr_t)p->t.data % ALIGN == 0) continue;
    size_t n = p->end - p->begin;
    p->copy = malloc(n ? n : 1);
    if (!p->copy) return error_set(err, MOPO_ENOMEM, "%s: '%s': no memory", f->name, p->t.name);
    p->t.data = memcpy(p->copy, data + p->begin, n);
  }
  if (at != n_data)
    return error_set(err, MOPO_EFORMAT, "%s: its tensors end at byte %zu of %zu", f->name, at,
                     n_data);
  return MOPO_OK;
}

static mopo_status read_header(tensor_file *f, json_t *root, size_t n_data, mopo_error *err)
{
  const char *key;
  json_t *entry;
  if (json_typeof(root) != JSON_OBJECT)
    return error_set(err, MOPO_EFORMAT, "%s: its header is not a JSON object", f->name);
  f->p = calloc(json_object_size(root) + 1, sizeof *f->p);
  if (!f->p) return error_set(err, MOPO_ENOMEM, "%s: no memory", f->name);
  json_object_foreach(root, key, entry)
  {
    mopo_status st = strcmp(key, meta_key) == 0
                         ? read_meta(f, entry, err)
                         : read_entry(&f->p[f->count++], f->name, key, entry, n_data, err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

/* Takes `bytes` over, in every case. */
static mopo_status parse(tensor_file **out, const char *name, char *bytes, size_t n,
                         mopo_error *err)
{
  mopo_status st = MOPO_OK;
  json_t *root = NULL;
  *out = NULL;
  tensor_file *f = calloc(1, sizeof *f);
  if (!f) {
    free(bytes);
    return error_set(err, MOPO_ENOMEM, "%s: no memory", name);
  }
  f->bytes = bytes;
  snprintf(f->name, sizeof f->name, "%s", name);

  uint64_t length = 0;
  if (n >= sizeof length) memcpy(&length, bytes, sizeof length);
  if (n < sizeof length || length > HEADER_MAX || length > n - sizeof length) {
    st = error_set(err, MOPO_EFORMAT, "%s: truncated, or not a safetensors file", name);
    goto fail;
  }
  const char *header = bytes + sizeof length;
  json_error_t why;
  root = json_loadb(header, (size_t)length, JSON_REJECT_DUPLICATES, &why);
  if (!root && !*why.text) { /* refused without a word */
    st = error_set(err, MOPO_ENOMEM, "%s: no memory for its header", name);
    goto fail;
  }
  if (!root) {
    st = error_set(err, MOPO_EFORMAT, "%s: header: %s", name, why.text);
    goto fail;
  }
  size_t n_data = n - sizeof length - (size_t)length;
  st = read_header(f, root, n_data, err);
  if (st == MOPO_OK) st = place_all(f, header + length, n_data, err);
  if (st != MOPO_OK) goto fail;
  json_decref(root);
  *out = f;
  return MOPO_OK;
fail:
  json_decref(root);
  tensor_file_free(f);
  return st;
}

mopo_status tensor_file_open(tensor_file **out, const char *path, mopo_error *err)
{
  char *bytes = NULL;
  size_t n = 0;
  *out = NULL;
  mopo_status st = file_read(&bytes, &n, path, file_max, err);
  return st == MOPO_OK ? parse(out, path, bytes, n, err) : st;
}

mopo_status tensor_file_parse(tensor_file **out, const char *name, const void *bytes, size_t n,
                              mopo_error *err)
{
  *out = NULL;
  char *copy = malloc(n ? n : 1);
  if (!copy) return error_set(err, MOPO_ENOMEM, "%s: no memory", name);
  if (n) memcpy(copy, bytes, n);
  return parse(out, name, copy, n, err);
}

int tensor_file_count(const tensor_file *f) { return f->count; }

const tensor *tensor_file_at(const tensor_file *f, int i)
{
  return i >= 0 && i < f->count ? &f->p[i].t : NULL;
}

const tensor *tensor_file_find(const tensor_file *f, const char *name)
{
  for (int i = 0; i < f->count; i++)
    if (!strcmp(f->p[i].t.name, name)) return &f->p[i].t;
  return NULL;
}

const char *tensor_file_meta(const tensor_file *f, const char *key)
{
  return json_string_value(json_object_get(f->meta, key));
}

/* "F32 [3,4]" */
static void print_shape(char *buf, size_t size, tensor_type type, int rank, const int64_t *shape)
{
  int n = snprintf(buf, size, "%s [", types[type].name);
  for (int i = 0; i < rank; i++)
    n += snprintf(buf + n, size - (size_t)n, "%s%lld", i ? "," : "", (long long)shape[i]);
  snprintf(buf + n, size - (size_t)n, "]");
}

mopo_status tensor_file_get(const tensor_file *f, const void **data, const char *name,
                            tensor_type type, int rank, const int64_t *shape, mopo_error *err)
{
  const tensor *t = tensor_file_find(f, name);
  if (!t) return error_set(err, MOPO_EFORMAT, "%s: no tensor '%s'", f->name, name);
  bool same = t->type == type && t->rank == rank;
  for (int i = 0; same && i < rank; i++) same = t->shape[i] == shape[i];
  if (!same) {
    char is[128], want[128]; /* type, and 4 sizes of at most 20 digits */
    print_shape(is, sizeof is, t->type, t->rank, t->shape);
    print_shape(want, sizeof want, type, rank, shape);
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s' is %s, want %s", f->name, name, is, want);
  }
  *data = t->data;
  return MOPO_OK;
}
