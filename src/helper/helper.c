/* helper.c - see helper.h. */
#include "helper/helper.h"

#include "helper/confine.h"
#include "io/guard_wire.h"

#include <errno.h>
#include <unistd.h>

static bool send_bytes(const void *bytes, size_t n)
{
  const char *p = bytes;
  while (n > 0) {
    ssize_t k = write(STDOUT_FILENO, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    p += k;
    n -= (size_t)k;
  }
  return true;
}

static mopo_status send_two(const message *m, const void *bytes, size_t n)
{
  return send_bytes(m, sizeof *m) && send_bytes(bytes, n) ? MOPO_OK : MOPO_EIO;
}

static mopo_status send_shapes(void *ctx, const io_array *arrays, int n, mopo_error *err)
{
  (void)ctx, (void)err;
  shape shapes[ARRAYS_MAX];
  for (int i = 0; i < n; i++)
    shapes[i] = (shape){arrays[i].rows, (int32_t)arrays[i].cols, arrays[i].present};
  message m = {.kind = SHAPES, .n = n};
  return send_two(&m, shapes, (size_t)n * sizeof *shapes);
}

static mopo_status send_rows(void *ctx, int a, int64_t first, int n, const void *values,
                             mopo_error *err)
{
  const io_array *arrays = ctx;
  (void)err;
  message m = {.kind = ROWS, .array = a, .n = n, .first = first};
  return send_two(&m, values, (size_t)n * (size_t)arrays[a].cols * io_cell(arrays[a].as));
}

int helper_run(helper_parser *parse, void (*prepare)(void), int argc, char **argv)
{
  io_array arrays[ARRAYS_MAX] = {0};
  int n = argc - 2;
  if (n < 1 || n > ARRAYS_MAX) return 2;
  for (int i = 0; i < n; i++) {
    const char *wanted = argv[2 + i];
    if (!wanted[0] || !wanted[1]) return 2;
    arrays[i] = (io_array){.name = wanted + 2, .as = wanted[0], .required = wanted[1] == '!'};
  }
  off_t bytes = lseek(HELPER_FILE, 0, SEEK_END);
  if (bytes < 0) return 2;
  if (prepare) prepare();
  message hello = {.kind = HELLO, .n = confine(HELPER_FILE, (long long)bytes)};
  if (!send_bytes(&hello, sizeof hello)) return 1;
  io_sink sink = {send_shapes, send_rows, NULL, arrays, NULL};
  mopo_error e = {0};
  e.code = parse(HELPER_FILE, argv[1], arrays, n, &sink, &e);
  message m = {.kind = END};
  _exit(send_two(&m, &e, sizeof e) ? 1 : 0);
}
