/* league.c - see league.h. */
#include "ope/league.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPISODES = 100 };

static void want(mopo_status st, const mopo_error *err, const char *what)
{
  if (st == MOPO_OK) return;
  fprintf(stderr, "%s: %s\n", what, err->msg);
  exit(1);
}

/* ------------------------------------------------------------------ policies */

static void set(mopo_config *c, const char *name, const char *value)
{
  mopo_error err;
  want(mopo_config_set(c, name, value, &err), &err, name);
}

/* `more`: settings, "algo=bc penalty-coef=1". */
static void learn(league *l, const char *name, const char *data, const char *more, int updates)
{
  mopo_error err;
  mopo_train_result r;
  contender *to = &l->of[l->n++];
  char dir[64], path[128], text[512], each[32], *word, *rest = text;
  snprintf(to->name, sizeof to->name, "%s", name);
  snprintf(dir, sizeof dir, "league-%d-%s-%s", (int)getpid(), l->m->name, name);
  snprintf(each, sizeof each, "%d", updates / 2);
  snprintf(text, sizeof text,
           "data=%s out=%s task=none epochs=2 updates-per-epoch=%s hidden=64 model-hidden=64 "
           "model-layers=3 model-max-epochs=20 model-schedule=cosine rollout-batch=1000 "
           "checkpoint-every=2 %s",
           data, dir, each, more);
  mopo_config *c = mopo_config_create();
  if (!c) exit(1);
  while ((word = strtok_r(rest, " ", &rest))) {
    char *value = strchr(word, '=');
    *value++ = 0;
    set(c, word, value);
  }
  want(mopo_train(&r, c, false, NULL, &err), &err, dir);
  mopo_config_free(c);
  snprintf(path, sizeof path, "%s/policy.safetensors", dir);
  want(mopo_policy_load(&to->p, path, &err), &err, path);
  snprintf(text, sizeof text, "rm -rf %s", dir);
  if (system(text)) exit(1);
}

/* A clone of the machine's controller with another gain. */
static void learn_controller(league *l, const char *name, float gain, int updates)
{
  mopo_error err;
  mopo_dataset *d = NULL;
  char path[64];
  snprintf(path, sizeof path, "league-%d-%s.npz", (int)getpid(), l->m->name);
  want(machine_log(&d, l->m, (float[]){gain, gain}, (float[]){0.1f, 0.3f}, 40, 77, &err), &err,
       name);
  want(mopo_dataset_save(d, path, &err), &err, path);
  learn(l, name, path, "algo=bc actor-lr=0.001", updates);
  mopo_dataset_free(d);
  remove(path);
}

static void learn_all(league *l, const league_effort *e)
{
  mopo_error err;
  char log[64];
  snprintf(log, sizeof log, "league-%d-log.npz", (int)getpid());
  want(mopo_dataset_save(l->log, log, &err), &err, log);
  learn_controller(l, "good", 1.0f, e->updates);
  learn_controller(l, "weak", 0.4f, e->updates);
  learn_controller(l, "wrong", -0.5f, e->updates);
  if (e->trained) {
    learn(l, "bc", log, "algo=bc", e->updates);
    learn(l, "td3bc", log, "algo=td3bc", e->updates);
    learn(l, "iql", log, "algo=iql", e->updates);
    learn(l, "mopo-5-1", log, "algo=mopo rollout-length=5 penalty-coef=1", e->updates);
    learn(l, "mopo-1-0.2", log, "algo=mopo rollout-length=1 penalty-coef=0.2", e->updates);
    learn(l, "mbpo-20", log, "algo=mbpo rollout-length=20 rollout-batch=500", e->updates);
  }
  remove(log);
}

/* ------------------------------------------------------------------ truth and verdict */

static void log_returns(league *l)
{
  double sum = 0.0, squares = 0.0, n = 0.0;
  mopo_episode e;
  for (int64_t i = 0; i < mopo_dataset_rows(l->log); i += e.rows) {
    e = mopo_dataset_episode(l->log, i);
    sum += e.ret, squares += e.ret * e.ret, n += 1.0;
  }
  l->log_truth = sum / n;
  l->log_error = sqrt(fmax(squares / n - l->log_truth * l->log_truth, 0.0) / n);
}

void league_play(league *l, const machine *m, const league_effort *effort, uint64_t seed)
{
  mopo_error err;
  *l = (league){.m = m};
  want(machine_log(&l->log, m, NULL, NULL, m->episodes, seed, &err), &err, m->name);
  log_returns(l);
  learn_all(l, effort);
  mopo_policy *p[LEAGUE_MOST];
  mopo_estimate e[LEAGUE_MOST] = {{.size = sizeof *e}};
  for (int i = 0; i < l->n; i++) {
    p[i] = l->of[i].p;
    l->of[i].truth = machine_return(&l->of[i].truth_error, m, p[i], EPISODES, 4242);
    l->of[i].truth_error /= sqrt(EPISODES);
  }
  mopo_ope_options o = {.size = sizeof o, .seed = seed, .updates = effort->judge_updates};
  want(mopo_ope(e, p, l->n, l->log, NULL, &o, NULL, &err), &err, m->name);
  for (int i = 0; i < l->n; i++) l->of[i].e = e[i];
}

void league_free(league *l)
{
  for (int i = 0; i < l->n; i++) mopo_policy_free(l->of[i].p);
  mopo_dataset_free(l->log);
}

/* ------------------------------------------------------------------ figures */

static double rank_of(const double *x, int n, int i)
{
  double rank = 1.0;
  for (int k = 0; k < n; k++) rank += x[k] < x[i] ? 1.0 : k != i && x[k] == x[i] ? 0.5 : 0.0;
  return rank;
}

static double spearman(const double *x, const double *y, int n)
{
  double sx = 0.0, sxx = 0.0, sy = 0.0, syy = 0.0, sxy = 0.0;
  for (int i = 0; i < n; i++) {
    double a = rank_of(x, n, i), b = rank_of(y, n, i);
    sx += a, sy += b, sxx += a * a, syy += b * b, sxy += a * b;
  }
  return (sxy - sx * sy / n) / sqrt((sxx - sx * sx / n) * (syy - sy * sy / n));
}

league_figures league_measure(const league *l)
{
  league_figures f = {0};
  double truth[LEAGUE_MOST], told[LEAGUE_MOST], best = l->log_truth, worst = l->log_truth;
  double chosen = l->log_truth, chosen_low = -INFINITY; /* none: the log's controller stays */
  for (int i = 0; i < l->n; i++) {
    const contender *c = &l->of[i];
    bool better = c->e.verdict == MOPO_VERDICT_BETTER;
    double sure = 2.0 * hypot(c->truth_error, l->log_error);
    truth[i] = c->truth, told[i] = c->e.policy;
    best = fmax(best, c->truth), worst = fmin(worst, c->truth);
    f.worse += c->truth < l->log_truth - sure;
    f.false_better += c->truth < l->log_truth - sure && better;
    f.better += c->truth > l->log_truth + sure;
    f.found += c->truth > l->log_truth + sure && better;
    f.covered += c->truth >= c->e.low && c->truth <= c->e.high;
    if (better && c->e.low > chosen_low) chosen_low = c->e.low, chosen = c->truth;
  }
  f.spearman = spearman(told, truth, l->n);
  f.regret = best > worst ? (best - chosen) / (best - worst) : 0.0;
  return f;
}
