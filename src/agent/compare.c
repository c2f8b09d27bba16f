/* compare.c - how far apart are the actions of two policies? See mopo.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/export.h"
#include "data/dataset.h"

mopo_status mopo_policy_compare(mopo_policy_difference *out, mopo_policy *a, mopo_policy *b,
                                const mopo_dataset *on, mopo_error *err)
{
  enum { MOST = 10000 };
  int S = mopo_policy_obs_dim(a), A = mopo_policy_act_dim(a);
  *out = (mopo_policy_difference){0};
  if (mopo_policy_obs_dim(b) != S || mopo_policy_act_dim(b) != A)
    return error_set(err, MOPO_EINVAL, "policies of different sizes, want obs_dim %d", S);
  if (on && on->at.S != S)
    return error_set(err, MOPO_EDATA, "%s: 'observations' has %d columns, the policy wants %d",
                     on->name, on->at.S, S);
  int n = on && on->N < MOST ? (int)on->N : MOST;
  size_t ns = (size_t)n * (size_t)S, na = (size_t)n * (size_t)A;
  float *obs = malloc((ns + 2 * na) * sizeof *obs);
  if (!obs) return error_set(err, MOPO_ENOMEM, "no memory to compare policies");
  float *x = obs + ns, *y = x + na;
  if (!on) export_draw(obs, n, policy_actor(a));
  for (int i = 0; on && i < n; i++) /* evenly spread */
    memcpy(obs + (size_t)i * (size_t)S, dataset_row(on, (int64_t)i * on->N / n),
           (size_t)S * sizeof *obs);
  mopo_policy_act(a, x, obs, n);
  mopo_policy_act(b, y, obs, n);
  double sum = 0.0;
  for (size_t i = 0; i < na; i++) {
    double d = fabs((double)x[i] - (double)y[i]);
    sum += d * d;
    out->max = fmax(out->max, d);
  }
  out->rows = n;
  out->rms = sqrt(sum / (double)na);
  free(obs);
  return MOPO_OK;
}
