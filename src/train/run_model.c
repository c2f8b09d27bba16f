/* run_model.c - the model of a run: fitted, given, or of an earlier session; see run.h. */
#include <stdio.h>

#include "config/config.h"
#include "io/file.h"
#include "run/fitlog.h"
#include "train/fitting.h"
#include "train/run.h"

/* The model at `where`, a file or a run directory that has one; from: the file. */
static mopo_status given_model(ensemble **out, char from[RUN_PATH], const char *where,
                               const mopo_dataset *data, mopo_error *err)
{
  mopo_status st = rundir_path(from, RUN_PATH, where, RUN_MODEL, err);
  if (st != MOPO_OK) return st;
  if (!file_exists(from)) snprintf(from, RUN_PATH, "%s", where);
  if ((st = ensemble_load(out, from, err)) != MOPO_OK) return st;
  const ensemble *m = *out;
  if (m->S == data->at.S && m->A == data->at.A) return MOPO_OK;
  st =
      error_set(err, MOPO_EDATA, "%s: a model of %d observations, %d actions; the data have %d, %d",
                where, m->S, m->A, data->at.S, data->at.A);
  ensemble_free(*out);
  *out = NULL;
  return st;
}

/* It becomes that of this run, at `path`. */
static mopo_status take_model(run *o, const char *path, mopo_error *err)
{
  char from[RUN_PATH];
  mopo_status st = given_model(&o->model, from, o->c.model, o->data, err);
  if (st != MOPO_OK) return st;
  fitting_tell(o->watch, o->model, from);
  st = fitlog_copy(path, from, err);
  return st == MOPO_OK ? ensemble_save(o->model, path, err) : st;
}

/* The settings that a model's file decides become what it has; what was set otherwise is an error.
 */
static mopo_status take_shape(mopo_config *c, const ensemble *m, mopo_error *err)
{
  const struct {
    const char *name;
    int *setting, has;
  } shape[] = {{"members", &c->members, m->set.members},
               {"elites", &c->elites, m->set.elites},
               {"model-hidden", &c->model_hidden, m->set.hidden},
               {"model-layers", &c->model_layers, m->set.layers}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    if (c->marked[config_index(shape[i].name)] && *shape[i].setting != shape[i].has)
      return error_set(err, MOPO_EINVAL, "%s = %d, but the model %s has %d", shape[i].name,
                       *shape[i].setting, c->model, shape[i].has);
    *shape[i].setting = shape[i].has;
  }
  return config_check(c, err);
}

mopo_status run_model_check(mopo_config *c, const mopo_dataset *data, mopo_error *err)
{
  char from[RUN_PATH];
  ensemble *m = NULL;
  if (!*c->model) return MOPO_OK;
  mopo_status st = given_model(&m, from, c->model, data, err);
  if (st == MOPO_OK) st = take_shape(c, m, err);
  ensemble_free(m);
  return st;
}

mopo_status run_model_get(run *o, bool resume, mopo_error *err)
{
  char path[RUN_PATH], state[RUN_PATH];
  fit_result fit;
  mopo_status st = rundir_path(path, sizeof path, o->c.out, RUN_MODEL, err);
  if (st == MOPO_OK) st = rundir_path(state, sizeof state, o->c.out, RUN_FIT, err);
  if (st != MOPO_OK) return st;
  if (resume && file_exists(path)) {
    remove(state); /* of an end between writing the one and taking the other away */
    return ensemble_load(&o->model, path, err);
  }
  if (o->c.model[0]) return take_model(o, path, err);
  return fitting_run(&o->model, &fit, path, state, &o->c, o->data, o->pool, o->key, o->watch, err);
}
