/* film.h - pictures one after the other become a file, whose name's ending says of what kind:
 *
 *   .webp        an animation, by libwebp where the build has it
 *   .mp4         a video, by the program ffmpeg
 *   .png         one picture: the frames side by side
 *   .tfevents.*  TensorBoard's events: frame i is the image of step i */
#ifndef IO_FILM_H
#define IO_FILM_H

#include "base/error.h"

typedef struct film film;

/* Is it a kind that shows motion? (.webp, .mp4) EINVAL: none of those endings. */
MUST_CHECK mopo_status film_moves(bool *out, const char *path, mopo_error *err);
/* Begins a film of frames of width x height; fps: frames a second. EINVAL (the ending), EABSENT (no
 * libwebp in this build, no ffmpeg on this machine), EIO, ENOMEM. */
MUST_CHECK mopo_status film_open(film **out, const char *path, int width, int height, double fps,
                                 mopo_error *err);
/* The next frame, rgb [height,width,3], first row on top. EIO, ENOMEM. */
MUST_CHECK mopo_status film_add(film *f, const unsigned char *rgb, mopo_error *err);
/* Writes the file, whole or not at all, and frees f in every case. EIO, ENOMEM. */
MUST_CHECK mopo_status film_close(film *f, mopo_error *err);
void film_abandon(film *f); /* no file; NULL is fine */

#endif
