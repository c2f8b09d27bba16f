/* safetensors_out.c - writes; see safetensors.h. */
#include "io/checksum.h"
#include "io/file.h"
#include "io/safetensors_form.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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
  if (strlen(name) >= sizeof t.name || !*name || !strcmp(name, TENSOR_META) || !is_utf8(name))
    return error_set(err, MOPO_EINVAL, "'%.100s' cannot name a tensor", name);
  for (size_t i = 0; i < l->count; i++)
    if (!strcmp(l->t[i].name, name))
      return error_set(err, MOPO_EINVAL, "two tensors named '%s'", name);
  if (rank < 0 || rank > TENSOR_RANK)
    return error_set(err, MOPO_EINVAL, "'%s': rank = %d, want 0..%d", name, rank, TENSOR_RANK);
  memcpy(t.name, name, strlen(name) + 1);
  for (int i = 0; i < rank; i++) t.shape[i] = shape[i];
  if (!tensor_size_fits(&t))
    return error_set(err, MOPO_EINVAL, "'%s': its shape is too large", name);

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
  json_t *entry = ok ? json_pack("{s:s, s:O, s:[I,I]}", "dtype", tensor_forms[t->type].name,
                                 "shape", shape, "data_offsets", (json_int_t)begin,
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
  json_t *meta = json_object(); /* json_copy loses keys where memory runs out (jansson 2.14) */
  bool ok = root && meta && json_object_update(meta, l->meta) == 0 &&
            json_object_set_new(meta, SUM_KEY, json_string(NO_SUM)) == 0;
  ok = ok && json_object_set(root, TENSOR_META, meta) == 0;
  size_t at = 0;
  for (size_t i = 0; ok && i < l->count; i++) {
    ok = json_object_set_new(root, l->t[i].name, describe(&l->t[i], at)) == 0;
    at += tensor_bytes(&l->t[i]);
  }
  char *text = ok ? dump(root, JSON_COMPACT) : NULL;
  json_decref(meta);
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
  static const char blanks[TENSOR_ALIGN + 1] = "        ";
  *w = (whole){.text = describe_all(l), .pieces = calloc(l->count + 3, sizeof *w->pieces)};
  if (!w->text || !w->pieces) {
    whole_free(w);
    return error_set(err, MOPO_ENOMEM, "%s: no memory for its header", name);
  }
  size_t n = strlen(w->text), pad = (TENSOR_ALIGN - n % TENSOR_ALIGN) % TENSOR_ALIGN;
  w->length = n + pad;
  w->pieces[0] = (file_piece){&w->length, sizeof w->length};
  w->pieces[1] = (file_piece){w->text, n};
  w->pieces[2] = (file_piece){blanks, pad};
  for (size_t i = 0; i < l->count; i++)
    w->pieces[3 + i] = (file_piece){l->t[i].data, tensor_bytes(&l->t[i])};
  checksum c = checksum_begin();
  for (size_t i = 0; i < l->count + 3; i++) checksum_add(&c, w->pieces[i].bytes, w->pieces[i].n);
  char *digits = tensor_sum_find(w->text, n);
  assert(digits && "describe_all puts it there");
  tensor_sum_print(digits, checksum_end(&c));
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
