/* samples.c - see samples.h. */
#include "model/samples.h"

#include <stdlib.h>
#include <string.h>

/* The row after the episode that begins at `first`. */
static int64_t end_of(const mopo_dataset *d, int64_t first)
{
  while (first < d->N - 1 && !d->ends[first]) first++;
  return first + 1;
}

static int64_t seen_rows(const mopo_dataset *d, int64_t first)
{
  int64_t n = 0, end = end_of(d, first);
  for (int64_t i = first; i < end; i++) n += !d->blind[i];
  return n;
}

/* Episodes in a random order; held is what a share of them comes to. */
static mopo_status order_episodes(samples *s, double hold, mopo_error *err)
{
  const mopo_dataset *d = s->d;
  for (int64_t i = 0; i < d->N; i = end_of(d, i)) s->episodes++;
  if (s->episodes < 2) return MOPO_OK;
  s->episode = malloc((size_t)s->episodes * sizeof *s->episode);
  if (!s->episode) return error_set(err, MOPO_ENOMEM, "model: no memory for the episodes");
  for (int64_t i = 0, e = 0; i < d->N; i = end_of(d, i)) s->episode[e++] = (uint32_t)i;
  rng_stream r = rng_stream_of(rng_split(s->key, "holdout"));
  rng_shuffle(&r, s->episode, (size_t)s->episodes);
  int64_t least = s->episodes < 6 ? 1 : 2;
  s->held = (int64_t)(hold * (double)s->episodes);
  if (s->held < least) s->held = least;
  for (int64_t e = 0; e < s->held; e++) s->n_hold += seen_rows(d, s->episode[e]);
  return MOPO_OK;
}

mopo_status samples_plan(samples *s, const mopo_dataset *d, double hold, int most, bool by_episodes,
                         rng_key key, mopo_error *err)
{
  *s = (samples){.d = d, .key = key, .N = d->N - d->n_blind};
  if (d->N > UINT32_MAX)
    return error_set(err, MOPO_EDATA, "%s: more than %u rows", d->name, UINT32_MAX);
  mopo_status st = by_episodes ? order_episodes(s, hold, err) : MOPO_OK;
  if (st != MOPO_OK) return st;
  if (s->episode && (s->n_hold < 1 || s->n_hold >= s->N)) samples_free(s); /* all are blind */
  if (!s->episode) {
    s->n_hold = (int64_t)(hold * (double)s->N);
    if (s->n_hold > most) s->n_hold = most;
    if (s->n_hold < 1) s->n_hold = 1;
  }
  s->n_train = s->N - s->n_hold;
  if (s->n_train >= 1) return MOPO_OK;
  samples_free(s);
  return error_set(err, MOPO_EDATA,
                   "%s: %lld rows that say what they led to, want at least 2 to fit a model",
                   d->name, (long long)s->N);
}

void samples_free(samples *s)
{
  free(s->episode);
  s->episode = NULL;
}

static void draw_rows(const samples *s, uint32_t *split, uint32_t *index, int members)
{
  for (int64_t i = 0, n = 0; i < s->d->N; i++)
    if (!s->d->blind[i]) split[n++] = (uint32_t)i;
  rng_stream r = rng_stream_of(rng_split(s->key, "holdout"));
  rng_shuffle(&r, split, (size_t)s->N);
  for (int e = 0; e < members; e++) {
    rng_stream draw = rng_stream_of(rng_index(rng_split(s->key, "bootstrap"), (uint64_t)e));
    uint32_t *of = index + (size_t)e * (size_t)s->n_train;
    for (int64_t i = 0; i < s->n_train; i++)
      of[i] = split[s->n_hold + (int64_t)rng_below(&draw, (uint64_t)s->n_train)];
  }
}

/* Appends an episode's rows to `to`, which holds n of at most `most`; gives how many it holds. */
static int64_t put_episode(const samples *s, uint32_t *to, int64_t n, int64_t most, int64_t first)
{
  int64_t end = end_of(s->d, first);
  for (int64_t i = first; i < end && n < most; i++)
    if (!s->d->blind[i]) to[n++] = (uint32_t)i;
  return n;
}

void samples_draw(const samples *s, uint32_t *split, uint32_t *index, int members)
{
  if (!s->episode) {
    draw_rows(s, split, index, members);
    return;
  }
  for (int64_t e = 0, n = 0; e < s->episodes; e++)
    n = put_episode(s, split, n, s->N, s->episode[e]);
  for (int e = 0; e < members; e++) {
    rng_stream draw = rng_stream_of(rng_index(rng_split(s->key, "bootstrap"), (uint64_t)e));
    uint32_t *of = index + (size_t)e * (size_t)s->n_train;
    uint64_t rest = (uint64_t)(s->episodes - s->held);
    for (int64_t n = 0; n < s->n_train;)
      n = put_episode(s, of, n, s->n_train, s->episode[s->held + (int64_t)rng_below(&draw, rest)]);
  }
}
