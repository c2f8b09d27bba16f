/* plot.h - a learning curve in the terminal. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

/* Draws return_mean against epoch from a run's progress.csv to stdout, with the recorded batch's
 * mean and best return as level lines (NAN: none). Says nothing where fewer than two epochs were
 * evaluated. */
void plot_progress(const char *path, double batch_mean, double batch_best);

/* The figure of the last row of a progress.csv; NAN: empty, or not to be read. */
double plot_last_figure(const char *path, const char *column);

#endif
