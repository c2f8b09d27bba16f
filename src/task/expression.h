/* expression.h - a rule in words: abs(next.level - 1) > 0.5 || pump == 0. */
#ifndef TASK_EXPRESSION_H
#define TASK_EXPRESSION_H

#include "base/error.h"

/* The columns that an expression may name. Its numbers lie in a row of 2S + A values: what was
 * observed before the step [S], the actions [A], what was observed after it [S]. `next.NAME` is a
 * number after the step, `before.NAME` one before it; NAME alone is an action or an observation:
 * after the step where `after` says so, else before it. "A name" in double quotes may hold
 * anything. */
typedef struct expression_names {
  const char *const *obs, *const *act;
  int S, A;
  bool after;
} expression_names;

typedef struct expression expression;

enum { EXPRESSION_MAX = 1000 }; /* bytes of the text */

/* Operators + - * / ^ ( ) < <= > >= == != && || ! and a ? b : c; functions as expression.c lists
 * them; pi. Numbers are float64 as IEEE 754 has them: 1/0 is infinite, 0/0 and sqrt(-1) are NaN.
 * values [2S+A] is where the numbers will be. One caller at a time. EINVAL: the message says what
 * in the text is wrong. ENOMEM. */
MUST_CHECK mopo_status expression_create(expression **out, const char *text,
                                         const expression_names *names, double *values,
                                         mopo_error *err);
void expression_free(expression *e);
/* Of the numbers that are in values now. Allocates nothing. */
double expression_value(const expression *e);

#endif
