/* html.h - text and pictures as HTML. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "io/buffer.h"

/* s with what HTML would take for markup escaped, in text and in quoted attributes alike; bytes
 * that are not UTF-8 and control characters become U+FFFD. */
void html_text(buffer *b, const char *s);
/* The same, printed: at most 2000 bytes. */
void html_print(buffer *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A figure, a dash where it is not finite; the minus is a minus. */
void html_fixed(buffer *b, double x, int decimals);
void html_base64(buffer *b, const unsigned char *bytes, size_t n);

#endif
