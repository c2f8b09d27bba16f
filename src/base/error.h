/* error.h - how we fail: a status and one line for the caller. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <mopo/mopo.h>

#include <assert.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#else
#define PRINTF_LIKE(f, a)
#endif

#define MUST_CHECK MOPO_MUST_CHECK

/* Fills *err (may be NULL) and returns code, so that a failure is one line:
 *   return error_set(err, MOPO_EIO, "%s: %s", path, strerror(errno)); */
mopo_status error_set(mopo_error *err, mopo_status code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* NULL where mopo.h does not allow it is the programmer's mistake: an assert in debug builds,
 * EINVAL in release. For functions that return a status and have an `err`. */
#ifdef MOPO_DEBUG
#define NOT_NULL(x) assert((x) != NULL)
#else
#define NOT_NULL(x)                                                                      \
  do {                                                                                   \
    if ((x) == NULL) return error_set(err, MOPO_EINVAL, "%s: %s is NULL", __func__, #x); \
  } while (0)
#endif

/* An analyser reads one file at a time; this tells it which status comes back. */
#ifdef __clang_analyzer__
#define error_set(err, code, ...) ((void)(error_set)(err, code, __VA_ARGS__), (code))
#endif

#endif
