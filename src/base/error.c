/* error.c - see error.h. */
#include "base/error.h"

#include "base/name.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>

mopo_status(error_set)(mopo_error *err, mopo_status code, const char *fmt, ...)
{
  if (err) {
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    number_vprint(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    /* Names come from files: one line stays one, and nothing in it speaks to the terminal. */
    name_clean(err->msg);
  }
  return code;
}
