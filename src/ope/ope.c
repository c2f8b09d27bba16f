/* ope.c - off-policy evaluation for whoever uses the library; see mopo.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "ope/judge.h"
#include "task/task.h"

const char *mopo_verdict_name(mopo_verdict v)
{
  return v == MOPO_VERDICT_BETTER       ? "better"
         : v == MOPO_VERDICT_NOT_BETTER ? "not-better"
                                        : "unknown";
}

static mopo_status check(mopo_policy *const *policies, int n, const mopo_dataset *d,
                         mopo_error *err)
{
  if (n < 1) return error_set(err, MOPO_EINVAL, "ope: %d policies, want at least one", n);
  for (int i = 0; i < n; i++) {
    int S = mopo_policy_obs_dim(policies[i]), A = mopo_policy_act_dim(policies[i]);
    if (S != d->at.S || A != d->at.A)
      return error_set(err, MOPO_EINVAL,
                       "policy %d: %d observations, %d actions; the data have %d, %d", i + 1, S, A,
                       d->at.S, d->at.A);
  }
  return MOPO_OK;
}

/* Of one call: what every policy got, and the returns of its trials. */
typedef struct findings {
  mopo_estimate *of, **at;
  double *values, **values_at;
} findings;

static void findings_free(findings *f)
{
  free(f->of);
  free(f->at);
  free(f->values);
  free(f->values_at);
}

static mopo_status findings_make(findings *f, int n, size_t values, mopo_error *err)
{
  size_t N = (size_t)n;
  *f = (findings){calloc(N, sizeof *f->of), calloc(N, sizeof *f->at),
                  calloc(N * values, sizeof *f->values), calloc(N, sizeof *f->values_at)};
  if (!f->of || !f->at || !f->values || !f->values_at) {
    findings_free(f);
    return error_set(err, MOPO_ENOMEM, "ope: no memory for %d policies", n);
  }
  for (size_t i = 0; i < N; i++) f->at[i] = &f->of[i], f->values_at[i] = f->values + i * values;
  return MOPO_OK;
}

static mopo_status ask(mopo_estimate *out, mopo_policy *const *policies, int n, judge *j,
                       mopo_error *err)
{
  findings f;
  size_t size = out->size;
  mopo_status st = findings_make(&f, n, judge_values(j), err);
  if (st != MOPO_OK) return st;
  for (int i = 0; st == MOPO_OK && i < n; i++)
    st = judge_policy(f.at[i], f.values_at[i], j, policy_actor(policies[i]), err);
  if (st == MOPO_OK) judge_rank(f.at, f.values_at, n, j);
  for (int i = 0; st == MOPO_OK && i < n; i++) {
    f.at[i]->size = size;
    memcpy((char *)out + (size_t)i * size, f.at[i], size < sizeof *out ? size : sizeof *out);
  }
  findings_free(&f);
  return st;
}

mopo_status mopo_ope(mopo_estimate *out, mopo_policy *const *policies, int n, const mopo_dataset *d,
                     const mopo_task *task, const mopo_ope_options *options,
                     const mopo_watch *watch, mopo_error *err)
{
  mopo_ope_options o = {.size = sizeof o};
  if (options) memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
  mopo_status st = check(policies, n, d, err);
  if (st != MOPO_OK) return st;
  par *pool = NULL;
  judge *j = NULL;
  if ((st = par_create(&pool, o.threads, err)) != MOPO_OK) return st;
  judge_setup set = {.d = d,
                     .task = task ? task : task_none(),
                     .pool = pool,
                     .key = rng_split(rng_seed(o.seed), "ope"),
                     .updates = o.updates,
                     .fitted_q = !o.no_fitted_q,
                     .watch = watch};
  st = judge_create(&j, &set, err);
  if (st == MOPO_OK) st = ask(out, policies, n, j, err);
  judge_free(j);
  par_free(pool);
  return st;
}
