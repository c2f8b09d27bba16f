/* film_kind.h - what each kind of film does; see film.h. */
#ifndef IO_FILM_KIND_H
#define IO_FILM_KIND_H

#include "io/film.h"

typedef struct film_kind film_kind;

struct film {
  const film_kind *kind;
  char path[1100];
  int width, height, frames; /* frames so far */
  double fps;
  void *own; /* of the kind */
};

struct film_kind {
  const char *ending; /* of the name, or a part of it */
  bool moves;
  mopo_status (*open)(film *f, mopo_error *err);
  mopo_status (*add)(film *f, const unsigned char *rgb, mopo_error *err);
  mopo_status (*finish)(film *f, mopo_error *err); /* writes the file */
  void (*free)(film *f);
};

extern const film_kind film_webp, film_mp4;

#endif
