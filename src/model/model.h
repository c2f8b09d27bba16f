/* model.h - a fitted model in the caller's hands; see mopo.h. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/ensemble.h"

struct mopo_model {
  ensemble *m;
};

#endif
