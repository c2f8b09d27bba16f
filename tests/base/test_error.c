/* test_error.c - a message is one line, whatever it quotes. */
#include "check.h"

#include <string.h>

#include "base/error.h"

static void a_message_is_one_line(void **state)
{
  (void)state;
  mopo_error e;
  assert_int_equal(error_set(&e, MOPO_EDATA, "file: '%s'", "a\nb\x1b[2Jc\x7f\xc3\xa9"), MOPO_EDATA);
  assert_string_equal(e.msg, "file: 'a?b?[2Jc?\xc3\xa9'");
  assert_int_equal(e.code, MOPO_EDATA);
}

static void a_long_message_is_cut(void **state)
{
  (void)state;
  mopo_error e;
  char text[2 * sizeof e.msg];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  assert_int_equal(error_set(&e, MOPO_EIO, "%s\n", text), MOPO_EIO);
  assert_int_equal(strlen(e.msg), sizeof e.msg - 1);
  assert_int_equal(error_set(NULL, MOPO_EIO, "nobody asks"), MOPO_EIO);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_message_is_one_line),
      cmocka_unit_test(a_long_message_is_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
