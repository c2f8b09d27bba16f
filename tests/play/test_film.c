/* test_film.c - a policy is filmed: pictures with something in them, that moves, in every kind of
 * file; what is missing or wrong is said in one line. Skipped where nothing can draw. */
#include "check.h"
#include "config/config.h"

#include "agent/policy.h"
#include "io/file.h"
#include "sim/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Mesa keeps a few kilobytes for each context, which OSMesaDestroyContext does not give back. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libOSMesa\n"; }

static const char POLICY[] = "test_film.safetensors";
enum { WIDTH = 96, HEIGHT = 64, BYTES = 3 * WIDTH * HEIGHT };

/* A network of random weights: it falls over, which is motion enough. */
static mopo_policy *policy_for(const mopo_task *task)
{
  mopo_error err;
  actor p = {0};
  arena memory = {0};
  mopo_policy *out = NULL;
  actor_shape(&p, kernels_best(), mopo_task_facts_of(task)->obs_dim,
              mopo_task_facts_of(task)->act_dim, 16, 1, -5, 2);
  mlp_layout(&p.net, &memory);
  assert_true(arena_alloc(&memory));
  mlp_layout(&p.net, &memory);
  mlp_initialise(&p.net, MLP_GLOROT, (rng_key){{3, 4}});
  assert_ok(policy_save(&p, POLICY, "sac", mopo_task_facts_of(task)->name, NULL, &err), err);
  assert_ok(mopo_policy_load(&out, POLICY, &err), err);
  free(memory.base);
  unlink(POLICY);
  return out;
}

static mopo_config settings(const char *out, const char *task)
{
  mopo_error err;
  mopo_config c = config_default();
  snprintf(c.out, sizeof c.out, "%s", out);
  c.width = WIDTH, c.height = HEIGHT, c.seconds = 0.4;
  assert_ok(
      mopo_config_resolve(&c, task, "", mopo_task_facts_of(mopo_task_find(task))->act_dim, &err),
      err);
  return c;
}

/* Can anything draw here? */
static bool can_draw(void)
{
  mopo_error err = {.msg = ""};
  sim_world *w = NULL;
  renderer *r = NULL;
  mopo_status st = sim_world_create(&w, mopo_task_find("hopper"), SIM_D4RL, &err);
  if (st == MOPO_OK) st = renderer_create(&r, w, 16, 16, &err);
  renderer_free(r);
  sim_world_free(w);
  if (st == MOPO_OK) return true;
  assert_int_equal(st, MOPO_EABSENT);
  assert_null(strchr(err.msg, '\n'));
  print_message("skipped: %s\n", err.msg);
  return false;
}

static int by_value(const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static int colours(const unsigned char *rgb)
{
  static uint32_t all[WIDTH * HEIGHT];
  int n = 1;
  for (int i = 0; i < WIDTH * HEIGHT; i++, rgb += 3)
    all[i] = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
  qsort(all, WIDTH * HEIGHT, sizeof *all, by_value);
  for (int i = 1; i < WIDTH * HEIGHT; i++) n += all[i] != all[i - 1];
  return n;
}

/* Pixels of the body: they have much more red than blue, floor and sky the opposite. */
static int body_pixels(const unsigned char *rgb, double *row)
{
  int n = 0;
  *row = 0;
  for (int i = 0; i < WIDTH * HEIGHT; i++)
    if (rgb[3 * i] > rgb[3 * i + 2] + 60) n++, *row += (double)i / WIDTH;
  *row /= n ? n : 1;
  return n;
}

/* Sky above, floor below, the body between them; the same state gives the same bytes, also from a
 * second renderer. */
static void test_frames(void **state)
{
  (void)state;
  if (!can_draw()) skip();
  static unsigned char first[BYTES], again[BYTES], later[BYTES];
  mopo_error err;
  for (int i = 0; mopo_task_at(i); i++) {
    const mopo_task *task = mopo_task_at(i);
    sim_world *w = NULL;
    sim *s = NULL;
    renderer *r = NULL;
    float obs[32];
    double row = 0, lower = 0;
    rng_stream noise = rng_stream_of((rng_key){{1, 2}});
    assert_ok(sim_world_create(&w, task, SIM_GYMNASIUM, &err), err);
    assert_ok(sim_create(&s, w, &err), err);
    assert_ok(renderer_create(&r, w, WIDTH, HEIGHT, &err), err);
    sim_reset(s, obs, &noise);
    assert_true(renderer_draw(r, s, first));
    assert_true(colours(first) > 200);
    int n = body_pixels(first, &row);
    assert_in_range(n, WIDTH * HEIGHT / 200, WIDTH * HEIGHT / 4);
    assert_true(row > HEIGHT * 0.2 && row < HEIGHT * 0.8);
    renderer_free(r);
    assert_ok(renderer_create(&r, w, WIDTH, HEIGHT, &err), err);
    assert_true(renderer_draw(r, s, again));
    assert_memory_equal(first, again, BYTES);

    double rew = 0;
    float act[8] = {1, -1, 1, -1, 1, -1, 1, -1};
    bool done = false;
    for (int t = 0; t < 20; t++) assert_true(sim_step(s, obs, &rew, &done, act));
    assert_true(renderer_draw(r, s, later));
    assert_true(body_pixels(later, &lower) > WIDTH * HEIGHT / 200);
    assert_memory_not_equal(first, later, BYTES);
    renderer_free(r);
    sim_free(s);
    sim_world_free(w);
  }
}

static void file_head(char head[16], const char *path)
{
  mopo_error err;
  char *bytes = NULL;
  size_t n = 0;
  assert_ok(file_read(&bytes, &n, path, 1 << 26, &err), err);
  assert_true(n > 200);
  memcpy(head, bytes, 16);
  free(bytes);
}

static void test_kinds_of_file(void **state)
{
  (void)state;
  if (!can_draw()) skip();
  static const struct {
    const char *path, *bytes;
    size_t at, n;
    int frames;
  } kinds[] = {{"test_film.webp", "WEBP", 8, 4, 10},
               {"test_film.mp4", "ftyp", 4, 4, 10},
               {"test_film.png", "\x89PNG", 0, 4, 3},
               {"test.tfevents.film", "\0\0\0", 4, 3, 3}};
  mopo_policy *p = policy_for(mopo_task_find("hopper"));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    mopo_error err;
    mopo_film film;
    char head[16];
    mopo_config c = settings(kinds[i].path, "hopper");
    c.frames = 3;
    mopo_status st = mopo_render(&film, p, mopo_task_find("hopper"), &c, &err);
    if (st == MOPO_EABSENT) { /* no libwebp in this build, no ffmpeg on this machine */
      print_message("skipped: %s\n", err.msg);
      assert_non_null(strstr(err.msg, "apt-get install"));
      continue;
    }
    assert_ok(st, err);
    assert_int_equal(film.frames, kinds[i].frames);
    assert_true(film.fps == 25);
    file_head(head, kinds[i].path);
    assert_memory_equal(head + kinds[i].at, kinds[i].bytes, kinds[i].n);
    unlink(kinds[i].path);
  }
  mopo_policy_free(p);
}

/* A film no faster than the task's steps; falls are followed by the next episode. */
static void test_length(void **state)
{
  (void)state;
  if (!can_draw()) skip();
  mopo_error err;
  mopo_film film;
  const mopo_task *cheetah = mopo_task_find("halfcheetah"), *hopper = mopo_task_find("hopper");
  mopo_policy *p = policy_for(cheetah);
  mopo_config c = settings("test_film.png", "halfcheetah");
  c.fps = 100;
  assert_ok(mopo_render(&film, p, cheetah, &c, &err), err);
  assert_true(film.fps == 20 && film.seconds == 0.4 && film.episodes == 1);
  mopo_policy_free(p);
  p = policy_for(hopper);
  c = settings("test_film.png", "hopper");
  c.seconds = 3, c.eval_episodes = 2;
  assert_ok(mopo_render(&film, p, hopper, &c, &err), err);
  assert_int_equal(film.episodes, 2);
  assert_true(film.seconds < 3);
  mopo_policy_free(p);
  unlink("test_film.png");
}

static void expect_refusal(mopo_policy *p, const char *task, mopo_config c, mopo_status want,
                           const char *words)
{
  mopo_error err;
  mopo_film film;
  assert_int_equal(mopo_render(&film, p, mopo_task_find(task), &c, &err), want);
  if (!strstr(err.msg, words)) fail_msg("'%s' lacks '%s'", err.msg, words);
  assert_null(strchr(err.msg, '\n'));
  assert_false(file_exists(c.out));
}

static void test_refusals(void **state)
{
  (void)state;
  mopo_policy *p = policy_for(mopo_task_find("hopper"));
  mopo_config c = settings("test_film.gif", "hopper");
  expect_refusal(p, "hopper", c, MOPO_EINVAL, ".webp, .mp4 or .png");
  expect_refusal(p, "ant", c, MOPO_EDATA, "11 observations");
  expect_refusal(p, "none", c, MOPO_EINVAL, "no simulator");
  if (can_draw()) {
    c = settings("no_such_dir/film.png", "hopper");
    expect_refusal(p, "hopper", c, MOPO_EIO, "no_such_dir");
    c = settings("no_such_dir/film.mp4", "hopper");
    expect_refusal(p, "hopper", c, MOPO_EIO, "no_such_dir/film.mp4: No such file");
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
    assert_int_equal(setenv("PATH", "/nowhere", 1), 0);
    c = settings("test_film.mp4", "hopper");
    expect_refusal(p, "hopper", c, MOPO_EABSENT, "ffmpeg");
    assert_int_equal(setenv("PATH", path, 1), 0);
    free(path);
  }
  mopo_policy_free(p);
}

int main(void)
{
#ifdef MOPO_HAVE_MUJOCO
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_frames),
      cmocka_unit_test(test_kinds_of_file),
      cmocka_unit_test(test_length),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
#else
  return 0;
#endif
}
