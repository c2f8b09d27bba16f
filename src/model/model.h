/* model.h - a fitted model in the caller's hands; see mopo.h. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/imagine.h"

struct mopo_model {
  ensemble *m;
  imagine g;      /* the step that it takes for the caller */
  imagined *rows; /* [ENSEMBLE_ROWS] of that step */
  imagine_work work;
  float *scaled; /* [ENSEMBLE_ROWS,S] observations in the model's units */
  arena memory;  /* of work and scaled */
};

/* Around m, which it owns from then on, also if this fails. Its steps are judged by task, which
 * outlives it. ENOMEM, EINVAL (penalty). */
MUST_CHECK mopo_status model_of(mopo_model **out, ensemble *m, const mopo_task *task,
                                const char *penalty, mopo_error *err);

#endif
