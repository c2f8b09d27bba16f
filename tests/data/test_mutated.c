/* test_mutated.c [FILES] - D4RL and Minari files with bytes changed where it hurts: whatever the
 * HDF5 library makes of them in its own process, here it is a dataset or one line. The mutations
 * are drawn from one seed; file k is the same for any FILES (default 300). */
#include "check.h"

#include "base/rng.h"
#include "data/dataset.h"
#include "io/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char PATH[] = "mutated.hdf5";
static int files = 300;

typedef struct bytes {
  char *at;
  size_t n;
} bytes;

enum { SOURCES = 8 };

static bytes source(int i)
{
  static const char *const names[SOURCES] = {
      "h5py_plain.hdf5",     "h5py_contiguous.hdf5",  "h5py_odd_chunks.hdf5", "h5py_fletcher.hdf5",
      "h5py_kind_text.hdf5", "h5py_bad_virtual.hdf5", "h5py_bad_chunk.hdf5",  "minari_1.hdf5"};
  char path[1024];
  bytes b = {0};
  mopo_error e;
  snprintf(path, sizeof path, FIXTURES "/%s", names[i]);
  assert_ok(file_read(&b.at, &b.n, path, 1 << 20, &e), e);
  return b;
}

/* A place where the file says something: half of the time one that holds more than zeros. */
static size_t place(const bytes *b, rng_stream *s)
{
  size_t at = rng_below(s, b->n);
  if (rng_below(s, 2))
    while (!b->at[at] && at + 1 < b->n) at++;
  return at;
}

/* A length, an address or a count of 1, 2, 4 or 8 bytes becomes another. */
static void change_number(bytes *b, rng_stream *s)
{
  static const uint64_t values[] = {0,       1,          2,         255,       65535,
                                    1 << 20, UINT32_MAX, INT64_MAX, UINT64_MAX};
  size_t width = (size_t)1 << rng_below(s, 4), at = place(b, s);
  uint64_t x = 0;
  if (at + width > b->n) return;
  memcpy(&x, b->at + at, width);
  uint64_t how = rng_below(s, 4);
  x = how == 0 ? x + 1 : how == 1 ? x - 1 : how == 2 ? x * 2 : values[rng_below(s, 9)];
  memcpy(b->at + at, &x, width);
}

/* A stretch is overwritten by another of this file or of another. */
static void splice(bytes *b, const bytes *from, rng_stream *s)
{
  size_t n = rng_below(s, 200) + 1, to = place(b, s), at = place(from, s);
  if (n > b->n - to) n = b->n - to;
  if (n > from->n - at) n = from->n - at;
  memmove(b->at + to, from->at + at, n);
}

static void mutate(bytes *b, const bytes *other, rng_stream *s)
{
  for (uint64_t k = rng_below(s, 6) + 1; k > 0; k--) {
    size_t at = place(b, s);
    switch (rng_below(s, 6)) {
    case 0:
      b->at[at] = (char)(b->at[at] ^ (1 << rng_below(s, 8)));
      break;
    case 1:
      b->at[at] = (char)rng_below(s, 256);
      break;
    case 2:
      splice(b, rng_below(s, 2) ? b : other, s);
      break;
    case 3:
      if (rng_below(s, 4) == 0) b->n = at + 1; /* and what follows has less */
      break;
    default:
      change_number(b, s);
    }
  }
}

static int open_files(void)
{
  int n = 0;
  DIR *d = opendir("/proc/self/fd");
  while (readdir(d)) n++;
  closedir(d);
  return n;
}

/* Loads it, and looks at every number if it loads. */
static mopo_status load(int k)
{
  mopo_error e = {0};
  mopo_dataset *d = NULL;
  mopo_status st = mopo_dataset_load(&d, PATH, NULL, &e);
  if (st == MOPO_OK) {
    mopo_dataset_info info;
    assert_ok(mopo_dataset_describe(&info, d, &e), e);
  } else if (strncmp(e.msg, "mutated.hdf5: ", 14) != 0 || strchr(e.msg, '\n') || d) {
    fail_msg("file %d: status %d, '%s'", k, st, e.msg);
  }
  mopo_dataset_free(d);
  return st;
}

static void none_brings_this_process_down(void **state)
{
  (void)state;
  int seen[MOPO_EFORMAT + 16] = {0}, before = open_files();
  bytes all[SOURCES];
  for (int i = 0; i < SOURCES; i++) all[i] = source(i);
  for (int k = 0; k < files; k++) {
    rng_stream s = rng_stream_of(rng_index(rng_seed(4000), (uint64_t)k));
    const bytes *from = &all[rng_below(&s, SOURCES)], *other = &all[rng_below(&s, SOURCES)];
    bytes b = {malloc(from->n), from->n};
    memcpy(b.at, from->at, from->n);
    mutate(&b, other, &s);
    mopo_error e;
    assert_ok(file_write(PATH, b.at, b.n, &e), e);
    free(b.at);
    mopo_status st = load(k);
    if (st != MOPO_OK && st != MOPO_EFORMAT && st != MOPO_EDATA && st != MOPO_ENOMEM)
      fail_msg("file %d: status %d", k, st);
    seen[st]++;
  }
  for (int i = 0; i < SOURCES; i++) free(all[i].at);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
  assert_int_equal(open_files(), before);
  assert_true(seen[MOPO_EFORMAT] > 0 && seen[MOPO_OK] > 0); /* neither all spoilt nor all whole */
  print_message("%d files: %d load, %d have bad data, %d are refused, %d want too much memory\n",
                files, seen[MOPO_OK], seen[MOPO_EDATA], seen[MOPO_EFORMAT], seen[MOPO_ENOMEM]);
  unlink(PATH);
}

int main(int argc, char **argv)
{
  if (argc > 1) files = (int)strtol(argv[1], NULL, 10);
  const struct CMUnitTest tests[] = {cmocka_unit_test(none_brings_this_process_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
