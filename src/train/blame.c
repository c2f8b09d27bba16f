/* blame.c - see blame.h. */
#include "train/blame.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

/* Values up to here are what networks are used to: learning from them does not diverge by itself.
 */
static const double USUAL = 100.0;
enum { NEWEST = 100000 /* imagined rows that are looked at */, WHAT = 160 };

/* Column c of a row, in words. */
static void describe(char text[WHAT], const mopo_dataset *d, int c)
{
  const row_layout *at = &d->at;
  char own[DATASET_COLUMN];
  if (c < at->S || (c >= at->next && c < at->done))
    snprintf(text, WHAT, "column %.100s", dataset_column(own, d, c < at->S ? c : c - at->next));
  else if (c == at->rew)
    snprintf(text, WHAT, "the reward");
  else if (d->act_names)
    snprintf(text, WHAT, "action %.100s", d->act_names[c - at->act]);
  else
    snprintf(text, WHAT, "action act_%d", c - at->act);
}

static void add(mopo_error *err, const char *why)
{
  size_t n = strlen(err->msg);
  snprintf(err->msg + n, sizeof err->msg - n, ": %s", why);
}

/* The first column of the newest imagined rows that is not finite, else the furthest out one; -1:
 * all are as usual. x: the value. */
static int imagined_column(double *x, const run *o)
{
  int worst = -1;
  int64_t n = o->ring ? replay_count(o->ring) : 0, first = n > NEWEST ? n - NEWEST : 0;
  *x = USUAL;
  for (int64_t i = first; i < n; i++) {
    const float *row = replay_row(o->ring, i);
    for (int c = 0; c < o->data->at.done; c++) {
      double y = (double)row[c];
      if (isfinite(y) && !(fabs(y) > fabs(*x))) continue;
      *x = y, worst = c;
      if (!isfinite(y)) return c;
    }
  }
  return worst;
}

/* The recorded column that lies furthest out, and the row; -1: all are as usual. */
static int recorded_column(double *x, int64_t *row, const run *o)
{
  const mopo_dataset *d = o->learn;
  int worst = -1;
  *x = USUAL;
  for (int64_t i = 0; i < d->N; i++)
    for (int c = 0; c < d->at.done; c++) {
      double y = (double)dataset_row(d, i)[c];
      if (fabs(y) > fabs(*x)) *x = y, *row = i, worst = c;
    }
  return worst;
}

static bool blame_imagined(const run *o, mopo_error *err)
{
  char what[WHAT], why[2 * WHAT];
  double x = 0.0;
  int c = imagined_column(&x, o);
  if (c < 0) return false;
  describe(what, o->data, c);
  number_print(why, sizeof why,
               "in the imagined rows %s is %g; a smaller rollout-length%s may hold it", what, x,
               o->units ? "" : " or scaler standard");
  add(err, why);
  return true;
}

static bool blame_recorded(const run *o, mopo_error *err)
{
  char what[WHAT], where[60], why[3 * WHAT];
  double x = 0.0;
  int64_t row = 0;
  int c = recorded_column(&x, &row, o);
  if (c < 0) return false;
  describe(what, o->data, c);
  if (o->data->lines)
    snprintf(where, sizeof where, "line %lld", (long long)o->data->lines[row]);
  else
    snprintf(where, sizeof where, "row %lld", (long long)row + 1);
  number_print(why, sizeof why, "%s is %g in %s%s; %s", what, x, where,
               o->units ? " in the log's spreads" : "",
               o->units ? "correct or leave out such rows"
                        : "scaler standard, or correct or leave out such rows");
  add(err, why);
  return true;
}

/* Which part was learning? */
static const char *rate_of(const run *o, const mopo_error *err)
{
  if (!o->agent) return strstr(err->msg, "model") ? "model-lr" : NULL;
  return strstr(err->msg, "actor") ? "actor-lr" : "critic-lr";
}

void blame(const run *o, mopo_error *err)
{
  if (!o->data || !o->learn) return;
  if (blame_imagined(o, err) || blame_recorded(o, err)) return;
  char why[WHAT], value[40] = "";
  const char *rate = rate_of(o, err);
  if (!rate) return;
  mopo_config_get(&o->c, rate, value, sizeof value);
  snprintf(why, sizeof why, "the data are as usual; a %s below %s may hold it", rate, value);
  add(err, why);
}
