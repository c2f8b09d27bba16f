/* tiny.h - the smallest run that has every stage: fit, rollouts, updates, evaluation, files. */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include "check.h"
#include "config/config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "io/file.h"

enum { TINY_S = 11, TINY_A = 3, TINY_ROWS = 40 };
static const char TINY_DATA[] = "tiny.npz";

/* Rows near a standing hopper; some of them fallen. */
static inline mopo_dataset *tiny_dataset(void)
{
  static float obs[TINY_ROWS * TINY_S], act[TINY_ROWS * TINY_A], rew[TINY_ROWS];
  static float next[TINY_ROWS * TINY_S];
  static unsigned char end[TINY_ROWS];
  rng_stream s = rng_stream_of(rng_seed(3));
  for (int i = 0; i < TINY_ROWS * TINY_S; i++) {
    obs[i] = 0.05f * rng_normal(&s) + (i % TINY_S ? 0.0f : 1.2f);
    next[i] = obs[i] + 0.01f * rng_normal(&s);
  }
  for (int i = 0; i < TINY_ROWS * TINY_A; i++) act[i] = 2.0f * rng_uniform(&s) - 1.0f;
  for (int i = 0; i < TINY_ROWS; i++) {
    rew[i] = 1.0f + act[i * TINY_A];
    end[i] = i % 10 == 9;
    if (end[i]) next[i * TINY_S] = 0.6f;
  }
  mopo_dataset *d = NULL;
  mopo_error err;
  assert_ok(
      mopo_dataset_from_arrays(&d, TINY_ROWS, TINY_S, TINY_A, obs, act, rew, next, end, NULL, &err),
      err);
  return d;
}

static inline void tiny_write_data(void)
{
  mopo_error err;
  mopo_dataset *d = tiny_dataset();
  assert_ok(mopo_dataset_save(d, TINY_DATA, &err), err);
  mopo_dataset_free(d);
}

static inline void tiny_set(mopo_config *c, const char *name, const char *value)
{
  mopo_error err;
  assert_ok(mopo_config_set(c, name, value, &err), err);
}

static inline mopo_config tiny_config(const char *out)
{
  mopo_config c = config_default();
  const char *set[][2] = {{"data", TINY_DATA},
                          {"task", "hopper"},
                          {"out", out},
                          {"epochs", "2"},
                          {"updates-per-epoch", "3"},
                          {"batch-size", "8"},
                          {"hidden", "8"},
                          {"members", "2"},
                          {"elites", "1"},
                          {"model-hidden", "8"},
                          {"model-layers", "1"},
                          {"model-batch", "16"},
                          {"model-max-epochs", "1"},
                          {"rollout-batch", "8"},
                          {"rollout-length", "2"},
                          {"rollout-keep", "1"},
                          {"eval-episodes", "1"},
                          {"eval-every", "1"},
                          {"checkpoint-every", "1"},
                          {"threads", "1"}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) tiny_set(&c, set[i][0], set[i][1]);
  return c;
}

static inline void tiny_path(char *path, const char *dir, const char *name)
{
  snprintf(path, 512, "%s/%s", dir, name);
}

static inline void tiny_remove(const char *dir)
{
  char path[512];
  DIR *d = opendir(dir);
  for (struct dirent *e; d && (e = readdir(d));) {
    tiny_path(path, dir, e->d_name);
    unlink(path);
  }
  if (d) closedir(d);
  rmdir(dir);
}

/* Is there a file whose name ends in .part? */
static inline bool tiny_has_parts(const char *dir)
{
  bool any = false;
  DIR *d = opendir(dir);
  for (struct dirent *e; d && (e = readdir(d));) {
    size_t n = strlen(e->d_name);
    any = any || (n > 5 && !strcmp(e->d_name + n - 5, ".part"));
  }
  if (d) closedir(d);
  return any;
}

static inline char *tiny_read(size_t *n, const char *path)
{
  char *bytes = NULL;
  mopo_error err;
  assert_ok(file_read(&bytes, n, path, 1 << 28, &err), err);
  return bytes;
}

static inline bool tiny_same_file(const char *a, const char *b)
{
  size_t n = 0, m = 0;
  char *x = tiny_read(&n, a), *y = tiny_read(&m, b);
  bool same = n == m && !memcmp(x, y, n);
  free(x);
  free(y);
  return same;
}

/* Is column k of the text's first line a time? Their names say second. */
static inline bool tiny_is_time(const char *text, int k)
{
  const char *p = text;
  for (int i = 0; i < k; i++) p = strchr(p, ',') + 1;
  size_t name = strcspn(p, ",\n");
  for (size_t i = 0; i + 6 <= name; i++)
    if (!strncmp(p + i, "second", 6)) return true;
  return false;
}

/* progress.csv with its times taken out; free() it. */
static inline char *tiny_untimed(const char *text)
{
  char *out = calloc(1, strlen(text) + 1), *to = out;
  assert_non_null(out);
  int column = 0;
  for (const char *p = text; *p; p++) {
    if (!tiny_is_time(text, column) || *p == '\n') *to++ = *p;
    column = *p == '\n' ? 0 : column + (*p == ',');
  }
  return out;
}

/* The same policy, model and progress, byte by byte? */
static inline bool tiny_same_run(const char *a, const char *b)
{
  char path[2][512];
  size_t n = 0;
  bool same = true;
  static const char *const files[] = {"policy.safetensors", "model.safetensors"};
  for (int i = 0; i < 2; i++) {
    tiny_path(path[0], a, files[i]);
    tiny_path(path[1], b, files[i]);
    same = same && tiny_same_file(path[0], path[1]);
  }
  tiny_path(path[0], a, "progress.csv");
  tiny_path(path[1], b, "progress.csv");
  char *x = tiny_read(&n, path[0]), *y = tiny_read(&n, path[1]);
  char *untimed[2] = {tiny_untimed(x), tiny_untimed(y)};
  same = same && !strcmp(untimed[0], untimed[1]);
  for (int i = 0; i < 2; i++) free(untimed[i]);
  free(x);
  free(y);
  return same;
}

#endif
