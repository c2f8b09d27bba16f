/* check.h - what every cmocka test includes. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <mopo/mopo.h>

/* MOPO_OK, or fail with the message. */
#define assert_ok(call, err)                                     \
  do {                                                           \
    if ((call) != MOPO_OK) fail_msg("%s: %s", #call, (err).msg); \
  } while (0)

#endif
