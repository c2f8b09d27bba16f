/* memory.c - the one file of a fuzz target is in memory: what the library asks of io/file.h and of
 * the C library (linked with --wrap, CMakeLists.txt) is answered from there for paths that begin
 * with FUZZ_DIR, which nothing on a disk does. Nothing is written, and a call costs no system call.
 * src/io/file.c itself is tested in tests/io/test_file.c and tests/faults. */
#include "fuzz.h"

#include "io/file.h"
#include "io/part.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *the_path = "";
static const uint8_t *the_bytes;
static size_t the_size;

void fuzz_file(const char *path, const uint8_t *bytes, size_t n)
{
  the_path = path;
  the_bytes = bytes;
  the_size = n;
}

size_t fuzz_file_size(void) { return the_size; }

static long accepted;

void fuzz_count_accepted(void) { accepted++; }
long fuzz_accepted(void) { return accepted; }

#define WRAP(type, name, ...)      \
  type __real_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__); \
  type __wrap_##name(__VA_ARGS__)

static bool is_ours(const char *path) { return strncmp(path, FUZZ_DIR, strlen(FUZZ_DIR)) == 0; }
static bool is_there(const char *path) { return strcmp(path, the_path) == 0; }

/* A block of its own that ends where the file does, so that a sanitizer sees a read past it. */
WRAP(mopo_status, file_read, char **out, size_t *n, const char *path, size_t max, mopo_error *err)
{
  fuzz_want(is_there(path) && the_size <= max);
  (void)err;
  *out = malloc(the_size + 1);
  *n = the_size;
  fuzz_want(*out != NULL);
  if (the_size) memcpy(*out, the_bytes, the_size);
  (*out)[the_size] = 0;
  return MOPO_OK;
}

WRAP(mopo_status, file_read_watched, char **out, size_t *n, const char *path, size_t max,
     const mopo_watch *watch, mopo_error *err)
{
  (void)watch;
  return __wrap_file_read(out, n, path, max, err);
}

WRAP(bool, file_exists, const char *path) { return is_there(path); }

/* Only ever to leave a beginning of it. */
static void cut(const char *path, size_t n)
{
  if (!is_there(path)) return;
  fuzz_want(n <= the_size);
  the_size = n;
}

WRAP(mopo_status, file_write, const char *path, const void *bytes, size_t n, mopo_error *err)
{
  fuzz_want(is_ours(path) && (n <= the_size ? n == 0 || memcmp(bytes, the_bytes, n) == 0 : false));
  (void)err;
  cut(path, n);
  return MOPO_OK;
}

WRAP(int, truncate, const char *path, off_t n)
{
  fuzz_want(is_ours(path) && n >= 0);
  cut(path, (size_t)n);
  return 0;
}

WRAP(int, stat, const char *path, struct stat *about)
{
  if (!is_ours(path)) return __real_stat(path, about);
  fuzz_want(is_there(path));
  *about = (struct stat){.st_mode = S_IFREG, .st_size = (off_t)the_size};
  return 0;
}

/* What is written is lost. */
WRAP(FILE *, file_stream, const char *path, const char *how)
{
  if (!is_ours(path)) return __real_file_stream(path, how);
  if (*how != 'r') return fopencookie(NULL, how, (cookie_io_functions_t){0});
  fuzz_want(is_there(path));
  return fmemopen((void *)(uintptr_t)the_bytes, the_size, "rb");
}
