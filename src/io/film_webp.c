/* film_webp.c - an animation of lossy WebP pictures, by libwebpmux. */
#include "io/film_kind.h"

#ifndef MOPO_HAVE_WEBP

static mopo_status absent(film *f, mopo_error *err)
{
  return error_set(err, MOPO_EABSENT,
                   "%s: built without WebP; apt-get install libwebp-dev and build again, or write "
                   "a .png or .mp4",
                   f->path);
}
static void nothing(film *f) { (void)f; }

const film_kind film_webp = {".webp", true, absent, NULL, NULL, nothing};

#else

#include "io/file.h"

#include <stdlib.h>
#include <webp/encode.h>
#include <webp/mux.h>

static const float quality = 60;

static mopo_status failed(const film *f, mopo_error *err)
{
  return error_set(err, MOPO_ENOMEM, "%s: libwebp: no memory for %d frames", f->path, f->frames);
}

static int time_of(const film *f) /* ms */ { return (int)(1000.0 * f->frames / f->fps + 0.5); }

static mopo_status open(film *f, mopo_error *err)
{
  WebPAnimEncoderOptions options;
  if (WebPAnimEncoderOptionsInit(&options))
    f->own = WebPAnimEncoderNew(f->width, f->height, &options);
  if (f->own) return MOPO_OK;
  return error_set(err, MOPO_EINVAL, "%s: libwebp: no animation of %d x %d", f->path, f->width,
                   f->height);
}

static mopo_status add(film *f, const unsigned char *rgb, mopo_error *err)
{
  WebPConfig config;
  WebPPicture picture;
  if (!WebPConfigInit(&config) || !WebPPictureInit(&picture)) return failed(f, err);
  config.quality = quality;
  picture.use_argb = 1;
  picture.width = f->width, picture.height = f->height;
  bool ok = WebPPictureImportRGB(&picture, rgb, 3 * f->width) &&
            WebPAnimEncoderAdd(f->own, &picture, time_of(f), &config);
  WebPPictureFree(&picture);
  return ok ? MOPO_OK : failed(f, err);
}

static mopo_status finish(film *f, mopo_error *err)
{
  WebPData data;
  WebPDataInit(&data);
  bool ok =
      WebPAnimEncoderAdd(f->own, NULL, time_of(f), NULL) && WebPAnimEncoderAssemble(f->own, &data);
  mopo_status st = ok ? file_write(f->path, data.bytes, data.size, err) : failed(f, err);
  WebPDataClear(&data);
  return st;
}

static void release(film *f) { WebPAnimEncoderDelete(f->own); }

const film_kind film_webp = {".webp", true, open, add, finish, release};

#endif
