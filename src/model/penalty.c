/* penalty.c - see penalty.h. */
#include "model/penalty.h"

#include <math.h>
#include <string.h>

static const char *const NAMES[] = {[PENALTY_NONE] = "none",
                                    [PENALTY_ALEATORIC] = "aleatoric",
                                    [PENALTY_ENSEMBLE_DIFF] = "ensemble-diff",
                                    [PENALTY_ENSEMBLE_STD] = "ensemble-std",
                                    [PENALTY_MAX_PAIRWISE] = "max-pairwise-diff",
                                    [PENALTY_ORACLE] = "oracle"};

mopo_status penalty_find(penalty_kind *out, const char *name, mopo_error *err)
{
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
    if (strcmp(NAMES[i], name) == 0) {
      *out = (penalty_kind)i;
      return MOPO_OK;
    }
  return error_set(err, MOPO_EINVAL,
                   "penalty = '%s', want aleatoric, ensemble-diff, ensemble-std, "
                   "max-pairwise-diff, oracle or none",
                   name);
}

typedef struct row_means {
  const float *x; /* member 0's */
  size_t stride;  /* floats from member to member */
  int E, D;
} row_means;

static float mean_of(const row_means *m, int d)
{
  float sum = 0.0f;
  for (int e = 0; e < m->E; e++) sum += m->x[(size_t)e * m->stride + (size_t)d];
  return sum / (float)m->E;
}

/* The greater, or the one that is NaN: a plain comparison would lose it. */
static float worse(float a, float b) { return b > a || isnan(b) ? b : a; }

static float distance2(const row_means *m, int i, int j)
{
  float sum = 0.0f;
  for (int d = 1; d < m->D; d++) {
    float x = m->x[(size_t)i * m->stride + (size_t)d] - m->x[(size_t)j * m->stride + (size_t)d];
    sum += x * x;
  }
  return sum;
}

static float ensemble_diff(const row_means *m)
{
  float most = 0.0f;
  for (int e = 0; e < m->E; e++) {
    float sum = 0.0f;
    for (int d = 1; d < m->D; d++) {
      float x = m->x[(size_t)e * m->stride + (size_t)d] - mean_of(m, d);
      sum += x * x;
    }
    most = worse(most, sum);
  }
  return sqrtf(most);
}

static float ensemble_std(const row_means *m)
{
  float sum = 0.0f;
  for (int d = 1; d < m->D; d++) {
    float mean = mean_of(m, d), var = 0.0f;
    for (int e = 0; e < m->E; e++) {
      float x = m->x[(size_t)e * m->stride + (size_t)d] - mean;
      var += x * x;
    }
    sum += var / (float)m->E;
  }
  return sqrtf(sum / (float)(m->D - 1));
}

static float max_pairwise(const row_means *m)
{
  float most = 0.0f;
  for (int i = 0; i < m->E; i++)
    for (int j = i + 1; j < m->E; j++) most = worse(most, distance2(m, i, j));
  return sqrtf(most);
}

void penalty_of_means(float *u, const float *means, int E, int R, int D, int rows,
                      penalty_kind kind)
{
  for (int r = 0; r < rows; r++) {
    row_means m = {means + (size_t)r * (size_t)D, (size_t)R * (size_t)D, E, D};
    u[r] = kind == PENALTY_ENSEMBLE_DIFF  ? ensemble_diff(&m)
           : kind == PENALTY_ENSEMBLE_STD ? ensemble_std(&m)
                                          : max_pairwise(&m);
  }
}
