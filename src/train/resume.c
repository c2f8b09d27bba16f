/* resume.c - with which settings does a run resume? See run.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/watch.h"

#include "io/file.h"
#include "train/run.h"

/* What may differ from the run's own settings when it goes on: nothing that changes the bits. Of
 * data the digest is compared, and a model that was given lies in the run directory by then. */
static bool may_change(const mopo_setting *s, bool has_model)
{
  if (!strcmp(s->name, "model")) return has_model;
  return s->decides == MOPO_DECIDES_PLACE || s->decides == MOPO_DECIDES_MACHINE;
}

/* A run may have more epochs than it began with, unless a schedule ends with its last. */
static mopo_status check_epochs(const mopo_config *c, const char *now, const char *then,
                                mopo_error *err)
{
  if (strtol(now, NULL, 10) < strtol(then, NULL, 10))
    return error_set(err, MOPO_EINVAL, "epochs = %s, but the run that goes on has %s", now, then);
  if (strcmp(now, then) != 0 && !strcmp(c->actor_schedule, "cosine"))
    return error_set(err, MOPO_EINVAL,
                     "epochs = %s: the run's actor-schedule = cosine ends with epoch %s, want "
                     "constant for a run that shall have more",
                     now, then);
  return MOPO_OK;
}

mopo_status run_resume_settings(mopo_config *c, const mopo_config *given, const char *dir,
                                bool longer, mopo_error *err)
{
  char path[RUN_PATH], model[RUN_PATH];
  mopo_status st = rundir_path(path, sizeof path, dir, MOPO_RUN_CONFIG, err);
  if (st == MOPO_OK) st = rundir_path(model, sizeof model, dir, MOPO_RUN_MODEL, err);
  if (st != MOPO_OK) return st;
  bool has_model = *given->model && file_exists(model);
  *c = config_default();
  if ((st = mopo_config_load(c, path, err)) != MOPO_OK) return st;
  for (int i = 0; mopo_setting_at(i); i++) {
    const char *name = mopo_setting_at(i)->name;
    char now[1100], then[1100];
    if (!given->marked[i]) continue;
    mopo_config_get(given, name, now, sizeof now);
    mopo_config_get(c, name, then, sizeof then);
    bool epochs = longer && !strcmp(name, "epochs");
    if (epochs && (st = check_epochs(c, now, then, err)) != MOPO_OK) return st;
    if (epochs || may_change(mopo_setting_at(i), has_model)) {
      if ((st = mopo_config_set(c, name, now, err)) != MOPO_OK) return st;
    } else if (strcmp(now, then) != 0) {
      return error_set(err, MOPO_EINVAL, "%s = %.100s, but the run that goes on has %.100s", name,
                       now, then);
    }
  }
  return MOPO_OK;
}

/* ------------------------------------------------------------------ more epochs */

/* What `name` becomes where nobody sets it; false: it cannot be left out. */
static bool left_out(char *text, size_t size, const mopo_config *c, const char *name, const run *o)
{
  mopo_config with = *c;
  if (mopo_config_set(&with, name, "auto", NULL) != MOPO_OK ||
      mopo_config_resolve(&with, o->task->facts.name, o->data->kind, o->data->at.A, NULL) !=
          MOPO_OK)
    return false;
  mopo_config_get(&with, name, text, size);
  return true;
}

/* What was chosen by the number of epochs stays what it was. */
static void tell_what_stays(const run *o, const mopo_config *began)
{
  const mopo_setting *s;
  for (int i = 0; (s = mopo_setting_at(i)); i++) {
    char has[1100], then[1100], now[1100];
    if (s->standard || !(s->otherwise || s->otherwise_word)) continue;
    mopo_config_get(began, s->name, has, sizeof has);
    if (!left_out(then, sizeof then, began, s->name, o) || strcmp(then, has) != 0) continue;
    if (!left_out(now, sizeof now, &o->c, s->name, o) || !strcmp(then, now)) continue;
    watch_line(o->watch, "%s stays %s: a run of %d epochs from the start would have %s", s->name,
               has, o->c.epochs, now);
  }
}

mopo_status run_resume_longer(run *o, mopo_error *err)
{
  char path[RUN_PATH], result[RUN_PATH];
  mopo_config began = config_default();
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_CONFIG, err);
  if (st == MOPO_OK) st = rundir_path(result, sizeof result, o->dir, MOPO_RUN_RESULT, err);
  if (st == MOPO_OK) st = mopo_config_load(&began, path, err);
  if (st != MOPO_OK || began.epochs == o->c.epochs) return st;
  tell_what_stays(o, &began);
  /* In this order: a run with a result is done, whatever its settings say. */
  if (unlink(result) != 0 && errno != ENOENT)
    return error_set(err, MOPO_EIO, "%s: %s", result, strerror(errno));
  began.epochs = o->c.epochs;
  return mopo_config_save(&began, path, err);
}
