/* resume.c - with which settings does a run resume? See run.h. */
#include <string.h>

#include "io/file.h"
#include "train/run.h"

/* What may differ from the run's own settings when it goes on: nothing that changes the bits. Of
 * data the digest is compared, and a model that was given lies in the run directory by then. */
static bool may_change(const mopo_setting *s, bool has_model)
{
  if (!strcmp(s->name, "model")) return has_model;
  return s->decides == MOPO_DECIDES_PLACE || s->decides == MOPO_DECIDES_MACHINE;
}

mopo_status run_resume_settings(mopo_config *c, const mopo_config *given, const char *dir,
                                mopo_error *err)
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
    if (may_change(mopo_setting_at(i), has_model)) {
      if ((st = mopo_config_set(c, name, now, err)) != MOPO_OK) return st;
    } else if (strcmp(now, then) != 0) {
      return error_set(err, MOPO_EINVAL, "%s = %.100s, but the run that goes on has %.100s", name,
                       now, then);
    }
  }
  return MOPO_OK;
}
