/* mutate_tensors.c - libFuzzer's mutator for policies, models and checkpoints: it changes one thing
 * in a .safetensors file and puts the rest right again, so that what is tested is what comes after
 * the container. Every fourth time it changes bytes blindly. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* What jansson takes while it works for us is thrown away at once: a tenth of malloc's cost under a
 * sanitizer. NULL, so nothing is mutated: it is used up. */
static _Alignas(16) char heap[4 << 20];
static size_t used;

static void *take(size_t n)
{
  if (n > sizeof heap - used) return NULL;
  void *p = heap + used;
  used += (n + 15) / 16 * 16;
  return p;
}

static void keep(void *p) { (void)p; }

static unsigned below(unsigned *s, unsigned n)
{
  *s = *s * 1664525u + 1013904223u;
  return (unsigned)(((uint64_t)*s * n) >> 32);
}

/* The i-th key of an object. */
static const char *key_at(json_t *o, size_t i)
{
  void *at = json_object_iter(o);
  while (i-- > 0) at = json_object_iter_next(o, at);
  return json_object_iter_key(at);
}

static void change_text(json_t *meta, unsigned *s)
{
  static const char *const texts[] = {"", "nan", "-1e999", "0", "2", "hopper", "mopo.policy.1"};
  unsigned n = (unsigned)json_object_size(meta);
  if (!n) return;
  const char *key = key_at(meta, below(s, n));
  if (below(s, 4) == 0)
    json_object_del(meta, key);
  else
    json_object_set_new(meta, key, json_string(texts[below(s, 7)]));
}

static void change_shape(json_t *shape, unsigned *s)
{
  static const int64_t sizes[] = {0, 1, 2, 3, 4, 7, 8, 16, 33, 65536, 65537, INT64_MAX};
  unsigned n = (unsigned)json_array_size(shape);
  unsigned how = below(s, 6);
  if (how == 0) json_array_append_new(shape, json_integer(1));
  if (how == 1 && n) json_array_remove(shape, n - 1);
  if (how > 1 && n) {
    unsigned i = below(s, n);
    int64_t was = json_integer_value(json_array_get(shape, i));
    int64_t now = how == 2 && was < INT64_MAX ? was + 1
                  : how == 3 && was > 0       ? was - 1
                                              : sizes[below(s, 12)];
    json_array_set_new(shape, i, json_integer(now));
  }
}

static void rename_entry(json_t *root, const char *key, unsigned *s)
{
  char name[128];
  strncpy(name, key, sizeof name - 1);
  name[sizeof name - 1] = '\0';
  char *digit = strpbrk(name, "0123456789");
  if (digit) *digit = (char)('0' + below(s, 10));
  json_t *entry = json_incref(json_object_get(root, key));
  if (below(s, 2)) json_object_del(root, key);
  json_object_set_new(root, name, json_deep_copy(entry));
  json_decref(entry);
}

static size_t cell(const char *type)
{
  return !type ? 0 : !strcmp(type, "U8") ? 1 : strstr(type, "64") ? 8 : 4;
}

static void change_values(uint8_t *bytes, size_t n, size_t size, unsigned *s)
{
  static const float floats[] = {
      0.0f, -1.0f, 1.0f, 5.0f, 1e38f, __builtin_nanf(""), __builtin_inff()};
  static const double doubles[] = {0.0, -1.0, 0.5, 3.0, 1e300, __builtin_nan(""), -__builtin_inf()};
  static const int64_t whole[] = {0, -1, 1, 3, 8, INT64_MIN, INT64_MAX};
  if (n < size || size == 0) return;
  size_t at = below(s, (unsigned)(n / size)) * size;
  unsigned k = below(s, 7), integer = below(s, 2);
  const void *from = size == 4 ? (const void *)&floats[k]
                     : integer ? (const void *)&whole[k]
                               : (const void *)&doubles[k];
  memcpy(bytes + at, from, size == 1 ? 1 : size);
}

/* Bytes of an entry as its type and shape say; 0: more than `most`. */
static size_t claimed(json_t *entry, size_t most)
{
  size_t n = cell(json_string_value(json_object_get(entry, "dtype")));
  json_t *shape = json_object_get(entry, "shape");
  for (size_t i = 0; i < json_array_size(shape); i++) {
    int64_t d = json_integer_value(json_array_get(shape, i));
    if (d < 0 || (d > 0 && n > most / (size_t)d)) return 0;
    n *= (size_t)d;
  }
  return n;
}

/* Header and values of every entry anew, one after the other; 0: no room. */
static size_t rebuild(uint8_t *out, size_t max, json_t *root, const uint8_t *data, size_t n,
                      unsigned *s)
{
  size_t at = 0, spoiled = below(s, (unsigned)json_object_size(root) * 2 + 1), i = 0;
  uint8_t *values = take(max);
  if (!values) return 0;
  memset(values, 0, max);
  const char *key;
  json_t *entry;
  json_object_foreach(root, key, entry)
  {
    json_t *offsets = json_object_get(entry, "data_offsets");
    if (!strcmp(key, "__metadata__") || json_array_size(offsets) != 2) continue;
    size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
    size_t size = claimed(entry, max - at);
    if (size > max - at) size = 0;
    if (begin < n) memcpy(values + at, data + begin, size < n - begin ? size : n - begin);
    if (i++ == spoiled)
      change_values(values + at, size, cell(json_string_value(json_object_get(entry, "dtype"))), s);
    json_array_set_new(offsets, 0, json_integer((json_int_t)at));
    json_array_set_new(offsets, 1, json_integer((json_int_t)(at + size)));
    at += size;
  }
  size_t most = json_dumpb(root, NULL, 0, JSON_COMPACT);
  char *text = take(most);
  uint64_t header = text ? json_dumpb(root, text, most, JSON_COMPACT) : 0;
  bool fits = header && 8 + header + at <= max;
  if (fits) {
    memcpy(out, &header, 8);
    memcpy(out + 8, text, header);
    memcpy(out + 8 + header, values, at);
  }
  return fits ? 8 + header + at : 0;
}

static void change_one(json_t *root, unsigned *s)
{
  static const char *const types[] = {"F32", "F64", "I64", "U32", "U8", "F16"};
  unsigned n = (unsigned)json_object_size(root);
  if (!n) return;
  const char *key = key_at(root, below(s, n));
  json_t *entry = json_object_get(root, key);
  if (!strcmp(key, "__metadata__")) {
    change_text(entry, s);
    return;
  }
  switch (below(s, 8)) {
  case 0:
    json_object_del(root, key);
    break;
  case 1:
    rename_entry(root, key, s);
    break;
  case 2:
    json_object_set_new(entry, "dtype", json_string(types[below(s, 6)]));
    break;
  case 3:
  case 4:
    change_shape(json_object_get(entry, "shape"), s);
    break;
  default: /* values alone */
    break;
  }
}

/* Header and values with some changes; 0: not such a file, or no room. */
static size_t mutate(uint8_t *data, size_t size, size_t max, unsigned *s)
{
  uint64_t header = 0;
  if (size >= 8) memcpy(&header, data, 8);
  if (size < 8 || header > size - 8) return 0;
  json_t *root = json_loadb((char *)data + 8, (size_t)header, 0, NULL);
  size_t n = size - 8 - (size_t)header;
  uint8_t *copy = take(n);
  if (!json_is_object(root) || !copy) return 0;
  memcpy(copy, data + 8 + header, n);
  for (unsigned k = below(s, 3) + 1; k > 0; k--) change_one(root, s);
  return rebuild(data, max, root, copy, n, s);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
  unsigned s = seed;
  size_t now = 0;
  if (below(&s, 4)) {
    json_malloc_t library_malloc;
    json_free_t library_free;
    json_get_alloc_funcs(&library_malloc, &library_free);
    json_set_alloc_funcs(take, keep);
    used = 0;
    now = mutate(data, size, max, &s);
    json_set_alloc_funcs(library_malloc, library_free);
  }
  return now ? now : LLVMFuzzerMutate(data, size, max);
}
