/* chain.c - what a recording leaves unsaid and its neighbouring rows tell. */
#include "data/dataset.h"

#include <string.h>

void dataset_cut_every(mopo_dataset *d, int horizon)
{
  int steps = 0;
  for (int64_t i = 0; i < d->N; i++) {
    bool terminal = dataset_row(d, i)[d->at.done] != 0.0f;
    steps++;
    d->timeouts[i] = !terminal && steps == horizon;
    if (terminal || d->timeouts[i]) steps = 0;
  }
}

/* Row `from` becomes row `to`, completed from the row after it. */
static void move_row(mopo_dataset *d, int64_t to, int64_t from, bool next, bool after)
{
  const row_layout *at = &d->at;
  const size_t W = (size_t)at->width, nq = (size_t)d->nq;
  float *row = d->rows + (size_t)to * W;
  const float *old = d->rows + (size_t)from * W;
  memmove(row, old, W * sizeof *row);
  if (d->lines) d->lines[to] = d->lines[from];
  if (next) memcpy(row + at->next, old + W, (size_t)at->S * sizeof *row);
  if (!d->qpos) return;
  const double *place = d->qpos + (size_t)from * nq, *then = d->after + (size_t)from * nq;
  memmove(d->qpos + (size_t)to * nq, place, nq * sizeof *place);
  memmove(d->after + (size_t)to * nq, after ? place + nq : then, nq * sizeof *place);
}

/* Row `from`, terminal, becomes row `to`: it led to what nobody knows. */
static void keep_blind(mopo_dataset *d, int64_t to, int64_t from)
{
  move_row(d, to, from, false, false);
  float *row = d->rows + (size_t)to * (size_t)d->at.width;
  memcpy(row + d->at.next, row, (size_t)d->at.S * sizeof *row);
  d->ends[to] = d->blind[to] = 1, d->timeouts[to] = 0;
  d->n_blind++;
}

/* The row before one that is left out is its episode's last: cut off there, if the file says that
 * the episode ended. Moves rows down in place. */
void dataset_chain(mopo_dataset *d, bool next, bool after)
{
  int64_t kept = 0, start = 0; /* start: where the present episode's rows begin, as kept */
  dataset_mark_ends(d);
  for (int64_t i = 0; i < d->N; i++) {
    bool last = d->ends[i], terminal = dataset_row(d, i)[d->at.done] != 0.0f;
    if (last && terminal && !after) {
      keep_blind(d, kept++, i);
    } else if (last && kept > start) {
      d->ends[kept - 1] = 1;
      d->timeouts[kept - 1] = terminal || d->timeouts[i];
    } else if (!last) {
      move_row(d, kept, i, next, after);
      d->ends[kept] = d->timeouts[kept] = 0;
      kept++;
    }
    if (last) start = kept;
  }
  d->N = kept;
}
