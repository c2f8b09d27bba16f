/* hdf5_names.c - see hdf5_names.h. */
#include "io/hdf5_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  NUMBERS_MAX = 100000000,
  TOP_MAX = 1000,
  LEAVES_MAX = 256,
  DEPTH_MAX = 8, /* of groups within groups: a file may hold a circle */
};

/* ------------------------------------------------------------------ numbers */

static herr_t take_number(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  hdf5_numbers *l = ctx;
  (void)group, (void)info;
  const char *slash = strrchr(l->before, '/'), *begin = slash ? slash + 1 : l->before;
  size_t n = strlen(begin);
  if (strncmp(name, begin, n) != 0) return 0;
  const char *digits = name + n;
  size_t k = strspn(digits, "0123456789");
  bool plain = k > 0 && k < 18 && !digits[k] && (k == 1 || *digits != '0'); /* no 007 */
  if (!plain) return 0;
  if (l->n == NUMBERS_MAX) return -1;
  if (l->n == l->cap) {
    int64_t cap = l->cap ? 2 * l->cap : 64;
    int64_t *grown = realloc(l->number, (size_t)cap * sizeof *grown);
    if (!grown) return -1;
    l->number = grown;
    l->cap = cap;
  }
  l->number[l->n++] = strtoll(digits, NULL, 10);
  return 0;
}

static int by_number(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

bool hdf5_list_numbers(hdf5_numbers *l, hid_t file, const char *pattern)
{
  size_t n = strcspn(pattern, "#");
  if (l->number && strlen(l->before) == n && !strncmp(l->before, pattern, n)) return true;
  snprintf(l->before, sizeof l->before, "%.*s", (int)n, pattern);
  l->n = 0;
  char group[HDF5_NAME];
  snprintf(group, sizeof group, "%s", l->before);
  char *slash = strrchr(group, '/');
  if (slash)
    *slash = '\0';
  else
    strcpy(group, "/");
  if (slash && H5Lexists(file, group, H5P_DEFAULT) <= 0) return true;
  hsize_t at = 0;
  if (H5Literate_by_name(file, group, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_number, l,
                         H5P_DEFAULT) < 0)
    return false;
  if (l->n) qsort(l->number, (size_t)l->n, sizeof *l->number, by_number);
  return true;
}

/* ------------------------------------------------------------------ names */

static void add_name(hdf5_names *l, const char *name, int most)
{
  if (l->n == most || strlen(name) >= HDF5_NAME) l->failed = true;
  if (l->failed) return;
  if (l->n == l->cap) {
    int cap = l->cap ? 2 * l->cap : 16;
    char(*grown)[HDF5_NAME] = realloc(l->name, (size_t)cap * sizeof *grown);
    l->failed = !grown;
    if (!grown) return;
    l->name = grown;
    l->cap = cap;
  }
  strcpy(l->name[l->n++], name);
}

/* As strcmp, but numbers in the names by their size. */
static int by_name(const void *a, const void *b)
{
  const char *x = a, *y = b;
  for (;; x++, y++) {
    if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
      size_t n = strspn(x, "0123456789"), m = strspn(y, "0123456789");
      if (n != m) return n < m ? -1 : 1;
    }
    if (*x != *y) return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
    if (!*x) return 0;
  }
}

static H5I_type_t type_of(hid_t file, const char *path)
{
  hid_t object = H5Oopen(file, path, H5P_DEFAULT);
  H5I_type_t type = object < 0 ? H5I_BADID : H5Iget_type(object);
  if (object >= 0) H5Oclose(object);
  return type;
}

static herr_t take_top(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  if (info->type == H5L_TYPE_HARD && type_of(group, name) == H5I_DATASET)
    add_name(ctx, name, TOP_MAX);
  return 0;
}

void hdf5_list_top(hdf5_names *out, hid_t file)
{
  *out = (hdf5_names){0};
  H5G_info_t about;
  hsize_t at = 0;
  if (H5Gget_info(file, &about) < 0 || about.nlinks > TOP_MAX) return;
  H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_top, out);
  if (out->n) qsort(out->name, (size_t)out->n, sizeof *out->name, by_name);
}

static herr_t take_key(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  (void)group;
  if (info->type == H5L_TYPE_HARD) add_name(ctx, name, LEAVES_MAX);
  return 0;
}

static void list_leaves(hdf5_names *out, hid_t file, const char *path, int depth)
{
  hdf5_names keys = {0};
  hsize_t at = 0;
  out->failed = out->failed || depth == DEPTH_MAX ||
                H5Literate_by_name(file, path, H5_INDEX_NAME, H5_ITER_NATIVE, &at, take_key, &keys,
                                   H5P_DEFAULT) < 0 ||
                keys.failed;
  if (!out->failed && keys.n) qsort(keys.name, (size_t)keys.n, sizeof *keys.name, by_name);
  for (int i = 0; !out->failed && i < keys.n; i++) {
    char inner[HDF5_NAME];
    int n = snprintf(inner, sizeof inner, "%s/%s", path, keys.name[i]);
    out->failed = n >= HDF5_NAME;
    if (out->failed) break;
    if (type_of(file, inner) == H5I_GROUP)
      list_leaves(out, file, inner, depth + 1);
    else
      add_name(out, inner, LEAVES_MAX);
  }
  free(keys.name);
}

void hdf5_list_leaves(hdf5_names *out, hid_t file, const char *path)
{
  *out = (hdf5_names){0};
  list_leaves(out, file, path, 0);
}
