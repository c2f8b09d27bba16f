/* test_page.c - the page of made-up run directories: well-formed, whole, the same bytes each time,
 * and nothing in it that a run could have smuggled in. */
#include "check.h"
#include "config/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "report/html.h"
#include "run/fitlog.h"

static const char HOSTILE[] = "runs/<script>alert(1)<b>&\"'.hdf5";

static void put(const char *dir, const char *name, const char *text)
{
  char path[200];
  mopo_error err;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_ok(file_write(path, text, strlen(text), &err), err);
}

static void put_config(const char *dir, const char *algo, const char *seed, const char *task)
{
  mopo_error err;
  mopo_config c = config_default();
  char path[200];
  const char *set[][2] = {{"data", HOSTILE}, {"task", task}, {"algo", algo},
                          {"seed", seed},    {"out", dir},   {"epochs", "3"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    assert_ok(mopo_config_set(&c, set[i][0], set[i][1], &err), err);
  snprintf(path, sizeof path, "%s/config.ini", dir);
  assert_ok(mopo_config_save(&c, path, &err), err);
}

static void put_fit(const char *dir)
{
  mopo_error err;
  char path[200];
  fitlog l = {0};
  for (int e = 0; e < 4; e++) {
    fitlog_epoch q = {1 + e / 2, e % 2, -1, 0.1 / (e + 1), 0.2 / (e + 1)};
    fitlog_bin b = {e % 2, e % 2, e / 2, 50, 0.1 + e, 0.1 + e, 0.68, 0.95};
    fitlog_add_epoch(&l, &q);
    fitlog_add_bin(&l, &b);
  }
  snprintf(path, sizeof path, "%s/model.safetensors", dir);
  assert_ok(fitlog_write(&l, path, &err), err);
  fitlog_free(&l);
}

/* A run of three epochs, `done` of them finished. */
static void make_run(const char *dir, const char *algo, const char *seed, int done, double score)
{
  mopo_error err;
  char text[2000] = "epoch,updates,return_mean,return_std,score,q_mean,penalty_mean,"
                    "discounted_return,model_return,model_return_penalised,new\n";
  assert_ok(file_make_dir(dir, &err), err);
  put_config(dir, algo, seed, "hopper");
  for (int e = 1; e <= done; e++) {
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%d,%d,%g,1.5,%g,%d,0.5,80,90,70,\n", e, 1000 * e,
             score * 30, score + e, 10 * e);
  }
  strcat(text, "4,40"); /* a line under way */
  put(dir, "progress.csv", text);
  if (done < 3) return;
  put(dir, "result.json", "{\"batch\": {\"return_mean\": 200.5, \"return_max\": 900}}\n");
  put_fit(dir);
}

static int make_runs(void **state)
{
  (void)state;
  make_run("report_a0", "mopo", "0", 3, 20);
  make_run("report_a1", "mopo", "1", 3, 25);
  make_run("report_b0", "mbpo", "0", 3, 10);
  make_run("report_b1", "mbpo", "1", 3, 12);
  make_run("report_c0", "bc", "0", 2, 5);
  put("report_a0", "frame.png", "\x89PNG\r\n\x1a\nnot much of one");
  return 0;
}

static const char *const RUNS[] = {"report_a0", "report_a1", "report_b0", "report_b1", "report_c0"};
enum { RUNS_N = sizeof RUNS / sizeof *RUNS };

static char *page_of(const char *const *runs, int n)
{
  mopo_error err;
  mopo_report_result r;
  char *text = NULL;
  size_t bytes = 0;
  assert_ok(mopo_report(&r, runs, n, "report.html", &err), err);
  assert_int_equal(r.runs, n);
  assert_ok(file_read(&text, &bytes, "report.html", 1 << 24, &err), err);
  assert_int_equal(strlen(text), bytes);
  return text;
}

static bool is_void(const char *name)
{
  return !strcmp(name, "meta") || !strcmp(name, "br") || !strcmp(name, "img") ||
         !strcmp(name, "!doctype");
}

/* Every tag closes what was opened last; what is between script and /script is skipped. */
static void assert_well_formed(const char *text)
{
  char open[64][16], name[16];
  int depth = 0;
  for (const char *p = strchr(text, '<'); p; p = strchr(p, '<')) {
    bool closes = p[1] == '/';
    p += closes ? 2 : 1;
    size_t n = strcspn(p, " />\n");
    assert_true(n > 0 && n < sizeof name);
    snprintf(name, sizeof name, "%.*s", (int)n, p);
    const char *end = p + n;
    for (char quote = 0; *end && (quote || *end != '>'); end++)
      if (*end == '"') quote = quote ? 0 : '"';
    assert_true(*end == '>');
    if (closes) {
      assert_true(depth > 0);
      assert_string_equal(open[--depth], name);
    } else if (end[-1] != '/' && !is_void(name)) {
      assert_true(depth < 64);
      memcpy(open[depth++], name, sizeof name);
    }
    p = !closes && (!strcmp(name, "script") || !strcmp(name, "style")) ? strstr(end, "</") : end;
  }
  assert_int_equal(depth, 0);
}

static void the_page_is_whole(void **state)
{
  (void)state;
  static const char *const wanted[] = {"<h2 id=\"results\">",
                                       "<h2 id=\"curves\">",
                                       "<h2 id=\"bound\">",
                                       "<h2 id=\"values\">",
                                       "<h2 id=\"model\">",
                                       "<h2 id=\"films\">",
                                       "<h2 id=\"runs\">",
                                       "<h2 id=\"notes\">",
                                       "data:image/png;base64,iVBORw0KGgpub3Q",
                                       "epoch 2 of 3",
                                       "batch, best",
                                       "mopo, mean of 2",
                                       "is below the true one at 3 of 3",
                                       "data-v=\"1000,21 2000,22 23\"", /* x goes on */
                                       "mopo train <span>--data &#39;runs/"};
  char *text = page_of(RUNS, RUNS_N);
  assert_well_formed(text);
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    if (!strstr(text, wanted[i])) fail_msg("the page lacks %s", wanted[i]);
  assert_null(strstr(text, "src=\"http")); /* nothing is fetched */
  assert_null(strstr(text, "@import"));
  assert_null(strstr(text, "<link"));
  assert_null(strstr(text, "@body@"));
  free(text);
}

static void the_same_runs_give_the_same_bytes(void **state)
{
  (void)state;
  char *a = page_of(RUNS, RUNS_N), *b = page_of(RUNS, RUNS_N);
  assert_string_equal(a, b);
  free(a);
  free(b);
}

static void hostile_strings_are_text(void **state)
{
  (void)state;
  char *text = page_of(RUNS, RUNS_N);
  assert_null(strstr(text, "<script>alert"));
  assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;b&gt;&amp;&quot;"));
  free(text);
  buffer b = {0};
  html_text(&b, "a<b>&\"'\x01\xff\xc3\xa9\xed\xa0\x80");
  buffer_add(&b, "", 1);
  assert_string_equal(b.bytes, "a&lt;b&gt;&amp;&quot;&#39;\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9"
                               "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  buffer_free(&b);
}

/* A run that has only begun, alone: nothing to divide by, nothing to draw. */
static void a_run_that_has_just_begun_is_shown(void **state)
{
  (void)state;
  make_run("report_new", "mopo", "7", 0, 0);
  remove("report_new/progress.csv");
  char *text = page_of((const char *[]){"report_new"}, 1);
  assert_well_formed(text);
  assert_non_null(strstr(text, "no epoch yet"));
  assert_non_null(strstr(text, "No run is finished"));
  assert_null(strstr(text, "nan"));
  free(text);
}

/* What the page says of one run, or of a few. */
static void assert_says(const char *const *runs, int n, const char *wanted, bool says)
{
  char *text = page_of(runs, n);
  assert_well_formed(text);
  assert_null(strstr(text, "nan"));
  if ((strstr(text, wanted) != NULL) != says)
    fail_msg("the page %s '%s'", says ? "lacks" : "has", wanted);
  free(text);
}

/* Returns of a task that has no score stand beside scores, and are not averaged with them. */
static void a_task_without_a_score_is_shown(void **state)
{
  (void)state;
  const char *const both[] = {"report_a0", "report_jump"};
  make_run("report_jump", "mopo", "0", 3, 1);
  put_config("report_jump", "mopo", "0", "halfcheetah-jump");
  put("report_jump", "progress.csv",
      "epoch,updates,return_mean,score\n1,10,-1,\n2,20,-2,\n3,30,-321,\n");
  assert_says(both, 2,
              "\xe2\x88\x92"
              "321.0 <small>return</small>",
              true);
  assert_says(both, 2, "and all datasets with a score", true);
  assert_says(both, 2, "<td class=\"n\">1</td><td class=\"n\">23.0</td>", true); /* a0 alone */
  assert_says(both + 1, 1, "<small>return</small>", false);
  assert_says(RUNS, 4, "with a score", false);
}

static void without_a_penalty_there_is_nothing_penalised(void **state)
{
  (void)state;
  const char *const run = "report_bare";
  make_run(run, "mbpo", "0", 3, 1);
  put(run, "progress.csv",
      "epoch,updates,discounted_return,model_return,model_return_penalised\n"
      "1,10,5,6,6\n2,20,5,4,4\n3,30,5,4,4\n");
  assert_says(&run, 1, "own return is below the true one at 2 of 3", true);
  assert_says(&run, 1, "penalised return is below", false);
}

/* Values that hardly change look so, and their labels have room; an axis of less than a decade has
 * labels. */
static void axes_can_be_read(void **state)
{
  (void)state;
  const char *const run = "report_flat";
  make_run(run, "mopo", "0", 3, 1);
  put(run, "progress.csv",
      "epoch,updates,penalty_mean,q_mean\n1,10,3.440751,-123456\n2,20,3.440752,-123400\n"
      "3,30,3.440753,-120000\n");
  put(run, "model.fit.csv",
      "epoch,member,train_loss,train_mse,holdout_mse\n1,0,0,36.6,39\n2,0,0,36.5,38.9\n");
  assert_says(&run, 1, ">3.44<", true);
  assert_says(&run, 1, ">3.44075", false);
  assert_says(&run, 1, ">38<", true);
  assert_says(&run, 1, "<rect x=\"52.0\"", true);
  assert_says(&run, 1, "<rect x=\"61.0\"", true); /* minus, six digits */
}

static void set(const char *dir, const char *name, const char *value)
{
  char path[200];
  mopo_error err;
  mopo_config c = config_default();
  snprintf(path, sizeof path, "%s/config.ini", dir);
  assert_ok(mopo_config_load(&c, path, &err), err);
  assert_ok(mopo_config_set(&c, name, value, &err), err);
  assert_ok(mopo_config_save(&c, path, &err), err);
}

/* What an algorithm does not read tells no methods apart and is not said. */
static void settings_of_other_algorithms_do_not_count(void **state)
{
  (void)state;
  const char *const bc[] = {"report_s0", "report_s1"};
  const char *const mixed[] = {"report_s0", "report_s1", "report_s2", "report_s3"};
  const char *const mopo[] = {"report_s2", "report_s3"};
  make_run("report_s0", "bc", "0", 3, 1);
  make_run("report_s1", "bc", "1", 3, 1);
  make_run("report_s2", "mopo", "0", 3, 1);
  make_run("report_s3", "mopo", "1", 3, 1);
  set("report_s1", "rollout-batch", "1000");
  set("report_s1", "model-max-epochs", "3");
  set("report_s1", "bear-sigma", "3");
  assert_says(bc, 2, "2 runs of 1 method.", true);
  assert_says(bc, 2, "rollout-", false); /* neither a column nor an option */
  assert_says(bc, 2, "penalty-coef", false);
  assert_says(bc, 2, "model-max-epochs", false);
  set("report_s3", "rollout-batch", "1000");
  assert_says(mopo, 2, "2 runs of 2 methods.", true);
  assert_says(mopo, 2, "<small><span>rollout-batch 1000</span></small>", true);
  assert_says(mopo, 2, "<span>--rollout-batch 1000</span>", true);
  assert_says(mixed, 4, "4 runs of 3 methods.", true);
  assert_says(mixed, 4, ">rollout-batch</th>", true);
  assert_says(mixed, 4, "<td class=\"n\">1000</td>", true);
  assert_says(mixed, 4, "<td class=\"n\">\xe2\x80\x93</td></tr>", true); /* bc has none */
  assert_says(mixed, 4, "bear-sigma", false);
  set("report_s3", "rollout-batch", "auto");
  set("report_s2", "model", "fitted.safetensors"); /* so nothing is fitted */
  set("report_s2", "model-max-epochs", "3");
  assert_says(mopo, 2, "2 runs of 1 method.", true);
}

/* Data of no known task have their file's name, and nobody reads "none". */
static void own_data_have_a_title(void **state)
{
  (void)state;
  const char *const run = "report_own";
  make_run(run, "mopo", "0", 3, 1);
  put(run, "progress.csv", "epoch,updates,q_mean\n1,10,2\n2,20,3\n3,30,4\n");
  set(run, "task", "none");
  set(run, "data", "things/log.csv");
  assert_says(&run, 1, "<title>Learned from log.csv</title>", true);
  assert_says(&run, 1, "none, log", false);
}

#define VERDICT(verdict, reason)                                            \
  "{\"ope\": {\"verdict\": \"" verdict                                      \
  "\", \"log\": -20, \"bc\": -19, \"policy\": -15.5, \"low\": "             \
  "-17.25, \"high\": -13, \"fqe\": null, \"reasons\": [\"" reason "\"]},\n" \
  "\"warnings\": [\"epoch 2: Q is 1e9 <wild>\"]}\n"

/* Where no simulator is, the verdict is the first thing that is said; where one is, the truth
 * stands next to it. */
static void verdicts_come_first(void **state)
{
  (void)state;
  static const char *const runs[] = {"report_judged", "report_true"};
  make_run(runs[0], "mopo", "0", 3, 1);
  put(runs[0], "progress.csv", "epoch,updates,q_mean\n1,10,2\n2,20,3\n3,30,4\n");
  put(runs[0], "result.json", VERDICT("better", "it gains <4.5> an episode"));
  set(runs[0], "task", "none");
  char *text = page_of(runs, 1);
  const char *main = strstr(text, "<main>");
  assert_true(main && strstr(main, "<h2 ") == strstr(main, "<h2 id=\"verdict\">"));
  free(text);
  assert_says(runs, 1,
              "<strong>Better than the log, as far as the recorded data tell</strong>: "
              "4.50 more an episode, between 2.75 and 7.00.",
              true);
  assert_says(runs, 1, "it gains &lt;4.5&gt; an episode", true);
  assert_says(runs, 1, "epoch 2: Q is 1e9 &lt;wild&gt;", true);
  assert_says(runs, 1, "No run is finished", false);
  assert_says(runs, 1, "in the simulator", false);
  assert_says(RUNS, RUNS_N, "id=\"verdict\"", false);
  make_run(runs[1], "mbpo", "0", 3, 1);
  put(runs[1], "result.json", VERDICT("unknown", "outside"));
  assert_says(runs + 1, 1, "policy, in the simulator</th>", true);
  assert_says(runs + 1, 1, "<td class=\"n\">30.00</td>", true);
  assert_says(runs + 1, 1, "do not tell whether the policy is better", true);
  assert_says(runs + 1, 1, "<h2 id=\"results\">", true);
  assert_says(runs, 2, "call 1 of 2 policies better", true);
}

/* Epochs are whole; the two lines of a member that is no elite differ as those of an elite do. */
static void a_fit_can_be_read(void **state)
{
  (void)state;
  const char *const run = "report_fit";
  make_run(run, "mopo", "0", 3, 1);
  put(run, "progress.csv", "epoch,updates\n");
  assert_says(&run, 1, ">1</text>", true);
  assert_says(&run, 1, ">1.5</text>", false);
  assert_says(&run, 1, "<path class=\"faint dots grey\" data-n=\"member 0, training\"", true);
  assert_says(&run, 1, "<path class=\"line thin grey\" data-n=\"member 0, held out\"", true);
  assert_says(&run, 1, "<path class=\"faint c1\" data-n=\"member 1 (elite 1), training\"", true);
}

/* At the left edge they would lie under the names of runs that have just begun. */
static void levels_are_named_at_the_right(void **state)
{
  (void)state;
  assert_says(RUNS, 1, "<text class=\"end grey\" x=\"762.0\"", true);
}

static void frames_side_by_side_have_the_page(void **state)
{
  (void)state;
  const char *const run = "report_strip";
  static const unsigned char head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13,
                                       'I',  'H', 'D', 'R', 0,    0,    4,    176,  0, 0, 0, 240};
  mopo_error err;
  make_run(run, "mopo", "0", 3, 1);
  assert_ok(file_write("report_strip/frame.png", head, sizeof head, &err), err);
  assert_says(&run, 1, "<figure class=\"strip\"><img", true);
  assert_says(RUNS, RUNS_N, "<figure class=\"strip\"", false);
}

static void a_directory_given_twice_is_one_run(void **state)
{
  (void)state;
  mopo_error err;
  mopo_report_result r;
  const char *const runs[] = {"report_a0", "report_a1", "./report_a0/", "report_a1"};
  assert_ok(mopo_report(&r, runs, 4, "report.html", &err), err);
  assert_int_equal(r.runs, 2);
}

static void a_seed_that_counts_twice_is_named(void **state)
{
  (void)state;
  static const char *const once[] = {"report_a0", "report_b0", "report_a1"};
  static const char *const twice[] = {"report_a0", "report_a1", "report_copy"};
  make_run("report_copy", "mopo", "1", 3, 25);
  assert_says(once, 3, "Counted twice", false);
  assert_says(twice, 3, "report_a1 and report_copy are the same method, dataset and seed (1).",
              true);
}

static void assert_refused(const char *dir, mopo_status want, const char *message)
{
  mopo_error err;
  mopo_report_result r;
  remove("report_refused.html");
  assert_int_equal(mopo_report(&r, &dir, 1, "report_refused.html", &err), want);
  if (!strstr(err.msg, message)) fail_msg("'%s' lacks '%s'", err.msg, message);
  assert_false(file_exists("report_refused.html"));
}

/* One file after the other is broken, each found before those that were broken earlier. */
static void broken_runs_are_refused(void **state)
{
  (void)state;
  assert_refused("report_nowhere", MOPO_EDATA, "report_nowhere: not a run directory");
  make_run("report_bad", "mopo", "0", 3, 1);
  put("report_bad", "frame.png", "GIF89a");
  assert_refused("report_bad", MOPO_EFORMAT, "frame.png: not a picture");
  put("report_bad", "result.json", "{\"batch\": ");
  assert_refused("report_bad", MOPO_EFORMAT, "result.json:1");
  put("report_bad", "model.fit.csv", "epoch,member,train_loss,train_mse,holdout_mse\n1,2\n");
  assert_refused("report_bad", MOPO_EFORMAT, "model.fit.csv:2: want 5 numbers");
  put("report_bad", "model.fit.csv", "epoch\n");
  assert_refused("report_bad", MOPO_EFORMAT, "model.fit.csv:1");
  put("report_bad", "progress.csv", "epoch,updates\n1,many\n");
  assert_refused("report_bad", MOPO_EFORMAT, "progress.csv:2");
  put("report_bad", "progress.csv", "score\n1\n");
  assert_refused("report_bad", MOPO_EFORMAT, "progress.csv:1");
  put("report_bad", "config.ini", "[mopo]\nsed = 1\n");
  assert_refused("report_bad", MOPO_EFORMAT, "config.ini:2: unknown setting 'sed'");
  assert_refused("report_bad/config.ini", MOPO_EDATA, "not a run directory");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page_is_whole),
      cmocka_unit_test(the_same_runs_give_the_same_bytes),
      cmocka_unit_test(hostile_strings_are_text),
      cmocka_unit_test(a_run_that_has_just_begun_is_shown),
      cmocka_unit_test(a_task_without_a_score_is_shown),
      cmocka_unit_test(without_a_penalty_there_is_nothing_penalised),
      cmocka_unit_test(axes_can_be_read),
      cmocka_unit_test(settings_of_other_algorithms_do_not_count),
      cmocka_unit_test(own_data_have_a_title),
      cmocka_unit_test(a_fit_can_be_read),
      cmocka_unit_test(verdicts_come_first),
      cmocka_unit_test(levels_are_named_at_the_right),
      cmocka_unit_test(frames_side_by_side_have_the_page),
      cmocka_unit_test(a_directory_given_twice_is_one_run),
      cmocka_unit_test(a_seed_that_counts_twice_is_named),
      cmocka_unit_test(broken_runs_are_refused),
  };
  return cmocka_run_group_tests(tests, make_runs, NULL);
}
