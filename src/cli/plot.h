/* plot.h - a learning curve in the terminal. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stdio.h>

/* y against x, x ascending. {0} is an empty one. */
typedef struct plot_curve {
  double *x, *y;
  int n, cap;
} plot_curve;

bool plot_push(plot_curve *c, double x, double y); /* false: no memory */
void plot_free(plot_curve *c);                     /* leaves an empty one */

/* Draws the curve over epochs in `rows` lines (at most 12) of 12 + `cols` columns (at most 60), and
 * a line with the first and the last epoch; `mean` and `best` as level lines (NAN: none). Nothing
 * where the curve has no two epochs. */
void plot_draw(FILE *to, const plot_curve *c, int cols, int rows, double mean, double best);

/* Draws return_mean against epoch from a run's progress.csv to stdout, no wider than the terminal,
 * with the recorded batch's mean and best return as level lines (NAN: none). Says nothing where
 * fewer than two epochs were evaluated. */
void plot_progress(const char *path, double batch_mean, double batch_best);

/* The figure of the last row of a progress.csv; NAN: empty, or not to be read. */
double plot_last_figure(const char *path, const char *column);

#endif
