/* termination.h - when does an episode end? A logit of (s, a), learned from the recorded ends.
 *
 *   input   [obs, act], standardised, within 10 deviations;  body  2 x 64 swish;  head  one logit
 *   loss    logistic, on batches of 32 terminal rows and 224 others; what that share adds to the
 *           logit is taken away again: + log(n1 / n0) - log(32 / 224)
 *
 * (s, a) serves as well as (s, a, s') and needs no successor, which many logs do not hold for a
 * terminal row. */
#ifndef MODEL_TERMINATION_H
#define MODEL_TERMINATION_H

#include <signal.h>

#include "base/par.h"
#include "data/dataset.h"
#include "io/safetensors.h"
#include "nn/mlp.h"

enum { TERMINATION_ROWS = 96 /* of a block */, TERMINATION_FACTS = 9 };

/* What the fit says of itself. */
typedef struct termination_facts {
  int64_t terminals, others; /* rows that it was fitted to */
  int64_t held_rows;         /* rows of the episodes that were held out; 0: too few end */
  double held_ends;          /* of them, terminals */
  double held_foretold;      /* of them, sum of the probabilities: like held_ends if calibrated */
  double held_loss;          /* mean logistic loss there, nat; NAN without held rows */
  double held_base;          /* the same of one constant probability, the share of terminals */
} termination_facts;

typedef struct termination {
  int S, A;
  bool learned; /* false: no row is a terminal, or every one is; `offset` is the logit */
  mlp net;
  float *mean, *inverse_std; /* [S+A]; a column that does not move has inverse_std 0 */
  double offset;             /* added to what the network says */
  termination_facts facts;
  arena memory;
} termination;

/* Workspace of one thread for blocks of at most TERMINATION_ROWS rows. */
typedef struct termination_work {
  mlp_acts acts;
} termination_work;
void termination_work_layout(termination_work *w, const termination *t, arena *a);

/* Nothing learned yet, weights 0. ENOMEM. */
MUST_CHECK mopo_status termination_create(termination **out, int S, int A, mopo_error *err);
/* The bits depend on d and key only. A raised `stop` (may be NULL) gives ESTOPPED. ENOMEM,
 * ENUMERIC. */
MUST_CHECK mopo_status termination_fit(termination **out, const mopo_dataset *d, rng_key key,
                                       par *pool, const volatile sig_atomic_t *stop,
                                       mopo_error *err);
void termination_free(termination *t);

/* logit [n] of the end of each row, within +-30; obs[r], act[r] point at S and A floats. n is any
 * number. NaN travels. */
void termination_logit(const termination *t, termination_work *w, float *logit,
                       const float *const *obs, const float *const *act, int n);

/* What a logit stands for. */
double termination_probability(float logit);
/* Does an episode end with this logit? u in [0,1) is the draw. A NaN ends it. */
bool termination_draw(float logit, float u);

/* What a file holds of t: its layers like torch.nn.Linear's, and the facts. */
typedef struct termination_staged {
  float *values; /* [termination_values] */
  double facts[TERMINATION_FACTS];
} termination_staged;
size_t termination_values(const termination *t);
/* Adds "termination.*", which are staged in s, to a list that is written while t and s live. */
MUST_CHECK mopo_status termination_add(const termination *t, termination_staged *s, tensor_list *l,
                                       mopo_error *err);
/* From such a file. *out = NULL: it holds none. EFORMAT, ENOMEM. */
MUST_CHECK mopo_status termination_of(termination **out, const tensor_file *f, const char *path,
                                      int S, int A, mopo_error *err);

#endif
