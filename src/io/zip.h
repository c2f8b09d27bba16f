/* zip.h - zip archives: entries stored or deflated, read with every length and offset checked.
 * Format: PKWARE's APPNOTE.TXT, with zip64; no encryption, no spanning. The owner of zlib. */
#ifndef IO_ZIP_H
#define IO_ZIP_H

#include "io/buffer.h"
#include "io/file.h"

/* ------------------------------------------------------------------ reading */

typedef struct zip_file zip_file;
typedef struct zip_reader zip_reader;

/* Reads the directory of the archive. EIO, EFORMAT, ENOMEM. */
MUST_CHECK mopo_status zip_file_open(zip_file **out, const char *path, mopo_error *err);
void zip_file_close(zip_file *z);
const char *zip_name(const zip_file *z); /* of the file, short enough for messages */
/* How many entries the archive says it has. */
uint64_t zip_entries(const zip_file *z);
/* Name of the i-th entry, its first bytes if it is longer than `size`; "" past the last, or where
 * the directory is damaged. Names come in time that grows with i. */
void zip_entry_name(char *name, size_t size, const zip_file *z, uint64_t i);
/* Opens the entry of that name; *out is NULL if there is none. EFORMAT (outside the file, packed
 * otherwise, larger than its bytes can hold), ENOMEM. */
MUST_CHECK mopo_status zip_open(zip_reader **out, const zip_file *z, const char *name,
                                mopo_error *err);
void zip_close(zip_reader *r);
/* Bytes that are left to read, unpacked. */
uint64_t zip_rest(const zip_reader *r);
/* The next n bytes. EIO, EFORMAT (fewer, damaged). */
MUST_CHECK mopo_status zip_read(zip_reader *r, void *bytes, size_t n, mopo_error *err);
/* At the end: does the checksum agree? EFORMAT. */
MUST_CHECK mopo_status zip_check(const zip_reader *r, mopo_error *err);

/* ------------------------------------------------------------------ writing */

/* {0} is an empty archive. */
typedef struct zip_out {
  buffer data, directory;
  int entries;
  bool too_long; /* an entry, or all, beyond 4 GB */
} zip_out;

/* Adds an entry, deflated; its bytes are the pieces, one after the other. */
void zip_out_entry(zip_out *z, const char *name, const file_piece *pieces, int n);
/* Writes the file whole and empties z, in every case. EIO, ENOMEM, EINVAL (more than 4 GB). */
MUST_CHECK mopo_status zip_out_write(zip_out *z, const char *path, mopo_error *err);

#endif
