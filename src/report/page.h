/* page.h - the sections of the page, in their order. Each writes HTML into b. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/chart.h"
#include "report/runs.h"

typedef struct page {
  buffer *b;
  const report *r;
  int charts; /* so far: numbers their parts */
} page;

/* What the data say of the policies, and what the runs were warned of; nothing where there is
 * neither. */
void page_verdicts(page *p);
/* What the methods ended with: aggregates, every run, who beats whom; nothing where
 * all there is are verdicts. ENOMEM. */
MUST_CHECK mopo_status page_results(page *p, mopo_error *err);
/* Return and score against updates; ENOMEM. */
MUST_CHECK mopo_status page_curves(page *p, mopo_error *err);
/* True return beside the model's, with and without penalty; nothing where no run recorded it. */
void page_bound(page *p);
/* Penalty and Q against updates. */
void page_values(page *p);
/* The ensemble's fit and calibration. */
void page_models(page *p);
/* A film or picture of each run that has one. EIO, EFORMAT (no such picture), ENOMEM, EINVAL. */
MUST_CHECK mopo_status page_films(page *p, mopo_error *err);
/* What differs between the runs, and how to make each again. */
void page_runs(page *p);
void page_notes(page *p);

/* "mopo, seed 3", and with several datasets where. */
void page_run_name(char *buf, size_t size, const report *r, const report_run *run);
/* "epoch 30 of 200", "fitting the model" or "". */
void page_state(char *buf, size_t size, const report_run *run);

#endif
