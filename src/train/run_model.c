/* run_model.c - the model of a run: fitted, given, or of an earlier session; see run.h. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "io/file.h"
#include "run/fitlog.h"
#include "train/fitting.h"
#include "train/run.h"

/* The model at `where`, a file or a run directory that has one; from: the file. */
static mopo_status given_model(ensemble **out, termination **end, char from[RUN_PATH],
                               const char *where, const mopo_dataset *data, mopo_error *err)
{
  mopo_status st = rundir_path(from, RUN_PATH, where, MOPO_RUN_MODEL, err);
  if (st != MOPO_OK) return st;
  if (!file_exists(from)) snprintf(from, RUN_PATH, "%s", where);
  if ((st = ensemble_load_with(out, end, from, err)) != MOPO_OK) return st;
  const ensemble *m = *out;
  if (m->S == data->at.S && m->A == data->at.A) return MOPO_OK;
  st =
      error_set(err, MOPO_EDATA, "%s: a model of %d observations, %d actions; the data have %d, %d",
                where, m->S, m->A, data->at.S, data->at.A);
  ensemble_free(*out);
  termination_free(*end);
  *out = NULL, *end = NULL;
  return st;
}

/* It becomes that of this run, at `path`. */
static mopo_status take_model(run *o, const char *path, mopo_error *err)
{
  char from[RUN_PATH];
  mopo_status st = given_model(&o->fitted, &o->learned, from, o->c.model, o->data, err);
  if (st != MOPO_OK) return st;
  fitting_tell(o->watch, o->fitted, from);
  if (!o->dir) return MOPO_OK;
  st = fitlog_copy(path, from, err);
  return st == MOPO_OK ? ensemble_save_with(o->fitted, o->learned, path, err) : st;
}

/* The settings that a model's file decides become what it has; what was set otherwise is an error.
 */
static mopo_status take_shape(mopo_config *c, const ensemble *m, const char *where, mopo_error *err)
{
  const struct {
    const char *name;
    int has;
  } shape[] = {{"members", m->set.members},
               {"elites", m->set.elites},
               {"model-hidden", m->set.hidden},
               {"model-layers", m->set.layers}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    int set = config_int(c, shape[i].name);
    if (mopo_config_is_set(c, shape[i].name) && set != shape[i].has)
      return error_set(err, MOPO_EINVAL, "%s = %d, but the model %s has %d", shape[i].name, set,
                       where, shape[i].has);
    config_put(c, shape[i].name, shape[i].has);
  }
  const char *fitted = m->units ? "standard" : "none";
  if (c->marked[config_index("scaler")] && strcmp(c->scaler, fitted) != 0)
    return error_set(err, MOPO_EINVAL, "scaler = %s, but the model %s was fitted with %s",
                     c->scaler, where, fitted);
  snprintf(c->scaler, sizeof c->scaler, "%s", fitted);
  return config_check(c, err);
}

/* The order's own: it stays the caller's. */
static mopo_status check_given(run *o, mopo_error *err)
{
  const ensemble *m = o->order.model->m;
  if (m->S == o->data->at.S && m->A == o->data->at.A) return take_shape(&o->c, m, "given", err);
  return error_set(err, MOPO_EDATA, "a model of %d observations, %d actions; the data have %d, %d",
                   m->S, m->A, o->data->at.S, o->data->at.A);
}

mopo_status run_model_check(run *o, mopo_error *err)
{
  char from[RUN_PATH];
  ensemble *m = NULL;
  termination *end = NULL;
  if (o->order.model) return check_given(o, err);
  if (!*o->c.model) return MOPO_OK;
  mopo_status st = given_model(&m, &end, from, o->c.model, o->data, err);
  if (st == MOPO_OK) st = take_shape(&o->c, m, o->c.model, err);
  ensemble_free(m);
  termination_free(end);
  return st;
}

/* Where the run writes its files. */
static mopo_status get_in_directory(run *o, mopo_error *err)
{
  char path[RUN_PATH], state[RUN_PATH];
  fit_result fit;
  mopo_status st = rundir_path(path, sizeof path, o->dir, MOPO_RUN_MODEL, err);
  if (st == MOPO_OK) st = rundir_path(state, sizeof state, o->dir, MOPO_RUN_FIT, err);
  if (st != MOPO_OK) return st;
  if (o->order.resume && file_exists(path)) {
    remove(state); /* of an end between writing the one and taking the other away */
    return ensemble_load_with(&o->fitted, &o->learned, path, err);
  }
  if (o->order.model) return ensemble_save_with(o->order.model->m, o->order.model->end, path, err);
  if (o->c.model[0]) return take_model(o, path, err);
  return fitting_run(&o->fitted, NULL, &fit, path, state, &o->c, o->learn, o->units, o->pool,
                     o->key, o->watch, err);
}

static mopo_status get_in_memory(run *o, mopo_error *err)
{
  fit_result fit;
  if (o->order.model) return MOPO_OK;
  if (o->c.model[0]) return take_model(o, NULL, err);
  return fitting_run(&o->fitted, NULL, &fit, NULL, NULL, &o->c, o->learn, o->units, o->pool, o->key,
                     o->watch, err);
}

mopo_status run_model_get(run *o, mopo_error *err)
{
  mopo_status st = o->dir ? get_in_directory(o, err) : get_in_memory(o, err);
  if (st != MOPO_OK) return st;
  o->model = o->fitted ? o->fitted : o->order.model->m;
  o->end = o->fitted ? o->learned : o->order.model->end;
  return st;
}
