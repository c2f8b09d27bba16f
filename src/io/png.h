/* png.h - a picture as a PNG file (W3C recommendation, ISO/IEC 15948): 8 bits, RGB. */
#ifndef IO_PNG_H
#define IO_PNG_H

#include "io/buffer.h"

/* Appends the whole file of the picture rgb [height,width,3], first row on top. */
void png_add(buffer *b, const unsigned char *rgb, int width, int height);

#endif
