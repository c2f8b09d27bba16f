/* rowlog.h - a file of rows of one size that only grows: what a long recording has so far, safe
 * from any crash up to its last rowlog_sync. */
#ifndef IO_ROWLOG_H
#define IO_ROWLOG_H

#include "base/error.h"

typedef struct rowlog rowlog;

/* Opens `path` for rows of row_bytes, keeps its first `rows` and cuts off what follows; 0: begins
 * anew. Only one process at a time has it. EIO (also when another has it), EFORMAT (it holds fewer
 * rows), ENOMEM. */
MUST_CHECK mopo_status rowlog_open(rowlog **out, const char *path, size_t row_bytes, int64_t rows,
                                   mopo_error *err);
MUST_CHECK mopo_status rowlog_add(rowlog *l, const void *row, mopo_error *err);
/* Every row so far is on the disk. */
MUST_CHECK mopo_status rowlog_sync(rowlog *l, mopo_error *err);
int64_t rowlog_rows(const rowlog *l);
/* Row i (at most rowlog_rows - 1), [row_bytes]; reading one after the other is fast. Borrowed until
 * the next call. */
MUST_CHECK mopo_status rowlog_read(rowlog *l, const void **row, int64_t i, mopo_error *err);
/* Closes; the file stays. NULL is fine. */
void rowlog_free(rowlog *l);

#endif
