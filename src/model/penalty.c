/* penalty.c - see penalty.h. */
#include "model/penalty.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static float mean_of(const member_outputs *m, int d)
{
  float sum = 0.0f;
  for (int e = 0; e < m->E; e++) sum += m->mean[(size_t)e * m->stride + (size_t)d];
  return sum / (float)m->E;
}

/* The greater, or the one that is NaN: a plain comparison would lose it. */
static float worse(float a, float b) { return b > a || isnan(b) ? b : a; }

static float max_deviation(const member_outputs *m)
{
  float most = 0.0f;
  for (int e = 0; e < m->E; e++) most = worse(most, m->variance[(size_t)e * m->step]);
  return sqrtf(most);
}

static float distance2(const member_outputs *m, int i, int j)
{
  float sum = 0.0f;
  for (int d = 1; d < m->D; d++) {
    float x =
        m->mean[(size_t)i * m->stride + (size_t)d] - m->mean[(size_t)j * m->stride + (size_t)d];
    sum += x * x;
  }
  return sum;
}

static float ensemble_diff(const member_outputs *m)
{
  float most = 0.0f;
  for (int e = 0; e < m->E; e++) {
    float sum = 0.0f;
    for (int d = 1; d < m->D; d++) {
      float x = m->mean[(size_t)e * m->stride + (size_t)d] - mean_of(m, d);
      sum += x * x;
    }
    most = worse(most, sum);
  }
  return sqrtf(most);
}

static float ensemble_std(const member_outputs *m)
{
  float sum = 0.0f;
  for (int d = 1; d < m->D; d++) {
    float mean = mean_of(m, d), var = 0.0f;
    for (int e = 0; e < m->E; e++) {
      float x = m->mean[(size_t)e * m->stride + (size_t)d] - mean;
      var += x * x;
    }
    sum += var / (float)m->E;
  }
  return sqrtf(sum / (float)(m->D - 1));
}

static float max_pairwise(const member_outputs *m)
{
  float most = 0.0f;
  for (int i = 0; i < m->E; i++)
    for (int j = i + 1; j < m->E; j++) most = worse(most, distance2(m, i, j));
  return sqrtf(most);
}

/* ------------------------------------------------------------------ the rows */

const penalty_type penalty_aleatoric = {
    .name = "aleatoric",
    .help = "max_i || sigma_i ||_2 over all outputs (Yu et al. 2020)",
    .measure = max_deviation};
const penalty_type penalty_diff = {
    .name = "ensemble-diff",
    .help = "max_i || mu_i - mean_j mu_j ||_2 over the state (ibid., ablation)",
    .compares = true,
    .measure = ensemble_diff};
const penalty_type penalty_std = {.name = "ensemble-std",
                                  .help =
                                      "sqrt(mean over the state of var_i mu_i) (Lu et al. 2022)",
                                  .compares = true,
                                  .measure = ensemble_std};
const penalty_type penalty_pairwise = {
    .name = "max-pairwise-diff",
    .help = "max_ij || mu_i - mu_j ||_2 over the state (Kidambi et al. 2020)",
    .compares = true,
    .measure = max_pairwise};
const penalty_type penalty_oracle = {
    .name = "oracle",
    .help = "true error of the mean (Yu et al. 2020, ablation): play/oracle.c",
    .simulator = true};
const penalty_type penalty_none = {.name = "none", .help = "0"};

const penalty_type *penalty_at(int i)
{
  for (int k = 0; i >= 0 && k <= i; k++)
    if (!penalty_types[k]) return NULL;
  return i >= 0 ? penalty_types[i] : NULL;
}

const penalty_type *penalty_named(const char *name)
{
  for (int i = 0; penalty_at(i); i++)
    if (strcmp(penalty_at(i)->name, name) == 0) return penalty_at(i);
  return NULL;
}

/* "a, b or c": all, or those that do not compare members. */
static void list_names(char *text, size_t size, bool all)
{
  int n = 0, i = 0;
  size_t end = 0;
  for (i = 0; penalty_at(i); i++) n += all || !penalty_at(i)->compares;
  for (i = 0; penalty_at(i); i++) {
    if (!all && penalty_at(i)->compares) continue;
    const char *after = n == 1 ? "" : n == 2 ? " or " : ", ";
    end += (size_t)snprintf(text + end, size - end, "%s%s", penalty_at(i)->name, after);
    n--;
  }
}

mopo_status penalty_find(const penalty_type **out, const char *name, mopo_error *err)
{
  char names[256];
  if ((*out = penalty_named(name))) return MOPO_OK;
  list_names(names, sizeof names, true);
  return error_set(err, MOPO_EINVAL, "penalty = '%s', want %s", name, names);
}

mopo_status penalty_check(const penalty_type *p, int members, mopo_error *err)
{
  char names[256];
  if (!p->compares || members > 1) return MOPO_OK;
  list_names(names, sizeof names, false);
  return error_set(err, MOPO_EINVAL, "penalty = %s with members = 1 is 0 everywhere, want %s",
                   p->name, names);
}

bool penalty_measures(const penalty_type *p) { return p->measure || p->simulator; }
