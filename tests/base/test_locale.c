/* test_locale.c - a host that writes numbers with a decimal comma gets the same bytes as any other.
 */
#include "check.h"
#include "config/config.h"

#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool german(void)
{
  char here[4096], place[4200];
  if (setlocale(LC_ALL, "de_DE.UTF-8")) return true;
  mkdir("locales", 0777);
  if (system("localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 > /dev/null 2>&1") == -1 ||
      !getcwd(here, sizeof here))
    return false;
  snprintf(place, sizeof place, "%s/locales", here);
  setenv("LOCPATH", place, 1);
  return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void numbers(void **state)
{
  (void)state;
  char text[40], *end = NULL;
  if (!german()) skip();
  snprintf(text, sizeof text, "%g", 0.5);
  assert_string_equal(text, "0,5"); /* or the test would show nothing */
  number_print(text, sizeof text, "%g %.2f", 0.5, 1e6);
  assert_string_equal(text, "0.5 1000000.00");
  assert_true(number_parse("0.25", &end) == 0.25 && !*end);
  assert_true(number_parse_float("1.5e1,", &end) == 15.0f && *end == ',');
  snprintf(text, sizeof text, "%g", 0.5);
  assert_string_equal(text, "0,5"); /* the host keeps its own */
  setlocale(LC_ALL, "C");
}

static void set(mopo_config *c, const char *name, const char *value)
{
  mopo_error e = {0};
  assert_ok(mopo_config_set(c, name, value, &e), e);
}

static void write_csv(void)
{
  FILE *f = fopen("data.csv", "w");
  fprintf(f, "obs_0,obs_1,act_0,reward,episode\n");
  for (int i = 0; i < 120; i++)
    fprintf(f, "%d.%02d,%d,0.%02d,%d.5,%d\n", i % 3, i * 37 % 100, i % 7 - 3, i * 53 % 100, i % 5,
            i / 40);
  fclose(f);
}

static mopo_config settings(void)
{
  static const char *const names[][2] = {
      {"data", "data.csv"},       {"task", "none"},          {"out", "run"},
      {"updates-per-epoch", "4"}, {"rollout-batch", "20"},   {"rollout-length", "2"},
      {"rollout-keep", "1"},      {"hidden", "8"},           {"model-hidden", "8"},
      {"model-layers", "2"},      {"model-max-epochs", "2"}, {"batch-size", "16"},
      {"threads", "1"},           {"penalty-coef", "0.75"},  {"gamma", "0.97"},
      {"checkpoint-every", "1"},
  };
  mopo_config c = config_default();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) set(&c, names[i][0], names[i][1]);
  return c;
}

/* A run of two epochs, read again by --resume, and every kind of file made of it. */
static void make_all(const char *dir)
{
  mopo_error e = {0};
  mopo_train_result trained;
  mopo_export_info info;
  mopo_report_result page;
  mopo_policy *p = NULL;
  mopo_dataset *d = NULL;
  const char *run = "run";
  char there[64];
  snprintf(there, sizeof there, "rm -rf %s", dir);
  assert_int_equal(system(there), 0);
  assert_int_equal(mkdir(dir, 0777), 0);
  assert_int_equal(chdir(dir), 0);
  write_csv();
  mopo_config c = settings();
  set(&c, "epochs", "2");
  assert_ok(mopo_train(&trained, &c, false, NULL, &e), e);
  assert_ok(mopo_train(&trained, &c, true, NULL, &e), e);
  assert_ok(mopo_config_save(&c, "saved.ini", &e), e);
  mopo_config again = config_default();
  assert_ok(mopo_config_load(&again, "saved.ini", &e), e);
  assert_ok(mopo_config_save(&again, "again.ini", &e), e);
  assert_ok(mopo_policy_load(&p, "run/policy.safetensors", &e), e);
  assert_ok(mopo_policy_export(&info, p, "policy.c99", MOPO_EXPORT_C, &e), e);
  assert_ok(mopo_policy_export(&info, p, "policy.onnx", MOPO_EXPORT_ONNX, &e), e);
  mopo_policy_free(p);
  assert_ok(mopo_dataset_load(&d, "data.csv", NULL, &e), e);
  assert_ok(mopo_dataset_save(d, "data.npz", &e), e);
  mopo_dataset_free(d);
  assert_ok(mopo_report(&page, &run, 1, "page.html", &e), e);
  assert_int_equal(chdir(".."), 0);
}

static char *text_of(const char *dir, const char *name, size_t *n)
{
  char path[128];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  char *text = calloc(1, 1 << 22);
  *n = fread(text, 1, (1 << 22) - 1, f);
  fclose(f);
  return text;
}

/* Numbers in a text that were written with a comma: "1,5" where the page or table has no such. */
static int commas(const char *text)
{
  int n = 0;
  for (const char *p = strchr(text, ','); p; p = strchr(p + 1, ',')) n++;
  return n;
}

static void same_bytes(void **state)
{
  static const char *const whole[] = {
      "run/model.safetensors", "saved.ini", "run/policy.safetensors", "again.ini", "policy.c99",
      "policy.onnx",           "data.npz"};
  static const char *const timed[] = {"run/config.ini", "run/progress.csv", "run/result.json",
                                      "page.html"};
  (void)state;
  if (!german()) skip();
  setlocale(LC_ALL, "C");
  make_all("plain");
  assert_true(german());
  make_all("comma");
  setlocale(LC_ALL, "C");
  for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
    size_t n = 0, m = 0;
    char *a = text_of("plain", whole[i], &n), *b = text_of("comma", whole[i], &m);
    if (n != m || memcmp(a, b, n) != 0) fail_msg("%s: other bytes under a decimal comma", whole[i]);
    free(a);
    free(b);
  }
  for (size_t i = 0; i < sizeof timed / sizeof *timed;
       i++) { /* they hold seconds, or where they are */
    size_t n = 0, m = 0;
    char *a = text_of("plain", timed[i], &n), *b = text_of("comma", timed[i], &m);
    if (commas(a) != commas(b)) fail_msg("%s: %d commas, want %d", timed[i], commas(b), commas(a));
    free(a);
    free(b);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(same_bytes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
