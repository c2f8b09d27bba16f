/* number.h - numbers in text, as they are in every file of ours: the C locale's, whatever locale
 * the host has set. Nothing else in the library prints or reads a number with a decimal point. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/error.h"

#include <stdarg.h>
#include <stddef.h>

/* As snprintf and vsnprintf. */
int number_print(char *text, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
int number_vprint(char *text, size_t size, const char *fmt, va_list args) PRINTF_LIKE(3, 0);
/* The shortest of 15 to 17 digits that number_parse reads back to the same bits. */
void number_shortest(char *text, size_t size, double x);
/* As strtod and strtof. */
double number_parse(const char *text, char **end);
float number_parse_float(const char *text, char **end);

/* The calling thread's locale is C's from begin to end: for libraries that print or read numbers.
 */
typedef struct number_locale {
  void *ours, *before;
} number_locale;

number_locale number_begin(void);
void number_end(number_locale l);

#endif
