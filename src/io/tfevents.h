/* tfevents.h - TensorBoard's event files: curves, histograms and pictures, record by record.
 * Format: TFRecord framing (u64 length, masked CRC-32C of it, bytes, masked CRC-32C of them) around
 * the protocol buffer message tensorflow.Event. */
#ifndef IO_TFEVENTS_H
#define IO_TFEVENTS_H

#include "io/buffer.h"

typedef struct tfevents tfevents;

/* Goes on with the file at `path`: its records up to step `keep` stay, what is later or torn is cut
 * off. Begins a new file if there is none, or if keep < 0. EIO, ENOMEM. */
MUST_CHECK mopo_status tfevents_open(tfevents **out, const char *path, int64_t keep,
                                     mopo_error *err);
/* One point of the curve `tag` ; wall_time in seconds since 1970. EIO, ENOMEM. */
MUST_CHECK mopo_status tfevents_scalar(tfevents *w, const char *tag, int64_t step, double value,
                                       double wall_time, mopo_error *err);

/* How often values fell into each of some equal parts of [min,max]. */
enum { HISTOGRAM_BINS = 30 };
typedef struct histogram {
  double n, min, max, sum, sum_squares;
  double bin[HISTOGRAM_BINS];
} histogram;

/* Of the n values x, those that are finite. */
histogram histogram_of(const double *x, int64_t n);
/* One histogram of the series `tag`. EIO, ENOMEM. */
MUST_CHECK mopo_status tfevents_histogram(tfevents *w, const char *tag, int64_t step,
                                          const histogram *h, double wall_time, mopo_error *err);
/* One hyperparameter into `all`: a number, or where that is not finite its text. */
void tfevents_setting_add(buffer *all, const char *name, const char *text, double number);
/* The hyperparameters of the run, for the page HParams, at step 0. Takes `all`, which is freed.
 * EIO, ENOMEM. */
MUST_CHECK mopo_status tfevents_settings(tfevents *w, buffer *all, double wall_time,
                                         mopo_error *err);
/* One picture of the series `tag`, as the bytes of a PNG file. EIO, ENOMEM. */
MUST_CHECK mopo_status tfevents_image(tfevents *w, const char *tag, int64_t step, const buffer *png,
                                      int width, int height, double wall_time, mopo_error *err);
MUST_CHECK mopo_status tfevents_flush(tfevents *w, mopo_error *err);
void tfevents_close(tfevents *w);

/* CRC-32C (Castagnoli), not masked. */
uint32_t tfevents_crc32c(const void *bytes, size_t n);

#endif
