/* test_name.c - what is left of a name that would speak to a terminal. */
#include "check.h"

#include "base/error.h"
#include "base/name.h"

#include <string.h>

static void cleaned(void **state)
{
  static const char *const all[][2] = {
      {"hopper", "hopper"},
      {"", ""},
      {"a\033[31mred\007", "a?[31mred?"},
      {"line\nline\ttab\177", "line?line?tab?"},
      {"stra\xc3\x9f"
       "e \xe2\x82\xac \xf0\x9f\x90\xa2",
       "stra\xc3\x9f"
       "e \xe2\x82\xac \xf0\x9f\x90\xa2"},
      {"c1 \xc2\x9b"
       "31m",
       "c1 ?31m"},
      {"\xe2\x80\xae"
       "txt.exe",
       "?txt.exe"}, /* right to left */
      {"bad \xff\xfe \xc3", "bad ?? ?"},
      {"long form \xc0\x8a \xe0\x80\x8a", "long form ?? ???"},
      {"half \xed\xa0\x80", "half ???"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char text[64];
    name_copy(text, sizeof text, all[i][0]);
    assert_string_equal(text, all[i][1]);
  }
}

static void cut_between_characters(void **state)
{
  char text[6];
  (void)state;
  name_copy(text, sizeof text, "abcd\xc3\x9f");
  assert_string_equal(text, "abcd");
  name_copy(text, 1, "abc");
  assert_string_equal(text, "");
}

static void in_messages(void **state)
{
  (void)state;
  mopo_error err;
  error_set(&err, MOPO_EIO, "%s: %s",
            "a\033]0;title\007"
            "b",
            "\xc2\x9b"
            "2J");
  assert_string_equal(err.msg, "a?]0;title?b: ?2J");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(cleaned),
                                     cmocka_unit_test(cut_between_characters),
                                     cmocka_unit_test(in_messages)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
