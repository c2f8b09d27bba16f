/* notes.c - see notes.h. */
#include "data/notes.h"

#include "base/name.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mopo_status dataset_note(mopo_dataset *d, mopo_error *err, const char *fmt, ...)
{
  char(*grown)[MOPO_NOTE] = realloc(d->notes, (size_t)(d->n_notes + 1) * sizeof *grown);
  if (!grown) return error_set(err, MOPO_ENOMEM, "%s: out of memory", d->name);
  d->notes = grown;
  va_list ap;
  va_start(ap, fmt);
  number_vprint(grown[d->n_notes], MOPO_NOTE, fmt, ap);
  va_end(ap);
  /* Names come from files: nothing in a note speaks to the terminal. */
  name_clean(grown[d->n_notes]);
  d->n_notes++;
  return MOPO_OK;
}

mopo_status dataset_set_names(mopo_dataset *d, bool actions, const char *const *names,
                              mopo_error *err)
{
  size_t n = (size_t)(actions ? d->at.A : d->at.S);
  /* One block: the pointers, then the texts. */
  const char **all = malloc(n * (sizeof *all + DATASET_NAME));
  if (!all) return error_set(err, MOPO_ENOMEM, "%s: out of memory", d->name);
  char *text = (char *)(all + n);
  for (size_t i = 0; i < n; i++, text += DATASET_NAME) {
    snprintf(text, DATASET_NAME, "%s", names[i]);
    for (char *c = text; *c; c++)
      if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    all[i] = text;
  }
  const char ***to = actions ? &d->act_names : &d->obs_names;
  free(*to);
  *to = all;
  return MOPO_OK;
}

mopo_status dataset_copy_names(mopo_dataset *d, const mopo_dataset *from, mopo_error *err)
{
  mopo_status st = MOPO_OK;
  if (from->obs_names && from->at.S == d->at.S)
    st = dataset_set_names(d, false, from->obs_names, err);
  if (!st && from->act_names && from->at.A == d->at.A)
    st = dataset_set_names(d, true, from->act_names, err);
  return st;
}

mopo_status dataset_agree_names(const mopo_dataset *d, const mopo_dataset *with, mopo_error *err)
{
  const row_layout *at = &d->at;
  for (int c = 0; c < at->rew; c++) {
    const char *const *names = c < at->S ? d->obs_names : d->act_names;
    const char *const *others = c < at->S ? with->obs_names : with->act_names;
    int i = c < at->S ? c : c - at->act;
    if (names && others && strcmp(names[i], others[i]) != 0)
      return error_set(err, MOPO_EDATA, "%s: %s %d is '%s', in %s it is '%s'", d->name,
                       c < at->S ? "observation" : "action", i, names[i], with->name, others[i]);
  }
  return MOPO_OK;
}

const char *dataset_column_name(const mopo_dataset *d, int c, char text[DATASET_NAME])
{
  const row_layout *at = &d->at;
  const char *const *names = c < at->S ? d->obs_names : d->act_names;
  int i = c < at->S ? c : c - at->act;
  if (c == at->rew)
    snprintf(text, DATASET_NAME, "reward");
  else if (names)
    snprintf(text, DATASET_NAME, "%s", names[i]);
  else
    snprintf(text, DATASET_NAME, "%s %d", c < at->S ? "observation" : "action", i);
  return text;
}

const char *mopo_dataset_obs_name(const mopo_dataset *d, int i)
{
  return d->obs_names && i >= 0 && i < d->at.S ? d->obs_names[i] : NULL;
}

const char *mopo_dataset_act_name(const mopo_dataset *d, int i)
{
  return d->act_names && i >= 0 && i < d->at.A ? d->act_names[i] : NULL;
}

const char *mopo_dataset_note(const mopo_dataset *d, int i)
{
  return i >= 0 && i < d->n_notes ? d->notes[i] : NULL;
}

double dataset_recorded_action(const mopo_dataset *d, int action, double x)
{
  if (!d->ranges) return x;
  double low = (double)d->ranges[2 * action], high = (double)d->ranges[2 * action + 1];
  return low + (high - low) * (x + 1.0) / 2.0;
}

void dataset_column_range(double range[2], const mopo_dataset *d, int c)
{
  const row_layout *at = &d->at;
  range[0] = INFINITY, range[1] = -INFINITY;
  for (int64_t i = 0; i < d->N; i++) {
    double x = (double)dataset_row(d, i)[c];
    range[0] = fmin(range[0], x), range[1] = fmax(range[1], x);
  }
  if (c < at->act || c >= at->rew) return;
  for (int k = 0; k < 2; k++) range[k] = dataset_recorded_action(d, c - at->act, range[k]);
}
