/* ini.h - settings in sections, [section] and name = value, with the line that each stands in. */
#ifndef IO_INI_H
#define IO_INI_H

#include "base/error.h"

/* A key, its whole value without the comment and without blanks at its ends. What it refuses is
 * told as "path:line: message". */
typedef mopo_status ini_key(void *ctx, const char *section, const char *name, const char *value,
                            int line, mopo_error *err);

enum { INI_VALUE = 1 << 16 }; /* bytes of a value, with its zero */

/* Reads text, of the file `path`, key by key. EFORMAT (a line that is neither, a value that is too
 * long, a zero byte within n), ENOMEM, and what `key` says. */
MUST_CHECK mopo_status ini_read(const char *text, size_t n, const char *path, ini_key *key,
                                void *ctx, mopo_error *err);

#endif
