/* machines.h - small machines with known dynamics, to see whether policies are judged rightly from
 * a log alone. Only tests look into them. */
#ifndef TESTS_OPE_MACHINES_H
#define TESTS_OPE_MACHINES_H

#include <mopo/mopo.h>

#include "base/rng.h"

enum { MACHINE_STATE = 16, MACHINE_OBS = 8, MACHINE_ACT = 2 };

typedef struct machine {
  const char *name;
  int S, A, horizon;
  bool fails;    /* it can terminate */
  int switch_at; /* the action that knows -1 and 1 only, recorded as it was taken; -1: none */
  /* The recorded controller: gain of the good one (1: good, 0: none, below 0: wrong), normal noise
   * on its action; each is drawn for an episode between its two bounds. */
  float gain[2], noise[2];
  int episodes;
  void (*reset)(double *s, rng_stream *r);
  void (*observe)(float *obs, const double *s);
  /* One step; true: the machine failed. */
  bool (*step)(double *s, float *rew, const float *act, rng_stream *r);
  void (*good)(float *act, const float *obs); /* a controller that works */
} machine;

/* The i-th, NULL past the last. */
const machine *machine_at(int i);
/* What m's recorded controller left behind; gain and noise NULL: its own. */
mopo_status machine_log(mopo_dataset **out, const machine *m, const float *gain, const float *noise,
                        int episodes, uint64_t seed, mopo_error *err);
/* Returns of n episodes of a policy; the mean. sd (may be NULL): their deviation. */
double machine_return(double *sd, const machine *m, mopo_policy *p, int n, uint64_t seed);

#endif
