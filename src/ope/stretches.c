/* stretches.c - see stretches.h. */
#include "ope/stretches.h"

#include <stdlib.h>

enum { ENOUGH = 10, SHORTEST = 50 };

static int64_t end_of(const mopo_dataset *d, int64_t first)
{
  while (first < d->N - 1 && !d->ends[first]) first++;
  return first + 1;
}

static int64_t pieces_of(int64_t rows, int64_t longest) { return (rows + longest - 1) / longest; }

static int64_t count(const mopo_dataset *d, int64_t longest)
{
  int64_t n = 0;
  for (int64_t i = 0, end; i < d->N; i = end) {
    end = end_of(d, i);
    n += pieces_of(end - i, longest);
  }
  return n;
}

static stretch piece(const mopo_dataset *d, int64_t first, int64_t rows)
{
  stretch s = {.first = first, .rows = (int)rows};
  for (int64_t i = first; i < first + rows; i++) s.ret += (double)dataset_row(d, i)[d->at.rew];
  return s;
}

static bool terminal(const mopo_dataset *d, const stretch *s)
{
  return dataset_row(d, s->first + s->rows - 1)[d->at.done] > 0.0f;
}

/* All of them into `all`. */
static void cut_up(stretch *all, const mopo_dataset *d, int64_t longest, unsigned char *cut)
{
  for (int64_t i = 0, end; i < d->N; i = end) {
    end = end_of(d, i);
    int64_t pieces = pieces_of(end - i, longest);
    for (int64_t p = 0; p < pieces; p++) {
      int64_t from = i + (end - i) * p / pieces, to = i + (end - i) * (p + 1) / pieces;
      *all++ = piece(d, from, to - from);
      if (cut) cut[to - 1] = 1;
    }
  }
}

mopo_status stretches_choose(stretch out[STRETCHES], int *n, const mopo_dataset *d,
                             unsigned char *cut, rng_key key, mopo_error *err)
{
  int64_t longest = STRETCH_LONGEST;
  if (count(d, longest) < ENOUGH) longest = d->N / ENOUGH > SHORTEST ? d->N / ENOUGH : SHORTEST;
  int64_t total = count(d, longest);
  stretch *all = malloc((size_t)total * sizeof *all);
  uint32_t *order = malloc((size_t)total * sizeof *order);
  if (!all || !order) {
    free(all);
    free(order);
    return error_set(err, MOPO_ENOMEM, "ope: no memory for %lld episodes", (long long)total);
  }
  cut_up(all, d, longest, cut);
  int most = 0;
  for (int64_t i = 0; i < total; i++) {
    order[i] = (uint32_t)i;
    if (all[i].rows > most) most = all[i].rows;
  }
  rng_stream s = rng_stream_of(key);
  rng_shuffle(&s, order, (size_t)total);
  *n = total < STRETCHES ? (int)total : STRETCHES;
  for (int i = 0; i < *n; i++) {
    out[i] = all[order[i]];
    out[i].length = terminal(d, &out[i]) ? most : out[i].rows;
  }
  free(all);
  free(order);
  return MOPO_OK;
}
