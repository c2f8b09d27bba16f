/* replay.c - see replay.h. */
#include "data/replay.h"

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct replay {
  row_layout at;
  int64_t capacity, count;
  int64_t head; /* where the next row goes; equals count until the ring has been full */
  float *data;  /* [capacity,W] */
};

mopo_status replay_create(replay **out, int64_t capacity, row_layout at, mopo_error *err)
{
  *out = NULL;
  if (capacity < 1)
    return error_set(err, MOPO_EINVAL, "replay capacity = %lld, want 1 or more",
                     (long long)capacity);
  size_t row = (size_t)at.width * sizeof(float);
  bool fits = (uint64_t)capacity <= PTRDIFF_MAX / row;
  replay *r = fits ? calloc(1, sizeof *r) : NULL;
  float *data = r ? arena_aligned((size_t)capacity * row) : NULL;
  if (!data) {
    free(r);
    return error_set(err, MOPO_ENOMEM, "replay of %lld rows of %d floats: out of memory",
                     (long long)capacity, at.width);
  }
  *r = (replay){.at = at, .capacity = capacity, .data = data};
  *out = r;
  return MOPO_OK;
}

void replay_free(replay *r)
{
  if (r) free(r->data);
  free(r);
}

void replay_clear(replay *r) { r->count = r->head = 0; }

static float *slot(const replay *r, int64_t i) { return r->data + (size_t)i * (size_t)r->at.width; }

void replay_push(replay *r, const float *rows, int64_t n)
{
  assert(n >= 0);
  const size_t W = (size_t)r->at.width;
  while (n > 0) {
    int64_t room = r->capacity - r->head, k = n < room ? n : room;
    memcpy(slot(r, r->head), rows, (size_t)k * W * sizeof *rows);
    rows += (size_t)k * W;
    n -= k;
    r->head = (r->head + k) % r->capacity;
    r->count = r->count + k < r->capacity ? r->count + k : r->capacity;
  }
}

row_layout replay_layout(const replay *r) { return r->at; }
int64_t replay_capacity(const replay *r) { return r->capacity; }
int64_t replay_count(const replay *r) { return r->count; }

const float *replay_row(const replay *r, int64_t i)
{
  assert(i >= 0 && i < r->count);
  int64_t oldest = r->count < r->capacity ? 0 : r->head;
  int64_t room = r->capacity - oldest;
  return slot(r, i < room ? oldest + i : i - room);
}

float *replay_data(replay *r) { return r->data; }
int64_t replay_head(const replay *r) { return r->head; }

mopo_status replay_restore(replay *r, int64_t count, int64_t head, mopo_error *err)
{
  bool full = count == r->capacity && head >= 0 && head < r->capacity;
  bool filling = count >= 0 && count < r->capacity && head == count;
  if (!full && !filling)
    return error_set(err, MOPO_EFORMAT, "replay count %lld, head %lld do not fit a ring of %lld",
                     (long long)count, (long long)head, (long long)r->capacity);
  r->count = count;
  r->head = head;
  return MOPO_OK;
}
