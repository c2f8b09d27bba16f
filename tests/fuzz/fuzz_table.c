/* fuzz_table.c - a line of columns, and any bytes as the dataset's CSV file; behind a '!' bad rows
 * are cut out and actions clipped. */
#include "data/dataset.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  char columns[256] = "";
  mopo_error err = {0};
  mopo_dataset *d = NULL;
  const uint8_t *end = n ? memchr(bytes, '\n', n < sizeof columns ? n : sizeof columns) : NULL;
  size_t line = end ? (size_t)(end - bytes) : 0;
  if (line) memcpy(columns, bytes, line);
  const bool lenient = *columns == '!';
  mopo_import how = {.size = sizeof how, .columns = line > lenient ? columns + lenient : NULL};
  if (lenient) how.bad_rows = MOPO_BAD_ROWS_CUT, how.clip_actions = true;
  line += end != NULL;
  fuzz_file(FUZZ_DIR "/a.csv", bytes + line, n - line);
  mopo_status st = mopo_dataset_import(&d, FUZZ_DIR "/a.csv", &how, NULL, &err);
  fuzz_check(st, &err, d);
  if (d) fuzz_want(d->N > 0 && d->at.S > 0 && d->at.A > 0);
  mopo_dataset_free(d);
  return 0;
}
