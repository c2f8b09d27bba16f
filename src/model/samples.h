/* samples.h - which rows a fit sees: what is held out, and the bootstrap sample of each member. */
#ifndef MODEL_SAMPLES_H
#define MODEL_SAMPLES_H

#include "base/rng.h"
#include "data/dataset.h"

/* By rows: held out are the first of a random order, and members draw rows of the rest. By
 * episodes: whole ones are held out, and members draw whole ones; the last is cut where as many
 * rows are drawn as there are. Rows of one episode are alike: a row held out of an episode that is
 * learned from tells little. */
typedef struct samples {
  const mopo_dataset *d;
  rng_key key;
  int64_t N, n_hold, n_train; /* rows that say what they led to; N = n_hold + n_train */
  uint32_t *episode;          /* [episodes] first rows in a random order; NULL: by rows */
  int64_t episodes, held;     /* of them, the first `held` are held out */
} samples;

/* hold: share of rows, at most `most` of them, at least one row; by episodes a share of these, at
 * least two where four are left. One episode alone is cut by rows. EDATA (fewer than two rows, too
 * many), ENOMEM. */
MUST_CHECK mopo_status samples_plan(samples *s, const mopo_dataset *d, double hold, int most,
                                    bool by_episodes, rng_key key, mopo_error *err);
/* split [N]: rows held out, then the rest; index [members,n_train]. */
void samples_draw(const samples *s, uint32_t *split, uint32_t *index, int members);
void samples_free(samples *s);

#endif
