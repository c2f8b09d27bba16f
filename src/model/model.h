/* model.h - a fitted model in the caller's hands; see mopo.h. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/imagine.h"

struct mopo_model {
  ensemble *m;
  termination *end; /* learned ends; NULL: none */
  imagine g;        /* the step that it takes for the caller */
  imagined *rows;   /* [room] of that step */
  float *scaled;    /* [room,S] observations in the model's units; NULL: they are the log's */
  int room;         /* of the largest step so far, at least ENSEMBLE_ROWS */
  imagine_work work;
  arena memory; /* of work */
};

/* Around m and its learned ends (NULL: none), which it owns from then on, also if this fails. Its
 * steps are judged by task, which outlives it. ENOMEM, EINVAL (penalty). */
MUST_CHECK mopo_status model_of(mopo_model **out, ensemble *m, termination *end,
                                const mopo_task *task, const char *penalty, mopo_error *err);

#endif
