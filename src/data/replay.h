/* replay.h - a ring of transitions: the newest `capacity` rows that were pushed. */
#ifndef DATA_REPLAY_H
#define DATA_REPLAY_H

#include "data/dataset.h"

typedef struct replay replay;

/* EINVAL (capacity < 1), ENOMEM (also when capacity * width does not fit in memory's size). */
MUST_CHECK mopo_status replay_create(replay **out, int64_t capacity, row_layout at,
                                     mopo_error *err);
void replay_free(replay *r);
void replay_clear(replay *r);
/* rows [n,W], laid out as `at`; the oldest give way. O(n), no allocation. */
void replay_push(replay *r, const float *rows, int64_t n);

row_layout replay_layout(const replay *r);
int64_t replay_capacity(const replay *r);
int64_t replay_count(const replay *r);
/* Row by age: 0 is the oldest, count - 1 the newest. */
const float *replay_row(const replay *r, int64_t i);

/* For checkpoints: the ring's memory [capacity,W], of which the first `count` rows are written, and
 * the place where the next row goes. */
float *replay_data(replay *r);
int64_t replay_head(const replay *r);
/* Takes count and head from a checkpoint whose rows are in replay_data. EFORMAT: no ring of this
 * capacity has them. */
MUST_CHECK mopo_status replay_restore(replay *r, int64_t count, int64_t head, mopo_error *err);

#endif
