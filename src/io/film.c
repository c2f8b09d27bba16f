/* film.c - see film.h: the choice of the kind, and the two kinds that are made of PNGs. */
#include "io/film.h"

#include "io/film_kind.h"
#include "io/png.h"
#include "io/tfevents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------ .png */

typedef struct strip {
  unsigned char *rgb; /* [frames,height,width,3] */
} strip;

static mopo_status strip_open(film *f, mopo_error *err)
{
  f->own = calloc(1, sizeof(strip));
  return f->own ? MOPO_OK : error_set(err, MOPO_ENOMEM, "%s: no memory", f->path);
}

static mopo_status strip_add(film *f, const unsigned char *rgb, mopo_error *err)
{
  strip *s = f->own;
  size_t n = 3 * (size_t)f->width * (size_t)f->height;
  unsigned char *grown = realloc(s->rgb, n * ((size_t)f->frames + 1));
  if (!grown) return error_set(err, MOPO_ENOMEM, "%s: no memory", f->path);
  s->rgb = grown;
  memcpy(s->rgb + n * (size_t)f->frames, rgb, n);
  return MOPO_OK;
}

static mopo_status strip_finish(film *f, mopo_error *err)
{
  const strip *s = f->own;
  size_t row = 3 * (size_t)f->width, n = (size_t)f->frames, rows = (size_t)f->height;
  if (row * n * rows > INT32_MAX)
    return error_set(err, MOPO_EINVAL, "%s: %d frames of %d x %d are too large a picture", f->path,
                     f->frames, f->width, f->height);
  unsigned char *beside = malloc(row * n * rows);
  if (!beside) return error_set(err, MOPO_ENOMEM, "%s: no memory", f->path);
  for (size_t y = 0; y < rows; y++)
    for (size_t i = 0; i < n; i++)
      memcpy(beside + (y * n + i) * row, s->rgb + (i * rows + y) * row, row);
  buffer b = {0};
  png_add(&b, beside, f->width * f->frames, f->height);
  mopo_status st = buffer_write(&b, f->path, err);
  buffer_free(&b);
  free(beside);
  return st;
}

static void strip_free(film *f)
{
  strip *s = f->own;
  if (s) free(s->rgb);
  free(s);
}

static const film_kind film_png = {".png", false, strip_open, strip_add, strip_finish, strip_free};

/* ------------------------------------------------------------------ .tfevents. */

static mopo_status events_open(film *f, mopo_error *err)
{
  return tfevents_open((tfevents **)&f->own, f->path, -1, err);
}

static mopo_status events_add(film *f, const unsigned char *rgb, mopo_error *err)
{
  buffer png = {0};
  png_add(&png, rgb, f->width, f->height);
  mopo_status st = png.failed ? error_set(err, MOPO_ENOMEM, "%s: no memory", f->path)
                              : tfevents_image(f->own, "film", f->frames, &png, f->width, f->height,
                                               (double)time(NULL), err);
  buffer_free(&png);
  return st;
}

static mopo_status events_finish(film *f, mopo_error *err) { return tfevents_flush(f->own, err); }

static void events_free(film *f) { tfevents_close(f->own); }

static const film_kind film_events = {".tfevents.", false,         events_open,
                                      events_add,   events_finish, events_free};

/* ------------------------------------------------------------------ any */

static mopo_status find_kind(const film_kind **out, const char *path, mopo_error *err)
{
  const film_kind *const kinds[] = {&film_webp, &film_mp4, &film_png, &film_events};
  size_t n = strlen(path);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const char *ending = kinds[i]->ending;
    size_t k = strlen(ending);
    bool within = ending[k - 1] == '.';
    *out = kinds[i];
    if (within ? strstr(path, ending) != NULL : n > k && !strcmp(path + n - k, ending))
      return MOPO_OK;
  }
  *out = NULL;
  return error_set(err, MOPO_EINVAL, "%s: want a name that ends in .webp, .mp4 or .png", path);
}

mopo_status film_moves(bool *out, const char *path, mopo_error *err)
{
  const film_kind *kind = NULL;
  mopo_status st = find_kind(&kind, path, err);
  *out = kind && kind->moves;
  return st;
}

mopo_status film_open(film **out, const char *path, int width, int height, double fps,
                      mopo_error *err)
{
  const film_kind *kind = NULL;
  *out = NULL;
  mopo_status st = find_kind(&kind, path, err);
  if (st != MOPO_OK) return st;
  film *f = calloc(1, sizeof *f);
  if (!f) return error_set(err, MOPO_ENOMEM, "%s: no memory", path);
  f->kind = kind, f->width = width, f->height = height, f->fps = fps;
  int k = snprintf(f->path, sizeof f->path, "%s", path);
  st = k < (int)sizeof f->path ? kind->open(f, err)
                               : error_set(err, MOPO_EINVAL, "%.64s...: path too long", path);
  if (st == MOPO_OK) {
    *out = f;
  } else {
    film_abandon(f);
  }
  return st;
}

mopo_status film_add(film *f, const unsigned char *rgb, mopo_error *err)
{
  mopo_status st = f->kind->add(f, rgb, err);
  f->frames++;
  return st;
}

mopo_status film_close(film *f, mopo_error *err)
{
  mopo_status st = f->kind->finish(f, err);
  film_abandon(f);
  return st;
}

void film_abandon(film *f)
{
  if (!f) return;
  f->kind->free(f);
  free(f);
}
