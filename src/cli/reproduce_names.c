/* reproduce_names.c - where the data, ensembles and cells of a table are. */
#include "reproduce.h"

#include <stdio.h>

bool reproduce_data_path(char *path, const reproduce *r, const paper_row *row, const char *suffix)
{
  bool kind = !paper_row_relabels(row);
  int n = snprintf(path, REPRODUCE_PATH, "%s/data/%s%s%s%s.hdf5", r->dir, row->task,
                   kind ? "-" : "", kind ? row->kind : "", suffix);
  return n > 0 && n < REPRODUCE_PATH;
}

bool reproduce_model_path(char *path, const reproduce *r, const paper_row *row, uint64_t seed)
{
  bool kind = !paper_row_relabels(row);
  int n = snprintf(path, REPRODUCE_PATH, "%s/models/%s%s%s-seed-%llu.safetensors", r->dir,
                   row->task, kind ? "-" : "", kind ? row->kind : "", (unsigned long long)seed);
  return n > 0 && n < REPRODUCE_PATH;
}

void reproduce_cell_name(char *name, const paper_row *row, const method *m, uint64_t seed)
{
  bool kind = !paper_row_relabels(row);
  snprintf(name, REPRODUCE_PATH, "%s%s%s/%s/seed-%llu", row->task, kind ? "-" : "",
           kind ? row->kind : "", m->name, (unsigned long long)seed);
}

bool reproduce_cell_path(char *path, const reproduce *r, const paper_row *row, const method *m,
                         uint64_t seed)
{
  char name[REPRODUCE_PATH];
  reproduce_cell_name(name, row, m, seed);
  int n = snprintf(path, REPRODUCE_PATH, "%s/%s", r->dir, name);
  return n > 0 && n < REPRODUCE_PATH;
}
