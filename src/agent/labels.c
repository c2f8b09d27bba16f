/* labels.c - see labels.h. In the metadata a list is a text of one entry a line: a name, a pair
 * "low high", or 0 and 1. */
#include "agent/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/name.h"
#include "base/number.h"
#include "io/buffer.h"
#include "io/safetensors.h"

static const char OBS_NAMES[] = "obs_names", ACT_NAMES[] = "act_names", SEEN[] = "obs_ranges";
static const char RANGES[] = "action_ranges", SWITCHES[] = "switches", HISTORY[] = "history";

enum { HISTORY_MAX = 64 };

int labels_observed(const policy_labels *l, int S, int A)
{
  return l && l->history > 1 ? (S + A) / l->history - A : S;
}

/* ------------------------------------------------------------------ copying */

static const char *const *copy_names(const char *const *names, int n, arena *a)
{
  if (!names) return NULL;
  char **copy = arena_bytes(a, (size_t)n * sizeof *copy);
  for (int i = 0; i < n; i++) {
    size_t size = strlen(names[i]) + 1;
    char *text = arena_bytes(a, size);
    if (!copy) continue;
    memcpy(text, names[i], size);
    name_clean(text);
    copy[i] = text;
  }
  return (const char *const *)copy;
}

static void *copy_bytes(const void *bytes, size_t n, arena *a)
{
  if (!bytes) return NULL;
  void *copy = arena_bytes(a, n);
  return copy ? memcpy(copy, bytes, n) : NULL;
}

static policy_labels *place(const policy_labels *from, int S, int A, arena *a)
{
  policy_labels l = *from, *to = arena_bytes(a, sizeof l);
  l.obs = copy_names(from->obs, S, a), l.act = copy_names(from->act, A, a);
  l.ranges = copy_bytes(from->ranges, 2 * (size_t)A * sizeof *l.ranges, a);
  l.seen = copy_bytes(from->seen, 2 * (size_t)S * sizeof *l.seen, a);
  l.is_switch = copy_bytes(from->is_switch, (size_t)A * sizeof *l.is_switch, a);
  if (to) *to = l;
  return to;
}

mopo_status labels_copy(policy_labels **out, const policy_labels *from, int S, int A,
                        mopo_error *err)
{
  arena a = {0};
  *out = NULL;
  place(from, S, A, &a);
  if (!arena_alloc(&a)) return error_set(err, MOPO_ENOMEM, "no memory for the policy's labels");
  *out = place(from, S, A, &a); /* the first of the block */
  return MOPO_OK;
}

/* ------------------------------------------------------------------ writing */

static void print_names(buffer *b, const char *const *names, int n)
{
  for (int i = 0; i < n; i++) buffer_print(b, i ? "\n%s" : "%s", names[i]);
}

static void print_pairs(buffer *b, const float *x, int n)
{
  for (int i = 0; i < n; i++) {
    char low[32], high[32];
    number_print(low, sizeof low, "%.9g", (double)x[2 * i]);
    number_print(high, sizeof high, "%.9g", (double)x[2 * i + 1]);
    buffer_print(b, "%s%s %s", i ? "\n" : "", low, high);
  }
}

static void print_flags(buffer *b, const bool *is, int n)
{
  for (int i = 0; i < n; i++) buffer_print(b, i ? "\n%d" : "%d", is[i]);
}

static void print_value(buffer *b, const char *key, const policy_labels *l, int S, int A)
{
  if (key == OBS_NAMES && l->obs) print_names(b, l->obs, S);
  if (key == ACT_NAMES && l->act) print_names(b, l->act, A);
  if (key == RANGES && l->ranges) print_pairs(b, l->ranges, A);
  if (key == SEEN && l->seen) print_pairs(b, l->seen, S);
  if (key == SWITCHES && l->is_switch) print_flags(b, l->is_switch, A);
  if (key == HISTORY && l->history > 1) buffer_print(b, "%d", l->history);
}

mopo_status labels_each(const policy_labels *from, int S, int A,
                        mopo_status (*take)(void *ctx, const char *key, const char *value,
                                            mopo_error *err),
                        void *ctx, mopo_error *err)
{
  static const char *const keys[] = {OBS_NAMES, ACT_NAMES, RANGES, SEEN, SWITCHES, HISTORY};
  mopo_status st = MOPO_OK;
  for (size_t i = 0; from && st == MOPO_OK && i < sizeof keys / sizeof *keys; i++) {
    buffer b = {0};
    print_value(&b, keys[i], from, S, A);
    if (b.n || b.failed) buffer_add(&b, "", 1);
    if (b.failed)
      st = error_set(err, MOPO_ENOMEM, "%s: no memory", keys[i]);
    else if (b.n)
      st = take(ctx, keys[i], b.bytes, err);
    buffer_free(&b);
  }
  return st;
}

static mopo_status write_one(void *ctx, const char *key, const char *value, mopo_error *err)
{
  return tensor_list_meta(ctx, key, value, err);
}

mopo_status labels_write(tensor_list *l, const policy_labels *from, int S, int A, mopo_error *err)
{
  return labels_each(from, S, A, write_one, l, err);
}

/* ------------------------------------------------------------------ reading */

/* What a file says, before it is one block. */
typedef struct draft {
  const tensor_file *f;
  const char *path;
  int S, A;
  char *texts[5]; /* cut into lines */
  const char **lines[5];
  float *ranges, *seen;
  bool *is_switch;
  policy_labels labels;
} draft;

/* The n lines of a value in d->lines[slot]; none where there is no such key. */
static mopo_status read_lines(draft *d, int slot, const char *key, int n, mopo_error *err)
{
  const char *value = tensor_file_meta(d->f, key);
  if (!value) return MOPO_OK;
  int count = 1;
  for (const char *c = value; *c; c++) count += *c == '\n';
  if (count != n)
    return error_set(err, MOPO_EFORMAT, "%s: %s: %d lines, want %d", d->path, key, count, n);
  char *rest = d->texts[slot] = strdup(value);
  const char **lines = d->lines[slot] = malloc((size_t)n * sizeof *lines);
  if (!rest || !lines) return error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  for (int i = 0; i < n; i++) lines[i] = strsep(&rest, "\n");
  return MOPO_OK;
}

/* least: may low be high? */
static mopo_status check_pair(const draft *d, const char *key, const float *r, bool least,
                              mopo_error *err)
{
  if (isfinite(r[0]) && isfinite(r[1]) && (r[0] < r[1] || (least && r[0] == r[1]))) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s: %s %g..%g, want finite and ascending", d->path, key,
                   (double)r[0], (double)r[1]);
}

static mopo_status read_pairs(float **to, draft *d, int slot, const char *key, int n, bool least,
                              mopo_error *err)
{
  mopo_status st = read_lines(d, slot, key, n, err);
  const char **lines = d->lines[slot];
  if (st != MOPO_OK || !lines) return st;
  float *x = *to = calloc(2 * (size_t)n, sizeof *x);
  if (!x) return error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  for (int i = 0; st == MOPO_OK && i < n; i++) {
    char *mid, *end;
    x[2 * i] = number_parse_float(lines[i], &mid);
    x[2 * i + 1] = number_parse_float(mid, &end);
    if (mid == lines[i] || end == mid || *end)
      return error_set(err, MOPO_EFORMAT, "%s: %s '%.40s', want two numbers", d->path, key,
                       lines[i]);
    st = check_pair(d, key, x + 2 * i, least, err);
  }
  return st;
}

static mopo_status read_flags(draft *d, int slot, mopo_error *err)
{
  mopo_status st = read_lines(d, slot, SWITCHES, d->A, err);
  const char **lines = d->lines[slot];
  if (st != MOPO_OK || !lines) return st;
  d->is_switch = calloc((size_t)d->A, sizeof *d->is_switch);
  if (!d->is_switch) return error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  for (int i = 0; i < d->A; i++) {
    if (strcmp(lines[i], "0") != 0 && strcmp(lines[i], "1") != 0)
      return error_set(err, MOPO_EFORMAT, "%s: %s '%.40s', want 0 or 1", d->path, SWITCHES,
                       lines[i]);
    d->is_switch[i] = *lines[i] == '1';
  }
  return MOPO_OK;
}

static mopo_status read_history(draft *d, mopo_error *err)
{
  const char *value = tensor_file_meta(d->f, HISTORY);
  char *end;
  if (!value) return MOPO_OK;
  double k = number_parse(value, &end);
  if (end != value && !*end && k >= 1.0 && k <= HISTORY_MAX && k == (double)(int)k) {
    d->labels.history = (int)k;
    if ((d->S + d->A) % (int)k == 0 && labels_observed(&d->labels, d->S, d->A) > 0) return MOPO_OK;
  }
  return error_set(err, MOPO_EFORMAT, "%s: %s '%.40s', want that of %d inputs and %d actions",
                   d->path, HISTORY, value, d->S, d->A);
}

/* As versions before 0.2 wrote them. */
static mopo_status read_old_ranges(draft *d, mopo_error *err)
{
  const void *x;
  if (d->ranges || !tensor_file_find(d->f, RANGES)) return MOPO_OK;
  mopo_status st = tensor_file_get(d->f, &x, RANGES, TENSOR_F32, 2, (int64_t[]){d->A, 2}, err);
  if (st != MOPO_OK) return st;
  d->ranges = malloc(2 * (size_t)d->A * sizeof *d->ranges);
  if (!d->ranges) return error_set(err, MOPO_ENOMEM, "%s: no memory", d->path);
  memcpy(d->ranges, x, 2 * (size_t)d->A * sizeof *d->ranges);
  for (int i = 0; st == MOPO_OK && i < d->A; i++)
    st = check_pair(d, RANGES, d->ranges + 2 * i, false, err);
  return st;
}

static mopo_status read_all(draft *d, mopo_error *err)
{
  mopo_status st = read_lines(d, 0, OBS_NAMES, d->S, err);
  if (st == MOPO_OK) st = read_lines(d, 1, ACT_NAMES, d->A, err);
  if (st == MOPO_OK) st = read_pairs(&d->ranges, d, 2, RANGES, d->A, false, err);
  if (st == MOPO_OK) st = read_pairs(&d->seen, d, 3, SEEN, d->S, true, err);
  if (st == MOPO_OK) st = read_flags(d, 4, err);
  if (st == MOPO_OK) st = read_history(d, err);
  return st == MOPO_OK ? read_old_ranges(d, err) : st;
}

mopo_status labels_read(policy_labels **out, const tensor_file *f, const char *path, int S, int A,
                        mopo_error *err)
{
  draft d = {.f = f, .path = path, .S = S, .A = A};
  *out = NULL;
  mopo_status st = read_all(&d, err);
  policy_labels *l = &d.labels;
  l->obs = d.lines[0], l->act = d.lines[1];
  l->ranges = d.ranges, l->seen = d.seen, l->is_switch = d.is_switch;
  if (st == MOPO_OK && (l->obs || l->act || l->ranges || l->seen || l->is_switch || l->history > 1))
    st = labels_copy(out, l, S, A, err);
  for (int i = 0; i < 5; i++) {
    free(d.texts[i]);
    free(d.lines[i]);
  }
  free(d.ranges);
  free(d.seen);
  free(d.is_switch);
  return st;
}
