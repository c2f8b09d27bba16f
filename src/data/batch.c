/* batch.c - see batch.h. */
#include "data/batch.h"

batch batch_draw(const float **rows, int B, const mopo_dataset *d, int recorded, const replay *ring,
                 rng_key key, uint64_t update)
{
  for (int i = 0; i < B; i++) {
    uint32_t w[4];
    rng_block(w, key, update, (uint64_t)i);
    bool real = i < recorded;
    uint64_t n = (uint64_t)(real ? d->N : replay_count(ring));
    int64_t at = (int64_t)rng_word_below(w[0], w[1], n);
    rows[i] = real ? dataset_row(d, at) : replay_row(ring, at);
  }
  return (batch){B, d ? d->at : replay_layout(ring), rows};
}
