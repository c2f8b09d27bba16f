/* tfevents.c - see tfevents.h. */
#include "io/tfevents.h"

#include "io/file.h"
#include "io/part.h"
#include "io/proto.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file's numbers are little-endian");

enum { FRAME = 16 };
static const size_t file_max = (size_t)1 << 32;

struct tfevents {
  FILE *f;
  char path[256]; /* its end, for messages */
};

/* Bit by bit: a run writes some hundred bytes a minute. */
uint32_t tfevents_crc32c(const void *bytes, size_t n)
{
  const unsigned char *p = bytes;
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

static uint32_t masked_crc(const void *bytes, size_t n)
{
  uint32_t crc = tfevents_crc32c(bytes, n);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* ------------------------------------------------------------------ protocol buffers */

/* Wire types: how a field's value is stored. */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static bool get_varint(uint64_t *out, const unsigned char **p, const unsigned char *end)
{
  *out = 0;
  for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
    unsigned char byte = *(*p)++;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

/* Event: 1 wall_time (double), 2 step (int64), 3 file_version (string), 5 summary. */
static buffer event(double wall_time, int64_t step)
{
  buffer b = {0};
  proto_double(&b, 1, wall_time);
  proto_int(&b, 2, step);
  return b;
}

/* The step of an event (0 where it has none); false: not a well-formed message. */
static bool event_step(int64_t *step, const unsigned char *p, size_t n)
{
  const unsigned char *end = p + n;
  *step = 0;
  while (p < end) {
    uint64_t key = 0, value = 0;
    if (!get_varint(&key, &p, end)) return false;
    size_t skip = 0;
    switch (key & 7) {
    case WIRE_VARINT:
      if (!get_varint(&value, &p, end)) return false;
      if (key >> 3 == 2) *step = (int64_t)value;
      break;
    case WIRE_64:
      skip = 8;
      break;
    case WIRE_32:
      skip = 4;
      break;
    case WIRE_BYTES:
      if (!get_varint(&value, &p, end)) return false;
      skip = (size_t)value;
      break;
    default:
      return false;
    }
    if (skip > (size_t)(end - p)) return false;
    p += skip;
  }
  return true;
}

/* ------------------------------------------------------------------ records */

/* Takes the message, which is freed. */
static mopo_status write_record(tfevents *w, buffer *m, mopo_error *err)
{
  uint64_t n = m->n;
  uint32_t crc_n = masked_crc(&n, sizeof n), crc = masked_crc(m->bytes, m->n);
  bool memory = !m->failed;
  bool ok = memory && fwrite(&n, sizeof n, 1, w->f) == 1 &&
            fwrite(&crc_n, sizeof crc_n, 1, w->f) == 1 && fwrite(m->bytes, m->n, 1, w->f) == 1 &&
            fwrite(&crc, sizeof crc, 1, w->f) == 1;
  buffer_free(m);
  if (ok) return MOPO_OK;
  if (!memory) return error_set(err, MOPO_ENOMEM, "%s: no memory", w->path);
  return error_set(err, MOPO_EIO, "%s: %s", w->path, strerror(errno));
}

/* Bytes of the records that are whole and not later than `keep`. */
static size_t kept_bytes(const char *bytes, size_t n, int64_t keep)
{
  size_t at = 0;
  while (n - at >= FRAME) {
    uint64_t size = 0;
    uint32_t crc_size = 0, crc = 0;
    int64_t step = 0;
    memcpy(&size, bytes + at, 8);
    memcpy(&crc_size, bytes + at + 8, 4);
    if (crc_size != masked_crc(&size, sizeof size) || size > n - at - FRAME) break;
    const char *body = bytes + at + 12;
    memcpy(&crc, body + size, 4);
    if (crc != masked_crc(body, (size_t)size)) break;
    if (!event_step(&step, (const unsigned char *)body, (size_t)size) || step > keep) break;
    at += FRAME + (size_t)size;
  }
  return at;
}

/* Cuts the file at `path` to what is kept; *kept: bytes, 0 where there is no file. */
static mopo_status cut(size_t *kept, const char *path, int64_t keep, mopo_error *err)
{
  char *bytes = NULL;
  size_t n = 0;
  *kept = 0;
  if (keep < 0 || !file_exists(path)) return MOPO_OK;
  mopo_status st = file_read(&bytes, &n, path, file_max, err);
  if (st != MOPO_OK) return st;
  *kept = kept_bytes(bytes, n, keep);
  free(bytes);
  if (truncate(path, (off_t)*kept) != 0)
    return error_set(err, MOPO_EIO, "%s: %s", path, strerror(errno));
  return MOPO_OK;
}

mopo_status tfevents_open(tfevents **out, const char *path, int64_t keep, mopo_error *err)
{
  size_t kept = 0;
  *out = NULL;
  mopo_status st = cut(&kept, path, keep, err);
  if (st != MOPO_OK) return st;
  tfevents *w = calloc(1, sizeof *w);
  if (!w) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  snprintf(w->path, sizeof w->path, "%s", file_tail(path));
  w->f = file_stream(path, kept ? "a" : "w");
  if (!w->f) {
    st = error_set(err, MOPO_EIO, "%s: %s", path, strerror(errno));
  } else if (!kept) {
    static const char version[] = "brain.Event:2";
    buffer m = event((double)time(NULL), 0);
    proto_text(&m, 3, version);
    st = write_record(w, &m, err);
  }
  if (st != MOPO_OK) {
    tfevents_close(w);
    return st;
  }
  *out = w;
  return MOPO_OK;
}

/* Event: 5 summary. Summary: 1 value (repeated). Takes the value, which is freed. */
static mopo_status write_value(tfevents *w, int64_t step, double wall_time, buffer *value,
                               mopo_error *err)
{
  buffer summary = {0}, m = event(wall_time, step);
  proto_message(&summary, 1, value);
  proto_message(&m, 5, &summary);
  return write_record(w, &m, err);
}

/* Value: 1 tag (string), 2 simple_value (float). */
mopo_status tfevents_scalar(tfevents *w, const char *tag, int64_t step, double value,
                            double wall_time, mopo_error *err)
{
  buffer point = {0};
  proto_text(&point, 1, tag);
  proto_float(&point, 2, (float)value);
  return write_value(w, step, wall_time, &point, err);
}

histogram histogram_of(const double *x, int64_t n)
{
  histogram h = {.n = 0};
  for (int64_t i = 0; i < n; i++) {
    double v = x[i];
    if (!isfinite(v)) continue;
    if (h.n == 0) h.min = h.max = v;
    h.min = v < h.min ? v : h.min;
    h.max = v > h.max ? v : h.max;
    h.sum += v, h.sum_squares += v * v;
    h.n++;
  }
  double scale = h.max > h.min ? HISTOGRAM_BINS / (h.max - h.min) : 0;
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    int bin = (int)((x[i] - h.min) * scale);
    h.bin[bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1]++;
  }
  return h;
}

/* Value: 5 histo. HistogramProto: 1 min, 2 max, 3 num, 4 sum, 5 sum_squares (doubles), 6
 * bucket_limit, 7 bucket (packed doubles). */
mopo_status tfevents_histogram(tfevents *w, const char *tag, int64_t step, const histogram *h,
                               double wall_time, mopo_error *err)
{
  buffer value = {0}, histo = {0};
  double limits[HISTOGRAM_BINS], counts[HISTOGRAM_BINS];
  for (int i = 0; i < HISTOGRAM_BINS; i++) {
    limits[i] = h->min + (h->max - h->min) * (i + 1) / HISTOGRAM_BINS;
    counts[i] = h->bin[i];
  }
  proto_double(&histo, 1, h->min);
  proto_double(&histo, 2, h->max);
  proto_double(&histo, 3, h->n);
  proto_double(&histo, 4, h->sum);
  proto_double(&histo, 5, h->sum_squares);
  proto_bytes(&histo, 6, limits, sizeof limits);
  proto_bytes(&histo, 7, counts, sizeof counts);
  proto_text(&value, 1, tag);
  proto_message(&value, 5, &histo);
  return write_value(w, step, wall_time, &value, err);
}

/* An entry of SessionStartInfo's field 1, a map: 1 key, 2 value. google.protobuf.Value: 2 number
 * (double), 3 string. */
void tfevents_setting_add(buffer *all, const char *name, const char *text, double number)
{
  buffer value = {0}, entry = {0};
  if (isfinite(number))
    proto_double(&value, 2, number);
  else
    proto_text(&value, 3, text);
  proto_text(&entry, 1, name);
  proto_message(&entry, 2, &value);
  proto_message(all, 1, &entry);
}

/* Value: 9 metadata. SummaryMetadata: 1 plugin_data (1 plugin_name, 2 content), 4 data_class (2:
 * tensor). HParamsPluginData: 3 session_start_info. SessionStartInfo: 1 hparams, 5 start_time_secs.
 * TensorBoard asks for a tensor, too: 8 tensor, of TensorProto: 1 dtype (1: float), 2 shape, 5
 * float_val. */
mopo_status tfevents_settings(tfevents *w, buffer *all, double wall_time, mopo_error *err)
{
  enum { TENSOR = 2, FLOAT = 1 };
  static const float zero = 0.0f;
  buffer content = {0}, plugin = {0}, metadata = {0}, tensor = {0}, value = {0};
  proto_double(all, 5, wall_time);
  proto_message(&content, 3, all);
  proto_text(&plugin, 1, "hparams");
  proto_message(&plugin, 2, &content);
  proto_message(&metadata, 1, &plugin);
  proto_int(&metadata, 4, TENSOR);
  proto_int(&tensor, 1, FLOAT);
  proto_bytes(&tensor, 2, "", 0);
  proto_bytes(&tensor, 5, &zero, sizeof zero);
  proto_text(&value, 1, "_hparams_/session_start_info");
  proto_message(&value, 8, &tensor);
  proto_message(&value, 9, &metadata);
  return write_value(w, 0, wall_time, &value, err);
}

/* Value: 4 image. Image: 1 height, 2 width, 3 colorspace (3: RGB), 4 encoded_image_string. */
mopo_status tfevents_image(tfevents *w, const char *tag, int64_t step, const buffer *png, int width,
                           int height, double wall_time, mopo_error *err)
{
  enum { RGB = 3 };
  buffer value = {0}, image = {0};
  proto_int(&image, 1, height);
  proto_int(&image, 2, width);
  proto_int(&image, 3, RGB);
  proto_bytes(&image, 4, png->bytes, png->n);
  proto_text(&value, 1, tag);
  proto_message(&value, 4, &image);
  return write_value(w, step, wall_time, &value, err);
}

mopo_status tfevents_flush(tfevents *w, mopo_error *err)
{
  if (fflush(w->f) != 0) return error_set(err, MOPO_EIO, "%s: %s", w->path, strerror(errno));
  return MOPO_OK;
}

void tfevents_close(tfevents *w)
{
  if (!w) return;
  if (w->f) fclose(w->f);
  free(w);
}
