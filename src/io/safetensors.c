/* safetensors.c - reads; see safetensors.h and, for the layout, safetensors_form.h. */
#include "io/safetensors.h"

#include "io/checksum.h"
#include "io/file.h"
#include "io/safetensors_form.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000 };
static const size_t file_max = (size_t)1 << 40;

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
  for (int i = 0; type && i < TENSOR_TYPES; i++) {
    if (strcmp(tensor_forms[i].name, type) != 0) continue;
    t->type = (tensor_type)i;
    return MOPO_OK;
  }
  return error_set(err, MOPO_EFORMAT,
                   "%s: tensor '%s' has dtype '%.16s', want F32, F64, I64, U32 or U8", file,
                   t->name, type ? type : "?");
}

static mopo_status read_shape(tensor *t, const char *file, const json_t *shape, mopo_error *err)
{
  if (!json_is_array(shape) || json_array_size(shape) > TENSOR_RANK)
    return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': want a shape of at most %d sizes", file,
                     t->name, TENSOR_RANK);
  t->rank = (int)json_array_size(shape);
  for (int i = 0; i < t->rank; i++) {
    size_t n = 0;
    if (!read_size(&n, json_array_get(shape, (size_t)i)))
      return error_set(err, MOPO_EFORMAT, "%s: tensor '%s': size %d is not a whole number >= 0",
                       file, t->name, i);
    t->shape[i] = (int64_t)n;
  }
  if (!tensor_size_fits(t))
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
    return error_set(err, MOPO_EFORMAT, "%s: %s is not an object", f->name, TENSOR_META);
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
    if ((uintptr_t)p->t.data % TENSOR_ALIGN == 0) continue;
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
    mopo_status st = strcmp(key, TENSOR_META) == 0
                         ? read_meta(f, entry, err)
                         : read_entry(&f->p[f->count++], f->name, key, entry, n_data, err);
    if (st != MOPO_OK) return st;
  }
  return MOPO_OK;
}

/* Are the bytes [n] those that were written? Files of other programs, and of ours before it had
 * them, have no checksum. A fuzzer gets on without. */
static mopo_status check_sum(const tensor_file *f, size_t n, size_t length, mopo_error *err)
{
#ifdef MOPO_FUZZ
  return (void)f, (void)n, (void)length, (void)err, MOPO_OK;
#endif
  char *header = f->bytes + sizeof(uint64_t), want[SUM_DIGITS];
  char *digits = tensor_file_meta(f, SUM_KEY) ? tensor_sum_find(header, length) : NULL;
  if (!digits) return MOPO_OK;
  checksum c = checksum_begin();
  size_t before = (size_t)(digits - f->bytes), after = before + SUM_DIGITS;
  checksum_add(&c, f->bytes, before);
  checksum_add(&c, NO_SUM, SUM_DIGITS);
  checksum_add(&c, f->bytes + after, n - after);
  tensor_sum_print(want, checksum_end(&c));
  if (memcmp(want, digits, SUM_DIGITS) == 0) return MOPO_OK;
  return error_set(
      err, MOPO_EFORMAT,
      "%s: its checksum does not hold: damaged, or changed by another program (which then "
      "has to leave out the metadata's 'checksum')",
      f->name);
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
  if (st == MOPO_OK) st = check_sum(f, n, (size_t)length, err);
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
  int n = snprintf(buf, size, "%s [", tensor_forms[type].name);
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
